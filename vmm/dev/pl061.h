/* SPDX-License-Identifier: MIT */
/*
 * The registers of a PL061, eight lines of general purpose I/O.
 *
 * Arm PrimeCell General Purpose Input/Output (PL061) Technical Reference Manual, DDI 0190B.
 */
#ifndef VMM_DEV_PL061_H
#define VMM_DEV_PL061_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/dev/primecell.h"

#define PL061_PINS 8u
/* GPIODATA is 256 words: address bits 9:2 say which pins an access is about. TRM 3.3.1. */
#define PL061_DATA_END UINT64_C(0x400)

struct pl061 {
	struct primecell cell;
	uint8_t out;   /* GPIODATA, as it was written */
	uint8_t in;    /* what is at the pins from outside */
	uint8_t edges; /* seen, and not cleared */
};

extern const struct primecell_kind pl061_kind;

/* The state after a reset, with all pins low. */
void pl061_reset(struct pl061 *p);

/* Registers have 8 bits, at multiples of 4; between them nothing is. */
uint8_t pl061_read(const struct pl061 *p, uint64_t offset);
void pl061_write(struct pl061 *p, uint64_t offset, uint8_t value);

/* The level at a pin from outside; pin is below PL061_PINS. */
void pl061_set_pin(struct pl061 *p, unsigned pin, bool level);

/* GPIOINTR, the one interrupt of all pins. */
bool pl061_interrupts(const struct pl061 *p);
/* Does the guest drive this pin, and high? */
bool pl061_drives(const struct pl061 *p, unsigned pin);
/* May this pin interrupt (GPIOIE)? */
bool pl061_listens(const struct pl061 *p, unsigned pin);

#endif
