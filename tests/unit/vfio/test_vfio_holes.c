// SPDX-License-Identifier: MIT
/*
 * What is in the way of a function's DMA, on hosts of text files.
 */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/vfio/vfio_tree.h"
#include "vfio/holes.h"
#include "vmm/base/bits.h"

#define NODE "/sys/firmware/devicetree/base/soc/pcie@3600000"
/* phys.hi of windows, as device trees have them. */
#define IO	  0x81000000u
#define MEMORY32  0x82000000u
#define MEMORY64  0x43000000u
#define MAX_CELLS 700u

static struct {
	struct host_tree tree;
	struct vfio_holes holes;
} w;

/* Of a function behind a port of a host bridge of the device tree's. */
static const struct pci_bdf behind_tree = { .domain = 2, .bus = 1 };
/* Of one on the root bus 40 of domain 0, with ACPI. */
static const struct pci_bdf with_acpi = { .bus = 0x40, .dev = 1 };

static void write_cells(const char *name, const uint32_t cells[], size_t nr)
{
	uint8_t bytes[4 * MAX_CELLS];
	char path[128];

	assert_true(nr <= MAX_CELLS);
	for (size_t i = 0; i < 4 * nr; i++)
		bytes[i] = (uint8_t)(cells[i / 4] >> (24 - 8 * (i % 4)));
	(void)snprintf(path, sizeof(path), NODE "/%s", name);
	tree_write_bytes(&w.tree, path, bytes, 4 * nr);
}

#define CELLS(name, ...)                                       \
	do {                                                   \
		const uint32_t cells_[] = { __VA_ARGS__ };     \
		write_cells(name, cells_, ARRAY_SIZE(cells_)); \
	} while (0)

static int begin(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	tree_init(&w.tree);
	tree_link(
		&w.tree, "/sys/bus/pci/devices/0002:01:00.0",
		"../../../devices/platform/soc/3600000.pcie/pci0002:00/0002:00:00.0/0002:01:00.0");
	tree_dir(&w.tree,
		 "/sys/devices/platform/soc/3600000.pcie/pci0002:00/0002:00:00.0/0002:01:00.0");
	tree_link(&w.tree, "/sys/devices/platform/soc/3600000.pcie/of_node",
		  "../../../../firmware/devicetree/base/soc/pcie@3600000");
	CELLS("../#address-cells", 2);
	tree_link(&w.tree, "/sys/bus/pci/devices/0000:40:01.0",
		  "../../../devices/pci0000:40/0000:40:01.0");
	tree_dir(&w.tree, "/sys/devices/pci0000:40/0000:40:01.0");
	return 0;
}

static int end(void **state)
{
	(void)state;
	tree_fini(&w.tree);
	return 0;
}

static int look(const struct pci_bdf *bdf)
{
	memset(&w.holes, 0, sizeof(w.holes));
	return vfio_holes_of_function(&w.tree.fs, bdf, &w.holes);
}

static void has_hole(size_t n, enum vfio_hole_kind kind, uint64_t first, uint64_t last,
		     const char *of)
{
	const struct vfio_hole *hole = &w.holes.list[n];

	assert_true(n < w.holes.nr);
	if (hole->kind != kind || hole->first != first || hole->last != last)
		fail_msg("hole %zu is of kind %d, 0x%" PRIx64 "-0x%" PRIx64, n, hole->kind,
			 hole->first, hole->last);
	assert_string_equal(hole->of, of);
}

