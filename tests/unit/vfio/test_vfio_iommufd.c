// SPDX-License-Identifier: MIT
/*
 * iommufd: when it is chosen, what stands in its way, what it is asked for. What holds of type1,
 * too, is in test_vfio_container.c.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/unit/vfio/vfio_fake.h"
#include "vfio/cdev.h"
#include "vfio/container_priv.h"
#include "vfio/iommufd_abi.h"
#if __has_include(<linux/iommufd.h>)
#include <linux/iommufd.h>
#endif

#define BDF	"0000:00:01.0"
#define SIBLING "0000:00:01.1"
#define OTHER	"0000:00:02.0"
#define CDEV	"sys/bus/pci/devices/" BDF "/vfio-dev/vfio0/dev"

static const struct pci_bdf bdf = { .dev = 1 }, other = { .dev = 2 };

/* ---- the choice --------------------------------------------------------------------- */

#define AUTO	VFIO_IOMMU_WISH_AUTO
#define OLD	VFIO_IOMMU_WISH_TYPE1
#define NEW	VFIO_IOMMU_WISH_IOMMUFD
#define TYPE1	VFIO_IOMMU_TYPE1
#define IOMMUFD VFIO_IOMMU_IOMMUFD

struct host_case {
	const char *why;
	bool no_iommu, no_cdevs, no_container;
	unsigned nr;
	enum vfio_iommu_wish wish;
	int want;
	enum vfio_iommu_kind kind;
	const char *text;
};

static void make_host(struct host_tree *tree, const struct host_case *host)
{
	tree_init(tree);
	if (!host->no_iommu)
		tree_write(tree, "dev/iommu", "");
	if (!host->no_container)
		tree_write(tree, "dev/vfio/vfio", "");
	tree_write(tree, "proc/devices",
		   host->no_cdevs ? "Character devices:\n  1 mem\n510 vfio\n"
				  : "Character devices:\n  1 mem\n510 vfio\n511 vfio-dev\n\n"
				    "Block devices:\n259 blkext\n");
}

static void test_iommufd_is_chosen_where_nothing_is_lost_by_it(void **state)
{
	static const struct host_case cases[] = {
		{ "one function", 0, 0, 0, 1, AUTO, 0, IOMMUFD, "with one device" },
		{ "none", 0, 0, 0, 0, AUTO, 0, IOMMUFD, "with one device" },
		{ "two functions", 0, 0, 0, 2, AUTO, 0, TYPE1, "BARs" },
		{ "two, and no type1", 0, 0, 1, 2, AUTO, 0, IOMMUFD, "no other" },
		{ "no iommufd", 1, 0, 0, 1, AUTO, 0, TYPE1, "has no iommufd" },
		{ "VFIO without files", 0, 1, 0, 1, AUTO, 0, TYPE1, "no files for functions" },
		{ "type1 is wanted", 0, 0, 0, 1, OLD, 0, TYPE1, "asked for" },
		{ "iommufd is wanted", 0, 0, 0, 2, NEW, 0, IOMMUFD, "asked for" },
		{ "and is not there", 1, 0, 0, 1, NEW, -ENODEV, TYPE1, "has no iommufd" },
		{ "or not for functions", 0, 1, 0, 1, NEW, -ENODEV, TYPE1, "no files" },
	};
	const struct pci_bdf bdfs[] = { bdf, other };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct pci_set functions = { bdfs, cases[i].nr };
		struct vfio_iommu_choice choice;
		struct vfio_failure failure = { 0 };
		struct host_tree tree;

		print_message("%s\n", cases[i].why);
		make_host(&tree, &cases[i]);
		assert_int_equal(
			vfio_iommu_choose(&tree.fs, cases[i].wish, &functions, &choice, &failure),
			cases[i].want);
		assert_int_equal(choice.kind, cases[i].kind);
		assert_non_null(strstr(choice.why, cases[i].text));
		assert_int_equal(failure.code,
				 cases[i].want ? VFIO_FAILURE_NO_IOMMUFD : VFIO_FAILURE_NONE);
		assert_string_equal(failure.other, cases[i].want ? choice.why : "");
		tree_fini(&tree);
	}
}

