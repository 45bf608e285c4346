// SPDX-License-Identifier: MIT
/*
 * Mappings that the sealed kernel ITS would not take yet.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "vmm/owed.h"

#define NR_FUNCTIONS 3u
#define MOST	     20u

static const uint32_t nr_events[NR_FUNCTIONS] = { 4, 1, MOST };

static void test_nothing_is_owed_at_first(void **state)
{
	struct owed_list list;

	(void)state;
	assert_int_equal(owed_init(&list, nr_events, NR_FUNCTIONS), 0);
	assert_int_equal(list.nr, 0);
	assert_int_equal(list.nr_waiting, 0);
	assert_false(list.changed);
	for (uint32_t devid = 0; devid < NR_FUNCTIONS; devid++) {
		for (uint32_t i = 0; i < nr_events[devid]; i++)
			assert_null(owed_find(&list, devid, i));
	}
	owed_fini(&list);
	owed_fini(&list);
}

static void test_a_machine_without_functions_owes_nothing(void **state)
{
	struct owed_list list;

	(void)state;
	assert_int_equal(owed_init(&list, NULL, 0), 0);
	assert_int_equal(list.nr, 0);
	owed_fini(&list);
}

static void test_what_is_owed_is_found_until_it_is_dropped(void **state)
{
	struct owed_list list;
	struct owed *owed;

	(void)state;
	assert_int_equal(owed_init(&list, nr_events, NR_FUNCTIONS), 0);
	owed_add(&list, &(struct owed){ 0, 3, 8192, 1, false });
	owed_add(&list, &(struct owed){ 1, 0, 8193, 2, true });
	owed_add(&list, &(struct owed){ 2, 0, 8194, 3, false });
	assert_true(list.changed);
	assert_int_equal(list.nr, 3);
	assert_int_equal(list.nr_waiting, 1);
	/* The first goes, and the last takes its place; the only one, too. */
	list.changed = false;
	owed_drop(&list, owed_find(&list, 0, 3));
	assert_true(list.changed);
	assert_null(owed_find(&list, 0, 3));
	owed = owed_find(&list, 2, 0);
	assert_ptr_equal(owed, &list.at[0]);
	assert_int_equal(owed->intid, 8194);
	assert_int_equal(owed->vcpu, 3);
	owed_drop(&list, owed);
	owed_drop(&list, owed_find(&list, 1, 0));
	assert_int_equal(list.nr, 0);
	assert_int_equal(list.nr_waiting, 0);
	assert_null(owed_find(&list, 1, 0));
	owed_fini(&list);
}

/* Against an array that says the same. */
static void test_the_list_and_its_counts_are_right_after_anything(void **state)
{
	uint32_t intid_of[NR_FUNCTIONS][MOST] = { 0 }; /* 0: not owed */
	bool pending[NR_FUNCTIONS][MOST] = { 0 };
	struct owed_list list;

	(void)state;
	assert_int_equal(owed_init(&list, nr_events, NR_FUNCTIONS), 0);
	srand(1);
	for (unsigned n = 0; n < 20000; n++) {
		uint32_t devid = (uint32_t)rand() % NR_FUNCTIONS;
		uint32_t eventid = (uint32_t)rand() % nr_events[devid];
		struct owed *owed = owed_find(&list, devid, eventid);
		bool want = rand() % 2;
		size_t nr = 0, nr_waiting = 0;

		assert_int_equal(owed != NULL, intid_of[devid][eventid] != 0);
		if (!owed) {
			owed_add(&list, &(struct owed){ devid, eventid, 8192 + n, 0, want });
			intid_of[devid][eventid] = 8192 + n;
			pending[devid][eventid] = want;
		} else if (rand() % 2) {
			owed_drop(&list, owed);
			intid_of[devid][eventid] = 0;
		} else {
			owed_set_pending(&list, owed, want);
			pending[devid][eventid] = want;
		}
		for (devid = 0; devid < NR_FUNCTIONS; devid++) {
			for (eventid = 0; eventid < nr_events[devid]; eventid++) {
				owed = owed_find(&list, devid, eventid);
				assert_int_equal(owed ? owed->intid : 0, intid_of[devid][eventid]);
				if (!owed)
					continue;
				assert_int_equal(owed->devid, devid);
				assert_int_equal(owed->eventid, eventid);
				assert_int_equal(owed->pending, pending[devid][eventid]);
				nr++;
				nr_waiting += owed->pending;
			}
		}
		assert_int_equal(list.nr, nr);
		assert_int_equal(list.nr_waiting, nr_waiting);
	}
	owed_fini(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_is_owed_at_first),
		cmocka_unit_test(test_a_machine_without_functions_owes_nothing),
		cmocka_unit_test(test_what_is_owed_is_found_until_it_is_dropped),
		cmocka_unit_test(test_the_list_and_its_counts_are_right_after_anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
