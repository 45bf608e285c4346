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
 * A function that was let go of comes back as a new one is opened, by files that whoever can open
 * files hands over; then the old one, which the rest of a running machine holds, has what the new
 * one had, and is as after power-on.
 *
 * Lock order: a device's lock, then the container's, then that of the device's mappings (maps); no
 * callback runs under them.
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
	int r;

	pthread_mutex_lock(&dev->container->slots);
	r = vfio_container_attach(dev->container, fn, &dev->group, &dev->fd, failure);
	pthread_mutex_unlock(&dev->container->slots);
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
	r = msix_move(dev, image, dev->isolated, failure);
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

static void add_device(struct vfio_device *dev)
{
	struct vfio_container *c = dev->container;

	dev->next = c->devices;
	c->devices = dev;
}

/* Nothing of it is open. */
static int alloc_device(struct vfio_container *c, bool isolated, struct vfio_device **ret_dev,
			struct vfio_failure *ret_failure)
{
	struct vfio_device *dev = c->sys.zalloc(c->sys.ctx, 1, sizeof(*dev));
	int r;

	if (!dev)
		return vfio_fail(ret_failure, VFIO_FAILURE_OTHER, -ENOMEM, "device");
	dev->container = c;
	dev->isolated = isolated;
	dev->fd = dev->unmask_eventfd = -1;
	for (size_t i = 0; i < NR_VFIO_NOTICES; i++)
		dev->notices[i] = -1;
	r = pthread_mutex_init(&dev->lock, NULL);
	assert(r == 0);
	r = pthread_mutex_init(&dev->maps, NULL);
	assert(r == 0);
	r = pthread_cond_init(&dev->idle, NULL);
	assert(r == 0);
	*ret_dev = dev;
	return 0;
}

static void name_device(struct vfio_device *dev, const struct pci_bdf *bdf)
{
	dev->bdf = *bdf;
	(void)pci_bdf_format(bdf, dev->name);
}

/* All of it, but that it is in the container's list. */
static int make_device(struct vfio_container *c, struct vfio_iommu_function *opening, bool isolated,
		       struct vfio_device **ret_dev, struct vfio_failure *ret_failure)
{
	_cleanup_(vfio_device_destroyp) struct vfio_device *dev = NULL;
	int r = alloc_device(c, isolated, &dev, ret_failure);

	if (r < 0)
		return r;
	name_device(dev, opening->bdf);
	strcpy(opening->name, dev->name);
	r = set_up(dev, opening, ret_failure);
	if (r < 0)
		return r;
	*ret_dev = TAKE_PTR(dev);
	return 0;
}

int vfio_device_create(struct vfio_container *c, const struct pci_host_fs *fs,
		       const struct pci_bdf *bdf, struct vfio_device **ret_dev,
		       struct vfio_failure *ret_failure)
{
	struct vfio_iommu_function opening = { .fs = fs, .bdf = bdf };
	struct pci_function fn;
	int r;

	r = vfio_function_look(fs, bdf, &fn, ret_failure);
	if (r == 0)
		r = check_unopened(c, bdf, ret_failure);
	if (r < 0)
		return r;
	opening.group = fn.group;
	r = make_device(c, &opening, pci_interrupts_are_isolated(fs), ret_dev, ret_failure);
	if (r == 0)
		add_device(*ret_dev);
	return r;
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
	pthread_mutex_destroy(&dev->maps);
	pthread_mutex_destroy(&dev->lock);
	free(dev);
}

/* ---- back again -------------------------------------------------------------------- */

static bool is_same_place(const struct bar_place *a, const struct bar_place *b)
{
	return a->bar == b->bar && a->offset == b->offset && a->size == b->size;
}

static bool is_same_bar(const struct vfio_bar *a, const struct vfio_bar *b)
{
	return a->present == b->present && a->is_io == b->is_io && a->is_64bit == b->is_64bit &&
	       a->prefetchable == b->prefetchable && a->size == b->size;
}

/* What a guest, and the rest of the machine, may have kept of the one that was there. */
static bool is_same_device(const struct vfio_device *was, const struct vfio_device *is)
{
	static const struct {
		unsigned at, len;
	} ids[] = {
		{ PCI_VENDOR_ID, 4 },
		{ PCI_CLASS_REVISION, 4 },
		{ PCI_SUBSYSTEM_VENDOR_ID, 4 },
	};
	bool same = was->nr_vectors == is->nr_vectors && was->pin == is->pin &&
		    memcmp(was->nr_of, is->nr_of, sizeof(was->nr_of)) == 0 &&
		    is_same_place(&was->table, &is->table) && is_same_place(&was->pba, &is->pba) &&
		    is_same_place(&was->made, &is->made) && was->has_io == is->has_io;

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		same &= memcmp(was->cfg.initial + ids[i].at, is->cfg.initial + ids[i].at,
			       ids[i].len) == 0;
	for (size_t i = 0; i < VFIO_DEVICE_RANGES; i++)
		same &= is_same_bar(&was->bars[i].shape, &is->bars[i].shape);
	return same;
}

/* Its vectors are what they were, and all that is said of them is the function's. */
static int move_in(struct vfio_device *dev, struct vfio_device *fresh, struct vfio_failure *failure)
{
	int r;

	if (fresh->nr_messages > dev->nr_messages) {
		r = vfio_fail(failure, VFIO_FAILURE_VECTORS, -ENOSPC, "%s", dev->name);
		vfio_failure_numbers(failure, dev->nr_messages, fresh->nr_messages);
		return r;
	}
	memcpy(dev->nr_of, fresh->nr_of, sizeof(dev->nr_of));
	dev->table = fresh->table;
	dev->pba = fresh->pba;
	dev->made = fresh->made;
	dev->has_io = fresh->has_io;
	if (fresh->pin)
		cfgspace_show_pin(&fresh->cfg, dev->pin);
	return 0;
}