/* A driver whose name only ends in the same way is another one. */
static void test_files_for_functions_are_known_by_their_driver(void **state)
{
	static const char *const others[] = { "510 vfio\n", "511 not-vfio-dev\n",
					      "511 vfio-device\n", "" };
	const struct pci_set none = { &bdf, 0 };
	const struct host_case host = { .why = "" };
	struct vfio_iommu_choice choice;
	struct host_tree tree;

	(void)state;
	make_host(&tree, &host);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		tree_write(&tree, "proc/devices", others[i]);
		assert_int_equal(
			vfio_iommu_choose(&tree.fs, VFIO_IOMMU_WISH_AUTO, &none, &choice, NULL), 0);
		assert_int_equal(choice.kind, VFIO_IOMMU_TYPE1);
	}
	/* As the last line, too. */
	tree_write(&tree, "proc/devices", "510 vfio\n511 vfio-dev");
	assert_int_equal(vfio_iommu_choose(&tree.fs, VFIO_IOMMU_WISH_AUTO, &none, &choice, NULL),
			 0);
	assert_int_equal(choice.kind, VFIO_IOMMU_IOMMUFD);
	tree_fini(&tree);
}

/* Who was given a group's file, and not those of its functions, goes by the group. */
static void test_a_function_whose_file_is_anothers_goes_by_type1(void **state)
{
	const struct pci_set one = { &bdf, 1 };
	const struct host_case host = { .why = "" };
	struct vfio_iommu_choice choice;
	struct host_tree tree;

	(void)state;
	make_host(&tree, &host);
	/* A file that is not there cannot be opened by root, either. */
	tree_write(&tree, CDEV, "511:0\n");
	assert_int_equal(vfio_iommu_choose(&tree.fs, VFIO_IOMMU_WISH_AUTO, &one, &choice, NULL), 0);
	assert_int_equal(choice.kind, VFIO_IOMMU_TYPE1);
	assert_non_null(strstr(choice.why, "/dev/vfio/devices/vfio0 cannot be opened"));
	tree_write(&tree, "dev/vfio/devices/vfio0", "");
	assert_int_equal(vfio_iommu_choose(&tree.fs, VFIO_IOMMU_WISH_AUTO, &one, &choice, NULL), 0);
	assert_int_equal(choice.kind, VFIO_IOMMU_IOMMUFD);
	tree_fini(&tree);
}

/* ---- a function's file ------------------------------------------------------------- */

static void test_a_functions_file_is_the_one_with_a_number(void **state)
{
	char name[VFIO_CDEV_STRLEN] = "";
	struct host_tree tree;

	(void)state;
	tree_init(&tree);
	tree_dir(&tree, "sys/bus/pci/devices/" BDF);
	assert_int_equal(vfio_cdev_of(&tree.fs, &bdf, name), -ENOENT);
	/* Linux 6.1 to 6.5, or one without CONFIG_VFIO_DEVICE_CDEV. */
	tree_dir(&tree, "sys/bus/pci/devices/" BDF "/vfio-dev/vfio7/power");
	assert_int_equal(vfio_cdev_of(&tree.fs, &bdf, name), -ENOENT);
	tree_write(&tree, "sys/bus/pci/devices/" BDF "/vfio-dev/vfio7/dev", "511:7\n");
	assert_int_equal(vfio_cdev_of(&tree.fs, &bdf, name), 0);
	assert_string_equal(name, "vfio7");
	tree_fini(&tree);
}

static void test_the_group_of_a_file_is_its_functions(void **state)
{
	struct host_tree tree;

	(void)state;
	tree_init(&tree);
	tree_link(&tree, "sys/class/vfio-dev/vfio7/device/iommu_group",
		  "../../../kernel/iommu_groups/12");
	assert_int_equal(vfio_cdev_group(&tree.fs, "/dev/vfio/devices/vfio7"), 12);
	assert_int_equal(vfio_cdev_group(&tree.fs, "/dev/vfio/devices/vfio8"), -1);
	assert_int_equal(vfio_cdev_group(&tree.fs, "/dev/vfio/devices/../vfio7"), -1);
	assert_int_equal(vfio_cdev_group(&tree.fs, "/dev/vfio/12"), -1);
	tree_fini(&tree);
}

/* ---- opening ------------------------------------------------------------------------ */

struct world {
	struct fake_vfio fake;
	struct vfio_container *container;
};

static void start(struct world *w)
{
	fake_init(&w->fake);
	w->fake.kind = VFIO_IOMMU_IOMMUFD;
	fake_add_nvme(&w->fake, BDF, 1);
	fake_add_e1000e(&w->fake, SIBLING, 1);
	fake_add_full(&w->fake, OTHER, 2);
	fake_publish(&w->fake);
	fake_container(&w->fake, &w->container);
}

