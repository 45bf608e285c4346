// SPDX-License-Identifier: MIT
/*
 * Storm limit and coalescing, on a clock that the test turns.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "vitsmod/bits.h"
#include "vmm/irq/policy.h"

#define US UINT64_C(1000)
#define MS UINT64_C(1000000)
#define S  UINT64_C(1000000000)

/* Some while after the host's boot. */
#define BEGIN (12345 * S + 678)

static void test_without_a_policy_everything_passes(void **state)
{
	const struct policy p = { 0 };
	struct policy_state s = { 0 };
	uint64_t until;

	(void)state;
	assert_true(policy_is_off(&p));
	for (int i = 0; i < 100000; i++)
		assert_int_equal(policy_ask(&p, &s, BEGIN, &until), POLICY_PASS);
}

static void test_a_full_bucket_passes_its_burst_and_no_more(void **state)
{
	static const struct policy policies[] = {
		{ 1, 1, 1000, 0 },
		{ 1000, 16, 10000, 0 },
		{ POLICY_RATE_MAX, POLICY_BURST_MAX, POLICY_HOLDOFF_US_MAX, 0 },
		{ 3, 7, 1000, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
		struct policy_state s = { 0 };
		uint64_t until = 0;

		for (uint32_t n = 0; n < policies[i].storm_burst; n++)
			assert_int_equal(policy_ask(&policies[i], &s, BEGIN, &until), POLICY_PASS);
		assert_int_equal(policy_ask(&policies[i], &s, BEGIN, &until), POLICY_STORM);
		assert_true(until >= BEGIN + policies[i].storm_holdoff_us * US);
	}
}

static void test_a_storm_ends_after_the_holdoff_and_not_before_the_bucket_has_one(void **state)
{
	const struct policy quick = { 1000, 4, 10000, 0 }; /* 10 come back in a holdoff */
	const struct policy slow = { 2, 4, 10000, 0 };	   /* one in half a second */
	struct policy_state s = { 0 };
	uint64_t until = 0;

	(void)state;
	for (int i = 0; i < 4; i++)
		(void)policy_ask(&quick, &s, BEGIN, &until);
	assert_int_equal(policy_ask(&quick, &s, BEGIN, &until), POLICY_STORM);
	assert_int_equal(until, BEGIN + 10 * MS);
	assert_int_equal(policy_ask(&quick, &s, until, &until), POLICY_PASS);

	s = (struct policy_state){ 0 };
	for (int i = 0; i < 4; i++)
		(void)policy_ask(&slow, &s, BEGIN, &until);
	assert_int_equal(policy_ask(&slow, &s, BEGIN, &until), POLICY_STORM);
	assert_int_equal(until, BEGIN + S / 2);
	assert_int_equal(policy_ask(&slow, &s, until - 1, &until), POLICY_STORM);
	assert_int_equal(policy_ask(&slow, &s, BEGIN + S / 2, &until), POLICY_PASS);
}

/* At the limit and below it there is never a storm, however long it goes on. */
static void test_a_steady_rate_at_the_limit_is_no_storm(void **state)
{
	const struct policy p = { 1000, 1, 10000, 0 };
	struct policy_state s = { 0 };
	uint64_t until;

	(void)state;
	for (uint64_t n = 0; n < 1000000; n++)
		assert_int_equal(policy_ask(&p, &s, BEGIN + n * MS, &until), POLICY_PASS);
}

/* As the router would: a device that always has another interrupt. */
static uint64_t passes_in(const struct policy *p, uint64_t span, uint64_t step,
			  uint64_t *ret_storms)
{
	struct policy_state s = { 0 };
	uint64_t now = BEGIN, passed = 0, until;

	*ret_storms = 0;
	while (now < BEGIN + span) {
		switch (policy_ask(p, &s, now, &until)) {
		case POLICY_PASS:
			passed++;
			now += step;
			break;
		case POLICY_STORM:
			(*ret_storms)++;
			assert_true(until > now);
			now = until;
			break;
		case POLICY_HOLD:
			assert_true(until > now);
			now = until;
			break;
		}
	}
	return passed;
}

static void test_no_more_than_burst_and_rate_pass_in_any_storm(void **state)
{
	unsigned seed = 7;

	(void)state;
	for (int i = 0; i < 500; i++) {
		const struct policy p = {
			.storm_rate = 1 + (uint32_t)rand_r(&seed) % 20000,
			.storm_burst = 1 + (uint32_t)rand_r(&seed) % 300,
			.storm_holdoff_us = 1000 + (uint32_t)rand_r(&seed) % 30000,
		};
		uint64_t storms, span = 1 + (uint64_t)rand_r(&seed) % S;
		uint64_t passed = passes_in(&p, span, 1 + (uint64_t)rand_r(&seed) % 500, &storms);

		/* The span's rate, begun ones counted whole. */
		assert_in_range(passed, 1, p.storm_burst + span * p.storm_rate / S + 1);
		assert_true(storms <= span / (p.storm_holdoff_us * US) + 1);
	}
}

static void test_held_interrupts_come_once_in_each_interval(void **state)
{
	const struct policy p = { .hold_us = 50 };
	struct policy_state s = { 0 };
	uint64_t until = 0, storms;

	(void)state;
	assert_int_equal(policy_ask(&p, &s, BEGIN, &until), POLICY_PASS);
	assert_int_equal(policy_ask(&p, &s, BEGIN, &until), POLICY_HOLD);
	assert_int_equal(until, BEGIN + 50 * US);
	assert_int_equal(policy_ask(&p, &s, until - 1, &until), POLICY_HOLD);
	assert_int_equal(policy_ask(&p, &s, until, &until), POLICY_PASS);
	assert_int_equal(passes_in(&p, S, 10, &storms), 20000);
	assert_int_equal(storms, 0);
}

static void test_what_is_held_takes_nothing_from_the_bucket(void **state)
{
	const struct policy p = { 1000, 2, 10000, 1000 };
	struct policy_state s = { 0 };
	uint64_t until = 0, now = BEGIN;

	(void)state;
	assert_int_equal(policy_ask(&p, &s, now, &until), POLICY_PASS);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(policy_ask(&p, &s, now + 1, &until), POLICY_HOLD);
	/* One in each interval is what the rate allows. */
	for (int i = 0; i < 1000; i++) {
		now += MS;
		assert_int_equal(policy_ask(&p, &s, now, &until), POLICY_PASS);
		assert_int_equal(policy_ask(&p, &s, now, &until), POLICY_HOLD);
	}
}

static void test_the_default_burst_is_a_hundredth_of_a_second_and_at_least_16(void **state)
{
	(void)state;
	assert_int_equal(policy_default_burst(1), 16);
	assert_int_equal(policy_default_burst(1699), 16);
	assert_int_equal(policy_default_burst(1700), 17);
	assert_int_equal(policy_default_burst(100000), 1000);
	assert_true(policy_default_burst(POLICY_RATE_MAX) <= POLICY_BURST_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_a_policy_everything_passes),
		cmocka_unit_test(test_a_full_bucket_passes_its_burst_and_no_more),
		cmocka_unit_test(
			test_a_storm_ends_after_the_holdoff_and_not_before_the_bucket_has_one),
		cmocka_unit_test(test_a_steady_rate_at_the_limit_is_no_storm),
		cmocka_unit_test(test_no_more_than_burst_and_rate_pass_in_any_storm),
		cmocka_unit_test(test_held_interrupts_come_once_in_each_interval),
		cmocka_unit_test(test_what_is_held_takes_nothing_from_the_bucket),
		cmocka_unit_test(test_the_default_burst_is_a_hundredth_of_a_second_and_at_least_16),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
