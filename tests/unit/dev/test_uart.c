// SPDX-License-Identifier: MIT
/*
 * The ns16550a, register by register, and the ways in which drivers find out
 * what it is.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "vitsmod/bits.h"
#include "vmm/dev/uart.h"

enum { RBR = 0, THR = 0, DLL = 0, IER = 1, DLM = 1, IIR = 2, FCR = 2, LCR, MCR, LSR, MSR, SCR };

#define IIR_NONE    0x01u
#define IIR_THRE    0x02u
#define IIR_RDA	    0x04u
#define IIR_RLS	    0x06u
#define IIR_TIMEOUT 0x0cu

struct world {
	struct uart *uart;
	uint64_t now_ns;
	unsigned nr_timed;
	uint8_t sent[64];
	size_t nr_sent;
	bool level;
	unsigned nr_edges, nr_ready;
};

static uint64_t now_ns(void *ctx)
{
	const struct world *w = ctx;

	return w->now_ns;
}

static void timed(void *ctx)
{
	struct world *w = ctx;

	w->nr_timed++;
}

static void transmit(void *ctx, uint8_t byte)
{
	struct world *w = ctx;

	if (w->nr_sent < sizeof(w->sent))
		w->sent[w->nr_sent] = byte;
	w->nr_sent++;
}

static void interrupt(void *ctx, bool level)
{
	struct world *w = ctx;

	assert_int_not_equal(level, w->level); /* told only of changes */
	w->level = level;
	w->nr_edges++;
}

static void receive_ready(void *ctx)
{
	struct world *w = ctx;

	w->nr_ready++;
}

static const struct uart_ops ops = {
	.now_ns = now_ns,
	.timed = timed,
	.transmit = transmit,
	.interrupt = interrupt,
	.receive_ready = receive_ready,
};

static int make(void **state)
{
	static struct world w;

	w = (struct world){ 0 };
	*state = &w;
	return uart_create(&ops, &w, &w.uart);
}

/* As the machine does it: with a UART and an interrupt controller made anew. */
static void reboot(struct world *w)
{
	uart_destroy(w->uart);
	w->level = false;
	w->nr_edges = 0;
	assert_int_equal(uart_create(&ops, w, &w->uart), 0);
}

static int unmake(void **state)
{
	struct world *w = *state;

	uart_destroy(w->uart);
	return 0;
}

static uint8_t in(struct world *w, unsigned reg)
{
	uint64_t v = uart_read(w->uart, reg, 1);

	assert_true(v <= 0xff);
	return (uint8_t)v;
}

static void out(struct world *w, unsigned reg, uint8_t v)
{
	uart_write(w->uart, reg, 1, v);
}

/* Longer than a line rests; and what it brings. */
static void pass_time(struct world *w)
{
	w->now_ns += 1000000000;
	(void)uart_service(w->uart);
}

static size_t receive(struct world *w, const char *bytes, size_t nr)
{
	return uart_receive(w->uart, (const uint8_t *)bytes, nr);
}

static void test_state_after_power_on(void **state)
{
	struct world *w = *state;

	assert_int_equal(in(w, IER), 0);
	assert_int_equal(in(w, IIR), IIR_NONE);
	assert_int_equal(in(w, LCR), 0);
	assert_int_equal(in(w, MCR), 0);
	assert_int_equal(in(w, LSR), 0x60);
	assert_int_equal(in(w, MSR), 0xb0);
	assert_int_equal(in(w, RBR), 0);
	assert_false(w->level);
	assert_int_equal(w->nr_edges, 0);
}

static void test_bytes_written_are_transmitted_in_order(void **state)
{
	struct world *w = *state;

	for (const char *p = "itsy\n"; *p; p++) {
		assert_int_equal(in(w, LSR) & 0x60, 0x60);
		out(w, THR, (uint8_t)*p);
	}
	assert_int_equal(w->nr_sent, 5);
	assert_memory_equal(w->sent, "itsy\n", 5);
}

