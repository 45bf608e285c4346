// SPDX-License-Identifier: MIT
/*
 * The host's counts of a function's interrupts: each vector has its own, whatever
 * number the host gave it, and differences hold where the kernel's counters wrap.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/vfio/vfio_tree.h"
#include "vfio/irq_count.h"
#include "vmm/base/cleanup.h"

#define VECTORS 4u

static struct {
	struct host_tree tree;
	struct pci_bdf bdf;
	struct vfio_irq_counts *counts;
	struct vfio_failure failure;
} w;

static void add(unsigned irq, const char *actions, const char *count)
{
	char path[96];

	(void)snprintf(path, sizeof(path), "/sys/bus/pci/devices/0000:01:00.0/msi_irqs/%u", irq);
	tree_write(&w.tree, path, "msix\n");
	(void)snprintf(path, sizeof(path), "/sys/kernel/irq/%u/actions", irq);
	tree_write(&w.tree, path, actions);
	(void)snprintf(path, sizeof(path), "/sys/kernel/irq/%u/per_cpu_count", irq);
	tree_write(&w.tree, path, count);
}

static int begin(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	tree_init(&w.tree);
	w.bdf.bus = 1;
	return 0;
}

static int end(void **state)
{
	(void)state;
	vfio_irq_counts_close(w.counts);
	tree_fini(&w.tree);
	return 0;
}

static int open_counts(void)
{
	return vfio_irq_counts_open(&w.tree.fs, &w.bdf, VECTORS, &w.counts, &w.failure);
}

static void expect(unsigned vector, uint32_t want)
{
	uint32_t count = ~want;

	assert_int_equal(vfio_irq_counts_read(w.counts, vector, &count), 0);
	assert_int_equal(count, want);
}

static void test_each_vector_has_the_count_of_its_own_interrupt_on_all_cpus(void **state)
{
	(void)state;
	add(140, "vfio-msix[2](0000:01:00.0)\n", "0,1001\n");
	add(41, "vfio-msix[0](0000:01:00.0)\n", "5\n");
	add(42, "vfio-msix[1](0000:01:00.0)\n", "1,2,3,4\n");
	assert_int_equal(open_counts(), 0);
	expect(0, 5);
	expect(1, 10);
	expect(2, 1001);
}

static void test_a_count_is_read_anew_each_time(void **state)
{
	(void)state;
	add(41, "vfio-msi[0](0000:01:00.0)\n", "5,0\n");
	assert_int_equal(open_counts(), 0);
	expect(0, 5);
	tree_write(&w.tree, "/sys/kernel/irq/41/per_cpu_count", "5,7\n");
	expect(0, 12);
}

static void test_what_wraps_in_the_kernel_wraps_here_alike(void **state)
{
	(void)state;
	add(41, "vfio-msix[0](0000:01:00.0)\n", "4294967295,4294967294\n");
	assert_int_equal(open_counts(), 0);
	expect(0, UINT32_MAX - 2);
	tree_write(&w.tree, "/sys/kernel/irq/41/per_cpu_count", "2,4294967294\n");
	expect(0, 0);
}

static void test_interrupts_of_others_and_unknown_vectors_are_passed_over(void **state)
{
	uint32_t count;

	(void)state;
	add(40, "nvme0q0\n", "9\n");
	add(41, "vfio-msix[1](0000:01:00.1)\n", "9\n");
	add(42, "vfio-msix[4](0000:01:00.0)\n", "9\n");
	add(43, "vfio-msix[x](0000:01:00.0)\n", "9\n");
	add(44, "vfio-msix[99999999999999999999](0000:01:00.0)\n", "9\n");
	add(45, "\n", "9\n");
	assert_int_equal(open_counts(), 0);
	for (unsigned v = 0; v < VECTORS; v++)
		assert_int_equal(vfio_irq_counts_read(w.counts, v, &count), -ENOENT);
}

/* One process opens the counters, another one reads them. */
static void test_counters_go_from_one_process_to_another(void **state)
{
	struct vfio_irq_counts *theirs;
	uint32_t count;
	int fd;

	(void)state;
	add(41, "vfio-msix[1](0000:01:00.0)\n", "5,2\n");
	add(42, "vfio-msix[2](0000:01:00.0)\n", "9\n");
	assert_int_equal(open_counts(), 0);
	assert_int_equal(vfio_irq_counts_none(2, &theirs), 0);
	assert_false(vfio_irq_counts_has(theirs, 1));
	assert_int_equal(vfio_irq_counts_take(w.counts, 0), -ENOENT);
	fd = vfio_irq_counts_take(w.counts, 1);
	assert_true(fd >= 0);
	assert_int_equal(vfio_irq_counts_take(w.counts, 1), -ENOENT);
	vfio_irq_counts_put(theirs, 1, fd);
	assert_true(vfio_irq_counts_has(theirs, 1));
	assert_int_equal(vfio_irq_counts_read(theirs, 1, &count), 0);
	assert_int_equal(count, 7);
	/* Closed, as it is beyond those, or there twice. */
	vfio_irq_counts_put(theirs, 2, dup(fd));
	vfio_irq_counts_put(theirs, 1, dup(fd));
	/* A number that is another function's by now. */
	tree_write(&w.tree, "/sys/kernel/irq/42/actions", "nvme0q0\n");
	assert_int_equal(vfio_irq_counts_take(w.counts, 2), -ENOENT);
	vfio_irq_counts_close(theirs);
}

