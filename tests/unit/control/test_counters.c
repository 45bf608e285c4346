// SPDX-License-Identifier: MIT
/*
 * Each name that is printed for programs is defined in a manual page: the counters of
 * vectors in itsy-control(7), and every key of --stats-json in itsy(1).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>
#include <jansson.h>

#include "tests/unit/base/references.h"
#include "vmm/base/cleanup.h"
#include "vmm/control/irqstat.h"
#include "vmm/irq/counters.h"

#define STATS_PAGE   "man/itsy.1.scd"
#define CONTROL_PAGE "man/itsy-control.7.scd"

/* scdoc's _emphasis_. */
static bool emphasizes(const char *text, const char *name)
{
	_cleanup_free_ char *word = NULL;

	assert_true(asprintf(&word, "_%s_", name) > 0);
	return strstr(text, word);
}

static void test_each_counter_of_a_vector_has_an_entry_of_its_own(void **state)
{
	_cleanup_free_ char *text = text_of(CONTROL_PAGE);

	(void)state;
	assert_non_null(text);
	for (unsigned i = 0; i < NR_VECTOR_COUNTERS; i++) {
		_cleanup_free_ char *entry = NULL;

		assert_true(asprintf(&entry, "\n_%s_\n\t", vector_counters[i].name) > 0);
		if (!strstr(text, entry))
			fail_msg("%s defines no counter '%s'", CONTROL_PAGE,
				 vector_counters[i].name);
	}
}

static void test_each_counter_has_a_place_of_its_own(void **state)
{
	struct vector_counts counts;

	(void)state;
	memset(&counts, 0, sizeof(counts));
	for (unsigned i = 0; i < NR_VECTOR_COUNTERS; i++) {
		_Atomic uint64_t *at =
			(_Atomic uint64_t *)(void *)((char *)&counts + vector_counters[i].offset);

		assert_int_equal(*at, 0);
		*at = i + 1;
		assert_int_equal(vector_counter_get(&counts, i), i + 1);
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(vector_counters[i].name, vector_counters[j].name);
	}
}

/* All keys of an object and of what it has, but for the names of commands. */
static void expect_keys(const char *page, json_t *value, const char *of)
{
	const char *key;
	json_t *item;
	size_t i;

	json_object_foreach(value, key, item)
	{
		if (strcmp(of, "its_commands") != 0 && !emphasizes(page, key))
			fail_msg("%s does not define '%s'", STATS_PAGE, key);
		expect_keys(page, item, key);
	}
	json_array_foreach(value, i, item)
	{
		expect_keys(page, item, of);
	}
}

static void test_each_key_of_the_statistics_is_defined(void **state)
{
	static struct vector_counts vectors[1] = { { .last = UINT64_C(8200) << 32 } };
	struct passthru function = {
		.irq = { .name = "net0", .devid = 8, .nr_vectors = 1, .vectors = vectors },
	};
	struct machine_stats stats = { 0 };
	_cleanup_free_ char *page = text_of(STATS_PAGE);
	_cleanup_fd_ int fd = memfd_create("stats", 0);
	char path[64];
	json_t *root;

	(void)state;
	assert_non_null(page);
	stats.vits.cmd[8].done = 1; /* MAPD */
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_int_equal(irqstat_write_json(path, &function, 1, &stats, 1), 0);
	root = json_load_file(path, 0, NULL);
	assert_non_null(root);
	assert_int_equal(json_object_size(json_object_get(root, "its_commands")), 1);
	expect_keys(page, root, "");
	json_decref(root);
}

/* A name below the heading of the statistics that nothing prints is stale. */
static void test_the_statistics_have_each_key_that_is_defined(void **state)
{
	_cleanup_free_ char *page = text_of(STATS_PAGE);
	_cleanup_free_ char *code = text_of("vmm/control/irqstat.c");
	_cleanup_free_ char *rows = text_of("vmm/irq/counters.c");
	const char *at = strstr(page, "\n_schema_\n"), *end;
	unsigned nr = 0;

	(void)state;
	assert_non_null(at);
	assert_non_null(code);
	assert_non_null(rows);
	end = strstr(at, "\n# ");
	assert_non_null(end);
	while ((at = strchr(at + 1, '_')) && at < end) {
		_cleanup_free_ char *quoted = NULL;
		size_t len = strspn(at + 1, "abcdefghijklmnopqrstuvwxyz_");

		while (len && at[len] == '_')
			len--;
		assert_true(asprintf(&quoted, "\"%.*s\"", (int)len, at + 1) > 0);
		if (!strstr(code, quoted) && !strstr(rows, quoted))
			fail_msg("%s defines %s, which is not there", STATS_PAGE, quoted);
		at += len + 1;
		nr++;
	}
	assert_in_range(nr, 30, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_counter_of_a_vector_has_an_entry_of_its_own),
		cmocka_unit_test(test_each_counter_has_a_place_of_its_own),
		cmocka_unit_test(test_each_key_of_the_statistics_is_defined),
		cmocka_unit_test(test_the_statistics_have_each_key_that_is_defined),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
