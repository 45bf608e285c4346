// SPDX-License-Identifier: MIT
/* A mistyped word gets the name that was probably meant; another word gets none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "vmm/base/bits.h"
#include "vmm/base/suggest.h"

static const char *const names[] = {
	"memory",	"vcpus", "router-cpu",
	"router-sched", "id",	 "a-name-that-is-longer-than-any-word-to-compare",
};

static void test_one_error_is_corrected(void **state)
{
	static const struct {
		const char *word, *name;
	} cases[] = {
		{ "memory", "memory" },		{ "memry", "memory" }, /* a letter less */
		{ "memmory", "memory" },			       /* one more */
		{ "memary", "memory" },				       /* a wrong one */
		{ "mmeory", "memory" },				       /* two swapped */
		{ "router-cup", "router-cpu" }, { "vcpu", "vcpus" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(suggest(cases[i].word, names, ARRAY_SIZE(names)),
				    cases[i].name);
}

static void test_another_word_gets_no_suggestion(void **state)
{
	static const char *const words[] = { "", "x", "kernel", "zzzzzz", "xy" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		assert_null(suggest(words[i], names, ARRAY_SIZE(names)));
	assert_null(suggest("memory", names, 0));
}

static void test_very_long_words_and_names_are_not_compared(void **state)
{
	char word[200];

	(void)state;
	memset(word, 'm', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	assert_null(suggest(word, names, ARRAY_SIZE(names)));
	assert_null(suggest("a-name-that-is-longer-than-any-w", names, ARRAY_SIZE(names)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_error_is_corrected),
		cmocka_unit_test(test_another_word_gets_no_suggestion),
		cmocka_unit_test(test_very_long_words_and_names_are_not_compared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
