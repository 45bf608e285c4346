// SPDX-License-Identifier: MIT
/*
 * Which of the host's CPUs takes a function's interrupts.
 *
 * sysfs lists the numbers of a function's interrupts in msi_irqs/; the list of
 * CPUs of each is /proc/irq/N/smp_affinity_list. The kernel keeps what was written
 * there also while a vector is masked at the device.
 *
 * No locks.
 */
#include "vfio/affinity.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "vfio/device.h"
#include "vfio/fail.h"
#include "vfio/hostfs.h"

/* The longest list of CPUs that can be remembered; what has a longer one is not moved. */
#define LIST_MAX 128u

struct moved {
	uint32_t irq;
	char was[LIST_MAX];
};

struct vfio_affinity {
	struct pci_host_fs fs;
	char bdf[PCI_BDF_STRLEN];
	char cpu[12];
	unsigned left;
	struct vfio_failure *failure;
	size_t nr;
	struct moved list[VFIO_MAX_VECTORS];
};

static int list_path(struct host_path *ret_path, const struct pci_host_fs *fs, uint32_t irq)
{
	return host_path(ret_path, fs, "/proc/irq/%u/smp_affinity_list", irq);
}

static int move(struct vfio_affinity *a, uint32_t irq)
{
	struct moved *moved = &a->list[a->nr];
	struct host_path path;
	int r;

	if (a->nr == VFIO_MAX_VECTORS)
		return -E2BIG;
	r = list_path(&path, &a->fs, irq);
	if (r == 0)
		r = host_read_text(path.text, moved->was, sizeof(moved->was));
	/* It may have been cut while it was read, and could not be put back. */
	if (r == 0 && strlen(moved->was) >= LIST_MAX - 2)
		r = -E2BIG;
	if (r == 0)
		r = host_write_text(path.text, a->cpu);
	if (r < 0)
		return r;
	moved->irq = irq;
	a->nr++;
	return 0;
}

/* An interrupt that cannot be moved is counted, and the others are moved nevertheless. */
static int move_one(void *ctx, const char *name)
{
	struct vfio_affinity *a = ctx;
	char *end;
	unsigned long irq = strtoul(name, &end, 10);
	int r = *end || irq > UINT32_MAX ? -EINVAL : move(a, (uint32_t)irq);

	if (r < 0 && !a->left++)
		(void)vfio_fail(a->failure,
				r == -EACCES ? VFIO_FAILURE_PERMISSION : VFIO_FAILURE_OTHER, r,
				"%s", name);
	return 0;
}

int vfio_affinity_set(const struct pci_host_fs *fs, const struct pci_bdf *bdf, unsigned cpu,
		      struct vfio_affinity **ret_affinity, unsigned *ret_left,
		      struct vfio_failure *ret_failure)
{
	_cleanup_free_ struct vfio_affinity *a = calloc(1, sizeof(*a));
	struct host_path path;
	int r;

	if (!a)
		return vfio_fail(ret_failure, VFIO_FAILURE_OTHER, -ENOMEM, "msi_irqs");
	a->fs = *fs;
	a->failure = ret_failure;
	(void)snprintf(a->cpu, sizeof(a->cpu), "%u", cpu);
	r = host_path(&path, fs, "/sys/bus/pci/devices/%s/msi_irqs", pci_bdf_format(bdf, a->bdf));
	if (r == 0)
		r = host_each_entry(path.text, move_one, a);
	if (r < 0)
		return vfio_fail(ret_failure, VFIO_FAILURE_OTHER, r, "msi_irqs");
	a->failure = NULL;
	*ret_left = a->left;
	*ret_affinity = TAKE_PTR(a);
	return 0;
}

/* Its number may be another function's by now. */
static bool is_the_functions(const struct vfio_affinity *a, uint32_t irq)
{
	struct host_path path;

	return host_path(&path, &a->fs, "/sys/bus/pci/devices/%s/msi_irqs/%u", a->bdf, irq) == 0 &&
	       host_exists(path.text);
}

void vfio_affinity_restore(struct vfio_affinity *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < a->nr; i++) {
		struct host_path path;

		/* Fails if those CPUs have gone: nothing to put back then. */
		if (is_the_functions(a, a->list[i].irq) &&
		    list_path(&path, &a->fs, a->list[i].irq) == 0)
			(void)!host_write_text(path.text, a->list[i].was);
	}
	free(a);
}

void vfio_affinity_forget(struct vfio_affinity *a)
{
	free(a);
}
