/* SPDX-License-Identifier: MIT */
/*
 * A PL011 (Arm PrimeCell UART (PL011) Technical Reference Manual, DDI 0183): its registers, in
 * front of a UART that has the FIFOs, the line and the interrupt.
 */
#ifndef VMM_DEV_PL011_H
#define VMM_DEV_PL011_H

#include <stddef.h>
#include <stdint.h>

#include "vmm/dev/uart.h"

struct pl011;

/*
 * A register: what it is after a reset, and what accesses do. One that is not kept in `value` has
 * functions.
 */
struct pl011_register {
	uint16_t offset;
	uint16_t reset;
	uint16_t rw;			   /* a write changes these bits */
	uint32_t (*read)(struct pl011 *p); /* NULL: it reads as value */
	void (*wrote)(struct pl011 *p, uint32_t value);
};

/* All, ascending; what is not there reads as zero and ignores writes. */
extern const struct pl011_register pl011_registers[];
extern const size_t nr_pl011_registers;

/*
 * In the state after a reset. The UART is borrowed, and in its state after power-on. 0, -ENOMEM,
 * or what the mutex failed with.
 */
int pl011_create(struct uart *uart, struct pl011 **ret_pl011) _must_check_;
/* NULL is allowed. */
void pl011_destroy(struct pl011 *p);

/* Registers are at multiples of 4, and have 16 bits; any thread. */
uint32_t pl011_read(struct pl011 *p, uint64_t offset);
void pl011_write(struct pl011 *p, uint64_t offset, uint32_t value);

#endif
