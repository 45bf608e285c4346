/* SPDX-License-Identifier: MIT */
/*
 * Take what else a function's IOMMU group needs, so that a guest can have the function.
 */
#ifndef VFIO_GROUP_H
#define VFIO_GROUP_H

#include "vfio/pci.h"

/* What happens meanwhile. */
struct vfio_group_ops {
	/* A member was taken; was: as it was before. */
	void (*took)(void *ctx, const struct pci_function *was);
	void *ctx;
};

/*
 * Where drivers of other members are in the way of a bound function's group: bind functions to
 * vfio-pci, and take their driver from bridges. Each has a record, and is given back with the
 * function by vfio_release(). What the host uses is not taken, and what is no PCI function cannot
 * be: then nothing is, -EBUSY with VFIO_FAILURE_GROUP_IN_USE or -EPERM with
 * VFIO_FAILURE_NOT_VIABLE. 0, also where nothing was in the way; or negative errno and
 * ret_failure, and what was taken is given back.
 */
int vfio_group_take(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
		    const struct vfio_group_ops *ops,
		    struct vfio_failure *ret_failure) _must_check_;

#endif
