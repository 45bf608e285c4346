// SPDX-License-Identifier: MIT
/*
 * A PL011's registers: one table says what they are. "TRM" is DDI 0183G. Firmware and guests
 * that were installed on Arm's machines have a driver for it, and some for nothing else.
 *
 * Choice: what is behind the registers is the 16550A of uart.c, with its FIFOs of 16 bytes, as a
 * PL011 up to revision r1p4 has them, with its speed and its interrupt: what was found out
 * about drivers and slow hosts there holds here, too. So the FIFOs are always on, bytes are sent
 * and arrive also while UARTCR says that it is off, and the levels of UARTIFLS move nothing: a
 * byte that is there interrupts, and the timeout of the receiver has always passed.
 *
 * Lock: one mutex, over the registers that are kept here, and over the write of UARTIMSC to both.
 * Behind it comes the UART's. It is not held while bytes are sent or taken, for which a vCPU may
 * wait: UARTDR keeps nothing.
 *
 * Deliberately not here: line errors, loopback, modem inputs that move, DMA, the registers for
 * integration tests.
 */
#include "vmm/dev/pl011.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "vmm/base/bits.h"
#include "vmm/base/cleanup.h"

/* UARTFR, TRM 3.3.3 */
#define FR_CTS	0x001u
#define FR_DSR	0x002u
#define FR_DCD	0x004u
#define FR_BUSY 0x008u
#define FR_RXFE 0x010u
#define FR_TXFF 0x020u
#define FR_TXFE 0x080u

/* UARTIMSC, UARTRIS, UARTMIS and UARTICR, TRM 3.3.10 */
#define INT_RX	 0x010u
#define INT_TX	 0x020u
#define INT_RT	 0x040u
#define INT_BITS 0x7ffu

/* UARTCR after a reset: transmitter and receiver are on, the whole is not. TRM 3.3.8 */
#define CR_RESET 0x300u
/* UARTIFLS: both FIFOs at the half. TRM 3.3.9 */
#define IFLS_RESET 0x012u

/* Rows that others ask for. */
enum { DR, FR, ILPR, IBRD, FBRD, LCR_H, CR, IFLS, IMSC };

struct pl011 {
	struct uart *uart; /* borrowed */

	/* Guarded by lock. */
	pthread_mutex_t lock;
	struct primecell cell;
};

static uint32_t dr_read(const void *chip, unsigned n)
{
	const struct pl011 *p = chip;

	(void)n;
	return (uint32_t)uart_read(p->uart, UART_DATA, 1);
}

static void dr_wrote(void *chip, unsigned n, uint32_t value)
{
	struct pl011 *p = chip;

	(void)n;
	uart_write(p->uart, UART_DATA, 1, value & 0xff);
}

/* A cable is always plugged in. */
static uint32_t fr_read(const void *chip, unsigned n)
{
	const struct pl011 *p = chip;
	const uint64_t lsr = uart_read(p->uart, UART_LSR, 1);

	(void)n;
	return FR_CTS | FR_DSR | FR_DCD | (lsr & UART_LSR_RECEIVED ? 0 : FR_RXFE) |
	       (lsr & UART_LSR_SENT ? FR_TXFE : FR_TXFF | FR_BUSY);
}

static uint32_t ris_read(const void *chip, unsigned n)
{
	const struct pl011 *p = chip;
	const unsigned waiting = uart_waiting(p->uart);

	(void)n;
	return (waiting & UART_IER_RECEIVED ? INT_RX | INT_RT : 0) |
	       (waiting & UART_IER_SENT ? INT_TX : 0);
}

static uint32_t mis_read(const void *chip, unsigned n)
{
	const struct pl011 *p = chip;

	return ris_read(chip, n) & p->cell.value[IMSC];
}

