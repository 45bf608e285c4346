// SPDX-License-Identifier: MIT
/*
 * The function's own interrupts: linux/vfio.h, VFIO_DEVICE_SET_IRQS. All vectors of one kind
 * are enabled in one call, with an eventfd each: VFIO runs one kind at a time, and on arm64
 * hosts the number of MSI-X vectors cannot grow later (VFIO_IRQ_INFO_NORESIZE).
 *
 * The function's first kind is enabled when it is opened, and stays: a guest that enables that
 * kind, masks its vectors and disables it again makes the host do nothing. Another kind is
 * enabled at the host when the guest enables it, on the thread that writes the register. That
 * takes the host about as long as a reset does, it is done for one function at a time, and
 * whoever asks for it waits for it, and for its turn where the guest does so in a loop.
 *
 * Vector n of MSI and MSI-X has one eventfd, whose reader stays who it is: between two kinds a
 * signal waits there, and is the next kind's. INTx, which is a level, has a vector of its own.
 *
 * Lock: the device's, around which kind is enabled, and triggers that are taken away.
 *
 * Not here: the ERR and REQ interrupts of VFIO (errors of the bus, and the host asking for the
 * function back).
 */
#include "vfio/irqs.h"

#include <assert.h>
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <string.h>

#include "vfio/fail.h"

#define PINS 4u /* INTA to INTD */

/* By rank: the first one that a function has is enabled when it is opened. */
static const enum vfio_irq_kind ranks[] = {
	VFIO_IRQ_KIND_MSIX,
	VFIO_IRQ_KIND_MSI,
	VFIO_IRQ_KIND_INTX,
};

static uint32_t index_of(enum vfio_irq_kind kind)
{
	static const uint32_t indexes[VFIO_NR_IRQ_KINDS] = {
		[VFIO_IRQ_KIND_INTX] = VFIO_PCI_INTX_IRQ_INDEX,
		[VFIO_IRQ_KIND_MSI] = VFIO_PCI_MSI_IRQ_INDEX,
		[VFIO_IRQ_KIND_MSIX] = VFIO_PCI_MSIX_IRQ_INDEX,
	};

	assert(kind != VFIO_IRQ_KIND_NONE);
	return indexes[kind];
}

enum vfio_irq_kind irqs_first_kind(const struct vfio_device *dev)
{
	for (size_t i = 0; i < ARRAY_SIZE(ranks); i++)
		if (dev->nr_of[ranks[i]])
			return ranks[i];
	return VFIO_IRQ_KIND_NONE;
}

static int too_few(const struct vfio_device *dev, unsigned have, unsigned want,
		   struct vfio_failure *failure)
{
	int r = vfio_fail(failure, VFIO_FAILURE_VECTORS, -ENOSPC, "%s", dev->name);

	vfio_failure_numbers(failure, have, want);
	return r;
}

/*
 * Choice: a pin beyond INTD is INTA. What a function without a pin, or a virtual one, would
 * assert VFIO does not offer; the kernel must mask it as it signals, or a level would never end.
 */
static int probe_intx(struct vfio_device *dev, const uint8_t *image)
{
	const uint32_t needs =
		VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_MASKABLE | VFIO_IRQ_INFO_AUTOMASKED;
	struct vfio_irq_info info = { .argsz = sizeof(info), .index = VFIO_PCI_INTX_IRQ_INDEX };
	unsigned pin = image[PCI_INTERRUPT_PIN];
	int r;

	if (!pin)
		return 0;
	r = device_ioctl(dev, VFIO_DEVICE_GET_IRQ_INFO, &info);
	if (r < 0)
		return r;
	if (info.count == 1 && (info.flags & needs) == needs) {
		dev->nr_of[VFIO_IRQ_KIND_INTX] = 1;
		dev->pin = pin <= PINS ? pin : 1;
	}
	return 0;
}

