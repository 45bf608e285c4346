// SPDX-License-Identifier: MIT
/*
 * BARs: their sizes from VFIO's regions (linux/vfio.h, VFIO_DEVICE_GET_REGION_INFO),
 * their types from configuration space (PCI Local Bus 3.0, 6.2.5.1), the parts
 * that can be mapped, and access to the others. I/O ports cannot be mapped: all
 * accesses to them are trapped. So are those to the expansion ROM (6.2.5.2), which the
 * kernel has the function show only while it reads it.
 *
 * Lock: the device's guards the registers of the BARs; access to the function's memory
 * takes none.
 */
#include "vfio/bar.h"

#include <assert.h>
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <string.h>

#include "vfio/fail.h"
#include "vfio/msi.h"

/* So many areas of a sparse region are looked at at most; further ones are trapped. */
#define BAR_AREAS_MAX 16u

/* The least that a register can have an address for. */
#define BAR_IO_MIN     4u
#define BAR_MEMORY_MIN 16u
#define BAR_ROM_MIN    2048u
/* The least that is shown as large as a page of the host's. */
#define BAR_GROWS_MIN 4096u

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "registers are copied as they are");

static uint64_t round_up(uint64_t value, uint64_t page)
{
	return (value + page - 1) & ~(page - 1);
}

/* The span that contains the offset at, or NULL. */
static const struct bar_span *span_at(const struct bar_spans *spans, uint64_t at)
{
	for (size_t i = 0; i < spans->nr; i++) {
		if (at >= spans->spans[i].first && at < spans->spans[i].end)
			return &spans->spans[i];
	}
	return NULL;
}

/* Where the next span after the offset at begins; end if none does before it. */
static uint64_t next_span(const struct bar_spans *spans, uint64_t at, uint64_t end)
{
	for (size_t i = 0; i < spans->nr; i++) {
		const struct bar_span *span = &spans->spans[i];

		if (span->first > at && span->first < end && span->end > span->first)
			end = span->first;
	}
	return end;
}

/* Add a run of bytes, joined to the last one if both are of a kind. False: no room. */
static bool add_piece(struct vfio_bar *bar, uint64_t at, uint64_t end, bool map)
{
	struct vfio_bar_piece *last = bar->nr_pieces ? &bar->pieces[bar->nr_pieces - 1] : NULL;

	if (last && !last->map == !map) {
		last->size = end - last->offset;
		return true;
	}
	if (bar->nr_pieces == VFIO_BAR_MAX_PIECES)
		return false;
	bar->pieces[bar->nr_pieces++] = (struct vfio_bar_piece){
		.offset = at,
		.size = end - at,
		.map = map ? bar : NULL,
	};
	return true;
}

/* More pieces than there is room for: the rest of the BAR becomes one trapped piece. */
static void trap_tail(struct vfio_bar *bar)
{
	struct vfio_bar_piece *last = &bar->pieces[bar->nr_pieces - 1];

	if (last->map) {
		assert(bar->nr_pieces > 1);
		bar->nr_pieces--;
		last--;
	}
	assert(!last->map);
	last->size = bar->size - last->offset;
}

void bar_cut(struct vfio_bar *bar, uint64_t page_size, const struct bar_spans *mappable,
	     const struct bar_spans *trapped)
{
	uint64_t at = 0, end;

	assert(bar->size > 0);
	bar->nr_pieces = 0;
	while (at < bar->size) {
		const struct bar_span *trap = span_at(trapped, at), *map = span_at(mappable, at);
		bool direct = !trap && map && bar->size >= page_size;

		if (direct)
			end = next_span(trapped, at, map->end);
		else if (trap)
			end = trap->end;
		else
			end = next_span(mappable, at, bar->size);
		if (end > bar->size)
			end = bar->size;
		assert(end > at);
		if (!add_piece(bar, at, end, direct)) {
			trap_tail(bar);
			return;
		}
		at = end;
	}
}

