// SPDX-License-Identifier: MIT
/*
 * README.md and docs/ are held to the code: the functions, tests, files and pages that they name
 * are there.
 */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/base/references.h"
#include "vmm/base/bits.h"
#include "vmm/base/cleanup.h"

static void for_each_page(void (*look)(const char *path))
{
	glob_t found;

	assert_int_equal(glob("docs/*.md", GLOB_ERR, NULL, &found), 0);
	assert_in_range(found.gl_pathc, 2, 40);
	for (size_t i = 0; i < found.gl_pathc; i++)
		look(found.gl_pathv[i]);
	globfree(&found);
	look("README.md");
}

static void look_at_references(const char *path)
{
	assert_in_range(references_in(path), 1, 1000);
}

static void test_each_function_and_test_that_is_named_exists(void **state)
{
	(void)state;
	for_each_page(look_at_references);
}

/* The file that a link, which is as far as ')' or '#', of a page names. */
static void look_at_link(const char *page, const char *link)
{
	const char *slash = strrchr(page, '/');
	int folder = slash ? (int)(slash + 1 - page) : 0;
	_cleanup_free_ char *path = NULL;
	int len = (int)strcspn(link, ")#\n");

	if (len == 0 || strncmp(link, "https://", strlen("https://")) == 0)
		return;
	assert_true(asprintf(&path, "%.*s%.*s", folder, page, len, link) > 0);
	if (access(path, F_OK) != 0)
		fail_msg("%s has a link to %s, which is not there", page, path);
}

static void look_at_links(const char *path)
{
	_cleanup_free_ char *text = text_of(path);

	assert_non_null(text);
	for (const char *at = text; (at = strstr(at, "]("));)
		look_at_link(path, at += strlen("]("));
}

static void test_each_page_and_picture_that_is_linked_to_is_there(void **state)
{
	(void)state;
	for_each_page(look_at_links);
}

/* Code spans of what is no reference, but begins as a path of the tree does. */
static void look_at_paths(const char *path)
{
	static const char *const folders[] = { "configs/", "docs/",	"examples/", "scripts/",
					       "vfio/",	   "vgicrmod/", "vitsmod/",  "vmm/" };
	_cleanup_free_ char *text = text_of(path);

	assert_non_null(text);
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		for (const char *at = text; (at = strstr(at, folders[i])); at++) {
			_cleanup_free_ char *name = strndup(at, strcspn(at, "` ),;:\n"));

			if (at > text && at[-1] == '`' && access(name, F_OK) != 0)
				fail_msg("%s names %s, which is not there", path, name);
		}
	}
}

static void test_each_path_that_is_named_is_there(void **state)
{
	(void)state;
	for_each_page(look_at_paths);
}

/* From a line "<!-- summary -->" to the end of that part; the caller's to free(). */
static char *summary_of(const char *path)
{
	static const char mark[] = "\n<!-- summary -->\n";
	_cleanup_free_ char *text = text_of(path);
	const char *begin = text ? strstr(text, mark) : NULL;
	const char *end = begin ? strstr(begin, "\n<!-- end -->") : NULL;
	char *summary;

	if (!end)
		fail_msg("%s has no summary", path);
	summary = strndup(begin, (size_t)(end - begin));
	assert_non_null(summary);
	return summary;
}

static void test_readme_has_the_sentence_of_the_results_and_no_better_one(void **state)
{
	_cleanup_free_ char *results = summary_of("tests/bench/RESULTS.md");
	_cleanup_free_ char *readme = summary_of("README.md");

	(void)state;
	if (strcmp(results, readme) != 0)
		fail_msg("README.md quotes another summary than tests/bench/RESULTS.md has: "
			 "make docs");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_function_and_test_that_is_named_exists),
		cmocka_unit_test(test_each_page_and_picture_that_is_linked_to_is_there),
		cmocka_unit_test(test_each_path_that_is_named_is_there),
		cmocka_unit_test(test_readme_has_the_sentence_of_the_results_and_no_better_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
