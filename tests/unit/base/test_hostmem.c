// SPDX-License-Identifier: MIT
/* A row of /proc/meminfo, in bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/vfio/vfio_tree.h"
#include "vmm/base/hostmem.h"

static void test_a_row_is_found_by_its_whole_name(void **state)
{
	char root[] = "/tmp/itsy-hostmem-XXXXXX", dir[64], path[80];
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(root));
	assert_int_equal(hostmem_get(root, "MemFree"), 0);
	(void)snprintf(dir, sizeof(dir), "%s/proc", root);
	(void)snprintf(path, sizeof(path), "%s/meminfo", dir);
	assert_int_equal(mkdir(dir, 0700), 0);
	f = fopen(path, "we");
	assert_non_null(f);
	(void)fputs("MemTotalXY:       1 kB\nMemTotal:    8388608 kB\nMemFree: none\n", f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(hostmem_get(root, "MemTotal"), UINT64_C(8) << 30);
	assert_int_equal(hostmem_get(root, "MemFree"), 0);
	assert_int_equal(hostmem_get(root, "MemAvailable"), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(rmdir(root), 0);
}

#define PAGES_2M "/sys/kernel/mm/hugepages/hugepages-2048kB/"

/* What is promised to somebody who has not touched it yet is not free. */
static void test_huge_pages_are_free_when_nobody_has_or_was_promised_them(void **state)
{
	static const struct {
		const char *unused, *promised;
		bool known;
		uint64_t nr;
	} cases[] = { { "10\n", "3\n", true, 7 },
		      { "3\n", "3\n", true, 0 },
		      { "0\n", "0\n", true, 0 },
		      { "2\n", "5\n", true, 0 },
		      { "\n", "0\n", false, 0 } };
	struct host_tree tree;
	uint64_t nr = 0;

	(void)state;
	tree_init(&tree);
	assert_false(hostmem_huge_pages(tree.fs.root, UINT64_C(2) << 20, &nr));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		tree_write(&tree, PAGES_2M "free_hugepages", cases[i].unused);
		tree_write(&tree, PAGES_2M "resv_hugepages", cases[i].promised);
		assert_int_equal(hostmem_huge_pages(tree.fs.root, UINT64_C(2) << 20, &nr),
				 cases[i].known);
		if (cases[i].known)
			assert_int_equal(nr, cases[i].nr);
		assert_false(hostmem_huge_pages(tree.fs.root, UINT64_C(1) << 30, &nr));
	}
	tree_fini(&tree);
}

static void test_this_host_has_memory(void **state)
{
	uint64_t total = hostmem_get("", "MemTotal");

	(void)state;
	assert_true(total > 0);
	assert_true(hostmem_get("", "MemAvailable") <= total);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_row_is_found_by_its_whole_name),
		cmocka_unit_test(test_huge_pages_are_free_when_nobody_has_or_was_promised_them),
		cmocka_unit_test(test_this_host_has_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