/* Trap the pages of the MSI-X table or PBA, if it is in this BAR. The new number of spans. */
static size_t add_trap(struct bar_span *spans, size_t nr, const struct vfio_device *dev,
		       unsigned index, const struct bar_place *place)
{
	uint64_t page = dev->container->sys.page_size;

	if (!dev->nr_of[VFIO_IRQ_KIND_MSIX] || !place->size || place->bar != index)
		return nr;
	spans[nr] = (struct bar_span){
		.first = place->offset & ~(page - 1),
		.end = round_up(place->offset + place->size, page),
	};
	return nr + 1;
}

/* Add the whole pages of an area that can be mapped, if any. The new number of spans. */
static size_t add_area(struct bar_span *spans, size_t nr, uint64_t page,
		       const struct vfio_region_sparse_mmap_area *area)
{
	uint64_t end = area->offset + area->size;

	if (end < area->offset || area->offset > UINT64_MAX - page)
		return nr;
	spans[nr] = (struct bar_span){ round_up(area->offset, page), end & ~(page - 1) };
	return spans[nr].first < spans[nr].end ? nr + 1 : nr;
}

static const char *find_sparse(const struct vfio_region_info *info, size_t info_size,
			       size_t *ret_room)
{
	if (!(info->flags & VFIO_REGION_INFO_FLAG_CAPS))
		return NULL;
	return vfio_find_cap(info, info_size, info->cap_offset, VFIO_REGION_INFO_CAP_SPARSE_MMAP,
			     ret_room);
}

/* Of a BAR that has this size to the guest. */
static size_t mappable_areas(const struct vfio_device *dev, const struct vfio_region_info *info,
			     size_t info_size, uint64_t bar_size,
			     struct bar_span spans[BAR_AREAS_MAX])
{
	uint64_t page = dev->container->sys.page_size;
	struct vfio_region_info_cap_sparse_mmap sparse;
	struct vfio_region_sparse_mmap_area area = { .size = bar_size };
	const char *cap;
	size_t room = 0, nr = 0;

	if (!(info->flags & VFIO_REGION_INFO_FLAG_MMAP))
		return 0;
	cap = find_sparse(info, info_size, &room);
	if (!cap)
		return add_area(spans, 0, page, &area);

	if (room < sizeof(sparse))
		return 0;
	memcpy(&sparse, cap, sizeof(sparse));
	room = (room - sizeof(sparse)) / sizeof(area);
	for (uint32_t i = 0; i < sparse.nr_areas && i < room && nr < BAR_AREAS_MAX; i++) {
		memcpy(&area, cap + sizeof(sparse) + i * sizeof(area), sizeof(area));
		nr = add_area(spans, nr, page, &area);
	}
	return nr;
}

static int map_pieces(struct vfio_device *dev, unsigned index, struct vfio_failure *failure)
{
	const struct vfio_sys *sys = &dev->container->sys;
	struct vfio_bar_state *state = &dev->bars[index];
	int r;

	for (size_t i = 0; i < state->shape.nr_pieces; i++) {
		struct vfio_bar_piece *piece = &state->shape.pieces[i];
		void *map;

		if (!piece->map)
			continue;
		piece->map = NULL;
		r = sys->mmap(sys->ctx, dev->fd, state->region + piece->offset, piece->size, &map);
		if (r < 0) {
			/* The marks behind this one are no mappings: nothing to unmap. */
			while (++i < state->shape.nr_pieces)
				state->shape.pieces[i].map = NULL;
			return vfio_fail(failure, VFIO_FAILURE_OTHER, r, "%s: mapping BAR %u",
					 dev->name, index);
		}
		piece->map = map;
	}
	return 0;
}

static unsigned register_of(unsigned bar)
{
	return bar == VFIO_DEVICE_ROM ? (unsigned)PCI_ROM_ADDRESS : PCI_BASE_ADDRESS_0 + 4 * bar;
}

/* No BAR, no ROM that could be read, or a size that no register could have the address of? */
static bool is_absent(unsigned index, bool is_io, const struct vfio_region_info *info)
{
	uint64_t least = is_io ? BAR_IO_MIN : BAR_MEMORY_MIN;

	if (index == VFIO_DEVICE_ROM) {
		least = BAR_ROM_MIN;
		if (!(info->flags & VFIO_REGION_INFO_FLAG_READ) || info->size > UINT32_MAX)
			return true;
	}
	return info->size < least || (info->size & (info->size - 1));
}

