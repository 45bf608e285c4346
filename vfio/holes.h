/* SPDX-License-Identifier: MIT */
/*
 * Addresses at which a function's DMA does not reach memory, whatever the IOMMU maps there: a
 * guest's memory must not be at them, as it is mapped at IOVA = GPA.
 */
#ifndef VFIO_HOLES_H
#define VFIO_HOLES_H

#include "vfio/pci.h"

#define VFIO_MAX_HOLES 128u

enum vfio_hole_kind {
	/*
	 * A window of the function's host bridge: it may take the access for one to another device,
	 * before the IOMMU sees it.
	 */
	VFIO_HOLE_WINDOW,
	VFIO_HOLE_DMA_RANGES, /* that host bridge lets nothing through there */
	VFIO_HOLE_RESERVED,   /* a reserved region of the function's IOMMU group */
	VFIO_HOLE_IOMMU,      /* outside of what the IOMMU maps */
};

struct vfio_hole {
	uint64_t first, last; /* IOVA, inclusive */
	enum vfio_hole_kind kind;
	char of[32]; /* the host bridge ("pci0000:00"), the region's type ("msi"), or "" */
};

struct vfio_holes {
	struct vfio_hole list[VFIO_MAX_HOLES]; /* each once, in no order */
	size_t nr;
	/* What is not known: of a host bridge's windows, its name, else ""; of a function without
	 * group. */
	char unread_windows[32];
	bool unknown_group;
};

/*
 * Add what holds for a function. The device tree tells windows, or /proc/iomem where there is none,
 * which shows addresses to root only. Windows are in the addresses of the bus, as DMA is; those of
 * /proc/iomem are the CPU's, and BARs that lie in one tell how far it is from the bus's. 0, -ENOENT
 * where there is no such function, -E2BIG beyond VFIO_MAX_HOLES, or what sysfs answered.
 */
int vfio_holes_of_function(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
			   struct vfio_holes *holes) _must_check_;

/* Add one, unless it is there, or inside of another one. 0, or -E2BIG. */
int vfio_hole_add(struct vfio_holes *holes, const struct vfio_hole *hole) _must_check_;

#endif
