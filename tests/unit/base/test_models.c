// SPDX-License-Identifier: MIT
/*
 * The models of tests/model/ are held to the code: each step of theirs says which function
 * it stands for, and that is there; the rows of the router's table are the same in both; and
 * each way that a model can be broken is tried by a script, and explained.
 */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/base/references.h"
#include "vmm/base/bits.h"
#include "vmm/base/cleanup.h"

#define README	  "tests/model/README.md"
#define MAX_ROWS  128u
#define MAX_ROW	  128u
#define MAX_NAMES 64u

static char *text(const char *path)
{
	char *found = text_of(path);

	if (!found)
		fail_msg("%s is not there", path);
	return found;
}

static glob_t files(const char *pattern)
{
	glob_t found;

	assert_int_equal(glob(pattern, GLOB_ERR, NULL, &found), 0);
	return found;
}

/* ---- names ------------------------------------------------------------------------ */

static void test_each_function_that_is_named_exists(void **state)
{
	glob_t models = files("tests/model/*.pml");
	unsigned nr = 0;

	(void)state;
	for (size_t i = 0; i < models.gl_pathc; i++)
		nr += references_in(models.gl_pathv[i]);
	assert_in_range(nr, 60, 1000);
	assert_in_range(references_in(README), 20, 1000);
	globfree(&models);
}

static bool begins(const char *line, const char *word)
{
	return strncmp(line, word, strlen(word)) == 0;
}

static bool begins_step(const char *line)
{
	return begins(line, "inline ") || begins(line, "proctype ") || begins(line, "active ");
}

/* The comment that ends right before the line; the caller's to free(). NULL: there is none. */
static char *comment_before(const char *all, const char *line)
{
	const char *begin = line;

	if (line - all < 4 || strncmp(line - 3, "*/\n", 3) != 0)
		return NULL;
	while (begin > all && strncmp(begin, "/*", 2) != 0)
		begin--;
	return strndup(begin, (size_t)(line - begin));
}

/* A step is a function of ours, or says whose it is. */
static bool says_what_it_is(const char *comment)
{
	static const char *const others[] = { "/* The host's: ", "/* The guest's: ",
					      "/* The model's: ", "/* The old way: " };

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (begins(comment, others[i]))
			return true;
	return references_in_text("a comment", comment) > 0;
}

static void test_each_step_says_what_it_stands_for(void **state)
{
	glob_t models = files("tests/model/*.pml");
	unsigned nr = 0;

	(void)state;
	for (size_t i = 0; i < models.gl_pathc; i++) {
		_cleanup_free_ char *all = text(models.gl_pathv[i]);

		for (const char *at = all; (at = strchr(at, '\n')) && at[1];) {
			_cleanup_free_ char *comment = NULL;

			if (!begins_step(++at))
				continue;
			comment = comment_before(all, at);
			if (!comment || !says_what_it_is(comment))
				fail_msg("%s: what does this stand for: %.*s", models.gl_pathv[i],
					 (int)strcspn(at, "\n"), at);
			nr++;
		}
	}
	assert_in_range(nr, 60, 1000);
	globfree(&models);
}

/* ---- the router's table ------------------------------------------------------------- */

struct rows {
	unsigned nr;
	char row[MAX_ROWS][MAX_ROW]; /* "FROM EVENT TO action" */
};

static void add_row(struct rows *rows, const char *from, const char *event, const char *to,
		    const char *action)
{
	assert_true(rows->nr < MAX_ROWS);
	(void)snprintf(rows->row[rows->nr++], MAX_ROW, "%s %s %s %s", from, event, to,
		       strcmp(action, "NULL") == 0 ? "nothing" : action);
}

/* "[SOURCE_FROM] = {", then lines "[SOURCE_EVENT] = TO(TO, action),". */
static void rows_of_code(struct rows *rows)
{
	_cleanup_free_ char *all = text("vmm/irq/router_source.c");
	const char *at = strstr(all, "\nstatic const struct row table["), *end;
	char from[32] = "", event[32], to[32], action[32];

	assert_non_null(at);
	end = strstr(at, "\n};");
	assert_non_null(end);
	for (at++; (at = strchr(at, '\n')) && at < end; at++) {
		if (sscanf(at, " [SOURCE_%31[A-Z_]] = TO(%31[A-Z_], %31[A-Za-z_])", event, to,
			   action) == 3)
			add_row(rows, from, event, to, action);
		else
			(void)!sscanf(at, " [SOURCE_%31[A-Z_]] = {", from);
	}
}

