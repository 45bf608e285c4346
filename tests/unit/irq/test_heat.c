// SPDX-License-Identifier: MIT
/*
 * When a vector is hot, and when it is quiet: by its rate, whatever the times are at which
 * spans begin and end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "vmm/irq/heat.h"

#define MS UINT64_C(1000000)
#define S  (1000 * MS)

static const struct heat_limits limits = { .hot_rate = 100, .quiet_rate = 10 };

/* Interrupts at a rate, from begin_ns on, for ns: when it is hot first; 0: it is not. */
static uint64_t hot_after(struct heat *heat, uint64_t begin_ns, uint64_t gap_ns, uint64_t ns)
{
	for (uint64_t t = gap_ns; t <= ns; t += gap_ns)
		if (heat_took(heat, &limits, begin_ns + t))
			return t;
	return 0;
}

static void test_a_rate_from_the_limit_on_is_hot_within_two_spans(void **state)
{
	(void)state;
	for (uint64_t begin = 5 * S; begin < 5 * S + HEAT_HOT_NS; begin += 7 * MS) {
		struct heat heat = { 0 };
		uint64_t after = hot_after(&heat, begin, 10 * MS, 10 * S);

		assert_in_range(after, 90 * MS, 2 * HEAT_HOT_NS);
	}
}

static void test_faster_is_sooner(void **state)
{
	struct heat heat = { 0 };

	(void)state;
	assert_int_equal(hot_after(&heat, 5 * S, MS, S), 10 * MS);
}

static void test_a_rate_below_the_limit_never_is_hot(void **state)
{
	(void)state;
	for (uint64_t gap = 12 * MS; gap < S; gap += gap / 3) {
		struct heat heat = { 0 };

		assert_int_equal(hot_after(&heat, 3 * S, gap, 60 * S), 0);
	}
}

/* The span slides: a burst counts wherever the borders of spans are. */
static void test_a_burst_is_hot_across_a_border(void **state)
{
	struct heat heat = { 0 };

	(void)state;
	assert_false(heat_took(&heat, &limits, 5 * S));
	for (unsigned i = 0; i < 7; i++)
		assert_false(heat_took(&heat, &limits, 5 * S + 98 * MS));
	assert_false(heat_took(&heat, &limits, 5 * S + 101 * MS));
	assert_false(heat_took(&heat, &limits, 5 * S + 101 * MS));
	assert_true(heat_took(&heat, &limits, 5 * S + 101 * MS));
}

static void test_what_is_long_ago_does_not_count(void **state)
{
	struct heat heat = { 0 };

	(void)state;
	for (unsigned i = 0; i < 9; i++)
		assert_false(heat_took(&heat, &limits, 5 * S));
	for (unsigned i = 0; i < 9; i++)
		assert_false(heat_took(&heat, &limits, 5 * S + 2 * HEAT_HOT_NS));
}

static void test_what_is_to_be_forgotten_does_not_count(void **state)
{
	struct heat heat = { 0 };

	(void)state;
	for (unsigned i = 0; i < 9; i++)
		assert_false(heat_took(&heat, &limits, 5 * S));
	heat_forget(&heat);
	for (unsigned i = 0; i < 9; i++)
		assert_false(heat_took(&heat, &limits, 5 * S));
	assert_true(heat_took(&heat, &limits, 5 * S));
}

static void test_the_highest_rate_does_not_overflow(void **state)
{
	const struct heat_limits highest = { .hot_rate = HEAT_RATE_MAX };
	struct heat heat = { 0 };
	uint64_t nr = 1;

	(void)state;
	while (!heat_took(&heat, &highest, 5 * S))
		nr++;
	assert_int_equal(nr, HEAT_RATE_MAX / 10);
}

static void test_a_vector_is_quiet_after_a_second_below_the_limit(void **state)
{
	struct calm calm = { 0 };
	uint64_t count = 1000, now = 7 * S;

	(void)state;
	assert_false(calm_looked(&calm, &limits, count, now));
	for (unsigned i = 0; i < 9; i++)
		assert_false(calm_looked(&calm, &limits, ++count, now += HEAT_QUIET_NS / 10));
	assert_true(calm_looked(&calm, &limits, count, now + HEAT_QUIET_NS / 10));
}

static void test_a_vector_at_the_limit_is_never_quiet(void **state)
{
	struct calm calm = { 0 };
	uint64_t count = 0, now = 7 * S;

	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		assert_false(calm_looked(&calm, &limits, count++, now += HEAT_QUIET_NS / 10));
	/* A count that was too high first and is corrected is no reason. */
	assert_false(calm_looked(&calm, &limits, count - 1, now + 1));
}

static void test_without_a_limit_no_vector_is_quiet(void **state)
{
	const struct heat_limits never = { .hot_rate = 1 };
	struct calm calm = { 0 };

	(void)state;
	for (uint64_t now = S; now < 100 * S; now += S)
		assert_false(calm_looked(&calm, &never, 5, now));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_rate_from_the_limit_on_is_hot_within_two_spans),
		cmocka_unit_test(test_faster_is_sooner),
		cmocka_unit_test(test_a_rate_below_the_limit_never_is_hot),
		cmocka_unit_test(test_a_burst_is_hot_across_a_border),
		cmocka_unit_test(test_what_is_long_ago_does_not_count),
		cmocka_unit_test(test_what_is_to_be_forgotten_does_not_count),
		cmocka_unit_test(test_the_highest_rate_does_not_overflow),
		cmocka_unit_test(test_a_vector_is_quiet_after_a_second_below_the_limit),
		cmocka_unit_test(test_a_vector_at_the_limit_is_never_quiet),
		cmocka_unit_test(test_without_a_limit_no_vector_is_quiet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
