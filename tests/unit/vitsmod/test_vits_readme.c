// SPDX-License-Identifier: MIT
/*
 * vitsmod/README.md says which function and which test stand for each register,
 * command, demand, choice and published bug. All of them have to exist, and
 * nothing that exists may be left out.
 */
#include <ctype.h>
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "vitsmod/bits.h"
#include "vitsmod/regs.h"
#include "vitsmod/vits.h"
#include "tests/unit/base/references.h"
#include "vmm/base/cleanup.h"

#define README	 "vitsmod/README.md"
#define MAX_CELL 2048u

static char *readme(void)
{
	char *text = text_of(README);

	assert_non_null(text);
	return text;
}

static void test_each_function_and_test_that_is_named_exists(void **state)
{
	(void)state;
	assert_in_range(references_in(README), 150, 1000);
}

static void test_what_is_not_there_is_found_out(void **state)
{
	static const char *const bad[] = {
		"regs.c: no_such_function()",
		"regs.c: ctlr_write(), no_such_function()",
		"nothing.c: ctlr_write()",
		"cmd.c: ctlr_write()",
		"cmd.c: shadow_owner()",    /* called there, and no more */
		"vits.h: vits_translate()", /* declared */
		"regs: no_such_test",
		"regs: reset_values, no_such_test",
		"regs: expect_reset_values", /* not a test */
		"nothing: reset_values",
		"guest/its.c: nothing",
		"guest/nothing.c: int_reaches_both_cpus",
		"nothing.sh",
		"tests/unit/nothing.c",
		"test_nothing.c",
	};
	static const char *const good[] = {
		"regs.c: ctlr_write(), ctlr_read()",
		"msi.c: msi_enable()",
		"pci_host.h: pci_host_devid()",
		"regs: reset_values",
		"fdt: each_its_has_a_node_with_its_frame_and_handle",
		"guest/its.c: int_reaches_both_cpus",
		"differential.sh",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (judge_reference(bad[i]) != SPAN_BAD)
			fail_msg("%s passes", bad[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		if (judge_reference(good[i]) != SPAN_GOOD)
			fail_msg("%s does not pass", good[i]);
	}
	assert_int_equal(judge_reference("GITS_CREADR"), SPAN_OTHER);
}

/*
 * Tables
 */

/* The next row below a heading, but for the table's own heading; NULL after the last. */
static const char *next_row(const char **at)
{
	for (const char *line = *at; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, "## ", 3) == 0)
			return NULL;
		if (*line != '|' || line[1] == '-')
			continue;
		*at = line + strcspn(line, "\n");
		if (strncmp(*at, "\n|-", 3) == 0)
			continue; /* the headings */
		return line;
	}
	return NULL;
}

static const char *section(const char *text, const char *heading)
{
	char line[80];
	const char *at;

	(void)snprintf(line, sizeof(line), "\n## %s\n", heading);
	at = strstr(text, line);
	if (!at)
		fail_msg(README " has no '%s'", heading);
	return at + strlen(line);
}

/* Column n of a row. */
static void cell(const char *row, unsigned n, char ret_cell[MAX_CELL])
{
	size_t len;

	for (unsigned i = 0; i <= n; i++) {
		row += strcspn(row, "|\n");
		assert_int_equal(*row, '|');
		row++;
	}
	len = strcspn(row, "|\n");
	assert_int_equal(row[len], '|');
	assert_in_range(len, 1, MAX_CELL - 1);
	memcpy(ret_cell, row, len);
	ret_cell[len] = '\0';
}

/* The row whose first column has the word. */
static const char *row_of(const char *text, const char *heading, const char *word)
{
	const char *at = section(text, heading), *row;
	char first[MAX_CELL];

	while ((row = next_row(&at))) {
		cell(row, 0, first);
		if (text_find_word(first, word))
			return row;
	}
	fail_msg("%s is not in the table of '%s'", word, heading);
	return NULL;
}

static void test_each_register_has_a_row_with_its_functions_and_a_test(void **state)
{
	_cleanup_free_ char *text = readme();
	char column[MAX_CELL];

	(void)state;
	for (size_t i = 0; i < vits_nr_regs; i++) {
		const struct vits_reg *reg = &vits_regs[i];
		const char *row = row_of(text, "Registers", reg->name);

		cell(row, 3, column);
		if ((reg->read || reg->write) && !references_in_text(README, column))
			fail_msg("%s has a row without a function", reg->name);
		cell(row, 4, column);
		if (!references_in_text(README, column))
			fail_msg("%s has a row without a test", reg->name);
	}
}

static bool is_register(const char *word, size_t len)
{
	for (size_t i = 0; i < vits_nr_regs; i++) {
		if (strlen(vits_regs[i].name) == len && strncmp(vits_regs[i].name, word, len) == 0)
			return true;
	}
	return false;
}

