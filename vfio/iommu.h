/* SPDX-License-Identifier: MIT */
/*
 * By what the DMA of a guest's functions goes: VFIO's container with a type1v2 IOMMU, or iommufd.
 * Looks, and changes nothing.
 */
#ifndef VFIO_IOMMU_H
#define VFIO_IOMMU_H

#include "vfio/pci.h"

enum vfio_iommu_kind {
	VFIO_IOMMU_TYPE1,   /* /dev/vfio/vfio, and functions by the files of their groups */
	VFIO_IOMMU_IOMMUFD, /* /dev/iommu, and functions by files of their own */
	NR_VFIO_IOMMU_KINDS
};

/* What somebody asked for. */
enum vfio_iommu_wish {
	VFIO_IOMMU_WISH_AUTO,
	VFIO_IOMMU_WISH_TYPE1,
	VFIO_IOMMU_WISH_IOMMUFD,
	NR_VFIO_IOMMU_WISHES
};

/* "type1", "iommufd"; and "auto". */
const char *vfio_iommu_kind_name(enum vfio_iommu_kind kind);
const char *vfio_iommu_wish_name(enum vfio_iommu_wish wish);

struct vfio_iommu_choice {
	enum vfio_iommu_kind kind;
	char why[80]; /* words that go behind the kind's name */
};

/*
 * What a guest with these functions gets. auto: iommufd where this host has it and the guest has
 * one function at most, or where there is nothing else; type1 where functions are more, for
 * iommufd lets none reach another one's BARs. 0; or -ENODEV and VFIO_FAILURE_NO_IOMMUFD, with the
 * reason in its other name: iommufd is asked for and not to be had. Then the choice is type1.
 */
int vfio_iommu_choose(const struct pci_host_fs *fs, enum vfio_iommu_wish wish,
		      const struct pci_set *functions, struct vfio_iommu_choice *ret_choice,
		      struct vfio_failure *ret_failure) _must_check_;

#endif
