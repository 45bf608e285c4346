// SPDX-License-Identifier: MIT
/*
 * vitsmod/README.md says which function and which test stand for each register,
 * command, demand, choice and translatable bug. All of them have to exist, and
 * nothing that exists may be left out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vitsmod/bits.h"
#include "vitsmod/regs.h"
#include "vitsmod/vits.h"
#include "tests/unit/base/references.h"
#include "vmm/base/cleanup.h"

#define README "vitsmod/README.md"

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
		"irqs.c: irqs_open()",
		"pci_host.h: pci_host_intid()",
		"regs: reset_values",
		"fdt_pci: each_its_has_a_node_with_its_frame_and_handle",
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

/* The row whose first column has the word. */
static const char *row_of(const char *text, const char *heading, const char *word)
{
	const char *at = readme_section(README, text, heading), *row;
	char first[README_MAX_CELL];

	while ((row = readme_next_row(&at))) {
		readme_cell(row, 0, first);
		if (text_find_word(first, word))
			return row;
	}
	fail_msg("%s is not in the table of '%s'", word, heading);
	return NULL;
}

static void test_each_register_has_a_row_with_its_functions_and_a_test(void **state)
{
	_cleanup_free_ char *text = readme();
	char column[README_MAX_CELL];

	(void)state;
	for (size_t i = 0; i < vits_nr_regs; i++) {
		const struct vits_reg *reg = &vits_regs[i];
		const char *row = row_of(text, "Registers", reg->name);

		readme_cell(row, 3, column);
		if ((reg->read || reg->write) && !references_in_text(README, column))
			fail_msg("%s has a row without a function", reg->name);
		readme_cell(row, 4, column);
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
	const char *at = readme_section(README, text, "Registers"), *row;
	char first[README_MAX_CELL];
	unsigned nr = 0;

	(void)state;
	while ((row = readme_next_row(&at))) {
		readme_cell(row, 0, first);
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
	const char *at = readme_section(README, text, "Commands");
	unsigned nr_commands = 0, nr_rows = 0;
	char column[README_MAX_CELL];

	(void)state;
	for (unsigned op = 0; op < 256; op++) {
		const char *name = vits_command_name((uint8_t)op), *row;

		if (!name)
			continue;
		nr_commands++;
		row = row_of(text, "Commands", name);
		readme_cell(row, 1, column);
		if (!references_in_text(README, column))
			fail_msg("%s has a row without a function", name);
		readme_cell(row, 3, column);
		if (!references_in_text(README, column))
			fail_msg("%s has a row without a test", name);
	}
	while (readme_next_row(&at))
		nr_rows++;
	assert_int_equal(nr_rows, nr_commands + 1); /* and the others */
}

static void test_each_demand_has_a_row(void **state)
{
	_cleanup_free_ char *text = readme();
	char demand[8], column[README_MAX_CELL];

	(void)state;
	for (unsigned i = 1; i <= 16; i++) {
		(void)snprintf(demand, sizeof(demand), "S%u", i);
		readme_cell(row_of(text, "Demands", demand), 2, column);
		assert_in_range(references_in_text(README, column), 1, 10);
	}
	assert_non_null(strstr(readme_section(README, text, "Demands"), "S17 to S20"));
}

/*
 * Choices and bugs
 */

static void test_each_choice_in_the_code_has_a_row_with_a_test(void **state)
{
	(void)state;
	assert_in_range(choices_with_a_row(README, "vitsmod/*.[ch]"), 20, 200);
}

static void test_each_bug_that_others_had_has_a_row(void **state)
{
	_cleanup_free_ char *text = readme();
	_cleanup_free_ char *tests = text_of("tests/unit/vitsmod/test_vits_others_bugs.c");
	const char *bugs = readme_section(README, text, "Bugs that others had");
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