static void test_each_row_of_registers_is_of_registers_that_there_are(void **state)
{
	_cleanup_free_ char *text = readme();
	const char *at = section(text, "Registers"), *row;
	char first[MAX_CELL];
	unsigned nr = 0;

	(void)state;
	while ((row = next_row(&at))) {
		cell(row, 0, first);
		for (const char *word = first; *(word += strspn(word, " ,"));) {
			size_t len = strcspn(word, " ,");

			if (!is_register(word, len))
				fail_msg("%s: no such register", word);
			word += len;
			nr++;
		}
	}
	assert_int_equal(nr, vits_nr_regs);
}

static void test_each_command_has_a_row_with_its_function_and_a_test(void **state)
{
	_cleanup_free_ char *text = readme();
	const char *at = section(text, "Commands");
	unsigned nr_commands = 0, nr_rows = 0;
	char column[MAX_CELL];

	(void)state;
	for (unsigned op = 0; op < 256; op++) {
		const char *name = vits_command_name((uint8_t)op), *row;

		if (!name)
			continue;
		nr_commands++;
		row = row_of(text, "Commands", name);
		cell(row, 1, column);
		if (!references_in_text(README, column))
			fail_msg("%s has a row without a function", name);
		cell(row, 3, column);
		if (!references_in_text(README, column))
			fail_msg("%s has a row without a test", name);
	}
	while (next_row(&at))
		nr_rows++;
	assert_int_equal(nr_rows, nr_commands + 1); /* and the others */
}

static void test_each_demand_has_a_row(void **state)
{
	_cleanup_free_ char *text = readme();
	char demand[8], column[MAX_CELL];

	(void)state;
	for (unsigned i = 1; i <= 16; i++) {
		(void)snprintf(demand, sizeof(demand), "S%u", i);
		cell(row_of(text, "Demands", demand), 2, column);
		assert_in_range(references_in_text(README, column), 1, 10);
	}
	assert_non_null(strstr(section(text, "Demands"), "S17 to S20"));
}

/*
 * Choices and bugs
 */

static unsigned rows_of_file(const char *text, const char *file)
{
	const char *at = section(text, "Choices"), *row;
	_cleanup_free_ char *want = NULL;
	char column[MAX_CELL];
	unsigned nr = 0;

	assert_true(asprintf(&want, " %s ", file) > 0);
	while ((row = next_row(&at))) {
		cell(row, 1, column);
		nr += strcmp(column, want) == 0;
		cell(row, 2, column);
		assert_in_range(references_in_text(README, column), 1, 4);
	}
	return nr;
}

static bool ends_in(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len > end_len && strcmp(text + len - end_len, end) == 0;
}

static unsigned choices_in(const char *file)
{
	_cleanup_free_ char *path = NULL, *text = NULL;
	unsigned nr = 0;

	assert_true(asprintf(&path, "vitsmod/%s", file) > 0);
	text = text_of(path);
	assert_non_null(text);
	for (const char *at = text; (at = strstr(at, "Choice: ")); at++)
		nr++;
	return nr;
}

static void test_each_choice_in_the_code_has_a_row_with_a_test(void **state)
{
	_cleanup_free_ char *text = readme();
	DIR *dir = opendir("vitsmod");
	unsigned total = 0;
	struct dirent *entry;

	(void)state;
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		unsigned rows, choices;

		if (!ends_in(entry->d_name, ".c") && !ends_in(entry->d_name, ".h"))
			continue;
		rows = rows_of_file(text, entry->d_name);
		choices = choices_in(entry->d_name);
		if (rows != choices)
			fail_msg("%s has %u choices, and %u rows", entry->d_name, choices, rows);
		total += choices;
	}
	(void)closedir(dir);
	assert_in_range(total, 20, 200);
}

static void test_each_bug_that_others_had_has_a_row(void **state)
{
	_cleanup_free_ char *text = readme();
	_cleanup_free_ char *tests = text_of("tests/unit/vitsmod/test_vits_others_bugs.c");
	const char *bugs = section(text, "Bugs that others had");
	const char *at = tests;
	char reference[200];
	unsigned nr = 0;

	(void)state;
	assert_non_null(tests);
	while ((at = strstr(at, "cmocka_unit_test("))) {
		at = strstr(at, "test_") + strlen("test_");
		(void)snprintf(reference, sizeof(reference), "`others_bugs: %.*s`",
			       (int)strcspn(at, ")"), at);
		if (!strstr(bugs, reference))
			fail_msg("no row has %s", reference);
		nr++;
	}
	assert_in_range(nr, 15, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_function_and_test_that_is_named_exists),
		cmocka_unit_test(test_what_is_not_there_is_found_out),
		cmocka_unit_test(test_each_register_has_a_row_with_its_functions_and_a_test),
		cmocka_unit_test(test_each_row_of_registers_is_of_registers_that_there_are),
		cmocka_unit_test(test_each_command_has_a_row_with_its_function_and_a_test),
		cmocka_unit_test(test_each_demand_has_a_row),
		cmocka_unit_test(test_each_choice_in_the_code_has_a_row_with_a_test),
		cmocka_unit_test(test_each_bug_that_others_had_has_a_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