static void test_divisor_latch_hides_data_and_interrupt_enable(void **state)
{
	struct world *w = *state;

	out(w, IER, 0x05);
	out(w, LCR, 0x83);
	out(w, DLL, 0x34);
	out(w, DLM, 0x12);
	assert_int_equal(in(w, DLL), 0x34);
	assert_int_equal(in(w, DLM), 0x12);
	assert_int_equal(w->nr_sent, 0);
	out(w, LCR, 0x03);
	assert_int_equal(in(w, IER), 0x05);
	assert_int_equal(in(w, LCR), 0x03);
	out(w, THR, 'x');
	assert_int_equal(w->nr_sent, 1);
	out(w, LCR, 0x80);
	assert_int_equal(in(w, DLL), 0x34);
}

static void test_registers_keep_their_bits_and_no_others(void **state)
{
	static const struct {
		unsigned reg;
		uint8_t bits;
	} cases[] = { { IER, 0x0f }, { MCR, 0x1f }, { SCR, 0xff }, { LCR, 0x7f } };
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		for (unsigned v = 0; v < 256; v++) {
			if (cases[i].reg == LCR && v > 0x7f)
				continue;
			out(w, cases[i].reg, (uint8_t)v);
			assert_int_equal(in(w, cases[i].reg), v & cases[i].bits);
		}
	}
}

static void test_status_registers_cannot_be_written(void **state)
{
	struct world *w = *state;

	out(w, LSR, 0xff);
	out(w, MSR, 0xff);
	assert_int_equal(in(w, LSR), 0x60);
	assert_int_equal(in(w, MSR), 0xb0);
}

/* drivers/tty/serial/8250/8250_port.c, autoconfig(): what makes it a 16550A and nothing else. */
static void test_linux_takes_it_for_a_16550a(void **state)
{
	struct world *w = *state;

	/* Does IER hold bits, and only those of an 8250? */
	out(w, IER, 0);
	assert_int_equal(in(w, IER) & 0x0f, 0);
	out(w, IER, 0x0f);
	assert_int_equal(in(w, IER) & 0x0f, 0x0f);
	out(w, IER, 0);
	/* Loopback: RTS and OUT2 come back as CTS and DCD. */
	out(w, MCR, 0x1a);
	assert_int_equal(in(w, MSR) & 0xf0, 0x90);
	out(w, MCR, 0);
	/* EFR of a 16650 lies where IIR is, and would be 0. */
	out(w, LCR, 0xbf);
	assert_int_not_equal(in(w, 2), 0);
	out(w, LCR, 0);
	/* The kind of FIFO. */
	out(w, FCR, 0x01);
	assert_int_equal(in(w, IIR) >> 6, 3);
	/* No 64 bytes of FIFO: not a 16750. */
	out(w, FCR, 0x21);
	assert_int_equal(in(w, IIR) & 0x20, 0);
	out(w, LCR, 0x80);
	out(w, FCR, 0x21);
	assert_int_equal(in(w, IIR) & 0x20, 0);
	out(w, LCR, 0);
	/* No XScale: UUE of IER does not stick. */
	out(w, IER, 0x40);
	assert_int_equal(in(w, IER), 0);
}

/* The same file, serial8250_do_startup(): tests for broken transmitter interrupts. */
static void test_linux_finds_no_bugs_of_the_transmitter(void **state)
{
	struct world *w = *state;

	out(w, IER, 0x02);
	assert_int_equal(in(w, IIR) & 0x0f, IIR_THRE);
	out(w, IER, 0);
	out(w, IER, 0x02);
	assert_int_equal(in(w, IIR) & 0x0f, IIR_THRE);
	out(w, IER, 0);
	/* UART_BUG_TXEN: empty, and no interrupt on enabling. */
	out(w, IER, 0x02);
	assert_int_equal(in(w, LSR) & 0x40, 0x40);
	assert_int_equal(in(w, IIR) & 0x0f, IIR_THRE);
}

