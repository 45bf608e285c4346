/* SPDX-License-Identifier: MIT */
/*
 * linux/vfio.h for the files of vfio/. Its struct vfio_iova_range (start, end)
 * bears the name of the one in vfio/container.h (first, last): here it is
 * called linux_vfio_iova_range.
 */
#ifndef VFIO_UAPI_H
#define VFIO_UAPI_H

#define vfio_iova_range linux_vfio_iova_range
#include <linux/vfio.h>
#undef vfio_iova_range

#endif
