// SPDX-License-Identifier: MIT
/*
 * What a guest has printed last: all of it, or the last lines that there is room for, and nothing
 * that asks a terminal for an answer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "vmm/dev/console_history.h"

#define MUCH (4u * CONSOLE_HISTORY_SZ)

static struct {
	struct console_history *h;
	char told[MUCH];
	size_t nr_told;
} w;

static int begin(void **state)
{
	(void)state;
	w.nr_told = 0;
	return console_history_create(&w.h);
}

static int end(void **state)
{
	(void)state;
	console_history_destroy(w.h);
	return 0;
}

static void add(const char *text)
{
	console_history_add(w.h, (const uint8_t *)text, strlen(text));
}

/* In pieces of so many bytes at most. */
static void take(size_t piece, size_t most)
{
	const uint8_t *bytes;
	size_t nr;

	while (most && (nr = console_history_next(w.h, &bytes)) > 0) {
		nr = nr < piece ? nr : piece;
		nr = nr < most ? nr : most;
		assert_true(w.nr_told + nr < sizeof(w.told));
		memcpy(w.told + w.nr_told, bytes, nr);
		w.nr_told += nr;
		most -= nr;
		console_history_told(w.h, nr);
	}
	w.told[w.nr_told] = '\0';
}

static const char *all(void)
{
	w.nr_told = 0;
	console_history_rewind(w.h);
	take(MUCH, MUCH);
	return w.told;
}

static void test_all_is_told_as_often_as_it_is_asked_for(void **state)
{
	(void)state;
	assert_string_equal(all(), "");
	add("a prompt # ");
	/* Nobody is there, so nothing is left to be told. */
	take(MUCH, MUCH);
	assert_string_equal(w.told, "");
	assert_string_equal(all(), "a prompt # ");
	add("ls\n");
	assert_string_equal(all(), "a prompt # ls\n");
	assert_string_equal(all(), "a prompt # ls\n");
}

static void test_what_is_printed_while_one_is_told_comes_behind(void **state)
{
	(void)state;
	add("one two ");
	console_history_rewind(w.h);
	take(3, 4);
	assert_string_equal(w.told, "one ");
	add("three");
	take(3, MUCH);
	assert_string_equal(w.told, "one two three");
	add(" four");
	take(3, MUCH);
	assert_string_equal(w.told, "one two three");
}

/* Numbered lines, many times more than there is room for; the last ones, whole, are told. */
static void test_the_last_lines_are_told_whole(void **state)
{
	static char printed[MUCH];
	size_t nr = 0;

	(void)state;
	for (unsigned i = 0; nr + 64 < sizeof(printed); i++) {
		char line[64];
		int len = snprintf(line, sizeof(line), "line %u of them\r\n", i * i);

		memcpy(printed + nr, line, (size_t)len + 1);
		nr += (size_t)len;
		add(line);
		if (i % 500)
			continue;
		(void)all();
		assert_true(w.nr_told <= CONSOLE_HISTORY_SZ);
		assert_true(w.nr_told == nr || w.nr_told > CONSOLE_HISTORY_SZ - 64);
		assert_string_equal(w.told, printed + nr - w.nr_told);
		assert_int_equal(strncmp(w.told, "line ", 5), 0);
	}
	/* While one is told, more than there is room for is printed: what is left goes on whole. */
	console_history_rewind(w.h);
	add(printed);
	w.nr_told = 0;
	take(1000, MUCH);
	assert_int_equal(w.nr_told, CONSOLE_HISTORY_SZ);
	assert_string_equal(w.told, printed + nr - w.nr_told);
}

static void test_one_line_that_is_longer_than_all_is_told_as_it_is(void **state)
{
	(void)state;
	for (unsigned i = 0; i <= CONSOLE_HISTORY_SZ / 4; i++)
		add("abcd");
	(void)all();
	assert_int_equal(w.nr_told, CONSOLE_HISTORY_SZ);
	assert_int_equal(strncmp(w.told, "abcdabcd", 8), 0);
}

static void test_questions_to_a_terminal_are_left_out(void **state)
{
	static const struct {
		const char *printed, *told;
	} cases[] = {
		{ "\033[6n", "" },
		{ "a\033[6nb\033[?25nc\033[cd\033[>0ce\033[=ef", "abcde\033[=ef" },
		{ "a\033Zb\005c", "abc" },
		/* Colours, the cursor's moves and the title are none. */
		{ "\033[1;31mred\033[0m\033[2J\033[H", "\033[1;31mred\033[0m\033[2J\033[H" },
		{ "\033]0;title\007", "\033]0;title\007" },
		/* One that another one ends; one that is too long to be one. */
		{ "\033[1\033[6nx", "\033[1x" },
		{ "\033\033[6nx", "\033x" },
		{ "\033[11111111111111111111111111n", "\033[11111111111111111111111111n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		/* At once, and byte by byte. */
		for (int pass = 0; pass < 2; pass++) {
			console_history_destroy(w.h);
			assert_int_equal(console_history_create(&w.h), 0);
			if (pass == 0)
				add(cases[i].printed);
			for (const char *c = cases[i].printed; pass && *c; c++)
				console_history_add(w.h, (const uint8_t *)c, 1);
			assert_string_equal(all(), cases[i].told);
		}
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(test_all_is_told_as_often_as_it_is_asked_for),
		TEST(test_what_is_printed_while_one_is_told_comes_behind),
		TEST(test_the_last_lines_are_told_whole),
		TEST(test_one_line_that_is_longer_than_all_is_told_as_it_is),
		TEST(test_questions_to_a_terminal_are_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
