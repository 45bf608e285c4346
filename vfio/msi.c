// SPDX-License-Identifier: MIT
/*
 * MSI and MSI-X as a guest sees them: PCI Local Bus 3.0, 6.8 (PCI Express Base
 * 5.0, 7.7.1 and 7.7.2). The function's own vectors are enabled at the host once,
 * all of them, with an eventfd each (linux/vfio.h, VFIO_DEVICE_SET_IRQS); the
 * registers here only say what becomes of a signal.
 *
 * Choice: one kind is shown, MSI-X where the function has a sound one, else MSI;
 * the other capability is hidden. VFIO runs one kind at a time and arm64 hosts
 * cannot grow MSI-X later, so a guest's choice could not be followed without
 * disabling the host's vectors.
 *
 * Lock: the device's, around registers and updates of vectors. vfio_vector_take()
 * takes none.
 *
 * Not here: INTx; the ERR and REQ interrupts of VFIO (errors of the bus, and
 * the host asking for the function back).
 */
#include "vfio/msi.h"

#include <assert.h>
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <string.h>

#include "vfio/fail.h"

#define MSI_VECTORS_MAX 32u

static struct bar_place bir_place(uint32_t word, uint64_t size)
{
	return (struct bar_place){
		.bar = word & PCI_MSIX_TABLE_BIR,
		.offset = word & PCI_MSIX_TABLE_OFFSET,
		.size = size,
	};
}

/* Does it lie in a memory BAR? 1, 0, or negative errno. */
static int place_in_bar(const struct vfio_device *dev, const uint8_t *image,
			const struct bar_place *place)
{
	struct vfio_region_info info = { .argsz = sizeof(info), .index = place->bar };
	uint32_t bar;
	int r;

	if (place->bar >= VFIO_DEVICE_BARS)
		return 0;
	bar = cfgspace_get(image, PCI_BASE_ADDRESS_0 + 4 * place->bar, 4);
	if (bar & PCI_BASE_ADDRESS_SPACE_IO)
		return 0;
	r = device_ioctl(dev, VFIO_DEVICE_GET_REGION_INFO, &info);
	if (r < 0)
		return r;
	return place->offset <= info.size && place->size <= info.size - place->offset;
}

static bool places_overlap(const struct bar_place *a, const struct bar_place *b)
{
	return a->bar == b->bar && a->offset < b->offset + b->size &&
	       b->offset < a->offset + a->size;
}

/*
 * 1: the function has an MSI-X whose table lies in a memory BAR; 0: it has none that a guest
 * could use; or negative errno.
 *
 * Choice: a PBA that is in no memory BAR, or in the table, is nowhere, and MSI-X is shown all the
 * same: pending bits are computed here, drivers do not need them, and some functions give an
 * offset beyond their BAR (virtual functions of Chelsio's T5).
 */
static int probe_msix(struct vfio_device *dev, const uint8_t *image)
{
	unsigned at = cfgspace_find_cap(image, PCI_CAP_ID_MSIX), nr;
	int table, pba;

	if (!at || at + PCI_CAP_MSIX_SIZEOF > CFGSPACE_SIZE_PCI)
		return 0;
	nr = (cfgspace_get(image, at + PCI_MSIX_FLAGS, 2) & PCI_MSIX_FLAGS_QSIZE) + 1;
	dev->table = bir_place(cfgspace_get(image, at + PCI_MSIX_TABLE, 4),
			       (uint64_t)nr * PCI_MSIX_ENTRY_SIZE);
	dev->pba =
		bir_place(cfgspace_get(image, at + PCI_MSIX_PBA, 4), (uint64_t)(nr + 63) / 64 * 8);
	table = place_in_bar(dev, image, &dev->table);
	pba = place_in_bar(dev, image, &dev->pba);
	if (table < 0 || pba < 0)
		return table < 0 ? table : pba;
	if (!table)
		return 0;
	if (!pba || places_overlap(&dev->table, &dev->pba))
		dev->pba.size = 0;
	dev->nr_vectors = nr;
	return 1;
}

/* How long the capability is: PCI Local Bus 3.0, 6.8.1, has four layouts. */
static unsigned msi_size(uint32_t flags)
{
	bool wide = flags & PCI_MSI_FLAGS_64BIT;

	if (flags & PCI_MSI_FLAGS_MASKBIT)
		return (wide ? 0u + PCI_MSI_PENDING_64 : PCI_MSI_PENDING_32) + 4;
	return (wide ? 0u + PCI_MSI_DATA_64 : PCI_MSI_DATA_32) + 2;
}

