// SPDX-License-Identifier: MIT
/*
 * Containers: one address space for the DMA of all functions of a guest, by either of the kernel's
 * interfaces (vfio/iommu_ops.h).
 *
 * Lock: `slots` (container_priv.h), taken by open.c and reset.c. All else here is set-up and
 * teardown, which one thread does.
 */
#include "vfio/container_priv.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vfio/fail.h"
#include "vfio/iommufd.h"
#include "vfio/type1.h"

static const struct vfio_iommu_ops *const ops_of[NR_VFIO_IOMMU_KINDS] = {
	[VFIO_IOMMU_TYPE1] = &vfio_type1_ops,
	[VFIO_IOMMU_IOMMUFD] = &vfio_iommufd_ops,
};

int vfio_container_create_with(const struct vfio_sys *sys, enum vfio_iommu_kind kind,
			       struct vfio_container **ret_container,
			       struct vfio_failure *ret_failure)
{
	_cleanup_(vfio_container_destroyp) struct vfio_container *c = NULL;
	int r;

	assert(sys->page_size > 0);
	c = sys->zalloc(sys->ctx, 1, sizeof(*c));
	if (!c)
		return vfio_fail(ret_failure, VFIO_FAILURE_OTHER, -ENOMEM, "container");
	/* Linux's need nothing that could fail. */
	r = pthread_mutex_init(&c->slots, NULL);
	assert(r == 0);
	c->sys = *sys;
	c->iommu = (struct vfio_iommu){ .ops = ops_of[kind], .sys = &c->sys, .fd = -1 };

	r = c->iommu.ops->open(&c->iommu, ret_failure);
	if (r < 0)
		return r;
	*ret_container = TAKE_PTR(c);
	return 0;
}

int vfio_container_create(enum vfio_iommu_kind kind, struct vfio_container **ret_container,
			  struct vfio_failure *ret_failure)
{
	struct vfio_sys sys = vfio_sys_kernel();

	return vfio_container_create_with(&sys, kind, ret_container, ret_failure);
}

enum vfio_iommu_kind vfio_container_kind(const struct vfio_container *c)
{
	return c->iommu.ops->kind;
}

void vfio_container_destroy(struct vfio_container *c)
{
	if (!c)
		return;
	assert(!c->iommu.ready || c->iommu.kept);
	if (c->iommu.fd >= 0)
		c->sys.close(c->sys.ctx, c->iommu.fd);
	pthread_mutex_destroy(&c->slots);
	free(c->iommu.ranges);
	free(c);
}

void vfio_container_detach(struct vfio_container *c, struct vfio_group *group)
{
	c->iommu.ops->detach(&c->iommu, group);
	if (!c->iommu.ready)
		c->mapped = 0;
}

/* The first part of [first, last] that no range covers: *ret_hole, and true. */
static bool find_hole(const struct vfio_container *c, uint64_t first, uint64_t last,
		      struct iova_range *ret_hole)
{
	uint64_t hole_first = 0;

	for (size_t i = 0; i < c->iommu.nr_ranges; i++) {
		const struct iova_range *range = &c->iommu.ranges[i];

		if (first >= range->first && last <= range->last)
			return false;
		if (range->first > first) {
			*ret_hole = (struct iova_range){ hole_first, range->first - 1 };
			return true;
		}
		if (range->last == UINT64_MAX)
			return false;
		if (first <= range->last)
			first = range->last + 1;
		hole_first = range->last + 1;
	}
	*ret_hole = (struct iova_range){ hole_first, UINT64_MAX };
	return true;
}

static int add_unmappable(struct vfio_holes *holes, uint64_t first, uint64_t last)
{
	const struct vfio_hole hole = { first, last, VFIO_HOLE_IOMMU, "" };

	return vfio_hole_add(holes, &hole);
}