/* Mainline Layerscape's: what the bus calls 1 GiB, the CPU calls 0x9040000000. */
static void test_windows_of_the_device_tree_are_in_addresses_of_the_bus(void **state)
{
	(void)state;
	CELLS("ranges", IO, 0, 0, 0x90, 0x10000, 0, 0x10000, MEMORY32, 0, 0x40000000, 0x90,
	      0x40000000, 0, 0x40000000, MEMORY64, 0x94, 0, 0x94, 0, 4, 0);
	assert_int_equal(look(&behind_tree), 0);
	assert_int_equal(w.holes.nr, 2);
	has_hole(0, VFIO_HOLE_WINDOW, 0x40000000, 0x7fffffff, "pci0002:00");
	has_hole(1, VFIO_HOLE_WINDOW, 0x9400000000, 0x97ffffffff, "pci0002:00");
	assert_string_equal(w.holes.unread_windows, "");

	/* Of two functions of one host bridge each is there once. */
	assert_int_equal(vfio_holes_of_function(&w.tree.fs, &behind_tree, &w.holes), 0);
	assert_int_equal(w.holes.nr, 2);
}

static void test_addresses_of_the_parent_may_be_of_one_cell(void **state)
{
	(void)state;
	CELLS("../#address-cells", 1);
	CELLS("ranges", MEMORY32, 0, 0x40000000, 0x60000000, 0, 0x10000000);
	assert_int_equal(look(&behind_tree), 0);
	assert_int_equal(w.holes.nr, 1);
	has_hole(0, VFIO_HOLE_WINDOW, 0x40000000, 0x4fffffff, "pci0002:00");
	/* A parent that does not say has two. */
	tree_remove(&w.tree, "/sys/firmware/devicetree/base/soc/#address-cells");
	assert_int_equal(look(&behind_tree), 0);
	assert_string_equal(w.holes.unread_windows, "pci0002:00");
}

static void test_what_a_host_bridge_lets_nothing_through_at_is_a_hole(void **state)
{
	(void)state;
	CELLS("ranges", MEMORY32, 0, 0x10000000, 0, 0x10000000, 0, 0x10000000);
	CELLS("dma-ranges", MEMORY64, 8, 0x80000000, 8, 0x80000000, 0x78, 0x80000000, MEMORY64, 0,
	      0x80000000, 0, 0x80000000, 0, 0x80000000);
	assert_int_equal(look(&behind_tree), 0);
	assert_int_equal(w.holes.nr, 4);
	has_hole(1, VFIO_HOLE_DMA_RANGES, 0, 0x7fffffff, "pci0002:00");
	has_hole(2, VFIO_HOLE_DMA_RANGES, 0x100000000, 0x87fffffff, "pci0002:00");
	has_hole(3, VFIO_HOLE_DMA_RANGES, 0x8100000000, UINT64_MAX, "pci0002:00");

	/* Without any of memory, and where it is empty, all goes through. */
	write_cells("dma-ranges", NULL, 0);
	assert_int_equal(look(&behind_tree), 0);
	assert_int_equal(w.holes.nr, 1);
	/* And where one has all of it. */
	CELLS("dma-ranges", MEMORY64, 0, 0, 0, 0, 0xffffffff, 0xffffffff, MEMORY64, 0, 0, 0, 0, 1,
	      0);
	assert_int_equal(look(&behind_tree), 0);
	assert_int_equal(w.holes.nr, 2);
	has_hole(1, VFIO_HOLE_DMA_RANGES, UINT64_MAX, UINT64_MAX, "pci0002:00");
}

static void test_with_acpi_windows_are_in_the_map_of_memory(void **state)
{
	(void)state;
	tree_write(&w.tree, "/proc/iomem",
		   "10000000-1fffffff : PCI Bus 0000:00\n"
		   "  10000000-101fffff : PCI Bus 0000:40\n"
		   "30000000-3fffffff : PCI Bus 0000:40\n"
		   "  30000000-301fffff : PCI Bus 0000:41\n"
		   "80000000-ffffffff : System RAM\n"
		   "50000000000-57fffffffff : PCI Bus 0000:40\n");
	assert_int_equal(look(&with_acpi), 0);
	assert_int_equal(w.holes.nr, 3);
	has_hole(1, VFIO_HOLE_WINDOW, 0x30000000, 0x3fffffff, "pci0000:40");
	has_hole(2, VFIO_HOLE_WINDOW, 0x50000000000, 0x57fffffffff, "pci0000:40");
	assert_string_equal(w.holes.unread_windows, "");
}

