// SPDX-License-Identifier: MIT
/*
 * Opening and closing a function: Documentation/driver-api/vfio.rst,
 * linux/vfio.h.
 *
 * Order at opening: no bus mastering, reset, read what it is, map its BARs, enable
 * its vectors. At closing: no bus mastering, reset, disable the vectors, close; so
 * that no DMA of the guest's is under way when its memory is freed. What has no reset of its own
 * then, the kernel resets by its slot with the last of them that is closed, if it can
 * (vfio_pci_dev_set_try_reset()).
 *
 * Lock order: a device's lock is the only one, and no callback runs under it.
 */
#include <assert.h>
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <string.h>

#include "vfio/bar.h"
#include "vfio/device_io.h"
#include "vfio/fail.h"
#include "vfio/hot_reset.h"
#include "vfio/msi.h"
#include "vfio/msix_move.h"
#include "vfio/notice.h"
#include "vfio/pci_priv.h"
#include "vfio/reset.h"

/* Is it there, bound to vfio-pci, and its group free for a guest? */
static int check_function(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
			  struct pci_function *ret_fn, struct vfio_failure *failure)
{
	char name[PCI_BDF_STRLEN];
	int r;

	pci_bdf_format(bdf, name);
	r = pci_function_get(fs, bdf, ret_fn);
	if (r == -ENOENT)
		return vfio_fail(failure, VFIO_FAILURE_NO_FUNCTION, r, "%s", name);
	if (r < 0)
		return vfio_fail(failure, VFIO_FAILURE_OTHER, r, "%s", name);
	if (ret_fn->is_bridge)
		return vfio_fail(failure, VFIO_FAILURE_BRIDGE, -EINVAL, "%s", name);
	if (ret_fn->group < 0)
		return vfio_fail(failure, VFIO_FAILURE_NO_GROUP, -ENODEV, "%s", name);
	if (!pci_driver_is_vfio(ret_fn->driver)) {
		r = vfio_fail(failure, VFIO_FAILURE_NOT_BOUND, -ENODEV, "%s", name);
		vfio_failure_driver(failure, ret_fn->driver);
		return r;
	}
	r = pci_sriov_viable(fs, ret_fn, failure);
	return r < 0 ? r : pci_group_viable(fs, ret_fn, NULL, failure);
}

/* The kernel would let us open it twice: the group is ours. */
static int check_unopened(const struct vfio_container *c, const struct pci_bdf *bdf,
			  struct vfio_failure *failure)
{
	for (const struct vfio_device *dev = c->devices; dev; dev = dev->next) {
		if (pci_bdf_equal(&dev->bdf, bdf))
			return vfio_fail(failure, VFIO_FAILURE_BUSY, -EBUSY, "%s", dev->name);
	}
	return 0;
}

static int open_function(struct vfio_device *dev, const struct vfio_iommu_function *fn,
			 struct vfio_failure *failure)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	int r = vfio_container_attach(dev->container, fn, &dev->group, &dev->fd, failure);

	if (r < 0)
		return r;
	r = device_ioctl(dev, VFIO_DEVICE_GET_INFO, &info);
	if (r < 0)
		return vfio_fail(failure, VFIO_FAILURE_OTHER, r, "%s: VFIO_DEVICE_GET_INFO",
				 dev->name);
	if (!(info.flags & VFIO_DEVICE_FLAGS_PCI) ||
	    info.num_regions <= VFIO_PCI_CONFIG_REGION_INDEX ||
	    info.num_irqs <= VFIO_PCI_MSIX_IRQ_INDEX)
		return vfio_fail(failure, VFIO_FAILURE_OTHER, -EPROTO, "%s: VFIO_DEVICE_GET_INFO",
				 dev->name);
	dev->can_reset = info.flags & VFIO_DEVICE_FLAGS_RESET;
	r = hot_reset_probe(dev);
	return r < 0 ? vfio_fail(failure, VFIO_FAILURE_OTHER, r, "%s", dev->name) : 0;
}

