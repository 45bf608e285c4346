// SPDX-License-Identifier: MIT
#include "tests/unit/base/references.h"

#include <ctype.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vmm/base/bits.h"
#include "vmm/base/cleanup.h"

#define MAX_FILE (1u << 20)

char *text_of(const char *path)
{
	_cleanup_file_ FILE *f = fopen(path, "re");
	char *text = f ? calloc(1, MAX_FILE) : NULL;

	if (!text)
		return NULL;
	assert_in_range(fread(text, 1, MAX_FILE, f), 1, MAX_FILE - 1);
	return text;
}

/* The one file that a pattern (glob(7)) in three parts names, or NULL. The caller's to free(). */
static char *find_file(const char *before, const char *name, const char *after)
{
	_cleanup_free_ char *pattern = NULL;
	char *path = NULL;
	glob_t found;

	assert_true(asprintf(&pattern, "%s%s%s", before, name, after) > 0);
	if (glob(pattern, GLOB_ERR, NULL, &found) == 0 && found.gl_pathc == 1)
		path = strdup(found.gl_pathv[0]);
	globfree(&found);
	return path;
}

/* The text of that file, or NULL. */
static char *text_found(const char *before, const char *name, const char *after)
{
	_cleanup_free_ char *path = find_file(before, name, after);

	return path ? text_of(path) : NULL;
}

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

const char *text_find_word(const char *text, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = text; (at = strstr(at, name)); at += len) {
		if ((at == text || !is_name(at[-1])) && !is_name(at[len]))
			return at;
	}
	return NULL;
}

unsigned text_count_word(const char *text, const char *name)
{
	unsigned nr = 0;

	for (const char *at = text; (at = text_find_word(at, name)); at += strlen(name))
		nr++;
	return nr;
}

bool text_defines(const char *text, const char *name)
{
	for (const char *at = text; (at = text_find_word(at, name)); at += strlen(name)) {
		const char *line = at;

		while (line > text && line[-1] != '\n')
			line--;
		if (isalpha((unsigned char)*line) && at[strlen(name)] == '(' &&
		    at[strcspn(at, ";{")] == '{')
			return true;
	}
	return false;
}

static bool exists(const char *folder, const char *file)
{
	_cleanup_free_ char *path = find_file(folder, "/", file);

	return path;
}

static bool function_exists(const char *file, const char *name)
{
	static const char *const folders[] = { "vitsmod/", "vfio/", "vmm/*/" };
	bool found = false;

	for (size_t i = 0; i < ARRAY_SIZE(folders) && !found; i++) {
		_cleanup_free_ char *text = text_found(folders[i], file, "");

		found = text && text_defines(text, name);
	}
	return found;
}

/* Defined, and in the list of the program's tests. */
static bool test_exists(const char *file, const char *name)
{
	static const char *const prefixes[] = { "tests/unit/vitsmod/test_vits_",
						"tests/unit/vfio/test_vfio_",
						"tests/unit/*/test_" };
	_cleanup_free_ char *test = NULL;
	bool found = false;

	assert_true(asprintf(&test, "test_%s", name) > 0);
	for (size_t i = 0; i < ARRAY_SIZE(prefixes) && !found; i++) {
		_cleanup_free_ char *text = text_found(prefixes[i], file, ".c");

		found = text && text_defines(text, test) && text_count_word(text, test) >= 2;
	}
	return found;
}

/* Defined in a payload, and called. */
static bool check_exists(const char *file, const char *name)
{
	_cleanup_free_ char *text = text_found("tests/", file, "");

	return text && text_defines(text, name) && text_count_word(text, name) >= 2;
}

static bool name_exists(const char *file, char *name)
{
	size_t len = strlen(name);

	if (len > 2 && strcmp(name + len - 2, "()") == 0) {
		name[len - 2] = '\0';
		return function_exists(file, name);
	}
	if (strncmp(file, "guest/", strlen("guest/")) == 0)
		return check_exists(file, name);
	return test_exists(file, name);
}

static bool ends_in(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len > end_len && strcmp(text + len - end_len, end) == 0;
}

enum span judge_reference(const char *span)
{
	char copy[512], *names, *save = NULL;

	if (strlen(span) >= sizeof(copy))
		return SPAN_BAD;
	(void)snprintf(copy, sizeof(copy), "%s", span);
	if (strncmp(span, "tests/", strlen("tests/")) == 0)
		return exists(".", span) ? SPAN_GOOD : SPAN_BAD;
	if (ends_in(span, ".sh"))
		return exists("tests/e2e", span) ? SPAN_GOOD : SPAN_BAD;
	if (strncmp(span, "test_", strlen("test_")) == 0)
		return exists("tests/unit/*", span) ? SPAN_GOOD : SPAN_BAD;
	names = strstr(copy, ": ");
	if (!names)
		return SPAN_OTHER;
	*names = '\0';
	for (char *name = strtok_r(names + 2, ", ", &save); name;
	     name = strtok_r(NULL, ", ", &save)) {
		if (!name_exists(copy, name))
			return SPAN_BAD;
	}
	return SPAN_GOOD;
}

unsigned references_in_text(const char *name, const char *text)
{
	unsigned nr = 0;

	for (const char *at = text; (at = strchr(at, '`'));) {
		size_t len = strcspn(++at, "`\n");
		_cleanup_free_ char *span = strndup(at, len);
		enum span is;

		assert_non_null(span);
		if (at[len] != '`')
			fail_msg("%s: a code span does not end: %s", name, span);
		is = judge_reference(span);
		if (is == SPAN_BAD)
			fail_msg("%s names '%s', which is not there", name, span);
		nr += is == SPAN_GOOD;
		at += len + 1;
	}
	return nr;
}

unsigned references_in(const char *path)
{
	_cleanup_free_ char *text = text_of(path);

	assert_non_null(text);
	return references_in_text(path, text);
}
