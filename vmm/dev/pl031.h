/* SPDX-License-Identifier: MIT */
/*
 * The registers of a PL031, a clock that counts seconds.
 *
 * Arm PrimeCell Real Time Clock (PL031) Technical Reference Manual, DDI 0224C.
 */
#ifndef VMM_DEV_PL031_H
#define VMM_DEV_PL031_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/dev/primecell.h"

struct pl031 {
	struct primecell cell;
	uint32_t now;	 /* the time outside, s */
	uint32_t offset; /* of RTCDR to it */
	bool matched;	 /* RTCDR was RTCMR, and that is not cleared */
};

extern const struct primecell_kind pl031_kind;

/* The state after a reset: it has counted up to now, in seconds. */
void pl031_reset(struct pl031 *p, uint32_t now);

/*
 * It is now so late outside: s, which wraps. Seconds that were skipped are passed; by less than
 * half of all times it may also be earlier than the last time.
 */
void pl031_tick(struct pl031 *p, uint32_t now);

/* Registers have 32 bits, at multiples of 4; between them nothing is. */
uint32_t pl031_read(const struct pl031 *p, uint64_t offset);
void pl031_write(struct pl031 *p, uint64_t offset, uint32_t value);

/* RTCINTR. */
bool pl031_interrupts(const struct pl031 *p);
/* In how many seconds the time alone makes it interrupt, 0: it does not. */
uint32_t pl031_due(const struct pl031 *p);

#endif
