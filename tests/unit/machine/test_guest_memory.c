// SPDX-License-Identifier: MIT
/*
 * Has the host a guest's memory? On hosts of text files.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/vfio/vfio_tree.h"
#include "vmm/base/bits.h"
#include "vmm/machine/guest_memory.h"

#define PAGES_2M "/sys/kernel/mm/hugepages/hugepages-2048kB/"

static struct host_tree tree;

static int begin(void **state)
{
	(void)state;
	tree_init(&tree);
	tree_write(&tree, "/proc/meminfo", "MemTotal: 1048576 kB\nMemAvailable: 524288 kB\n");
	tree_write(&tree, PAGES_2M "free_hugepages", "64\n");
	tree_write(&tree, PAGES_2M "resv_hugepages", "32\n");
	return 0;
}

static int end(void **state)
{
	(void)state;
	tree_fini(&tree);
	return 0;
}

static void test_what_is_free_or_short_or_not_there_is_told(void **state)
{
	static const struct {
		uint64_t mib, huge_page;
		size_t nr_devices;
		int r;
		const char *cause, *cure;
	} cases[] = {
		{ 512, 0, 1, GUEST_MEMORY_FREE, "", "" },
		{ 513, 0, 0, GUEST_MEMORY_SHORT, "", "" },
		{ 513, 0, 1, -ENOMEM, "513 MiB cannot be locked for DMA, for 512 MiB are free",
		  "lower memory in the configuration, or end other programs" },
		/* With devices or without, they are set aside at once. */
		{ 64, 2 * MiB, 0, GUEST_MEMORY_FREE, "", "" },
		{ 64, 2 * MiB, 1, GUEST_MEMORY_FREE, "", "" },
		{ 66, 2 * MiB, 0, -ENOMEM, "33 huge pages of 2048 KiB are needed, and 32 are free",
		  "add 1 to /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages" },
		{ 1024, GiB, 0, -ENOMEM, "the host has no huge pages of 1048576 KiB",
		  "see /sys/kernel/mm/hugepages, or set memory-backing = \"thp\"" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct config config = { .memory = cases[i].mib * MiB,
					       .huge_page = cases[i].huge_page,
					       .nr_devices = cases[i].nr_devices };
		struct failure failure = { 0 };

		print_message("%zu\n", i);
		assert_int_equal(guest_memory_find(&config, tree.fs.root, &failure), cases[i].r);
		assert_string_equal(failure.cause, cases[i].cause);
		assert_string_equal(failure.cure, cases[i].cure);
	}
}

/* A host that does not tell is believed to have it: the mapping will show. */
static void test_a_host_that_does_not_tell_is_tried(void **state)
{
	const struct config config = { .memory = 511 * GiB, .nr_devices = 1 };
	struct failure failure = { 0 };

	(void)state;
	tree_write(&tree, "/proc/meminfo", "nothing\n");
	assert_int_equal(guest_memory_find(&config, tree.fs.root, &failure), GUEST_MEMORY_FREE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(test_what_is_free_or_short_or_not_there_is_told),
		TEST(test_a_host_that_does_not_tell_is_tried),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