static void test_transmitter_interrupt_is_acknowledged_by_reading_iir(void **state)
{
	struct world *w = *state;

	out(w, IER, 0x02);
	assert_true(w->level);
	assert_int_equal(in(w, IIR), IIR_THRE);
	assert_false(w->level);
	assert_int_equal(in(w, IIR), IIR_NONE);

	/* The next byte that has gone brings the next one. */
	out(w, THR, 'a');
	assert_true(w->level);
	assert_int_equal(in(w, IIR), IIR_THRE);
	assert_false(w->level);
	/* Writing what IER is already is not enabling it. */
	out(w, IER, 0x02);
	assert_false(w->level);
}

static void test_transmitter_interrupt_hidden_by_a_higher_one_is_not_acknowledged(void **state)
{
	struct world *w = *state;

	out(w, IER, 0x03);
	assert_int_equal(receive(w, "x", 1), 1);
	assert_int_equal(in(w, IIR), IIR_RDA);
	assert_int_equal(in(w, IIR), IIR_RDA);
	assert_int_equal(in(w, RBR), 'x');
	assert_true(w->level);
	assert_int_equal(in(w, IIR), IIR_THRE);
	assert_false(w->level);
}

static void test_disabled_interrupts_do_not_raise_the_line(void **state)
{
	struct world *w = *state;

	assert_int_equal(receive(w, "x", 1), 1);
	out(w, THR, 'a');
	assert_int_equal(in(w, IIR), IIR_NONE);
	assert_int_equal(w->nr_edges, 0);
	out(w, IER, 0x01);
	assert_true(w->level);
	out(w, IER, 0x00);
	assert_false(w->level);
}

static void test_without_fifo_one_byte_is_received_at_a_time(void **state)
{
	struct world *w = *state;

	assert_int_equal(receive(w, "ab", 2), 1);
	assert_int_equal(receive(w, "b", 1), 0);
	assert_int_equal(in(w, LSR), 0x61);
	assert_int_equal(w->nr_ready, 0);
	assert_int_equal(in(w, RBR), 'a');
	assert_int_equal(w->nr_ready, 1);
	assert_int_equal(in(w, LSR), 0x60);
	pass_time(w);
	assert_int_equal(receive(w, "b", 1), 1);
	assert_int_equal(in(w, RBR), 'b');
}

static void test_fifo_takes_sixteen_and_tells_when_there_is_room_again(void **state)
{
	struct world *w = *state;

	out(w, FCR, 0x01);
	assert_int_equal(receive(w, "0123456789abcdefXYZ", 19), 16);
	assert_int_equal(receive(w, "X", 1), 0);
	assert_int_equal(w->nr_ready, 0);
	for (int i = 0; i < 16; i++)
		assert_int_equal(in(w, RBR), "0123456789abcdef"[i]);
	assert_int_equal(w->nr_ready, 1); /* once, not for each byte */
	assert_int_equal(in(w, RBR), 0);
	pass_time(w);
	assert_int_equal(receive(w, "XYZ", 3), 3);
	assert_int_equal(in(w, RBR), 'X');
	assert_int_equal(w->nr_ready, 1); /* there was room all the time */
}

static void test_fifo_wraps_without_mixing_bytes(void **state)
{
	struct world *w = *state;
	uint8_t next_in = 0, next_out = 0;

	out(w, FCR, 0x01);
	for (int i = 0; i < 1000; i++) {
		pass_time(w);
		for (int n = i % 7; n >= 0; n--)
			if (uart_receive(w->uart, &next_in, 1))
				next_in++;
		for (int n = i % 5; n >= 0; n--)
			if (in(w, LSR) & 1)
				assert_int_equal(in(w, RBR), next_out++);
	}
	assert_true(next_out != 0 || next_in != 0);
}

