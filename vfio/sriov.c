// SPDX-License-Identifier: MIT
/*
 * Virtual functions: Documentation/ABI/testing/sysfs-bus-pci (sriov_numvfs,
 * sriov_drivers_autoprobe), Documentation/PCI/pci-iov-howto.rst.
 *
 * The kernel has the physical function's driver make them. It takes a number only where there are
 * none, and waits without end for whoever has one open before it takes them away
 * (sriov_numvfs_store()): so both are looked at beforehand.
 *
 * Lock: the records', so that no other itsy binds one meanwhile.
 */
#include "vfio/sriov_priv.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "vfio/fail.h"
#include "vfio/hostuse.h"
#include "vfio/pci_priv.h"
#include "vfio/record.h"

#define AUTOPROBE "sriov_drivers_autoprobe"

/* A change under way. */
struct change {
	const struct bind_host *host;
	const struct pci_host_fs *fs;
	const struct pci_bdf *bdf;
	char name[PCI_BDF_STRLEN];
	struct pci_function fn; /* as it was */
	struct vfio_failure *failure;
};

static int write_attr(const struct change *c, const char *attr, const char *text)
{
	struct host_path path;
	int r;

	r = pci_attr_path(&path, c->fs, c->bdf, attr);
	return r < 0 ? r : c->host->write(c->host->ctx, path.text, text);
}

static int fail_with_numbers(const struct change *c, enum vfio_failure_code code, int err,
			     uint32_t have, uint32_t want)
{
	int r = vfio_fail(c->failure, code, err, "%s", c->name);

	vfio_failure_numbers(c->failure, have, want);
	return r;
}

static int no_vfs_by_driver(const struct change *c)
{
	int r = vfio_fail(c->failure, VFIO_FAILURE_NO_VFS_BY_DRIVER, -ENODEV, "%s", c->name);

	vfio_failure_driver(c->failure, c->fn.driver);
	return r;
}

/* Of what VFIO has made the kernel gives a guest none (pci_sriov_viable()). */
static int check_numbers(const struct change *c, uint32_t nr)
{
	if (!c->fn.vfs_max && !c->fn.vfs)
		return vfio_fail(c->failure, VFIO_FAILURE_NO_SRIOV, -ENOTSUP, "%s", c->name);
	if (nr > c->fn.vfs_max)
		return fail_with_numbers(c, VFIO_FAILURE_TOO_MANY_VFS, -ERANGE, c->fn.vfs_max, nr);
	if (nr && c->fn.vfs && nr != c->fn.vfs)
		return fail_with_numbers(c, VFIO_FAILURE_HAS_VFS, -EBUSY, c->fn.vfs, nr);
	if (nr && !c->fn.vfs && (!c->fn.driver[0] || pci_driver_is_vfio(c->fn.driver)))
		return no_vfs_by_driver(c);
	return 0;
}

static int in_use(const struct change *c, enum vfio_failure_code code, const struct pci_bdf *vf,
		  const char *who)
{
	char name[PCI_BDF_STRLEN];
	int r = vfio_fail(c->failure, code, -EBUSY, "%s", pci_bdf_format(vf, name));

	vfio_failure_other(c->failure, who);
	return r;
}

/* A record tells of a guest that has not opened it yet, and of itsy bind. */
static int check_vf_of_vfio(const struct change *c, const struct pci_function *vf)
{
	const struct hostuse_sys sys = hostuse_sys_of(c->host);
	struct bind_record record;
	char who[OPENER_STRLEN];

	if (vf->group >= 0 && host_group_is_open(&sys, c->fs, vf->group, who))
		return in_use(c, VFIO_FAILURE_BUSY, &vf->bdf, who);
	if (record_read(c->fs, &vf->bdf, &record) != -ENOENT)
		return in_use(c, VFIO_FAILURE_TAKEN, &vf->bdf, "");
	return 0;
}

