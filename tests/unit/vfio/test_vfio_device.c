// SPDX-License-Identifier: MIT
/*
 * Opening and closing a function: what is refused and how it is named, each call
 * of set-up failing in turn, and nothing left behind.
 */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <string.h>

#include "tests/unit/vfio/vfio_fake.h"
#include "vfio/container_priv.h"

#define BDF "0000:00:01.0"

typedef struct fake_function *(*add_fn)(struct fake_vfio *fake, const char *bdf, int group);

static void to_no_function(struct fake_vfio *fake)
{
	fake->nr_functions = 0;
	close(fake->functions[0].file);
}

static void to_bridge(struct fake_vfio *fake)
{
	fake_set_cfgspace(&fake->functions[0], PCI_HEADER_TYPE, 1, PCI_HEADER_TYPE_BRIDGE);
}

static void to_no_group(struct fake_vfio *fake)
{
	fake->functions[0].group = -1;
}

static void to_unbound(struct fake_vfio *fake)
{
	fake->functions[0].driver = NULL;
}

static void to_nvme_driver(struct fake_vfio *fake)
{
	fake->functions[0].driver = "nvme";
}

static void to_shared_group(struct fake_vfio *fake)
{
	fake_add_edu(fake, "0000:00:01.1", 1)->driver = "edu";
}

static void to_busy(struct fake_vfio *fake)
{
	fake->functions[0].busy = true;
}

static void to_few_vectors(struct fake_vfio *fake)
{
	fake->functions[0].irqs_given = 32;
}

static void to_fewer_in_info(struct fake_vfio *fake)
{
	fake->functions[0].irqs[VFIO_PCI_MSIX_IRQ_INDEX] = 16;
}

static void to_no_pci(struct fake_vfio *fake)
{
	fake->functions[0].not_pci = true;
}

static void to_no_eventfd(struct fake_vfio *fake)
{
	fake->functions[0].no_eventfd = true;
}

static void to_no_vectors_left(struct fake_vfio *fake)
{
	fake->functions[0].irqs_errno = ENOSPC;
}

static void to_tiny_cfgspace(struct fake_vfio *fake)
{
	fake->functions[0].cfgspace_size = 64;
}

static void to_physical(struct fake_vfio *fake)
{
	tree_write(&fake->tree, "sys/devices/pci0000:00/" BDF "/sriov_numvfs", "3\n");
}

static void to_virtual_of_vfios(struct fake_vfio *fake)
{
	fake_add_edu(fake, "0000:00:01.1", 2);
	tree_link(&fake->tree, "sys/devices/pci0000:00/" BDF "/physfn", "../0000:00:01.1");
}

static void test_create_names_what_stands_in_the_way(void **state)
{
	static const struct {
		const char *why;
		void (*change)(struct fake_vfio *fake);
		int want;
		enum vfio_failure_code code;
		const char *driver, *other;
		unsigned have, want_nr;
	} cases[] = {
		{ "no such function", to_no_function, -ENOENT, VFIO_FAILURE_NO_FUNCTION, "", "", 0,
		  0 },
		{ "a bridge", to_bridge, -EINVAL, VFIO_FAILURE_BRIDGE, "", "", 0, 0 },
		{ "no IOMMU group", to_no_group, -ENODEV, VFIO_FAILURE_NO_GROUP, "", "", 0, 0 },
		{ "no driver", to_unbound, -ENODEV, VFIO_FAILURE_NOT_BOUND, "", "", 0, 0 },
		{ "the host's driver", to_nvme_driver, -ENODEV, VFIO_FAILURE_NOT_BOUND, "nvme", "",
		  0, 0 },
		{ "a sibling on the host's driver", to_shared_group, -EPERM,
		  VFIO_FAILURE_NOT_VIABLE, "edu", "0000:00:01.1", 0, 0 },
		{ "virtual functions of it", to_physical, -EBUSY, VFIO_FAILURE_HAS_VFS, "", "", 3,
		  0 },
		{ "VFIO has its physical function", to_virtual_of_vfios, -EACCES,
		  VFIO_FAILURE_PF_IS_VFIOS, "vfio-pci", "0000:00:01.1", 0, 0 },
		{ "held elsewhere", to_busy, -EBUSY, VFIO_FAILURE_BUSY, "", "", 0, 0 },
		{ "the host has fewer vectors", to_few_vectors, -ENOSPC, VFIO_FAILURE_VECTORS, "",
		  "", 32, 65 },
		{ "VFIO knows of fewer", to_fewer_in_info, -ENOSPC, VFIO_FAILURE_VECTORS, "", "",
		  16, 65 },
		{ "no PCI function to VFIO", to_no_pci, -EPROTO, VFIO_FAILURE_OTHER, "", "", 0, 0 },
		{ "no interrupts by eventfd", to_no_eventfd, -ENOTSUP, VFIO_FAILURE_NO_IRQ, "", "",
		  0, 0 },
		{ "the host has no vectors left", to_no_vectors_left, -ENOSPC, VFIO_FAILURE_VECTORS,
		  "", "", 0, 65 },
		{ "no configuration space", to_tiny_cfgspace, -EPROTO, VFIO_FAILURE_OTHER, "", "",
		  0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct vfio_container *container;
		struct vfio_device *dev = NULL;
		struct pci_bdf bdf = { .dev = 1 };
		struct vfio_failure failure = { 0 };
		struct fake_vfio fake;

		print_message("%s\n", cases[i].why);
		fake_init(&fake);
		fake_add_nvme(&fake, BDF, 1);
		cases[i].change(&fake);
		fake_publish(&fake);
		fake_container(&fake, &container);
		assert_int_equal(vfio_device_create(container, &fake.tree.fs, &bdf, &dev, &failure),
				 cases[i].want);
		assert_null(dev);
		assert_int_equal(failure.code, cases[i].code);
		assert_int_equal(failure.error, -cases[i].want);
		assert_non_null(strstr(failure.object, BDF));
		assert_string_equal(failure.driver, cases[i].driver);
		assert_string_equal(failure.other, cases[i].other);
		assert_int_equal(failure.have, cases[i].have);
		assert_int_equal(failure.want, cases[i].want_nr);
		vfio_container_destroy(container);
		fake_fini(&fake);
	}
}

static unsigned count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned nr = 0;

	assert_non_null(dir);
	while (readdir(dir))
		nr++;
	closedir(dir);
	return nr;
}