int irqs_probe(struct vfio_device *dev, const uint8_t *image, struct vfio_failure *failure)
{
	int err = probe_intx(dev, image);
	enum vfio_irq_kind first = irqs_first_kind(dev);

	if (err < 0)
		return vfio_fail(failure, VFIO_FAILURE_OTHER, err, "%s: VFIO_DEVICE_GET_IRQ_INFO",
				 dev->name);
	for (size_t i = 0; i < ARRAY_SIZE(ranks); i++) {
		struct vfio_irq_info info = { .argsz = sizeof(info), .index = index_of(ranks[i]) };
		unsigned want = dev->nr_of[ranks[i]];
		bool usable;
		int r;

		if (!want)
			continue;
		r = device_ioctl(dev, VFIO_DEVICE_GET_IRQ_INFO, &info);
		if (r < 0)
			return vfio_fail(failure, VFIO_FAILURE_OTHER, r,
					 "%s: VFIO_DEVICE_GET_IRQ_INFO", dev->name);
		usable = info.flags & VFIO_IRQ_INFO_EVENTFD;
		if (ranks[i] != first && (!usable || info.count < want))
			dev->nr_of[ranks[i]] = 0;
		else if (!usable)
			return vfio_fail(failure, VFIO_FAILURE_NO_IRQ, -ENOTSUP, "%s", dev->name);
		else if (info.count < want)
			return too_few(dev, info.count, want, failure);
	}
	return 0;
}

static void *make(const struct vfio_device *dev, size_t nr, size_t size)
{
	const struct vfio_sys *sys = &dev->container->sys;

	return sys->zalloc(sys->ctx, nr ? nr : 1, size);
}

int irqs_make(struct vfio_device *dev, struct vfio_failure *failure)
{
	const struct vfio_sys *sys = &dev->container->sys;

	dev->nr_messages = dev->nr_of[VFIO_IRQ_KIND_MSIX];
	if (dev->nr_messages < dev->nr_of[VFIO_IRQ_KIND_MSI])
		dev->nr_messages = dev->nr_of[VFIO_IRQ_KIND_MSI];
	dev->nr_vectors = dev->nr_messages + dev->nr_of[VFIO_IRQ_KIND_INTX];
	assert(dev->nr_messages <= VFIO_MAX_VECTORS);
	dev->vectors = make(dev, dev->nr_vectors, sizeof(dev->vectors[0]));
	dev->entries = make(dev, dev->nr_of[VFIO_IRQ_KIND_MSIX], sizeof(dev->entries[0]));
	dev->irq_set = make(dev, 1, sizeof(*dev->irq_set) + dev->nr_vectors * sizeof(int32_t));
	for (unsigned i = 0; dev->vectors && i < dev->nr_vectors; i++)
		vector_init(&dev->vectors[i]);
	if (!dev->vectors || !dev->entries || !dev->irq_set)
		return vfio_fail(failure, VFIO_FAILURE_OTHER, -ENOMEM, "%s: vectors", dev->name);
	for (unsigned i = 0; i < dev->nr_of[VFIO_IRQ_KIND_MSIX]; i++)
		dev->entries[i].masked = true;
	for (unsigned i = 0; i < dev->nr_vectors; i++) {
		int fd = sys->eventfd(sys->ctx);

		if (fd < 0)
			return vfio_fail(failure, VFIO_FAILURE_OTHER, fd, "%s: eventfd", dev->name);
		dev->vectors[i].eventfd = fd;
	}
	if (!dev->pin)
		return 0;
	dev->unmask_eventfd = sys->eventfd(sys->ctx);
	return dev->unmask_eventfd >= 0 ? 0
					: vfio_fail(failure, VFIO_FAILURE_OTHER,
						    dev->unmask_eventfd, "%s: eventfd", dev->name);
}

/* The first vector of a kind. */
static unsigned base_of(const struct vfio_device *dev, enum vfio_irq_kind kind)
{
	return kind == VFIO_IRQ_KIND_INTX ? dev->nr_messages : 0;
}

static bool has_vector(const struct vfio_device *dev, enum vfio_irq_kind kind, unsigned vector)
{
	unsigned base = base_of(dev, kind);

	return vector >= base && vector - base < dev->nr_of[kind];
}

/* The trigger of a vector: none while it is masked at the device. */
static int32_t trigger_of(const struct vfio_device *dev, enum vfio_irq_kind kind, unsigned vector)
{
	const struct vfio_vector *v = &dev->vectors[vector];

	return kind == VFIO_IRQ_KIND_MSIX && v->silent ? -1 : v->eventfd;
}

