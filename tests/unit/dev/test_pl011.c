// SPDX-License-Identifier: MIT
/*
 * A PL011 as Linux and U-Boot drive it (DDI 0183G, chapter 3). test_primecell.c goes through the
 * table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "vitsmod/bits.h"
#include "vmm/dev/pl011.h"

#define DR   0x000u
#define FR   0x018u
#define IMSC 0x038u
#define RIS  0x03cu
#define MIS  0x040u
#define ICR  0x044u

#define FR_BUSY 0x08u
#define FR_RXFE 0x10u
#define FR_TXFF 0x20u
#define FR_TXFE 0x80u
#define INT_RX	0x10u
#define INT_TX	0x20u
#define INT_RT	0x40u

struct world {
	struct uart *uart;
	struct pl011 *p;
	uint64_t now_ns;
	uint8_t sent[4096];
	size_t nr_sent;
	bool level;
	unsigned nr_ready;
};

static uint64_t now_ns(void *ctx)
{
	const struct world *w = ctx;

	return w->now_ns;
}

static void timed(void *ctx)
{
	(void)ctx;
}

static void transmit(void *ctx, uint8_t byte)
{
	struct world *w = ctx;

	assert_in_range(w->nr_sent, 0, sizeof(w->sent) - 1);
	w->sent[w->nr_sent++] = byte;
}

static void interrupt(void *ctx, bool level)
{
	struct world *w = ctx;

	assert_int_not_equal(level, w->level);
	w->level = level;
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
	int r;

	w = (struct world){ .now_ns = UINT64_C(1000000000) };
	*state = &w;
	r = uart_create(&ops, &w, &w.uart);
	return r ? r : pl011_create(w.uart, &w.p);
}

static int unmake(void **state)
{
	struct world *w = *state;

	pl011_destroy(w->p);
	pl011_destroy(NULL);
	uart_destroy(w->uart);
	return 0;
}

static void arrives(struct world *w, const char *text)
{
	w->now_ns += UINT64_C(1000000000);
	assert_int_equal(uart_receive(w->uart, (const uint8_t *)text, strlen(text)), strlen(text));
}

/* drivers/tty/serial/amba-pl011.c: vendor_arm; below revision 3 its FIFOs have 16 bytes. */
static void test_its_revision_is_one_of_short_fifos(void **state)
{
	struct world *w = *state;

	assert_in_range(pl011_read(w->p, 0xfe8) >> 4, 0, 2);
}

/* drivers/serial/serial_pl01x.c: pl01x_putc(), pl01x_getc(); no interrupt, and no more set-up than
 * this. */
static void test_u_boot_sends_and_polls(void **state)
{
	struct world *w = *state;

	for (const char *c = "hello"; *c; c++) {
		assert_int_equal(pl011_read(w->p, FR) & (FR_TXFF | FR_BUSY), 0);
		pl011_write(w->p, DR, (uint8_t)*c | 0xff00);
	}
	assert_int_equal(w->nr_sent, 5);
	assert_memory_equal(w->sent, "hello", 5);
	assert_int_equal(uart_listens(w->uart), UART_IS_DEAF);
	for (int i = 0; i < 20; i++)
		assert_true(pl011_read(w->p, FR) & FR_RXFE);
	assert_int_equal(uart_listens(w->uart), UART_IS_POLLED);
	assert_int_equal(w->nr_ready, 1);
	arrives(w, "ab");
	for (const char *c = "ab"; *c; c++) {
		assert_false(pl011_read(w->p, FR) & FR_RXFE);
		assert_int_equal(pl011_read(w->p, DR), *c);
	}
	assert_true(pl011_read(w->p, FR) & FR_RXFE);
	assert_false(w->level);
}

