// SPDX-License-Identifier: MIT
/*
 * Could a guest have this function? All that can be said without changing anything:
 * Documentation/ABI/testing/sysfs-bus-pci, Documentation/driver-api/vfio.rst.
 */
#include <errno.h>

#include "vfio/fail.h"
#include "vfio/look_priv.h"
#include "vfio/pci_priv.h"

/* PCI Code and ID Assignment, 1.7. */
#define PCI_CLASS_HOST_BRIDGE 0x0600u

/* One look. */
struct look {
	const struct hostuse_sys *sys;
	const struct pci_host_fs *fs;
	const struct pci_set *with;
	const struct pci_function *fn;
	char name[PCI_BDF_STRLEN];
	struct vfio_failure *failure;
};

/*
 * On hosts with a device tree an unbound function gets its group with its first driver: binding
 * will tell.
 */
static int look_at_kind(const struct look *look)
{
	const struct pci_function *fn = look->fn;

	/* The host's own to the bus has the header of a function like any other. */
	if (fn->is_bridge || fn->class_code >> 8 == PCI_CLASS_HOST_BRIDGE)
		return vfio_fail(look->failure, VFIO_FAILURE_BRIDGE, -EINVAL, "%s", look->name);
	if (fn->group < 0 && fn->driver[0])
		return vfio_fail(look->failure, VFIO_FAILURE_NO_GROUP, -ENODEV, "%s", look->name);
	return pci_sriov_viable(look->fs, fn, look->failure);
}

/* What vfio-pci has, the host uses no more. */
static int look_at_host(const struct look *look)
{
	char what[HOST_USE_STRLEN];
	int r;

	if (pci_driver_is_vfio(look->fn->driver))
		return 0;
	r = host_uses(look->sys, look->fs, &look->fn->bdf, what);
	if (r < 0)
		return vfio_fail(look->failure, VFIO_FAILURE_OTHER, r, "%s", look->name);
	if (r == 0)
		return 0;
	r = vfio_fail(look->failure, VFIO_FAILURE_IN_USE_BY_HOST, -EBUSY, "%s", look->name);
	vfio_failure_other(look->failure, what);
	return r;
}

static int look_at_group(const struct look *look)
{
	char who[OPENER_STRLEN];
	int r;

	if (look->fn->group < 0)
		return pci_upstream_viable(look->fs, look->fn, look->failure);
	r = pci_group_viable(look->fs, look->fn, look->with, look->failure);
	if (r < 0 || !host_group_is_open(look->sys, look->fs, look->fn->group, who))
		return r;
	r = vfio_fail(look->failure, VFIO_FAILURE_BUSY, -EBUSY, "%s", look->name);
	vfio_failure_other(look->failure, who);
	return r;
}

int vfio_look_with(const struct hostuse_sys *sys, const struct pci_host_fs *fs,
		   const struct pci_bdf *bdf, const struct pci_set *with,
		   struct pci_function *ret_fn, struct vfio_failure *ret_failure)
{
	struct look look = { sys, fs, with, ret_fn, .failure = ret_failure };
	int r;

	pci_bdf_format(bdf, look.name);
	r = pci_function_get(fs, bdf, ret_fn);
	if (r < 0)
		return vfio_fail(ret_failure,
				 r == -ENOENT ? VFIO_FAILURE_NO_FUNCTION : VFIO_FAILURE_OTHER, r,
				 "%s", look.name);
	r = look_at_kind(&look);
	if (r == 0)
		r = look_at_host(&look);
	return r < 0 ? r : look_at_group(&look);
}

int vfio_look(const struct pci_host_fs *fs, const struct pci_bdf *bdf, const struct pci_set *with,
	      struct pci_function *ret_fn, struct vfio_failure *ret_failure)
{
	struct hostuse_sys sys = hostuse_sys_kernel();

	return vfio_look_with(&sys, fs, bdf, with, ret_fn, ret_failure);
}
