// SPDX-License-Identifier: MIT
/*
 * Containers and groups: Documentation/driver-api/vfio.rst ("VFIO Usage
 * Example"), linux/vfio.h (type1v2).
 *
 * The order is the kernel's: a group is opened, found viable and put into the
 * container; the first one lets the IOMMU type be chosen, and with the last one
 * that leaves, type and DMA mappings are gone.
 *
 * No lock: create, destroy, joining and mapping are set-up and teardown, which
 * one thread does.
 *
 * Not here: iommufd, and no-IOMMU groups, whose DMA nothing would confine.
 */
#include "vfio/container_priv.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/vfio.h>
#include <string.h>
#include <sys/resource.h>

#include "vfio/fail.h"

/* An IOMMU has a handful of ranges; more than that is no sane answer. */
#define VFIO_IOVA_RANGES_MAX 1024u

static int sys_ioctl(const struct vfio_container *c, int fd, unsigned long request, void *arg)
{
	return c->sys.ioctl(c->sys.ctx, fd, request, arg);
}

static int container_open(struct vfio_container *c, struct vfio_failure *failure)
{
	enum vfio_failure_code code = VFIO_FAILURE_OTHER;
	int fd, version;

	fd = c->sys.open(c->sys.ctx, "/dev/vfio/vfio");
	if (fd == -ENOENT || fd == -ENODEV || fd == -ENXIO)
		code = VFIO_FAILURE_NO_VFIO;
	else if (fd == -EACCES || fd == -EPERM)
		code = VFIO_FAILURE_PERMISSION;
	if (fd < 0)
		return vfio_fail(failure, code, fd, "/dev/vfio/vfio");
	c->fd = fd;

	version = sys_ioctl(c, fd, VFIO_GET_API_VERSION, NULL);
	if (version < 0)
		return vfio_fail(failure, VFIO_FAILURE_OTHER, version, "VFIO_GET_API_VERSION");
	if (version != VFIO_API_VERSION)
		return vfio_fail(failure, VFIO_FAILURE_OTHER, -EPROTO, "VFIO_GET_API_VERSION");
	/* 0 where the module of the type 1 IOMMU is not loaded. */
	if (sys_ioctl(c, fd, VFIO_CHECK_EXTENSION, (void *)(uintptr_t)VFIO_TYPE1v2_IOMMU) <= 0)
		return vfio_fail(failure, VFIO_FAILURE_NO_VFIO, -ENODEV, "vfio_iommu_type1");
	return 0;
}

int vfio_container_create_with(const struct vfio_sys *sys, struct vfio_container **ret_container,
			       struct vfio_failure *ret_failure)
{
	_cleanup_(vfio_container_destroyp) struct vfio_container *c = NULL;
	int r;

	assert(sys->page_size > 0);
	c = sys->zalloc(sys->ctx, 1, sizeof(*c));
	if (!c)
		return vfio_fail(ret_failure, VFIO_FAILURE_OTHER, -ENOMEM, "container");
	c->sys = *sys;
	c->fd = -1;

	r = container_open(c, ret_failure);
	if (r < 0)
		return r;
	*ret_container = TAKE_PTR(c);
	return 0;
}

int vfio_container_create(struct vfio_container **ret_container, struct vfio_failure *ret_failure)
{
	struct vfio_sys sys = vfio_sys_kernel();

	return vfio_container_create_with(&sys, ret_container, ret_failure);
}

void vfio_container_destroy(struct vfio_container *c)
{
	if (!c)
		return;
	assert(!c->groups);
	if (c->fd >= 0)
		c->sys.close(c->sys.ctx, c->fd);
	free(c->ranges);
	free(c);
}

/* A capability as the kernel wrote it: nr ranges must fit the room it has. */
static int parse_ranges(struct vfio_container *c, const void *cap, size_t room)
{
	struct vfio_iommu_type1_info_cap_iova_range header;
	_cleanup_free_ struct iova_range *ranges = NULL;
	const char *at = cap;

	if (room < sizeof(header))
		return -EPROTO;
	memcpy(&header, cap, sizeof(header));
	room -= sizeof(header);
	if (header.nr_iovas == 0 || header.nr_iovas > VFIO_IOVA_RANGES_MAX ||
	    header.nr_iovas > room / sizeof(struct vfio_iova_range))
		return -EPROTO;

	ranges = c->sys.zalloc(c->sys.ctx, header.nr_iovas, sizeof(*ranges));
	if (!ranges)
		return -ENOMEM;
	for (uint32_t i = 0; i < header.nr_iovas; i++) {
		struct vfio_iova_range range;

		memcpy(&range, at + sizeof(header) + i * sizeof(range), sizeof(range));
		if (range.end < range.start || (i > 0 && range.start <= ranges[i - 1].last))
			return -EPROTO;
		ranges[i] = (struct iova_range){ range.start, range.end };
	}
	free(c->ranges);
	c->ranges = TAKE_PTR(ranges);
	c->nr_ranges = header.nr_iovas;
	return 0;
}

