// SPDX-License-Identifier: MIT
/*
 * PCI in the device tree: windows, pins, root ports, and the ways of messages to the ITSs.
 */
#include <stdio.h>

#include "tests/unit/machine/fdt_world.h"
#include "vmm/config/config.h"
#include "vmm/dev/pci_host.h"

/* As the guest looks a pin up: device number and pin, under the mask. */
static unsigned intid_of(unsigned slot, unsigned pin)
{
	const fdt32_t *map = property("/pcie", "interrupt-map", 16 * 10 * 4);
	const uint32_t gic = fdt_get_phandle(tree, node("/interrupt-controller"));

	for (unsigned i = 0; i < 16; i++, map += 10) {
		if (fdt32_to_cpu(map[0]) != (slot << 11 & 0x1800) || fdt32_to_cpu(map[3]) != pin)
			continue;
		assert_int_equal(map[1], 0);
		assert_int_equal(map[2], 0);
		assert_int_equal(fdt32_to_cpu(map[4]), gic);
		assert_int_equal(map[5], 0);
		assert_int_equal(map[6], 0);
		assert_int_equal(map[7], 0);		   /* an SPI */
		assert_int_equal(fdt32_to_cpu(map[9]), 4); /* level, high */
		return fdt32_to_cpu(map[8]) + 32;
	}
	fail();
	return 0;
}

static void test_each_pin_of_each_function_has_its_interrupt(void **state)
{
	struct fdt_machine m = machine_of(1);

	(void)state;
	build(&m);
	HAS_CELLS("/pcie", "#interrupt-cells", 1);
	HAS_CELLS("/pcie", "interrupt-map-mask", 0x1800, 0, 0, 7);
	for (unsigned slot = 0; slot < 32; slot++)
		for (unsigned pin = 1; pin <= 4; pin++)
			assert_int_equal(intid_of(slot, pin), pci_host_intid(slot << 3, pin));
}

static void test_host_bridge_has_its_windows_and_maps_all_requesters_to_the_its(void **state)
{
	struct fdt_machine m = machine_of(1);
	uint32_t its;

	(void)state;
	build(&m);
	its = fdt_get_phandle(tree, node("/interrupt-controller/msi-controller"));
	assert_true(its != 0);
	has_string("/pcie", "compatible", "pci-host-ecam-generic");
	has_string("/pcie", "device_type", "pci");
	HAS_CELLS("/pcie", "#address-cells", 3);
	HAS_CELLS("/pcie", "#size-cells", 2);
	HAS_CELLS("/pcie", "reg", 0, 0x10000000, 0, 0x100000);
	HAS_CELLS("/pcie", "bus-range", 0, 0);
	HAS_CELLS("/pcie", "msi-map", 0, its, 0, 0x10000);
	has_flag("/pcie", "dma-coherent");
	HAS_CELLS("/pcie", "ranges",
		  /* I/O ports, from 0 on */
		  0x01000000, 0, 0, 0, 0x11000000, 0, 0x10000,
		  /* 32-bit, not prefetchable */
		  0x02000000, 0, 0x12000000, 0, 0x12000000, 0, 0x28000000,
		  /* 64-bit, not prefetchable: for BARs of both kinds */
		  0x03000000, 0x80, 0, 0x80, 0, 0x70, 0);
}

#define PORT "/pcie/pci@3,0"

/* As the guest looks a pin of the device behind the port up. */
static unsigned intid_behind(const char *port, unsigned pin)
{
	const fdt32_t *map = property(port, "interrupt-map", 4 * 10 * 4);

	HAS_CELLS(port, "#interrupt-cells", 1);
	HAS_CELLS(port, "interrupt-map-mask", 0, 0, 0, 7);
	for (unsigned i = 0; i < 4; i++, map += 10)
		if (fdt32_to_cpu(map[3]) == pin)
			return fdt32_to_cpu(map[8]) + 32;
	fail();
	return 0;
}

static void test_a_root_port_has_a_bus_and_the_way_of_its_functions_interrupts(void **state)
{
	const struct fdt_function functions[] = {
		{ 0x100, 0, 0x100, .behind = true, .port = 3 },
		{ .requester_id = 0x08, .its = 0, .devid = 0x08 },
		{ 0x105, 1, 0x77, .behind = true, .port = 3 },
		{ 0x200, 1, 0x200, .behind = true, .port = 9 },
	};
	struct fdt_machine m = machine_of(1);
	uint32_t its, second;

	(void)state;
	m.nr_its = 2;
	m.functions = functions;
	m.nr_functions = ARRAY_SIZE(functions);
	m.root_ports = 1u << 3 | 1u << 9;
	build(&m);
	its = fdt_get_phandle(tree, node("/interrupt-controller/msi-controller@8080000"));
	second = fdt_get_phandle(tree, node("/interrupt-controller/msi-controller@80a0000"));
	HAS_CELLS("/pcie", "reg", 0, 0x10000000, 0, 0x300000);
	HAS_CELLS("/pcie", "bus-range", 0, 2);
	(void)property("/pcie", "msi-map", 4 * 4 * 4);
	has_string(PORT, "device_type", "pci");
	HAS_CELLS(PORT, "reg", 3 << 11, 0, 0, 0, 0);
	HAS_CELLS(PORT, "#address-cells", 3);
	HAS_CELLS(PORT, "#size-cells", 2);
	has_flag(PORT, "ranges");
	/* The port itself, and the functions whatever number the bus has. */
	HAS_CELLS(PORT, "msi-map", 0x18, its, 0x18, 1, 0x100, its, 0x100, 1, 0x105, second, 0x77, 1,
		  0x200, its, 0x100, 1, 0x205, second, 0x77, 1);
	HAS_CELLS("/pcie/pci@9,0", "msi-map", 0x48, its, 0x48, 1, 0x100, second, 0x200, 1, 0x200,
		  second, 0x200, 1);
	for (unsigned pin = 1; pin <= 4; pin++) {
		assert_int_equal(intid_behind(PORT, pin), pci_host_intid(3 << 3 | 5, pin));
		assert_int_equal(intid_behind("/pcie/pci@9,0", pin), pci_host_intid(9 << 3, pin));
	}
}