static bool is_64bit(uint32_t flags)
{
	return !(flags & PCI_BASE_ADDRESS_SPACE_IO) &&
	       (flags & PCI_BASE_ADDRESS_MEM_TYPE_MASK) == PCI_BASE_ADDRESS_MEM_TYPE_64;
}

/*
 * VFIO maps a BAR that is smaller than a page of the host's where nothing else is in that page,
 * nor can get there (vfio_pci_probe_mmaps()); but it is the page that is mapped. So the guest has
 * the BAR as large as that, and puts nothing else into the page, either. Behind the function's own
 * part nobody answers, as in any gap between BARs.
 *
 * Choice: only BARs of 4 KiB and more grow, so none does where the host has pages of 4 KiB. There
 * is little to gain by smaller ones, and there are drivers that look at the size of those.
 */
static bool grows(const struct vfio_device *dev, const struct vfio_region_info *info,
		  size_t info_size, const struct bar_spans *trapped)
{
	size_t room;

	return (info->flags & VFIO_REGION_INFO_FLAG_MMAP) && info->size >= BAR_GROWS_MIN &&
	       info->size < dev->container->sys.page_size && !trapped->nr &&
	       !find_sparse(info, info_size, &room);
}

static int bar_probe(struct vfio_device *dev, unsigned index, uint32_t flags,
		     struct vfio_failure *failure)
{
	const struct vfio_region_info question = { .argsz = sizeof(question), .index = index };
	const struct vfio_query query = { dev->fd, VFIO_DEVICE_GET_REGION_INFO, &question,
					  sizeof(question) };
	struct vfio_bar_state *state = &dev->bars[index];
	_cleanup_free_ void *answer = NULL;
	struct bar_span areas[BAR_AREAS_MAX], traps[2];
	struct bar_spans mappable = { .spans = areas }, trapped = { .spans = traps };
	bool is_io = flags & PCI_BASE_ADDRESS_SPACE_IO;
	const struct vfio_region_info *info;
	size_t size;
	int r;

	r = vfio_ask(&dev->container->sys, &query, &answer, &size);
	if (r < 0)
		return vfio_fail(failure, VFIO_FAILURE_OTHER, r, "%s: region of BAR %u", dev->name,
				 index);
	info = answer;
	if (is_absent(index, is_io, info))
		return 0;

	state->region = info->offset;
	state->size = info->size;
	state->shape = (struct vfio_bar){
		.present = true,
		.is_io = is_io,
		.is_64bit = is_64bit(flags),
		.prefetchable = !is_io && (flags & PCI_BASE_ADDRESS_MEM_PREFETCH),
		.size = info->size,
	};
	trapped.nr = add_trap(traps, 0, dev, index, &dev->table);
	trapped.nr = add_trap(traps, trapped.nr, dev, index, &dev->pba);
	if (!is_io && index != VFIO_DEVICE_ROM) {
		if (grows(dev, info, size, &trapped))
			state->shape.size = dev->container->sys.page_size;
		mappable.nr = mappable_areas(dev, info, size, state->shape.size, areas);
	}
	bar_cut(&state->shape, dev->container->sys.page_size, &mappable, &trapped);
	return map_pieces(dev, index, failure);
}

/* One that the function has not: table and PBA of MSI-X, and nothing else, all trapped. */
static void bar_make(struct vfio_device *dev)
{
	struct vfio_bar *shape = &dev->bars[dev->made.bar].shape;

	*shape = (struct vfio_bar){ .present = true, .size = dev->made.size };
	bar_cut(shape, dev->container->sys.page_size, &(struct bar_spans){ 0 },
		&(struct bar_spans){ 0 });
}