static void test_data_interrupt_at_the_trigger_level_timeout_below(void **state)
{
	static const uint8_t triggers[] = { 1, 4, 8, 14 };
	struct world *w = *state;

	for (unsigned i = 0; i < 4; i++) {
		pass_time(w);
		out(w, FCR, (uint8_t)(i << 6 | 0x03));
		out(w, IER, 0x01);
		for (unsigned n = 1; n <= 16; n++) {
			assert_int_equal(receive(w, "x", 1), 1);
			assert_true(w->level);
			assert_int_equal(in(w, IIR),
					 0xc0 | (n >= triggers[i] ? IIR_RDA : IIR_TIMEOUT));
		}
		while (in(w, LSR) & 1)
			(void)in(w, RBR);
		assert_false(w->level);
	}
}

static void test_clearing_the_receiver_drops_its_bytes(void **state)
{
	struct world *w = *state;

	out(w, FCR, 0x01);
	assert_int_equal(receive(w, "0123456789abcdefX", 17), 16);
	out(w, FCR, 0x05); /* the transmitter's: not the receiver's */
	assert_int_equal(in(w, LSR) & 1, 1);
	out(w, FCR, 0x03);
	assert_int_equal(in(w, LSR) & 1, 0);
	assert_int_equal(w->nr_ready, 1);
	assert_int_equal(receive(w, "y", 1), 1);
	assert_int_equal(in(w, RBR), 'y');
}

static void test_switching_the_fifos_on_keeps_the_byte_in_rbr(void **state)
{
	struct world *w = *state;

	assert_int_equal(receive(w, "a", 1), 1);
	out(w, FCR, 0x01);
	assert_int_equal(receive(w, "bc", 2), 2);
	assert_int_equal(in(w, RBR), 'a');
	assert_int_equal(in(w, RBR), 'b');
	assert_int_equal(in(w, RBR), 'c');
	assert_int_equal(in(w, LSR) & 1, 0);
}

static void test_switching_the_fifos_off_drops_their_bytes(void **state)
{
	struct world *w = *state;

	out(w, FCR, 0x01);
	assert_int_equal(receive(w, "abc", 3), 3);
	/* Without the enable bit all other bits are ignored, and the FIFOs are off. */
	out(w, FCR, 0xc0);
	assert_int_equal(in(w, LSR) & 1, 0);
	assert_int_equal(in(w, IIR), IIR_NONE);
	assert_int_equal(receive(w, "abc", 3), 1);
}

static void test_loopback_connects_transmitter_and_receiver(void **state)
{
	struct world *w = *state;

	out(w, FCR, 0x01);
	out(w, MCR, 0x10);
	out(w, THR, 'q');
	assert_int_equal(w->nr_sent, 0);
	assert_int_equal(in(w, RBR), 'q');
	/* Nothing comes from outside meanwhile, and nothing is lost. */
	assert_int_equal(receive(w, "x", 1), 0);
	assert_int_equal(w->nr_ready, 0);
	out(w, MCR, 0x00);
	assert_int_equal(w->nr_ready, 1);
	pass_time(w);
	assert_int_equal(receive(w, "x", 1), 1);
}

static void test_loopback_returns_the_modem_outputs(void **state)
{
	struct world *w = *state;

	for (uint8_t outputs = 0; outputs < 16; outputs++) {
		uint8_t want = 0;

		out(w, MCR, 0x10 | outputs);
		want |= outputs & 0x02 ? 0x10 : 0; /* RTS, CTS */
		want |= outputs & 0x01 ? 0x20 : 0; /* DTR, DSR */
		want |= outputs & 0x04 ? 0x40 : 0; /* OUT1, RI */
		want |= outputs & 0x08 ? 0x80 : 0; /* OUT2, DCD */
		assert_int_equal(in(w, MSR) & 0xf0, want);
	}
}

static void test_modem_changes_are_told_once(void **state)
{
	struct world *w = *state;

	out(w, IER, 0x08);
	out(w, MCR, 0x10); /* CTS, DSR and DCD go */
	assert_true(w->level);
	assert_int_equal(in(w, IIR), 0x00);
	assert_int_equal(in(w, MSR), 0x0b);
	assert_false(w->level);
	assert_int_equal(in(w, MSR), 0x00);
	assert_int_equal(in(w, IIR), IIR_NONE);
	/* RI comes: no trailing edge. It goes: one. */
	out(w, MCR, 0x14);
	assert_int_equal(in(w, MSR), 0x40);
	out(w, MCR, 0x10);
	assert_int_equal(in(w, MSR), 0x04);
}

