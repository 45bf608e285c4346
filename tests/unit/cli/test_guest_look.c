// SPDX-License-Identifier: MIT
/*
 * What itsy run and --dry-run look at, on a host of text files.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/base/capture.h"
#include "tests/unit/vfio/vfio_tree.h"
#include "vmm/base/bits.h"
#include "vmm/cli/guest_look.h"

static struct {
	struct host_tree tree;
	struct config config;
	struct failure failure;
	uint64_t lock_limit;
	struct capture said;
} w;

/* As root it would be no limit. */
uint64_t __wrap_self_lock_limit(void);
uint64_t __wrap_self_lock_limit(void)
{
	return w.lock_limit;
}

static int make(void **state)
{
	static char disk[] = "disk";

	(void)state;
	memset(&w, 0, sizeof(w));
	w.lock_limit = UINT64_MAX;
	tree_init(&w.tree);
	tree_write(&w.tree, "/proc/meminfo", "MemTotal: 1048576 kB\nMemAvailable: 524288 kB\n");
	tree_write(&w.tree, "/sys/devices/system/cpu/online", "0-3\n");
	w.config = (struct config){
		.memory = 600 * MiB,
		.router = { .cpu = -1 },
		.spin = { .cpu = -1 },
		.vcpu = { .cpu = -1 },
		.devices = { { .name = disk, .bdf = { .dev = 1 }, .msi_cpu = -1 } },
	};
	return 0;
}

static int unmake(void **state)
{
	(void)state;
	tree_fini(&w.tree);
	return 0;
}

static int look(void)
{
	struct vfio_iommu_choice iommu;
	int r;

	capture_begin(&w.said);
	r = guest_look(&w.tree.fs, &w.config, &iommu, &w.failure);
	capture_end(&w.said);
	return r;
}

static void test_memory_that_is_short_is_warned_of_as_check_does(void **state)
{
	(void)state;
	assert_int_equal(look(), 0);
	assert_string_equal(
		w.said.err,
		"itsy: warning: guest memory: the guest may use 600 MiB, and 68 MiB "
		"beside it, and 512 MiB are free: give the guest 444 MiB of memory at most, or end "
		"other programs\n");
	w.config.memory = 64 * MiB;
	assert_int_equal(look(), 0);
	assert_string_equal(w.said.err, "");
}

static void test_each_of_them_is_looked_at(void **state)
{
	(void)state;
	w.config.nr_devices = 1;
	assert_int_equal(look(), -ENOMEM);
	assert_string_equal(w.failure.object, "guest memory");
	w.config.memory = 64 * MiB;
	w.config.router.cpu = 7;
	assert_int_equal(look(), -EINVAL);
	assert_string_equal(w.failure.object, "router-cpu");
	w.config.router.cpu = -1;
	w.lock_limit = 64 * MiB - 1;
	assert_int_equal(look(), -ENOMEM);
	assert_string_equal(w.failure.object, "RLIMIT_MEMLOCK");
	w.lock_limit = 64 * MiB;
	assert_int_equal(look(), -ENOENT);
	assert_string_equal(w.failure.object, "0000:00:01.0");
	w.config.nr_devices = 0;
	w.config.iommu = VFIO_IOMMU_WISH_IOMMUFD;
	assert_true(look() < 0);
	assert_non_null(strstr(w.failure.cause, "iommufd"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_memory_that_is_short_is_warned_of_as_check_does),
		TEST(test_each_of_them_is_looked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
