// SPDX-License-Identifier: MIT
/*
 * itsy check: by what DMA goes, and what is looked at of the one that is taken; on a host that is a
 * folder.
 */
#include "tests/unit/check/check_world.h"

static void expect_of(check_fn *fn, enum verdict verdict, const char *text, const char *cure)
{
	check(fn);
	expect(verdict, text, cure);
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
	expect_of(check_dma, VERDICT_PASS, "by type1: this kernel has no iommufd", "");
	w.host.config = &w.config;
	expect_of(check_dma, VERDICT_PASS, "by type1: this kernel has no iommufd", "");
	w.config.iommu = VFIO_IOMMU_WISH_IOMMUFD;
	expect_of(check_dma, VERDICT_FAIL, "iommufd: it cannot be had: this kernel has no iommufd",
		  "iommu = auto");
	has_iommufd();
	expect_of(check_dma, VERDICT_PASS, "by iommufd: as it was asked for", "");
	w.config.nr_devices = 2;
	expect_of(check_dma, VERDICT_WARN, "no function's DMA reaches", "iommu = type1");
	w.config.iommu = VFIO_IOMMU_WISH_AUTO;
	expect_of(check_dma, VERDICT_PASS, "by type1: by iommufd no function reaches", "");
	w.config.nr_devices = 1;
	expect_of(check_dma, VERDICT_PASS, "by iommufd: for a guest with one device", "");
	w.config.nr_devices = 0;
	expect_of(check_dma, VERDICT_NONE, "", "");
	w.host.config = NULL;
	expect_of(check_dma, VERDICT_PASS, "by iommufd: for a guest with one device", "");
}

/* What is looked at, and what is said of locked memory, is of the one that is taken. */
static void test_with_iommufd_its_own_files_count(void **state)
{
	(void)state;
	has_iommufd();
	w.host.config = &w.config;
	tree_write(&w.tree, "/sys/bus/pci/drivers/vfio-pci/bind", "");
	expect_of(check_vfio, VERDICT_PASS, "/dev/iommu and the driver vfio-pci", "");
	tree_write(&w.tree, "/sys/module/iommufd/parameters/allow_unsafe_interrupts", "Y\n");
	expect_of(check_isolation, VERDICT_WARN, "forge", "modprobe iommufd without");
	w.host.memlock = 1024 * MiB;
	expect_of(check_memlock, VERDICT_PASS,
		  "1 GiB are enough, less what this user's other processes", "");
	w.config.iommu = VFIO_IOMMU_WISH_TYPE1;
	expect_of(check_vfio, VERDICT_PASS, "/dev/vfio/vfio and the driver", "");
	expect_of(check_isolation, VERDICT_PASS, "isolated", "");
	expect_of(check_memlock, VERDICT_PASS, "1 GiB are enough", "");
	assert_null(strstr(w.result.text, "other processes"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_dma_goes_by_is_named_with_its_reason),
		TEST(test_with_iommufd_its_own_files_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
