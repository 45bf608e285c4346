// SPDX-License-Identifier: MIT
/* Columns are as wide as their widest cell, on the side that was asked for. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "vmm/base/bits.h"
#include "vmm/base/table.h"

static const char *const headings[] = { "NAME", "N", "NOTE" };

static char *printed(const struct table *t)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	assert_int_equal(table_print(t, f), 0);
	assert_int_equal(fclose(f), 0);
	return text;
}

static void test_cells_stand_below_their_headings(void **state)
{
	static const char *const cells[] = { "a", "1", "first", "longer", "200", "" };
	_cleanup_free_ char *text = NULL;
	_cleanup_(table_fini) struct table t;

	(void)state;
	table_init(&t, headings, ARRAY_SIZE(headings));
	t.right = 1u << 1;
	for (size_t i = 0; i < ARRAY_SIZE(cells); i++)
		table_add(&t, cells[i]);
	text = printed(&t);
	assert_string_equal(text, "NAME      N  NOTE\n"
				  "a         1  first\n"
				  "longer  200  \n");
}

static void test_a_last_column_is_aligned_to_the_right_too(void **state)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_(table_fini) struct table t;

	(void)state;
	table_init(&t, headings, 2);
	t.right = 1u << 1;
	table_add(&t, "x");
	table_add(&t, "12345");
	text = printed(&t);
	assert_string_equal(text, "NAME      N\n"
				  "x     12345\n");
}

static void test_a_narrow_table_has_one_blank_between_columns(void **state)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_(table_fini) struct table t;

	(void)state;
	table_init(&t, headings, ARRAY_SIZE(headings));
	t.right = 1u << 1;
	t.narrow = true;
	table_add(&t, "x");
	table_add_number(&t, 12345);
	table_add(&t, "y");
	text = printed(&t);
	assert_string_equal(text, "NAME      N NOTE\n"
				  "x    12,345 y\n");
}

static void test_digits_of_numbers_stand_in_groups_of_three(void **state)
{
	static const struct {
		uint64_t n;
		const char *text;
	} cases[] = {
		{ 0, "0" },
		{ 7, "7" },
		{ 999, "999" },
		{ 1000, "1,000" },
		{ 12345, "12,345" },
		{ 999999, "999,999" },
		{ 1000000, "1,000,000" },
		{ 10020003, "10,020,003" },
		{ UINT64_MAX, "18,446,744,073,709,551,615" },
	};
	char text[TABLE_NUMBER_SZ];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(table_number(cases[i].n, text), cases[i].text);
}

static void test_sizes_have_the_largest_unit_that_fits(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{ 0, "0 bytes" },
		{ 1023, "1,023 bytes" },
		{ 1024, "1 KiB" },
		{ 67107840, "65,535 KiB" },
		{ 134217728, "128 MiB" },
		{ UINT64_C(3) << 29, "1,536 MiB" },
		{ UINT64_C(1) << 30, "1 GiB" },
		{ UINT64_MAX, "18,446,744,073,709,551,615 bytes" },
	};
	char text[TABLE_SIZE_SZ];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(table_size(cases[i].bytes, text), cases[i].text);
}

static void test_a_table_that_lost_a_cell_is_not_printed(void **state)
{
	_cleanup_(table_fini) struct table t;
	size_t nr;

	(void)state;
	table_init(&t, headings, ARRAY_SIZE(headings));
	nr = t.nr_cells;
	t.failed = true;
	table_add(&t, "x");
	assert_int_equal(t.nr_cells, nr);
	assert_int_equal(table_print(&t, stdout), -ENOMEM);
}

/* As wide as it is for, and no wider; what is listed goes in that order, what is 0 before it. */
static void test_a_table_that_is_too_wide_loses_columns(void **state)
{
	static const char *const all[] = { "NAME", "ID", "N", "LOST" };
	static const uint8_t first[] = { 1, 3 };
	static const struct {
		size_t width;
		const char *text;
	} cases[] = {
		{ 0, "NAME  ID      N  LOST\none   17  1,234     0\n" },
		{ 21, "NAME  ID      N  LOST\none   17  1,234     0\n" },
		{ 20, "NAME ID     N LOST\none  17 1,234    0\n" },
		{ 18, "NAME ID     N LOST\none  17 1,234    0\n" },
		{ 17, "NAME ID     N\none  17 1,234\n(too narrow for: LOST)\n" },
		{ 13, "NAME ID     N\none  17 1,234\n(too narrow for: LOST)\n" },
		{ 12, "NAME     N\none  1,234\n(too narrow for: ID, LOST)\n" },
		{ 3, "NAME     N\none  1,234\n(too narrow for: ID, LOST)\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(table_fini) struct table t;
		_cleanup_free_ char *text = NULL;
		size_t size;
		FILE *f = open_memstream(&text, &size);

		assert_non_null(f);
		table_init(&t, all, ARRAY_SIZE(all));
		t.right = 1u << 2 | 1u << 3;
		table_add(&t, "one");
		table_add(&t, "17");
		table_add_number(&t, 1234);
		table_add_number(&t, 0);
		table_fit(&t, cases[i].width, first, ARRAY_SIZE(first));
		assert_int_equal(table_print(&t, f), 0);
		table_print_hidden(&t, f);
		assert_int_equal(fclose(f), 0);
		assert_string_equal(text, cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cells_stand_below_their_headings),
		cmocka_unit_test(test_a_last_column_is_aligned_to_the_right_too),
		cmocka_unit_test(test_a_narrow_table_has_one_blank_between_columns),
		cmocka_unit_test(test_digits_of_numbers_stand_in_groups_of_three),
		cmocka_unit_test(test_sizes_have_the_largest_unit_that_fits),
		cmocka_unit_test(test_a_table_that_is_too_wide_loses_columns),
		cmocka_unit_test(test_a_table_that_lost_a_cell_is_not_printed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
