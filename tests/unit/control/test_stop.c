// SPDX-License-Identifier: MIT
/*
 * How a guest is stopped: what asks it, what cuts its power, and when. The machine is played here.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/base/capture.h"
#include "vmm/base/bits.h"
#include "vmm/control/stop.h"
#include "vmm/machine/machine.h"

#define S UINT64_C(1000000000)

static struct {
	struct stop stop;
	struct capture said;
	unsigned nr_presses;
	bool is_deaf, is_frozen;
} w;

void machine_press_power(struct machine *m)
{
	assert_ptr_equal(m, &w);
	w.nr_presses++;
}

void machine_thaw(struct machine *m)
{
	(void)m;
	w.is_frozen = false;
}

bool machine_hears_power(struct machine *m)
{
	assert_ptr_equal(m, &w);
	return !w.is_deaf;
}

static int begin(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	w.stop.timeout_s = 25;
	return 0;
}

static struct machine *machine(void)
{
	return (struct machine *)&w;
}

static void signal_at(int signal, uint64_t now_ns)
{
	capture_begin(&w.said);
	stop_by_signal(&w.stop, machine(), signal, now_ns);
	capture_end(&w.said);
}

static int ask_at(uint64_t now_ns)
{
	int r;

	capture_begin(&w.said);
	r = stop_ask(&w.stop, machine(), now_ns);
	capture_end(&w.said);
	return r;
}

static int service_at(uint64_t now_ns)
{
	int ms;

	capture_begin(&w.said);
	ms = stop_service(&w.stop, machine(), now_ns);
	capture_end(&w.said);
	return ms;
}

static void test_nobody_is_stopped_who_was_not_asked(void **state)
{
	(void)state;
	assert_int_equal(service_at(1000 * S), -1);
	signal_at(0, 1000 * S);
	assert_false(w.stop.asked || w.stop.cut);
	assert_int_equal(w.nr_presses, 0);
}

static void test_a_guest_that_is_asked_has_its_time_and_is_cut_then(void **state)
{
	(void)state;
	w.is_frozen = true;
	signal_at(SIGTERM, 100 * S);
	assert_false(w.is_frozen);
	assert_string_equal(w.said.err,
			    "itsy: asked the guest to power off: its power is cut after "
			    "25 s, or by a second signal\n");
	assert_int_equal(w.nr_presses, 1);
	/* Pressed again, for one that was not up. */
	assert_int_equal(service_at(100 * S), 10001);
	assert_int_equal(service_at(109 * S), 1001);
	assert_int_equal(w.nr_presses, 1);
	assert_int_equal(service_at(110 * S), 10001);
	assert_int_equal(service_at(121 * S), 4001);
	assert_int_equal(w.nr_presses, 3);
	assert_false(w.stop.cut);
	assert_string_equal(w.said.err, "");
	assert_int_equal(service_at(125 * S), 0);
	assert_true(w.stop.cut);
	assert_int_equal(w.stop.signal, SIGTERM);
	assert_string_equal(w.said.err, "itsy: warning: the guest has not powered off in 25 s: its "
					"power is cut\n");
	/* Told once. */
	assert_int_equal(service_at(126 * S), 0);
	assert_string_equal(w.said.err, "");
	assert_int_equal(w.nr_presses, 3);
}

static void test_a_guest_that_nobody_listens_in_is_cut_by_a_signal_and_not_by_asking(void **state)
{
	(void)state;
	w.is_deaf = true;
	w.is_frozen = true;
	assert_int_equal(ask_at(100 * S), -ENXIO);
	assert_true(w.is_frozen);
	assert_string_equal(w.said.err, "");
	assert_false(w.stop.asked || w.stop.cut);
	assert_int_equal(service_at(130 * S), -1);
	signal_at(SIGINT, 130 * S);
	assert_string_equal(w.said.err,
			    "itsy: nobody in the guest listens to its power button (Linux "
			    "needs gpio-pl061 and gpio-keys): its power is cut\n");
	assert_true(w.stop.cut);
	assert_int_equal(w.stop.signal, SIGINT);
	assert_int_equal(w.nr_presses, 0);
	assert_int_equal(service_at(130 * S), 0);
}

static void test_a_second_signal_cuts_and_an_echo_of_the_first_does_not(void **state)
{
	(void)state;
	signal_at(SIGTERM, 100 * S);
	signal_at(SIGTERM, 100 * S);
	signal_at(SIGTERM, 101 * S - 1);
	assert_false(w.stop.cut);
	assert_string_equal(w.said.err, "");
	assert_int_equal(w.nr_presses, 1);
	signal_at(SIGINT, 101 * S);
	assert_true(w.stop.cut);
	assert_int_equal(w.stop.signal, SIGINT);
	/* What cut it first is what it was ended by. */
	signal_at(SIGQUIT, 102 * S);
	assert_int_equal(w.stop.signal, SIGINT);
}

static void test_each_signal_does_what_it_is_for(void **state)
{
	static const struct {
		int signal;
		bool asks, cuts_later;
	} cases[] = {
		{ SIGTERM, true, true },
		{ SIGINT, true, true },
		{ SIGHUP, true, false },
		{ SIGQUIT, false, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		(void)begin(state);
		signal_at(cases[i].signal, 100 * S);
		assert_int_equal(w.stop.asked, cases[i].asks);
		assert_int_equal(w.stop.cut, !cases[i].asks);
		assert_int_equal(w.stop.signal, cases[i].signal);
		(void)begin(state);
		signal_at(SIGTERM, 100 * S);
		signal_at(cases[i].signal, 105 * S);
		assert_int_equal(w.stop.cut, cases[i].cuts_later);
	}
}

/* As a service manager's ExecStop= and its SIGTERM behind it. */
static void test_who_asks_by_the_control_socket_has_no_first_signal(void **state)
{
	(void)state;
	assert_int_equal(ask_at(100 * S), 0);
	assert_int_equal(ask_at(105 * S), 0);
	assert_string_equal(w.said.err, "");
	assert_int_equal(w.nr_presses, 2);
	signal_at(SIGTERM, 110 * S);
	assert_false(w.stop.cut);
	assert_string_equal(w.said.err, "");
	/* The time is that of the first who asked. */
	(void)service_at(124 * S);
	assert_false(w.stop.cut);
	(void)service_at(125 * S);
	assert_true(w.stop.cut);
	assert_int_equal(w.stop.signal, SIGTERM);
}

static void test_where_there_is_no_time_it_is_cut_at_once(void **state)
{
	(void)state;
	w.stop.timeout_s = 0;
	signal_at(SIGHUP, 100 * S);
	assert_true(w.stop.cut);
	assert_false(w.stop.asked);
	assert_int_equal(w.stop.signal, SIGHUP);
	(void)begin(state);
	w.stop.timeout_s = 0;
	assert_int_equal(ask_at(100 * S), 0);
	assert_true(w.stop.cut);
	assert_int_equal(w.stop.signal, SIGTERM);
	assert_int_equal(w.nr_presses, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, begin)
	const struct CMUnitTest tests[] = {
		TEST(test_nobody_is_stopped_who_was_not_asked),
		TEST(test_a_guest_that_is_asked_has_its_time_and_is_cut_then),
		TEST(test_a_guest_that_nobody_listens_in_is_cut_by_a_signal_and_not_by_asking),
		TEST(test_a_second_signal_cuts_and_an_echo_of_the_first_does_not),
		TEST(test_each_signal_does_what_it_is_for),
		TEST(test_who_asks_by_the_control_socket_has_no_first_signal),
		TEST(test_where_there_is_no_time_it_is_cut_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
