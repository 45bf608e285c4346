// SPDX-License-Identifier: MIT
/*
 * The console's line has a speed: a driver comes out of its interrupt between two FIFOs, however
 * much waits on either side and however slow the guest is, and no byte is lost. On a clock of the
 * test's, which each access of the guest takes some of.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "vmm/dev/uart.h"

enum { RBR = 0, THR = 0, IER = 1, IIR = 2, FCR = 2, LSR = 5, MSR = 6 };

#define FIFO	  16u
#define BYTE_NS	  6667u
#define FIFO_NS	  (FIFO * BYTE_NS)
#define REST_MAX  20000000u
#define IIR_NONE  0x01u
#define IER_RDA	  0x01u
#define IER_THRE  0x02u
#define LSR_DR	  0x01u
#define LSR_THRE  0x20u
#define LINUX_RX  256u /* drivers/tty/serial/8250/8250_port.c, serial8250_rx_chars() */
#define LINUX_MAX 512u /* 8250_core.c, PASS_LIMIT */
#define NR_BYTES  60000u

#define AT_ONCE 1024u

/*
 * Of one interrupt: what is sent at once, and a FIFO more, in passes with what surrounds them; and
 * two FIFOs that arrive, each byte with a look at LSR.
 */
#define ACCESSES_MAX ((AT_ONCE + FIFO) + (AT_ONCE / FIFO + 1) * 4 + 2 * FIFO * 2 + 16)

struct world {
	struct uart *uart;
	uint64_t now_ns, due_ns, exit_ns;
	bool level;

	/* The world outside: what is typed, which is what comes back. */
	size_t nr_typed, nr_sent;
	bool wrong, floods;

	/* The guest's driver. */
	uint8_t echo[NR_BYTES];
	size_t nr_read, nr_written;
	unsigned accesses, longest, nr_interrupts;
};

static uint8_t byte_at(size_t i)
{
	return (uint8_t)(i * 7 + i / 251);
}

static uint64_t now_ns(void *ctx)
{
	const struct world *w = ctx;

	return w->now_ns;
}

static void transmit(void *ctx, uint8_t byte)
{
	struct world *w = ctx;

	w->wrong |= byte != byte_at(w->nr_sent);
	w->nr_sent++;
}

static void interrupt(void *ctx, bool level)
{
	struct world *w = ctx;

	w->level = level;
}

static void wake_up(void *ctx)
{
	struct world *w = ctx;

	w->due_ns = 0;
}

static const struct uart_ops ops = {
	.now_ns = now_ns,
	.transmit = transmit,
	.interrupt = interrupt,
	.receive_ready = wake_up,
	.timed = wake_up,
};

static struct world w;

static int make(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	w.now_ns = 1000000000;
	return uart_create(&ops, &w, &w.uart);
}

static int unmake(void **state)
{
	(void)state;
	uart_destroy(w.uart);
	return 0;
}

/* The thread that brings bytes: as fast as it may, in the middle of the guest's handler too. */
static void feed(void)
{
	uint8_t bytes[64];
	size_t nr = 0;
	uint64_t ns;

	if (w.now_ns < w.due_ns)
		return;
	while (nr < sizeof(bytes) && w.nr_typed + nr < NR_BYTES) {
		bytes[nr] = byte_at(w.nr_typed + nr);
		nr++;
	}
	w.due_ns = UINT64_MAX;
	if (nr)
		w.nr_typed += uart_receive(w.uart, bytes, nr);
	ns = uart_service(w.uart);
	if (w.due_ns && ns != UINT64_MAX)
		w.due_ns = w.now_ns + ns;
}

static uint8_t in(unsigned reg)
{
	uint8_t v;

	w.now_ns += w.exit_ns;
	w.accesses++;
	feed();
	v = (uint8_t)uart_read(w.uart, reg, 1);
	feed();
	return v;
}

static void out(unsigned reg, uint8_t v)
{
	w.now_ns += w.exit_ns;
	w.accesses++;
	feed();
	uart_write(w.uart, reg, 1, v);
	feed();
}

