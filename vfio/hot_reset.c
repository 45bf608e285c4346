// SPDX-License-Identifier: MIT
/*
 * Resetting all functions of a slot, or of a bus, at once, by the bridge above them: linux/vfio.h,
 * VFIO_DEVICE_GET_PCI_HOT_RESET_INFO and VFIO_DEVICE_PCI_HOT_RESET.
 *
 * A function that is alone on its bus needs none of this: there the kernel does the same for
 * VFIO_DEVICE_RESET (pci_reset_bus_function()). This is for functions that have siblings, and for
 * those whose own reset fails, or was taken away (reset_method of sysfs).
 *
 * The kernel resets no function of others: all that are affected must have vfio-pci, and the
 * caller shows a file of each of their groups (vfio_pci_dev_set_hot_reset()). They need not be
 * open: a function that was taken for its group's sake is nobody else's. It saves and restores
 * configuration space of all of them, with the host's vectors (__pci_reset_bus()).
 *
 * Not here: functions that were opened by /dev/vfio/devices (iommufd). There the request has no
 * files, and the answer has devids in the place of groups (VFIO_PCI_HOT_RESET_FLAG_DEV_ID): so
 * they have no such reset.
 *
 * No locks.
 */
#include "vfio/hot_reset.h"

#include <errno.h>
#include <linux/vfio.h>
#include <string.h>

/* A bus has 256 functions; more than that is no sane answer for one and those behind it. */
#define AFFECTED_MAX 4096u

struct hot_reset {
	struct vfio_pci_hot_reset *request; /* owned: room for a file for each function */
	size_t nr;
	struct vfio_pci_dependent_device functions[];
};

/* Ask with room for nr of them. How many there are, which may be more; or negative errno. */
static int ask(const struct vfio_device *dev, struct vfio_pci_hot_reset_info *info, size_t nr)
{
	int r;

	info->argsz = (uint32_t)(sizeof(*info) + nr * sizeof(info->devices[0]));
	r = device_ioctl(dev, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, info);
	if (r < 0 && r != -ENOSPC)
		return r;
	return info->count && info->count <= AFFECTED_MAX ? (int)info->count : -EPROTO;
}

static int keep(struct vfio_device *dev, const struct vfio_pci_hot_reset_info *info)
{
	const struct vfio_sys *sys = &dev->container->sys;
	struct hot_reset *hot;

	hot = sys->zalloc(sys->ctx, 1, sizeof(*hot) + info->count * sizeof(hot->functions[0]));
	if (!hot)
		return -ENOMEM;
	dev->hot = hot;
	hot->nr = info->count;
	memcpy(hot->functions, info->devices, info->count * sizeof(hot->functions[0]));
	hot->request = sys->zalloc(sys->ctx, 1,
				   sizeof(*hot->request) +
					   info->count * sizeof(hot->request->group_fds[0]));
	return hot->request ? 0 : -ENOMEM;
}

int hot_reset_probe(struct vfio_device *dev)
{
	const struct vfio_sys *sys = &dev->container->sys;
	struct vfio_pci_hot_reset_info none = { 0 };
	int nr = dev->container->iommu.ops->group_file ? ask(dev, &none, 0) : 0;

	/* Functions may be plugged in meanwhile: not for ever. */
	for (unsigned attempt = 0; nr > 0 && attempt < 4; attempt++) {
		_cleanup_free_ struct vfio_pci_hot_reset_info *info = sys->zalloc(
			sys->ctx, 1, sizeof(*info) + (size_t)nr * sizeof(info->devices[0]));
		int room = nr;

		if (!info)
			return -ENOMEM;
		nr = ask(dev, info, (size_t)room);
		if (nr > 0 && nr <= room)
			return keep(dev, info);
	}
	/* Whatever it is, without an answer there is no such reset. */
	return 0;
}

void hot_reset_forget(struct vfio_device *dev)
{
	if (dev->hot)
		free(dev->hot->request);
	free(TAKE_PTR(dev->hot));
}

static struct pci_bdf bdf_of(const struct vfio_pci_dependent_device *fn)
{
	return (struct pci_bdf){
		.domain = fn->segment,
		.bus = fn->bus,
		.dev = fn->devfn >> 3,
		.fn = fn->devfn & 7,
	};
}

bool hot_reset_affects(const struct vfio_device *dev, const struct vfio_device *other)
{
	for (size_t i = 0; dev->hot && i < dev->hot->nr; i++) {
		const struct pci_bdf bdf = bdf_of(&dev->hot->functions[i]);

		if (pci_bdf_equal(&bdf, &other->bdf))
			return true;
	}
	return false;
}

bool hot_reset_is_of_one(const struct vfio_device *dev)
{
	return dev->hot && dev->hot->nr == 1 && hot_reset_affects(dev, dev);
}

/* The file of the function's group; -ENOENT: the guest has nothing of it. */
static int group_file_of(const struct vfio_device *dev, const struct vfio_pci_dependent_device *fn)
{
	const struct vfio_iommu *iommu = &dev->container->iommu;

	return iommu->ops->group_file ? iommu->ops->group_file(iommu, fn->group_id) : -ENOENT;
}

int hot_reset_allowed(const struct vfio_device *dev, struct pci_bdf *ret_other)
{
	if (!hot_reset_affects(dev, dev))
		return -ENODEV;
	for (size_t i = 0; i < dev->hot->nr; i++) {
		if (group_file_of(dev, &dev->hot->functions[i]) >= 0)
			continue;
		*ret_other = bdf_of(&dev->hot->functions[i]);
		return -EPERM;
	}
	return 0;
}

static void add_file(struct vfio_pci_hot_reset *request, int file)
{
	for (uint32_t i = 0; i < request->count; i++) {
		if (request->group_fds[i] == file)
			return;
	}
	request->group_fds[request->count++] = file;
}

int hot_reset_do(const struct vfio_device *dev)
{
	struct vfio_pci_hot_reset *request = dev->hot->request;
	int r;

	request->flags = 0;
	request->count = 0;
	for (size_t i = 0; i < dev->hot->nr; i++) {
		int file = group_file_of(dev, &dev->hot->functions[i]);

		if (file >= 0)
			add_file(request, file);
	}
	request->argsz =
		(uint32_t)(sizeof(*request) + request->count * sizeof(request->group_fds[0]));
	r = device_ioctl(dev, VFIO_DEVICE_PCI_HOT_RESET, request);
	return r < 0 ? r : 0;
}