static void imsc_wrote(void *chip, unsigned n, uint32_t value)
{
	struct pl011 *p = chip;

	(void)n;
	uart_write(p->uart, UART_IER, 1,
		   (value & (INT_RX | INT_RT) ? UART_IER_RECEIVED : 0) |
			   (value & INT_TX ? UART_IER_SENT : 0));
}

/* What arrived interrupts until it is read: else a driver that clears too much would lose it. */
static void icr_wrote(void *chip, unsigned n, uint32_t value)
{
	struct pl011 *p = chip;

	(void)n;
	if (value & INT_TX)
		uart_sent_is_known(p->uart);
}

/* clang-format off */
static const struct primecell_register registers[] = {
	/*          name         offset n  reset       rw        read      wrote */
	[DR]    = { "UARTDR",    0x000, 1, 0,          0,        dr_read,  dr_wrote },
	[FR]    = { "UARTFR",    0x018, 1, 0,          0,        fr_read,  NULL },
	[ILPR]  = { "UARTILPR",  0x020, 1, 0,          0x00ff,   NULL,     NULL },
	[IBRD]  = { "UARTIBRD",  0x024, 1, 0,          0xffff,   NULL,     NULL },
	[FBRD]  = { "UARTFBRD",  0x028, 1, 0,          0x003f,   NULL,     NULL },
	[LCR_H] = { "UARTLCR_H", 0x02c, 1, 0,          0x00ff,   NULL,     NULL },
	[CR]    = { "UARTCR",    0x030, 1, CR_RESET,   0xff87,   NULL,     NULL },
	[IFLS]  = { "UARTIFLS",  0x034, 1, IFLS_RESET, 0x003f,   NULL,     NULL },
	[IMSC]  = { "UARTIMSC",  0x038, 1, 0,          INT_BITS, NULL,     imsc_wrote },
	          { "UARTRIS",   0x03c, 1, 0,          0,        ris_read, NULL },
	          { "UARTMIS",   0x040, 1, 0,          0,        mis_read, NULL },
	          { "UARTICR",   0x044, 1, 0,          0,        NULL,     icr_wrote },
};
/* clang-format on */

const struct primecell_kind pl011_kind = {
	.registers = registers,
	.nr_registers = ARRAY_SIZE(registers),
	.periph_id = 0x00241011, /* part 0x011, designer 0x41, revision r1p4 */
};

int pl011_create(struct uart *uart, struct pl011 **ret_pl011)
{
	_cleanup_free_ struct pl011 *p = calloc(1, sizeof(*p));
	int r;

	assert(uart);

	if (!p)
		return -ENOMEM;
	p->uart = uart;
	r = pthread_mutex_init(&p->lock, NULL);
	if (r)
		return -r;
	primecell_reset(&p->cell, &pl011_kind);
	uart_write(uart, UART_FCR, 1, UART_FCR_ENABLE);
	*ret_pl011 = TAKE_PTR(p);
	return 0;
}

void pl011_destroy(struct pl011 *p)
{
	if (!p)
		return;
	(void)pthread_mutex_destroy(&p->lock);
	free(p);
}

static void lock(struct pl011 *p)
{
	int r = pthread_mutex_lock(&p->lock);

	assert(r == 0);
}

static void unlock(struct pl011 *p)
{
	int r = pthread_mutex_unlock(&p->lock);

	assert(r == 0);
}

static bool is_byte(uint64_t offset)
{
	return offset == registers[DR].offset;
}

uint32_t pl011_read(struct pl011 *p, uint64_t offset)
{
	uint32_t value;

	if (is_byte(offset))
		return primecell_read(&p->cell, p, offset);
	lock(p);
	value = primecell_read(&p->cell, p, offset);
	unlock(p);
	return value;
}

void pl011_write(struct pl011 *p, uint64_t offset, uint32_t value)
{
	if (is_byte(offset)) {
		primecell_write(&p->cell, p, offset, value);
		return;
	}
	lock(p);
	primecell_write(&p->cell, p, offset, value);
	unlock(p);
}