/* Its number goes to whoever opens a file next, and stays that one's. */
static void test_a_counter_that_became_anothers_is_closed_once(void **state)
{
	int fd;

	(void)state;
	add(42, "vfio-msix[2](0000:01:00.0)\n", "9\n");
	assert_int_equal(open_counts(), 0);
	tree_write(&w.tree, "/sys/kernel/irq/42/actions", "nvme0q0\n");
	assert_int_equal(vfio_irq_counts_take(w.counts, 2), -ENOENT);
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	vfio_irq_counts_close(TAKE_PTR(w.counts));
	assert_int_equal(close(fd), 0);
}

static void test_a_counter_that_is_no_number_is_an_error(void **state)
{
	uint32_t count;

	(void)state;
	add(41, "vfio-msix[0](0000:01:00.0)\n", "\n");
	add(42, "vfio-msix[1](0000:01:00.0)\n", "1,\n");
	assert_int_equal(open_counts(), 0);
	assert_int_equal(vfio_irq_counts_read(w.counts, 0, &count), -EINVAL);
	assert_int_equal(vfio_irq_counts_read(w.counts, 1, &count), -EINVAL);
}

static void test_a_function_without_interrupts_is_an_error(void **state)
{
	(void)state;
	assert_int_equal(open_counts(), -ENOENT);
	assert_null(w.counts);
	assert_string_equal(w.failure.object, "0000:01:00.0/msi_irqs");
	vfio_irq_counts_close(NULL);
}

static void test_a_vector_with_an_interrupt_is_told_from_one_without(void **state)
{
	(void)state;
	add(41, "vfio-msix[1](0000:01:00.0)\n", "0\n");
	assert_int_equal(open_counts(), 0);
	assert_true(vfio_irq_counts_has(w.counts, 1));
	assert_false(vfio_irq_counts_has(w.counts, 0));
}

static void test_a_host_that_delivers_directly_is_known_by_its_vpes(void **state)
{
	static const char asks[] = "root=/dev/vda kvm-arm.vgic_v4_enable=1 quiet\n";
	static const char path[] = "/sys/kernel/irq/90/chip_name";

	(void)state;
	tree_write(&w.tree, "/sys/kernel/irq/1/chip_name", "GICv3\n");
	tree_write(&w.tree, "/proc/cmdline", asks);
	assert_false(vfio_host_delivers_directly(&w.tree.fs));
	tree_write(&w.tree, path, "GICv4-vpe\n");
	assert_true(vfio_host_delivers_directly(&w.tree.fs));
	tree_write(&w.tree, path, "GICv4.1-vpe\n");
	assert_true(vfio_host_delivers_directly(&w.tree.fs));
	/* Another VMM's VM, and KVM is not asked for it: the host's own business. */
	tree_write(&w.tree, "/proc/cmdline", "quiet\n");
	assert_false(vfio_host_delivers_directly(&w.tree.fs));
}

static void test_the_last_word_of_the_command_line_counts(void **state)
{
	(void)state;
	assert_false(vfio_gicv4_is_asked_for(""));
	assert_true(vfio_gicv4_is_asked_for("kvm-arm.vgic_v4_enable=on"));
	assert_true(vfio_gicv4_is_asked_for("kvm-arm.vgic_v4_enable=Y quiet"));
	assert_false(vfio_gicv4_is_asked_for("kvm-arm.vgic_v4_enable=1 kvm-arm.vgic_v4_enable=0"));
	assert_false(vfio_gicv4_is_asked_for("kvm-arm.vgic_v4_enable"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(test_each_vector_has_the_count_of_its_own_interrupt_on_all_cpus),
		TEST(test_a_count_is_read_anew_each_time),
		TEST(test_what_wraps_in_the_kernel_wraps_here_alike),
		TEST(test_interrupts_of_others_and_unknown_vectors_are_passed_over),
		TEST(test_counters_go_from_one_process_to_another),
		TEST(test_a_counter_that_became_anothers_is_closed_once),
		TEST(test_a_counter_that_is_no_number_is_an_error),
		TEST(test_a_function_without_interrupts_is_an_error),
		TEST(test_a_vector_with_an_interrupt_is_told_from_one_without),
		TEST(test_a_host_that_delivers_directly_is_known_by_its_vpes),
		TEST(test_the_last_word_of_the_command_line_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
