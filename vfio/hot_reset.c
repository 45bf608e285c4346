// SPDX-License-Identifier: MIT
/*
 * Resetting all functions of a slot, or of a bus, at once, by the bridge above them: linux/vfio.h,
 * VFIO_DEVICE_GET_PCI_HOT_RESET_INFO and VFIO_DEVICE_PCI_HOT_RESET.
 *
 * A function that is alone on its bus needs none of this: there the kernel does the same for
 * VFIO_DEVICE_RESET (pci_reset_bus_function()). This is for functions that have siblings, and for
 * those whose own reset fails, or was taken away (reset_method of sysfs).
 *
 * The kernel resets no function of others: all that are affected must have vfio-pci, and be the
 * caller's (vfio_pci_dev_set_hot_reset()). With type1 it shows a file of each of their groups;
 * with iommufd the request has no files, and the kernel looks at who is bound to the same iommufd,
 * or is in a group with one that is. They need not be open: a function that was taken for its
 * group's sake is nobody else's. The kernel saves and restores configuration space of all of them,
 * with the host's vectors (__pci_reset_bus()).
 *
 * With iommufd the answer says whose a function is as of now: those that the guest has opened later
 * are nobody's in the first one. So the kernel is asked again before each reset, into the room
 * that there was for the first answer: that may be on a vCPU's thread.
 *
 * Locks: none here; what is kept changes under the container's `slots` alone, once it is made.
 */
#include "vfio/hot_reset.h"

#include <errno.h>
#include <linux/vfio.h>

/* A bus has 256 functions; more than that is no sane answer for one and those behind it. */
#define AFFECTED_MAX 4096u

struct hot_reset {
	struct vfio_pci_hot_reset *request;   /* owned: room for a file for each function */
	struct vfio_pci_hot_reset_info *info; /* owned: the last answer */
	uint32_t room;			      /* for so many functions, in both */
};

/* Ask with room for nr of them. How many there are, which may be more; or negative errno. */
static int ask(const struct vfio_device *dev, struct vfio_pci_hot_reset_info *info, uint32_t nr)
{
	int r;

	info->argsz = (uint32_t)(sizeof(*info) + nr * sizeof(info->devices[0]));
	info->flags = 0;
	r = device_ioctl(dev, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, info);
	if (r < 0 && r != -ENOSPC)
		return r;
	return info->count && info->count <= AFFECTED_MAX ? (int)info->count : -EPROTO;
}

/* Takes the answer. */
static int keep(struct vfio_device *dev, struct vfio_pci_hot_reset_info *info, uint32_t room)
{
	const struct vfio_sys *sys = &dev->container->sys;
	struct hot_reset *hot = sys->zalloc(sys->ctx, 1, sizeof(*hot));

	if (!hot) {
		free(info);
		return -ENOMEM;
	}
	dev->hot = hot;
	hot->info = info;
	hot->room = room;
	hot->request = sys->zalloc(
		sys->ctx, 1, sizeof(*hot->request) + room * sizeof(hot->request->group_fds[0]));
	return hot->request ? 0 : -ENOMEM;
}

int hot_reset_probe(struct vfio_device *dev)
{
	const struct vfio_sys *sys = &dev->container->sys;
	struct vfio_pci_hot_reset_info none = { 0 };
	int nr = ask(dev, &none, 0);

	/* Functions may be plugged in meanwhile: not for ever. */
	for (unsigned attempt = 0; nr > 0 && attempt < 4; attempt++) {
		_cleanup_free_ struct vfio_pci_hot_reset_info *info = sys->zalloc(
			sys->ctx, 1, sizeof(*info) + (size_t)nr * sizeof(info->devices[0]));
		int room = nr;

		if (!info)
			return -ENOMEM;
		nr = ask(dev, info, (uint32_t)room);
		if (nr > 0 && nr <= room)
			return keep(dev, TAKE_PTR(info), (uint32_t)room);
	}
	/* Whatever it is, without an answer there is no such reset. */
	return 0;
}

void hot_reset_forget(struct vfio_device *dev)
{
	if (dev->hot) {
		free(dev->hot->request);
		free(dev->hot->info);
	}
	free(TAKE_PTR(dev->hot));
}

/* -EINVAL: there are more functions by now than there is room for. */
static int ask_again(const struct vfio_device *dev)
{
	struct vfio_pci_hot_reset_info *info = dev->hot->info;
	uint32_t before = info->count, flags = info->flags;
	int nr = ask(dev, info, dev->hot->room);

	if (nr > 0 && (uint32_t)nr <= dev->hot->room)
		return 0;
	/* What is behind the head is as it was, or are the first ones of the slot's. */
	info->count = before;
	info->flags = flags;
	return nr < 0 ? nr : -EINVAL;
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
	for (uint32_t i = 0; dev->hot && i < dev->hot->info->count; i++) {
		const struct pci_bdf bdf = bdf_of(&dev->hot->info->devices[i]);

		if (pci_bdf_equal(&bdf, &other->bdf))
			return true;
	}
	return false;
}

bool hot_reset_is_of_one(const struct vfio_device *dev)
{
	return dev->hot && dev->hot->info->count == 1 && hot_reset_affects(dev, dev);
}

/* Is the function that the answer has at i the container's? See vfio/iommu_ops.h. */
static int owns(const struct vfio_device *dev, uint32_t i, int *ret_file)
{
	const struct vfio_iommu *iommu = &dev->container->iommu;
	const struct vfio_pci_hot_reset_info *info = dev->hot->info;

	return iommu->ops->owns(iommu, info->flags, &info->devices[i], ret_file);
}

int hot_reset_allowed(const struct vfio_device *dev, struct pci_bdf *ret_other)
{
	int r, file;

	if (!dev->hot)
		return -ENODEV;
	r = ask_again(dev);
	if (r < 0)
		return r;
	if (!hot_reset_affects(dev, dev))
		return -ENODEV;
	for (uint32_t i = 0; i < dev->hot->info->count; i++) {
		if (owns(dev, i, &file) == 0)
			continue;
		*ret_other = bdf_of(&dev->hot->info->devices[i]);
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
	int r, file;

	request->flags = 0;
	request->count = 0;
	for (uint32_t i = 0; i < dev->hot->info->count; i++) {
		if (owns(dev, i, &file) == 0 && file >= 0)
			add_file(request, file);
	}
	request->argsz =
		(uint32_t)(sizeof(*request) + request->count * sizeof(request->group_fds[0]));
	r = device_ioctl(dev, VFIO_DEVICE_PCI_HOT_RESET, request);
	return r < 0 ? r : 0;
}