static void stop(struct world *w)
{
	vfio_container_destroy(w->container);
	fake_fini(&w->fake);
}

static void test_opening_names_what_stands_in_the_way(void **state)
{
	static const struct {
		const char *why;
		int cdev_errno, bind_errno, attach_errno;
		enum vfio_failure_code code;
		const char *object;
	} cases[] = {
		{ "no right to its file", EACCES, 0, 0, VFIO_FAILURE_PERMISSION,
		  "/dev/vfio/devices/vfio0" },
		{ "it goes away", ENODEV, 0, 0, VFIO_FAILURE_OTHER, "/dev/vfio/devices/vfio0" },
		{ "its group is open", 0, EBUSY, 0, VFIO_FAILURE_BUSY, BDF },
		{ "another process has it", 0, EINVAL, 0, VFIO_FAILURE_BUSY, BDF },
		{ "MSIs not isolated", 0, EPERM, 0, VFIO_FAILURE_UNSAFE_INTERRUPTS, BDF },
		{ "no memory", 0, ENOMEM, 0, VFIO_FAILURE_OTHER, BDF },
		{ "IOMMU held elsewhere", 0, 0, EBUSY, VFIO_FAILURE_BUSY, BDF },
		{ "IOMMU says no", 0, 0, EINVAL, VFIO_FAILURE_OTHER, BDF },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct vfio_failure failure = { 0 };
		struct vfio_device *dev = NULL;
		struct world w;

		print_message("%s\n", cases[i].why);
		start(&w);
		w.fake.cdev_errno = cases[i].cdev_errno;
		w.fake.bind_errno = cases[i].bind_errno;
		w.fake.attach_errno = cases[i].attach_errno;
		assert_true(vfio_device_create(w.container, &w.fake.tree.fs, &bdf, &dev, &failure) <
			    0);
		assert_int_equal(failure.code, cases[i].code);
		assert_string_equal(failure.object, cases[i].object);
		if (cases[i].code == VFIO_FAILURE_UNSAFE_INTERRUPTS)
			assert_string_equal(failure.driver, "iommufd");
		stop(&w);
	}
}

static void test_a_host_without_it_is_told(void **state)
{
	static const struct {
		int open_errno;
		enum vfio_failure_code code;
	} cases[] = {
		{ ENOENT, VFIO_FAILURE_NO_IOMMUFD },
		{ ENODEV, VFIO_FAILURE_NO_IOMMUFD },
		{ EACCES, VFIO_FAILURE_PERMISSION },
		{ EMFILE, VFIO_FAILURE_OTHER },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct vfio_container *container = NULL;
		struct vfio_failure failure = { 0 };
		struct fake_vfio fake;

		fake_init(&fake);
		fake.open_errno = cases[i].open_errno;
		assert_int_equal(vfio_container_create_with(&fake.sys, VFIO_IOMMU_IOMMUFD,
							    &container, &failure),
				 -cases[i].open_errno);
		assert_int_equal(failure.code, cases[i].code);
		assert_string_equal(failure.object, "/dev/iommu");
		fake_fini(&fake);
	}
}

static void test_a_function_without_a_file_is_told(void **state)
{
	struct vfio_failure failure = { 0 };
	struct vfio_device *dev = NULL;
	struct world w;

	(void)state;
	start(&w);
	tree_remove(&w.fake.tree, CDEV);
	assert_int_equal(vfio_device_create(w.container, &w.fake.tree.fs, &bdf, &dev, &failure),
			 -ENOENT);
	assert_int_equal(failure.code, VFIO_FAILURE_NO_IOMMUFD);
	assert_string_equal(failure.object, BDF);
	assert_string_equal(failure.other, "VFIO has made no file for it");
	stop(&w);
}

