// SPDX-License-Identifier: MIT
/*
 * Owed mappings, against an array of flags.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "vmm/its/deferred.h"

enum { DEVICES = 3, EVENTS = 8 };

static const uint32_t nr_events[DEVICES] = { 5, 1, EVENTS };

static void check(struct deferred_set *set, const bool deferred[DEVICES][EVENTS],
		  const bool pending[DEVICES][EVENTS])
{
	size_t nr = 0, nr_pending = 0;

	for (uint32_t d = 0; d < DEVICES; d++)
		for (uint32_t e = 0; e < nr_events[d]; e++) {
			const struct deferred *o = deferred_find(set, d, e);

			assert_int_equal(o != NULL, deferred[d][e]);
			if (!o)
				continue;
			assert_int_equal(o->devid, d);
			assert_int_equal(o->eventid, e);
			assert_int_equal(o->intid, 8192 + d * EVENTS + e);
			assert_int_equal(o->pending, pending[d][e]);
			nr++;
			nr_pending += o->pending;
		}
	assert_int_equal(set->nr, nr);
	assert_int_equal(set->nr_pending, nr_pending);
}

static void test_what_is_owed_is_found_and_counted_whatever_comes_and_goes(void **state)
{
	bool deferred[DEVICES][EVENTS] = { 0 }, pending[DEVICES][EVENTS] = { 0 };
	struct deferred_set set;
	unsigned seed = 7;

	(void)state;
	assert_int_equal(deferred_init(&set, nr_events, DEVICES), 0);
	for (int i = 0; i < 5000; i++) {
		uint32_t d = (uint32_t)rand_r(&seed) % DEVICES;
		uint32_t e = (uint32_t)rand_r(&seed) % nr_events[d];
		struct deferred *o = deferred_find(&set, d, e);

		if (!o) {
			pending[d][e] = rand_r(&seed) & 1;
			deferred_add(&set, &(struct deferred){ d, e, 8192 + d * EVENTS + e, 0,
							       pending[d][e] });
			deferred[d][e] = true;
		} else if (rand_r(&seed) & 1) {
			deferred_drop(&set, o);
			deferred[d][e] = pending[d][e] = false;
		} else {
			pending[d][e] = rand_r(&seed) & 1;
			deferred_set_pending(&set, o, pending[d][e]);
		}
		check(&set, deferred, pending);
	}
	deferred_fini(&set);
}

static void test_a_change_is_noted_until_it_is_looked_at(void **state)
{
	struct deferred_set set;

	(void)state;
	assert_int_equal(deferred_init(&set, nr_events, DEVICES), 0);
	assert_false(set.changed);
	deferred_add(&set, &(struct deferred){ .eventid = 1 });
	assert_true(set.changed);
	set.changed = false;
	deferred_set_pending(&set, deferred_find(&set, 0, 1), true);
	assert_false(set.changed);
	deferred_drop(&set, deferred_find(&set, 0, 1));
	assert_true(set.changed);
	deferred_fini(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_owed_is_found_and_counted_whatever_comes_and_goes),
		cmocka_unit_test(test_a_change_is_noted_until_it_is_looked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
