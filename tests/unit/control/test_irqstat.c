// SPDX-License-Identifier: MIT
/*
 * What is said of the interrupts, to people and to programs.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>
#include <sys/mman.h>

#include "vmm/base/bits.h"
#include "vmm/base/cleanup.h"
#include "vmm/control/irqstat.h"

static struct vector_counts vectors[3];
static struct passthru function = {
	.irq = { .name = "net0", .devid = 8, .nr_vectors = 3 },
};
static const struct machine_stats none;

static int begin(void **state)
{
	(void)state;
	memset(vectors, 0, sizeof(vectors));
	function.irq.vectors = vectors;
	return 0;
}

/* The caller's to free(). */
static char *table_for(size_t columns)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	irqstat_print(out, columns, &function, 1, &none);
	(void)fclose(out);
	return text;
}

static char *table(void)
{
	return table_for(0);
}

static void test_table_has_a_line_for_each_vector_with_interrupts(void **state)
{
	_cleanup_free_ char *text = NULL;

	(void)state;
	vectors[1].taken = 12;
	vectors[1].injected = 11;
	vectors[1].dropped = 1;
	vectors[1].last = UINT64_C(8200) << 32 | 3 << 16 | 7;
	text = table();
	assert_non_null(strstr(text, "net0[1]"));
	assert_null(strstr(text, "net0[0]"));
	assert_non_null(strstr(text, "0x0008/7"));
	assert_non_null(strstr(text, "(2 more vectors without an interrupt)"));
	/* Without a policy nothing is said of it. */
	assert_null(strstr(text, "storm"));
	assert_null(strstr(text, "merged"));
}

static void test_numbers_for_people_have_groups_of_digits(void **state)
{
	_cleanup_free_ char *text = NULL;

	(void)state;
	vectors[0].taken = 1234567;
	vectors[0].injected = 1000;
	vectors[0].storm_merged = 45678;
	vectors[2].taken = 99999999;
	text = table();
	/* In their columns, and summed. */
	assert_non_null(strstr(text, "  1,234,567     1,000     0        0         0\n"));
	assert_non_null(strstr(text, " 99,999,999         0     0        0         0\n"));
	assert_non_null(strstr(text, "merged into the next one in storms: 45,678\n"));
	assert_non_null(strstr(text, "101,234,566     1,000     0        0         0\n"));
}

static void test_table_tells_of_what_policies_kept_back(void **state)
{
	_cleanup_free_ char *text = NULL;

	(void)state;
	vectors[0].taken = vectors[2].taken = 1;
	vectors[0].storms = 3;
	vectors[0].storm_merged = 456;
	vectors[0].storm_masked = 2;
	vectors[2].coalesced = 789;
	text = table();
	assert_non_null(strstr(text, "storms: 3, merged into the next one in storms: 456, "
				     "times masked at the device: 2"));
	assert_non_null(strstr(text, "merged into the next one (hold-us): 789"));
}

static void test_what_is_too_wide_loses_columns_and_no_digit(void **state)
{
	(void)state;
	vectors[1].taken = vectors[1].injected = 1122408000;
	vectors[1].last = UINT64_C(8200) << 32 | 3 << 16 | 7;
	vectors[2].taken = 1;
	for (size_t columns = 44; columns < 99; columns++) {
		_cleanup_free_ char *text = table_for(columns);

		for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
			if (*line != '(' && strcspn(line, "\n") > columns)
				fail_msg("wider than %zu: %s", columns, line);
		assert_non_null(strstr(text, " 1,122,408,000 1,122,408,000"));
		assert_non_null(strstr(text, "net0[2] "));
		assert_non_null(strstr(text, "\nall "));
	}
}

static void test_vectors_that_only_the_kernel_sees_share_a_line(void **state)
{
	_cleanup_free_ char *text = NULL;

	(void)state;
	vectors[0].tied_is = vectors[2].tied_is = TIED_UNKNOWN;
	text = table();
	assert_null(strstr(text, "net0["));
	assert_non_null(
		strstr(text, "net0  (2 more vectors on irqfd, whose interrupts nobody counts)\n"));
	assert_non_null(strstr(text, "net0  (1 more vector without an interrupt)\n"));
	assert_non_null(strstr(text, "\nall "));
}

static char *notes_of(const struct machine_stats *stats)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	irqstat_print(out, 0, NULL, 0, stats);
	(void)fclose(out);
	return text;
}