static void test_overrun_in_loopback_is_told_by_lsr_and_by_interrupt(void **state)
{
	struct world *w = *state;

	out(w, FCR, 0x01);
	out(w, MCR, 0x10);
	out(w, IER, 0x04);
	for (uint8_t i = 0; i < 17; i++)
		out(w, THR, i);
	assert_true(w->level);
	assert_int_equal(in(w, IIR), 0xc0 | IIR_RLS);
	pass_time(w);
	assert_int_equal(in(w, LSR), 0x63);
	assert_false(w->level);
	assert_int_equal(in(w, LSR), 0x61);
	for (uint8_t i = 0; i < 16; i++) /* the FIFO keeps what it has */
		assert_int_equal(in(w, RBR), i);

	out(w, FCR, 0x00);
	out(w, THR, 'a');
	out(w, THR, 'b');
	assert_int_equal(in(w, LSR) & 0x02, 0x02);
	assert_int_equal(in(w, RBR), 'b'); /* RBR does not */
}

static void test_interrupts_are_told_by_priority(void **state)
{
	struct world *w = *state;

	out(w, FCR, 0x01);
	out(w, MCR, 0x10);
	out(w, IER, 0x0f);
	for (uint8_t i = 0; i < 17; i++)
		out(w, THR, i);
	pass_time(w);
	assert_int_equal(in(w, IIR) & 0x0f, IIR_RLS);
	(void)in(w, LSR);
	assert_int_equal(in(w, IIR) & 0x0f, IIR_RDA);
	while (in(w, LSR) & 1)
		(void)in(w, RBR);
	assert_int_equal(in(w, IIR) & 0x0f, IIR_THRE);
	assert_int_equal(in(w, IIR) & 0x0f, 0x00);
	(void)in(w, MSR);
	assert_int_equal(in(w, IIR) & 0x0f, IIR_NONE);
	assert_false(w->level);
}

static void test_accesses_of_any_width_and_offset_are_harmless(void **state)
{
	static const unsigned sizes[] = { 1, 2, 4, 8 };
	struct world *w = *state;

	out(w, SCR, 0x5a);
	assert_int_equal(uart_read(w->uart, SCR, 8), 0x5a);
	uart_write(w->uart, SCR, 4, 0x12345678);
	assert_int_equal(in(w, SCR), 0x78);
	uart_write(w->uart, MCR, 4, 0xffffff00); /* does not reach LSR, MSR, SCR */
	assert_int_equal(in(w, SCR), 0x78);
	for (uint64_t offset = 8; offset < 0x1000; offset++) {
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
			uart_write(w->uart, offset, sizes[i], UINT64_MAX);
			assert_int_equal(uart_read(w->uart, offset, sizes[i]), 0);
		}
	}
	assert_int_equal(in(w, IER), 0);
	assert_int_equal(w->nr_sent, 0);
}

static void test_random_accesses_keep_line_and_iir_in_step(void **state)
{
	struct world *w = *state;
	uint64_t seed = 0x2545f4914f6cdd1d;

	for (int i = 0; i < 200000; i++) {
		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		w->now_ns += seed >> 52 & 0xff ? 0 : seed >> 40 & 0x3ffff;
		switch (seed % 4) {
		case 0:
			(void)receive(w, "0123456789abcdefghijkl", seed >> 8 & 0xf);
			break;
		case 1:
			(void)uart_read(w->uart, seed >> 8 & 0xf, 1u << (seed >> 16 & 3));
			break;
		default:
			uart_write(w->uart, seed >> 8 & 0xf, 1u << (seed >> 16 & 3), seed >> 32);
			break;
		}
		/* IIR bit 0 is the line, inverted. Reading it may lower the line, so look first. */
		{
			uint64_t ns = uart_service(w->uart);
			bool before = w->level;

			assert_true(ns == UINT64_MAX || ns <= 20000000);

			assert_int_equal(in(w, IIR) & 1, !before);
		}
	}
}

