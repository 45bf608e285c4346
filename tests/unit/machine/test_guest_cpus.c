// SPDX-License-Identifier: MIT
/*
 * CPUs that a configuration names, and the host has not.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/vfio/vfio_tree.h"
#include "vmm/base/bits.h"
#include "vmm/machine/guest_cpus.h"

static struct {
	struct host_tree tree;
	struct config config;
	struct failure failure;
} w;

static int make(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	tree_init(&w.tree);
	tree_write(&w.tree, "/sys/devices/system/cpu/online", "0-1,4\n");
	w.config.router.cpu = w.config.spin.cpu = w.config.vcpu.cpu = -1;
	w.config.nr_devices = 1;
	w.config.devices[0].name = (char *)(uintptr_t) "disk";
	w.config.devices[0].msi_cpu = -1;
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
	return guest_cpus_look(&w.config, &w.tree.fs, &w.failure);
}

static void test_cpus_that_are_online_are_taken(void **state)
{
	(void)state;
	assert_int_equal(look(), 0);
	w.config.router.cpu = 0;
	w.config.spin.cpu = 1;
	w.config.vcpu_cpus.nr = 2;
	w.config.vcpu_cpus.list[1] = 4;
	w.config.devices[0].msi_cpu = 4;
	assert_int_equal(look(), 0);
}

static void expect_none(const char *key, int cpu)
{
	char cause[64];

	(void)snprintf(cause, sizeof(cause), "CPU %d is not online", cpu);
	assert_int_equal(look(), -EINVAL);
	assert_int_equal(w.failure.status, ITSY_ENVIRONMENT);
	assert_string_equal(w.failure.object, key);
	assert_string_equal(w.failure.cause, cause);
	assert_string_equal(w.failure.cure, "name one of 0-1,4");
}

static void test_each_that_is_not_is_told_by_its_key(void **state)
{
	(void)state;
	w.config.devices[0].msi_cpu = 3;
	expect_none("msi-cpu of device disk", 3);
	w.config.vcpu_cpus.nr = 2;
	w.config.vcpu_cpus.list[1] = 2;
	expect_none("vcpu-cpus", 2);
	w.config.spin.cpu = PLACEMENT_MAX_CPU;
	expect_none("spin-cpu", PLACEMENT_MAX_CPU);
	w.config.router.cpu = 99;
	expect_none("router-cpu", 99);
}

/* What no file tells, this process tries. */
static void test_on_this_host_they_are_tried(void **state)
{
	static const struct pci_host_fs this_host = { "" };

	(void)state;
	w.config.router.cpu = PLACEMENT_MAX_CPU;
	if (placement_try_cpu(PLACEMENT_MAX_CPU) == 0)
		skip();
	assert_int_equal(guest_cpus_look(&w.config, &this_host, &w.failure), -EINVAL);
	assert_string_equal(w.failure.object, "router-cpu");
	assert_true(w.failure.cure[0]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_cpus_that_are_online_are_taken),
		TEST(test_each_that_is_not_is_told_by_its_key),
		TEST(test_on_this_host_they_are_tried),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