static void test_what_the_guest_did_wrong_is_told_and_nothing_else(void **state)
{
	struct machine_stats stats = { .unclaimed = 3 };
	_cleanup_free_ char *text = notes_of(&none), *wrong = NULL;

	(void)state;
	assert_string_equal(text, "");
	stats.vits.cmd_unreadable = 1;
	stats.vits.cmd[8].skipped = 4;
	stats.vits.cmd[10].stalled = 2;
	stats.kernel_its.table_writes = 7;
	stats.kernel_its.pauses = 1000;
	stats.redist.vgicr.visits = 1000;
	stats.redist.still_active = 6;
	stats.pci_host.misplaced = 5;
	stats.vcpus = (struct vcpus_stats){ .unreachable = 8, .unemulated = 9 };
	wrong = notes_of(&stats);
	assert_string_equal(wrong, "ITS commands skipped: 5, stalled: 2\n"
				   "writes to the kernel ITS's tables, ignored: 7\n"
				   "interrupts of a vCPU's own that KVM left active: 6\n"
				   "accesses to memory that KVM cannot reach, answered with an "
				   "abort: 8\n"
				   "accesses that KVM cannot emulate, answered with an abort: 9\n"
				   "accesses to addresses where nothing is: 3\n"
				   "BARs placed where they cannot be reached: 5\n");
}

static int write_to(const char *path, const struct machine_stats *stats)
{
	_cleanup_file_ FILE *out = fopen(path, "we");

	assert_non_null(out);
	return irqstat_write_json(out, &function, 1, stats, 1);
}

static void test_json_has_every_counter_of_every_vector(void **state)
{
	static const struct {
		const char *key;
		json_int_t value;
	} want[] = {
		{ "vector", 2 },	 { "taken", 1 },	{ "injected", 2 },
		{ "held", 3 },		 { "released", 4 },	{ "dropped", 5 },
		{ "storms", 6 },	 { "storm_merged", 7 }, { "storm_masked", 10 },
		{ "storm_released", 8 }, { "coalesced", 9 },	{ "eventid", 7 },
		{ "vcpu", 3 },		 { "lpi", 8200 },
	};
	char path[32];
	struct machine_stats stats = {
		.router_reaps = 21,
		.router_parked = 22,
		.redist = { .vgicr = { 31, 32, 33, 34 }, .still_active = 35 },
	};
	json_t *root, *list, *router, *redist;
	_cleanup_fd_ int fd = memfd_create("stats", 0);

	(void)state;
	assert_true(fd >= 0);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	vectors[2] = (struct vector_counts){
		.taken = 1,
		.injected = 2,
		.held = 3,
		.released = 4,
		.dropped = 5,
		.last = UINT64_C(8200) << 32 | 3 << 16 | 7,
		.storms = 6,
		.storm_merged = 7,
		.storm_masked = 10,
		.storm_released = 8,
		.coalesced = 9,
		.route = ROUTE_SPIN,
	};
	assert_int_equal(write_to(path, &stats), 0);
	root = json_load_file(path, 0, NULL);
	assert_non_null(root);
	list = json_object_get(json_array_get(json_object_get(root, "devices"), 0), "vectors");
	assert_int_equal(json_array_size(list), 3);
	for (size_t i = 0; i < ARRAY_SIZE(want); i++)
		if (json_integer_value(json_object_get(json_array_get(list, 2), want[i].key)) !=
		    want[i].value)
			fail_msg("'%s' is not %lld", want[i].key, (long long)want[i].value);
	router = json_object_get(root, "router");
	assert_int_equal(json_integer_value(json_object_get(router, "reaps")), 21);
	assert_int_equal(json_integer_value(json_object_get(router, "parked")), 22);
	redist = json_object_get(root, "redistributors");
	assert_int_equal(json_integer_value(json_object_get(redist, "reads")), 31);
	assert_int_equal(json_integer_value(json_object_get(redist, "writes")), 32);
	assert_int_equal(json_integer_value(json_object_get(redist, "ignored_accesses")), 33);
	assert_int_equal(json_integer_value(json_object_get(redist, "pauses")), 34);
	assert_int_equal(json_integer_value(json_object_get(redist, "still_active")), 35);
	json_decref(root);
}

static void test_json_that_cannot_be_written_is_an_error(void **state)
{
	(void)state;
	assert_int_equal(write_to("/dev/full", &none), -ENOSPC);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, begin)
	const struct CMUnitTest tests[] = {
		TEST(test_table_has_a_line_for_each_vector_with_interrupts),
		TEST(test_numbers_for_people_have_groups_of_digits),
		TEST(test_table_tells_of_what_policies_kept_back),
		TEST(test_what_is_too_wide_loses_columns_and_no_digit),
		TEST(test_vectors_that_only_the_kernel_sees_share_a_line),
		TEST(test_what_the_guest_did_wrong_is_told_and_nothing_else),
		TEST(test_json_has_every_counter_of_every_vector),
		TEST(test_json_that_cannot_be_written_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