/* Set-up with the nth call failing: was there such a call? */
static bool try_with_failure(const struct fake_vfio *model, add_fn add, unsigned nth, int error)
{
	struct vfio_container *container = NULL;
	struct vfio_device *dev = NULL;
	struct pci_bdf bdf = { .dev = 1 };
	struct vfio_failure failure = { 0 };
	struct fake_vfio fake;
	int r;

	fake_init_on(&fake, &model->tree);
	add(&fake, BDF, 1);
	fake.fail_at = nth;
	fake.fail_errno = error;
	r = vfio_container_create_with(&fake.sys, model->kind, &container, &failure);
	if (r == 0)
		r = vfio_device_create(container, &fake.tree.fs, &bdf, &dev, &failure);
	fake.fail_at = 0;
	if (fake.failed && !fake_did_without(&fake)) {
		if (r >= 0)
			fail_msg("call %u (%s) failed and nothing came of it", nth,
				 fake.failed_call);
		assert_int_not_equal(failure.code, VFIO_FAILURE_NONE);
		assert_int_equal(failure.error, -r);
		assert_true(failure.object[0]);
		assert_null(dev);
	} else {
		assert_int_equal(r, 0);
	}
	vfio_device_destroy(dev);
	vfio_container_destroy(container);
	fake_fini(&fake);
	return fake.failed;
}

static void fail_each_call(enum vfio_iommu_kind kind)
{
	static const add_fn adds[] = { fake_add_nvme, fake_add_e1000e, fake_add_edu,
				       fake_add_full };
	static const int errors[] = { EIO, ENOMEM, EPERM, EBUSY };

	for (size_t i = 0; i < sizeof(adds) / sizeof(adds[0]); i++) {
		struct fake_vfio model;

		fake_init(&model);
		model.kind = kind;
		adds[i](&model, BDF, 1);
		fake_publish(&model);
		for (size_t k = 0; k < sizeof(errors) / sizeof(errors[0]); k++) {
			unsigned before = count_descriptors(), nth = 1;

			while (try_with_failure(&model, adds[i], nth, errors[k]))
				nth++;
			assert_int_equal(count_descriptors(), before);
			print_message("function %zu, errno %d: %u calls\n", i, errors[k], nth - 1);
			assert_true(nth > 20);
		}
		fake_fini(&model);
	}
}

static void test_each_call_of_set_up_failing_is_reported_and_leaks_nothing(void **state)
{
	(void)state;
	fail_each_call(VFIO_IOMMU_TYPE1);
	fail_each_call(VFIO_IOMMU_IOMMUFD);
}

