// SPDX-License-Identifier: MIT
/*
 * PCI functions as sysfs shows them: names, attributes, vectors, groups.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <linux/pci_regs.h>
#include <string.h>

#include "tests/unit/vfio/vfio_tree.h"
#include "vfio/fail.h"

static void test_bdf_is_parsed_with_and_without_domain_in_either_case(void **state)
{
	static const struct {
		const char *text;
		struct pci_bdf want;
	} cases[] = {
		{ "0000:01:00.0", { 0, 1, 0, 0 } },
		{ "01:00.0", { 0, 1, 0, 0 } },
		{ "0000:Ff:1f.7", { 0, 255, 31, 7 } },
		{ "ABCD:0a:02.3", { 0xabcd, 10, 2, 3 } },
		{ "10000:00:02.0", { 0x10000, 0, 2, 0 } },
		{ "ffffffff:ff:1f.7", { ~0u, 255, 31, 7 } },
		{ "1:2:3.4", { 1, 2, 3, 4 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pci_bdf bdf;

		print_message("%s\n", cases[i].text);
		assert_int_equal(pci_bdf_parse(cases[i].text, &bdf), 0);
		assert_true(pci_bdf_equal(&bdf, &cases[i].want));
	}
}

static void test_what_is_no_bdf_is_refused(void **state)
{
	static const char *const cases[] = {
		"",
		"0",
		"01:00",
		"01:00.",
		"01:00.8",
		"01:20.0",
		"100:00.0",
		"01:00.0 ",
		" 01:00.0",
		"01:00.00",
		"0000:01:00",
		"0000:01:00.0x",
		"123456789:0:0.0",
		":01:00.0",
		"01::0.0",
		"0000:01:00:0",
		"0x01:00.0",
		"nvme0",
		"..",
		"-1:00.0",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pci_bdf bdf = { .bus = 99 };

		print_message("'%s'\n", cases[i]);
		assert_int_equal(pci_bdf_parse(cases[i], &bdf), -EINVAL);
		assert_int_equal(bdf.bus, 99);
	}
}

static void test_bdf_is_printed_with_its_domain_and_read_back(void **state)
{
	static const struct pci_bdf bdfs[] = { { 0, 1, 0, 0 }, { ~0u, 255, 31, 7 } };
	static const char *const want[] = { "0000:01:00.0", "ffffffff:ff:1f.7" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char text[PCI_BDF_STRLEN + 1];
		struct pci_bdf back;

		text[PCI_BDF_STRLEN] = '!';
		assert_ptr_equal(pci_bdf_format(&bdfs[i], text), text);
		assert_int_equal(text[PCI_BDF_STRLEN], '!');
		assert_string_equal(text, want[i]);
		assert_int_equal(pci_bdf_parse(want[i], &back), 0);
		assert_true(pci_bdf_equal(&back, &bdfs[i]));
	}
}

static const struct tree_function nic = {
	.bdf = "0000:00:02.0",
	.vendor = 0x8086,
	.device = 0x10d3,
	.class_code = 0x020000,
	.driver = "e1000e",
	.group = 7,
	.reset = "flr pm\n",
};

static void put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)value;
	at[1] = (uint8_t)(value >> 8);
}

static void test_function_is_read_with_all_its_attributes(void **state)
{
	struct tree_function entry = nic;
	uint8_t config[256] = { 0 };
	struct host_tree tree;
	struct pci_function fn;
	struct pci_bdf bdf = { .dev = 2 };

	(void)state;
	put16(config + PCI_STATUS, PCI_STATUS_CAP_LIST);
	config[PCI_CAPABILITY_LIST] = 0x42; /* the lowest two bits are reserved */
	put16(config + 0x40, PCI_CAP_ID_MSI | 0x60 << 8);
	put16(config + 0x42, 0x0180 | 3 << 1);
	put16(config + 0x60, PCI_CAP_ID_MSIX);
	put16(config + 0x62, 2047);
	entry.config = config;
	entry.config_size = sizeof(config);
	tree_init(&tree);
	tree_add_function(&tree, &entry);
	assert_int_equal(pci_function_get(&tree.fs, &bdf, &fn), 0);
	assert_true(pci_bdf_equal(&fn.bdf, &bdf));
	assert_int_equal(fn.vendor, 0x8086);
	assert_int_equal(fn.device, 0x10d3);
	assert_int_equal(fn.class_code, 0x020000);
	assert_false(fn.is_bridge);
	assert_string_equal(fn.driver, "e1000e");
	assert_int_equal(fn.group, 7);
	assert_int_equal(fn.msi_vectors, 8);
	assert_int_equal(fn.msix_vectors, 2048);
	assert_string_equal(fn.reset, "flr pm");
	tree_fini(&tree);
}

