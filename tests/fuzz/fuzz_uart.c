// SPDX-License-Identifier: MIT
/*
 * Fuzzes the console: accesses of the guest and bytes that arrive (vmm/dev/uart.h;
 * PC16550D data sheet).
 *
 * Input: steps, u8 each: bits 2:0 the register or what else, bits 5:3 what:
 *	0, 1	read, 2, 3 write (u8 value follows), 4 bytes arrive (bits 2:0 say
 *	how many in eights, and they follow), 5 a reboot (where bits 2:0 are 7),
 *	6 an access at any offset (u16) of any width, 7 ask whether it listens
 * A second passes between two of them: the line has rested.
 *
 * Bytes that were taken come out once, in order, unless the guest clears the
 * FIFO; the interrupt line changes when it is told, and holds while IIR says so;
 * what did not fit is asked for again.
 */
#include "tests/fuzz/input.h"
#include "vmm/dev/uart.h"

#define FIFO_SZ 16u

#define R_DATA	  0u
#define R_IIR_FCR 2u
#define R_LCR	  3u
#define R_MCR	  4u
#define R_LSR	  5u

#define FCR_ENABLE   0x01u
#define FCR_CLEAR_RX 0x02u
#define LCR_DLAB     0x80u
#define MCR_LOOP     0x10u
#define LSR_DR	     0x01u
#define IIR_NONE     0x01u

struct line {
	struct uart *uart;
	bool level;	   /* of the interrupt */
	bool transmitting; /* a write runs that may transmit */
	unsigned nr_ready; /* receive_ready() since the last look */
	bool refused;	   /* bytes did not fit */

	/* What the receiver should hold, and the registers that matter for it. */
	uint8_t fifo[FIFO_SZ];
	unsigned count;
	unsigned burst; /* bytes that may still arrive before it is empty */
	uint64_t now_ns;
	uint8_t lcr, mcr, fcr;
};

static uint64_t on_now(void *ctx)
{
	const struct line *line = ctx;

	return line->now_ns;
}

static void on_timed(void *ctx)
{
	(void)ctx;
}

static void on_transmit(void *ctx, uint8_t byte)
{
	struct line *line = ctx;

	(void)byte;
	assert(line->transmitting);
	assert(!(line->mcr & MCR_LOOP));
}

static void on_interrupt(void *ctx, bool level)
{
	struct line *line = ctx;

	assert(line->level != level);
	line->level = level;
}

static void on_receive_ready(void *ctx)
{
	struct line *line = ctx;

	line->nr_ready++;
}

static const struct uart_ops ops = {
	.now_ns = on_now,
	.timed = on_timed,
	.transmit = on_transmit,
	.interrupt = on_interrupt,
	.receive_ready = on_receive_ready,
};

static unsigned depth(const struct line *line)
{
	return line->fcr & FCR_ENABLE ? FIFO_SZ : 1;
}

/* DS 8.4: where there is no FIFO, a byte that comes too early takes the last one's place. */
static void fifo_add(struct line *line, uint8_t byte)
{
	if (line->count < depth(line))
		line->fifo[line->count++] = byte;
	else if (depth(line) == 1)
		line->fifo[0] = byte;
}

static uint8_t fifo_take(struct line *line)
{
	uint8_t byte = line->fifo[0];

	if (line->count == 0)
		return 0;
	line->count--;
	memmove(line->fifo, line->fifo + 1, line->count);
	if (!line->count)
		line->burst = 0;
	return byte;
}

static void do_read(struct line *line, uint64_t offset, unsigned width)
{
	bool level = line->level;
	uint64_t value = uart_read(line->uart, offset, width);

	assert(value <= 0xff);
	if (offset == R_DATA && !(line->lcr & LCR_DLAB))
		assert(value == fifo_take(line));
	if (offset == R_LSR)
		assert(!(value & LSR_DR) == !line->count);
	if (offset == R_IIR_FCR)
		assert(!(value & IIR_NONE) == level);
}

/* Switching the FIFOs on keeps the byte in RBR (uart.c has a Choice about it). */
static void write_fcr(struct line *line, uint8_t value)
{
	bool off = (line->fcr & FCR_ENABLE) && !(value & FCR_ENABLE);

	if (off || ((value & FCR_ENABLE) && (value & FCR_CLEAR_RX)))
		line->count = line->burst = 0;
	line->fcr = value & FCR_ENABLE;
}

static void do_write(struct line *line, uint64_t offset, unsigned width, uint64_t value)
{
	bool data = offset == R_DATA && !(line->lcr & LCR_DLAB);

	line->transmitting = data;
	uart_write(line->uart, offset, width, value);
	line->transmitting = false;
	if (data && (line->mcr & MCR_LOOP))
		fifo_add(line, (uint8_t)value);
	if (offset == R_IIR_FCR)
		write_fcr(line, (uint8_t)value);
	if (offset == R_LCR)
		line->lcr = (uint8_t)value;
	if (offset == R_MCR)
		line->mcr = (uint8_t)value;
}

static void do_receive(struct line *line, const uint8_t *bytes, size_t nr)
{
	size_t taken = uart_receive(line->uart, bytes, nr);
	size_t room = line->mcr & MCR_LOOP ? 0 : depth(line) - line->count;

	if (!line->count)
		line->burst = FIFO_SZ;
	room = room < line->burst ? room : line->burst;
	line->burst -= (unsigned)taken;
	assert(taken == (nr < room ? nr : room));
	for (size_t i = 0; i < taken; i++)
		fifo_add(line, bytes[i]);
	line->refused = taken < nr;
	line->nr_ready = 0;
}

/* As the machine does it: with a UART and an interrupt controller made anew. */
static void do_reboot(struct line *line)
{
	int r;

	uart_destroy(line->uart);
	r = uart_create(&ops, line, &line->uart);
	assert(r == 0);
	line->count = line->burst = 0;
	line->lcr = line->mcr = line->fcr = 0;
	line->level = false;
	line->refused = false;
}

/* Whoever was refused hears of it when there is room. */
static void check_room(struct line *line)
{
	if (!line->refused || line->mcr & MCR_LOOP || line->count == depth(line) ||
	    (line->count && !line->burst))
		return;
	assert(line->nr_ready > 0);
	line->refused = false;
}

static void step(struct line *line, struct input *in)
{
	uint8_t what = input_u8(in), low = what & 7;
	const uint8_t *bytes;
	uint64_t offset;
	unsigned width;
	size_t nr;

	/* What time alone brings comes before the step. */
	line->now_ns += UINT64_C(1000000000);
	(void)uart_service(line->uart);
	switch (what >> 3 & 7) {
	case 0:
	case 1:
		do_read(line, low, 1);
		break;
	case 2:
	case 3:
		do_write(line, low, 1, input_u8(in));
		break;
	case 4:
		bytes = input_bytes(in, low * 8u, &nr);
		do_receive(line, bytes, nr);
		break;
	case 5:
		if (low == 7)
			do_reboot(line);
		break;
	case 6:
		offset = input_u16(in) & 0xfff;
		width = input_width(in);
		if (low & 1)
			do_write(line, offset, width, input_uint(in, width));
		else
			do_read(line, offset, width);
		break;
	default:
		(void)uart_listens(line->uart);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };
	struct line line = { 0 };
	int r = uart_create(&ops, &line, &line.uart);

	assert(r == 0);
	while (input_left(&in)) {
		step(&line, &in);
		check_room(&line);
	}
	uart_destroy(line.uart);
	return 0;
}
