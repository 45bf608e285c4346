/* SPDX-License-Identifier: MIT */
/*
 * The GITS_* registers as a table, IHI 0069 12.18. vits_mmio_read() and
 * vits_mmio_write() (vits.h) look accesses up in it.
 */
#ifndef VITSMOD_REGS_H
#define VITSMOD_REGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vits.h"

/* Access widths that a register takes, in bytes, or'ed. */
enum { A16 = 2, A32 = 4, A64 = 8 };

struct vits_reg {
	const char *name;
	uint32_t offset;
	uint16_t count; /* consecutive instances */
	uint8_t width;	/* bytes per instance */
	uint8_t access; /* A16 | A32 | A64 */
	/* Called with the lock held. n is the instance. */
	uint64_t (*read)(struct vits *v, unsigned n);		   /* NULL: reads as constant */
	void (*write)(struct vits *v, unsigned n, uint64_t value); /* NULL: ignores writes */
	uint64_t constant;
};

extern const struct vits_reg vits_regs[];
extern const size_t vits_nr_regs;

/* Put the registers into their reset state. */
void regs_reset(struct vits *v);
bool regs_are_reset(struct vits *v);

/* Copy the registers into a state. */
void regs_save(struct vits *v, struct vits_state *state);
/* Could these values have been read from this ITS? */
bool regs_are_valid(struct vits *v, const struct vits_state *state);
/* Take valid values, all but GITS_CTLR. Owner. */
void regs_restore(struct vits *v, const struct vits_state *state);
/* Take GITS_CTLR. Owner. */
void regs_restore_enabled(struct vits *v, const struct vits_state *state);

#endif
