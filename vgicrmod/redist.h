/* SPDX-License-Identifier: MIT */
/*
 * The registers of one redistributor as a table, IHI 0069 12.10 and 12.11.
 * vgicr_mmio_read() and vgicr_mmio_write() (vgicr.h) look accesses up in it.
 */
#ifndef VGICRMOD_REDIST_H
#define VGICRMOD_REDIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct redist;

/* Access widths that a register takes, in bytes, or'ed. */
enum { A8 = 1, A32 = 4, A64 = 8 };

/* Where a register's value is, and what a write does. */
enum vgicr_kind {
	VGICR_RAZ_WI,	/* nowhere: reads as zero, ignores writes */
	VGICR_CONSTANT, /* in the table, or known since vgicr_create(): ignores writes */
	VGICR_SHADOW,	/* here: no access needs the backend */
	VGICR_BACKEND,	/* here or in the backend: writes that change something go there */
};

struct vgicr_reg {
	const char *name;
	uint32_t offset;
	uint16_t count; /* consecutive instances */
	uint8_t width;	/* bytes per instance */
	uint8_t access; /* A8 | A32 | A64 */
	enum vgicr_kind kind;
	/*
	 * Called with redist.lock held. n is the instance. backend: may it be called?
	 * If it may not, and has to be, they change nothing and return false, and
	 * are called again when it may.
	 *
	 * mask has the bits that the access covers; value has no others.
	 */
	bool (*read)(struct redist *r, unsigned n, bool backend, uint64_t *ret_value);
	bool (*write)(struct redist *r, unsigned n, bool backend, uint64_t value, uint64_t mask);
	uint64_t reset; /* what it reads as after a reset; without read: always */
};

extern const struct vgicr_reg vgicr_regs[];
extern const size_t vgicr_nr_regs;

/*
 * Put a redistributor into its reset state, the backend's part too. Between begin() and
 * end(), with the lock held. fresh: the backend is in its own reset state.
 */
void redist_reset(struct redist *r, bool fresh);

#endif