static void test_the_address_space_lives_from_the_first_function_to_the_last(void **state)
{
	struct vfio_device *first, *second, *third;
	struct vfio_failure failure = { 0 };
	struct world w;

	(void)state;
	start(&w);
	assert_int_equal(w.fake.ioas, 0);
	first = fake_open(&w.fake, w.container, BDF);
	assert_int_not_equal(w.fake.ioas, 0);
	/* One of its group, and one of another. */
	second = fake_open(&w.fake, w.container, SIBLING);
	third = fake_open(&w.fake, w.container, OTHER);
	assert_int_equal(w.fake.nr_attached, 3);
	assert_int_equal(w.fake.nr_groups_joined, 0);
	assert_int_equal(vfio_dma_map(w.container, 0, 0x1000, (void *)0x1000, &failure), 0);
	vfio_device_destroy(first);
	vfio_device_destroy(third);
	assert_int_equal(w.fake.nr_dma, 1);
	vfio_device_destroy(second);
	assert_int_equal(w.fake.ioas, 0);
	assert_int_equal(w.fake.nr_dma, 0);
	assert_int_equal(w.container->mapped, 0);
	/* It can come back. */
	first = fake_open(&w.fake, w.container, BDF);
	assert_int_not_equal(w.fake.ioas, 0);
	vfio_device_destroy(first);
	stop(&w);
}

static void test_ranges_are_read_however_many_there_are(void **state)
{
	static const unsigned nrs[] = { 1, 15, 16, 17, 1000, 1024 };
	struct vfio_failure failure = { 0 };
	struct vfio_device *dev = NULL;
	struct world w;

	(void)state;
	start(&w);
	for (size_t i = 0; i < sizeof(nrs) / sizeof(nrs[0]); i++) {
		w.fake.nr_ranges = nrs[i];
		dev = fake_open(&w.fake, w.container, BDF);
		assert_int_equal(w.container->iommu.nr_ranges, nrs[i]);
		assert_true(w.container->iommu.ranges[nrs[i] - 1].first ==
			    (nrs[i] - 1) * UINT64_C(0x8100000));
		vfio_device_destroy(TAKE_PTR(dev));
	}
	w.fake.nr_ranges = 1025;
	assert_int_equal(vfio_device_create(w.container, &w.fake.tree.fs, &bdf, &dev, &failure),
			 -EPROTO);
	assert_string_equal(failure.object, "IOMMU_IOAS_IOVA_RANGES");
	w.fake.nr_ranges = 0;
	w.fake.crossed_ranges = true;
	assert_int_equal(vfio_device_create(w.container, &w.fake.tree.fs, &bdf, &dev, &failure),
			 -EPROTO);
	w.fake.odd_ranges = true;
	assert_int_equal(vfio_device_create(w.container, &w.fake.tree.fs, &bdf, &dev, &failure),
			 -EPROTO);
	stop(&w);
}

static void test_no_bar_is_mapped_and_nothing_is_asked_for_it(void **state)
{
	struct vfio_device *dev;
	struct world w;
	unsigned calls;

	(void)state;
	start(&w);
	dev = fake_open(&w.fake, w.container, BDF);
	calls = w.fake.calls;
	assert_int_equal(vfio_dma_map_bar(w.container, 0x10000000, 0x1000, (void *)0x1000),
			 -EOPNOTSUPP);
	assert_int_equal(vfio_dma_unmap_bar(w.container, 0x10000000, 0x1000), -EOPNOTSUPP);
	assert_int_equal(w.fake.calls, calls);
	vfio_device_destroy(dev);
	stop(&w);
}

static void set_capability(unsigned bit, bool on)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	assert_int_equal(syscall(SYS_capget, &header, data), 0);
	data[0].effective &= ~(UINT32_C(1) << bit);
	if (on)
		data[0].effective |= data[0].permitted & (UINT32_C(1) << bit);
	assert_int_equal(syscall(SYS_capset, &header, data), 0);
}

/* Where memory would fit into the limit, others of this user are the reason; root has none. */
static void test_a_limit_of_all_processes_of_a_user_is_told_as_that(void **state)
{
	const struct rlimit limit = { 1 << 20, 1 << 20 };
	struct vfio_failure failure = { 0 };
	struct vfio_device *dev;
	struct rlimit before;
	struct world w;
	int r;

	(void)state;
	start(&w);
	dev = fake_open(&w.fake, w.container, BDF);
	w.fake.map_errno = ENOMEM;
	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &before), 0);
	r = setrlimit(RLIMIT_MEMLOCK, &limit);
	set_capability(CAP_IPC_LOCK, false);
	assert_int_equal(vfio_dma_map(w.container, 0, 0x80000, (void *)0x1000, &failure), -ENOMEM);
	set_capability(CAP_IPC_LOCK, true);
	if (r == 0) {
		assert_int_equal(failure.code, VFIO_FAILURE_MEMLOCK_OF_USER);
		assert_true(failure.have == 1 << 20);
		assert_true(failure.want == 0x80000);
		(void)setrlimit(RLIMIT_MEMLOCK, &before);
	}
	vfio_device_destroy(dev);
	stop(&w);
	if (r < 0)
		skip();
}

