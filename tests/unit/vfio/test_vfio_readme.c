// SPDX-License-Identifier: MIT
/*
 * vfio/README.md is held to the code: each unit has its row, each choice a row with a
 * test, and all functions and tests that it names are there.
 */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/base/references.h"
#include "vmm/base/cleanup.h"

#define README "vfio/README.md"

static void test_each_function_and_test_that_is_named_exists(void **state)
{
	(void)state;
	assert_in_range(references_in(README), 60, 1000);
}

/* The first column of all rows of the table of units. */
static bool has_row(const char *text, const char *unit)
{
	const char *at = readme_section(README, text, "The units"), *row;
	char cell[README_MAX_CELL];

	while ((row = readme_next_row(&at))) {
		readme_cell(row, 0, cell);
		if (text_find_word(cell, unit))
			return true;
	}
	return false;
}

static void test_each_unit_has_a_row(void **state)
{
	_cleanup_free_ char *text = text_of(README);
	glob_t found;

	(void)state;
	assert_non_null(text);
	assert_int_equal(glob("vfio/*.[ch]", GLOB_ERR, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		char unit[64];
		char *private;

		assert_int_equal(sscanf(found.gl_pathv[i], "vfio/%63[^.]", unit), 1);
		private = strstr(unit, "_priv");
		if (private)
			*private = '\0';
		if (!has_row(text, unit))
			fail_msg("%s: the unit has no row in " README, found.gl_pathv[i]);
	}
	globfree(&found);
}

static void test_each_unit_in_a_row_exists(void **state)
{
	_cleanup_free_ char *text = text_of(README);
	const char *at, *row;
	char cell[README_MAX_CELL], *save = NULL;
	unsigned nr = 0;

	(void)state;
	assert_non_null(text);
	at = readme_section(README, text, "The units");
	while ((row = readme_next_row(&at))) {
		readme_cell(row, 0, cell);
		for (char *unit = strtok_r(cell, ", ", &save); unit;
		     unit = strtok_r(NULL, ", ", &save), nr++) {
			_cleanup_free_ char *pattern = NULL;
			glob_t found;

			assert_true(asprintf(&pattern, "vfio/%s.[ch]", unit) > 0);
			if (glob(pattern, GLOB_ERR, NULL, &found) != 0)
				fail_msg(README " has %s, which is not there", unit);
			globfree(&found);
		}
	}
	assert_in_range(nr, 15, 50);
}

static void test_each_choice_in_the_code_has_a_row_with_a_test(void **state)
{
	(void)state;
	assert_in_range(choices_with_a_row(README, "vfio/*.[ch]"), 10, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_function_and_test_that_is_named_exists),
		cmocka_unit_test(test_each_unit_has_a_row),
		cmocka_unit_test(test_each_unit_in_a_row_exists),
		cmocka_unit_test(test_each_choice_in_the_code_has_a_row_with_a_test),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
