/* SPDX-License-Identifier: MIT */
/*
 * DMA by iommufd, and functions opened by files of their own. Private to vfio/.
 */
#ifndef VFIO_IOMMUFD_H
#define VFIO_IOMMUFD_H

#include "vfio/iommu_ops.h"

extern const struct vfio_iommu_ops vfio_iommufd_ops;

#endif