/* May it be taken away? */
static int check_vf(const struct change *c, const struct pci_bdf *bdf)
{
	const struct hostuse_sys sys = hostuse_sys_of(c->host);
	struct pci_function vf;
	char what[HOST_USE_STRLEN];
	int r;

	r = pci_function_get(c->fs, bdf, &vf);
	if (r == 0 && pci_driver_is_vfio(vf.driver))
		return check_vf_of_vfio(c, &vf);
	if (r == 0)
		r = host_uses(&sys, c->fs, bdf, what);
	if (r < 0)
		return vfio_fail(c->failure, VFIO_FAILURE_OTHER, r, "%s", c->name);
	return r ? in_use(c, VFIO_FAILURE_IN_USE_BY_HOST, bdf, what) : 0;
}

static int check_vfs(const struct change *c)
{
	struct pci_bdf vf;
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < c->fn.vfs; i++)
		if (pci_vf_get(c->fs, c->bdf, i, &vf) == 0)
			r = check_vf(c, &vf);
	return r;
}

static int refused(const struct change *c, int err)
{
	enum vfio_failure_code code = VFIO_FAILURE_NO_VFS;

	/* The driver has no sriov_configure(). */
	if (err == -ENOENT)
		return no_vfs_by_driver(c);
	if (err == -EACCES || err == -EPERM || err == -EROFS)
		code = VFIO_FAILURE_PERMISSION;
	return vfio_fail(c->failure, code, err, "%s", c->name);
}

static int set_number(const struct change *c, uint32_t nr)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%" PRIu32, nr);
	return write_attr(c, "sriov_numvfs", text);
}

/* No driver of the host's looks at a function that comes while this is 0. */
static int set_number_without_drivers(const struct change *c, uint32_t nr)
{
	struct host_path path;
	uint32_t probes = 0;
	int r, back;

	if (pci_attr_path(&path, c->fs, c->bdf, AUTOPROBE) < 0 ||
	    host_read_u32(path.text, &probes) < 0 || !probes) {
		r = set_number(c, nr);
		return r < 0 ? refused(c, r) : 1;
	}
	r = write_attr(c, AUTOPROBE, "0");
	if (r == 0)
		r = set_number(c, nr);
	back = write_attr(c, AUTOPROBE, "1");
	if (r < 0)
		return refused(c, r);
	return back < 0 ? vfio_fail(c->failure, VFIO_FAILURE_OTHER, back, "%s: " AUTOPROBE, c->name)
			: 1;
}

/* A signal that ends this process must not leave the host's setting changed. */
static int create(const struct change *c, uint32_t nr)
{
	sigset_t all, before;
	int r;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_BLOCK, &all, &before);
	r = set_number_without_drivers(c, nr);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r;
}

static int take_away(const struct change *c)
{
	int r = check_vfs(c);

	if (r < 0)
		return r;
	r = set_number(c, 0);
	return r < 0 ? refused(c, r) : 1;
}

int vfio_vfs_set_with(const struct bind_host *host, const struct pci_host_fs *fs,
		      const struct pci_bdf *bdf, uint32_t nr, struct vfio_failure *ret_failure)
{
	struct change c = { .host = host, .fs = fs, .bdf = bdf, .failure = ret_failure };
	_cleanup_fd_ int lock = -1;
	int r;

	pci_bdf_format(bdf, c.name);
	lock = bind_lock_records(host, fs, bdf, ret_failure);
	if (lock < 0)
		return lock;
	r = pci_function_get(fs, bdf, &c.fn);
	if (r < 0)
		return vfio_fail(ret_failure,
				 r == -ENOENT ? VFIO_FAILURE_NO_FUNCTION : VFIO_FAILURE_OTHER, r,
				 "%s", c.name);
	r = check_numbers(&c, nr);
	if (r < 0 || nr == c.fn.vfs)
		return r;
	return nr ? create(&c, nr) : take_away(&c);
}

int vfio_vfs_set(const struct pci_host_fs *fs, const struct pci_bdf *bdf, uint32_t nr,
		 struct vfio_failure *ret_failure)
{
	struct bind_host host = bind_host_kernel(NULL);

	return vfio_vfs_set_with(&host, fs, bdf, nr, ret_failure);
}