static void its_path(size_t n, char *out, size_t cap)
{
	(void)snprintf(out, cap, "/interrupt-controller/msi-controller@%zx",
		       (size_t)0x8080000 + n * 0x20000);
}

static void test_each_its_has_a_node_with_its_frame_and_handle(void **state)
{
	struct fdt_machine m = machine_of(2);
	uint32_t highest;
	int gic;

	(void)state;
	for (size_t nr = 1; nr <= CONFIG_MAX_ITS; nr++) {
		size_t found = 0;
		int child;

		m.nr_its = nr;
		build(&m);
		gic = node("/interrupt-controller");
		assert_int_equal(fdt_node_offset_by_phandle(tree, fdt_get_phandle(tree, gic)), gic);
		fdt_for_each_subnode(child, tree, gic) found++;
		assert_int_equal(found, nr);
		for (size_t i = 0; i < nr; i++) {
			char path[64];
			int its;

			its_path(i, path, sizeof(path));
			its = node(path);
			HAS_CELLS(path, "reg", 0, 0x8080000 + (uint32_t)i * 0x20000, 0, 0x20000);
			HAS_CELLS(path, "#msi-cells", 1);
			has_flag(path, "msi-controller");
			has_string(path, "compatible", "arm,gic-v3-its");
			assert_int_equal(
				fdt_node_offset_by_phandle(tree, fdt_get_phandle(tree, its)), its);
		}
		/* As many handles as there are nodes that have one. */
		assert_int_equal(fdt_find_max_phandle(tree, &highest), 0);
		assert_int_equal(highest, 3 + nr); /* GIC, clock, GPIO controller */
	}
}

/* A function on bus 0. */
#define FN(requester_id_, its_, devid_)                                           \
	{                                                                         \
		.requester_id = (requester_id_), .its = (its_), .devid = (devid_) \
	}

static const struct wiring {
	const char *why;
	size_t nr_functions;
	struct fdt_function functions[3];
	bool plain; /* one entry for all requesters */
} wirings[] = {
	{ "no functions", 0, { FN(0, 0, 0) }, true },
	{ "requester IDs on the first", 2, { FN(0, 0, 0), FN(8, 0, 8) }, true },
	{ "one on the second", 2, { FN(0, 0, 0), FN(8, 1, 8) }, false },
	{ "all on the second", 2, { FN(0, 1, 0), FN(8, 1, 8) }, false },
	{ "a DeviceID of its own", 3, { FN(0, 0, 0), FN(8, 0, 8), FN(16, 0, 0xfedcba98) }, false },
	{ "one DeviceID on two ITSs", 3, { FN(0, 0, 5), FN(8, 1, 5), FN(16, 2, 5) }, false },
};

static void check_wiring(const struct wiring *w)
{
	struct fdt_machine m = machine_of(1);
	uint32_t want[4 * ARRAY_SIZE(w->functions)], its[3];

	m.nr_its = ARRAY_SIZE(its);
	m.functions = w->functions;
	m.nr_functions = w->nr_functions;
	build(&m);
	for (size_t i = 0; i < ARRAY_SIZE(its); i++) {
		char path[64];

		its_path(i, path, sizeof(path));
		its[i] = fdt_get_phandle(tree, node(path));
	}
	if (w->plain) {
		HAS_CELLS("/pcie", "msi-map", 0, its[0], 0, 0x10000);
		return;
	}
	for (size_t i = 0; i < w->nr_functions; i++) {
		want[4 * i] = w->functions[i].requester_id;
		want[4 * i + 1] = its[w->functions[i].its];
		want[4 * i + 2] = w->functions[i].devid;
		want[4 * i + 3] = 1;
	}
	has_cells("/pcie", "msi-map", want, 4 * w->nr_functions);
}

static void test_msi_map_has_an_entry_per_function_where_one_is_not_plain(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wirings); i++) {
		print_message("%s\n", wirings[i].why);
		check_wiring(&wirings[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_host_bridge_has_its_windows_and_maps_all_requesters_to_the_its),
		cmocka_unit_test(test_each_pin_of_each_function_has_its_interrupt),
		cmocka_unit_test(
			test_a_root_port_has_a_bus_and_the_way_of_its_functions_interrupts),
		cmocka_unit_test(test_each_its_has_a_node_with_its_frame_and_handle),
		cmocka_unit_test(test_msi_map_has_an_entry_per_function_where_one_is_not_plain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
