// SPDX-License-Identifier: MIT
/*
 * What the host says of an open function beside its interrupts: linux/vfio.h,
 * VFIO_PCI_REQ_IRQ_INDEX and VFIO_PCI_ERR_IRQ_INDEX. Without them the host's wish to have a
 * function back waits for the end of its user, who hears nothing of it.
 *
 * The kernel repeats a request every ten seconds until the function is closed
 * (vfio_unregister_group_dev()).
 */
#include "vfio/notice.h"

#include <assert.h>
#include <errno.h>
#include <linux/vfio.h>
#include <string.h>

#include "vfio/fail.h"

static const uint32_t irq_indexes[NR_VFIO_NOTICES] = {
	[VFIO_NOTICE_REQUEST] = VFIO_PCI_REQ_IRQ_INDEX,
	[VFIO_NOTICE_ERROR] = VFIO_PCI_ERR_IRQ_INDEX,
};

/* 1, 0, or negative errno. A function that is not on PCI Express reports no errors: -EINVAL. */
static int host_tells(const struct vfio_device *dev, enum vfio_notice notice)
{
	struct vfio_irq_info info = { .argsz = sizeof(info), .index = irq_indexes[notice] };
	int r = device_ioctl(dev, VFIO_DEVICE_GET_IRQ_INFO, &info);

	if (r == -EINVAL)
		return 0;
	return r < 0 ? r : info.count == 1 && (info.flags & VFIO_IRQ_INFO_EVENTFD);
}

static int ask_for(const struct vfio_device *dev, enum vfio_notice notice)
{
	int32_t eventfd = dev->notices[notice];
	union {
		struct vfio_irq_set set;
		uint8_t bytes[sizeof(struct vfio_irq_set) + sizeof(eventfd)];
	} one = {
		.set = {
			.argsz = sizeof(one),
			.flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
			.index = irq_indexes[notice],
			.count = 1,
		},
	};

	memcpy(one.bytes + sizeof(one.set), &eventfd, sizeof(eventfd));
	return device_ioctl(dev, VFIO_DEVICE_SET_IRQS, &one);
}

int notices_open(struct vfio_device *dev, struct vfio_failure *failure)
{
	const struct vfio_sys *sys = &dev->container->sys;

	for (enum vfio_notice notice = 0; notice < NR_VFIO_NOTICES; notice++) {
		int r = host_tells(dev, notice);

		if (r == 0)
			continue;
		if (r > 0)
			r = sys->eventfd(sys->ctx);
		if (r >= 0) {
			dev->notices[notice] = r;
			r = ask_for(dev, notice);
		}
		if (r < 0)
			return vfio_fail(failure, VFIO_FAILURE_OTHER, r, "%s: notices", dev->name);
	}
	return 0;
}

void notices_close(struct vfio_device *dev)
{
	const struct vfio_sys *sys = &dev->container->sys;

	for (enum vfio_notice notice = 0; notice < NR_VFIO_NOTICES; notice++) {
		if (dev->notices[notice] >= 0)
			sys->close(sys->ctx, dev->notices[notice]);
		dev->notices[notice] = -1;
	}
}

int vfio_device_notice(const struct vfio_device *dev, enum vfio_notice notice)
{
	assert(notice < NR_VFIO_NOTICES);
	return dev->notices[notice];
}