/* As serial8250_handle_irq(): false where there was nothing to do. */
static bool handle(void)
{
	uint8_t lsr;

	if (in(IIR)&IIR_NONE)
		return false;
	lsr = in(LSR);
	for (unsigned n = 0; (lsr & LSR_DR) && n < LINUX_RX; n++) {
		assert_true(w.nr_read < NR_BYTES);
		w.echo[w.nr_read++] = in(RBR);
		lsr = in(LSR);
	}
	(void)in(MSR);
	for (unsigned n = 0; (lsr & LSR_THRE) && n < FIFO && (w.floods || w.nr_written < w.nr_read);
	     n++, w.nr_written++)
		out(THR, w.floods ? byte_at(w.nr_written) : w.echo[w.nr_written]);
	if (!w.floods && w.nr_written == w.nr_read)
		out(IER, IER_RDA);
	return true;
}

/* serial8250_interrupt() */
static void take_interrupt(void)
{
	w.accesses = 0;
	w.nr_interrupts++;
	for (unsigned passes = 0; handle() && passes < LINUX_MAX; passes++)
		continue;
	if (w.accesses > w.longest)
		w.longest = w.accesses;
}

/* What is read is written again, as by cat. */
static void test_a_driver_comes_out_of_its_interrupt_and_loses_nothing(void **state)
{
	static const uint64_t exits_ns[] = { 100, 1000, 3000, 20000, 60000, 500000 };

	for (size_t i = 0; i < sizeof(exits_ns) / sizeof(exits_ns[0]); i++) {
		if (i) {
			assert_int_equal(unmake(state), 0);
			assert_int_equal(make(state), 0);
		}
		w.exit_ns = exits_ns[i];
		out(FCR, 0x81);
		out(IER, IER_RDA);
		while (w.nr_sent < NR_BYTES) {
			if (w.level) {
				take_interrupt();
				if (w.nr_written < w.nr_read)
					out(IER, IER_RDA | IER_THRE);
			}
			w.now_ns += 1000;
			feed();
			assert_true(w.now_ns < 600 * UINT64_C(1000000000));
		}
		assert_false(w.wrong);
		assert_int_equal(w.nr_typed, NR_BYTES);
		assert_true(w.longest <= ACCESSES_MAX);
		assert_true(w.nr_interrupts >= NR_BYTES / (2 * FIFO));
	}
}

/* To a guest that reads at once: nothing else but the line's speed. */
static void test_bytes_come_no_faster_than_the_line(void **state)
{
	uint64_t began = w.now_ns, took;

	(void)state;
	w.exit_ns = 10;
	out(FCR, 0x01);
	out(IER, IER_RDA);
	while (w.nr_read < NR_BYTES) {
		while (in(LSR)&LSR_DR) {
			w.nr_read++;
			(void)in(RBR);
		}
		w.now_ns += 100;
	}
	took = w.now_ns - began;
	assert_true(took >= (uint64_t)(NR_BYTES - FIFO) * BYTE_NS);
	assert_true(took <= (uint64_t)NR_BYTES * BYTE_NS * 11 / 10);
}

static void test_the_first_byte_after_a_silence_comes_at_once(void **state)
{
	static const uint8_t key[] = { 'k' };

	(void)state;
	uart_write(w.uart, IER, 1, IER_RDA);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(uart_receive(w.uart, key, 1), 1);
		assert_true(w.level);
		assert_int_equal(uart_read(w.uart, RBR, 1), 'k');
		assert_int_equal(uart_receive(w.uart, key, 1), 0);
		assert_int_equal(uart_service(w.uart), FIFO_NS);
		w.now_ns += FIFO_NS - 1;
		assert_int_equal(uart_receive(w.uart, key, 1), 0);
		assert_int_equal(uart_service(w.uart), 1);
		w.now_ns++;
	}
}

/* A vCPU that was away for long with a byte in its hand is no slow guest. */
static void test_a_rest_has_an_end(void **state)
{
	static const uint8_t keys[] = { 'a', 'b' };

	(void)state;
	uart_write(w.uart, FCR, 1, 0x01);
	uart_write(w.uart, IER, 1, IER_RDA);
	assert_int_equal(uart_receive(w.uart, keys, 2), 2);
	w.now_ns += 3600 * UINT64_C(1000000000);
	(void)uart_read(w.uart, RBR, 1);
	w.now_ns += 3600 * UINT64_C(1000000000);
	(void)uart_read(w.uart, RBR, 1);
	assert_int_equal(uart_receive(w.uart, keys, 2), 0);
	assert_int_equal(uart_service(w.uart), REST_MAX);
	w.now_ns += REST_MAX;
	assert_int_equal(uart_receive(w.uart, keys, 2), 2);
}

