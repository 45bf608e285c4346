/* SPDX-License-Identifier: MIT */
/*
 * The registers of a PL031, a clock that counts seconds.
 *
 * Arm PrimeCell Real Time Clock (PL031) Technical Reference Manual, DDI 0224C.
 */
#ifndef VMM_DEV_PL031_H
#define VMM_DEV_PL031_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PL031_MAX_REGISTERS 16u

struct pl031 {
	uint32_t value[PL031_MAX_REGISTERS]; /* of each row, what was written */
	uint32_t now;			     /* the time outside, s */
	uint32_t offset;		     /* of RTCDR to it */
	bool matched;			     /* RTCDR was RTCMR, and that is not cleared */
};

/* A register: what it is after a reset, and what accesses do. */
struct pl031_register {
	uint16_t offset;
	uint32_t reset;
	uint32_t rw;				 /* a write changes these bits */
	uint32_t (*read)(const struct pl031 *p); /* NULL: it reads as value */
	void (*wrote)(struct pl031 *p, uint32_t value);
};

/* All, ascending; what is not there reads as zero and ignores writes. */
extern const struct pl031_register pl031_registers[];
extern const size_t nr_pl031_registers;

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
