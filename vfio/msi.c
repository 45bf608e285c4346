// SPDX-License-Identifier: MIT
/*
 * MSI and MSI-X as a guest sees them: PCI Local Bus 3.0, 6.8 (PCI Express Base
 * 5.0, 7.7.1 and 7.7.2). The registers here say what becomes of a signal; vfio/irqs.h has the
 * function's own vectors.
 *
 * A guest sees both kinds where the function has both, and changes between them as it likes.
 * Vectors obey the registers of one kind at a time (dev->used). What is written in the MSI-X
 * table stays there meanwhile.
 *
 * Choice: where both are enabled, which software must not do (6.8.2.3, 6.8.3), it is MSI-X.
 *
 * Choice: an interrupt that waits while the guest goes from one kind to the other is the next
 * one's, of the same number. A driver copes with one too many.
 *
 * Lock: the device's, around registers and updates of vectors. vfio_vector_take()
 * takes none.
 */
#include "vfio/msi.h"

#include <assert.h>
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <string.h>

#include "vfio/fail.h"

#define MSI_VECTORS_MAX 32u

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
	unsigned at = cfgspace_find_cap(image, PCI_CAP_ID_MSIX);
	struct msix_layout layout;
	int table, pba;

	if (!at || at + PCI_CAP_MSIX_SIZEOF > CFGSPACE_SIZE_PCI)
		return 0;
	msix_layout_read(image + at, &layout);
	dev->table = layout.table;
	dev->pba = layout.pba;
	table = place_in_bar(dev, image, &dev->table);
	pba = place_in_bar(dev, image, &dev->pba);
	if (table < 0 || pba < 0)
		return table < 0 ? table : pba;
	if (!table)
		return 0;
	if (!pba || places_overlap(&dev->table, &dev->pba))
		dev->pba.size = 0;
	dev->nr_of[VFIO_IRQ_KIND_MSIX] = layout.nr;
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

static void probe_msi(struct vfio_device *dev, const uint8_t *image)
{
	unsigned at = cfgspace_find_cap(image, PCI_CAP_ID_MSI), nr;
	uint32_t flags;

	if (!at)
		return;
	flags = cfgspace_get(image, at + PCI_MSI_FLAGS, 2);
	nr = 1u << ((flags & PCI_MSI_FLAGS_QMASK) >> 1);
	if (at + msi_size(flags) <= CFGSPACE_SIZE_PCI && nr <= MSI_VECTORS_MAX)
		dev->nr_of[VFIO_IRQ_KIND_MSI] = nr;
}

int msi_probe(struct vfio_device *dev, const uint8_t *image, struct vfio_failure *failure)
{
	int r = probe_msix(dev, image);

	if (r < 0)
		return vfio_fail(failure, VFIO_FAILURE_OTHER, r, "%s: region of the MSI-X table",
				 dev->name);
	probe_msi(dev, image);
	return 0;
}

void msi_forget(struct vfio_device *dev)
{
	for (unsigned i = 0; i < dev->nr_vectors; i++)
		vector_forget(&dev->vectors[i]);
	for (unsigned i = 0; i < dev->nr_of[VFIO_IRQ_KIND_MSIX]; i++)
		dev->entries[i] = (struct msix_entry){ .masked = true };
}

bool msi_forget_pending(struct vfio_device *dev)
{
	bool any = false;

	for (unsigned i = 0; i < dev->nr_messages; i++) {
		if (!vector_pending(&dev->vectors[i]))
			continue;
		vector_forget(&dev->vectors[i]);
		any = true;
	}
	return any;
}

enum vfio_irq_kind msi_asked(const struct vfio_device *dev)
{
	const struct vfio_cfgspace *cfg = &dev->cfg;

