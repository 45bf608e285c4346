/* SPDX-License-Identifier: MIT */
/*
 * Where a function has its MSI-X table and PBA, and what else is there. Private to vfio/.
 */
#ifndef VFIO_MSIX_LAYOUT_H
#define VFIO_MSIX_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

/* A run of bytes of one BAR; of size 0 it is nowhere. */
struct bar_place {
	unsigned bar;
	uint64_t offset, size;
};

struct msix_layout {
	unsigned nr; /* vectors */
	struct bar_place table, pba;
};

#define MSIX_LAYOUT_CAP_SIZE 12u

/* From the capability's MSIX_LAYOUT_CAP_SIZE bytes, as the function has them: not checked. */
void msix_layout_read(const uint8_t *cap, struct msix_layout *ret_layout);
/* Have a capability say where the places are. */
void msix_layout_write(uint8_t *cap, const struct msix_layout *layout);

/*
 * Of a BAR of that size, which the host can map in pages of that size: has one that holds a part
 * of the table or the PBA registers, too, so that trapping the one traps the other?
 */
bool msix_layout_crowds(const struct msix_layout *layout, unsigned bar, uint64_t size,
			uint64_t page);

/* The same in a BAR of their own. *ret_size: that it takes, a power of two. */
struct msix_layout msix_layout_alone(const struct msix_layout *layout, unsigned bar,
				     uint64_t *ret_size);

#endif
