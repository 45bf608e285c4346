// SPDX-License-Identifier: MIT
/*
 * Has the host a guest's memory, and where does it lie? On hosts of text files.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/vfio/vfio_tree.h"
#include "vmm/base/bits.h"
#include "vmm/kvm/layout.h"
#include "vmm/machine/guest_memory.h"

#define PAGES_2M "/sys/kernel/mm/hugepages/hugepages-2048kB/"

static struct host_tree tree;

static int begin(void **state)
{
	(void)state;
	tree_init(&tree);
	tree_write(&tree, "/proc/meminfo",
		   "MemTotal: 1048576 kB\nMemAvailable: 524288 kB\nSwapTotal: 262144 kB\n");
	tree_write(&tree, PAGES_2M "free_hugepages", "64\n");
	tree_write(&tree, PAGES_2M "resv_hugepages", "32\n");
	return 0;
}

static int end(void **state)
{
	(void)state;
	tree_fini(&tree);
	return 0;
}

static void test_what_is_free_or_short_or_not_there_is_told(void **state)
{
	static const struct {
		uint64_t mib, huge_page;
		size_t nr_devices;
		int r;
		const char *cause, *cure;
	} cases[] = {
		{ 444, 0, 1, GUEST_MEMORY_FREE, "", "" },
		{ 446, 0, 0, GUEST_MEMORY_SHORT,
		  "the guest may use 446 MiB, and 67 MiB beside it, and 512 MiB are free",
		  "give the guest 444 MiB of memory at most, or end other programs" },
		{ 446, 0, 1, -ENOMEM,
		  "DMA would lock 446 MiB, and 67 MiB beside it, and 512 MiB are free",
		  "give the guest 444 MiB of memory at most, or end other programs" },
		/* 1 GiB of memory and 256 MiB of swap. */
		{ 1206, 0, 0, GUEST_MEMORY_SHORT,
		  "the guest may use 1206 MiB, and 73 MiB beside it, and 512 MiB are free",
		  "give the guest 444 MiB of memory at most, or end other programs" },
		{ 1208, 0, 0, -ENOMEM,
		  "1208 MiB are more than this host has: 1280 MiB, with its swap",
		  "give the guest less memory" },
		/* With devices or without, they are set aside at once. */
		{ 64, 2 * MiB, 0, GUEST_MEMORY_FREE, "", "" },
		{ 64, 2 * MiB, 1, GUEST_MEMORY_FREE, "", "" },
		{ 66, 2 * MiB, 0, -ENOMEM, "33 huge pages of 2 MiB are needed, and 32 are free",
		  "add 1 to /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages" },
		{ 1024, GiB, 0, -ENOMEM, "the host has no huge pages of 1 GiB",
		  "see /sys/kernel/mm/hugepages, or set memory-backing = \"thp\"" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct config config = { .memory = cases[i].mib * MiB,
					       .huge_page = cases[i].huge_page,
					       .nr_devices = cases[i].nr_devices };
		struct failure failure = { 0 };

		print_message("%zu\n", i);
		assert_int_equal(guest_memory_find(&config, tree.fs.root, &failure), cases[i].r);
		assert_string_equal(failure.cause, cases[i].cause);
		assert_string_equal(failure.cure, cases[i].cure);
	}
}

/* The least of what the host has and of what each cgroup around this process leaves. */
static void test_what_its_cgroups_leave_is_all_there_is(void **state)
{
	struct config config = { .memory = 320 * MiB, .nr_devices = 1 };
	struct failure failure = { 0 };

	(void)state;
	tree_write(&tree, "/proc/self/cgroup", "1:cpu:/other\n0::/guests/box.service\n");
	tree_write(&tree, "/sys/fs/cgroup/guests/box.service/memory.max", "max\n");
	tree_write(&tree, "/sys/fs/cgroup/guests/memory.max", "536870912\n");	  /* 512 MiB */
	tree_write(&tree, "/sys/fs/cgroup/guests/memory.current", "268435456\n"); /* 256 MiB */
	tree_write(&tree, "/sys/fs/cgroup/guests/memory.stat",
		   "anon 1\ninactive_file 67108864\nactive_file 67108864\n"); /* 128 MiB */
	assert_int_equal(guest_memory_find(&config, tree.fs.root, &failure), -ENOMEM);
	assert_string_equal(failure.cause, "DMA would lock 320 MiB, and 66 MiB beside it, and "
					   "384 MiB are free in its cgroup");
	assert_string_equal(
		failure.cure,
		"give the guest 317 MiB of memory at most, or raise /sys/fs/cgroup/guests/"
		"memory.max (MemoryMax= of a unit)");
	config.memory = 317 * MiB;
	assert_int_equal(guest_memory_find(&config, tree.fs.root, &failure), GUEST_MEMORY_FREE);
	config.nr_devices = 0;
	config.memory = 320 * MiB;
	assert_int_equal(guest_memory_find(&config, tree.fs.root, &failure), GUEST_MEMORY_SHORT);
	tree_write(&tree, "/sys/fs/cgroup/guests/box.service/memory.max", "1048576\n");
	assert_int_equal(guest_memory_find(&config, tree.fs.root, &failure), GUEST_MEMORY_SHORT);
	assert_string_equal(failure.cure, "raise /sys/fs/cgroup/guests/box.service/memory.max "
					  "(MemoryMax= of a unit)");
	/* Huge pages are the pool's. */
	config.huge_page = 2 * MiB;
	config.memory = 64 * MiB;
	assert_int_equal(guest_memory_find(&config, tree.fs.root, &failure), GUEST_MEMORY_FREE);
}