/* Who signals that eventfd has the kernel unmask INTx, and signal it again if it is still there. */
static int enable_unmasking(const struct vfio_device *dev)
{
	int32_t eventfd = dev->unmask_eventfd;
	union {
		struct vfio_irq_set set;
		uint8_t bytes[sizeof(struct vfio_irq_set) + sizeof(int32_t)];
	} one = {
		.set = {
			.argsz = sizeof(one),
			.flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_UNMASK,
			.index = VFIO_PCI_INTX_IRQ_INDEX,
			.count = 1,
		},
	};

	memcpy(one.bytes + sizeof(one.set), &eventfd, sizeof(eventfd));
	return device_ioctl(dev, VFIO_DEVICE_SET_IRQS, &one);
}

static void do_intx(const struct vfio_device *dev, uint32_t action)
{
	struct vfio_irq_set set = {
		.argsz = sizeof(set),
		.flags = VFIO_IRQ_SET_DATA_NONE | action,
		.index = VFIO_PCI_INTX_IRQ_INDEX,
		.count = 1,
	};

	if (dev->kind == VFIO_IRQ_KIND_INTX)
		(void)device_ioctl(dev, VFIO_DEVICE_SET_IRQS, &set);
}

void irqs_unmask_intx(const struct vfio_device *dev)
{
	do_intx(dev, VFIO_IRQ_SET_ACTION_UNMASK);
}

void irqs_trigger_intx(const struct vfio_device *dev)
{
	do_intx(dev, VFIO_IRQ_SET_ACTION_TRIGGER);
}

void irqs_disable(struct vfio_device *dev)
{
	struct vfio_irq_set set = {
		.argsz = sizeof(set),
		.flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER,
	};

	if (dev->kind == VFIO_IRQ_KIND_NONE)
		return;
	set.index = index_of(dev->kind);
	(void)device_ioctl(dev, VFIO_DEVICE_SET_IRQS, &set);
	dev->kind = VFIO_IRQ_KIND_NONE;
}

/* A positive answer is the number that the host could give; then none is enabled. */
static int enable(struct vfio_device *dev, enum vfio_irq_kind kind)
{
	struct vfio_irq_set *set = dev->irq_set;
	unsigned nr = dev->nr_of[kind];
	int r;

	*set = (struct vfio_irq_set){
		.argsz = (uint32_t)(sizeof(*set) + nr * sizeof(int32_t)),
		.flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
		.index = index_of(kind),
		.count = nr,
	};
	for (unsigned i = 0; i < nr; i++) {
		int32_t fd = trigger_of(dev, kind, base_of(dev, kind) + i);

		memcpy(set->data + i * sizeof(fd), &fd, sizeof(fd));
	}
	r = device_ioctl(dev, VFIO_DEVICE_SET_IRQS, set);
	if (r)
		return r;
	dev->kind = kind;
	if (kind == VFIO_IRQ_KIND_INTX)
		r = enable_unmasking(dev);
	if (r < 0)
		irqs_disable(dev);
	return r;
}

int irqs_open(struct vfio_device *dev, struct vfio_failure *failure)
{
	enum vfio_irq_kind kind = irqs_first_kind(dev);
	int r = irqs_make(dev, failure);

	if (r < 0)
		return r;
	if (kind == VFIO_IRQ_KIND_NONE)
		return 0;
	r = enable(dev, kind);
	if (r > 0 || r == -ENOSPC)
		return too_few(dev, r > 0 ? (unsigned)r : 0, dev->nr_of[kind], failure);
	if (r < 0)
		return vfio_fail(failure, VFIO_FAILURE_OTHER, r, "%s: VFIO_DEVICE_SET_IRQS",
				 dev->name);
	return 0;
}

