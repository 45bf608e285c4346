// SPDX-License-Identifier: MIT
/*
 * vgicrmod/README.md says which function and which test stand for each register, rule
 * and choice. All of them have to exist, and nothing that exists may be left out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/base/references.h"
#include "vgicrmod/redist.h"
#include "vmm/base/cleanup.h"

#define README "vgicrmod/README.md"

static char *readme(void)
{
	char *text = text_of(README);

	assert_non_null(text);
	return text;
}

static void test_each_function_and_test_that_is_named_exists(void **state)
{
	(void)state;
	assert_in_range(references_in(README), 60, 1000);
}

static void test_each_register_has_a_row_with_its_functions_and_a_test(void **state)
{
	_cleanup_free_ char *text = readme();
	char column[README_MAX_CELL];

	(void)state;
	for (size_t i = 0; i < vgicr_nr_regs; i++) {
		const struct vgicr_reg *reg = &vgicr_regs[i];
		const char *at = readme_section(README, text, "Registers"), *row;

		do {
			row = readme_next_row(&at);
			if (!row)
				fail_msg("%s has no row", reg->name);
			readme_cell(row, 0, column);
		} while (!text_find_word(column, reg->name));
		readme_cell(row, 3, column);
		if ((reg->read || reg->write) && !references_in_text(README, column))
			fail_msg("%s has a row without a function", reg->name);
		readme_cell(row, 4, column);
		if (!references_in_text(README, column))
			fail_msg("%s has a row without a test", reg->name);
	}
}

static bool is_register(const char *word)
{
	for (size_t i = 0; i < vgicr_nr_regs; i++)
		if (strcmp(vgicr_regs[i].name, word) == 0)
			return true;
	return false;
}

static void test_each_row_of_registers_is_of_registers_that_there_are(void **state)
{
	_cleanup_free_ char *text = readme();
	const char *at = readme_section(README, text, "Registers"), *row;
	char first[README_MAX_CELL], *save = NULL;
	unsigned nr = 0;

	(void)state;
	while ((row = readme_next_row(&at))) {
		readme_cell(row, 0, first);
		for (char *word = strtok_r(first, " ,", &save); word;
		     word = strtok_r(NULL, " ,", &save), nr++)
			if (!is_register(word))
				fail_msg("%s: no such register", word);
	}
	assert_int_equal(nr, vgicr_nr_regs);
}

static void test_each_rule_has_a_function_and_a_test(void **state)
{
	_cleanup_free_ char *text = readme();
	const char *at = readme_section(README, text, "Rules"), *row;
	char column[README_MAX_CELL];
	unsigned nr = 0;

	(void)state;
	while ((row = readme_next_row(&at))) {
		for (unsigned n = 1; n <= 2; n++) {
			readme_cell(row, n, column);
			assert_in_range(references_in_text(README, column), 1, 10);
		}
		nr++;
	}
	assert_in_range(nr, 5, 100);
}

static void test_each_choice_in_the_code_has_a_row_with_a_test(void **state)
{
	(void)state;
	assert_in_range(choices_with_a_row(README, "vgicrmod/*.[ch]"), 8, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_function_and_test_that_is_named_exists),
		cmocka_unit_test(test_each_register_has_a_row_with_its_functions_and_a_test),
		cmocka_unit_test(test_each_row_of_registers_is_of_registers_that_there_are),
		cmocka_unit_test(test_each_rule_has_a_function_and_a_test),
		cmocka_unit_test(test_each_choice_in_the_code_has_a_row_with_a_test),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
