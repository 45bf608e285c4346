// SPDX-License-Identifier: MIT
/*
 * The console: what the guest writes comes out of the descriptor, a reader that stops
 * holds the writer and nobody else, and what a person types waits until the guest listens.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "vmm/base/bits.h"
#include "vmm/base/cleanup.h"
#include "vmm/dev/console.h"
#include "vmm/kvm/layout.h"

/* Offsets of a 16550A: transmitter and receiver, interrupt enable. */
#define THR	     0u
#define RBR	     0u
#define IER	     1u
#define IER_RECEIVED 0x01u
/* And of a PL011. */
#define DR	0x000u
#define FR	0x018u
#define IMSC	0x038u
#define IMSC_RX 0x010u

static struct {
	struct vm vm;
	struct bus bus;
	struct console *console;
	struct console_port *port;
	int pipe[2];
	_Atomic unsigned wake_ups;
	_Atomic bool line, pl011_line, written;
} w;

int vm_irq_line(const struct vm *vm, unsigned intid, bool level)
{
	assert_ptr_equal(vm, &w.vm);
	assert_true(intid == LAYOUT_UART_INTID || intid == LAYOUT_PL011_INTID);
	if (intid == LAYOUT_UART_INTID)
		w.line = level;
	else
		w.pl011_line = level;
	return 0;
}

static void on_wake_up(void *ctx)
{
	assert_ptr_equal(ctx, &w);
	w.wake_ups++;
}

static int begin_with(bool has_pl011)
{
	struct console_config config = {
		.vm = &w.vm, .wake_up = on_wake_up, .ctx = &w, .has_pl011 = has_pl011
	};

	memset(&w, 0, sizeof(w));
	assert_int_equal(pipe2(w.pipe, O_CLOEXEC | O_DIRECT), 0);
	assert_int_equal(console_port_of(w.pipe[1], &w.port), 0);
	config.port = w.port;
	assert_int_equal(console_create(&config, &w.console), 0);
	assert_int_equal(console_add_to_bus(w.console, &w.bus), 0);
	return 0;
}

static int begin(void **state)
{
	(void)state;
	return begin_with(false);
}

static int begin_both(void **state)
{
	(void)state;
	return begin_with(true);
}

static int end(void **state)
{
	(void)state;
	console_destroy(w.console);
	console_port_destroy(w.port, true);
	cleanup_fd(&w.pipe[0]);
	cleanup_fd(&w.pipe[1]);
	return 0;
}

static void put(const char *text)
{
	for (; *text; text++)
		bus_write(&w.bus, LAYOUT_UART + THR, 1, (uint8_t)*text);
}

static void test_what_the_guest_writes_comes_out_in_order(void **state)
{
	char text[16] = "";

	(void)state;
	put("hello\n");
	assert_int_equal(read(w.pipe[0], text, sizeof(text) - 1), 6);
	assert_string_equal(text, "hello\n");
}

static void *write_one(void *arg)
{
	(void)arg;
	put("x\n");
	w.written = true;
	return NULL;
}

/* Until nothing more fits, as behind a terminal that is stopped. */
static void fill_pipe(void)
{
	static const char zeros[4096];
	int flags = fcntl(w.pipe[1], F_GETFL);

	assert_int_equal(fcntl(w.pipe[1], F_SETFL, flags | O_NONBLOCK), 0);
	while (write(w.pipe[1], zeros, sizeof(zeros)) > 0)
		continue;
	assert_int_equal(fcntl(w.pipe[1], F_SETFL, flags), 0);
}

static void test_a_writer_waits_for_the_reader(void **state)
{
	pthread_t thread;
	char last;

	(void)state;
	fill_pipe();
	assert_int_equal(pthread_create(&thread, NULL, write_one, NULL), 0);
	/* All that lies before it has to be read. */
	do {
		assert_int_equal(read(w.pipe[0], &last, 1), 1);
	} while (last != 'x'); /* of "x\n", a packet */
	assert_int_equal(pthread_join(thread, NULL), 0);
}

static void test_a_stop_ends_the_waiting_and_what_is_written_is_dropped(void **state)
{
	pthread_t thread;

	(void)state;
	fill_pipe();
	assert_int_equal(pthread_create(&thread, NULL, write_one, NULL), 0);
	console_stop(w.console);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(w.written);
}