void irqs_close(struct vfio_device *dev)
{
	const struct vfio_sys *sys = &dev->container->sys;

	irqs_disable(dev);
	for (unsigned i = 0; dev->vectors && i < dev->nr_vectors; i++) {
		if (dev->vectors[i].eventfd >= 0)
			sys->close(sys->ctx, dev->vectors[i].eventfd);
	}
	if (dev->unmask_eventfd >= 0)
		sys->close(sys->ctx, dev->unmask_eventfd);
	dev->unmask_eventfd = -1;
	free(TAKE_PTR(dev->vectors));
	free(TAKE_PTR(dev->entries));
	free(TAKE_PTR(dev->irq_set));
}

int irqs_change(struct vfio_device *dev, enum vfio_irq_kind kind)
{
	int r;

	dev->irqs_epoch++;
	irqs_disable(dev);
	r = enable(dev, kind);
	dev->irqs_epoch++;
	return r > 0 ? -ENOSPC : r;
}

/*
 * VFIO has no masks for MSI (VFIO_IRQ_INFO_MASKABLE is not set); but without its
 * trigger a vector is shut down by the kernel (free_irq()), which masks it in the
 * MSI-X table and takes its event from the host's ITS. Given back, it is mapped
 * and unmasked again, and its pending bit makes it fire. The number of vectors
 * does not change, so VFIO_IRQ_INFO_NORESIZE does not matter.
 *
 * Choice: not with MSI. Its message would be replaced by zeros, while the function
 * has no mask, or one that few have: it would go on writing, to address 0. Of
 * several vectors, all share the message of the first. A vector that is masked when the guest
 * goes from MSI-X to MSI is heard again.
 */
int vfio_vector_mask_at_device(struct vfio_device *dev, unsigned vector, bool mask)
{
	union {
		struct vfio_irq_set set;
		uint8_t bytes[sizeof(struct vfio_irq_set) + sizeof(int32_t)];
	} one = {
		.set = {
			.argsz = sizeof(one),
			.flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
			.index = VFIO_PCI_MSIX_IRQ_INDEX,
			.start = vector,
			.count = 1,
		},
	};
	struct vfio_vector *v = &dev->vectors[vector];
	int32_t eventfd = mask ? -1 : v->eventfd;
	int r = mask ? -EOPNOTSUPP : 0;

	assert(vector < dev->nr_vectors);
	memcpy(one.bytes + sizeof(one.set), &eventfd, sizeof(eventfd));
	pthread_mutex_lock(&dev->lock);
	if (dev->kind == VFIO_IRQ_KIND_MSIX && has_vector(dev, VFIO_IRQ_KIND_MSIX, vector))
		r = device_ioctl(dev, VFIO_DEVICE_SET_IRQS, &one);
	if (r == 0)
		v->silent = mask;
	pthread_mutex_unlock(&dev->lock);
	return r;
}

int vfio_vector_trigger(struct vfio_device *dev, unsigned vector)
{
	struct vfio_irq_set set = {
		.argsz = sizeof(set),
		.flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER,
		.count = 1,
	};
	int r = -EINVAL;

	assert(vector < dev->nr_vectors);
	pthread_mutex_lock(&dev->lock);
	if (has_vector(dev, dev->kind, vector)) {
		set.start = vector - base_of(dev, dev->kind);
		set.index = index_of(dev->kind);
		r = device_ioctl(dev, VFIO_DEVICE_SET_IRQS, &set);
	}
	pthread_mutex_unlock(&dev->lock);
	return r;
}

enum vfio_irq_kind vfio_device_irq_kind(const struct vfio_device *dev)
{
	return dev->kind;
}

unsigned vfio_device_irqs_epoch(const struct vfio_device *dev)
{
	return dev->irqs_epoch;
}

unsigned vfio_device_nr_vectors(const struct vfio_device *dev)
{
	return dev->nr_vectors;
}

unsigned vfio_device_intx(const struct vfio_device *dev, unsigned *ret_vector)
{
	*ret_vector = dev->nr_messages;
	return dev->nr_of[VFIO_IRQ_KIND_INTX] ? dev->pin : 0;
}

int vfio_intx_unmask_eventfd(const struct vfio_device *dev)
{
	return dev->unmask_eventfd;
}

int vfio_vector_eventfd(const struct vfio_device *dev, unsigned vector)
{
	assert(vector < dev->nr_vectors);
	return dev->vectors[vector].eventfd;
}
