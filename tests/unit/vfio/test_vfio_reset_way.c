// SPDX-License-Identifier: MIT
/*
 * How a function can be reset, from a copy of sysfs: its own resets, those of its slot, and whose
 * functions those reach.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include <string.h>

#include "tests/unit/vfio/vfio_tree.h"
#include "vfio/reset_way.h"

#define BRIDGE "0000:00:05.0"
#define FN     "0000:01:00.0"
#define TWIN   "0000:01:00.1"
#define THIRD  "0000:01:02.0"

static const struct pci_bdf bdf = { .bus = 1 }, twin = { .bus = 1, .fn = 1 };

static void add(const struct host_tree *tree, const char *name, const char *driver, int group,
		const char *reset)
{
	const struct tree_function fn = {
		name, 0x1234, 0x11e8, !strcmp(name, BRIDGE) ? 0x060400 : 0xff00, driver, group,
		NULL, 0,      reset,
	};

	tree_add_function(tree, &fn);
}

/* Its place is below the bridge's. */
static void add_behind(const struct host_tree *tree, const char *name, const char *driver,
		       int group, const char *reset)
{
	char link[128], place[128], up[64];

	add(tree, name, driver, group, reset);
	(void)snprintf(link, sizeof(link), "sys/bus/pci/devices/%s", name);
	(void)snprintf(place, sizeof(place), "../../../devices/pci0000:00/" BRIDGE "/%s", name);
	tree_remove(tree, link);
	tree_link(tree, link, place);
	(void)snprintf(link, sizeof(link), "sys/devices/pci0000:00/" BRIDGE "/%s", name);
	(void)snprintf(up, sizeof(up), "../%s", name);
	tree_link(tree, link, up);
}

static void start(struct host_tree *tree, const char *reset)
{
	tree_init(tree);
	add(tree, BRIDGE, "pcieport", 1, "pm\n");
	add_behind(tree, FN, "vfio-pci", 7, reset);
}

static int look(const struct host_tree *tree, const struct pci_set *with,
		struct vfio_reset_way *way, struct vfio_failure *failure)
{
	struct pci_function fn;

	*failure = (struct vfio_failure){ 0 };
	assert_int_equal(pci_function_get(&tree->fs, &bdf, &fn), 0);
	return vfio_reset_look(&tree->fs, &fn, with, way, failure);
}

static void expect(const struct host_tree *tree, const struct pci_set *with, const char *words,
		   size_t nr_others)
{
	struct vfio_reset_way way;
	struct vfio_failure failure;

	assert_int_equal(look(tree, with, &way, &failure), 0);
	assert_int_equal(failure.code, VFIO_FAILURE_NONE);
	assert_string_equal(way.words, words);
	assert_int_equal(way.nr_others, nr_others);
}

static void expect_none(const struct host_tree *tree, const struct pci_set *with,
			enum vfio_failure_code code, const char *other)
{
	struct vfio_reset_way way;
	struct vfio_failure failure;

	assert_true(look(tree, with, &way, &failure) < 0);
	assert_int_equal(failure.code, code);
	assert_string_equal(failure.object, FN);
	assert_string_equal(failure.other, other);
	assert_string_equal(way.words, "none");
}

static const struct pci_set one = { &bdf, 1 };
static const struct pci_set both = {
	(const struct pci_bdf[]){ { .bus = 1 }, { .bus = 1, .fn = 1 } }, 2
};

static void test_its_own_resets_are_the_kernels_words(void **state)
{
	struct host_tree tree;

	(void)state;
	start(&tree, "flr bus\n");
	expect(&tree, &one, "flr bus", 0);
	expect(&tree, NULL, "flr bus", 0);
	/* That of the bus is the function's own where it is alone there, whatever was when it came.
	 */
	add_behind(&tree, TWIN, "nvme", 7, "\n");
	expect(&tree, &one, "flr", 0);
	tree_write(&tree, "sys/devices/pci0000:00/" FN "/reset_method", "bus\n");
	expect_none(&tree, &one, VFIO_FAILURE_RESET_SHARED, TWIN);
	expect(&tree, &both, "bus", 1);
	tree_write(&tree, "sys/devices/pci0000:00/" FN "/reset_method", "af_flr bus pm\n");
	expect(&tree, &one, "af_flr pm", 0);
	tree_fini(&tree);
}

static void test_without_one_it_is_its_slots(void **state)
{
	struct host_tree tree;

	(void)state;
	start(&tree, "\n");
	expect(&tree, &one, "bus", 0);
	add_behind(&tree, TWIN, "vfio-pci", 8, "\n");
	expect(&tree, &both, "bus", 1);
	/* Whose it is, is not known. */
	expect(&tree, NULL, "bus", 1);
	tree_fini(&tree);
}

static void test_a_slot_that_has_functions_of_others_is_none(void **state)
{
	struct vfio_reset_way way;
	struct vfio_failure failure;
	struct host_tree tree;

	(void)state;
	start(&tree, NULL);
	add_behind(&tree, THIRD, NULL, 9, "\n");
	add_behind(&tree, TWIN, "vfio-pci", 8, "\n");
	expect_none(&tree, &one, VFIO_FAILURE_RESET_SHARED, TWIN);
	expect_none(&tree, &both, VFIO_FAILURE_RESET_SHARED, THIRD);
	(void)!look(&tree, &one, &way, &failure);
	assert_int_equal(way.nr_others, 2);
	assert_true(pci_bdf_equal(&way.other, &twin));
	tree_fini(&tree);
}

/* What was taken for the group's sake is nobody else's, once vfio-pci has it. */
static void test_a_group_goes_with_its_functions(void **state)
{
	struct host_tree tree;

	(void)state;
	start(&tree, "\n");
	add_behind(&tree, TWIN, "vfio-pci", 7, "\n");
	expect(&tree, &one, "bus", 1);
	tree_set_driver(&tree, TWIN, NULL);
	expect_none(&tree, &one, VFIO_FAILURE_RESET_SHARED, TWIN);
	tree_set_driver(&tree, TWIN, "pci-stub");
	expect_none(&tree, &one, VFIO_FAILURE_RESET_SHARED, TWIN);
	tree_fini(&tree);
}

static void test_a_root_bus_and_one_with_a_bridge_are_not_reset(void **state)
{
	struct host_tree tree;

	(void)state;
	tree_init(&tree);
	add(&tree, FN, "vfio-pci", 7, "\n");
	expect_none(&tree, &one, VFIO_FAILURE_NO_RESET, "");
	tree_fini(&tree);

	start(&tree, "\n");
	add_behind(&tree, TWIN, "pcieport", 7, "\n");
	tree_write(&tree, "sys/devices/pci0000:00/" TWIN "/class", "0x060400\n");
	expect_none(&tree, &both, VFIO_FAILURE_NO_RESET, "");
	tree_fini(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_its_own_resets_are_the_kernels_words),
		cmocka_unit_test(test_without_one_it_is_its_slots),
		cmocka_unit_test(test_a_slot_that_has_functions_of_others_is_none),
		cmocka_unit_test(test_a_group_goes_with_its_functions),
		cmocka_unit_test(test_a_root_bus_and_one_with_a_bridge_are_not_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
