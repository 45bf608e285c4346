// SPDX-License-Identifier: MIT
/*
 * Giving back what was left bound. Several processes may find the same function: which of them
 * gives it back, and whether a guest has it again meanwhile, is decided with the records held.
 *
 * Lock: record_lock(), from the look at the record to its removal.
 */
#include "vfio/left_priv.h"

#include <assert.h>
#include <errno.h>

#include "vfio/fail.h"
#include "vfio/hostuse.h"
#include "vfio/pci_priv.h"
#include "vfio/record.h"

/* How long the kernel is waited for, which closes the files of a process that was killed. */
#define WAIT_STEP_MS 10u
#define WAIT_STEPS   300u

int vfio_left_list(const struct pci_host_fs *fs, struct vfio_left ret_left[], size_t max)
{
	struct pci_bdf bdfs[VFIO_LEFT_MAX];
	size_t nr_left = 0;
	int nr = records_left(fs, bdfs, max < VFIO_LEFT_MAX ? max : VFIO_LEFT_MAX);

	for (int i = 0; i < nr; i++) {
		struct bind_record record;

		/* Given back meanwhile, it is left no more. */
		if (record_read(fs, &bdfs[i], &record) < 0)
			continue;
		ret_left[nr_left++] = (struct vfio_left){ bdfs[i], record.owner.pid };
	}
	return nr < 0 ? nr : (int)nr_left;
}

static int give_back_once(const struct bind_host *host, const struct pci_host_fs *fs,
			  const struct pci_bdf *bdf, struct vfio_failure *failure)
{
	_cleanup_fd_ int lock = bind_lock_records(host, fs, bdf, failure);
	struct bind_record record;
	int r;

	if (lock < 0)
		return lock;
	if (record_read(fs, bdf, &record) < 0 || !owner_is_gone(fs, &record.owner))
		return 0;
	r = vfio_release_locked_with(host, fs, bdf, failure);
	return r < 0 ? r : 1;
}

int vfio_left_give_back_with(const struct bind_host *host, const struct pci_host_fs *fs,
			     const struct pci_bdf *bdf, struct vfio_failure *ret_failure)
{
	int r = give_back_once(host, fs, bdf, ret_failure);

	for (unsigned i = 0; r == -EBUSY && i < WAIT_STEPS; i++) {
		host->nap(host->ctx, WAIT_STEP_MS);
		r = give_back_once(host, fs, bdf, ret_failure);
	}
	return r;
}

void vfio_left_wait_with(const struct bind_host *host, const struct pci_host_fs *fs,
			 const struct pci_bdf *bdf)
{
	const struct hostuse_sys sys = hostuse_sys_of(host);
	char who[OPENER_STRLEN];
	struct pci_function fn;

	if (pci_function_get(fs, bdf, &fn) < 0 || fn.group < 0)
		return;
	for (unsigned i = 0; i < WAIT_STEPS && host_group_is_open(&sys, fs, fn.group, who); i++)
		host->nap(host->ctx, WAIT_STEP_MS);
}

int vfio_left_give_back(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
			struct vfio_failure *ret_failure)
{
	const struct bind_host host = bind_host_kernel(NULL);

	return vfio_left_give_back_with(&host, fs, bdf, ret_failure);
}

void vfio_left_wait(const struct pci_host_fs *fs, const struct pci_bdf *bdf)
{
	const struct bind_host host = bind_host_kernel(NULL);

	vfio_left_wait_with(&host, fs, bdf);
}
