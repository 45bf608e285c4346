/* SPDX-License-Identifier: MIT */
/*
 * The file of a function's IOMMU group, which whoever can open files hands to who has the function.
 */
#ifndef VFIO_GROUP_FILE_H
#define VFIO_GROUP_FILE_H

#include "vfio/failure.h"
#include "vfio/pci.h"

/*
 * Look whether a guest may have a function: it is there, no bridge, has an IOMMU group, all of
 * which is VFIO's or nobody's, and is bound to vfio-pci or a variant of it. Changes nothing.
 */
int vfio_function_look(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
		       struct pci_function *ret_fn, struct vfio_failure *ret_failure) _must_check_;

/* How a function's IOMMU group is opened, by whoever can open files. */
struct vfio_group_file {
	int group; /* its number */
	int fd;	   /* owned; -1: it is open already, perhaps by the one that wants it */
};

/*
 * Look whether a function is bound to vfio-pci and a guest may have it, and open its group's file.
 * Changes nothing.
 */
int vfio_group_file_open(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
			 struct vfio_group_file *ret_file,
			 struct vfio_failure *ret_failure) _must_check_;

#endif
