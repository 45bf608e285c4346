/* SPDX-License-Identifier: MIT */
/*
 * One address space for the DMA of all functions of a guest: a VFIO container with a type1v2 IOMMU,
 * or an iommufd. Who uses it does not know which.
 *
 * Threads: all of this, and opening and closing functions, is for one at a time.
 */
#ifndef VFIO_CONTAINER_H
#define VFIO_CONTAINER_H

#include "vfio/holes.h"
#include "vfio/iommu.h"

struct vfio_container;

/* Of a kind that vfio_iommu_choose() gave. Opens its file; the first function makes the space. */
int vfio_container_create(enum vfio_iommu_kind kind, struct vfio_container **ret_container,
			  struct vfio_failure *ret_failure) _must_check_;
/* NULL is allowed; devices of it must be gone. DMA mappings end here. */
void vfio_container_destroy(struct vfio_container *c);
/* As it was made. */
enum vfio_iommu_kind vfio_container_kind(const struct vfio_container *c);
static inline void vfio_container_destroyp(struct vfio_container **c)
{
	vfio_container_destroy(*c);
}

/* Add what the IOMMU does not map, as far as groups have joined. 0, or -E2BIG. */
int vfio_container_holes(const struct vfio_container *c, struct vfio_holes *holes) _must_check_;

/*
 * Let devices reach size bytes at va under iova, all page aligned. A
 * function must be open. Pins the memory: va must stay mapped until the last function is
 * closed, which ends the mapping. -ERANGE VFIO_FAILURE_IOVA (other: the hole that it meets),
 * -ENOMEM VFIO_FAILURE_MEMLOCK (have: the limit, want: all that would be pinned), or other.
 */
int vfio_dma_map(struct vfio_container *c, uint64_t iova, uint64_t size, void *va,
		 struct vfio_failure *ret_failure) _must_check_;

/*
 * Have that mapped whenever a function comes that is the only one (vfio_device_reattach(),
 * vfio_device_adopt()). Before a guest runs, and where functions are open, of what is mapped.
 * Nothing is pinned now.
 */
int vfio_dma_keep(struct vfio_container *c, uint64_t iova, uint64_t size, void *va,
		  struct vfio_failure *ret_failure) _must_check_;

/* Who waits while much memory is pinned, some seconds for each hundred GiB. */
struct vfio_dma_progress {
	uint64_t piece; /* bytes, a multiple of the page size: this much is mapped at a time */
	/*
	 * Before each piece: done bytes of size are mapped. False: no more. It ends with
	 * -EINTR, and what is mapped stays so until the last function is closed.
	 */
	bool (*go_on)(void *ctx, uint64_t done, uint64_t size);
	void *ctx;
};

/* The same, in pieces. */
int vfio_dma_map_in_pieces(struct vfio_container *c, uint64_t iova, uint64_t size, void *va,
			   const struct vfio_dma_progress *progress,
			   struct vfio_failure *ret_failure) _must_check_;

#endif
