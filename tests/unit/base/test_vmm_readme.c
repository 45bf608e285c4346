// SPDX-License-Identifier: MIT
/*
 * vmm/README.md is held to the code: its rooms are those of the Makefile, of
 * scripts/check and of the folders, in one order; each unit stands in its room's row;
 * each file that makes threads or locks is in the tables of threads and locks; and all
 * functions and tests that it names are there.
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

#define README	 "vmm/README.md"
#define NR_ROOMS 12u

static char *readme(void)
{
	char *text = text_of(README);

	assert_non_null(text);
	return text;
}

static void test_each_function_and_test_that_is_named_exists(void **state)
{
	(void)state;
	assert_in_range(references_in(README), 30, 1000);
}

/* What follows `before` in a file, to the end of the line; the caller's to free(). */
static char *rest_of_line(const char *path, const char *before)
{
	_cleanup_free_ char *text = text_of(path);
	const char *at = text ? strstr(text, before) : NULL;
	char *rest;

	assert_non_null(at);
	at += strlen(before);
	rest = strndup(at, strcspn(at, "\n\""));
	assert_non_null(rest);
	return rest;
}

static void test_readme_makefile_and_check_have_the_same_rooms_in_the_same_order(void **state)
{
	_cleanup_free_ char *text = readme();
	_cleanup_free_ char *make = rest_of_line("Makefile", "\nrooms := ");
	_cleanup_free_ char *check = rest_of_line("scripts/check", "\nrooms=\"");
	const char *at = readme_section(README, text, "The rooms"), *row;
	char cell[README_MAX_CELL], ours[512] = "", paths[512] = "";

	(void)state;
	while ((row = readme_next_row(&at))) {
		const char *between = ours[0] ? " " : "";

		readme_cell(row, 0, cell);
		cell[strlen(cell) - 1] = '\0';
		strcat(strcat(ours, between), cell + 1);
		strcat(strcat(strcat(paths, between), "vmm/"), cell + 1);
	}
	assert_string_equal(ours, make);
	assert_string_equal(paths, check);
}

/* The row of a room, or NULL. */
static const char *row_of_room(const char *text, const char *room)
{
	const char *at = readme_section(README, text, "The rooms"), *row;
	char cell[README_MAX_CELL];

	while ((row = readme_next_row(&at))) {
		readme_cell(row, 0, cell);
		if (strncmp(cell + 1, room, strlen(room)) == 0 && cell[1 + strlen(room)] == ' ')
			return row;
	}
	return NULL;
}

static void test_each_unit_stands_in_the_row_of_its_room_and_no_other_does(void **state)
{
	_cleanup_free_ char *text = readme();
	glob_t found;

	(void)state;
	assert_int_equal(glob("vmm/*/*.[ch]", GLOB_ERR, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		char room[64], unit[64], cell[README_MAX_CELL];
		const char *row;

		assert_int_equal(sscanf(found.gl_pathv[i], "vmm/%63[^/]/%63[^.]", room, unit), 2);
		row = row_of_room(text, room);
		if (!row)
			fail_msg("%s: the room is not in " README, found.gl_pathv[i]);
		readme_cell(row, 2, cell);
		if (!text_find_word(cell, unit))
			fail_msg("%s: the unit is not in its room's row", found.gl_pathv[i]);
	}
	globfree(&found);
}

static bool unit_exists(const char *room, const char *unit)
{
	_cleanup_free_ char *pattern = NULL;
	glob_t found;
	bool exists;

	assert_true(asprintf(&pattern, "vmm/%s/%s.[ch]", room, unit) > 0);
	exists = glob(pattern, GLOB_ERR, NULL, &found) == 0;
	globfree(&found);
	return exists;
}

static void test_each_unit_in_a_row_exists(void **state)
{
	_cleanup_free_ char *text = readme();
	const char *at = readme_section(README, text, "The rooms"), *row;
	char room[README_MAX_CELL], units[README_MAX_CELL], *save = NULL;
	unsigned nr_rooms = 0;

	(void)state;
	while ((row = readme_next_row(&at))) {
		readme_cell(row, 0, room);
		room[strlen(room) - 1] = '\0';
		readme_cell(row, 2, units);
		for (char *unit = strtok_r(units, ", ", &save); unit;
		     unit = strtok_r(NULL, ", ", &save))
			if (!unit_exists(room + 1, unit))
				fail_msg(README " has %s in room %s, which is not there", unit,
					 room + 1);
		nr_rooms++;
	}
	assert_int_equal(nr_rooms, NR_ROOMS);
}

/* Each file of the patterns that has one of the words is named in the section. */
static unsigned expect_named(const char *heading, const char *const words[], size_t nr_words)
{
	static const char *const patterns[] = { "vmm/*/*.c", "vfio/*.c", "vitsmod/*.c",
						"vgicrmod/*.c" };
	_cleanup_free_ char *text = readme();
	const char *begin = readme_section(README, text, heading);
	const char *end = strstr(begin, "\n## ");
	_cleanup_free_ char *part = strndup(begin, (size_t)(end - begin));
	unsigned nr = 0;
	glob_t found;

	assert_non_null(part);
	for (size_t p = 0; p < ARRAY_SIZE(patterns); p++)
		assert_int_equal(glob(patterns[p], GLOB_ERR | (p ? GLOB_APPEND : 0), NULL, &found),
				 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		_cleanup_free_ char *code = text_of(found.gl_pathv[i]);
		const char *file = strrchr(found.gl_pathv[i], '/') + 1;
		bool has = false;

		assert_non_null(code);
		for (size_t w = 0; w < nr_words; w++)
			has |= text_find_word(code, words[w]) != NULL;
		if (has && !text_find_word(part, file))
			fail_msg("%s is not in the table of " README ", '%s'", found.gl_pathv[i],
				 heading);
		nr += has;
	}
	globfree(&found);
	return nr;
}

static void test_each_file_that_makes_threads_is_named(void **state)
{
	static const char *const words[] = { "pthread_create" };

	(void)state;
	assert_in_range(expect_named("Threads", words, ARRAY_SIZE(words)), 2, 20);
}

static void test_each_file_that_makes_locks_is_named(void **state)
{
	static const char *const words[] = { "pthread_mutex_init", "pthread_rwlock_init" };

	(void)state;
	assert_in_range(expect_named("Locks", words, ARRAY_SIZE(words)), 8, 40);
}

static void test_each_choice_in_the_code_has_a_row_with_a_test(void **state)
{
	(void)state;
	assert_in_range(choices_with_a_row(README, "vmm/*/*.[ch]"), 8, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_function_and_test_that_is_named_exists),
		cmocka_unit_test(
			test_readme_makefile_and_check_have_the_same_rooms_in_the_same_order),
		cmocka_unit_test(test_each_unit_stands_in_the_row_of_its_room_and_no_other_does),
		cmocka_unit_test(test_each_unit_in_a_row_exists),
		cmocka_unit_test(test_each_file_that_makes_threads_is_named),
		cmocka_unit_test(test_each_file_that_makes_locks_is_named),
		cmocka_unit_test(test_each_choice_in_the_code_has_a_row_with_a_test),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
