// SPDX-License-Identifier: MIT
/*
 * What both of the kernel's interfaces for DMA have in common: ranges of IOVAs.
 */
#include "vfio/iommu_ops.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int vfio_iommu_take_ranges(struct vfio_iommu *iommu, const void *pairs, size_t nr)
{
	const struct vfio_sys *sys = iommu->sys;
	_cleanup_free_ struct iova_range *ranges = NULL;

	if (nr == 0 || nr > VFIO_IOVA_RANGES_MAX)
		return -EPROTO;
	ranges = sys->zalloc(sys->ctx, nr, sizeof(*ranges));
	if (!ranges)
		return -ENOMEM;
	/* Kernels before 6.6 do not align them. */
	memcpy(ranges, pairs, nr * sizeof(*ranges));
	for (size_t i = 0; i < nr; i++) {
		if (ranges[i].last < ranges[i].first ||
		    (i > 0 && ranges[i].first <= ranges[i - 1].last))
			return -EPROTO;
	}
	free(iommu->ranges);
	iommu->ranges = TAKE_PTR(ranges);
	iommu->nr_ranges = nr;
	return 0;
}
