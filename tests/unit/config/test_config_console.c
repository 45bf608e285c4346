// SPDX-License-Identifier: MIT
/* The key console: its five kinds, and where a path of it counts from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "vitsmod/bits.h"
#include "vmm/config/config.h"
#include "vmm/config/config_console.h"

static int parse(const char *path, const char *value, struct config *config, char said[512])
{
	FILE *errors = fmemopen(said, 512, "w");
	char text[256];
	int r;

	assert_non_null(errors);
	(void)snprintf(text, sizeof(text), "kernel = \"/k\"\nconsole = \"%s\"\n", value);
	r = config_parse(path, text, NULL, 0, errors, config);
	(void)fclose(errors);
	return r;
}

static void test_each_kind_is_taken_and_paths_count_from_the_file(void **state)
{
	static const struct {
		const char *given, *value, *path;
		enum console_wish wish;
	} cases[] = {
		{ "stdio", "stdio", NULL, CONSOLE_WISH_STDIO },
		{ "none", "none", NULL, CONSOLE_WISH_NONE },
		{ "pty", "pty", NULL, CONSOLE_WISH_PTY },
		{ "file:/a", "file:/a", "/a", CONSOLE_WISH_FILE },
		{ "file:a", "file:/etc/a", "/etc/a", CONSOLE_WISH_FILE },
		{ "unix:s/a:b", "unix:/etc/s/a:b", "/etc/s/a:b", CONSOLE_WISH_UNIX },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char said[512] = "";
		struct config config;
		const char *path;

		assert_int_equal(parse("/etc/x.conf", cases[i].given, &config, said), 0);
		assert_string_equal(config.console, cases[i].value);
		assert_int_equal(config_console(config.console, &path), cases[i].wish);
		if (cases[i].path)
			assert_string_equal(path, cases[i].path);
		else
			assert_null(path);
		config_fini(&config);
	}
}

static void test_anything_else_is_refused_with_what_there_is(void **state)
{
	static const char *const wrong[] = {
		"", "tty", "stdio:", "file:", "unix:", "file", "pty:/x"
	};
	char said[512], longer[200];
	struct config config;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_true(parse("x.conf", wrong[i], &config, said) < 0);
		assert_non_null(strstr(said, "x.conf:2: error: 'console' is \"stdio\", \"none\", "
					     "\"pty\", or a path behind \"file:\" or \"unix:\""));
	}
	(void)snprintf(longer, sizeof(longer), "unix:/%0120d", 0);
	assert_true(parse("x.conf", longer, &config, said) < 0);
	assert_non_null(strstr(said, "whose path has 107 characters at most"));
}

static void test_a_relative_path_can_be_settled(void **state)
{
	static const struct {
		const char *value, *settled;
	} cases[] = { { "file:a", "file:/here/a" }, { "unix:/a", "unix:/a" }, { "pty", "pty" } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *value = strdup(cases[i].value);

		assert_int_equal(config_console_settle(&value, "/here"), 0);
		assert_string_equal(value, cases[i].settled);
		free(value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_kind_is_taken_and_paths_count_from_the_file),
		cmocka_unit_test(test_anything_else_is_refused_with_what_there_is),
		cmocka_unit_test(test_a_relative_path_can_be_settled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
