// SPDX-License-Identifier: MIT
/* Names in JSON, and those that a manual page defines. */
#include "tests/unit/control/man_names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyz0123456789_"

static bool is_one_of(const char *name, const char *const list[])
{
	for (size_t i = 0; name && list[i]; i++)
		if (strcmp(name, list[i]) == 0)
			return true;
	return false;
}

/* of: the key that the value has; NULL: none. */
static void add_keys(json_t *names, const json_t *value, const char *of, const char *const table[])
{
	const char *key;
	json_t *item;
	size_t i;

	json_object_foreach((json_t *)value, key, item)
	{
		if (!is_one_of(of, table))
			assert_int_equal(json_object_set_new(names, key, json_true()), 0);
		add_keys(names, item, key, table);
	}
	json_array_foreach(value, i, item)
	{
		add_keys(names, item, NULL, table);
	}
}

void man_add_keys(json_t *names, const json_t *value, const char *const table[])
{
	add_keys(names, value, NULL, table);
}

char *man_part(const char *page, const char *from, const char *to)
{
	const char *at = strstr(page, from), *end;

	if (!at)
		fail_msg("there is no '%s'", from);
	end = strstr(at + strlen(from), to);
	if (!end)
		fail_msg("there is no '%s' behind '%s'", to, from);
	return strndup(at, (size_t)(end - at));
}

json_t *man_names_of(const char *part)
{
	json_t *names = json_object();

	for (const char *at = strchr(part, '_'); at; at = strchr(at + 1, '_')) {
		size_t len = strspn(at + 1, LETTERS);
		char name[64];

		/* An underscore inside of a word, or as it is (\_), begins no emphasis. */
		if (at > part && strchr(LETTERS "\\", at[-1]))
			continue;
		if (len < 2 || at[len] != '_' || len >= sizeof(name))
			continue;
		memcpy(name, at + 1, len - 1);
		name[len - 1] = '\0';
		assert_int_equal(json_object_set_new(names, name, json_true()), 0);
		at += len;
	}
	return names;
}

void man_expect_all(const char *where, json_t *names, json_t *defined, json_t *also)
{
	const char *name;
	json_t *item;

	json_object_foreach(names, name, item)
	{
		if (!json_object_get(defined, name) && !json_object_get(also, name))
			fail_msg("%s: '%s'", where, name);
	}
}