/* _CRS may translate: what the CPU has at 0xa040000000, the bus has at 1 GiB. */
static void test_with_acpi_bars_tell_where_the_bus_has_a_window(void **state)
{
	static const struct {
		const char *what, *resources;
		uint8_t header;
		uint32_t bars[6];
		uint64_t first;
	} cases[] = {
		{ "a BAR of 32 bits, behind one of ports",
		  "0x0000000000001000 0x00000000000010ff 0x0000000000040101\n"
		  "0x000000a040100000 0x000000a0401fffff 0x0000000000040200\n",
		  0,
		  { 0x1001, 0x40100000 },
		  0x40000000 },
		{ "a BAR of 64 bits",
		  "0x000000a040100000 0x000000a0401fffff 0x000000000014220c\n",
		  0,
		  { 0x4010000c, 0x2 },
		  0x240000000 },
		{ "one that is not set",
		  "0x000000a040100000 0x000000a0401fffff 0x0000000000040200\n",
		  0,
		  { 0 },
		  0xa040000000 },
		{ "one of a function that is asleep",
		  "0x000000a040100000 0x000000a0401fffff 0x0000000000040200\n",
		  0,
		  { UINT32_MAX },
		  0xa040000000 },
		{ "one in another window",
		  "0x0000000010000000 0x00000000100fffff 0x0000000000040200\n",
		  0,
		  { 0x20000000 },
		  0xa040000000 },
		{ "one of a bridge",
		  "0x000000a040100000 0x000000a0401fffff 0x0000000000040200\n",
		  1,
		  { 0x40100000 },
		  0xa040000000 },
		{ "rubbish", "rubbish\n", 0, { 0x40100000 }, 0xa040000000 },
	};

	(void)state;
	tree_write(&w.tree, "/proc/iomem", "a040000000-a07fffffff : PCI Bus 0000:40\n");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t config[64] = { [14] = cases[i].header };

		print_message("%s\n", cases[i].what);
		for (unsigned n = 0; n < 24; n++)
			config[16 + n] = (uint8_t)(cases[i].bars[n / 4] >> 8 * (n % 4));
		tree_write_bytes(&w.tree, "/sys/devices/pci0000:40/0000:40:01.0/config", config,
				 sizeof(config));
		tree_write(&w.tree, "/sys/devices/pci0000:40/0000:40:01.0/resource",
			   cases[i].resources);
		assert_int_equal(look(&with_acpi), 0);
		assert_int_equal(w.holes.nr, 1);
		has_hole(0, VFIO_HOLE_WINDOW, cases[i].first, cases[i].first + 0x3fffffff,
			 "pci0000:40");
	}
}

static void test_windows_that_cannot_be_read_are_told(void **state)
{
	static const char *const maps[] = {
		/* As who is not root sees it. */
		"00000000-00000000 : PCI Bus 0000:40\n",
		"80000000-ffffffff : System RAM\n",
		"",
	};

	(void)state;
	assert_int_equal(look(&with_acpi), 0);
	assert_string_equal(w.holes.unread_windows, "pci0000:40");
	for (size_t i = 0; i < ARRAY_SIZE(maps); i++) {
		tree_write(&w.tree, "/proc/iomem", maps[i]);
		assert_int_equal(look(&with_acpi), 0);
		assert_string_equal(w.holes.unread_windows, "pci0000:40");
		assert_int_equal(w.holes.nr, 0);
	}
	/* Whoever made this host has it without one. */
	tree_link(&w.tree, "/sys/bus/pci/devices/0000:50:00.0", "../../../devices/0000:50:00.0");
	assert_int_equal(look(&(struct pci_bdf){ .bus = 0x50 }), 0);
	assert_string_equal(w.holes.unread_windows, "its host bridge");
	/* Half an entry of a device tree is none. */
	CELLS("ranges", MEMORY32, 0, 0x40000000);
	assert_int_equal(look(&behind_tree), 0);
	assert_string_equal(w.holes.unread_windows, "pci0002:00");
}

