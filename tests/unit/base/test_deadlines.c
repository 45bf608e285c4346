// SPDX-License-Identifier: MIT
/*
 * Deadlines come in their order, whatever was added and removed before.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "vmm/base/deadlines.h"

static void test_of_none_there_is_no_first(void **state)
{
	struct deadlines d;
	uint64_t at;
	size_t index;

	(void)state;
	assert_int_equal(deadlines_init(&d, 0), 0);
	assert_false(deadlines_first(&d, &at, &index));
	deadlines_fini(&d);
	assert_int_equal(deadlines_init(&d, 3), 0);
	deadlines_remove(&d, 2);
	assert_false(deadlines_first(&d, &at, &index));
	deadlines_fini(&d);
}

/* Against a list that is searched from end to end. */
static void test_the_first_is_always_the_earliest(void **state)
{
	enum { MAX = 37 };
	uint64_t model[MAX] = { 0 }; /* 0: none */
	struct deadlines d;
	unsigned seed = 3;

	(void)state;
	assert_int_equal(deadlines_init(&d, MAX), 0);
	for (int i = 0; i < 100000; i++) {
		size_t index = (size_t)rand_r(&seed) % MAX, first;
		uint64_t at, earliest = UINT64_MAX;

		if (!model[index]) {
			model[index] = 1 + (uint64_t)rand_r(&seed) % 50;
			deadlines_add(&d, index, model[index]);
		} else if (rand_r(&seed) % 2) {
			deadlines_remove(&d, index);
			model[index] = 0;
		} else if (deadlines_first(&d, &at, &first)) {
			deadlines_remove(&d, first);
			model[first] = 0;
		}
		for (size_t j = 0; j < MAX; j++)
			if (model[j] && model[j] < earliest)
				earliest = model[j];
		if (deadlines_first(&d, &at, &first)) {
			assert_int_equal(at, earliest);
			assert_int_equal(model[first], earliest);
		} else {
			assert_int_equal(earliest, UINT64_MAX);
		}
	}
	deadlines_fini(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_of_none_there_is_no_first),
		cmocka_unit_test(test_the_first_is_always_the_earliest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
