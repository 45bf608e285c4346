// SPDX-License-Identifier: MIT
/*
 * An MSI-X table that is in one of the host's pages with registers: linux/vfio.h
 * (VFIO_REGION_INFO_CAP_MSIX_MAPPABLE), PCI Local Bus 3.0, 6.8.2.
 *
 * What the guest writes to the table has to be seen, so it is trapped, and a trap is as wide as a
 * page of the host. In pages of 16 KiB that is the whole of an NVMe controller's BAR, with the
 * doorbells, of which each read of a sector rings two. As the guest's table is emulated, it can
 * be anywhere: in a BAR that the function has not, which is trapped, while all of the function's
 * own are mapped.
 *
 * Then the guest can write to the function's own table, which nobody told it of. The kernel lets
 * VFIO's users do that: what it writes there are messages of a device that it has anyway, which
 * the IOMMU and the ITS confine as they do its DMA, to the guest's memory and to the device's own
 * events. So it takes interrupts from itself, and from nobody else. That holds where
 * interrupts are isolated, which VFIO insists on unless it is told not to.
 *
 * Choice: the table is moved on hosts where it gains something, and on no others.
 */
#include "vfio/msix_move.h"

#include <linux/pci_regs.h>
#include <linux/vfio.h>

#include "vfio/fail.h"

static int region_of(const struct vfio_device *dev, unsigned bar, struct vfio_region_info *ret)
{
	*ret = (struct vfio_region_info){ .argsz = sizeof(*ret), .index = bar };
	return device_ioctl(dev, VFIO_DEVICE_GET_REGION_INFO, ret);
}

/* Does the kernel map the table's pages, too? 1, 0, or negative errno. */
static int maps_the_table(const struct vfio_device *dev)
{
	const struct vfio_region_info question = { .argsz = sizeof(question),
						   .index = dev->table.bar };
	const struct vfio_query query = { dev->fd, VFIO_DEVICE_GET_REGION_INFO, &question,
					  sizeof(question) };
	_cleanup_free_ void *answer = NULL;
	const struct vfio_region_info *info;
	size_t size, room;
	int r;

	r = vfio_ask(&dev->container->sys, &query, &answer, &size);
	if (r < 0)
		return r;
	info = answer;
	return (info->flags & VFIO_REGION_INFO_FLAG_MMAP) &&
	       (info->flags & VFIO_REGION_INFO_FLAG_CAPS) &&
	       vfio_find_cap(info, size, info->cap_offset, VFIO_REGION_INFO_CAP_MSIX_MAPPABLE,
			     &room);
}

/* Are registers trapped for their sake? 1, 0, or negative errno. */
static int is_crowded(const struct vfio_device *dev, const struct msix_layout *layout)
{
	const unsigned bars[] = { layout->table.bar, layout->pba.bar };
	struct vfio_region_info info;
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(bars); i++) {
		if (bars[i] >= VFIO_DEVICE_BARS)
			continue;
		r = region_of(dev, bars[i], &info);
		if (r < 0)
			return r;
		if ((info.flags & VFIO_REGION_INFO_FLAG_MMAP) &&
		    msix_layout_crowds(layout, bars[i], info.size, dev->container->sys.page_size))
			return maps_the_table(dev);
	}
	return 0;
}

/* A BAR that the function has not; VFIO_DEVICE_BARS: it has all. Or negative errno. */
static int free_bar(const struct vfio_device *dev, const uint8_t *image)
{
	struct vfio_region_info info;
	int r;

	for (unsigned i = 0; i < VFIO_DEVICE_BARS; i++) {
		uint32_t flags = cfgspace_get(image, PCI_BASE_ADDRESS_0 + 4 * i, 4);

		r = region_of(dev, i, &info);
		if (r < 0)
			return r;
		if (!info.size)
			return (int)i;
		/* Its upper half. */
		if (!(flags & PCI_BASE_ADDRESS_SPACE_IO) &&
		    (flags & PCI_BASE_ADDRESS_MEM_TYPE_MASK) == PCI_BASE_ADDRESS_MEM_TYPE_64)
			i++;
	}
	return VFIO_DEVICE_BARS;
}

static void move_to(struct vfio_device *dev, unsigned bar, uint8_t *image)
{
	uint8_t *cap = image + cfgspace_find_cap(image, PCI_CAP_ID_MSIX);
	struct msix_layout alone;

	msix_layout_read(cap, &alone);
	alone = msix_layout_alone(&alone, bar, &dev->made.size);
	msix_layout_write(cap, &alone);
	cfgspace_put(image, PCI_BASE_ADDRESS_0 + 4 * bar, 4, PCI_BASE_ADDRESS_SPACE_MEMORY);
	dev->made.bar = bar;
	dev->table = alone.table;
	dev->pba = alone.pba;
}

int msix_move(struct vfio_device *dev, uint8_t *image, bool isolated, struct vfio_failure *failure)
{
	const struct msix_layout layout = { dev->nr_of[VFIO_IRQ_KIND_MSIX], dev->table, dev->pba };
	int r;

	if (!layout.nr || !isolated)
		return 0;
	r = is_crowded(dev, &layout);
	if (r > 0)
		r = free_bar(dev, image);
	else if (r == 0)
		return 0;
	if (r < 0)
		return vfio_fail(failure, VFIO_FAILURE_OTHER, r, "%s: regions", dev->name);
	if (r < (int)VFIO_DEVICE_BARS)
		move_to(dev, (unsigned)r, image);
	return 0;
}
