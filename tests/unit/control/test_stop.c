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
#include "vmm/control/stop.h"
#include "vmm/machine/machine.h"

#define S UINT64_C(1000000000)

static struct {
	struct stop stop;
	struct capture said;
	unsigned nr_presses;
	bool is_deaf;
} w;

void machine_press_power(struct machine *m)
{
	assert_ptr_equal(m, &w);
	w.nr_presses++;
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
	assert_false(w.stop.asked || w.stop.cut);
	assert_int_equal(w.nr_presses, 0);
}

static void test_a_guest_that_is_asked_has_its_time_and_is_cut_then(void **state)
{
	(void)state;
	assert_int_equal(ask_at(100 * S), 0);
	assert_string_equal(w.said.err,
			    "itsy: asked the guest to power off: its power is cut after 25 s\n");
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

static void test_a_guest_that_nobody_listens_in_is_not_asked(void **state)
{
	(void)state;
	w.is_deaf = true;
	assert_int_equal(ask_at(100 * S), -ENXIO);
	assert_string_equal(w.said.err, "");
	assert_false(w.stop.asked || w.stop.cut);
	assert_int_equal(w.nr_presses, 0);
	assert_int_equal(service_at(130 * S), -1);
}

static void test_who_asks_again_begins_no_new_time(void **state)
{
	(void)state;
	assert_int_equal(ask_at(100 * S), 0);
	assert_int_equal(ask_at(105 * S), 0);
	assert_string_equal(w.said.err, "");
	assert_int_equal(w.nr_presses, 2);
	(void)service_at(124 * S);
	assert_false(w.stop.cut);
	(void)service_at(125 * S);
	assert_true(w.stop.cut);
}

static void test_where_there_is_no_time_it_is_cut_at_once(void **state)
{
	(void)state;
	w.stop.timeout_s = 0;
	assert_int_equal(ask_at(100 * S), 0);
	assert_true(w.stop.cut);
	assert_false(w.stop.asked);
	assert_int_equal(w.stop.signal, SIGTERM);
	assert_int_equal(w.nr_presses, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, begin)
	const struct CMUnitTest tests[] = {
		TEST(test_nobody_is_stopped_who_was_not_asked),
		TEST(test_a_guest_that_is_asked_has_its_time_and_is_cut_then),
		TEST(test_a_guest_that_nobody_listens_in_is_not_asked),
		TEST(test_who_asks_again_begins_no_new_time),
		TEST(test_where_there_is_no_time_it_is_cut_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