/* All that it is open by; what is left is closed as one that was detached. Lock held. */
static void take_over(struct vfio_device *dev, struct vfio_device *from)
{
	irqs_disable(from);
	pthread_mutex_lock(&dev->maps);
	dev->fd = TAKE_FD(from->fd);
	memcpy(dev->bars, from->bars, sizeof(dev->bars));
	pthread_mutex_unlock(&dev->maps);
	memset(from->bars, 0, sizeof(from->bars));
	dev->group = TAKE_PTR(from->group);
	dev->hot = TAKE_PTR(from->hot);
	dev->can_reset = from->can_reset;
	dev->round = from->round;
	dev->cfgspace_region = from->cfgspace_region;
	dev->host_command = from->host_command;
	dev->cfg = from->cfg;
	dev->opened = true;
	from->opened = false;
	for (size_t i = 0; i < NR_VFIO_NOTICES; i++)
		dev->notices[i] = TAKE_FD(from->notices[i]);
}

/* As after power-on, with its own eventfds. Lock held. */
static int begin_anew(struct vfio_device *dev)
{
	enum vfio_irq_kind kind = irqs_first_kind(dev);
	int r = kind == VFIO_IRQ_KIND_NONE ? 0 : irqs_change(dev, kind);

	if (r < 0)
		return r;
	dev->unsettled = false;
	msi_forget(dev);
	if (msi_settle(dev))
		(void)device_command_write(dev, false);
	return 0;
}

static int come_back(struct vfio_device *dev, struct vfio_device *fresh,
		     struct vfio_failure *failure)
{
	struct vfio_container *c = dev->container;
	int r;

	if (dev->vacant)
		r = move_in(dev, fresh, failure);
	else
		r = is_same_device(dev, fresh)
			    ? 0
			    : vfio_fail(failure, VFIO_FAILURE_REPLACED, -ENODEV, "%s", dev->name);
	if (r == 0)
		r = vfio_container_map_kept(c, failure);
	if (r < 0)
		return r;
	pthread_mutex_lock(&dev->lock);
	pthread_mutex_lock(&c->slots);
	take_over(dev, fresh);
	add_device(dev);
	r = begin_anew(dev);
	pthread_mutex_unlock(&c->slots);
	pthread_mutex_unlock(&dev->lock);
	if (r < 0) {
		vfio_device_detach(dev);
		return vfio_fail(failure, VFIO_FAILURE_OTHER, r, "%s: VFIO_DEVICE_SET_IRQS",
				 dev->name);
	}
	msi_sync(dev);
	msi_tell_all(dev);
	if (dev->ops && dev->ops->kind_changed)
		dev->ops->kind_changed(dev->ops_ctx);
	return 0;
}

static int open_again(struct vfio_device *dev, struct vfio_function_file *file,
		      struct vfio_failure *failure)
{
	_cleanup_(vfio_device_destroyp) struct vfio_device *fresh = NULL;
	const struct vfio_container *c = dev->container;
	struct vfio_iommu_function opening = {
		.bdf = &dev->bdf,
		.group = file->group,
		.file = &file->fd,
	};
	int r;

	if (!c->iommu.ready && !c->nr_kept)
		return vfio_fail(failure, VFIO_FAILURE_UNMAPPED, -ENXIO, "%s", dev->name);
	r = make_device(dev->container, &opening, dev->isolated, &fresh, failure);
	return r < 0 ? r : come_back(dev, fresh, failure);
}

int vfio_device_reattach(struct vfio_device *dev, struct vfio_function_file *file,
			 struct vfio_failure *ret_failure)
{
	const struct vfio_sys *sys = &dev->container->sys;
	int r;

	assert(dev->fd < 0);

	r = open_again(dev, file, ret_failure);
	if (file->fd >= 0)
		sys->close(sys->ctx, TAKE_FD(file->fd));
	return r;
}

int vfio_device_create_vacant(struct vfio_container *c, const struct pci_host_fs *fs,
			      unsigned nr_messages, struct vfio_device **ret_dev,
			      struct vfio_failure *ret_failure)
{
	_cleanup_(vfio_device_destroyp) struct vfio_device *dev = NULL;
	int r = alloc_device(c, pci_interrupts_are_isolated(fs), &dev, ret_failure);

	assert(nr_messages && nr_messages <= VFIO_MAX_VECTORS);

	if (r < 0)
		return r;
	dev->vacant = true;
	dev->nr_of[VFIO_IRQ_KIND_MSIX] = nr_messages;
	dev->nr_of[VFIO_IRQ_KIND_INTX] = dev->pin = 1;
	r = irqs_make(dev, ret_failure);
	if (r == 0)
		*ret_dev = TAKE_PTR(dev);
	return r;
}

int vfio_device_adopt(struct vfio_device *dev, const struct pci_bdf *bdf,
		      struct vfio_function_file *file, struct vfio_failure *ret_failure)
{
	int r;

	assert(dev->vacant);

	name_device(dev, bdf);
	r = vfio_device_reattach(dev, file, ret_failure);
	dev->vacant = r < 0;
	return r;
}

void vfio_device_vacate(struct vfio_device *dev)
{
	assert(dev->fd < 0);

	dev->vacant = true;
}

enum vfio_iommu_kind vfio_device_iommu(const struct vfio_device *dev)
{
	return vfio_container_kind(dev->container);
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