/* drivers/tty/serial/amba-pl011.c: pl011_startup(), pl011_int(), pl011_rx_chars(). */
static void test_linux_takes_what_arrives_by_interrupt(void **state)
{
	struct world *w = *state;

	pl011_write(w->p, ICR, 0x7ff);
	pl011_write(w->p, IMSC, INT_RX | INT_RT);
	assert_int_equal(uart_listens(w->uart), UART_INTERRUPTS);
	assert_false(w->level);
	arrives(w, "x");
	assert_true(w->level);
	assert_true(pl011_read(w->p, MIS) & INT_RT);
	/* To clear it loses nothing. */
	pl011_write(w->p, ICR, 0x7ff);
	assert_true(w->level);
	assert_int_equal(pl011_read(w->p, DR), 'x');
	assert_false(w->level);
	assert_int_equal(pl011_read(w->p, MIS), 0);
}

static void test_the_transmitter_interrupts_until_it_is_masked_or_cleared(void **state)
{
	struct world *w = *state;

	assert_int_equal(pl011_read(w->p, RIS), 0);
	pl011_write(w->p, IMSC, INT_TX);
	assert_true(w->level);
	assert_int_equal(pl011_read(w->p, MIS), INT_TX);
	pl011_write(w->p, DR, 'a');
	assert_true(w->level);
	pl011_write(w->p, ICR, INT_TX);
	assert_false(w->level);
	pl011_write(w->p, DR, 'b');
	assert_true(w->level);
	pl011_write(w->p, IMSC, 0);
	assert_false(w->level);
	assert_int_equal(pl011_read(w->p, RIS), INT_TX);
	assert_int_equal(pl011_read(w->p, MIS), 0);
}

/* As uart_pace has it of the 16550A. */
static void test_a_flood_is_slowed_down(void **state)
{
	struct world *w = *state;
	unsigned nr = 0;

	pl011_write(w->p, IMSC, INT_TX);
	while (!(pl011_read(w->p, FR) & FR_TXFF)) {
		pl011_write(w->p, DR, 'f');
		assert_in_range(++nr, 1, 2000);
	}
	assert_true(pl011_read(w->p, FR) & FR_BUSY);
	assert_false(pl011_read(w->p, FR) & FR_TXFE);
	assert_false(w->level);
	w->now_ns += UINT64_C(1000000000);
	(void)uart_service(w->uart);
	assert_true(w->level);
	assert_true(pl011_read(w->p, FR) & FR_TXFE);
	assert_int_equal(w->nr_sent, nr);
}

/* Any accesses: the line is what MIS says of what is modelled. */
static void test_random_accesses_keep_the_line_in_step(void **state)
{
	struct world *w = *state;
	unsigned seed = 1;

	for (int i = 0; i < 200000; i++) {
		const struct primecell_register *r =
			&pl011_kind.registers[(unsigned)rand_r(&seed) % pl011_kind.nr_registers];
		bool masked;

		w->now_ns += (unsigned)rand_r(&seed) % 100000;
		w->nr_sent = 0;
		(void)uart_service(w->uart);
		if (rand_r(&seed) % 4 == 0)
			(void)uart_receive(w->uart, (const uint8_t *)"12345", 5);
		else if (rand_r(&seed) % 2)
			pl011_write(w->p, r->offset, (uint32_t)rand_r(&seed));
		else
			(void)pl011_read(w->p, r->offset);
		/* Either of the receiver's enables both: what is there interrupts. */
		masked = !(pl011_read(w->p, IMSC) & (INT_RX | INT_RT)) ||
			 !(pl011_read(w->p, RIS) & INT_RX);
		masked = masked && !(pl011_read(w->p, MIS) & INT_TX);
		assert_int_equal(w->level, !masked);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)
	const struct CMUnitTest tests[] = {
		TEST(test_its_revision_is_one_of_short_fifos),
		TEST(test_u_boot_sends_and_polls),
		TEST(test_linux_takes_what_arrives_by_interrupt),
		TEST(test_the_transmitter_interrupts_until_it_is_masked_or_cleared),
		TEST(test_a_flood_is_slowed_down),
		TEST(test_random_accesses_keep_the_line_in_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
