// SPDX-License-Identifier: MIT
/* When it is looked again for interrupts that wait: soon at first, ever more rarely then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "vmm/its/retry_timer.h"

#define BEGIN UINT64_C(5000)

static void test_nothing_is_due_while_nothing_waits(void **state)
{
	struct retry_timer timer = { 0 };

	(void)state;
	for (uint64_t now = BEGIN; now < BEGIN + 5000; now += 100) {
		assert_false(retry_timer_due(&timer, now));
		assert_int_equal(retry_timer_next(&timer, false, now), -1);
	}
}

static void test_times_between_two_looks_double_up_to_the_limit(void **state)
{
	static const int want[] = { 10, 20, 40, 80, 160, 320, 640, 1000, 1000, 1000 };
	struct retry_timer timer = { 0 };
	uint64_t now = BEGIN;

	(void)state;
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		int next = retry_timer_next(&timer, true, now);

		assert_int_equal(next, want[i]);
		assert_false(retry_timer_due(&timer, now + (uint64_t)next - 1));
		now += (uint64_t)next;
		assert_true(retry_timer_due(&timer, now));
		/* Once. */
		assert_false(retry_timer_due(&timer, now));
	}
}

/* Whoever is called for something else meanwhile asks again, and is told the same time. */
static void test_asking_earlier_puts_nothing_off(void **state)
{
	struct retry_timer timer = { 0 };

	(void)state;
	assert_int_equal(retry_timer_next(&timer, true, BEGIN), 10);
	assert_false(retry_timer_due(&timer, BEGIN + 7));
	assert_int_equal(retry_timer_next(&timer, true, BEGIN + 7), 3);
	assert_true(retry_timer_due(&timer, BEGIN + 10));
}

static void test_one_that_is_asked_late_is_due_and_goes_on_from_there(void **state)
{
	struct retry_timer timer = { 0 };

	(void)state;
	assert_int_equal(retry_timer_next(&timer, true, BEGIN), 10);
	assert_int_equal(retry_timer_next(&timer, true, BEGIN + 500), 1);
	assert_true(retry_timer_due(&timer, BEGIN + 500));
	assert_int_equal(retry_timer_next(&timer, true, BEGIN + 500), 20);
}

static void test_the_next_wait_begins_with_the_shortest_time(void **state)
{
	struct retry_timer timer = { 0 };
	uint64_t now = BEGIN;

	(void)state;
	for (int i = 0; i < 5; i++) {
		now += (uint64_t)retry_timer_next(&timer, true, now);
		assert_true(retry_timer_due(&timer, now));
	}
	assert_int_equal(retry_timer_next(&timer, false, now), -1);
	assert_false(retry_timer_due(&timer, now + 5000));
	assert_int_equal(retry_timer_next(&timer, true, now + 5000), 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_is_due_while_nothing_waits),
		cmocka_unit_test(test_times_between_two_looks_double_up_to_the_limit),
		cmocka_unit_test(test_asking_earlier_puts_nothing_off),
		cmocka_unit_test(test_one_that_is_asked_late_is_due_and_goes_on_from_there),
		cmocka_unit_test(test_the_next_wait_begins_with_the_shortest_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
