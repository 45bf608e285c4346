// SPDX-License-Identifier: MIT
/* Parsing texts, for the tests of configurations. */
#include "tests/unit/config/config_world.h"

#include "vitsmod/bits.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

int config_parse_options(const char *text, const struct config_option options[], size_t nr,
			 char **ret_messages, struct config *ret)
{
	size_t size;
	FILE *errors = open_memstream(ret_messages, &size);
	int r;

	assert_non_null(errors);
	*ret = (struct config){ 0 };
	r = config_parse(text ? "t.conf" : NULL, text ? text : "", options, nr, errors, ret);
	assert_int_equal(fclose(errors), 0);
	return r;
}

int config_parse_text(const char *text, const char *const overrides[], size_t nr,
		      char **ret_messages, struct config *ret)
{
	static struct config_option options[16]; /* live as long as what is read with them */

	assert_in_range(nr, 0, ARRAY_SIZE(options));
	for (size_t i = 0; i < nr; i++)
		options[i] = (struct config_option){ "set", overrides[i] };
	return config_parse_options(text, options, nr, ret_messages, ret);
}

void config_parse_valid(const char *text, struct config *ret)
{
	char *messages;
	int r = config_parse_text(text, NULL, 0, &messages, ret);

	assert_string_equal(messages, "");
	assert_int_equal(r, 0);
	free(messages);
}

void config_expect_messages(const char *text, const char *const overrides[], size_t nr,
			    const char *want)
{
	struct config config;
	char *messages;
	int r = config_parse_text(text, overrides, nr, &messages, &config);

	assert_string_equal(messages, want);
	assert_int_equal(r, -EINVAL);
	assert_null(config.kernel);
	free(messages);
}

char *config_printed(const struct config *config)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	config_print(config, out);
	assert_int_equal(fclose(out), 0);
	return text;
}

char *config_strip(char *text)
{
	char *to = text;

	for (const char *line = text, *next; *line; line = next) {
		size_t len = strcspn(line, "\n");
		const char *comment = strstr(line, "\t# ");

		next = line + len + (line[len] == '\n');
		if (line[strspn(line, "\t")] == '#')
			continue;
		if (comment && comment < line + len)
			len = (size_t)(comment - line);
		memmove(to, line, len);
		to += len;
		*to++ = '\n';
	}
	*to = '\0';
	return text;
}

char *config_printed_plain(const struct config *config)
{
	return config_strip(config_printed(config));
}
