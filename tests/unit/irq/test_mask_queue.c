// SPDX-License-Identifier: MIT
/*
 * Masking on another thread's time: what was asked for last is done, and whoever waits
 * for a vector to be unmasked is told once.
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
	struct mask_queue *queue;
	bool masked[VECTORS];
	unsigned calls, told[VECTORS], wake_ups;
	int error;
	int unmask_during; /* a vector to unmask while it is being masked; -1: none */
} w;

static int mask(void *ctx, size_t vector, bool on)
{
	(void)ctx;
	w.calls++;
	if ((int)vector == w.unmask_during) {
		w.unmask_during = -1;
		assert_false(mask_queue_want(w.queue, vector, false));
	}
	if (w.error)
		return w.error;
	assert_int_not_equal(w.masked[vector], on);
	w.masked[vector] = on;
	return 0;
}

static void unmasked(void *ctx, size_t vector)
{
	(void)ctx;
	w.told[vector]++;
}

static void wake_up(void *ctx)
{
	(void)ctx;
	w.wake_ups++;
}

static const struct mask_queue_ops ops = { mask, unmasked, wake_up };

static int begin(void **state)
{
	(void)state;
	w = (struct world){ .unmask_during = -1 };
	return mask_queue_create(VECTORS, &ops, NULL, &w.queue);
}

static int end(void **state)
{
	(void)state;
	w.error = 0;
	mask_queue_destroy(w.queue);
	for (unsigned i = 0; i < VECTORS; i++)
		assert_false(w.masked[i]);
	return 0;
}

static void test_what_is_asked_for_is_done_when_served(void **state)
{
	(void)state;
	assert_true(mask_queue_want(w.queue, 4, true));
	assert_int_equal(w.calls, 0);
	assert_int_equal(w.wake_ups, 1);
	mask_queue_service(w.queue);
	assert_true(w.masked[4]);
	assert_int_equal(w.told[4], 0);

	assert_false(mask_queue_want(w.queue, 4, false));
	mask_queue_service(w.queue);
	assert_false(w.masked[4]);
	assert_int_equal(w.told[4], 1);
	mask_queue_service(w.queue);
	assert_int_equal(w.calls, 2);
	assert_true(mask_queue_want(w.queue, 4, false));
}

static void test_a_storm_that_is_over_before_it_was_served_costs_nothing(void **state)
{
	(void)state;
	assert_true(mask_queue_want(w.queue, 1, true));
	assert_true(mask_queue_want(w.queue, 1, false));
	assert_true(mask_queue_want(w.queue, 1, true));
	assert_true(mask_queue_want(w.queue, 1, false));
	mask_queue_service(w.queue);
	assert_int_equal(w.calls, 0);
	assert_int_equal(w.told[1], 0);
}

static void test_a_vector_unmasked_while_it_is_being_masked_ends_unmasked(void **state)
{
	(void)state;
	w.unmask_during = 2;
	(void)mask_queue_want(w.queue, 2, true);
	mask_queue_service(w.queue);
	assert_true(w.masked[2]);
	assert_int_equal(w.told[2], 0);
	/* mask_queue_service() is to be called again. */
	assert_int_equal(w.wake_ups, 3);
	mask_queue_service(w.queue);
	assert_false(w.masked[2]);
	assert_int_equal(w.told[2], 1);
}

static void test_a_vector_that_cannot_be_masked_is_not_waited_for(void **state)
{
	(void)state;
	w.error = -ENOMEM;
	(void)mask_queue_want(w.queue, 0, true);
	mask_queue_service(w.queue);
	assert_true(mask_queue_want(w.queue, 0, false));
	/* Who asked while it was being masked is told. */
	w.unmask_during = 0;
	(void)mask_queue_want(w.queue, 0, true);
	mask_queue_service(w.queue);
	assert_int_equal(w.told[0], 1);
	assert_false(w.masked[0]);
}

static void test_all_at_once_are_served_in_order_and_unmasked_at_the_end(void **state)
{
	(void)state;
	for (int round = 0; round < 3; round++) {
		for (unsigned i = 0; i < VECTORS; i++)
			(void)mask_queue_want(w.queue, i, true);
		mask_queue_service(w.queue);
		for (unsigned i = 0; i < VECTORS; i++) {
			assert_true(w.masked[i]);
			assert_true(round == 2 || !mask_queue_want(w.queue, i, false));
		}
		mask_queue_service(w.queue);
	}
	for (unsigned i = 0; i < VECTORS; i++)
		assert_true(w.masked[i] && w.told[i] == 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(test_what_is_asked_for_is_done_when_served),
		TEST(test_a_storm_that_is_over_before_it_was_served_costs_nothing),
		TEST(test_a_vector_unmasked_while_it_is_being_masked_ends_unmasked),
		TEST(test_a_vector_that_cannot_be_masked_is_not_waited_for),
		TEST(test_all_at_once_are_served_in_order_and_unmasked_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
