/* SPDX-License-Identifier: MIT */
/*
 * A PL011 (Arm PrimeCell UART (PL011) Technical Reference Manual, DDI 0183): its registers, in
 * front of a UART that has the FIFOs, the line and the interrupt.
 */
#ifndef VMM_DEV_PL011_H
#define VMM_DEV_PL011_H

#include <stdint.h>

#include "vmm/dev/primecell.h"
#include "vmm/dev/uart.h"

struct pl011;

/* Its registers. */
extern const struct primecell_kind pl011_kind;

/*
 * In the state after a reset. The UART is borrowed, and in its state after power-on. 0, -ENOMEM,
 * or what the mutex failed with.
 */
int pl011_create(struct uart *uart, struct pl011 **ret_pl011) _must_check_;
/* NULL is allowed. */
void pl011_destroy(struct pl011 *p);

/* Any thread. */
uint32_t pl011_read(struct pl011 *p, uint64_t offset);
void pl011_write(struct pl011 *p, uint64_t offset, uint32_t value);

#endif