static void test_a_domain_behind_a_function_has_its_own_host_bridge(void **state)
{
	static const struct pci_bdf bdf = { .domain = 0x10000, .bus = 1 };

	(void)state;
	tree_link(
		&w.tree, "/sys/bus/pci/devices/10000:01:00.0",
		"../../../devices/pci0000:40/0000:40:02.0/pci10000:00/10000:00:00.0/10000:01:00.0");
	tree_write(&w.tree, "/proc/iomem",
		   "30000000-3fffffff : PCI Bus 0000:40\n50000000-5fffffff : PCI Bus 10000:00\n");
	assert_int_equal(look(&bdf), 0);
	assert_int_equal(w.holes.nr, 1);
	has_hole(0, VFIO_HOLE_WINDOW, 0x50000000, 0x5fffffff, "pci10000:00");
}

static void test_reserved_regions_are_those_of_the_functions_group(void **state)
{
	(void)state;
	tree_write(&w.tree, "/proc/iomem", "");
	assert_int_equal(look(&with_acpi), 0);
	assert_true(w.holes.unknown_group);

	tree_write(&w.tree, "/sys/devices/pci0000:40/0000:40:01.0/iommu_group/reserved_regions",
		   "0x0000000008000000 0x00000000080fffff msi\n"
		   "0x0000000050000000 0x0000000050ffffff direct-relaxable\n"
		   "0x00000000fd000000 0x00000000fd7fffff direct\n"
		   "rubbish\n"
		   "0x000000ffff000000 0x0000000000000000 reserved\n");
	assert_int_equal(look(&with_acpi), 0);
	assert_false(w.holes.unknown_group);
	assert_int_equal(w.holes.nr, 2);
	has_hole(0, VFIO_HOLE_RESERVED, 0x08000000, 0x080fffff, "msi");
	has_hole(1, VFIO_HOLE_RESERVED, 0xfd000000, 0xfd7fffff, "direct");
}

static void test_more_holes_than_there_may_be_are_an_error(void **state)
{
	char text[8192];
	size_t len = 0;
	uint32_t cells[65 * 7];

	(void)state;
	for (unsigned i = 0; i <= VFIO_MAX_HOLES; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "0x%x000 0x%xfff msi\n",
					2 * i, 2 * i);
	tree_write(&w.tree, "/sys/devices/pci0000:40/0000:40:01.0/iommu_group/reserved_regions",
		   text);
	assert_int_equal(look(&with_acpi), -E2BIG);

	for (uint32_t i = 0; i < 65; i++) {
		const uint32_t entry[7] = { MEMORY32, 0, i << 24, 0, i << 24, 0, 0x1000 };

		memcpy(cells + 7 * i, entry, sizeof(entry));
	}
	write_cells("ranges", cells, 64 * 7);
	assert_int_equal(look(&behind_tree), 0);
	write_cells("ranges", cells, 65 * 7);
	assert_int_equal(look(&behind_tree), -E2BIG);
}

static void test_a_function_that_is_not_there_has_none(void **state)
{
	static const struct pci_bdf nobody = { .bus = 9 };

	(void)state;
	assert_int_equal(look(&nobody), -ENOENT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(test_windows_of_the_device_tree_are_in_addresses_of_the_bus),
		TEST(test_addresses_of_the_parent_may_be_of_one_cell),
		TEST(test_what_a_host_bridge_lets_nothing_through_at_is_a_hole),
		TEST(test_with_acpi_windows_are_in_the_map_of_memory),
		TEST(test_with_acpi_bars_tell_where_the_bus_has_a_window),
		TEST(test_windows_that_cannot_be_read_are_told),
		TEST(test_a_domain_behind_a_function_has_its_own_host_bridge),
		TEST(test_reserved_regions_are_those_of_the_functions_group),
		TEST(test_more_holes_than_there_may_be_are_an_error),
		TEST(test_a_function_that_is_not_there_has_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
