// SPDX-License-Identifier: MIT
/*
 * itsy check: by what DMA goes, and what is looked at of the one that is taken; on a host that is a
 * folder.
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

static struct {
	struct host_tree tree;
	struct config config;
	struct check_host host;
	struct check_result result;
} w;

static int make(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	tree_init(&w.tree);
	w.host = (struct check_host){ .fs = w.tree.fs, .memlock = UINT64_MAX };
	w.config = (struct config){ .memory = 512 * MiB, .nr_devices = 1 };
	w.config.devices[0].bdf = (struct pci_bdf){ .dev = 2 };
	w.config.devices[1].bdf = (struct pci_bdf){ .dev = 2, .fn = 1 };
	return 0;
}

static int unmake(void **state)
{
	(void)state;
	tree_fini(&w.tree);
	return 0;
}

static void expect(check_fn *fn, enum verdict verdict, const char *text, const char *cure)
{
	w.result = (struct check_result){ 0 };
	fn(&w.host, &w.result);
	print_message("%s -> %s\n", w.result.text, w.result.cure);
	assert_int_equal(w.result.verdict, verdict);
	assert_non_null(strstr(w.result.text, text));
	assert_non_null(strstr(w.result.cure, cure));
}

static void has_iommufd(void)
{
	tree_write(&w.tree, "/dev/iommu", "");
	tree_write(&w.tree, "/dev/vfio/vfio", "");
	tree_write(&w.tree, "/proc/devices", "511 vfio-dev\n");
}

static void test_what_dma_goes_by_is_named_with_its_reason(void **state)
{
	(void)state;
	expect(check_dma, VERDICT_PASS, "by type1: this kernel has no iommufd", "");
	w.host.config = &w.config;
	expect(check_dma, VERDICT_PASS, "by type1: this kernel has no iommufd", "");
	w.config.iommu = VFIO_IOMMU_WISH_IOMMUFD;
	expect(check_dma, VERDICT_FAIL, "iommufd: it cannot be had: this kernel has no iommufd",
	       "iommu = auto");
	has_iommufd();
	expect(check_dma, VERDICT_PASS, "by iommufd: as it was asked for", "");
	w.config.nr_devices = 2;
	expect(check_dma, VERDICT_WARN, "no function's DMA reaches", "iommu = type1");
	w.config.iommu = VFIO_IOMMU_WISH_AUTO;
	expect(check_dma, VERDICT_PASS, "by type1: by iommufd no function reaches", "");
	w.config.nr_devices = 1;
	expect(check_dma, VERDICT_PASS, "by iommufd: for a guest with one device", "");
	w.config.nr_devices = 0;
	expect(check_dma, VERDICT_NONE, "", "");
	w.host.config = NULL;
	expect(check_dma, VERDICT_PASS, "by iommufd: for a guest with one device", "");
}

/* What is looked at, and what is said of locked memory, is of the one that is taken. */
static void test_with_iommufd_its_own_files_count(void **state)
{
	(void)state;
	has_iommufd();
	w.host.config = &w.config;
	tree_write(&w.tree, "/sys/bus/pci/drivers/vfio-pci/bind", "");
	expect(check_vfio, VERDICT_PASS, "/dev/iommu and the driver vfio-pci", "");
	tree_write(&w.tree, "/sys/module/iommufd/parameters/allow_unsafe_interrupts", "Y\n");
	expect(check_isolation, VERDICT_WARN, "forge", "modprobe iommufd without");
	w.host.memlock = 1024 * MiB;
	expect(check_memlock, VERDICT_PASS,
	       "1 GiB are enough, less what this user's other processes", "");
	w.config.iommu = VFIO_IOMMU_WISH_TYPE1;
	expect(check_vfio, VERDICT_PASS, "/dev/vfio/vfio and the driver", "");
	expect(check_isolation, VERDICT_PASS, "isolated", "");
	expect(check_memlock, VERDICT_PASS, "1 GiB are enough", "");
	assert_null(strstr(w.result.text, "other processes"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_dma_goes_by_is_named_with_its_reason),
		TEST(test_with_iommufd_its_own_files_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