/* What the function itself says counts, whatever the host's sysfs said before. */
static void test_header_of_a_bridge_is_refused_when_it_is_opened(void **state)
{
	struct vfio_container *container;
	struct vfio_device *dev = NULL;
	struct pci_bdf bdf = { .dev = 1 };
	struct vfio_failure failure = { 0 };
	struct fake_vfio fake;

	(void)state;
	fake_init(&fake);
	fake_add_nvme(&fake, BDF, 1);
	fake_publish(&fake);
	fake.functions[0].cfgspace[PCI_HEADER_TYPE] = PCI_HEADER_TYPE_BRIDGE;
	fake_container(&fake, &container);
	assert_int_equal(vfio_device_create(container, &fake.tree.fs, &bdf, &dev, &failure),
			 -EINVAL);
	assert_int_equal(failure.code, VFIO_FAILURE_BRIDGE);
	assert_null(dev);
	vfio_container_destroy(container);
	fake_fini(&fake);
}

/* A second function of the group that fails leaves the first one alone. */
static void test_failure_of_a_second_function_leaves_the_first_working(void **state)
{
	struct fake_vfio model;
	bool failed = true;

	(void)state;
	fake_init(&model);
	fake_add_nvme(&model, BDF, 1);
	fake_add_e1000e(&model, "0000:00:01.1", 1);
	fake_publish(&model);
	for (unsigned nth = 1; failed; nth++) {
		struct vfio_container *container;
		struct vfio_device *first, *second = NULL;
		struct pci_bdf bdf = { .dev = 1, .fn = 1 };
		struct vfio_failure failure = { 0 };
		struct fake_vfio fake;

		fake_init_on(&fake, &model.tree);
		fake_add_nvme(&fake, BDF, 1);
		fake_add_e1000e(&fake, "0000:00:01.1", 1);
		fake_container(&fake, &container);
		first = fake_open(&fake, container, BDF);
		fake.fail_at = nth;
		if (vfio_device_create(container, &fake.tree.fs, &bdf, &second, &failure) == 0)
			assert_true(!fake.failed || fake_did_without(&fake));
		fake.fail_at = 0;
		assert_int_equal(fake.functions[0].nr_enabled, 65);
		assert_true(fake.iommu_set);
		assert_int_equal(vfio_dma_map(container, 0, 0x1000, (void *)0x1000, &failure), 0);
		vfio_device_destroy(second);
		vfio_device_destroy(first);
		vfio_container_destroy(container);
		fake_fini(&fake);
		failed = fake.failed;
	}
	fake_fini(&model);
}

static bool has_notice(const struct vfio_device *dev, enum vfio_notice notice)
{
	uint64_t value = 0;

	return read(vfio_device_notice(dev, notice), &value, sizeof(value)) == sizeof(value);
}

static void test_the_host_can_ask_for_a_function_back_and_tell_of_an_error(void **state)
{
	struct vfio_container *container;
	struct fake_function *fn;
	struct vfio_device *dev;
	struct fake_vfio fake;

	(void)state;
	fake_init(&fake);
	fn = fake_add_nvme(&fake, BDF, 1);
	fake_publish(&fake);
	fake_container(&fake, &container);
	dev = fake_open(&fake, container, BDF);
	assert_false(has_notice(dev, VFIO_NOTICE_REQUEST));
	fake_notify(fn, VFIO_NOTICE_REQUEST);
	assert_false(has_notice(dev, VFIO_NOTICE_ERROR));
	assert_true(has_notice(dev, VFIO_NOTICE_REQUEST));
	fake_notify(fn, VFIO_NOTICE_ERROR);
	assert_true(has_notice(dev, VFIO_NOTICE_ERROR));
	/* None of it is an interrupt of the function's. */
	assert_int_equal(fn->nr_enabled, 65);
	vfio_device_destroy(dev);
	vfio_container_destroy(container);
	fake_fini(&fake);
}

/* A conventional PCI function has no errors to tell of, an old kernel nothing at all. */
static void test_a_host_that_tells_nothing_has_no_notices(void **state)
{
	struct vfio_container *container;
	struct fake_function *fn;
	struct vfio_device *dev;
	struct fake_vfio fake;

	(void)state;
	fake_init(&fake);
	fn = fake_add_edu(&fake, BDF, 1);
	fn->irqs[VFIO_PCI_REQ_IRQ_INDEX] = 0;
	fake_publish(&fake);
	fake_container(&fake, &container);
	dev = fake_open(&fake, container, BDF);
	assert_int_equal(vfio_device_notice(dev, VFIO_NOTICE_REQUEST), -1);
	assert_int_equal(vfio_device_notice(dev, VFIO_NOTICE_ERROR), -1);
	vfio_device_destroy(dev);
	vfio_container_destroy(container);
	fake_fini(&fake);
}

