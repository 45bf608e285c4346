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
#include "vmm/base/bits.h"
#include "vmm/base/cleanup.h"

#define README "vfio/README.md"

static void test_each_function_and_test_that_is_named_exists(void **state)
{
	(void)state;
	assert_in_range(references_in(README), 60, 1000);
}

/* The number of the row that has the unit in its first column, -1 for none. */
static int row_of_unit(const char *text, const char *unit)
{
	const char *at = readme_section(README, text, "The units"), *row;
	char cell[README_MAX_CELL];

	for (int nr = 0; (row = readme_next_row(&at)); nr++) {
		readme_cell(row, 0, cell);
		if (text_find_word(cell, unit))
			return nr;
	}
	return -1;
}

/* "bind" of "vfio/bind_priv.h": x.c, x.h and x_priv.h are one unit. */
static void unit_of(const char *path, char ret_unit[64])
{
	char *private;

	assert_int_equal(sscanf(path, "vfio/%63[^.]", ret_unit), 1);
	private = strstr(ret_unit, "_priv");
	if (private)
		*private = '\0';
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

		unit_of(found.gl_pathv[i], unit);
		if (row_of_unit(text, unit) < 0)
			fail_msg("%s: the unit has no row in " README, found.gl_pathv[i]);
	}
	globfree(&found);
}

/* Fails at an include of a unit whose row is further down. How many includes there are. */
static unsigned check_includes(const char *readme, const char *path)
{
	static const char include[] = "#include \"";
	_cleanup_free_ char *text = text_of(path);
	char own[64], other[64];
	unsigned nr = 0;

	assert_non_null(text);
	unit_of(path, own);
	for (const char *at = text; (at = strstr(at, include)); nr++) {
		at += strlen(include);
		if (strncmp(at, "vfio/", strlen("vfio/")) != 0)
			continue;
		unit_of(at, other);
		if (row_of_unit(readme, other) > row_of_unit(readme, own))
			fail_msg("%s knows %s, which is below it in " README, path, other);
	}
	return nr;
}

static void test_no_unit_knows_one_below_it_in_the_table(void **state)
{
	_cleanup_free_ char *text = text_of(README);
	unsigned nr = 0;
	glob_t found;

	(void)state;
	assert_non_null(text);
	assert_int_equal(glob("vfio/*.[ch]", GLOB_ERR, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++)
		nr += check_includes(text, found.gl_pathv[i]);
	globfree(&found);
	assert_in_range(nr, 50, 1000);
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

/* The scripts whose rows are in the table: what they try is "row NAME ...". */
static const char *const trying[] = {
	"tests/e2e/linux-drives-what-there-is.sh",
	"tests/e2e/linux-drives-by-each-kind.sh",
	"tests/e2e/linux-drives-newer-devices.sh",
	"tests/e2e/virtual-functions-pass-through.sh",
};

/* Columns of the table of devices. */
enum { COLUMN_ROW, COLUMN_ITSY = 3, COLUMN_QEMU };

static bool is_tried(const char *row)
{
	char line[README_MAX_CELL + 16];

	(void)snprintf(line, sizeof(line), "\nrow%s", row); /* with its blanks */
	for (size_t i = 0; i < ARRAY_SIZE(trying); i++) {
		_cleanup_free_ char *text = text_of(trying[i]);

		assert_non_null(text);
		if (strstr(text, line))
			return true;
	}
	return false;
}

static unsigned nr_tried(void)
{
	unsigned nr = 0;

	for (size_t i = 0; i < ARRAY_SIZE(trying); i++) {
		_cleanup_free_ char *text = text_of(trying[i]);

		assert_non_null(text);
		for (const char *at = text; (at = strstr(at, "\nrow ")); at++)
			nr++;
	}
	return nr;
}

static void test_each_device_that_is_tried_has_a_row_and_no_other(void **state)
{
	_cleanup_free_ char *text = text_of(README);
	char cell[README_MAX_CELL];
	unsigned nr_rows = 0;
	const char *at, *row;

	(void)state;
	assert_non_null(text);
	at = readme_section(README, text, "Devices");
	while ((row = readme_next_row(&at))) {
		readme_cell(row, COLUMN_ROW, cell);
		if (!is_tried(cell))
			fail_msg(README " has%s, which no script tries", cell);
		nr_rows++;
	}
	assert_int_equal(nr_rows, nr_tried());
	assert_in_range(nr_rows, 5, 100);
}

static bool column_says_yes(const char *row, unsigned column)
{
	char cell[README_MAX_CELL], name[README_MAX_CELL];
	bool yes;

	readme_cell(row, COLUMN_ROW, name);
	readme_cell(row, column, cell);
	yes = strcmp(cell, " yes ") == 0; /* a cell has its blanks */
	if (!yes && strcmp(cell, " no ") != 0 && strcmp(cell, " - ") != 0)
		fail_msg(README ": column %u of%sis neither yes nor no, nor - for not tried",
			 column, name);
	return yes;
}

/* What came of it is held to the table by the scripts, of itsy and (ITSY_PEER=1) of QEMU. */
static void test_nothing_that_qemu_can_do_fails(void **state)
{
	_cleanup_free_ char *text = text_of(README);
	char cell[README_MAX_CELL];
	const char *at, *row;
	unsigned nr_yes = 0;

	(void)state;
	assert_non_null(text);
	assert_non_null(strstr(text, "| itsy | QEMU |\n"));
	at = readme_section(README, text, "Devices");
	while ((row = readme_next_row(&at))) {
		bool itsy = column_says_yes(row, COLUMN_ITSY);
		bool qemu = column_says_yes(row, COLUMN_QEMU);

		readme_cell(row, COLUMN_ROW, cell);
		if (qemu && !itsy)
			fail_msg(README ": QEMU has%sand itsy has not", cell);
		nr_yes += itsy;
	}
	assert_in_range(nr_yes, 5, 100);
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
		cmocka_unit_test(test_no_unit_knows_one_below_it_in_the_table),
		cmocka_unit_test(test_each_device_that_is_tried_has_a_row_and_no_other),
		cmocka_unit_test(test_nothing_that_qemu_can_do_fails),
		cmocka_unit_test(test_each_choice_in_the_code_has_a_row_with_a_test),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
