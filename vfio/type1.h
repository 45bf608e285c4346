/* SPDX-License-Identifier: MIT */
/*
 * DMA by VFIO's container and groups. Private to vfio/.
 */
#ifndef VFIO_TYPE1_H
#define VFIO_TYPE1_H

#include "vfio/iommu_ops.h"

/* An IOMMU group that joined: one for all of its functions. */
struct vfio_group {
	struct vfio_group *next;
	int number;
	int fd;
	unsigned users;
	bool joined; /* its container is set */
};

extern const struct vfio_iommu_ops vfio_type1_ops;

#endif