static bool probe_msi(struct vfio_device *dev, const uint8_t *image)
{
	unsigned at = cfgspace_find_cap(image, PCI_CAP_ID_MSI);
	uint32_t flags;

	if (!at)
		return false;
	flags = cfgspace_get(image, at + PCI_MSI_FLAGS, 2);
	if (at + msi_size(flags) > CFGSPACE_SIZE_PCI)
		return false;
	dev->nr_vectors = 1u << ((flags & PCI_MSI_FLAGS_QMASK) >> 1);
	return dev->nr_vectors <= MSI_VECTORS_MAX;
}

int msi_probe(struct vfio_device *dev, const uint8_t *image, struct vfio_failure *failure)
{
	int r = probe_msix(dev, image);

	if (r < 0)
		return vfio_fail(failure, VFIO_FAILURE_OTHER, r, "%s: region of the MSI-X table",
				 dev->name);
	if (r > 0)
		dev->kind = VFIO_IRQ_KIND_MSIX;
	else if (probe_msi(dev, image))
		dev->kind = VFIO_IRQ_KIND_MSI;
	else
		dev->nr_vectors = 0;
	return 0;
}

static uint32_t irq_index(const struct vfio_device *dev)
{
	return dev->kind == VFIO_IRQ_KIND_MSIX ? VFIO_PCI_MSIX_IRQ_INDEX : VFIO_PCI_MSI_IRQ_INDEX;
}

static int vectors_create(struct vfio_device *dev, struct vfio_failure *failure)
{
	const struct vfio_sys *sys = &dev->container->sys;

	assert(dev->nr_vectors > 0);
	assert(dev->nr_vectors <= VFIO_MAX_VECTORS);
	dev->vectors = sys->zalloc(sys->ctx, dev->nr_vectors, sizeof(dev->vectors[0]));
	if (!dev->vectors)
		return vfio_fail(failure, VFIO_FAILURE_OTHER, -ENOMEM, "%s: vectors", dev->name);
	for (unsigned i = 0; i < dev->nr_vectors; i++)
		vector_init(&dev->vectors[i]);
	for (unsigned i = 0; i < dev->nr_vectors; i++) {
		int fd = sys->eventfd(sys->ctx);

		if (fd < 0)
			return vfio_fail(failure, VFIO_FAILURE_OTHER, fd, "%s: eventfd", dev->name);
		dev->vectors[i].eventfd = fd;
	}
	return 0;
}

static int too_few(const struct vfio_device *dev, unsigned have, struct vfio_failure *failure)
{
	int r = vfio_fail(failure, VFIO_FAILURE_VECTORS, -ENOSPC, "%s", dev->name);

	vfio_failure_numbers(failure, have, dev->nr_vectors);
	return r;
}

/*
 * All in one call: on arm64 hosts MSI-X cannot grow later (VFIO_IRQ_INFO_NORESIZE).
 * A positive answer is the number that the host could give; then none is enabled.
 */
