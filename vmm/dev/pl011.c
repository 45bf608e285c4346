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
 * It is not held while bytes are sent or taken, for which a vCPU may wait.
 *
 * Deliberately not here: line errors, loopback, modem inputs that move, DMA, the registers for
 * integration tests.
 */
#include "vmm/dev/pl011.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>

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

#define MAX_REGISTERS 20u

struct pl011 {
	struct uart *uart; /* borrowed */

	/* Guarded by lock. */
	pthread_mutex_t lock;
	uint16_t value[MAX_REGISTERS]; /* of each row, what was written */
};

/* The row that others ask for. */
#define IMSC_ROW 8u

static uint32_t read_dr(struct pl011 *p)
{
	return (uint32_t)uart_read(p->uart, UART_DATA, 1);
}

static void wrote_dr(struct pl011 *p, uint32_t value)
{
	uart_write(p->uart, UART_DATA, 1, value & 0xff);
}

/* A cable is always plugged in. */
static uint32_t read_fr(struct pl011 *p)
{
	uint64_t lsr = uart_read(p->uart, UART_LSR, 1);

	return FR_CTS | FR_DSR | FR_DCD | (lsr & UART_LSR_RECEIVED ? 0 : FR_RXFE) |
	       (lsr & UART_LSR_SENT ? FR_TXFE : FR_TXFF | FR_BUSY);
}

static uint32_t read_ris(struct pl011 *p)
{
	unsigned waiting = uart_waiting(p->uart);

	return (waiting & UART_IER_RECEIVED ? INT_RX | INT_RT : 0) |
	       (waiting & UART_IER_SENT ? INT_TX : 0);
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

static uint32_t read_mis(struct pl011 *p)
{
	uint32_t enabled;

	lock(p);
	enabled = p->value[IMSC_ROW];
	unlock(p);
	return read_ris(p) & enabled;
}

/* With the lock. */
static void wrote_imsc(struct pl011 *p, uint32_t value)
{
	uart_write(p->uart, UART_IER, 1,
		   (value & (INT_RX | INT_RT) ? UART_IER_RECEIVED : 0) |
			   (value & INT_TX ? UART_IER_SENT : 0));
}

/* What arrived interrupts until it is read: else a driver that clears too much would lose it. */
static void wrote_icr(struct pl011 *p, uint32_t value)
{
	if (value & INT_TX)
		uart_sent_is_known(p->uart);
}

const struct pl011_register pl011_registers[] = {
	{ 0x000, .read = read_dr, .wrote = wrote_dr },
	{ 0x018, .read = read_fr },
	{ 0x020, .rw = 0x00ff }, /* UARTILPR */
	{ 0x024, .rw = 0xffff }, /* UARTIBRD */
	{ 0x028, .rw = 0x003f }, /* UARTFBRD */
	{ 0x02c, .rw = 0x00ff }, /* UARTLCR_H */
	{ 0x030, .reset = CR_RESET, .rw = 0xff87 },
	{ 0x034, .reset = IFLS_RESET, .rw = 0x003f },
	[IMSC_ROW] = { 0x038, .rw = INT_BITS, .wrote = wrote_imsc },
	{ 0x03c, .read = read_ris },
	{ 0x040, .read = read_mis },
	{ 0x044, .wrote = wrote_icr },
	/* UARTPeriphID: part 0x011, designer 0x41, revision r1p4; UARTPCellID */
	{ 0xfe0, .reset = 0x11 },
	{ 0xfe4, .reset = 0x10 },
	{ 0xfe8, .reset = 0x24 },
	{ 0xfec, .reset = 0x00 },
	{ 0xff0, .reset = 0x0d },
	{ 0xff4, .reset = 0xf0 },
	{ 0xff8, .reset = 0x05 },
	{ 0xffc, .reset = 0xb1 },
};
const size_t nr_pl011_registers = ARRAY_SIZE(pl011_registers);
_Static_assert(ARRAY_SIZE(pl011_registers) == MAX_REGISTERS, "each row has its value");

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
	for (size_t i = 0; i < ARRAY_SIZE(pl011_registers); i++)
		p->value[i] = pl011_registers[i].reset;
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

/* NULL: no register is there. */
static const struct pl011_register *find(uint64_t offset)
{
	for (size_t i = 0; i < ARRAY_SIZE(pl011_registers); i++)
		if (pl011_registers[i].offset == offset)
			return &pl011_registers[i];
	return NULL;
}

uint32_t pl011_read(struct pl011 *p, uint64_t offset)
{
	const struct pl011_register *r = find(offset);
	uint32_t value;

	if (!r)
		return 0;
	if (r->read)
		return r->read(p);
	lock(p);
	value = p->value[r - pl011_registers];
	unlock(p);
	return value;
}

void pl011_write(struct pl011 *p, uint64_t offset, uint32_t value)
{
	const struct pl011_register *r = find(offset);
	uint16_t *v;

	if (!r)
		return;
	if (!r->rw) {
		if (r->wrote)
			r->wrote(p, value);
		return;
	}
	lock(p);
	v = &p->value[r - pl011_registers];
	*v = (uint16_t)((*v & ~r->rw) | (value & r->rw));
	if (r->wrote)
		r->wrote(p, *v);
	unlock(p);
}
