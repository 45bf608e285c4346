// SPDX-License-Identifier: MIT
/*
 * The budget of pauses: what is free, what has to wait and for how long.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "vmm/kvm/pause_budget.h"

#define MS    UINT64_C(1000000)
#define START (UINT64_C(1000) * MS) /* a clock's value when the first pause begins */

/* As vcpu.c does it: begin when it is allowed, never before `now`. Returns when it ended. */
static uint64_t take_pause(struct pause_budget *budget, uint64_t now, uint64_t length)
{
	uint64_t next = pause_budget_next_ns(budget);
	uint64_t begin = next > now ? next : now;

	pause_budget_spend(budget, begin, begin + length);
	return begin + length;
}

static void test_first_pause_begins_at_once(void **state)
{
	struct pause_budget budget = { 0 };

	(void)state;
	assert_int_equal(pause_budget_next_ns(&budget), 0);
	pause_budget_spend(&budget, START, START + PAUSE_CREDIT_NS);
	assert_int_equal(pause_budget_next_ns(&budget), 0);
}

static void test_pauses_beyond_the_credit_wait_as_long_as_they_were(void **state)
{
	struct pause_budget budget = { 0 };
	uint64_t end = START + PAUSE_CREDIT_NS + 3 * MS;

	(void)state;
	pause_budget_spend(&budget, START, end);
	assert_int_equal(pause_budget_next_ns(&budget), end + 3 * MS);
}

static void test_storm_leaves_half_of_the_time(void **state)
{
	static const uint64_t lengths[] = { MS / 100, MS, 7 * MS, 50 * MS };

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct pause_budget budget = { 0 };
		uint64_t held = 0, now = START;

		while (now < START + 10000 * MS) {
			now = take_pause(&budget, now, lengths[i]);
			held += lengths[i];
		}
		assert_true(2 * held <= now - START + 2 * PAUSE_CREDIT_NS + 2 * lengths[i]);
		assert_true(2 * held >= now - START);
	}
}

static void test_time_outside_pays_a_debt_off_and_saves_nothing_up(void **state)
{
	struct pause_budget budget = { 0 };
	uint64_t now = START;

	(void)state;
	now = take_pause(&budget, now, PAUSE_CREDIT_NS + 5 * MS);
	now = take_pause(&budget, now + 10000 * MS, MS);
	assert_int_equal(pause_budget_next_ns(&budget), 0);
	now = take_pause(&budget, now, PAUSE_CREDIT_NS);
	assert_int_equal(pause_budget_next_ns(&budget), now + MS);
}

static void test_vcpu_that_comes_back_late_gets_its_time_all_the_same(void **state)
{
	struct pause_budget budget = { 0 };
	uint64_t end = START + PAUSE_CREDIT_NS + 3 * MS;

	(void)state;
	pause_budget_spend(&budget, START, end);
	pause_budget_resumed(&budget, end + 2 * MS);
	assert_int_equal(pause_budget_next_ns(&budget), end + 5 * MS);
	/* An earlier one does not turn the clock back. */
	pause_budget_resumed(&budget, end + MS);
	assert_int_equal(pause_budget_next_ns(&budget), end + 5 * MS);
}

static void test_vcpu_that_comes_back_during_the_next_pause_owes_nothing(void **state)
{
	struct pause_budget budget = { 0 };

	(void)state;
	pause_budget_resumed(&budget, START + MS);
	pause_budget_spend(&budget, START, START + 2 * MS);
	assert_int_equal(budget.debt_ns, 2 * MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_pause_begins_at_once),
		cmocka_unit_test(test_pauses_beyond_the_credit_wait_as_long_as_they_were),
		cmocka_unit_test(test_storm_leaves_half_of_the_time),
		cmocka_unit_test(test_time_outside_pays_a_debt_off_and_saves_nothing_up),
		cmocka_unit_test(test_vcpu_that_comes_back_late_gets_its_time_all_the_same),
		cmocka_unit_test(test_vcpu_that_comes_back_during_the_next_pause_owes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