static int vectors_enable(struct vfio_device *dev, struct vfio_failure *failure)
{
	const struct vfio_sys *sys = &dev->container->sys;
	size_t size = sizeof(struct vfio_irq_set) + dev->nr_vectors * sizeof(int32_t);
	_cleanup_free_ struct vfio_irq_set *set = sys->zalloc(sys->ctx, 1, size);
	int r;

	if (!set)
		return vfio_fail(failure, VFIO_FAILURE_OTHER, -ENOMEM, "%s: vectors", dev->name);
	set->argsz = (uint32_t)size;
	set->flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER;
	set->index = irq_index(dev);
	set->count = dev->nr_vectors;
	for (unsigned i = 0; i < dev->nr_vectors; i++) {
		int32_t fd = dev->vectors[i].eventfd;

		memcpy(set->data + i * sizeof(fd), &fd, sizeof(fd));
	}
	r = device_ioctl(dev, VFIO_DEVICE_SET_IRQS, set);
	if (r > 0)
		return too_few(dev, (unsigned)r, failure);
	if (r == -ENOSPC)
		return too_few(dev, 0, failure);
	if (r < 0)
		return vfio_fail(failure, VFIO_FAILURE_OTHER, r, "%s: VFIO_DEVICE_SET_IRQS",
				 dev->name);
	dev->enabled = true;
	return 0;
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
 * several vectors, all share the message of the first.
 */
int vfio_vector_mask_at_device(struct vfio_device *dev, unsigned vector, bool mask)
{
	int32_t eventfd = -1;
	union {
		struct vfio_irq_set set;
		uint8_t bytes[sizeof(struct vfio_irq_set) + sizeof(eventfd)];
	} one = {
		.set = {
			.argsz = sizeof(one),
			.flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
			.index = irq_index(dev),
			.start = vector,
			.count = 1,
		},
	};

	assert(vector < dev->nr_vectors);
	if (dev->kind != VFIO_IRQ_KIND_MSIX)
		return -EOPNOTSUPP;
	if (!mask)
		eventfd = dev->vectors[vector].eventfd;
	memcpy(one.bytes + sizeof(one.set), &eventfd, sizeof(eventfd));
	return device_ioctl(dev, VFIO_DEVICE_SET_IRQS, &one);
}

int msi_enable(struct vfio_device *dev, struct vfio_failure *failure)
{
	struct vfio_irq_info info = { .argsz = sizeof(info), .index = irq_index(dev) };
	int r;

	r = device_ioctl(dev, VFIO_DEVICE_GET_IRQ_INFO, &info);
	if (r < 0)
		return vfio_fail(failure, VFIO_FAILURE_OTHER, r, "%s: VFIO_DEVICE_GET_IRQ_INFO",
				 dev->name);
	if (!(info.flags & VFIO_IRQ_INFO_EVENTFD))
		return vfio_fail(failure, VFIO_FAILURE_NO_MSI, -ENOTSUP, "%s", dev->name);
	if (info.count < dev->nr_vectors)
		return too_few(dev, info.count, failure);
	r = vectors_create(dev, failure);
	return r < 0 ? r : vectors_enable(dev, failure);
}

void msi_disable(struct vfio_device *dev)
{
	const struct vfio_sys *sys = &dev->container->sys;
	struct vfio_irq_set set = {
		.argsz = sizeof(set),
		.flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER,
		.index = irq_index(dev),
	};

	if (dev->enabled)
		(void)device_ioctl(dev, VFIO_DEVICE_SET_IRQS, &set);
	dev->enabled = false;
	for (unsigned i = 0; dev->vectors && i < dev->nr_vectors; i++) {
		if (dev->vectors[i].eventfd >= 0)
			sys->close(sys->ctx, dev->vectors[i].eventfd);
	}
	free(TAKE_PTR(dev->vectors));
}

void msi_forget(struct vfio_device *dev)
{
	for (unsigned i = 0; i < dev->nr_vectors; i++)
		vector_forget(&dev->vectors[i]);
}

/*
 * MSI: all vectors share one message, and differ in the low bits of its data; Multiple
 * Message Enable says how many bits. What the registers say of a vector is worked out
 * from them each time.
 *
 * Choice: where the guest enables fewer vectors than the function has, the
 * number of each other one is cut to its low bits, and so it shares the message of one
 * that is enabled. A function decides itself how it makes do with fewer (6.8.1.3), but
 * at the host it has all, so it uses all.
 */
struct msi_registers {
	uint32_t flags, masks;
	unsigned enabled; /* vectors, a power of two, at most the function's */
	struct msi_message message;
};

static void msi_decode(const struct vfio_device *dev, struct msi_registers *ret)
{
	const uint8_t *at = dev->cfg.value + dev->cfg.msi;
	uint32_t flags = cfgspace_get(at, PCI_MSI_FLAGS, 2);
	bool wide = flags & PCI_MSI_FLAGS_64BIT;
	unsigned order = (flags & PCI_MSI_FLAGS_QSIZE) >> 4;

	*ret = (struct msi_registers){
		.flags = flags,
		.enabled = 1u << order,
		.message.address = cfgspace_get(at, PCI_MSI_ADDRESS_LO, 4),
		.message.data = cfgspace_get(at, wide ? PCI_MSI_DATA_64 : PCI_MSI_DATA_32, 2),
	};
	if (wide)
		ret->message.address |= (uint64_t)cfgspace_get(at, PCI_MSI_ADDRESS_HI, 4) << 32;
	if (flags & PCI_MSI_FLAGS_MASKBIT)
		ret->masks = cfgspace_get(at, wide ? PCI_MSI_MASK_64 : PCI_MSI_MASK_32, 4);
	/* Choice: more than the function has, or a reserved value, enables all. */
	if (ret->enabled > dev->nr_vectors)
		ret->enabled = dev->nr_vectors;
}

static bool msi_sync_one(struct vfio_device *dev, unsigned vector, struct msi_message *ret_message)
{
	struct msi_registers msi;
	uint32_t low, number;
	uint64_t why = 0;

	msi_decode(dev, &msi);
	low = msi.enabled - 1;
	number = vector & low;
	if (!(msi.flags & PCI_MSI_FLAGS_ENABLE))
		why |= VECTOR_OFF;
	if (msi.masks >> number & 1)
		why |= VECTOR_MASKED;
	*ret_message = (struct msi_message){
		.address = msi.message.address,
		.data = (msi.message.data & ~low) | number,
	};
	return vector_update(&dev->vectors[vector], why, ret_message);
}

uint32_t msi_pending_locked(const struct vfio_device *dev)
{
	struct msi_registers msi;
	uint32_t pending = 0;

	msi_decode(dev, &msi);
	for (unsigned i = 0; i < dev->nr_vectors; i++) {
		if (vector_pending(&dev->vectors[i]))
			pending |= 1u << (i & (msi.enabled - 1));
	}
	return pending;
}

static uint64_t msix_reasons(const struct vfio_device *dev)
{
	uint32_t flags = cfgspace_get(dev->cfg.value, dev->cfg.msix + PCI_MSIX_FLAGS, 2);
	uint64_t why = 0;

	if (!(flags & PCI_MSIX_FLAGS_ENABLE))
		why |= VECTOR_OFF;
	if (flags & PCI_MSIX_FLAGS_MASKALL)
		why |= VECTOR_MASKED_ALL;
	return why;
}

static uint64_t vector_own_mask(const struct vfio_vector *vector)
{
	return atomic_load_explicit(&vector->state, memory_order_relaxed) & VECTOR_MASKED;
}

static bool msix_sync_one(struct vfio_device *dev, unsigned vector, struct msi_message *ret_message)
{
	struct vfio_vector *v = &dev->vectors[vector];

	vector_message(v, ret_message);
	return vector_update(v, msix_reasons(dev) | vector_own_mask(v), ret_message);
}

/* What an update did, to be told with no lock held. */
struct update {
	struct msi_message message;
	uint64_t before; /* the generation */
	bool released, changed;
};

static struct update update_begin(const struct vfio_vector *vector)
{
	return (struct update){ .before = vector_generation(vector) };
}

static void update_end(const struct vfio_vector *vector, struct update *update, bool released)
{
	update->released = released;
	update->changed = vector_generation(vector) != update->before;
}

static void tell(const struct vfio_device *dev, unsigned vector, const struct update *update)
{
	if (update->released && dev->ops && dev->ops->vector_released)
		dev->ops->vector_released(dev->ops_ctx, vector, &update->message);
	if (update->changed && dev->ops && dev->ops->vector_changed)
		dev->ops->vector_changed(dev->ops_ctx, vector);
}

void msi_tell_all(const struct vfio_device *dev)
{
	for (unsigned i = 0; i < dev->nr_vectors; i++)
		tell(dev, i, &(struct update){ .changed = true });
}

/*
 * The lock is taken for each vector anew, and the registers are read anew under it. So
 * where two writes overlap, each vector ends as the newest registers say, and callbacks
 * run with no lock held.
 */
void msi_sync(struct vfio_device *dev)
{
	for (unsigned i = 0; i < dev->nr_vectors; i++) {
		const struct vfio_vector *vector = &dev->vectors[i];
		struct update update;

		pthread_mutex_lock(&dev->lock);
		update = update_begin(vector);
		update_end(vector, &update,
			   dev->kind == VFIO_IRQ_KIND_MSIX ? msix_sync_one(dev, i, &update.message)
							   : msi_sync_one(dev, i, &update.message));
		pthread_mutex_unlock(&dev->lock);
		tell(dev, i, &update);
	}
}

/* An entry of the table as its 16 bytes. Lock held. */
static void entry_load(const struct vfio_vector *vector, uint8_t ret_entry[PCI_MSIX_ENTRY_SIZE])
{
	struct msi_message message;
	uint32_t control = vector_own_mask(vector) ? PCI_MSIX_ENTRY_CTRL_MASKBIT : 0;

	vector_message(vector, &message);
	cfgspace_put(ret_entry, PCI_MSIX_ENTRY_LOWER_ADDR, 4, (uint32_t)message.address);
	cfgspace_put(ret_entry, PCI_MSIX_ENTRY_UPPER_ADDR, 4, (uint32_t)(message.address >> 32));
	cfgspace_put(ret_entry, PCI_MSIX_ENTRY_DATA, 4, message.data);
	cfgspace_put(ret_entry, PCI_MSIX_ENTRY_VECTOR_CTRL, 4, control);
}

uint64_t msix_table_read(struct vfio_device *dev, uint64_t offset, unsigned len)
{
	uint8_t entry[PCI_MSIX_ENTRY_SIZE];
	uint64_t value = 0;

	assert(offset + len <= dev->table.size);
	pthread_mutex_lock(&dev->lock);
	entry_load(&dev->vectors[offset / PCI_MSIX_ENTRY_SIZE], entry);
	pthread_mutex_unlock(&dev->lock);
	memcpy(&value, entry + offset % PCI_MSIX_ENTRY_SIZE, len);
	return value;
}

/*
 * Choice: software may write a message only while its vector is masked (6.8.3.5);
 * one that is written while unmasked takes effect with each write. Choice: parts
 * of a dword are merged into it, where PCI leaves the result undefined.
 */
void msix_table_write(struct vfio_device *dev, uint64_t offset, unsigned len, uint64_t value)
{
	unsigned index = (unsigned)(offset / PCI_MSIX_ENTRY_SIZE);
	struct vfio_vector *vector = &dev->vectors[index];
	uint8_t entry[PCI_MSIX_ENTRY_SIZE];
	struct update update;
	uint64_t why;

	assert(offset + len <= dev->table.size);
	assert(offset % PCI_MSIX_ENTRY_SIZE + len <= PCI_MSIX_ENTRY_SIZE);
	pthread_mutex_lock(&dev->lock);
	entry_load(vector, entry);
	memcpy(entry + offset % PCI_MSIX_ENTRY_SIZE, &value, len);
	update = update_begin(vector);
	update.message.address = cfgspace_get(entry, PCI_MSIX_ENTRY_LOWER_ADDR, 4) & ~3u;
	update.message.address |= (uint64_t)cfgspace_get(entry, PCI_MSIX_ENTRY_UPPER_ADDR, 4) << 32;
	update.message.data = cfgspace_get(entry, PCI_MSIX_ENTRY_DATA, 4);
	why = msix_reasons(dev);
	if (entry[PCI_MSIX_ENTRY_VECTOR_CTRL] & PCI_MSIX_ENTRY_CTRL_MASKBIT)
		why |= VECTOR_MASKED;
	update_end(vector, &update, vector_update(vector, why, &update.message));
	pthread_mutex_unlock(&dev->lock);
	tell(dev, index, &update);
}

uint64_t msix_pba_read(const struct vfio_device *dev, uint64_t offset, unsigned len)
{
	unsigned first = (unsigned)offset * 8;
	uint64_t value = 0;

	assert(offset + len <= dev->pba.size);
	for (unsigned i = 0; i < 8 * len && first + i < dev->nr_vectors; i++) {
		if (vector_pending(&dev->vectors[first + i]))
			value |= UINT64_C(1) << i;
	}
	return value;
}

enum vfio_irq_kind vfio_device_irq_kind(const struct vfio_device *dev)
{
	return dev->kind;
}

unsigned vfio_device_nr_vectors(const struct vfio_device *dev)
{
	return dev->nr_vectors;
}

int vfio_vector_eventfd(const struct vfio_device *dev, unsigned vector)
{
	assert(vector < dev->nr_vectors);
	return dev->vectors[vector].eventfd;
}

int vfio_vector_trigger(struct vfio_device *dev, unsigned vector)
{
	struct vfio_irq_set set = {
		.argsz = sizeof(set),
		.flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER,
		.index = irq_index(dev),
		.start = vector,
		.count = 1,
	};

	assert(vector < dev->nr_vectors);
	return device_ioctl(dev, VFIO_DEVICE_SET_IRQS, &set);
}

bool vfio_vector_message(const struct vfio_device *dev, unsigned vector,
			 struct msi_message *ret_message)
{
	assert(vector < dev->nr_vectors);
	return vector_target(&dev->vectors[vector], ret_message);
}

enum vfio_take vfio_vector_take(struct vfio_device *dev, unsigned vector,
				struct msi_message *ret_message)
{
	assert(vector < dev->nr_vectors);
	return vector_take(&dev->vectors[vector], ret_message);
}
