// SPDX-License-Identifier: MIT
/*
 * Muting on another thread's time: what was wanted last is what is, and whoever
 * waits for a vector is told once.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "vmm/irq/mask_queue.h"

enum { VECTORS = 5 };

static struct world {
	struct mask_queue *mutes;
	bool muted[VECTORS];
	unsigned calls, told[VECTORS], attention;
	int error;
	int back_during; /* a vector that is wanted back while it is muted; -1: none */
} w;

static int mute(void *ctx, size_t vector, bool on)
{
	(void)ctx;
	w.calls++;
	if ((int)vector == w.back_during) {
		w.back_during = -1;
		assert_false(mask_queue_want(w.mutes, vector, false));
	}
	if (w.error)
		return w.error;
	assert_int_not_equal(w.muted[vector], on);
	w.muted[vector] = on;
	return 0;
}

static void given_back(void *ctx, size_t vector)
{
	(void)ctx;
	w.told[vector]++;
}

static void attention(void *ctx)
{
	(void)ctx;
	w.attention++;
}

static const struct mask_queue_ops ops = { mute, given_back, attention };

static int begin(void **state)
{
	(void)state;
	w = (struct world){ .back_during = -1 };
	return mask_queue_create(VECTORS, &ops, NULL, &w.mutes);
}

static int end(void **state)
{
	(void)state;
	w.error = 0;
	mask_queue_destroy(w.mutes);
	for (unsigned i = 0; i < VECTORS; i++)
		assert_false(w.muted[i]);
	return 0;
}

static void test_what_is_wanted_is_done_when_served(void **state)
{
	(void)state;
	assert_true(mask_queue_want(w.mutes, 4, true));
	assert_int_equal(w.calls, 0);
	assert_int_equal(w.attention, 1);
	mask_queue_service(w.mutes);
	assert_true(w.muted[4]);
	assert_int_equal(w.told[4], 0);

	assert_false(mask_queue_want(w.mutes, 4, false));
	mask_queue_service(w.mutes);
	assert_false(w.muted[4]);
	assert_int_equal(w.told[4], 1);
	mask_queue_service(w.mutes);
	assert_int_equal(w.calls, 2);
	assert_true(mask_queue_want(w.mutes, 4, false));
}

static void test_a_storm_that_is_over_before_it_was_served_costs_nothing(void **state)
{
	(void)state;
	assert_true(mask_queue_want(w.mutes, 1, true));
	assert_true(mask_queue_want(w.mutes, 1, false));
	assert_true(mask_queue_want(w.mutes, 1, true));
	assert_true(mask_queue_want(w.mutes, 1, false));
	mask_queue_service(w.mutes);
	assert_int_equal(w.calls, 0);
	assert_int_equal(w.told[1], 0);
}

static void test_one_that_is_wanted_back_while_it_is_muted_comes_back(void **state)
{
	(void)state;
	w.back_during = 2;
	(void)mask_queue_want(w.mutes, 2, true);
	mask_queue_service(w.mutes);
	assert_true(w.muted[2]);
	assert_int_equal(w.told[2], 0);
	/* And somebody is told that there is more to do. */
	assert_int_equal(w.attention, 3);
	mask_queue_service(w.mutes);
	assert_false(w.muted[2]);
	assert_int_equal(w.told[2], 1);
}

static void test_one_that_cannot_be_muted_is_not_waited_for(void **state)
{
	(void)state;
	w.error = -ENOMEM;
	(void)mask_queue_want(w.mutes, 0, true);
	mask_queue_service(w.mutes);
	assert_true(mask_queue_want(w.mutes, 0, false));
	/* Nor where it was waited for already. */
	w.back_during = 0;
	(void)mask_queue_want(w.mutes, 0, true);
	mask_queue_service(w.mutes);
	assert_int_equal(w.told[0], 1);
	assert_false(w.muted[0]);
}

static void test_all_at_once_are_served_in_their_order_and_given_back_at_the_end(void **state)
{
	(void)state;
	for (int round = 0; round < 3; round++) {
		for (unsigned i = 0; i < VECTORS; i++)
			(void)mask_queue_want(w.mutes, i, true);
		mask_queue_service(w.mutes);
		for (unsigned i = 0; i < VECTORS; i++) {
			assert_true(w.muted[i]);
			assert_true(round == 2 || !mask_queue_want(w.mutes, i, false));
		}
		mask_queue_service(w.mutes);
	}
	for (unsigned i = 0; i < VECTORS; i++)
		assert_true(w.muted[i] && w.told[i] == 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(test_what_is_wanted_is_done_when_served),
		TEST(test_a_storm_that_is_over_before_it_was_served_costs_nothing),
		TEST(test_one_that_is_wanted_back_while_it_is_muted_comes_back),
		TEST(test_one_that_cannot_be_muted_is_not_waited_for),
		TEST(test_all_at_once_are_served_in_their_order_and_given_back_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
