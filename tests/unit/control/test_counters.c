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
#include "tests/unit/control/man_names.h"
#include "vmm/base/cleanup.h"
#include "vmm/control/irqstat.h"
#include "vmm/irq/counters.h"

#define STATS_PAGE   "man/itsy.1.scd"
#define CONTROL_PAGE "man/itsy-control.7.scd"

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

static json_t *statistics(void)
{
	static struct vector_counts vectors[1] = { { .last = UINT64_C(8200) << 32,
						     .tied_is = TIED_DIRECT } };
	struct passthru function = {
		.irq = { .name = "net0", .devid = 8, .nr_vectors = 1, .vectors = vectors },
	};
	struct machine_stats stats = { 0 };
	_cleanup_fd_ int fd = memfd_create("stats", 0);
	char path[64];
	json_t *root;
	FILE *out;

	stats.vits.cmd[8].done = 1; /* MAPD */
	stats.vits.nr_last = 1;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	out = fopen(path, "we");
	assert_non_null(out);
	assert_int_equal(irqstat_write_json(out, &function, 1, &stats, 1), 0);
	(void)fclose(out);
	root = json_load_file(path, 0, NULL);
	assert_non_null(root);
	assert_int_equal(json_object_size(json_object_get(root, "its_commands")), 1);
	return root;
}

static void test_the_manual_defines_each_key_of_the_statistics_and_no_other(void **state)
{
	static const char *const tables[] = { "its_commands", NULL };
	_cleanup_free_ char *page = text_of(STATS_PAGE);
	_cleanup_free_ char *part = man_part(page, "\n_schema_\n", "\n# ");
	json_t *root = statistics(), *names = json_object(), *defined = man_names_of(part);

	(void)state;
	man_add_keys(names, root, tables);
	man_expect_all("not in " STATS_PAGE, names, defined, NULL);
	man_expect_all("only in " STATS_PAGE, defined, names, NULL);
	assert_in_range(json_object_size(names), 30, 100);
	json_decref(root);
	json_decref(names);
	json_decref(defined);
}

/* At the end of a run, in itsy ctl irqs, and in itsy top. */
static void test_the_manual_explains_each_column(void **state)
{
	_cleanup_free_ char *page = text_of(STATS_PAGE);
	_cleanup_free_ char *part = man_part(page, "\n# STATISTICS\n", "\n_schema_\n");

	(void)state;
	for (unsigned i = 0; i < NR_VECTOR_COUNTERS; i++) {
		char entry[64];

		if (!vector_counters[i].heading)
			continue;
		(void)snprintf(entry, sizeof(entry), "\n*%s*\n\t", vector_counters[i].heading);
		if (!strstr(part, entry))
			fail_msg("%s does not explain '%s'", STATS_PAGE,
				 vector_counters[i].heading);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_counter_of_a_vector_has_an_entry_of_its_own),
		cmocka_unit_test(test_each_counter_has_a_place_of_its_own),
		cmocka_unit_test(test_the_manual_defines_each_key_of_the_statistics_and_no_other),
		cmocka_unit_test(test_the_manual_explains_each_column),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