static void test_a_reboot_begins_with_the_state_after_power_on(void **state)
{
	struct world *w = *state;

	out(w, LCR, 0x80);
	out(w, DLL, 1);
	out(w, LCR, 0x03);
	out(w, FCR, 0x01);
	out(w, IER, 0x0f);
	out(w, MCR, 0x1f);
	out(w, SCR, 0xff);
	out(w, THR, 'x');
	assert_true(w->level);
	reboot(w);
	test_state_after_power_on(state);
	assert_int_equal(in(w, SCR), 0);
	out(w, LCR, 0x80);
	assert_int_equal(in(w, DLL), 0);
}

static void test_guest_listens_once_it_enables_the_interrupt_or_polls(void **state)
{
	struct world *w = *state;

	assert_false(uart_listens(w->uart));
	/* A driver that prints looks at LSR before each byte: it does not wait for one. */
	for (int i = 0; i < 100; i++) {
		(void)in(w, LSR);
		(void)in(w, LSR);
		out(w, THR, 'x');
	}
	assert_false(uart_listens(w->uart));
	assert_int_equal(w->nr_ready, 0);
	/* Nor does one that waits for the transmitter. */
	for (int i = 0; i < 1024; i++)
		out(w, THR, 'x');
	for (int i = 0; i < 100; i++)
		assert_int_equal(in(w, LSR), 0);
	assert_false(uart_listens(w->uart));
	pass_time(w);
	for (int i = 0; i < 100; i++)
		(void)in(w, LSR);
	assert_true(uart_listens(w->uart));
	assert_int_equal(w->nr_ready, 1);

	reboot(w);
	assert_false(uart_listens(w->uart));
	out(w, IER, 0x01);
	assert_true(uart_listens(w->uart));
	assert_int_equal(w->nr_ready, 2);
	out(w, IER, 0x00);
	assert_false(uart_listens(w->uart));
}

/*
 * A vCPU that is held in its transmission, and somebody who brings a key meanwhile:
 * he must not wait, and must be told when to come again.
 */

struct held {
	struct uart *uart;
	atomic_bool inside, let_go;
	atomic_uint nr_ready;
};

static void held_transmit(void *ctx, uint8_t byte)
{
	struct held *h = ctx;

	(void)byte;
	atomic_store(&h->inside, true);
	while (!atomic_load(&h->let_go))
		continue;
}

static uint64_t held_now(void *ctx)
{
	(void)ctx;
	return 0;
}

static void held_timed(void *ctx)
{
	(void)ctx;
}

static void held_interrupt(void *ctx, bool level)
{
	(void)ctx;
	(void)level;
}

static void held_ready(void *ctx)
{
	struct held *h = ctx;

	atomic_fetch_add(&h->nr_ready, 1);
}

static const struct uart_ops held_ops = {
	.now_ns = held_now,
	.timed = held_timed,
	.transmit = held_transmit,
	.interrupt = held_interrupt,
	.receive_ready = held_ready,
};

static void *transmit_one(void *ctx)
{
	struct held *h = ctx;

	uart_write(h->uart, THR, 1, 'x');
	return NULL;
}

static void test_a_key_during_a_held_transmission_is_asked_for_again(void **state)
{
	struct held h = { 0 };
	pthread_t vcpu;

	(void)state;
	assert_int_equal(uart_create(&held_ops, &h, &h.uart), 0);
	assert_int_equal(pthread_create(&vcpu, NULL, transmit_one, &h), 0);
	while (!atomic_load(&h.inside))
		continue;
	assert_int_equal(uart_receive(h.uart, (const uint8_t *)"k", 1), 0);
	assert_false(uart_listens(h.uart));
	assert_int_equal(atomic_load(&h.nr_ready), 0);
	atomic_store(&h.let_go, true);
	assert_int_equal(pthread_join(vcpu, NULL), 0);
	assert_int_equal(atomic_load(&h.nr_ready), 1);
	assert_int_equal(uart_receive(h.uart, (const uint8_t *)"k", 1), 1);
	uart_destroy(h.uart);
}

