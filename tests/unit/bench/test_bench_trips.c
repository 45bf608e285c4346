// SPDX-License-Identifier: MIT
/*
 * The host's end of the ring of round trips: what a guest does, and what one
 * could do that means harm.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "vmm/bench/bench_trips.h"

static struct bench_trips trips;
static struct bench_orders orders;

static int begin(void **state)
{
	(void)state;
	memset(&trips, 0, sizeof(trips));
	orders = (struct bench_orders){ .trips = &trips };
	return 0;
}

/* The guest's side, as the payload has it. */
static void make(uint64_t ticks)
{
	trips.ticks[trips.made % BENCH_TRIPS] = ticks;
	__atomic_store_n(&trips.made, trips.made + 1, __ATOMIC_RELEASE);
}

static void test_what_the_guest_put_in_comes_out_once_and_in_order(void **state)
{
	uint64_t ticks = 7;

	(void)state;
	assert_int_equal(bench_trips_take(&orders, &ticks), 0);
	assert_int_equal(ticks, 7);
	make(100);
	make(BENCH_LOST);
	assert_int_equal(bench_trips_take(&orders, &ticks), 1);
	assert_int_equal(ticks, 100);
	assert_int_equal(trips.taken, 1);
	assert_int_equal(bench_trips_take(&orders, &ticks), 1);
	assert_true(ticks == BENCH_LOST);
	assert_int_equal(trips.taken, 2);
	assert_int_equal(bench_trips_take(&orders, &ticks), 0);
}

static void test_a_full_ring_is_all_there(void **state)
{
	uint64_t ticks;

	(void)state;
	for (uint64_t round = 0; round < 2; round++) {
		for (uint64_t i = 0; i < BENCH_TRIPS; i++)
			make(round * BENCH_TRIPS + i);
		for (uint64_t i = 0; i < BENCH_TRIPS; i++) {
			assert_int_equal(bench_trips_take(&orders, &ticks), 1);
			assert_int_equal(ticks, round * BENCH_TRIPS + i);
		}
		assert_int_equal(bench_trips_take(&orders, &ticks), 0);
	}
}

static void test_an_order_is_obeyed_when_the_guest_says_its_number(void **state)
{
	(void)state;
	bench_trips_order(&orders, 1000, 50);
	assert_int_equal(trips.wanted, 1000);
	assert_int_equal(trips.gap_us, 50);
	assert_false(bench_trips_obeyed(&orders));
	trips.obeyed = trips.order;
	assert_true(bench_trips_obeyed(&orders));
	bench_trips_order(&orders, 0, 0);
	assert_int_equal(trips.wanted, 0);
	assert_false(bench_trips_obeyed(&orders));
	/* The guest cannot make an order look older than it is. */
	trips.order = 1;
	trips.obeyed = 1;
	assert_false(bench_trips_obeyed(&orders));
}

static void test_more_than_the_ring_holds_is_refused(void **state)
{
	static const uint64_t claims[] = { BENCH_TRIPS + 1, UINT64_C(1) << 32, UINT64_MAX };
	uint64_t ticks = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
		trips.made = claims[i];
		assert_int_equal(bench_trips_take(&orders, &ticks), -EPROTO);
	}
	assert_int_equal(ticks, 7);
	assert_int_equal(orders.taken, 0);
}

static void test_a_count_that_goes_back_is_refused(void **state)
{
	uint64_t ticks;

	(void)state;
	make(1);
	make(2);
	assert_int_equal(bench_trips_take(&orders, &ticks), 1);
	assert_int_equal(bench_trips_take(&orders, &ticks), 1);
	trips.made = 1;
	assert_int_equal(bench_trips_take(&orders, &ticks), -EPROTO);
	trips.made = 2;
	assert_int_equal(bench_trips_take(&orders, &ticks), 0);
}

static void test_what_the_guest_writes_over_the_hosts_fields_changes_nothing(void **state)
{
	uint64_t ticks;

	(void)state;
	make(1);
	make(2);
	assert_int_equal(bench_trips_take(&orders, &ticks), 1);
	trips.taken = UINT64_MAX;
	assert_int_equal(bench_trips_take(&orders, &ticks), 1);
	assert_int_equal(ticks, 2);
	assert_int_equal(trips.taken, 2);
}

#define MANY (5 * UINT64_C(4096) + 17)

static void *producer(void *unused)
{
	for (uint64_t i = 0; i < MANY; i++) {
		while (trips.made - __atomic_load_n(&trips.taken, __ATOMIC_ACQUIRE) >= BENCH_TRIPS)
			sched_yield();
		make(i);
	}
	return unused;
}

static void test_nothing_is_lost_while_both_are_at_it(void **state)
{
	uint64_t ticks, wrong = 0;
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, producer, NULL), 0);
	for (uint64_t i = 0; i < MANY;) {
		int r = bench_trips_take(&orders, &ticks);

		if (r == 0) {
			sched_yield();
			continue;
		}
		wrong += r < 0 || ticks != i;
		i++;
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(wrong, 0);
	assert_int_equal(bench_trips_take(&orders, &ticks), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_what_the_guest_put_in_comes_out_once_and_in_order,
				       begin),
		cmocka_unit_test_setup(test_a_full_ring_is_all_there, begin),
		cmocka_unit_test_setup(test_an_order_is_obeyed_when_the_guest_says_its_number,
				       begin),
		cmocka_unit_test_setup(test_more_than_the_ring_holds_is_refused, begin),
		cmocka_unit_test_setup(test_a_count_that_goes_back_is_refused, begin),
		cmocka_unit_test_setup(
			test_what_the_guest_writes_over_the_hosts_fields_changes_nothing, begin),
		cmocka_unit_test_setup(test_nothing_is_lost_while_both_are_at_it, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