	if (cfg->msix &&
	    (cfgspace_get(cfg->value, cfg->msix + PCI_MSIX_FLAGS, 2) & PCI_MSIX_FLAGS_ENABLE))
		return VFIO_IRQ_KIND_MSIX;
	if (cfg->msi &&
	    (cfgspace_get(cfg->value, cfg->msi + PCI_MSI_FLAGS, 2) & PCI_MSI_FLAGS_ENABLE))
		return VFIO_IRQ_KIND_MSI;
	if (dev->pin && !(cfgspace_get(cfg->value, PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE))
		return VFIO_IRQ_KIND_INTX;
	return VFIO_IRQ_KIND_NONE;
}

bool msi_settle(struct vfio_device *dev)
{
	enum vfio_irq_kind asked = msi_asked(dev), was = dev->used;

	dev->used = asked == dev->kind ? asked : VFIO_IRQ_KIND_NONE;
	return (was == VFIO_IRQ_KIND_INTX) != (dev->used == VFIO_IRQ_KIND_INTX);
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
	if (ret->enabled > dev->nr_of[VFIO_IRQ_KIND_MSI])
		ret->enabled = dev->nr_of[VFIO_IRQ_KIND_MSI];
}

/* What keeps all vectors of a kind from being sent. */
static uint64_t kind_reasons(const struct vfio_device *dev, enum vfio_irq_kind kind)
{
	return dev->used == kind ? 0 : VECTOR_OFF;
}

static bool msi_sync_one(struct vfio_device *dev, unsigned vector, struct msi_message *ret_message)
{
	uint64_t why = kind_reasons(dev, VFIO_IRQ_KIND_MSI);
	struct msi_registers msi;
	uint32_t low, number;

	msi_decode(dev, &msi);
	low = msi.enabled - 1;
	number = vector & low;
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
	for (unsigned i = 0; i < dev->nr_of[VFIO_IRQ_KIND_MSI]; i++) {
		if (vector_pending(&dev->vectors[i]))
			pending |= 1u << (i & (msi.enabled - 1));
	}
	return pending;
}

static uint64_t msix_reasons(const struct vfio_device *dev, unsigned vector)
{
	uint32_t flags = cfgspace_get(dev->cfg.value, dev->cfg.msix + PCI_MSIX_FLAGS, 2);
	uint64_t why = kind_reasons(dev, VFIO_IRQ_KIND_MSIX);

	if (flags & PCI_MSIX_FLAGS_MASKALL)
		why |= VECTOR_MASKED_ALL;
	if (dev->entries[vector].masked)
		why |= VECTOR_MASKED;
	return why;
}

static bool msix_sync_one(struct vfio_device *dev, unsigned vector, struct msi_message *ret_message)
{
	*ret_message = dev->entries[vector].message;
	return vector_update(&dev->vectors[vector], msix_reasons(dev, vector), ret_message);
}

/* INTx has neither message nor mask. */
static bool intx_sync_one(struct vfio_device *dev, unsigned vector, struct msi_message *ret_message)
{
	*ret_message = (struct msi_message){ 0 };
	return vector_update(&dev->vectors[vector], kind_reasons(dev, VFIO_IRQ_KIND_INTX),
			     ret_message);
}

/* A vector that the kind in use has none of. */
static bool off_sync_one(struct vfio_device *dev, unsigned vector, struct msi_message *ret_message)
{
	vector_message(&dev->vectors[vector], ret_message);
	return vector_update(&dev->vectors[vector], VECTOR_OFF | VECTOR_MASKED, ret_message);
}

/* While no kind is in use, a vector has what it would have in the function's first one. */
static bool sync_one(struct vfio_device *dev, unsigned vector, struct msi_message *ret_message)
{
	bool msix = dev->nr_of[VFIO_IRQ_KIND_MSIX] && dev->used != VFIO_IRQ_KIND_MSI;

	if (vector >= dev->nr_messages)
		return intx_sync_one(dev, vector, ret_message);
	if (vector >= dev->nr_of[msix ? VFIO_IRQ_KIND_MSIX : VFIO_IRQ_KIND_MSI])
		return off_sync_one(dev, vector, ret_message);
	return msix ? msix_sync_one(dev, vector, ret_message)
		    : msi_sync_one(dev, vector, ret_message);
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
		update_end(vector, &update, sync_one(dev, i, &update.message));
		pthread_mutex_unlock(&dev->lock);
		tell(dev, i, &update);
	}
}

/* An entry of the table as its 16 bytes. Lock held. */
static void entry_load(const struct msix_entry *entry, uint8_t ret_bytes[PCI_MSIX_ENTRY_SIZE])
{
	uint32_t control = entry->masked ? PCI_MSIX_ENTRY_CTRL_MASKBIT : 0;
	uint64_t address = entry->message.address;

	cfgspace_put(ret_bytes, PCI_MSIX_ENTRY_LOWER_ADDR, 4, (uint32_t)address);
	cfgspace_put(ret_bytes, PCI_MSIX_ENTRY_UPPER_ADDR, 4, (uint32_t)(address >> 32));
	cfgspace_put(ret_bytes, PCI_MSIX_ENTRY_DATA, 4, entry->message.data);
	cfgspace_put(ret_bytes, PCI_MSIX_ENTRY_VECTOR_CTRL, 4, control);
}

static void entry_store(struct msix_entry *entry, const uint8_t bytes[PCI_MSIX_ENTRY_SIZE])
{
	entry->message.address = cfgspace_get(bytes, PCI_MSIX_ENTRY_LOWER_ADDR, 4) & ~3u;
	entry->message.address |= (uint64_t)cfgspace_get(bytes, PCI_MSIX_ENTRY_UPPER_ADDR, 4) << 32;
	entry->message.data = cfgspace_get(bytes, PCI_MSIX_ENTRY_DATA, 4);
	entry->masked = bytes[PCI_MSIX_ENTRY_VECTOR_CTRL] & PCI_MSIX_ENTRY_CTRL_MASKBIT;
}

uint64_t msix_table_read(struct vfio_device *dev, uint64_t offset, unsigned len)
{
	uint8_t bytes[PCI_MSIX_ENTRY_SIZE];
	uint64_t value = 0;

	assert(offset + len <= dev->table.size);
	pthread_mutex_lock(&dev->lock);
	entry_load(&dev->entries[offset / PCI_MSIX_ENTRY_SIZE], bytes);
	pthread_mutex_unlock(&dev->lock);
	memcpy(&value, bytes + offset % PCI_MSIX_ENTRY_SIZE, len);
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
	const struct vfio_vector *vector = &dev->vectors[index];
	uint8_t bytes[PCI_MSIX_ENTRY_SIZE];
	struct update update;

	assert(offset + len <= dev->table.size);
	assert(offset % PCI_MSIX_ENTRY_SIZE + len <= PCI_MSIX_ENTRY_SIZE);
	pthread_mutex_lock(&dev->lock);
	entry_load(&dev->entries[index], bytes);
	memcpy(bytes + offset % PCI_MSIX_ENTRY_SIZE, &value, len);
	entry_store(&dev->entries[index], bytes);
	update = update_begin(vector);
	update_end(vector, &update, sync_one(dev, index, &update.message));
	pthread_mutex_unlock(&dev->lock);
	tell(dev, index, &update);
}

uint64_t msix_pba_read(const struct vfio_device *dev, uint64_t offset, unsigned len)
{
	unsigned first = (unsigned)offset * 8;
	uint64_t value = 0;

	assert(offset + len <= dev->pba.size);
	for (unsigned i = 0; i < 8 * len && first + i < dev->nr_of[VFIO_IRQ_KIND_MSIX]; i++) {
		if (vector_pending(&dev->vectors[first + i]))
			value |= UINT64_C(1) << i;
	}
	return value;
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
