/* SPDX-License-Identifier: MIT */
/*
 * A container's inside, for the files of vfio/ that open functions.
 */
#ifndef VFIO_CONTAINER_PRIV_H
#define VFIO_CONTAINER_PRIV_H

#include "vfio/container.h"
#include "vfio/sys.h"

/* An IOMMU group that joined: one for all of its functions. */
struct vfio_group {
	struct vfio_group *next;
	int number;
	int fd;
	unsigned users;
	bool joined; /* its container is set */
};

/* IOVAs that can be mapped: VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE. */
struct iova_range {
	uint64_t first, last; /* inclusive */
};

struct vfio_container {
	struct vfio_sys sys; /* constant */
	int fd;
	/* From here on: set-up and teardown, one thread at a time. */
	struct vfio_group *groups;   /* owned */
	struct vfio_device *devices; /* open, not owned */
	bool iommu_set;
	struct iova_range *ranges; /* owned, ascending; as of the last join */
	size_t nr_ranges;
	uint64_t mapped; /* bytes of DMA mappings */
};

/* vfio_container_create() on other calls; sys is copied. */
int vfio_container_create_with(const struct vfio_sys *sys, struct vfio_container **ret_container,
			       struct vfio_failure *ret_failure) _must_check_;

/*
 * Join a group, or count one more user where it joined before. The function's
 * name is for the failure only.
 */
int vfio_group_get(struct vfio_container *c, int number, const char *function,
		   struct vfio_group **ret_group, struct vfio_failure *ret_failure) _must_check_;
/*
 * The same as vfio_dma_map() for a part of a BAR, which pins nothing, and its end. While functions
 * are open; any thread. 0, or negative errno.
 */
int vfio_dma_map_bar(const struct vfio_container *c, uint64_t iova, uint64_t size,
		     void *va) _must_check_;
int vfio_dma_unmap_bar(const struct vfio_container *c, uint64_t iova, uint64_t size) _must_check_;

/* The last user leaves the container. NULL is allowed. */
void vfio_group_put(struct vfio_container *c, struct vfio_group *group);

#endif
