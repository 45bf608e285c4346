// SPDX-License-Identifier: MIT
/*
 * Which LPIs the kernel ITS maps.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "vmm/its/lpimap.h"

#define FIRST VITS_LPI_BASE
#define LAST  (VITS_LPI_BASE + VITS_MAX_LPIS - 1)

static struct lpimap *new_map(void)
{
	struct lpimap *map = calloc(1, sizeof(*map));

	assert_non_null(map);
	return map;
}

static void test_nothing_is_mapped_at_first(void **state)
{
	struct lpimap *map = new_map();

	(void)state;
	assert_int_equal(map->nr, 0);
	for (uint32_t intid = FIRST; intid <= LAST; intid++)
		assert_null(lpimap_find(map, intid));
	lpimap_drop(map, FIRST);
	lpimap_drop(map, LAST);
	assert_int_equal(map->nr, 0);
	free(map);
}

static void test_an_lpi_keeps_its_event_and_vcpu_until_it_is_dropped(void **state)
{
	struct lpimap *map = new_map();
	struct lpimap_entry *entry;

	(void)state;
	lpimap_set(map, LAST, 0xffff, 0xfffe)->vcpu = 511;
	lpimap_set(map, FIRST, 1, 2)->vcpu = 3;
	entry = lpimap_find(map, LAST);
	assert_int_equal(entry->devid, 0xffff);
	assert_int_equal(entry->eventid, 0xfffe);
	assert_int_equal(entry->vcpu, 511);
	/* Another event's now: still one LPI, where it was. */
	lpimap_set(map, LAST, 7, 8);
	assert_int_equal(map->nr, 2);
	assert_int_equal(lpimap_find(map, LAST)->devid, 7);
	assert_int_equal(lpimap_find(map, LAST)->vcpu, 511);
	lpimap_drop(map, LAST);
	assert_null(lpimap_find(map, LAST));
	assert_int_equal(map->nr, 1);
	assert_int_equal(lpimap_intid(map, 0), FIRST);
	assert_int_equal(lpimap_find(map, FIRST)->vcpu, 3);
	free(map);
}

/* Against an array that says the same. */
static void test_the_list_has_those_that_are_mapped_and_no_others(void **state)
{
	static uint32_t event_of[64]; /* 0: not mapped */
	struct lpimap *map = new_map();

	(void)state;
	srand(1);
	for (unsigned i = 0; i < 20000; i++) {
		uint32_t n = (uint32_t)rand() % 64, nr = 0, intid = n % 2 ? FIRST + n : LAST - n;

		if (rand() % 2) {
			event_of[n] = 1 + (uint32_t)rand() % 1000;
			lpimap_set(map, intid, n, event_of[n]);
		} else {
			event_of[n] = 0;
			lpimap_drop(map, intid);
		}
		for (n = 0; n < 64; n++) {
			struct lpimap_entry *entry = lpimap_find(map, n % 2 ? FIRST + n : LAST - n);

			nr += event_of[n] != 0;
			assert_int_equal(entry != NULL, event_of[n] != 0);
			if (!entry)
				continue;
			assert_int_equal(entry->devid, n);
			assert_int_equal(entry->eventid, event_of[n]);
			assert_int_equal(lpimap_intid(map, (uint32_t)(entry - map->list)),
					 n % 2 ? FIRST + n : LAST - n);
		}
		assert_int_equal(map->nr, nr);
	}
	free(map);
}

static void test_all_lpis_can_be_mapped_at_once(void **state)
{
	struct lpimap *map = new_map();

	(void)state;
	for (uint32_t intid = FIRST; intid <= LAST; intid++)
		lpimap_set(map, intid, 0, intid & 0xffff);
	assert_int_equal(map->nr, VITS_MAX_LPIS);
	for (uint32_t intid = FIRST; intid <= LAST; intid += 2)
		lpimap_drop(map, intid);
	assert_int_equal(map->nr, VITS_MAX_LPIS / 2);
	for (uint32_t intid = FIRST; intid <= LAST; intid++)
		assert_int_equal(lpimap_find(map, intid) != NULL, (intid - FIRST) % 2);
	free(map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_is_mapped_at_first),
		cmocka_unit_test(test_an_lpi_keeps_its_event_and_vcpu_until_it_is_dropped),
		cmocka_unit_test(test_the_list_has_those_that_are_mapped_and_no_others),
		cmocka_unit_test(test_all_lpis_can_be_mapped_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