int vfio_container_holes(const struct vfio_container *c, struct vfio_holes *holes)
{
	uint64_t next = 0;
	int r = 0;

	if (!c->iommu.ready)
		return 0;
	for (size_t i = 0; i < c->iommu.nr_ranges && r == 0; i++) {
		const struct iova_range *range = &c->iommu.ranges[i];

		if (range->first > next)
			r = add_unmappable(holes, next, range->first - 1);
		if (range->last == UINT64_MAX)
			return r;
		next = range->last + 1;
	}
	return r < 0 ? r : add_unmappable(holes, next, UINT64_MAX);
}

/* RLIMIT_MEMLOCK holds for who has not CAP_IPC_LOCK. */
static bool is_limited(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	return syscall(SYS_capget, &header, data) == 0 &&
	       !(data[0].effective & UINT32_C(1) << CAP_IPC_LOCK);
}

/* How the limit was in the way, if it was: ENOMEM is also said of memory that is short. */
static enum vfio_failure_code limit_failed(const struct vfio_container *c, uint64_t limit,
					   uint64_t want)
{
	if (limit < want)
		return VFIO_FAILURE_MEMLOCK;
	return c->iommu.ops->limit_is_users && is_limited() ? VFIO_FAILURE_MEMLOCK_OF_USER
							    : VFIO_FAILURE_NONE;
}

/* Of err, as so much was to be pinned. True: it is told. */
static bool tell_limit(const struct vfio_container *c, uint64_t want, int err,
		       struct vfio_failure *failure)
{
	enum vfio_failure_code code = VFIO_FAILURE_NONE;
	struct rlimit limit;

	if (err == -ENOMEM && getrlimit(RLIMIT_MEMLOCK, &limit) == 0 &&
	    limit.rlim_cur != RLIM_INFINITY)
		code = limit_failed(c, limit.rlim_cur, want);
	if (code == VFIO_FAILURE_NONE)
		return false;
	(void)vfio_fail(failure, code, err, "RLIMIT_MEMLOCK");
	vfio_failure_numbers(failure, limit.rlim_cur, want);
	return true;
}

int vfio_container_attach(struct vfio_container *c, const struct vfio_iommu_function *fn,
			  struct vfio_group **ret_group, int *ret_fd,
			  struct vfio_failure *ret_failure)
{
	int r = c->iommu.ops->attach(&c->iommu, fn, ret_group, ret_fd, ret_failure);

	/* Where it is the only function, that pins what is kept. */
	if (r < 0 && c->iommu.kept && !c->devices)
		(void)tell_limit(c, c->mapped, r, ret_failure);
	return r;
}

/* What is what could not be mapped; rest: all that was still to be. */
static int map_failed(const struct vfio_container *c, const struct iova_range *what, uint64_t rest,
		      int err, struct vfio_failure *failure)
{
	if (tell_limit(c, c->mapped + rest, err, failure))
		return err;
	return vfio_fail(failure, err == -EPERM ? VFIO_FAILURE_PERMISSION : VFIO_FAILURE_OTHER, err,
			 "DMA 0x%" PRIx64 "-0x%" PRIx64, what->first, what->last);
}

/* Is it something that could be mapped? */
static int look_at_range(const struct vfio_container *c, const struct iova_range *what,
			 const void *va, struct vfio_failure *failure)
{
	uint64_t size = what->last - what->first + 1, page = c->sys.page_size;
	struct iova_range hole;
	char text[64];
	int r;

	if (size == 0 || what->last < what->first ||
	    ((what->first | size | (uintptr_t)va) & (page - 1)))
		return vfio_fail(failure, VFIO_FAILURE_OTHER, -EINVAL,
				 "DMA 0x%" PRIx64 " +0x%" PRIx64, what->first, size);
	if (!c->iommu.ready)
		return vfio_fail(failure, VFIO_FAILURE_OTHER, -ENODEV,
				 "container without a function");
	if (!find_hole(c, what->first, what->last, &hole))
		return 0;
	r = vfio_fail(failure, VFIO_FAILURE_IOVA, -ERANGE, "0x%" PRIx64 "-0x%" PRIx64, what->first,
		      what->last);
	(void)snprintf(text, sizeof(text), "0x%" PRIx64 "-0x%" PRIx64, hole.first, hole.last);
	vfio_failure_other(failure, text);
	return r;
}