int bars_probe(struct vfio_device *dev, const uint8_t *image, struct vfio_failure *failure)
{
	for (unsigned i = 0; i < VFIO_DEVICE_BARS; i++) {
		uint32_t flags = cfgspace_get(image, PCI_BASE_ADDRESS_0 + 4 * i, 4);
		bool wide = is_64bit(flags);
		int r;

		/* A 64-bit BAR needs a second register: the last one has none. */
		if (wide && i == VFIO_DEVICE_BARS - 1)
			continue;
		r = bar_probe(dev, i, flags, failure);
		if (r < 0)
			return r;
		dev->has_io |= dev->bars[i].shape.is_io;
		i += wide && dev->bars[i].shape.present;
	}
	if (dev->made.size)
		bar_make(dev);
	return bar_probe(dev, VFIO_DEVICE_ROM, 0, failure);
}

void bars_unmap(struct vfio_device *dev)
{
	const struct vfio_sys *sys = &dev->container->sys;

	pthread_mutex_lock(&dev->maps);
	for (unsigned i = 0; i < VFIO_DEVICE_BARS; i++) {
		struct vfio_bar *bar = &dev->bars[i].shape;

		for (size_t k = 0; k < bar->nr_pieces; k++) {
			if (bar->pieces[k].map)
				sys->munmap(sys->ctx, bar->pieces[k].map, bar->pieces[k].size);
			bar->pieces[k].map = NULL;
		}
	}
	pthread_mutex_unlock(&dev->maps);
}

void vfio_bars_drop_pages(struct vfio_device *dev)
{
	const struct vfio_sys *sys = &dev->container->sys;

	pthread_mutex_lock(&dev->maps);
	for (unsigned i = 0; i < VFIO_DEVICE_BARS; i++) {
		const struct vfio_bar_state *state = &dev->bars[i];

		for (size_t k = 0; k < state->shape.nr_pieces; k++) {
			const struct vfio_bar_piece *piece = &state->shape.pieces[k];

			/* Refused, it keeps its pages. */
			if (piece->map)
				(void)!sys->map_anew(sys->ctx, dev->fd,
						     state->region + piece->offset, piece->size,
						     piece->map);
		}
	}
	pthread_mutex_unlock(&dev->maps);
}

/* The low bits of its register, which no write changes. */
static uint32_t flags_of(const struct vfio_bar *bar)
{
	uint32_t flags = PCI_BASE_ADDRESS_SPACE_MEMORY;

	if (bar->is_io)
		return PCI_BASE_ADDRESS_SPACE_IO;
	if (bar->is_64bit)
		flags |= PCI_BASE_ADDRESS_MEM_TYPE_64;
	if (bar->prefetchable)
		flags |= PCI_BASE_ADDRESS_MEM_PREFETCH;
	return flags;
}

void bars_to_cfgspace(struct vfio_device *dev)
{
	struct vfio_cfgspace *cfg = &dev->cfg;

	for (unsigned i = 0; i < VFIO_DEVICE_RANGES; i++) {
		const struct vfio_bar *bar = &dev->bars[i].shape;
		unsigned at = register_of(i);
		uint64_t bits = ~(bar->size - 1);

		if (!bar->present)
			continue;
		cfgspace_put(cfg->initial, at, 4, flags_of(bar));
		cfgspace_put(cfg->value, at, 4, flags_of(bar));
		cfgspace_put(cfg->keep, at, 4, (uint32_t)bits);
		if (bar->is_64bit)
			cfgspace_put(cfg->keep, at + 4, 4, (uint32_t)(bits >> 32));
	}
	if (dev->bars[VFIO_DEVICE_ROM].shape.present)
		cfg->keep[PCI_ROM_ADDRESS] |= PCI_ROM_ADDRESS_ENABLE;
	/* Of a function without I/O ports, the bit cannot be set. */
	if (dev->has_io)
		cfg->keep[PCI_COMMAND] |= PCI_COMMAND_IO;
}

/*
 * Choice: a BAR that holds zero or all ones counts as not assigned: that is what
 * it holds after reset and while its size is asked for, and a guest may do the
 * latter with decoding on.
 */