/* ---- the kernel's own words --------------------------------------------------------- */

static void test_numbers_and_sizes_are_the_kernels(void **state)
{
	(void)state;
#ifdef IOMMU_IOAS_MAP
	assert_int_equal(ABI_IOMMU_DESTROY, IOMMU_DESTROY);
	assert_int_equal(ABI_IOMMU_IOAS_ALLOC, IOMMU_IOAS_ALLOC);
	assert_int_equal(ABI_IOMMU_IOAS_IOVA_RANGES, IOMMU_IOAS_IOVA_RANGES);
	assert_int_equal(ABI_IOMMU_IOAS_MAP, IOMMU_IOAS_MAP);
	assert_int_equal(ABI_IOMMU_IOAS_MAP_FIXED_IOVA, IOMMU_IOAS_MAP_FIXED_IOVA);
	assert_int_equal(ABI_IOMMU_IOAS_MAP_WRITEABLE, IOMMU_IOAS_MAP_WRITEABLE);
	assert_int_equal(ABI_IOMMU_IOAS_MAP_READABLE, IOMMU_IOAS_MAP_READABLE);
	assert_int_equal(sizeof(struct abi_iommu_ioas_map), sizeof(struct iommu_ioas_map));
	assert_int_equal(sizeof(struct abi_iommu_ioas_iova_ranges),
			 sizeof(struct iommu_ioas_iova_ranges));
#endif
#ifdef VFIO_DEVICE_BIND_IOMMUFD
	assert_int_equal(ABI_VFIO_DEVICE_BIND_IOMMUFD, VFIO_DEVICE_BIND_IOMMUFD);
	assert_int_equal(ABI_VFIO_DEVICE_ATTACH_IOMMUFD_PT, VFIO_DEVICE_ATTACH_IOMMUFD_PT);
	assert_int_equal(sizeof(struct abi_vfio_device_bind_iommufd),
			 sizeof(struct vfio_device_bind_iommufd));
#endif
#ifdef VFIO_PCI_HOT_RESET_FLAG_DEV_ID
	assert_int_equal(ABI_VFIO_PCI_HOT_RESET_FLAG_DEV_ID, VFIO_PCI_HOT_RESET_FLAG_DEV_ID);
	assert_int_equal(ABI_VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED,
			 VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED);
	assert_int_equal(ABI_VFIO_PCI_DEVID_OWNED, VFIO_PCI_DEVID_OWNED);
	assert_true(ABI_VFIO_PCI_DEVID_NOT_OWNED == (uint32_t)VFIO_PCI_DEVID_NOT_OWNED);
	assert_int_equal(offsetof(struct vfio_pci_dependent_device, group_id),
			 offsetof(struct vfio_pci_dependent_device, devid));
#endif
#if !defined(IOMMU_IOAS_MAP) || !defined(VFIO_DEVICE_BIND_IOMMUFD)
	skip(); /* headers before Linux 6.6 */
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_iommufd_is_chosen_where_nothing_is_lost_by_it),
		cmocka_unit_test(test_files_for_functions_are_known_by_their_driver),
		cmocka_unit_test(test_a_function_whose_file_is_anothers_goes_by_type1),
		cmocka_unit_test(test_a_functions_file_is_the_one_with_a_number),
		cmocka_unit_test(test_the_group_of_a_file_is_its_functions),
		cmocka_unit_test(test_opening_names_what_stands_in_the_way),
		cmocka_unit_test(test_a_host_without_it_is_told),
		cmocka_unit_test(test_a_function_without_a_file_is_told),
		cmocka_unit_test(test_the_address_space_lives_from_the_first_function_to_the_last),
		cmocka_unit_test(test_ranges_are_read_however_many_there_are),
		cmocka_unit_test(test_no_bar_is_mapped_and_nothing_is_asked_for_it),
		cmocka_unit_test(test_a_limit_of_all_processes_of_a_user_is_told_as_that),
		cmocka_unit_test(test_numbers_and_sizes_are_the_kernels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