/* The same as a race: each refusal must be followed by a call. */

static void slow_transmit(void *ctx, uint8_t byte)
{
	(void)ctx;
	(void)byte;
	for (volatile int i = 0; i < 300; i++)
		continue;
}

static const struct uart_ops slow_ops = {
	.now_ns = held_now,
	.timed = held_timed,
	.transmit = slow_transmit,
	.interrupt = held_interrupt,
	.receive_ready = held_ready,
};

static void *transmit_many(void *ctx)
{
	struct held *h = ctx;

	while (!atomic_load(&h->let_go))
		uart_write(h->uart, THR, 1, 'x');
	return NULL;
}

static void test_no_refusal_is_forgotten_while_a_vcpu_is_busy_with_the_uart(void **state)
{
	struct held h = { 0 };
	pthread_t vcpu;
	unsigned refused = 0;

	(void)state;
	assert_int_equal(uart_create(&slow_ops, &h, &h.uart), 0);
	uart_write(h.uart, IER, 1, 0x01); /* it listens: only the lock can refuse */
	assert_int_equal(pthread_create(&vcpu, NULL, transmit_many, &h), 0);
	while (refused < 2000) {
		unsigned before = atomic_load(&h.nr_ready);

		if (uart_listens(h.uart))
			continue;
		refused++;
		/* Only a call ends this; else the test's time limit does. */
		while (atomic_load(&h.nr_ready) == before)
			continue;
	}
	atomic_store(&h.let_go, true);
	assert_int_equal(pthread_join(vcpu, NULL), 0);
	uart_destroy(h.uart);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make, unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_state_after_power_on),
		TEST(test_bytes_written_are_transmitted_in_order),
		TEST(test_divisor_latch_hides_data_and_interrupt_enable),
		TEST(test_registers_keep_their_bits_and_no_others),
		TEST(test_status_registers_cannot_be_written),
		TEST(test_linux_takes_it_for_a_16550a),
		TEST(test_linux_finds_no_bugs_of_the_transmitter),
		TEST(test_transmitter_interrupt_is_acknowledged_by_reading_iir),
		TEST(test_transmitter_interrupt_hidden_by_a_higher_one_is_not_acknowledged),
		TEST(test_disabled_interrupts_do_not_raise_the_line),
		TEST(test_without_fifo_one_byte_is_received_at_a_time),
		TEST(test_fifo_takes_sixteen_and_tells_when_there_is_room_again),
		TEST(test_fifo_wraps_without_mixing_bytes),
		TEST(test_data_interrupt_at_the_trigger_level_timeout_below),
		TEST(test_clearing_the_receiver_drops_its_bytes),
		TEST(test_switching_the_fifos_on_keeps_the_byte_in_rbr),
		TEST(test_switching_the_fifos_off_drops_their_bytes),
		TEST(test_loopback_connects_transmitter_and_receiver),
		TEST(test_loopback_returns_the_modem_outputs),
		TEST(test_modem_changes_are_told_once),
		TEST(test_overrun_in_loopback_is_told_by_lsr_and_by_interrupt),
		TEST(test_interrupts_are_told_by_priority),
		TEST(test_accesses_of_any_width_and_offset_are_harmless),
		TEST(test_random_accesses_keep_line_and_iir_in_step),
		TEST(test_a_reboot_begins_with_the_state_after_power_on),
		TEST(test_guest_listens_once_it_enables_the_interrupt_or_polls),
		cmocka_unit_test(test_a_key_during_a_held_transmission_is_asked_for_again),
		cmocka_unit_test(test_no_refusal_is_forgotten_while_a_vcpu_is_busy_with_the_uart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
