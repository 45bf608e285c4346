// SPDX-License-Identifier: MIT
/*
 * iommufd without a kernel, after drivers/iommu/iommufd and drivers/vfio/device_cdev.c of
 * Linux 6.12.
 */
#include "tests/unit/vfio/vfio_fake_iommufd.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>

#include "vfio/iommufd_abi.h"

#define FAKE_IOAS 3u

int fake_open_cdev(struct fake_vfio *fake, unsigned number)
{
	struct fake_function *fn = &fake->functions[number];

	assert_in_range(number, 0, fake->nr_functions - 1);
	if (fake->cdev_errno)
		return -fake->cdev_errno;
	assert_int_equal(fn->fd, -1);
	fn->fd = fake_new_fd(fake, FAKE_DEVICE, (int)number);
	fn->by_cdev = true;
	return fn->fd;
}

uint32_t fake_devid(const struct fake_vfio *fake, const struct fake_function *fn)
{
	return FAKE_IOAS + 1 + (uint32_t)(fn - fake->functions);
}

static int ioas_ranges(const struct fake_vfio *fake, struct abi_iommu_ioas_iova_ranges *ask)
{
	struct abi_iommu_iova_range *ranges = (void *)(uintptr_t)ask->allowed_iovas;
	uint32_t room = ask->num_iovas, nr = fake->nr_ranges ? fake->nr_ranges : 2;

	assert_int_equal(ask->size, sizeof(*ask));
	if (ask->ioas_id != fake->ioas || !fake->ioas)
		return -ENOENT;
	ask->num_iovas = fake->odd_ranges ? 1000000 : nr;
	for (uint32_t i = 0; i < nr && i < room; i++) {
		ranges[i].start = i * UINT64_C(0x8100000);
		ranges[i].last = ranges[i].start + 0x7ffffff;
	}
	if (nr == 2 && room >= 2)
		ranges[1].last = 0xffffffffffff;
	if (fake->crossed_ranges && room >= 2)
		ranges[0].last = ranges[1].start;
	return ask->num_iovas > room ? -EMSGSIZE : 0;
}

static int ioas_map(struct fake_vfio *fake, const struct abi_iommu_ioas_map *map)
{
	assert_int_equal(map->size, sizeof(*map));
	assert_int_equal(map->flags, ABI_IOMMU_IOAS_MAP_FIXED_IOVA | ABI_IOMMU_IOAS_MAP_READABLE |
					     ABI_IOMMU_IOAS_MAP_WRITEABLE);
	assert_int_equal(map->reserved, 0);
	if (map->ioas_id != fake->ioas || !fake->ioas)
		return -ENOENT;
	if (fake->map_errno)
		return -fake->map_errno;
	/* Else nothing is pinned yet, and failing is left to later. */
	assert_true(fake->nr_attached || fake->keeps_ioas);
	fake_note_dma(fake, map->iova, map->length, map->user_va);
	return 0;
}

int fake_iommufd_ioctl(struct fake_vfio *fake, unsigned long request, void *arg)
{
	struct abi_iommu_ioas_alloc *alloc = arg;
	const struct abi_iommu_destroy *destroy = arg;

	switch (request) {
	case ABI_IOMMU_IOAS_ALLOC:
		assert_int_equal(alloc->size, sizeof(*alloc));
		assert_int_equal(alloc->flags, 0);
		assert_int_equal(fake->ioas, 0);
		fake->ioas = alloc->out_ioas_id = FAKE_IOAS;
		return 0;
	case ABI_IOMMU_DESTROY:
		assert_int_equal(destroy->size, sizeof(*destroy));
		assert_int_equal(destroy->id, FAKE_IOAS);
		/* The kernel refuses it: what is mapped would stay. */
		assert_int_equal(fake->nr_attached, 0);
		fake->ioas = 0;
		fake->nr_dma = 0;
		return 0;
	case ABI_IOMMU_IOAS_IOVA_RANGES:
		return ioas_ranges(fake, arg);
	case ABI_IOMMU_IOAS_MAP:
		return ioas_map(fake, arg);
	default:
		return -ENOTTY;
	}
}

/* vfio_df_ioctl_bind_iommufd(), vfio_df_ioctl_attach_pt(); nothing else before it is bound. */
int fake_enter_iommufd(struct fake_vfio *fake, struct fake_function *fn, unsigned long request,
		       void *arg)
{
	struct abi_vfio_device_bind_iommufd *bind = arg;
	const struct abi_vfio_device_attach_iommufd_pt *attach = arg;

	if (request == ABI_VFIO_DEVICE_BIND_IOMMUFD) {
		assert_int_equal(bind->argsz, sizeof(*bind));
		assert_int_equal(bind->flags, 0);
		fake_get_fd(fake, bind->iommufd, FAKE_IOMMUFD);
		if (fn->bound || fake->bind_errno)
			return -(fn->bound ? EINVAL : fake->bind_errno);
		fn->bound = true;
		bind->out_devid = fake_devid(fake, fn);
		return 0;
	}
	if (request != ABI_VFIO_DEVICE_ATTACH_IOMMUFD_PT)
		return -EINVAL;
	assert_int_equal(attach->argsz, sizeof(*attach));
	assert_int_equal(attach->flags, 0);
	if (!fn->bound || fake->attach_errno)
		return -(fn->bound ? fake->attach_errno : EINVAL);
	if (attach->pt_id != fake->ioas || !fake->ioas)
		return -ENOENT;
	fn->attached = true;
	fake->nr_attached++;
	return 0;
}

void fake_publish_cdev(const struct fake_vfio *fake, unsigned number)
{
	const struct fake_function *fn = &fake->functions[number];
	char path[128];

	if (fn->no_cdev)
		return;
	(void)snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/vfio-dev/vfio%u/dev", fn->bdf,
		       number);
	tree_write(&fake->tree, path, "510:0\n");
}
