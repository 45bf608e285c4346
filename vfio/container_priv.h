/* SPDX-License-Identifier: MIT */
/*
 * A container's inside, for the files of vfio/ that open functions.
 */
#ifndef VFIO_CONTAINER_PRIV_H
#define VFIO_CONTAINER_PRIV_H

#include <pthread.h>

#include "vfio/container.h"
#include "vfio/iommu_ops.h"

/* Guest memory is a few ranges. */
#define VFIO_MAX_KEPT 16u

struct dma_range {
	uint64_t iova, size;
	void *va;
};

struct vfio_container {
	struct vfio_sys sys; /* constant */
	struct vfio_iommu iommu;
	/*
	 * Held by who lets go of a function while a guest runs, and by who resets a slot: its
	 * functions and their groups stay meanwhile. A function's own may be held before it.
	 */
	pthread_mutex_t slots;
	/* From here on: opening, mapping and teardown, one thread at a time. */
	struct vfio_device *devices;	      /* open, not owned; under slots where a guest runs */
	uint64_t mapped;		      /* bytes of DMA mappings */
	struct dma_range kept[VFIO_MAX_KEPT]; /* vfio_dma_keep() */
	size_t nr_kept;
};

/* vfio_container_create() on other calls; sys is copied. */
int vfio_container_create_with(const struct vfio_sys *sys, enum vfio_iommu_kind kind,
			       struct vfio_container **ret_container,
			       struct vfio_failure *ret_failure) _must_check_;

/*
 * Open a function so that its DMA goes by the container. Its file, in *ret_fd, is closed by the
 * caller before vfio_container_detach(), which is given *ret_group; that one is NULL with iommufd.
 */
int vfio_container_attach(struct vfio_container *c, const struct vfio_iommu_function *fn,
			  struct vfio_group **ret_group, int *ret_fd,
			  struct vfio_failure *ret_failure) _must_check_;
/*
 * Where nothing is mapped, since a function has joined that is the only one: map what is to be
 * kept.
 */
int vfio_container_map_kept(struct vfio_container *c,
			    struct vfio_failure *ret_failure) _must_check_;
/* The last one ends all mappings. */
void vfio_container_detach(struct vfio_container *c, struct vfio_group *group);

/*
 * The same as vfio_dma_map() for a part of a BAR, which pins nothing, and its end. While functions
 * are open; any thread. 0, or negative errno; -EOPNOTSUPP: not by iommufd.
 */
int vfio_dma_map_bar(const struct vfio_container *c, uint64_t iova, uint64_t size,
		     void *va) _must_check_;
int vfio_dma_unmap_bar(const struct vfio_container *c, uint64_t iova, uint64_t size) _must_check_;

#endif
