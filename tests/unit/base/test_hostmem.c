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
		cmocka_unit_test(test_this_host_has_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
