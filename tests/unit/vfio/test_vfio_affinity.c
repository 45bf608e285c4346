// SPDX-License-Identifier: MIT
/*
 * A function's interrupts are moved, and put back where each of them was.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/vfio/vfio_tree.h"
#include "vfio/affinity.h"

#define MSI "/sys/bus/pci/devices/0000:01:00.0/msi_irqs/"

static struct {
	struct host_tree tree;
	struct pci_bdf bdf;
	struct vfio_affinity *affinity;
	struct vfio_failure failure;
	unsigned left;
} w;

static int begin(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	tree_init(&w.tree);
	w.bdf.bus = 1;
	tree_write(&w.tree, MSI "40", "msix\n");
	tree_write(&w.tree, MSI "41", "msix\n");
	tree_write(&w.tree, MSI "142", "msix\n");
	tree_write(&w.tree, "/proc/irq/40/smp_affinity_list", "0-3\n");
	tree_write(&w.tree, "/proc/irq/41/smp_affinity_list", "2\n");
	tree_write(&w.tree, "/proc/irq/142/smp_affinity_list", "0,2-3\n");
	tree_write(&w.tree, "/proc/irq/43/smp_affinity_list", "0-3\n");
	return 0;
}

static int end(void **state)
{
	(void)state;
	tree_fini(&w.tree);
	return 0;
}

static int set(unsigned cpu)
{
	return vfio_affinity_set(&w.tree.fs, &w.bdf, cpu, &w.affinity, &w.left, &w.failure);
}

static void expect(const char *irq, const char *list)
{
	char path[64], text[200];

	(void)snprintf(path, sizeof(path), "/proc/irq/%s/smp_affinity_list", irq);
	assert_string_equal(tree_read(&w.tree, path, text, sizeof(text)), list);
}

static void test_interrupts_move_and_come_back_to_where_they_were(void **state)
{
	(void)state;
	assert_int_equal(set(3), 0);
	assert_int_equal(w.left, 0);
	expect("40", "3");
	expect("41", "3");
	expect("142", "3");
	/* Of another function. */
	expect("43", "0-3");
	vfio_affinity_restore(w.affinity);
	expect("40", "0-3");
	expect("41", "2");
	expect("142", "0,2-3");
}

static void test_one_that_cannot_be_moved_is_told_and_keeps_none_from_it(void **state)
{
	(void)state;
	tree_remove(&w.tree, "/proc/irq/41/smp_affinity_list");
	assert_int_equal(set(1), 0);
	assert_int_equal(w.left, 1);
	assert_int_equal(w.failure.error, ENOENT);
	assert_string_equal(w.failure.object, "41");
	expect("40", "1");
	expect("142", "1");
	vfio_affinity_restore(w.affinity);
	expect("40", "0-3");
}

static void test_a_list_that_could_not_be_put_back_is_left_alone(void **state)
{
	char list[200];

	(void)state;
	for (size_t i = 0; i + 2 < sizeof(list); i += 2)
		(void)strcpy(list + i, "1,");
	(void)strcpy(list + sizeof(list) - 4, "1");
	tree_write(&w.tree, "/proc/irq/40/smp_affinity_list", list);
	assert_int_equal(set(2), 0);
	assert_int_equal(w.left, 1);
	assert_int_equal(w.failure.error, E2BIG);
	expect("40", list);
	vfio_affinity_restore(w.affinity);
}

static void test_an_interrupt_that_has_gone_is_not_missed_at_the_end(void **state)
{
	(void)state;
	assert_int_equal(set(1), 0);
	tree_remove(&w.tree, "/proc/irq/40/smp_affinity_list");
	vfio_affinity_restore(w.affinity);
	assert_false(tree_has(&w.tree, "/proc/irq/40/smp_affinity_list"));
	expect("41", "2");
}

static void test_an_interrupt_that_is_another_functions_by_now_is_left_alone(void **state)
{
	(void)state;
	assert_int_equal(set(1), 0);
	tree_remove(&w.tree, MSI "40");
	tree_write(&w.tree, "/proc/irq/40/smp_affinity_list", "2");
	vfio_affinity_restore(w.affinity);
	expect("40", "2");
	expect("41", "2");
}

static void test_a_function_without_interrupts_is_an_error(void **state)
{
	(void)state;
	w.bdf.bus = 2;
	assert_int_equal(set(1), -ENOENT);
	assert_null(w.affinity);
	assert_int_equal(w.failure.error, ENOENT);
	vfio_affinity_restore(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(test_interrupts_move_and_come_back_to_where_they_were),
		TEST(test_one_that_cannot_be_moved_is_told_and_keeps_none_from_it),
		TEST(test_a_list_that_could_not_be_put_back_is_left_alone),
		TEST(test_an_interrupt_that_has_gone_is_not_missed_at_the_end),
		TEST(test_an_interrupt_that_is_another_functions_by_now_is_left_alone),
		TEST(test_a_function_without_interrupts_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