static void test_what_may_be_locked_is_told_with_both_figures(void **state)
{
	struct config config = { .memory = 64 * MiB, .nr_devices = 1 };
	struct failure failure = { 0 };

	(void)state;
	assert_int_equal(guest_memory_lock(&config, UINT64_MAX, &failure), 0);
	assert_int_equal(guest_memory_lock(&config, 64 * MiB, &failure), 0);
	assert_int_equal(guest_memory_lock(&config, 64 * MiB - 1024, &failure), -ENOMEM);
	assert_string_equal(failure.object, "RLIMIT_MEMLOCK");
	assert_string_equal(failure.cause, "64 MiB of guest memory must be locked for DMA, and the "
					   "limit is 65,535 KiB");
	config.nr_devices = 0;
	assert_int_equal(guest_memory_lock(&config, 0, &failure), 0);
}

/* A host that does not tell is believed to have it: the mapping will show. */
static void test_a_host_that_does_not_tell_is_tried(void **state)
{
	const struct config config = { .memory = 511 * GiB, .nr_devices = 1 };
	struct failure failure = { 0 };

	(void)state;
	tree_write(&tree, "/proc/meminfo", "nothing\n");
	assert_int_equal(guest_memory_find(&config, tree.fs.root, &failure), GUEST_MEMORY_FREE);
}

/* ---- where it lies --------------------------------------------------------------------- */

#define BDF	"0000:00:01.0"
#define REGIONS "/sys/devices/pci0000:00/" BDF "/iommu_group/reserved_regions"

static struct config config_of(uint64_t memory, size_t nr_devices)
{
	return (struct config){
		.memory = memory,
		.nr_devices = nr_devices,
		.vcpus = 2,
		.nr_its = 1,
		.devices = { { .bdf = { .dev = 1 } }, { .bdf = { .dev = 9 } } },
	};
}

static void put_function(const char *iomem, const char *regions)
{
	static const struct tree_function fn = { .bdf = BDF, .group = -1 };

	tree_add_function(&tree, &fn);
	tree_write(&tree, "/proc/iomem", iomem);
	tree_write(&tree, REGIONS, regions);
}

static void has_banks(const struct guest_memory_map *map, const struct gmem_range want[], size_t nr)
{
	assert_int_equal(map->ram.nr, nr);
	for (size_t i = 0; i < nr; i++) {
		assert_int_equal(map->ram.banks[i].base, want[i].base);
		assert_int_equal(map->ram.banks[i].size, want[i].size);
	}
}

static void test_memory_lies_around_what_devices_do_not_reach(void **state)
{
	static const struct {
		const char *what, *iomem, *regions;
		uint64_t memory, huge_page;
		struct gmem_range want[2];
		size_t nr;
		uint64_t below_4g;
	} cases[] = {
		{ "nothing is in the way",
		  "10000000-3effffff : PCI Bus 0000:00\n8000000000-ffffffffff : PCI Bus 0000:00\n",
		  "0x08000000 0x080fffff msi\n",
		  GiB,
		  0,
		  { { GiB, GiB } },
		  1,
		  GiB },
		{ "the host bridge has all below 4 GiB",
		  "40000000-ffffffff : PCI Bus 0000:00\n",
		  "",
		  GiB,
		  0,
		  { { 4 * GiB, GiB } },
		  1,
		  0 },
		{ "a window, and a region behind it",
		  "50000000-5fffffff : PCI Bus 0000:00\n",
		  "0x60000000 0x6fffffff reserved\n",
		  GiB,
		  0,
		  { { GiB, 256 * MiB }, { 0x70000000, 768 * MiB } },
		  2,
		  GiB },
		{ "banks are of whole huge pages",
		  "90000000-90000fff : PCI Bus 0000:00\n",
		  "",
		  4 * GiB,
		  GiB,
		  { { GiB, GiB }, { 3 * GiB, 3 * GiB } },
		  2,
		  2 * GiB },
		{ "windows of another host bridge are not in the way",
		  "10000000-3effffff : PCI Bus 0000:00\n40000000-7fffffff : PCI Bus 0001:00\n",
		  "",
		  GiB,
		  0,
		  { { GiB, GiB } },
		  1,
		  GiB },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		/* The second device is not there, which is said elsewhere. */
		struct config config = config_of(cases[i].memory, 2);
		struct failure failure = { 0 };
		struct guest_memory_map map;

		print_message("%s\n", cases[i].what);
		put_function(cases[i].iomem, cases[i].regions);
		config.huge_page = cases[i].huge_page;
		assert_int_equal(guest_memory_place(&config, &tree.fs, NULL, &map, &failure), 0);
		has_banks(&map, cases[i].want, cases[i].nr);
		assert_int_equal(guest_memory_below_4g(&map), cases[i].below_4g);
		tree_remove(&tree, "/sys/devices");
		tree_remove(&tree, "/sys/bus");
	}
}

