/* SPDX-License-Identifier: MIT */
/*
 * Could a guest have this function? Looks, and changes nothing.
 */
#ifndef VFIO_LOOK_H
#define VFIO_LOOK_H

#include "vfio/pci.h"

/*
 * What stands in the way of a guest that gets the function and those of with (NULL: no others):
 * that it is not there, is a bridge, has no IOMMU group or no interrupts, that it has virtual
 * functions, or is one whose physical function VFIO has, that the host uses it, that its group is
 * not viable, or that another process has its group open. What sysfs does not tell is not known
 * here, and opening the function may still fail. A function without driver may have no group before
 * it is bound, and that is in nobody's way.
 *
 * 0; or negative errno and ret_failure. ret_fn is filled in where the function is there.
 */
int vfio_look(const struct pci_host_fs *fs, const struct pci_bdf *bdf, const struct pci_set *with,
	      struct pci_function *ret_fn, struct vfio_failure *ret_failure) _must_check_;

#endif
