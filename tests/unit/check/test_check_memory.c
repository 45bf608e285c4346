// SPDX-License-Identifier: MIT
/*
 * itsy check: where a guest's memory lies, on a host of text files.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/vfio/vfio_tree.h"
#include "vmm/base/bits.h"
#include "vmm/check/check.h"
#include "vmm/kvm/layout.h"

static void test_the_map_of_memory_is_told(void **state)
{
	static const struct {
		const char *iomem;
		size_t nr_devices;
		enum verdict verdict;
		const char *text, *cure;
	} cases[] = {
		{ "10000000-3effffff : PCI Bus 0000:00\n", 1, VERDICT_PASS,
		  "1 range from 0x40000000 on, 2048 MiB below 4 GiB", "" },
		{ "50000000-5fffffff : PCI Bus 0000:00\n", 1, VERDICT_PASS,
		  "2 ranges from 0x40000000 on, 2048 MiB below 4 GiB; "
		  "itsy run --print-memory-map says why",
		  "" },
		{ "50000000-efffffff : PCI Bus 0000:00\n", 1, VERDICT_PASS,
		  "2 ranges from 0x40000000 on, 496 MiB below 4 GiB; "
		  "itsy run --print-memory-map says why",
		  "" },
		{ "40000000-ffffffff : PCI Bus 0000:00\n", 1, VERDICT_WARN,
		  "1 range from 0x100000000 on, 0 MiB below 4 GiB: a device that reaches 32 bits "
		  "only finds none",
		  "pass through devices that reach 64 bits" },
		{ "00000000-00000000 : PCI Bus 0000:00\n", 1, VERDICT_WARN,
		  "1 range from 0x40000000 on, 2048 MiB below 4 GiB; the windows of pci0000:00, "
		  "which it may lie in, cannot be read",
		  "run itsy check as root" },
		{ "40000000-ffffffffffffffff : PCI Bus 0000:00\n", 1, VERDICT_FAIL,
		  "2048 MiB do not fit around what devices do not reach: 0 MiB are left, in 0 "
		  "ranges "
		  "of 8 at most",
		  "give the guest less memory; itsy run --print-memory-map shows what is in "
		  "the way" },
		/* Without devices there is nothing to ask. */
		{ "40000000-ffffffff : PCI Bus 0000:00\n", 0, VERDICT_NONE, "", "" },
	};
	static const struct tree_function fn = { .bdf = "0000:00:01.0", .group = -1 };
	struct host_tree tree;

	(void)state;
	tree_init(&tree);
	tree_add_function(&tree, &fn);
	/* Behind what is too small for a range of its own. */
	tree_write(&tree, "/sys/devices/pci0000:00/0000:00:01.0/iommu_group/reserved_regions",
		   "0xf0f00000 0xf0ffffff direct\n");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct config config = { .memory = 2 * GiB,
					       .nr_devices = cases[i].nr_devices,
					       .devices = { { .bdf = { .dev = 1 } } } };
		const struct check_host host = { .fs = tree.fs, .config = &config };
		struct check_result result = { 0 };

		print_message("%zu\n", i);
		tree_write(&tree, "/proc/iomem", cases[i].iomem);
		check_memory_map(&host, &result);
		assert_int_equal(result.verdict, cases[i].verdict);
		assert_string_equal(result.text, cases[i].text);
		assert_string_equal(result.cure, cases[i].cure);
	}
	tree_fini(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_map_of_memory_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