static void test_without_devices_it_is_one_range_whatever_the_host_has(void **state)
{
	const struct config config = config_of(LAYOUT_RAM_MAX, 0);
	static const struct gmem_range all = { LAYOUT_RAM, LAYOUT_RAM_MAX };
	struct failure failure = { 0 };
	struct guest_memory_map map;

	(void)state;
	put_function("40000000-ffffffff : PCI Bus 0000:00\n", "");
	assert_int_equal(guest_memory_place(&config, &tree.fs, NULL, &map, &failure), 0);
	has_banks(&map, &all, 1);
}

static void test_memory_that_has_no_place_is_told_with_what_is_left(void **state)
{
	const struct config config = config_of(2 * GiB, 1);
	struct failure failure = { 0 };
	struct guest_memory_map map;

	(void)state;
	put_function("60000000-6fffffff : PCI Bus 0000:00\n",
		     "0x80000000 0xffffffffffffffff reserved\n");
	assert_int_equal(guest_memory_place(&config, &tree.fs, NULL, &map, &failure), -ENOSPC);
	assert_int_equal(failure.status, ITSY_ENVIRONMENT);
	assert_string_equal(failure.object, "guest memory");
	assert_string_equal(
		failure.cause,
		"2048 MiB do not fit around what devices do not reach: 768 MiB are left, "
		"in 2 ranges of 8 at most");
	assert_non_null(strstr(failure.cure, "itsy run --print-memory-map"));
}

/* What the container says, once it is open. */
static struct vfio_hole unmappable;

int __wrap_vfio_container_holes(const struct vfio_container *c, struct vfio_holes *holes);
int __wrap_vfio_container_holes(const struct vfio_container *c, struct vfio_holes *holes)
{
	assert_ptr_equal(c, &tree);
	return vfio_hole_add(holes, &unmappable);
}

static void test_memory_moves_once_the_iommu_says_what_it_maps(void **state)
{
	static const struct vfio_hole holes[] = {
		{ 0x08000000, 0x080fffff, VFIO_HOLE_IOMMU, "" },
		{ 0x60000000, 0x600fffff, VFIO_HOLE_IOMMU, "" },
		{ 0x60000000, UINT64_MAX, VFIO_HOLE_IOMMU, "" },
	};
	const struct vfio_container *container = (const struct vfio_container *)&tree;
	const struct config config = config_of(GiB, 1);
	struct failure failure = { 0 };
	struct gmem mem = { 0 };
	uint64_t value = 7;

	(void)state;
	put_function("10000000-3effffff : PCI Bus 0000:00\n", "");
	assert_int_equal(guest_memory_make(&config, &tree.fs, NULL, &mem, &failure), 0);
	assert_int_equal(mem.nr, 1);
	assert_int_equal(gmem_write(&mem, LAYOUT_RAM, &value, 8), 0);

	/* What is elsewhere changes nothing: it is the same memory. */
	unmappable = holes[0];
	assert_int_equal(guest_memory_make(&config, &tree.fs, container, &mem, &failure), 0);
	assert_int_equal(gmem_read(&mem, LAYOUT_RAM, &value, 8), 0);
	assert_int_equal(value, 7);

	unmappable = holes[1];
	assert_int_equal(guest_memory_make(&config, &tree.fs, container, &mem, &failure), 0);
	assert_int_equal(mem.nr, 2);
	assert_int_equal(mem.banks[1].base, 0x60200000);
	assert_int_equal(gmem_size(&mem), GiB);

	unmappable = holes[2];
	assert_int_equal(guest_memory_make(&config, &tree.fs, container, &mem, &failure), -ENOSPC);
	gmem_fini(&mem);
}

