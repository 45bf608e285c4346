// SPDX-License-Identifier: MIT
/* A set of small numbers: each number is a member or not, whatever the others are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "vmm/base/bitset.h"

enum { NUMBERS = 21 };

static void test_a_number_is_put_in_and_out_without_the_others(void **state)
{
	uint8_t set[BITSET_BYTES(NUMBERS)] = { 0 };

	(void)state;
	assert_int_equal(sizeof(set), 3);
	for (uint32_t n = 0; n < NUMBERS; n++) {
		assert_false(bitset_has(set, n));
		bitset_put(set, n, true);
		bitset_put(set, n, true);
		for (uint32_t other = 0; other < NUMBERS; other++)
			assert_int_equal(bitset_has(set, other), other <= n);
	}
	for (uint32_t n = 0; n < NUMBERS; n++) {
		bitset_put(set, n, false);
		bitset_put(set, n, false);
		for (uint32_t other = 0; other < NUMBERS; other++)
			assert_int_equal(bitset_has(set, other), other > n);
	}
}

/* Its layout is part of what it promises. */
static void test_number_n_is_bit_n_modulo_8_of_byte_n_by_8(void **state)
{
	uint8_t set[2] = { 0 };

	(void)state;
	bitset_put(set, 11, true);
	assert_int_equal(set[0], 0);
	assert_int_equal(set[1], 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_number_is_put_in_and_out_without_the_others),
		cmocka_unit_test(test_number_n_is_bit_n_modulo_8_of_byte_n_by_8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