void vfio_device_bar(struct vfio_device *dev, unsigned bar, struct vfio_bar *ret_bar)
{
	unsigned at = register_of(bar);
	uint64_t ones;

	assert(bar < VFIO_DEVICE_RANGES);
	*ret_bar = dev->bars[bar].shape;
	if (!ret_bar->present)
		return;
	ones = ~(ret_bar->size - 1);
	if (!ret_bar->is_64bit)
		ones &= UINT32_MAX;

	pthread_mutex_lock(&dev->lock);
	ret_bar->decoded = cfgspace_get(dev->cfg.value, PCI_COMMAND, 2) &
			   (ret_bar->is_io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY);
	ret_bar->address = cfgspace_get(dev->cfg.value, at, 4);
	if (ret_bar->is_64bit)
		ret_bar->address |= (uint64_t)cfgspace_get(dev->cfg.value, at + 4, 4) << 32;
	pthread_mutex_unlock(&dev->lock);
	if (bar == VFIO_DEVICE_ROM)
		ret_bar->decoded &= ret_bar->address & PCI_ROM_ADDRESS_ENABLE;

	ret_bar->address &= ones;
	ret_bar->decoded &= ret_bar->address != 0 && ret_bar->address != ones;
	if (!ret_bar->decoded)
		ret_bar->address = 0;
}

static bool access_fits(const struct vfio_device *dev, unsigned bar, uint64_t offset, unsigned len)
{
	const struct vfio_bar *shape;

	if (bar >= VFIO_DEVICE_RANGES || (len != 1 && len != 2 && len != 4 && len != 8))
		return false;
	shape = &dev->bars[bar].shape;
	/* No port has eight bytes. */
	return shape->present && !(shape->is_io && len == 8) && offset % len == 0 &&
	       offset < shape->size && len <= shape->size - offset;
}

/* Table and PBA begin and end at multiples of 8: an aligned access is in or out as a whole. */
static bool in_place(const struct vfio_device *dev, unsigned bar, uint64_t offset,
		     const struct bar_place *place)
{
	return dev->nr_of[VFIO_IRQ_KIND_MSIX] && place->bar == bar && offset >= place->offset &&
	       offset - place->offset < place->size;
}

/* In a BAR that is not the function's, there are zeros where table and PBA are not. */
static bool is_made(const struct vfio_device *dev, unsigned bar)
{
	return dev->made.size && dev->made.bar == bar;
}

uint64_t vfio_bar_read(struct vfio_device *dev, unsigned bar, uint64_t offset, unsigned len)
{
	uint64_t value = 0;

	if (!access_fits(dev, bar, offset, len))
		return UINT64_MAX;
	if (in_place(dev, bar, offset, &dev->table))
		return msix_table_read(dev, offset - dev->table.offset, len);
	if (in_place(dev, bar, offset, &dev->pba))
		return msix_pba_read(dev, offset - dev->pba.offset, len);
	if (is_made(dev, bar))
		return 0;
	/* A function that is gone answers all ones, as PCI does; so does nobody. */
	if (offset >= dev->bars[bar].size ||
	    device_read(dev, dev->bars[bar].region + offset, &value, len) < 0)
		return UINT64_MAX >> (64 - 8 * len);
	return value;
}

void vfio_bar_write(struct vfio_device *dev, unsigned bar, uint64_t offset, unsigned len,
		    uint64_t value)
{
	if (bar == VFIO_DEVICE_ROM || !access_fits(dev, bar, offset, len))
		return;
	if (in_place(dev, bar, offset, &dev->table))
		msix_table_write(dev, offset - dev->table.offset, len, value);
	else if (!is_made(dev, bar) && !in_place(dev, bar, offset, &dev->pba) &&
		 offset < dev->bars[bar].size)
		(void)!device_write(dev, dev->bars[bar].region + offset, &value, len);
}

int vfio_bar_map_dma(const struct vfio_device *dev, const struct vfio_bar_piece *piece,
		     uint64_t iova)
{
	assert(piece->map);
	return vfio_dma_map_bar(dev->container, iova, piece->size, piece->map);
}

int vfio_bar_unmap_dma(const struct vfio_device *dev, const struct vfio_bar_piece *piece,
		       uint64_t iova)
{
	return vfio_dma_unmap_bar(dev->container, iova, piece->size);
}