static void prints(const struct config *config, const struct guest_memory_map *map,
		   const char *const want[], size_t nr)
{
	char *text = NULL, *at;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(guest_memory_print(config, map, out), 0);
	assert_int_equal(fclose(out), 0);
	at = text;
	for (size_t i = 0; i < nr; i++) {
		at = strstr(at, want[i]);
		if (!at)
			fail_msg("no '%s' behind the others in:\n%s", want[i], text);
	}
	/* The host's window that is below all memory, and the one above, where there is any. */
	assert_null(strstr(text, "0x003effffff"));
	assert_int_equal(strstr(text, "0x01ffffffff") != NULL, map->ram.nr == 0);
	free(text);
}

static void test_the_table_has_all_in_order_and_says_why_a_hole_is_there(void **state)
{
	static const char *const want[] = {
		"FROM          TO                   SIZE  WHAT\n",
		"0x0008000000  0x000800ffff       64 KiB  interrupt distributor\n",
		"0x0008080000  0x000809ffff      128 KiB  ITS\n",
		"0x0009000000  0x0009000fff        4 KiB  console\n",
		"0x0009010000  0x0009010fff        4 KiB  power button\n",
		"0x0009020000  0x0009020fff        4 KiB  real-time clock\n",
		"0x0009030000  0x000903ffff       64 KiB  stolen time of the vCPUs\n",
		"0x000a000000  0x000a03ffff      256 KiB  interrupt redistributors\n",
		"0x0010000000  0x00100fffff        1 MiB  PCI configuration space\n",
		"0x0011000000  0x001100ffff       64 KiB  PCI I/O ports\n",
		"0x0012000000  0x0039ffffff      640 MiB  PCI memory, 32 bits\n",
		"0x0040000000  0x004fffffff      256 MiB  memory\n",
		("0x0050000000  0x005fffffff      256 MiB  no memory: window of the host's PCI "
		 "bridge pci0000:00\n"),
		("0x0060000000  0x0060000fff        4 KiB  no memory: reserved by the host's "
		 "IOMMU: direct\n"),
		"0x0060200000  0x00901fffff      768 MiB  memory\n",
		"0x8000000000",
		"PCI memory, 64 bits\n",
	};
	static const char *const with_root_port = "0x0010000000  0x00101fffff        2 MiB  PCI "
						  "configuration space\n";
	static const char *const for_a_disk[] = {
		"0x0000000000  0x0007ffffff      128 MiB  firmware\n",
		"0x0009040000  0x0009040fff        4 KiB  console of the firmware\n",
	};
	struct config config = config_of(GiB, 1);
	struct failure failure = { 0 };
	struct guest_memory_map map;

	(void)state;
	/* What is below all memory, or above, is in nobody's way. */
	put_function("10000000-3effffff : PCI Bus 0000:00\n50000000-5fffffff : PCI Bus 0000:00\n"
		     "100000000-1ffffffff : PCI Bus 0000:00\n",
		     "0x60000000 0x60000fff direct\n");
	assert_int_equal(guest_memory_place(&config, &tree.fs, NULL, &map, &failure), 0);
	prints(&config, &map, want, ARRAY_SIZE(want));
	/* A bus behind a root port has configuration space of its own. */
	config.devices[0].root_port = true;
	prints(&config, &map, &with_root_port, 1);
	/* And what starts a guest from its disk is there. */
	config.boot = BOOT_WISH_DISK;
	prints(&config, &map, for_a_disk, ARRAY_SIZE(for_a_disk));
	/* Where it does not fit, all that is in the way is there. */
	tree_write(&tree, REGIONS, "0x100000000 0xffffffffffffffff direct\n");
	assert_int_equal(
		guest_memory_place(&(struct config){ .memory = 8 * GiB,
						     .nr_devices = 1,
						     .vcpus = 1,
						     .nr_its = 1,
						     .devices = { { .bdf = { .dev = 1 } } } },
				   &tree.fs, NULL, &map, &failure),
		-ENOSPC);
	prints(&config, &map, (const char *const[]){ "0x0100000000  0xffffffffffffffff" }, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(test_what_is_free_or_short_or_not_there_is_told),
		TEST(test_what_its_cgroups_leave_is_all_there_is),
		TEST(test_what_may_be_locked_is_told_with_both_figures),
		TEST(test_a_host_that_does_not_tell_is_tried),
		TEST(test_memory_lies_around_what_devices_do_not_reach),
		TEST(test_without_devices_it_is_one_range_whatever_the_host_has),
		TEST(test_memory_that_has_no_place_is_told_with_what_is_left),
		TEST(test_memory_moves_once_the_iommu_says_what_it_maps),
		TEST(test_the_table_has_all_in_order_and_says_why_a_hole_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