static void test_function_is_reset_at_create_and_at_destroy(void **state)
{
	struct vfio_container *container;
	struct fake_function *fn;
	struct vfio_device *dev;
	struct fake_vfio fake;

	(void)state;
	fake_init(&fake);
	fn = fake_add_nvme(&fake, BDF, 1);
	fake_publish(&fake);
	fake_container(&fake, &container);
	assert_true(fake_cfgspace(fn, PCI_COMMAND, 2) & PCI_COMMAND_MASTER);
	dev = fake_open(&fake, container, BDF);
	assert_int_equal(fn->resets, 1);
	assert_false(fake_cfgspace(fn, PCI_COMMAND, 2) & PCI_COMMAND_MASTER);
	vfio_cfgspace_write(dev, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	vfio_device_destroy(dev);
	/* Mastering was off before the reset, and vectors before the end: the fake checks. */
	assert_int_equal(fn->resets, 2);
	assert_int_equal(fn->nr_enabled, 0);
	vfio_container_destroy(container);
	fake_fini(&fake);
}

static void test_function_without_reset_is_taken(void **state)
{
	enum vfio_reset_step failed;
	struct vfio_container *container;
	struct vfio_device *dev;
	struct fake_vfio fake;

	(void)state;
	fake_init(&fake);
	fake_add_edu(&fake, BDF, 1);
	fake_publish(&fake);
	fake_container(&fake, &container);
	dev = fake_open(&fake, container, BDF);
	assert_int_equal(vfio_device_reset(dev, &failed), -ENOTTY);
	vfio_device_destroy(dev);
	vfio_container_destroy(container);
	fake_fini(&fake);
}

static void test_function_is_opened_once_only(void **state)
{
	struct vfio_device *dev, *other, *third, *again = NULL;
	struct vfio_container *container;
	struct pci_bdf bdf = { .dev = 1 };
	struct vfio_failure failure = { 0 };
	struct fake_vfio fake;

	(void)state;
	fake_init(&fake);
	fake_add_nvme(&fake, BDF, 1);
	fake_add_edu(&fake, "0000:00:02.0", 2);
	fake_add_full(&fake, "0000:00:03.0", 3);
	fake_publish(&fake);
	fake_container(&fake, &container);
	dev = fake_open(&fake, container, BDF);
	other = fake_open(&fake, container, "0000:00:02.0");
	third = fake_open(&fake, container, "0000:00:03.0");
	assert_int_equal(vfio_device_create(container, &fake.tree.fs, &bdf, &again, &failure),
			 -EBUSY);
	assert_int_equal(failure.code, VFIO_FAILURE_BUSY);
	assert_string_equal(failure.object, BDF);
	vfio_device_destroy(other);
	assert_int_equal(vfio_device_create(container, &fake.tree.fs, &bdf, &again, &failure),
			 -EBUSY);
	vfio_device_destroy(dev);
	dev = fake_open(&fake, container, BDF);
	vfio_device_destroy(third);
	vfio_device_destroy(dev);
	vfio_container_destroy(container);
	fake_fini(&fake);
}

static void test_failure_may_be_null(void **state)
{
	struct vfio_container *container;
	struct vfio_device *dev = NULL;
	struct pci_bdf bdf = { .dev = 9 };
	struct fake_vfio fake;

	(void)state;
	fake_init(&fake);
	fake_add_nvme(&fake, BDF, 1)->irqs_given = 3;
	fake_publish(&fake);
	fake_container(&fake, &container);
	assert_int_equal(vfio_device_create(container, &fake.tree.fs, &bdf, &dev, NULL), -ENOENT);
	bdf.dev = 1;
	assert_int_equal(vfio_device_create(container, &fake.tree.fs, &bdf, &dev, NULL), -ENOSPC);
	vfio_container_destroy(container);
	fake_fini(&fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_create_names_what_stands_in_the_way),
		cmocka_unit_test(test_each_call_of_set_up_failing_is_reported_and_leaks_nothing),
		cmocka_unit_test(test_header_of_a_bridge_is_refused_when_it_is_opened),
		cmocka_unit_test(test_failure_of_a_second_function_leaves_the_first_working),
		cmocka_unit_test(test_the_host_can_ask_for_a_function_back_and_tell_of_an_error),
		cmocka_unit_test(test_a_host_that_tells_nothing_has_no_notices),
		cmocka_unit_test(test_function_is_reset_at_create_and_at_destroy),
		cmocka_unit_test(test_function_without_reset_is_taken),
		cmocka_unit_test(test_function_is_opened_once_only),
		cmocka_unit_test(test_failure_may_be_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
