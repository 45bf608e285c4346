// SPDX-License-Identifier: MIT
/*
 * Which BARs will trap, from a copy of sysfs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "tests/unit/vfio/vfio_tree.h"
#include "vfio/bar_look.h"

#define BDF   "0000:00:01.0"
#define OTHER "sys/devices/pci0000:00/0000:00:02.0"
#define PLACE "sys/devices/pci0000:00/" BDF
#define PARAM "sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts"

#define NONE "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
#define NVME "0x0000000010000000 0x0000000010003fff 0x0000000000140204\n" NONE
#define TINY "0x0000000010004000 0x0000000010004fff 0x0000000000040200\n"
#define NEXT "0x0000000010005000 0x0000000010005fff 0x0000000000040200\n"
#define LAST "0x0000000010006000 0x0000000010006fff 0x0000000000040200\n"
#define SD   "0x0000000010008000 0x00000000100080ff 0x0000000000040200\n"
#define IO   "0x0000000000001000 0x000000000000101f 0x0000000000040101\n"

static const struct pci_bdf bdf = { .dev = 1 };

static void start(struct host_tree *tree, const char *resource)
{
	uint8_t config[256] = { [0x06] = 0x10, [0x34] = 0x40, [0x40] = 0x11,
				[0x42] = 64,   [0x45] = 0x20, [0x49] = 0x30 };
	const struct tree_function fn = { BDF, 0x1b36, 0x10, 0x010802, "vfio-pci",
					  1,   config, 256,  "flr\n" };

	tree_init(tree);
	tree_add_function(tree, &fn);
	tree_write(tree, PARAM, "N\n");
	if (resource)
		tree_write(tree, PLACE "/resource", resource);
}

static void expect(const struct host_tree *tree, uint64_t page, unsigned trapped, int moved_to)
{
	struct vfio_bar_look look;
	struct pci_function fn;

	assert_int_equal(pci_function_get(&tree->fs, &bdf, &fn), 0);
	vfio_bar_look(&tree->fs, &fn, page, &look);
	assert_int_equal(look.trapped, trapped);
	assert_int_equal(look.table_moved_to, moved_to);
	assert_int_equal(look.page, page);
}

static void test_what_traps_is_known_before(void **state)
{
	struct host_tree tree;

	(void)state;
	start(&tree, NVME NONE NONE NONE NONE NONE);
	expect(&tree, 0x1000, 0, -1);
	expect(&tree, 0x4000, 0, 2);
	expect(&tree, 0x10000, 0, 2);
	tree_write(&tree, PARAM, "Y\n");
	expect(&tree, 0x4000, 1u << 0, -1);
	tree_fini(&tree);

	start(&tree, NVME TINY NEXT LAST IO NONE);
	expect(&tree, 0x1000, 0, -1);
	expect(&tree, 0x4000, 1u << 0 | 1u << 2 | 1u << 3 | 1u << 4, -1);
	/* Only root sees where the table is. */
	tree_write_bytes(&tree, PLACE "/config", (uint8_t[64]){ 0 }, 64);
	expect(&tree, 0x4000, 1u << 2 | 1u << 3 | 1u << 4, -1);
	tree_fini(&tree);
}

/* A BAR that is smaller than a page is mapped where nothing else is in that page. */
static void test_who_else_is_in_a_page_is_seen(void **state)
{
	const struct tree_function neighbour = {
		.bdf = "0000:00:02.0", .vendor = 0x1b36, .device = 0x0005, .group = 2, .reset = ""
	};
	struct host_tree tree;

	(void)state;
	start(&tree, NONE TINY SD NONE NONE NONE NONE);
	tree_add_function(&tree, &neighbour);
	expect(&tree, 0x4000, 1u << 2, -1);
	/* Behind it in its page; in the next one; and in its page as an expansion ROM. */
	tree_write(&tree, OTHER "/resource", NEXT NONE NONE NONE NONE NONE NONE);
	expect(&tree, 0x4000, 1u << 1 | 1u << 2, -1);
	tree_write(&tree, OTHER "/resource", SD NONE NONE NONE NONE NONE NONE);
	expect(&tree, 0x4000, 1u << 2, -1);
	tree_write(&tree, OTHER "/resource", NONE NONE NONE NONE NONE NONE LAST);
	expect(&tree, 0x4000, 1u << 1 | 1u << 2, -1);
	/* It does not begin a page of that size. */
	tree_write(&tree, OTHER "/resource", NONE NONE NONE NONE NONE NONE NONE);
	expect(&tree, 0x10000, 1u << 1 | 1u << 2, -1);
	tree_fini(&tree);
}

static void test_what_sysfs_does_not_tell_is_nothing(void **state)
{
	struct host_tree tree;

	(void)state;
	start(&tree, NULL);
	expect(&tree, 0x4000, 0, -1);
	tree_write(&tree, PLACE "/resource", NVME "nonsense\n");
	expect(&tree, 0x4000, 0, -1);
	tree_write(&tree, PLACE "/resource", NVME);
	expect(&tree, 0x4000, 0, -1);
	tree_fini(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_traps_is_known_before),
		cmocka_unit_test(test_who_else_is_in_a_page_is_seen),
		cmocka_unit_test(test_what_sysfs_does_not_tell_is_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
