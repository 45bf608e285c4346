// SPDX-License-Identifier: MIT
/*
 * What itsy check says of a function beside who has it: how it is reset, and what of it traps.
 */
#include <stdio.h>

#include "tests/unit/check/check_world.h"

#define BRIDGE "0000:00:05.0"
#define FIRST  "0000:00:02.0"
#define SECOND "0000:00:02.1"

static void add(const char *bdf, const char *driver, int group, const char *reset)
{
	/* MSI-X of 65 vectors */
	static const uint8_t config[256] = {
		[0x06] = 0x10, [0x34] = 0x60, [0x60] = 0x11, [0x62] = 64
	};
	const struct tree_function fn = {
		bdf,	0x8086, 0x10d3, !strcmp(bdf, BRIDGE) ? 0x060400 : 0x020000,
		driver, group,	config, sizeof(config),
		reset,
	};

	tree_add_function(&w.tree, &fn);
}

static void move_behind_bridge(const char *bdf)
{
	char link[64], place[64];

	(void)snprintf(link, sizeof(link), "sys/bus/pci/devices/%s", bdf);
	(void)snprintf(place, sizeof(place), "../../../devices/pci0000:00/" BRIDGE "/%s", bdf);
	tree_remove(&w.tree, link);
	tree_link(&w.tree, link, place);
	(void)snprintf(link, sizeof(link), "sys/devices/pci0000:00/" BRIDGE "/%s", bdf);
	(void)snprintf(place, sizeof(place), "../%s", bdf);
	tree_link(&w.tree, link, place);
}

static void expect_first(enum verdict verdict, const char *text, const char *cure)
{
	check_first(check_device);
	expect(verdict, text, cure);
}

/* Its slot has another one, which the configuration has too, or not. */
static void test_a_device_that_is_reset_with_its_slot_needs_all_of_it(void **state)
{
	(void)state;
	add(BRIDGE, "pcieport", 9, NULL);
	add(FIRST, "vfio-pci", 2, "\n");
	add(SECOND, "vfio-pci", 3, "\n");
	move_behind_bridge(FIRST);
	move_behind_bridge(SECOND);
	expect_first(VERDICT_WARN, "would reset " SECOND " too, which this guest has not",
		     "give this guest " SECOND " as well");
	w.config.nr_devices = 2;
	expect_first(VERDICT_PASS, "reset by bus, with " SECOND, "");
}

static void test_registers_that_trap_are_told(void **state)
{
	static const char none[] = "0 0 0\n0 0 0\n0 0 0\n0 0 0\n0 0 0\n0 0 0\n";
	char resource[96];

	(void)state;
	add(FIRST, "vfio-pci", 2, "flr");
	(void)snprintf(resource, sizeof(resource), "0 fff 200\n%s", none);
	tree_write(&w.tree, "sys/devices/pci0000:00/" FIRST "/resource", resource);
	expect_first(VERDICT_PASS, "reset by flr; 00.0 on the guest's bus", "");
	w.host.page_size = 16 * KiB;
	expect_first(VERDICT_PASS, "reset by flr; 00.0 on the guest's bus", "");
	/* Another one has registers in its page. */
	add(SECOND, "vfio-pci", 3, "flr");
	(void)snprintf(resource, sizeof(resource), "1000 1fff 200\n%s", none);
	tree_write(&w.tree, "sys/devices/pci0000:00/" SECOND "/resource", resource);
	expect_first(VERDICT_PASS, "; each access to registers of BAR 0 traps, some microseconds ",
		     "");
	/* The table is at the beginning of a BAR that is large enough. */
	(void)snprintf(resource, sizeof(resource), "0 7fff 200\n%s", none);
	tree_write(&w.tree, "sys/devices/pci0000:00/" FIRST "/resource", resource);
	tree_write(&w.tree, "sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts",
		   "N\n");
	expect_first(VERDICT_PASS, "; MSI-X table in BAR 1, off a page of 16 KiB ", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_device_that_is_reset_with_its_slot_needs_all_of_it),
		TEST(test_registers_that_trap_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
