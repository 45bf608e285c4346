/* SPDX-License-Identifier: MIT */
/*
 * A virtual configuration space: what each bit of it is. Private to vfio/ and
 * its tests.
 */
#ifndef VFIO_CFGSPACE_H
#define VFIO_CFGSPACE_H

#include <stdbool.h>
#include <stdint.h>

#define CFGSPACE_SIZE	  4096u /* PCI Express */
#define CFGSPACE_SIZE_PCI 256u	/* conventional PCI */

/*
 * Masks say what each bit does. Reads: live, asks the function at that time; else the
 * bit of value. Writes: keep, changes the bit of value; pass, goes to the function; both
 * may be set. When a register is written to the function, its bits that are not in pass
 * are written as the function has them where hold is set, and as zero else.
 */
struct vfio_cfgspace {
	unsigned size; /* CFGSPACE_SIZE or CFGSPACE_SIZE_PCI; beyond are all ones */
	uint8_t value[CFGSPACE_SIZE];
	uint8_t initial[CFGSPACE_SIZE]; /* value after a reset */
	uint8_t keep[CFGSPACE_SIZE];
	uint8_t live[CFGSPACE_SIZE];
	uint8_t pass[CFGSPACE_SIZE];
	uint8_t hold[CFGSPACE_SIZE];
	/* Where the capabilities lie that more happens at, 0 where not shown. */
	uint16_t msi, msix, exp, af;
	/* What cfgspace_show_link() shows: Link Capabilities, Link Status. */
	uint32_t link_cap;
	uint16_t link_status;
};

/* A register, and the bits of it: what no mask names reads as zero. */
struct cfgspace_field {
	uint8_t offset, width; /* 1, 2 or 4 */
	uint32_t show;	       /* as the function had it when it was opened */
	uint32_t set;	       /* always one */
	uint32_t keep, live, pass, hold;
};

/* Which capabilities a guest is shown. */
struct cfgspace_choice {
	unsigned pin; /* of INTx, 1 to 4; 0: it has none */
	bool msi, msix;
	bool reset; /* the host can reset the function: show Function Level Reset */
};

/*
 * Build from an image of the function's own space, size bytes of it. The image
 * is checked, not trusted.
 */
void cfgspace_build(struct vfio_cfgspace *cfg, const uint8_t *image, unsigned size,
		    const struct cfgspace_choice *choice);

/*
 * Make a PCI Express function an Endpoint, with link registers: as it was built, it is integrated
 * in the root complex. Before anything of it is read or written.
 */
void cfgspace_show_link(struct vfio_cfgspace *cfg);

/* Have the function's Interrupt Pin be another one, 1 to 4; likewise. */
void cfgspace_show_pin(struct vfio_cfgspace *cfg, unsigned pin);

/* Where a capability of that id is in an image, 0 without. */
unsigned cfgspace_find_cap(const uint8_t *image, uint8_t id);

/* Little-endian words of any of these arrays. */
static inline uint32_t cfgspace_get(const uint8_t *bytes, unsigned offset, unsigned width)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < width; i++)
		value |= (uint32_t)bytes[offset + i] << 8 * i;
	return value;
}

static inline void cfgspace_put(uint8_t *bytes, unsigned offset, unsigned width, uint32_t value)
{
	for (unsigned i = 0; i < width; i++)
		bytes[offset + i] = (uint8_t)(value >> 8 * i);
}

static inline uint32_t cfgspace_ones(unsigned width)
{
	return UINT32_MAX >> (32 - 8 * width);
}

#endif