/* Kernels before 5.4 have no such capability: then every address is tried. */
static int assume_all(struct vfio_container *c)
{
	struct iova_range *ranges = c->sys.zalloc(c->sys.ctx, 1, sizeof(*ranges));

	if (!ranges)
		return -ENOMEM;
	ranges[0].last = UINT64_MAX;
	free(c->ranges);
	c->ranges = ranges;
	c->nr_ranges = 1;
	return 0;
}

static int load_ranges(struct vfio_container *c)
{
	const struct vfio_iommu_type1_info question = { .argsz = sizeof(question) };
	const struct vfio_query query = { c->fd, VFIO_IOMMU_GET_INFO, &question, sizeof(question) };
	_cleanup_free_ struct vfio_iommu_type1_info *info = NULL;
	void *answer = NULL;
	size_t size, room = 0;
	const void *cap = NULL;
	int r;

	r = vfio_ask(&c->sys, &query, &answer, &size);
	if (r < 0)
		return r;
	info = answer;
	if (info->flags & VFIO_IOMMU_INFO_CAPS)
		cap = vfio_find_cap(info, size, info->cap_offset,
				    VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE, &room);
	return cap ? parse_ranges(c, cap, room) : assume_all(c);
}

static int group_open(struct vfio_container *c, struct vfio_group *group, const char *function,
		      struct vfio_failure *failure)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	enum vfio_failure_code code = VFIO_FAILURE_OTHER;
	char path[32];
	int r;

	(void)snprintf(path, sizeof(path), "/dev/vfio/%d", group->number);
	group->fd = c->sys.open(c->sys.ctx, path);
	if (group->fd == -EBUSY)
		code = VFIO_FAILURE_BUSY;
	else if (group->fd == -EACCES || group->fd == -EPERM)
		code = VFIO_FAILURE_PERMISSION;
	if (group->fd < 0)
		return vfio_fail(failure, code, group->fd, "%s", path);

	r = sys_ioctl(c, group->fd, VFIO_GROUP_GET_STATUS, &status);
	if (r < 0)
		return vfio_fail(failure, VFIO_FAILURE_OTHER, r, "%s: VFIO_GROUP_GET_STATUS", path);
	if (!(status.flags & VFIO_GROUP_FLAGS_VIABLE))
		return vfio_fail(failure, VFIO_FAILURE_NOT_VIABLE, -EPERM, "%s", function);
	return 0;
}

/*
 * Both calls may attach the group to the IOMMU, and fail with EPERM where the
 * host's MSIs are not isolated from each other (drivers/vfio/vfio_iommu_type1.c,
 * allow_unsafe_interrupts).
 */
static int group_join(struct vfio_container *c, struct vfio_group *group,
		      struct vfio_failure *failure)
{
	int r;

	r = sys_ioctl(c, group->fd, VFIO_GROUP_SET_CONTAINER, &c->fd);
	if (r == 0) {
		group->joined = true;
		if (!c->iommu_set)
			r = sys_ioctl(c, c->fd, VFIO_SET_IOMMU,
				      (void *)(uintptr_t)VFIO_TYPE1v2_IOMMU);
	}
	if (r < 0)
		return vfio_fail(failure,
				 r == -EPERM   ? VFIO_FAILURE_UNSAFE_INTERRUPTS
				 : r == -EBUSY ? VFIO_FAILURE_BUSY
					       : VFIO_FAILURE_OTHER,
				 r, "IOMMU group %d", group->number);
	c->iommu_set = true;

	r = load_ranges(c);
	if (r < 0)
		return vfio_fail(failure, VFIO_FAILURE_OTHER, r, "VFIO_IOMMU_GET_INFO");
	return 0;
}

/* For a group that is not, or no longer, in the list: leave the container, and close it. */
static void group_free(struct vfio_container *c, struct vfio_group *group)
{
	if (group->joined)
		(void)sys_ioctl(c, group->fd, VFIO_GROUP_UNSET_CONTAINER, NULL);
	if (group->fd >= 0)
		c->sys.close(c->sys.ctx, group->fd);
	free(group);
	if (!c->groups) {
		c->iommu_set = false;
		c->mapped = 0;
	}
}

