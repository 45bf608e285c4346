// SPDX-License-Identifier: MIT
/*
 * What is said of the machine that something was measured on. No locks; one thread.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/vfio/vfio_tree.h"
#include "vmm/bench/bench.h"

static int begin(void **state)
{
	static struct host_tree tree;

	tree_init(&tree);
	*state = &tree;
	return 0;
}

static int end(void **state)
{
	tree_fini(*state);
	return 0;
}

static void test_a_machine_is_described(void **state)
{
	const struct host_tree *tree = *state;
	struct bench_environment env;

	tree_write(tree, "/proc/cpuinfo",
		   "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n");
	tree_write(tree, "/proc/interrupts",
		   "           CPU0       CPU1\n"
		   "  9:          0          0     GICv3  25 Level     vgic\n"
		   " 11:       4711       1234     GICv3  30 Level     arch_timer\n");
	tree_write(tree, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n");
	tree_write(tree, "/sys/devices/system/cpu/isolated", "2-3\n");
	tree_write(tree, "/sys/class/dmi/id/product_name", "A Server\n");
	tree_write(tree, "/proc/cmdline", "console=ttyAMA0 isolcpus=2-3\n");
	bench_environment_get(tree->fs.root, &env);
	assert_string_equal(env.cpu, "CPU 0x41/0xd0c");
	assert_string_equal(env.gic, "GICv3");
	assert_string_equal(env.governor, "performance");
	assert_string_equal(env.isolated, "2-3");
	assert_string_equal(env.machine, "A Server");
	assert_false(env.emulated);
	assert_false(env.instructions);
	assert_true(env.cpus >= 1);
}

static void test_an_emulated_machine_says_so(void **state)
{
	const struct host_tree *tree = *state;
	struct bench_environment env;

	tree_write(tree, "/sys/firmware/devicetree/base/compatible", "linux,dummy-virt");
	tree_write(tree, "/proc/cmdline", "quiet itsy.clock=instructions\n");
	bench_environment_get(tree->fs.root, &env);
	assert_true(env.emulated);
	assert_true(env.instructions);
	assert_string_equal(bench_unit(&env), "instructions");
}

static void test_what_is_not_known_is_empty(void **state)
{
	const struct host_tree *tree = *state;
	struct bench_environment env;

	tree_write(tree, "/proc/interrupts", "           CPU0\n  1:  9  IO-APIC  1-edge  i8042\n");
	bench_environment_get(tree->fs.root, &env);
	assert_string_equal(env.gic, "");
	assert_string_equal(env.cpu, "CPU ?/?");
	assert_string_equal(env.governor, "");
	assert_false(env.emulated);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_machine_is_described, begin, end),
		cmocka_unit_test_setup_teardown(test_an_emulated_machine_says_so, begin, end),
		cmocka_unit_test_setup_teardown(test_what_is_not_known_is_empty, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
