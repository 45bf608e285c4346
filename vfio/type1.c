// SPDX-License-Identifier: MIT
/*
 * DMA by a container with a type1v2 IOMMU: Documentation/driver-api/vfio.rst ("VFIO Usage
 * Example"), linux/vfio.h.
 *
 * The order is the kernel's: a group is opened, found viable and put into the
 * container; the first one lets the IOMMU type be chosen, and with the last one
 * that leaves, type and DMA mappings are gone.
 *
 * Not here: no-IOMMU groups, whose DMA nothing would confine.
 */
#include "vfio/type1.h"

#include <assert.h>
#include <errno.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vfio/fail.h"
#include "vfio/iommufd_abi.h"

static int type1_open(struct vfio_iommu *iommu, struct vfio_failure *failure)
{
	enum vfio_failure_code code = VFIO_FAILURE_OTHER;
	int fd, version;

	fd = iommu->sys->open(iommu->sys->ctx, "/dev/vfio/vfio");
	if (fd == -ENOENT || fd == -ENODEV || fd == -ENXIO)
		code = VFIO_FAILURE_NO_VFIO;
	else if (fd == -EACCES || fd == -EPERM)
		code = VFIO_FAILURE_PERMISSION;
	if (fd < 0)
		return vfio_fail(failure, code, fd, "/dev/vfio/vfio");
	iommu->fd = fd;

	version = vfio_iommu_ioctl(iommu, fd, VFIO_GET_API_VERSION, NULL);
	if (version < 0)
		return vfio_fail(failure, VFIO_FAILURE_OTHER, version, "VFIO_GET_API_VERSION");
	if (version != VFIO_API_VERSION)
		return vfio_fail(failure, VFIO_FAILURE_OTHER, -EPROTO, "VFIO_GET_API_VERSION");
	/* 0 where the module of the type 1 IOMMU is not loaded. */
	if (vfio_iommu_ioctl(iommu, fd, VFIO_CHECK_EXTENSION,
			     (void *)(uintptr_t)VFIO_TYPE1v2_IOMMU) <= 0)
		return vfio_fail(failure, VFIO_FAILURE_NO_VFIO, -ENODEV, "vfio_iommu_type1");
	return 0;
}

/* A capability as the kernel wrote it: nr ranges must fit the room it has. */
static int parse_ranges(struct vfio_iommu *iommu, const void *cap, size_t room)
{
	struct vfio_iommu_type1_info_cap_iova_range header;

	if (room < sizeof(header))
		return -EPROTO;
	memcpy(&header, cap, sizeof(header));
	room -= sizeof(header);
	if (header.nr_iovas > room / sizeof(struct vfio_iova_range))
		return -EPROTO;
	return vfio_iommu_take_ranges(iommu, (const char *)cap + sizeof(header), header.nr_iovas);
}

/* Kernels before 5.4 have no such capability: then every address is tried. */
static int assume_all(struct vfio_iommu *iommu)
{
	static const struct vfio_iova_range all = { 0, UINT64_MAX };

	return vfio_iommu_take_ranges(iommu, &all, 1);
}

static int load_ranges(struct vfio_iommu *iommu)
{
	const struct vfio_iommu_type1_info question = { .argsz = sizeof(question) };
	const struct vfio_query query = { iommu->fd, VFIO_IOMMU_GET_INFO, &question,
					  sizeof(question) };
	_cleanup_free_ struct vfio_iommu_type1_info *info = NULL;
	void *answer = NULL;
	size_t size, room = 0;
	const void *cap = NULL;
	int r;

	r = vfio_ask(iommu->sys, &query, &answer, &size);
	if (r < 0)
		return r;
	info = answer;
	if (info->flags & VFIO_IOMMU_INFO_CAPS)
		cap = vfio_find_cap(info, size, info->cap_offset,
				    VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE, &room);
	return cap ? parse_ranges(iommu, cap, room) : assume_all(iommu);
}

static int group_file(const struct vfio_iommu *iommu, const struct vfio_iommu_function *fn,
		      const char *path)
{
	if (!fn->file)
		return iommu->sys->open(iommu->sys->ctx, path);
	return *fn->file < 0 ? -EBUSY : TAKE_FD(*fn->file);
}

static int group_open(struct vfio_iommu *iommu, struct vfio_group *group,
		      const struct vfio_iommu_function *fn, struct vfio_failure *failure)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	enum vfio_failure_code code = VFIO_FAILURE_OTHER;
	char path[32];
	int r;

	(void)snprintf(path, sizeof(path), "/dev/vfio/%d", group->number);
	group->fd = group_file(iommu, fn, path);
	if (group->fd == -EBUSY)
		code = VFIO_FAILURE_BUSY;
	else if (group->fd == -EACCES || group->fd == -EPERM)
		code = VFIO_FAILURE_PERMISSION;
	if (group->fd < 0)
		return vfio_fail(failure, code, group->fd, "%s", path);

	r = vfio_iommu_ioctl(iommu, group->fd, VFIO_GROUP_GET_STATUS, &status);
	if (r < 0)
		return vfio_fail(failure, VFIO_FAILURE_OTHER, r, "%s: VFIO_GROUP_GET_STATUS", path);
	if (!(status.flags & VFIO_GROUP_FLAGS_VIABLE))
		return vfio_fail(failure, VFIO_FAILURE_NOT_VIABLE, -EPERM, "%s", fn->name);
	return 0;
}

/*
 * Both calls may attach the group to the IOMMU, and fail with EPERM where the
 * host's MSIs are not isolated from each other (drivers/vfio/vfio_iommu_type1.c,
 * allow_unsafe_interrupts).
 */