static void test_what_is_no_whole_line_goes_out_a_moment_later(void **state)
{
	char text[16] = "";
	uint64_t ns;

	(void)state;
	assert_int_equal(fcntl(w.pipe[0], F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(console_service(w.console), UINT64_MAX);
	put("# ");
	assert_int_equal(w.wake_ups, 1); /* once, not for each byte */
	assert_int_equal(read(w.pipe[0], text, sizeof(text)), -1);
	while ((ns = console_service(w.console)) != UINT64_MAX)
		assert_in_range(ns, 1, 2000000);
	assert_int_equal(read(w.pipe[0], text, sizeof(text)), 2);
	assert_string_equal(text, "# ");
	put("$ ");
	assert_int_equal(w.wake_ups, 2);
}

static void test_a_line_is_one_write_however_slowly_it_came(void **state)
{
	char text[16] = "";

	(void)state;
	put("one line\n");
	put("another\n");
	/* Packets: a read ends where a write did. */
	assert_int_equal(read(w.pipe[0], text, sizeof(text)), 9);
	assert_int_equal(read(w.pipe[0], text, sizeof(text)), 8);
}

static void test_service_waits_for_no_reader_and_loses_nothing(void **state)
{
	char last;

	(void)state;
	fill_pipe();
	put("x");
	for (int i = 0; i < 3; i++) {
		(void)usleep(3000);
		assert_int_equal(console_service(w.console), 2000000);
	}
	/* Nor while a vCPU waits. */
	do {
		assert_int_equal(read(w.pipe[0], &last, 1), 1);
		(void)console_service(w.console);
	} while (last != 'x');
}

static void test_a_flush_has_all_out(void **state)
{
	char text[16] = "";

	(void)state;
	put("last words");
	console_flush(w.console);
	assert_int_equal(read(w.pipe[0], text, sizeof(text)), 10);
	put("more");
	console_destroy(w.console);
	w.console = NULL;
	assert_int_equal(read(w.pipe[0], text, sizeof(text)), 4);
}

static void test_a_reader_that_has_gone_does_no_harm(void **state)
{
	void (*was)(int) = signal(SIGPIPE, SIG_IGN);

	(void)state;
	cleanup_fd(&w.pipe[0]);
	w.pipe[0] = -1;
	put("nobody\n");
	(void)signal(SIGPIPE, was);
	assert_int_equal(w.line, false);
}

static void test_keys_are_refused_until_the_guest_listens_and_then_asked_for(void **state)
{
	static const uint8_t key[] = { 'k' };

	(void)state;
	assert_int_equal(console_type(w.console, key, 0), 0);
	assert_int_equal(console_type(w.console, key, 1), 0);
	bus_write(&w.bus, LAYOUT_UART + IER, 1, IER_RECEIVED);
	assert_int_equal(console_type(w.console, key, 1), 1);
	assert_true(w.line);
	/* Without FIFOs there is room for one. */
	assert_int_equal(console_type(w.console, key, 1), 0);
	w.wake_ups = 0;
	assert_int_equal(bus_read(&w.bus, LAYOUT_UART + RBR, 1), 'k');
	assert_false(w.line);
	assert_true(w.wake_ups > 0);
	/* The line rests, and says for how long. */
	while (console_type(w.console, key, 1) == 0)
		assert_in_range(console_service(w.console), 0, 20000000);
	assert_true(w.line);
}

static void test_both_uarts_are_at_one_line(void **state)
{
	char text[16] = "";

	(void)state;
	put("by one, ");
	for (const char *c = "the other\n"; *c; c++)
		bus_write(&w.bus, LAYOUT_PL011 + DR, 4, (uint8_t)*c);
	assert_int_equal(read(w.pipe[0], text, sizeof(text)), 16);
	assert_memory_equal(text, "by one, the othe", 16);
	/* Without firmware there is no other one. */
	end(NULL);
	begin(NULL);
	bus_write(&w.bus, LAYOUT_PL011 + DR, 4, 'x');
	assert_int_equal(w.bus.unclaimed, 1);
}

/* Firmware polls a PL011; a system that has the 16550A then uses interrupts; or the PL011 as well.
 */
static void test_keys_go_to_the_uart_that_is_listened_to(void **state)
{
	static const uint8_t key[] = { 'k' };

	(void)state;
	assert_int_equal(console_type(w.console, key, 1), 0);
	for (int i = 0; i < 20; i++)
		(void)bus_read(&w.bus, LAYOUT_PL011 + FR, 4);
	assert_int_equal(console_type(w.console, key, 1), 1);
	assert_int_equal(bus_read(&w.bus, LAYOUT_PL011 + DR, 4), 'k');

	bus_write(&w.bus, LAYOUT_UART + IER, 1, IER_RECEIVED);
	assert_int_equal(console_type(w.console, key, 1), 1);
	assert_true(w.line);
	assert_int_equal(bus_read(&w.bus, LAYOUT_UART + RBR, 1), 'k');

	bus_write(&w.bus, LAYOUT_PL011 + IMSC, 4, IMSC_RX);
	while (console_type(w.console, key, 1) == 0)
		assert_in_range(console_service(w.console), 0, 20000000);
	assert_true(w.pl011_line);
	assert_false(w.line);
	assert_int_equal(bus_read(&w.bus, LAYOUT_PL011 + DR, 4), 'k');
	assert_false(w.pl011_line);
}

static void test_a_taken_place_on_the_bus_is_refused(void **state)
{
	(void)state;
	assert_true(console_add_to_bus(w.console, &w.bus) < 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(test_what_the_guest_writes_comes_out_in_order),
		TEST(test_a_writer_waits_for_the_reader),
		TEST(test_a_stop_ends_the_waiting_and_what_is_written_is_dropped),
		TEST(test_what_is_no_whole_line_goes_out_a_moment_later),
		TEST(test_a_line_is_one_write_however_slowly_it_came),
		TEST(test_service_waits_for_no_reader_and_loses_nothing),
		TEST(test_a_flush_has_all_out),
		TEST(test_a_reader_that_has_gone_does_no_harm),
		TEST(test_keys_are_refused_until_the_guest_listens_and_then_asked_for),
		cmocka_unit_test_setup_teardown(test_both_uarts_are_at_one_line, begin_both, end),
		cmocka_unit_test_setup_teardown(test_keys_go_to_the_uart_that_is_listened_to,
						begin_both, end),
		TEST(test_a_taken_place_on_the_bus_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
