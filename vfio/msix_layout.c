// SPDX-License-Identifier: MIT
/*
 * Where a function has its MSI-X table and PBA: PCI Local Bus 3.0, 6.8.2.
 *
 * Registers keep 4 KiB away from both (6.8.2), which is a page of most hosts. On those with
 * larger pages they can be in one page with the table, and then a trap of the one is a trap of
 * the other.
 */
#include "vfio/msix_layout.h"

#include <linux/pci_regs.h>

#include "vfio/cfgspace.h"

#define APART 4096u

static struct bar_place bir_place(uint32_t word, uint64_t size)
{
	return (struct bar_place){
		.bar = word & PCI_MSIX_TABLE_BIR,
		.offset = word & PCI_MSIX_TABLE_OFFSET,
		.size = size,
	};
}

void msix_layout_read(const uint8_t *cap, struct msix_layout *ret_layout)
{
	unsigned nr = (cfgspace_get(cap, PCI_MSIX_FLAGS, 2) & PCI_MSIX_FLAGS_QSIZE) + 1;

	ret_layout->nr = nr;
	ret_layout->table =
		bir_place(cfgspace_get(cap, PCI_MSIX_TABLE, 4), (uint64_t)nr * PCI_MSIX_ENTRY_SIZE);
	ret_layout->pba =
		bir_place(cfgspace_get(cap, PCI_MSIX_PBA, 4), (uint64_t)(nr + 63) / 64 * 8);
}

void msix_layout_write(uint8_t *cap, const struct msix_layout *layout)
{
	cfgspace_put(cap, PCI_MSIX_TABLE, 4, (uint32_t)layout->table.offset | layout->table.bar);
	cfgspace_put(cap, PCI_MSIX_PBA, 4, (uint32_t)layout->pba.offset | layout->pba.bar);
}

/* Is a part of the place in these APART bytes of the BAR? Then no register is. */
static bool is_in(const struct bar_place *place, unsigned bar, uint64_t at)
{
	return place->size && place->bar == bar && place->offset < at + APART &&
	       at < place->offset + place->size;
}

static bool place_crowds(const struct msix_layout *layout, const struct bar_place *place,
			 uint64_t size, uint64_t page)
{
	uint64_t first = place->offset & ~(page - 1);
	uint64_t end = (place->offset + place->size + page - 1) & ~(page - 1);

	for (uint64_t at = first; at < end && at < size; at += APART) {
		if (!is_in(&layout->table, place->bar, at) && !is_in(&layout->pba, place->bar, at))
			return true;
	}
	return false;
}

bool msix_layout_crowds(const struct msix_layout *layout, unsigned bar, uint64_t size,
			uint64_t page)
{
	const struct bar_place *places[] = { &layout->table, &layout->pba };

	for (unsigned i = 0; i < 2 && size >= APART; i++) {
		if (places[i]->size && places[i]->bar == bar &&
		    place_crowds(layout, places[i], size, page))
			return true;
	}
	return false;
}

struct msix_layout msix_layout_alone(const struct msix_layout *layout, unsigned bar,
				     uint64_t *ret_size)
{
	uint64_t table = (uint64_t)layout->nr * PCI_MSIX_ENTRY_SIZE;
	uint64_t pba = (table + APART - 1) & ~(uint64_t)(APART - 1), end;
	struct msix_layout alone = {
		.nr = layout->nr,
		.table = { bar, 0, table },
		.pba = { bar, pba, (uint64_t)(layout->nr + 63) / 64 * 8 },
	};

	end = alone.pba.offset + alone.pba.size;
	for (*ret_size = APART; *ret_size < end; *ret_size *= 2)
		continue;
	return alone;
}