/* Quiet the function before its configuration space is looked at. */
static int quiesce(struct vfio_device *dev, struct vfio_failure *failure)
{
	uint16_t command;
	int r;

	r = device_read(dev, dev->cfgspace_region + PCI_COMMAND, &command, sizeof(command));
	if (r < 0)
		return vfio_fail(failure, VFIO_FAILURE_OTHER, r, "%s: configuration space",
				 dev->name);
	dev->host_command =
		command & (uint16_t) ~(PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	r = device_quiesce(dev);
	if (r < 0)
		return vfio_fail(failure, VFIO_FAILURE_OTHER, r, "%s: reset", dev->name);
	return 0;
}

static int read_image(struct vfio_device *dev, uint8_t image[CFGSPACE_SIZE], unsigned *ret_size,
		      struct vfio_failure *failure)
{
	struct vfio_region_info info = {
		.argsz = sizeof(info),
		.index = VFIO_PCI_CONFIG_REGION_INDEX,
	};
	int r;

	r = device_ioctl(dev, VFIO_DEVICE_GET_REGION_INFO, &info);
	if (r == 0 && info.size < CFGSPACE_SIZE_PCI)
		r = -EPROTO;
	if (r < 0)
		return vfio_fail(failure, VFIO_FAILURE_OTHER, r,
				 "%s: region of configuration space", dev->name);
	dev->cfgspace_region = info.offset;
	dev->opened = true;
	*ret_size = info.size >= CFGSPACE_SIZE ? CFGSPACE_SIZE : CFGSPACE_SIZE_PCI;

	r = quiesce(dev, failure);
	if (r < 0)
		return r;
	memset(image, 0, CFGSPACE_SIZE);
	r = device_read(dev, dev->cfgspace_region, image, *ret_size);
	if (r < 0)
		return vfio_fail(failure, VFIO_FAILURE_OTHER, r, "%s: configuration space",
				 dev->name);
	if ((image[PCI_HEADER_TYPE] & 0x7f) != PCI_HEADER_TYPE_NORMAL)
		return vfio_fail(failure, VFIO_FAILURE_BRIDGE, -EINVAL, "%s", dev->name);
	return 0;
}

static int set_up(struct vfio_device *dev, const struct vfio_iommu_function *opening,
		  struct vfio_failure *failure)
{
	struct cfgspace_choice choice;
	uint8_t image[CFGSPACE_SIZE];
	unsigned size = 0;
	int r;

	r = open_function(dev, opening, failure);
	if (r < 0)
		return r;
	r = read_image(dev, image, &size, failure);
	if (r < 0)
		return r;
	r = msi_probe(dev, image, failure);
	if (r < 0)
		return r;
	r = msix_move(dev, image, pci_interrupts_are_isolated(opening->fs), failure);
	if (r < 0)
		return r;
	r = irqs_probe(dev, image, failure);
	if (r < 0)
		return r;
	choice = (struct cfgspace_choice){
		.pin = dev->pin,
		.msi = dev->nr_of[VFIO_IRQ_KIND_MSI],
		.msix = dev->nr_of[VFIO_IRQ_KIND_MSIX],
		.reset = dev->can_reset || hot_reset_is_of_one(dev),
	};
	r = bars_probe(dev, image, failure);
	if (r < 0)
		return r;
	/* As they are known now, it decodes I/O ports, too. */
	r = dev->has_io ? device_command_write(dev, false) : 0;
	if (r < 0)
		return vfio_fail(failure, VFIO_FAILURE_OTHER, r, "%s: configuration space",
				 dev->name);
	cfgspace_build(&dev->cfg, image, size, &choice);
	bars_to_cfgspace(dev);
	r = irqs_open(dev, failure);
	if (r < 0)
		return r;
	if (msi_settle(dev))
		(void)device_command_write(dev, false);
	msi_sync(dev);
	return notices_open(dev, failure);
}

int vfio_device_create(struct vfio_container *c, const struct pci_host_fs *fs,
		       const struct pci_bdf *bdf, struct vfio_device **ret_dev,
		       struct vfio_failure *ret_failure)
{
	_cleanup_(vfio_device_destroyp) struct vfio_device *dev = NULL;
	struct vfio_iommu_function opening = { .fs = fs, .bdf = bdf };
	struct pci_function fn;
	int r;

	r = check_function(fs, bdf, &fn, ret_failure);
	if (r == 0)
		r = check_unopened(c, bdf, ret_failure);
	if (r < 0)
		return r;
	dev = c->sys.zalloc(c->sys.ctx, 1, sizeof(*dev));
	if (!dev)
		return vfio_fail(ret_failure, VFIO_FAILURE_OTHER, -ENOMEM, "device");
	dev->container = c;
	dev->bdf = *bdf;
	dev->fd = dev->unmask_eventfd = -1;
	for (size_t i = 0; i < NR_VFIO_NOTICES; i++)
		dev->notices[i] = -1;
	pci_bdf_format(bdf, dev->name);
	r = pthread_mutex_init(&dev->lock, NULL);
	assert(r == 0);
	r = pthread_cond_init(&dev->idle, NULL);
	assert(r == 0);

	opening.group = fn.group;
	strcpy(opening.name, dev->name);
	r = set_up(dev, &opening, ret_failure);
	if (r < 0)
		return r;
	dev->next = c->devices;
	c->devices = dev;
	*ret_dev = TAKE_PTR(dev);
	return 0;
}

static void forget_device(struct vfio_device *dev)
{
	struct vfio_device **link = &dev->container->devices;

	while (*link && *link != dev)
		link = &(*link)->next;
	if (*link)
		*link = dev->next;
}

void vfio_device_detach(struct vfio_device *dev)
{
	struct vfio_container *c = dev->container;

	pthread_mutex_lock(&dev->lock);
	pthread_mutex_lock(&c->slots);
	forget_device(dev);
	if (dev->opened) {
		dev->used = VFIO_IRQ_KIND_NONE;
		(void)device_command_write(dev, false);
		if (dev->can_reset)
			(void)device_ioctl(dev, VFIO_DEVICE_RESET, NULL);
	}
	dev->opened = dev->unsettled = false;
	irqs_disable(dev);
	bars_unmap(dev);
	hot_reset_forget(dev);
	if (dev->fd >= 0) {
		c->sys.close(c->sys.ctx, dev->fd);
		vfio_container_detach(c, TAKE_PTR(dev->group));
	}
	dev->fd = -1;
	notices_close(dev);
	pthread_mutex_unlock(&c->slots);
	pthread_mutex_unlock(&dev->lock);
}

void vfio_device_destroy(struct vfio_device *dev)
{
	if (!dev)
		return;
	vfio_device_detach(dev);
	irqs_close(dev);
	pthread_cond_destroy(&dev->idle);
	pthread_mutex_destroy(&dev->lock);
	free(dev);
}

void vfio_device_show_link(struct vfio_device *dev)
{
	cfgspace_show_link(&dev->cfg);
}

void vfio_device_set_ops(struct vfio_device *dev, const struct vfio_device_ops *ops, void *ctx)
{
	dev->ops = ops;
	dev->ops_ctx = ctx;
}