static void rows_of_model(struct rows *rows)
{
	_cleanup_free_ char *all = text("tests/model/router.pml");
	char from[32], event[32], to[32], action[32];

	for (const char *at = all; (at = strchr(at, '\n')); at++)
		if (sscanf(at, "\n\tROW(%31[A-Z_], %31[A-Z_], %31[A-Z_], %31[a-z_])", from, event,
			   to, action) == 4)
			add_row(rows, from, event, to, action);
}

static void test_the_rows_of_the_routers_table_are_those_of_its_model(void **state)
{
	static struct rows code, model;

	(void)state;
	rows_of_code(&code);
	rows_of_model(&model);
	assert_in_range(code.nr, 40, MAX_ROWS);
	assert_int_equal(code.nr, model.nr);
	for (unsigned i = 0; i < code.nr; i++)
		assert_string_equal(code.row[i], model.row[i]);
}

/* ---- ways to break a model ------------------------------------------------------------ */

/* All scripts in one text; the caller's to free(). */
static char *scripts(void)
{
	glob_t found = files("tests/model/*.sh");
	char *all = NULL;

	for (size_t i = 0; i < found.gl_pathc; i++) {
		_cleanup_free_ char *before = all, *one = text(found.gl_pathv[i]);

		assert_true(asprintf(&all, "%s%s", before ? before : "", one) > 0);
	}
	globfree(&found);
	return all;
}

static void expect_tried_and_explained(const char *model, const char *all, const char *name)
{
	_cleanup_free_ char *script = scripts(), *readme = text(README), *option = NULL;
	const char *head_end = strstr(all, "*/\n\n");

	assert_true(asprintf(&option, "-D%s", name) > 0);
	if (!text_find_word(script, option))
		fail_msg("%s: no script has %s", model, option);
	if (!text_find_word(readme, name))
		fail_msg("%s: " README " does not have %s", model, name);
	if (text_find_word(all, name) > head_end)
		fail_msg("%s: its head does not explain %s", model, name);
}

/* But for bounds, and for the formula. */
static void test_each_way_to_break_a_model_is_tried_and_explained(void **state)
{
	glob_t models = files("tests/model/*.pml");
	unsigned nr = 0;

	(void)state;
	for (size_t i = 0; i < models.gl_pathc; i++) {
		_cleanup_free_ char *all = text(models.gl_pathv[i]);
		char name[64];

		for (const char *at = all; (at = strchr(at, '\n')); at++) {
			if ((sscanf(at, "\n#ifdef %63[A-Z_]", name) != 1 &&
			     sscanf(at, "\n#ifndef %63[A-Z_]", name) != 1) ||
			    begins(name, "NR_") || strcmp(name, "WAYS") == 0)
				continue;
			expect_tried_and_explained(models.gl_pathv[i], all, name);
			nr++;
		}
	}
	assert_in_range(nr, 10, 1000);
	globfree(&models);
}

static void test_each_model_has_a_script_and_a_row(void **state)
{
	glob_t models = files("tests/model/*.pml"), found = files("tests/model/*.sh");
	_cleanup_free_ char *all = scripts(), *readme = text(README);

	(void)state;
	for (size_t i = 0; i < models.gl_pathc; i++) {
		const char *file = strrchr(models.gl_pathv[i], '/') + 1;
		_cleanup_free_ char *line = NULL;

		assert_true(asprintf(&line, "\nmodel %.*s\n", (int)strcspn(file, "."), file) > 0);
		if (strcmp(file, "locks.pml") != 0 && !strstr(all, line))
			fail_msg("no script checks %s", models.gl_pathv[i]);
		if (!text_find_word(readme, file))
			fail_msg(README " does not have %s", file);
	}
	for (size_t i = 0; i < found.gl_pathc; i++)
		if (!text_find_word(readme, strrchr(found.gl_pathv[i], '/') + 1))
			fail_msg(README " does not have %s", found.gl_pathv[i]);
	globfree(&models);
	globfree(&found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_function_that_is_named_exists),
		cmocka_unit_test(test_each_step_says_what_it_stands_for),
		cmocka_unit_test(test_the_rows_of_the_routers_table_are_those_of_its_model),
		cmocka_unit_test(test_each_way_to_break_a_model_is_tried_and_explained),
		cmocka_unit_test(test_each_model_has_a_script_and_a_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