/* Another CPU writes as fast as this one's handler sends. */
static void test_a_flood_lets_the_handler_end(void **state)
{
	static const uint64_t exits_ns[] = { 100, 3000, 60000 };

	w.floods = true;
	for (size_t i = 0; i < sizeof(exits_ns) / sizeof(exits_ns[0]); i++) {
		if (i) {
			assert_int_equal(unmake(state), 0);
			assert_int_equal(make(state), 0);
			w.floods = true;
		}
		w.nr_typed = NR_BYTES; /* nothing arrives */
		w.exit_ns = exits_ns[i];
		out(FCR, 0x81);
		out(IER, IER_THRE);
		while (w.nr_sent < NR_BYTES) {
			if (w.level)
				take_interrupt();
			w.now_ns += 1000;
			feed();
			assert_true(w.now_ns < 600 * UINT64_C(1000000000));
		}
		assert_false(w.wrong);
		assert_true(w.longest <= ACCESSES_MAX);
	}
}

/* What a guest says now and then goes out in one interrupt, as it may be its last. */
static void test_a_few_lines_are_sent_at_once(void **state)
{
	(void)state;
	w.exit_ns = 3000;
	out(IER, IER_THRE);
	for (int line = 0; line < 10; line++) {
		for (unsigned i = 1; i < AT_ONCE; i++) {
			assert_true(w.level);
			out(THR, byte_at(w.nr_sent));
		}
		w.now_ns += 5000000; /* the guest is silent */
	}
	out(THR, byte_at(w.nr_sent));
	assert_true(w.level);
}

static void test_a_guest_that_polls_waits_for_the_rest(void **state)
{
	unsigned nr_waits = 0;

	(void)state;
	w.exit_ns = 1000;
	for (unsigned i = 0; i < 10 * AT_ONCE; i++) {
		bool waits = false;

		while (!(in(LSR)&LSR_THRE))
			waits = true;
		nr_waits += waits;
		out(THR, byte_at(i));
	}
	assert_int_equal(w.nr_sent, 10 * AT_ONCE);
	assert_int_equal(nr_waits, 9);
}

static void test_what_is_written_without_a_look_is_not_lost(void **state)
{
	(void)state;
	w.exit_ns = 100;
	for (unsigned i = 0; i < AT_ONCE + 100; i++)
		out(THR, byte_at(i));
	assert_int_equal(w.nr_sent, AT_ONCE + 100);
	assert_false(w.wrong);
	assert_int_equal(in(LSR)&LSR_THRE, 0);
	w.now_ns += FIFO_NS;
	assert_int_equal(in(LSR)&LSR_THRE, LSR_THRE);
}

/* serial8250_do_startup(), after a kernel's message: an interrupt that does not come is a broken
 * UART. */
static void test_where_lsr_says_empty_enabling_the_interrupt_brings_it(void **state)
{
	(void)state;
	w.exit_ns = 60000;
	for (unsigned i = 0; i < AT_ONCE; i++)
		out(THR, byte_at(i));
	while (!(in(LSR)&LSR_THRE))
		continue;
	out(IER, IER_THRE);
	assert_int_equal(in(IIR)&0x0f, 0x02);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)
	const struct CMUnitTest tests[] = {
		TEST(test_a_driver_comes_out_of_its_interrupt_and_loses_nothing),
		TEST(test_bytes_come_no_faster_than_the_line),
		TEST(test_the_first_byte_after_a_silence_comes_at_once),
		TEST(test_a_rest_has_an_end),
		TEST(test_a_flood_lets_the_handler_end),
		TEST(test_a_few_lines_are_sent_at_once),
		TEST(test_a_guest_that_polls_waits_for_the_rest),
		TEST(test_what_is_written_without_a_look_is_not_lost),
		TEST(test_where_lsr_says_empty_enabling_the_interrupt_brings_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
