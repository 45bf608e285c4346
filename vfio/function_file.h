/* SPDX-License-Identifier: MIT */
/*
 * The file by which a function is opened, which whoever can open files hands to who has the
 * function.
 */
#ifndef VFIO_FUNCTION_FILE_H
#define VFIO_FUNCTION_FILE_H

#include "vfio/failure.h"
#include "vfio/iommu.h"
#include "vfio/pci.h"

/*
 * Look whether a guest may have a function: it is there, no bridge, has an IOMMU group, all of
 * which is VFIO's or nobody's, and is bound to vfio-pci or a variant of it. Changes nothing.
 */
int vfio_function_look(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
		       struct pci_function *ret_fn, struct vfio_failure *ret_failure) _must_check_;

/* With type1 that of its IOMMU group, with iommufd its own. */
struct vfio_function_file {
	int group; /* its number */
	int fd;	   /* owned; -1: the group's is open already, perhaps by the one that wants it */
};

/*
 * Look whether a function is bound to vfio-pci and a guest may have it, and open the file by which
 * a guest gets it whose DMA goes by that kind. Changes nothing.
 */
int vfio_function_file_open(const struct pci_host_fs *fs, enum vfio_iommu_kind kind,
			    const struct pci_bdf *bdf, struct vfio_function_file *ret_file,
			    struct vfio_failure *ret_failure) _must_check_;

#endif