static void test_virtual_functions_are_counted_and_absurd_numbers_are_none(void **state)
{
	static const char place[] = "sys/devices/pci0000:00/0000:00:02.0/";
	static const struct {
		const char *total, *number, *physfn;
		uint32_t vfs_max, vfs;
		bool is_vf;
	} cases[] = {
		{ "7\n", "2\n", NULL, 7, 2, false },
		{ "65535\n", "65535\n", NULL, 65535, 65535, false },
		{ "65536\n", "4294967295\n", NULL, 0, 0, false },
		{ "\n", "seven\n", NULL, 0, 0, false },
		{ "0\n", "0\n", "../0000:00:1f.7", 0, 0, true },
		{ "0\n", "0\n", "../no-function", 0, 0, false },
	};
	const struct pci_bdf bdf = { .dev = 2 }, pf = { .dev = 0x1f, .fn = 7 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct host_tree tree;
		struct pci_function fn;
		char path[128];

		tree_init(&tree);
		tree_add_function(&tree, &nic);
		(void)snprintf(path, sizeof(path), "%ssriov_totalvfs", place);
		tree_write(&tree, path, cases[i].total);
		(void)snprintf(path, sizeof(path), "%ssriov_numvfs", place);
		tree_write(&tree, path, cases[i].number);
		(void)snprintf(path, sizeof(path), "%sphysfn", place);
		if (cases[i].physfn)
			tree_link(&tree, path, cases[i].physfn);
		assert_int_equal(pci_function_get(&tree.fs, &bdf, &fn), 0);
		assert_int_equal(fn.vfs_max, cases[i].vfs_max);
		assert_int_equal(fn.vfs, cases[i].vfs);
		assert_int_equal(fn.is_vf, cases[i].is_vf);
		if (fn.is_vf)
			assert_true(pci_bdf_equal(&fn.pf, &pf));
		tree_fini(&tree);
	}
}

/* What an ordinary user sees: 64 bytes of configuration space. */
static void test_function_without_privilege_group_or_driver_is_still_read(void **state)
{
	struct tree_function entry = nic;
	uint8_t config[64] = { 0 };
	struct host_tree tree;
	struct pci_function fn;
	struct pci_bdf bdf = { .dev = 2 };

	(void)state;
	put16(config + PCI_STATUS, PCI_STATUS_CAP_LIST);
	config[PCI_CAPABILITY_LIST] = 0x50;
	config[PCI_HEADER_TYPE] = 0x81;
	entry.config = config;
	entry.config_size = sizeof(config);
	entry.driver = NULL;
	entry.group = -1;
	entry.reset = NULL;
	tree_init(&tree);
	tree_add_function(&tree, &entry);
	assert_int_equal(pci_function_get(&tree.fs, &bdf, &fn), 0);
	assert_true(fn.is_bridge);
	assert_string_equal(fn.driver, "");
	assert_int_equal(fn.group, -1);
	assert_int_equal(fn.msi_vectors, 0);
	assert_int_equal(fn.msix_vectors, 0);
	assert_string_equal(fn.reset, "");
	tree_fini(&tree);
}

static void test_circular_capability_list_ends(void **state)
{
	struct tree_function entry = nic;
	uint8_t config[256] = { 0 };
	struct host_tree tree;
	struct pci_function fn;
	struct pci_bdf bdf = { .dev = 2 };

	(void)state;
	put16(config + PCI_STATUS, PCI_STATUS_CAP_LIST);
	config[PCI_CAPABILITY_LIST] = 0xfc;
	put16(config + 0xfc, PCI_CAP_ID_MSIX | 0xfc << 8);
	put16(config + 0xfe, 3);
	entry.config = config;
	entry.config_size = sizeof(config);
	tree_init(&tree);
	tree_add_function(&tree, &entry);
	assert_int_equal(pci_function_get(&tree.fs, &bdf, &fn), 0);
	assert_int_equal(fn.msix_vectors, 4);
	/* Without the bit that says so, there is no list. */
	put16(config + PCI_STATUS, 0);
	tree_write_bytes(&tree, "sys/devices/pci0000:00/0000:00:02.0/config", config,
			 sizeof(config));
	assert_int_equal(pci_function_get(&tree.fs, &bdf, &fn), 0);
	assert_int_equal(fn.msix_vectors, 0);
	tree_fini(&tree);
}

