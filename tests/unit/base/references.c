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
	static const char *const folders[] = { "vitsmod/", "vgicrmod/", "vfio/", "vmm/*/" };
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
						"tests/unit/vgicrmod/test_vgicr_",
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

const char *readme_next_row(const char **at)
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

const char *readme_section(const char *path, const char *text, const char *heading)
{
	char line[80];
	const char *at;

	(void)snprintf(line, sizeof(line), "\n## %s\n", heading);
	at = strstr(text, line);
	if (!at)
		fail_msg("%s has no '%s'", path, heading);
	return at + strlen(line);
}

void readme_cell(const char *row, unsigned n, char ret_cell[README_MAX_CELL])
{
	size_t len;

	for (unsigned i = 0; i <= n; i++) {
		row += strcspn(row, "|\n");
		assert_int_equal(*row, '|');
		row++;
	}
	len = strcspn(row, "|\n");
	assert_int_equal(row[len], '|');
	assert_in_range(len, 1, README_MAX_CELL - 1);
	memcpy(ret_cell, row, len);
	ret_cell[len] = '\0';
}

static unsigned rows_of_file(const char *path, const char *text, const char *file)
{
	const char *at = readme_section(path, text, "Choices"), *row;
	_cleanup_free_ char *want = NULL;
	char column[README_MAX_CELL];
	unsigned nr = 0;

	assert_true(asprintf(&want, " %s ", file) > 0);
	while ((row = readme_next_row(&at))) {
		readme_cell(row, 1, column);
		nr += strcmp(column, want) == 0;
		readme_cell(row, 2, column);
		assert_in_range(references_in_text(path, column), 1, 4);
	}
	return nr;
}

static unsigned choices_in(const char *path)
{
	_cleanup_free_ char *text = text_of(path);
	unsigned nr = 0;

	assert_non_null(text);
	for (const char *at = text; (at = strstr(at, "Choice: ")); at++)
		nr++;
	return nr;
}

unsigned choices_with_a_row(const char *path, const char *pattern)
{
	_cleanup_free_ char *text = text_of(path);
	unsigned total = 0;
	glob_t found;

	assert_non_null(text);
	assert_int_equal(glob(pattern, GLOB_ERR, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *file = strrchr(found.gl_pathv[i], '/') + 1;
		unsigned rows = rows_of_file(path, text, file);
		unsigned choices = choices_in(found.gl_pathv[i]);

		if (rows != choices)
			fail_msg("%s has %u choices, and %u rows in %s", file, choices, rows, path);
		total += choices;
	}
	globfree(&found);
	return total;
}