int vfio_group_get(struct vfio_container *c, int number, const char *function,
		   struct vfio_group **ret_group, struct vfio_failure *ret_failure)
{
	struct vfio_group *group;
	int r;

	for (group = c->groups; group; group = group->next) {
		if (group->number == number) {
			group->users++;
			*ret_group = group;
			return 0;
		}
	}

	group = c->sys.zalloc(c->sys.ctx, 1, sizeof(*group));
	if (!group)
		return vfio_fail(ret_failure, VFIO_FAILURE_OTHER, -ENOMEM, "IOMMU group %d",
				 number);
	group->number = number;
	group->fd = -1;
	group->users = 1;
	r = group_open(c, group, function, ret_failure);
	if (r == 0)
		r = group_join(c, group, ret_failure);
	if (r < 0) {
		group_free(c, group);
		return r;
	}
	group->next = c->groups;
	c->groups = group;
	*ret_group = group;
	return 0;
}

void vfio_group_put(struct vfio_container *c, struct vfio_group *group)
{
	struct vfio_group **link;

	if (!group)
		return;
	assert(group->users > 0);
	if (--group->users > 0)
		return;
	for (link = &c->groups; *link != group; link = &(*link)->next)
		assert(*link);
	*link = group->next;
	group_free(c, group);
}

/* The first part of [first, last] that no range covers: *ret_hole, and true. */
static bool find_hole(const struct vfio_container *c, uint64_t first, uint64_t last,
		      struct iova_range *ret_hole)
{
	uint64_t hole_first = 0;

	for (size_t i = 0; i < c->nr_ranges; i++) {
		const struct iova_range *range = &c->ranges[i];

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

	if (!c->iommu_set)
		return 0;
	for (size_t i = 0; i < c->nr_ranges && r == 0; i++) {
		const struct iova_range *range = &c->ranges[i];

		if (range->first > next)
			r = add_unmappable(holes, next, range->first - 1);
		if (range->last == UINT64_MAX)
			return r;
		next = range->last + 1;
	}
	return r < 0 ? r : add_unmappable(holes, next, UINT64_MAX);
}

/* What is what could not be mapped; rest: all that was still to be. */
static int map_failed(const struct vfio_container *c, const struct iova_range *what, uint64_t rest,
		      int err, struct vfio_failure *failure)
{
	uint64_t want = c->mapped + rest;
	struct rlimit limit;

	/* type1 answers ENOMEM both for the limit and for memory that is short. */
	if (err == -ENOMEM && getrlimit(RLIMIT_MEMLOCK, &limit) == 0 &&
	    limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < want) {
		err = vfio_fail(failure, VFIO_FAILURE_MEMLOCK, err, "RLIMIT_MEMLOCK");
		vfio_failure_numbers(failure, limit.rlim_cur, want);
		return err;
	}
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
	if (!c->iommu_set)
		return vfio_fail(failure, VFIO_FAILURE_OTHER, -ENODEV, "container without a group");
	if (!find_hole(c, what->first, what->last, &hole))
		return 0;
	r = vfio_fail(failure, VFIO_FAILURE_IOVA, -ERANGE, "0x%" PRIx64 "-0x%" PRIx64, what->first,
		      what->last);
	(void)snprintf(text, sizeof(text), "0x%" PRIx64 "-0x%" PRIx64, hole.first, hole.last);
	vfio_failure_other(failure, text);
	return r;
}

static int map_for_dma(const struct vfio_container *c, uint64_t iova, uint64_t size, void *va)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)va,
		.iova = iova,
		.size = size,
	};
	int r = sys_ioctl(c, c->fd, VFIO_IOMMU_MAP_DMA, &map);

	return r < 0 ? r : 0;
}

static int map_piece(struct vfio_container *c, uint64_t iova, uint64_t size, void *va)
{
	int r = map_for_dma(c, iova, size, va);

	if (r == 0)
		c->mapped += size;
	return r;
}

int vfio_dma_map_bar(const struct vfio_container *c, uint64_t iova, uint64_t size, void *va)
{
	struct iova_range hole;

	return find_hole(c, iova, iova + size - 1, &hole) ? -ERANGE
							  : map_for_dma(c, iova, size, va);
}

int vfio_dma_unmap_bar(const struct vfio_container *c, uint64_t iova, uint64_t size)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.iova = iova,
		.size = size,
	};
	int r = sys_ioctl(c, c->fd, VFIO_IOMMU_UNMAP_DMA, &unmap);

	return r < 0 ? r : 0;
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