static void test_function_that_is_not_there_or_not_readable_is_an_error(void **state)
{
	static const struct {
		const char *why, *path, *text;
	} cases[] = {
		{ "no number", "sys/devices/pci0000:00/0000:00:02.0/vendor", "Intel\n" },
		{ "empty", "sys/devices/pci0000:00/0000:00:02.0/device", "" },
		{ "too large", "sys/devices/pci0000:00/0000:00:02.0/class", "0x100000000\n" },
	};
	struct pci_bdf bdf = { .dev = 2 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct host_tree tree;
		struct pci_function fn;

		print_message("%s\n", cases[i].why);
		tree_init(&tree);
		assert_int_equal(pci_function_get(&tree.fs, &bdf, &fn), -ENOENT);
		tree_add_function(&tree, &nic);
		tree_write(&tree, cases[i].path, cases[i].text);
		assert_int_equal(pci_function_get(&tree.fs, &bdf, &fn), -EINVAL);
		tree_fini(&tree);
	}
}

static void test_list_is_sorted_and_skips_what_is_no_function(void **state)
{
	static const char *const names[] = { "0001:00:00.0", "0000:02:00.0", "0000:00:1f.7",
					     "0000:00:02.1", "0000:00:02.0", "10000:00:00.0" };
	static const char *const want[] = { "0000:00:02.0", "0000:00:02.1", "0000:00:1f.7",
					    "0000:02:00.0", "0001:00:00.0", "10000:00:00.0" };
	struct pci_function *fns = NULL;
	struct host_tree tree;
	size_t nr = 0;

	(void)state;
	tree_init(&tree);
	for (size_t i = 0; i < 6; i++) {
		struct tree_function entry = nic;

		entry.bdf = names[i];
		tree_add_function(&tree, &entry);
	}
	tree_link(&tree, "sys/bus/pci/devices/0000:00:05.0", "../../../devices/gone");
	tree_dir(&tree, "sys/bus/pci/devices/odd");
	assert_int_equal(pci_functions_list(&tree.fs, &fns, &nr), 0);
	assert_int_equal(nr, 6);
	for (size_t i = 0; i < nr; i++) {
		char text[PCI_BDF_STRLEN];

		assert_string_equal(pci_bdf_format(&fns[i].bdf, text), want[i]);
	}
	free(fns);
	tree_fini(&tree);
}

static void test_many_functions_are_all_listed(void **state)
{
	struct pci_function *fns = NULL;
	struct host_tree tree;
	size_t nr = 0;

	(void)state;
	tree_init(&tree);
	for (unsigned i = 0; i < 100; i++) {
		struct tree_function entry = nic;
		char name[PCI_BDF_STRLEN];

		(void)snprintf(name, sizeof(name), "0000:%02x:00.0", i);
		entry.bdf = name;
		tree_add_function(&tree, &entry);
	}
	assert_int_equal(pci_functions_list(&tree.fs, &fns, &nr), 0);
	assert_int_equal(nr, 100);
	assert_int_equal(fns[99].bdf.bus, 99);
	free(fns);
	tree_fini(&tree);
}

static void test_host_without_pci_has_no_functions(void **state)
{
	struct pci_function *fns = NULL;
	struct host_tree tree;
	size_t nr = 99;

	(void)state;
	tree_init(&tree);
	assert_int_equal(pci_functions_list(&tree.fs, &fns, &nr), 0);
	assert_int_equal(nr, 0);
	free(fns);
	tree_fini(&tree);
}

static void test_group_is_viable_unless_another_driver_has_a_part_of_it(void **state)
{
	static const struct {
		const char *why, *driver;
		bool bridge;
		int want;
	} cases[] = {
		{ "sibling without driver", NULL, false, 0 },
		{ "sibling on vfio-pci", "vfio-pci", false, 0 },
		{ "sibling on a variant of it", "mlx5_vfio_pci", false, 0 },
		{ "sibling on pci-stub", "pci-stub", false, 0 },
		{ "sibling is a bridge", "pcieport", true, 0 },
		{ "sibling is a bridge without driver", NULL, true, 0 },
		{ "sibling is a bridge with a driver that does DMA", "shpchp", true, -EPERM },
		{ "sibling on its own driver", "xhci_hcd", false, -EPERM },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tree_function sibling = nic;
		struct vfio_failure failure = { 0 };
		uint8_t config[64] = { 0 };
		struct pci_bdf bdf = { .dev = 2 };
		struct pci_function fn;
		struct host_tree tree;

		print_message("%s\n", cases[i].why);
		tree_init(&tree);
		tree_add_function(&tree, &nic);
		sibling.bdf = "0000:00:02.1";
		sibling.driver = cases[i].driver;
		config[PCI_HEADER_TYPE] = cases[i].bridge;
		sibling.config = config;
		sibling.config_size = sizeof(config);
		tree_add_function(&tree, &sibling);
		assert_int_equal(pci_function_get(&tree.fs, &bdf, &fn), 0);
		assert_int_equal(pci_group_viable(&tree.fs, &fn, NULL, &failure), cases[i].want);
		if (cases[i].want < 0) {
			assert_int_equal(failure.code, VFIO_FAILURE_NOT_VIABLE);
			assert_int_equal(failure.error, EPERM);
			assert_string_equal(failure.object, "0000:00:02.0");
			assert_string_equal(failure.other, "0000:00:02.1");
			assert_string_equal(failure.driver, cases[i].driver);
		}
		tree_fini(&tree);
	}
}