static int group_join(struct vfio_iommu *iommu, struct vfio_group *group,
		      const struct vfio_iommu_function *fn, struct vfio_failure *failure)
{
	int r;

	r = vfio_iommu_ioctl(iommu, group->fd, VFIO_GROUP_SET_CONTAINER, &iommu->fd);
	if (r == 0) {
		group->joined = true;
		if (!iommu->ready)
			r = vfio_iommu_ioctl(iommu, iommu->fd, VFIO_SET_IOMMU,
					     (void *)(uintptr_t)VFIO_TYPE1v2_IOMMU);
	}
	if (r < 0) {
		r = vfio_fail(failure,
			      r == -EPERM   ? VFIO_FAILURE_UNSAFE_INTERRUPTS
			      : r == -EBUSY ? VFIO_FAILURE_BUSY
					    : VFIO_FAILURE_OTHER,
			      r, "IOMMU group %d", group->number);
		if (r == -EPERM)
			vfio_failure_driver(failure, "vfio_iommu_type1");
		return r;
	}
	/*
	 * While a guest runs that has functions it is there, and others read that and the ranges as
	 * they map BARs. What has become too much of those the kernel refuses.
	 */
	if (fn->file && iommu->ready)
		return 0;
	iommu->ready = true;
	r = load_ranges(iommu);
	if (r < 0)
		return vfio_fail(failure, VFIO_FAILURE_OTHER, r, "VFIO_IOMMU_GET_INFO");
	return 0;
}

/* For a group that is not, or no longer, in the list: leave the container, and close it. */
static void group_free(struct vfio_iommu *iommu, struct vfio_group *group)
{
	if (group->joined)
		(void)vfio_iommu_ioctl(iommu, group->fd, VFIO_GROUP_UNSET_CONTAINER, NULL);
	if (group->fd >= 0)
		iommu->sys->close(iommu->sys->ctx, group->fd);
	free(group);
	if (!iommu->groups) {
		iommu->ready = false;
	}
}

static int group_get(struct vfio_iommu *iommu, const struct vfio_iommu_function *fn,
		     struct vfio_group **ret_group, struct vfio_failure *ret_failure)
{
	const int number = fn->group;
	struct vfio_group *group;
	int r;

	for (group = iommu->groups; group; group = group->next) {
		if (group->number == number) {
			group->users++;
			*ret_group = group;
			return 0;
		}
	}

	group = iommu->sys->zalloc(iommu->sys->ctx, 1, sizeof(*group));
	if (!group)
		return vfio_fail(ret_failure, VFIO_FAILURE_OTHER, -ENOMEM, "IOMMU group %d",
				 number);
	group->number = number;
	group->fd = -1;
	group->users = 1;
	r = group_open(iommu, group, fn, ret_failure);
	if (r == 0)
		r = group_join(iommu, group, fn, ret_failure);
	if (r < 0) {
		group_free(iommu, group);
		return r;
	}
	group->next = iommu->groups;
	iommu->groups = group;
	*ret_group = group;
	return 0;
}

static void type1_detach(struct vfio_iommu *iommu, struct vfio_group *group)
{
	struct vfio_group **link;

	assert(group->users > 0);
	if (--group->users > 0)
		return;
	for (link = &iommu->groups; *link != group; link = &(*link)->next)
		assert(*link);
	*link = group->next;
	group_free(iommu, group);
}

static int type1_attach(struct vfio_iommu *iommu, const struct vfio_iommu_function *fn,
			struct vfio_group **ret_group, int *ret_fd, struct vfio_failure *failure)
{
	struct vfio_group *group = NULL;
	char name[PCI_BDF_STRLEN];
	int r = group_get(iommu, fn, &group, failure);

	if (r < 0)
		return r;
	strcpy(name, fn->name);
	r = vfio_iommu_ioctl(iommu, group->fd, VFIO_GROUP_GET_DEVICE_FD, name);
	if (r < 0) {
		type1_detach(iommu, group);
		return vfio_fail(failure,
				 r == -EBUSY		       ? VFIO_FAILURE_BUSY
				 : r == -EPERM || r == -EACCES ? VFIO_FAILURE_PERMISSION
							       : VFIO_FAILURE_OTHER,
				 r, "%s", fn->name);
	}
	*ret_group = group;
	*ret_fd = r;
	return 0;
}

static int type1_map(const struct vfio_iommu *iommu, uint64_t iova, uint64_t size, void *va)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)va,
		.iova = iova,
		.size = size,
	};
	int r = vfio_iommu_ioctl(iommu, iommu->fd, VFIO_IOMMU_MAP_DMA, &map);

	return r < 0 ? r : 0;
}

static int type1_unmap(const struct vfio_iommu *iommu, uint64_t iova, uint64_t size)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.iova = iova,
		.size = size,
	};
	int r = vfio_iommu_ioctl(iommu, iommu->fd, VFIO_IOMMU_UNMAP_DMA, &unmap);

	return r < 0 ? r : 0;
}

/* Whose group is open, by its file. */
static int type1_owns(const struct vfio_iommu *iommu, uint32_t flags,
		      const struct vfio_pci_dependent_device *fn, int *ret_file)
{
	const struct vfio_group *group = iommu->groups;

	if (flags & ABI_VFIO_PCI_HOT_RESET_FLAG_DEV_ID)
		return -ENOENT;
	while (group && (uint32_t)group->number != fn->group_id)
		group = group->next;
	if (!group)
		return -ENOENT;
	*ret_file = group->fd;
	return 0;
}

const struct vfio_iommu_ops vfio_type1_ops = {
	.kind = VFIO_IOMMU_TYPE1,
	.open = type1_open,
	.attach = type1_attach,
	.detach = type1_detach,
	.owns = type1_owns,
	.map = type1_map,
	.map_bar = type1_map, /* pins nothing */
	.unmap_bar = type1_unmap,
};