static int map_piece(struct vfio_container *c, uint64_t iova, uint64_t size, void *va)
{
	int r = c->iommu.ops->map(&c->iommu, iova, size, va);

	if (r == 0)
		c->mapped += size;
	return r;
}

int vfio_dma_map_bar(const struct vfio_container *c, uint64_t iova, uint64_t size, void *va)
{
	const struct vfio_iommu *iommu = &c->iommu;
	struct iova_range hole;

	if (!iommu->ops->map_bar)
		return -EOPNOTSUPP;
	return find_hole(c, iova, iova + size - 1, &hole)
		       ? -ERANGE
		       : iommu->ops->map_bar(iommu, iova, size, va);
}

int vfio_dma_unmap_bar(const struct vfio_container *c, uint64_t iova, uint64_t size)
{
	const struct vfio_iommu *iommu = &c->iommu;

	return iommu->ops->unmap_bar ? iommu->ops->unmap_bar(iommu, iova, size) : -EOPNOTSUPP;
}

static uint64_t piece_of(const struct vfio_dma_progress *progress, uint64_t rest)
{
	return rest < progress->piece ? rest : progress->piece;
}

int vfio_dma_map_in_pieces(struct vfio_container *c, uint64_t iova, uint64_t size, void *va,
			   const struct vfio_dma_progress *progress,
			   struct vfio_failure *ret_failure)
{
	const struct iova_range all = { iova, iova + size - 1 };
	int r = look_at_range(c, &all, va, ret_failure);

	assert(progress->piece && progress->piece % c->sys.page_size == 0);

	for (uint64_t done = 0, piece; r == 0 && done < size; done += piece) {
		const uint64_t rest = size - done;
		const struct iova_range what = { iova + done,
						 iova + done + piece_of(progress, rest) - 1 };

		piece = what.last - what.first + 1;
		if (progress->go_on && !progress->go_on(progress->ctx, done, size))
			return vfio_fail(ret_failure, VFIO_FAILURE_OTHER, -EINTR,
					 "DMA 0x%" PRIx64 "-0x%" PRIx64, what.first, all.last);
		r = map_piece(c, what.first, piece, (uint8_t *)va + done);
		if (r < 0)
			r = map_failed(c, &what, rest, r, ret_failure);
	}
	return r;
}

int vfio_dma_map(struct vfio_container *c, uint64_t iova, uint64_t size, void *va,
		 struct vfio_failure *ret_failure)
{
	const struct vfio_dma_progress at_once = { .piece = UINT64_C(1) << 63 };

	return vfio_dma_map_in_pieces(c, iova, size, va, &at_once, ret_failure);
}

int vfio_dma_keep(struct vfio_container *c, uint64_t iova, uint64_t size, void *va,
		  struct vfio_failure *ret_failure)
{
	const struct vfio_iommu_ops *ops = c->iommu.ops;
	int r;

	if (c->nr_kept == VFIO_MAX_KEPT)
		return vfio_fail(ret_failure, VFIO_FAILURE_OTHER, -ENOSPC, "DMA in %u ranges",
				 VFIO_MAX_KEPT + 1);
	c->kept[c->nr_kept++] = (struct dma_range){ iova, size, va };
	if (!ops->keep)
		return 0;
	r = ops->keep(&c->iommu, ret_failure);
	/* Where there are functions it is mapped. */
	return r < 0 || c->devices ? r : vfio_dma_map(c, iova, size, va, ret_failure);
}

int vfio_container_map_kept(struct vfio_container *c, struct vfio_failure *ret_failure)
{
	int r = 0;

	if (c->mapped)
		return 0;
	for (size_t i = 0; r == 0 && i < c->nr_kept; i++)
		r = vfio_dma_map(c, c->kept[i].iova, c->kept[i].size, c->kept[i].va, ret_failure);
	return r;
}