static void test_group_names_the_first_of_several_blockers_and_no_pci_ones_too(void **state)
{
	static const char *const blockers[] = { "0000:00:02.3", "0000:00:02.1", "0000:00:02.2" };
	struct vfio_failure failure = { 0 };
	struct pci_bdf bdf = { .dev = 2 };
	struct pci_function fn;
	struct host_tree tree;

	(void)state;
	tree_init(&tree);
	tree_add_function(&tree, &nic);
	assert_int_equal(pci_function_get(&tree.fs, &bdf, &fn), 0);
	tree_link(&tree, "sys/devices/platform/a.dma/driver",
		  "../../../bus/platform/drivers/pl330");
	tree_link(&tree, "sys/kernel/iommu_groups/7/devices/a.dma",
		  "../../../../devices/platform/a.dma");
	assert_int_equal(pci_group_viable(&tree.fs, &fn, NULL, &failure), -EPERM);
	assert_string_equal(failure.other, "a.dma");
	assert_string_equal(failure.driver, "pl330");
	for (size_t i = 0; i < 3; i++) {
		struct tree_function sibling = nic;

		sibling.bdf = blockers[i];
		tree_add_function(&tree, &sibling);
	}
	assert_int_equal(pci_group_viable(&tree.fs, &fn, NULL, &failure), -EPERM);
	assert_string_equal(failure.other, "0000:00:02.1");
	tree_fini(&tree);
}

static void test_function_without_group_is_not_viable(void **state)
{
	struct tree_function entry = nic;
	struct vfio_failure failure = { 0 };
	struct pci_bdf bdf = { .dev = 2 };
	struct pci_function fn;
	struct host_tree tree;

	(void)state;
	entry.group = -1;
	tree_init(&tree);
	tree_add_function(&tree, &entry);
	assert_int_equal(pci_function_get(&tree.fs, &bdf, &fn), 0);
	assert_int_equal(pci_group_viable(&tree.fs, &fn, NULL, &failure), -ENODEV);
	assert_int_equal(failure.code, VFIO_FAILURE_NO_GROUP);
	tree_fini(&tree);
}

/* Names that are too long for a failure are cut, and still end. */
static void test_failure_names_are_cut_to_what_fits(void **state)
{
	struct vfio_failure failure = { .have = 1, .other = "before" };
	char text[200];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(vfio_fail(&failure, VFIO_FAILURE_OTHER, -EIO, "%s", text), -EIO);
	assert_int_equal(failure.error, EIO);
	assert_int_equal(failure.have, 0);
	assert_string_equal(failure.other, "");
	assert_int_equal(strlen(failure.object), sizeof(failure.object) - 1);
	vfio_failure_other(&failure, text);
	vfio_failure_driver(&failure, text);
	assert_int_equal(strlen(failure.other), sizeof(failure.other) - 1);
	assert_int_equal(strlen(failure.driver), sizeof(failure.driver) - 1);
	vfio_failure_numbers(&failure, 2, 3);
	assert_true(failure.have == 2);
	assert_true(failure.want == 3);
	vfio_copy_text(text, 1, "abc");
	assert_string_equal(text, "");
	vfio_copy_text(text, 4, "abc");
	assert_string_equal(text, "abc");
	vfio_copy_text(text, 3, "abc");
	assert_string_equal(text, "ab");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bdf_is_parsed_with_and_without_domain_in_either_case),
		cmocka_unit_test(test_what_is_no_bdf_is_refused),
		cmocka_unit_test(test_bdf_is_printed_with_its_domain_and_read_back),
		cmocka_unit_test(test_function_is_read_with_all_its_attributes),
		cmocka_unit_test(test_virtual_functions_are_counted_and_absurd_numbers_are_none),
		cmocka_unit_test(test_function_without_privilege_group_or_driver_is_still_read),
		cmocka_unit_test(test_circular_capability_list_ends),
		cmocka_unit_test(test_function_that_is_not_there_or_not_readable_is_an_error),
		cmocka_unit_test(test_list_is_sorted_and_skips_what_is_no_function),
		cmocka_unit_test(test_many_functions_are_all_listed),
		cmocka_unit_test(test_host_without_pci_has_no_functions),
		cmocka_unit_test(test_group_is_viable_unless_another_driver_has_a_part_of_it),
		cmocka_unit_test(
			test_group_names_the_first_of_several_blockers_and_no_pci_ones_too),
		cmocka_unit_test(test_failure_names_are_cut_to_what_fits),
		cmocka_unit_test(test_function_without_group_is_not_viable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
