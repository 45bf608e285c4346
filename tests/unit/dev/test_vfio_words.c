// SPDX-License-Identifier: MIT
/* Each failure of the host side of passthrough has a cause and, where there is one, a cure. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "vitsmod/bits.h"
#include "vmm/dev/vfio_words.h"

static struct vfio_failure failure_of(enum vfio_failure_code code)
{
	return (struct vfio_failure){
		.code = code,
		.error = EBUSY,
		.object = "0000:00:02.0",
		.other = "0000:00:02.1",
		.driver = "e1000e",
		.have = 65536,
		.want = 536870912,
	};
}

static const struct {
	enum vfio_failure_code code;
	enum exit_status status;
	const char *cause, *cure;
} words[] = {
	{ VFIO_FAILURE_NO_FUNCTION, ITSY_ENVIRONMENT, "no such PCI function", "itsy devices" },
	{ VFIO_FAILURE_BRIDGE, ITSY_ENVIRONMENT, "a bridge", "itsy devices" },
	{ VFIO_FAILURE_NO_GROUP, ITSY_ENVIRONMENT, "no IOMMU group", "firmware" },
	{ VFIO_FAILURE_NOT_VIABLE, ITSY_ENVIRONMENT,
	  "its IOMMU group is not viable: 0000:00:02.1 of the same group is bound to "
	  "e1000e",
	  "itsy bind 0000:00:02.0 takes that one too" },
	{ VFIO_FAILURE_GROUP_IN_USE, ITSY_ENVIRONMENT,
	  "its IOMMU group has 0000:00:02.1, which the host is using", "unmount" },
	{ VFIO_FAILURE_NOT_BOUND, ITSY_ENVIRONMENT, "bound to e1000e, not to vfio-pci",
	  "itsy bind 0000:00:02.0" },
	{ VFIO_FAILURE_BIND, ITSY_ENVIRONMENT, "Device or resource busy", "modprobe vfio-pci" },
	{ VFIO_FAILURE_VARIANT, ITSY_ENVIRONMENT,
	  "e1000e, the driver that the kernel has for it, does not take it (Device or resource "
	  "busy): vfio-pci has it",
	  "itsy bind --driver" },
	{ VFIO_FAILURE_IN_USE_BY_HOST, ITSY_ENVIRONMENT, "0000:00:02.1",
	  "itsy bind --force 0000:00:02.0" },
	{ VFIO_FAILURE_NO_VFIO, ITSY_ENVIRONMENT, "VFIO is not there", "modprobe vfio-pci" },
	{ VFIO_FAILURE_NO_IOMMUFD, ITSY_ENVIRONMENT, "cannot be had: 0000:00:02.1",
	  "iommu = auto" },
	{ VFIO_FAILURE_BUSY, ITSY_ENVIRONMENT, "another process has it open: 0000:00:02.1",
	  "end the guest" },
	{ VFIO_FAILURE_PERMISSION, ITSY_ENVIRONMENT, "no permission", "run itsy as root" },
	{ VFIO_FAILURE_UNSAFE_INTERRUPTS, ITSY_ENVIRONMENT, "isolate",
	  "allow_unsafe_interrupts=1" },
	{ VFIO_FAILURE_MEMLOCK, ITSY_ENVIRONMENT,
	  "512 MiB of guest memory must be locked for DMA, and the limit is 64 KiB", "ulimit -l" },
	{ VFIO_FAILURE_MEMLOCK_OF_USER, ITSY_ENVIRONMENT,
	  "64 KiB is for all processes of this user", "iommu = type1" },
	{ VFIO_FAILURE_IOVA, ITSY_ENVIRONMENT, "contains 0000:00:02.1", "less memory" },
	{ VFIO_FAILURE_NO_IRQ, ITSY_ENVIRONMENT, "does not give its interrupts", "another kernel" },
	{ VFIO_FAILURE_VECTORS, ITSY_ENVIRONMENT, "65536 interrupt vectors of the 536870912",
	  "release" },
	{ VFIO_FAILURE_NO_RESET, ITSY_ENVIRONMENT, "it cannot be reset", "power-cycle" },
	{ VFIO_FAILURE_RESET_SHARED, ITSY_ENVIRONMENT,
	  "would reset 0000:00:02.1 too, which this guest has not",
	  "give this guest 0000:00:02.1 as well" },
	{ VFIO_FAILURE_RESET, ITSY_RUNTIME, "could not reset it: Device or resource busy",
	  "kernel log" },
	{ VFIO_FAILURE_RESET_BUSY, ITSY_RUNTIME, "locked: Device or resource busy",
	  "reset it again" },
	{ VFIO_FAILURE_STATE, ITSY_ENVIRONMENT, "cannot be kept", "/run" },
	{ VFIO_FAILURE_HAS_VFS, ITSY_ENVIRONMENT, "it has virtual functions: 65536",
	  "itsy devices --create-vfs 0 0000:00:02.0" },
	{ VFIO_FAILURE_PF_IS_VFIOS, ITSY_ENVIRONMENT,
	  "physical function 0000:00:02.1 is bound to e1000e", "itsy release 0000:00:02.1" },
	{ VFIO_FAILURE_NO_SRIOV, ITSY_ENVIRONMENT, "can have no virtual functions",
	  "itsy devices" },
	{ VFIO_FAILURE_TOO_MANY_VFS, ITSY_ENVIRONMENT,
	  "can have 65536 virtual functions, and not 536870912",
	  "itsy devices --create-vfs 65536 0000:00:02.0" },
	{ VFIO_FAILURE_NO_VFS_BY_DRIVER, ITSY_ENVIRONMENT, "bound to e1000e, which makes no",
	  "itsy release 0000:00:02.0" },
	{ VFIO_FAILURE_NO_VFS, ITSY_ENVIRONMENT, "Device or resource busy", "dmesg" },
	{ VFIO_FAILURE_TAKEN, ITSY_ENVIRONMENT, "bound it for a guest",
	  "itsy release 0000:00:02.0" },
	{ VFIO_FAILURE_UNMAPPED, ITSY_RUNTIME, "no other device now", "start the guest again" },
	{ VFIO_FAILURE_REPLACED, ITSY_RUNTIME, "another device is in the place",
	  "start the guest again" },
	{ VFIO_FAILURE_LEFT, ITSY_ENVIRONMENT, "itsy (process 65536) was killed and left it bound",
	  NULL },
	{ VFIO_FAILURE_LEFT_SO, ITSY_ENVIRONMENT, "so it stays after this guest",
	  "itsy release 0000:00:02.0" },
	{ VFIO_FAILURE_OTHER, ITSY_RUNTIME, "Device or resource busy", NULL },
};

static void test_each_code_of_the_host_side_has_its_words(void **state)
{
	(void)state;
	/* No code is forgotten: all but NONE, which is no fault. */
	assert_int_equal(ARRAY_SIZE(words), VFIO_FAILURE_OTHER);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		struct vfio_failure vf = failure_of(words[i].code);
		struct failure failure;

		memset(&failure, 0xff, sizeof(failure));
		assert_int_equal(failure_from_vfio(&failure, &vf), -EBUSY);
		print_message("%s: %s: %s\n", failure.object, failure.cause, failure.cure);
		assert_int_equal(failure.status, words[i].status);
		assert_string_equal(failure.object, "0000:00:02.0");
		assert_non_null(strstr(failure.cause, words[i].cause));
		assert_null(strchr(failure.cause, '{'));
		assert_null(strchr(failure.cure, '{'));
		if (words[i].cure)
			assert_non_null(strstr(failure.cure, words[i].cure));
		else
			assert_string_equal(failure.cure, "");
	}
}

static void test_a_group_that_vfio_calls_not_viable_names_nobody(void **state)
{
	struct vfio_failure vf = failure_of(VFIO_FAILURE_NOT_VIABLE);
	struct failure failure;

	(void)state;
	vf.other[0] = '\0';
	vf.driver[0] = '\0';
	(void)failure_from_vfio(&failure, &vf);
	assert_string_equal(failure.cause, "its IOMMU group is not viable");
	assert_non_null(strstr(failure.cure, "itsy devices"));
}

static void test_a_slot_that_the_kernel_does_not_reset_names_nobody(void **state)
{
	struct vfio_failure vf = failure_of(VFIO_FAILURE_RESET_SHARED);
	struct failure failure;

	(void)state;
	vf.other[0] = '\0';
	(void)failure_from_vfio(&failure, &vf);
	assert_non_null(strstr(failure.cause, "a function that is not bound to vfio-pci"));
	assert_non_null(strstr(failure.cure, "itsy bind all functions of its slot"));
}

static void test_a_process_that_is_not_known_is_to_be_looked_for(void **state)
{
	struct vfio_failure vf = failure_of(VFIO_FAILURE_BUSY);
	struct failure failure;

	(void)state;
	vf.other[0] = '\0';
	(void)failure_from_vfio(&failure, &vf);
	assert_string_equal(failure.cause, "another process has it open");
	assert_non_null(strstr(failure.cure, "fuser"));
}

static void test_no_driver_is_said_so(void **state)
{
	struct vfio_failure vf = failure_of(VFIO_FAILURE_NOT_BOUND);
	struct failure failure;

	(void)state;
	vf.driver[0] = '\0';
	(void)failure_from_vfio(&failure, &vf);
	assert_non_null(strstr(failure.cause, "no driver"));
}

static void test_missing_permission_is_cured_by_root_whatever_failed(void **state)
{
	struct vfio_failure vf = failure_of(VFIO_FAILURE_OTHER);
	struct failure failure;

	(void)state;
	vf.error = EACCES;
	assert_int_equal(failure_from_vfio(&failure, &vf), -EACCES);
	assert_non_null(strstr(failure.cure, "run itsy as root"));
	vf.error = EPERM;
	assert_int_equal(failure_from_vfio(&failure, &vf), -EPERM);
	assert_non_null(strstr(failure.cure, "run itsy as root"));
}

static void test_a_failure_without_an_errno_is_still_negative(void **state)
{
	struct vfio_failure vf = failure_of(VFIO_FAILURE_OTHER);
	struct failure failure;

	(void)state;
	vf.error = 0;
	assert_true(failure_from_vfio(&failure, &vf) < 0);
	vf.code = (enum vfio_failure_code)12345;
	assert_true(failure_from_vfio(&failure, &vf) < 0);
	assert_int_equal(failure.status, ITSY_RUNTIME);
}

static void test_names_as_long_as_they_can_be_are_cut_and_terminated(void **state)
{
	(void)state;
	for (int code = VFIO_FAILURE_NO_FUNCTION; code <= VFIO_FAILURE_OTHER; code++) {
		struct vfio_failure vf = { .code = (enum vfio_failure_code)code, .error = EIO };
		struct failure failure;

		memset(vf.object, 'o', sizeof(vf.object) - 1);
		memset(vf.other, 'p', sizeof(vf.other) - 1);
		memset(vf.driver, 'd', sizeof(vf.driver) - 1);
		vf.have = vf.want = UINT64_MAX;
		memset(&failure, 0xff, sizeof(failure));
		(void)failure_from_vfio(&failure, &vf);
		assert_non_null(memchr(failure.object, '\0', sizeof(failure.object)));
		assert_non_null(memchr(failure.cause, '\0', sizeof(failure.cause)));
		assert_non_null(memchr(failure.cure, '\0', sizeof(failure.cure)));
	}
}

static void test_a_name_with_braces_is_not_a_template(void **state)
{
	struct vfio_failure vf = failure_of(VFIO_FAILURE_NOT_VIABLE);
	struct failure failure;

	(void)state;
	strcpy(vf.other, "{object}{nonsense}{");
	(void)failure_from_vfio(&failure, &vf);
	assert_non_null(strstr(failure.cause, "{object}{nonsense}{ of the same group"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_code_of_the_host_side_has_its_words),
		cmocka_unit_test(test_a_group_that_vfio_calls_not_viable_names_nobody),
		cmocka_unit_test(test_a_slot_that_the_kernel_does_not_reset_names_nobody),
		cmocka_unit_test(test_a_process_that_is_not_known_is_to_be_looked_for),
		cmocka_unit_test(test_no_driver_is_said_so),
		cmocka_unit_test(test_missing_permission_is_cured_by_root_whatever_failed),
		cmocka_unit_test(test_a_failure_without_an_errno_is_still_negative),
		cmocka_unit_test(test_names_as_long_as_they_can_be_are_cut_and_terminated),
		cmocka_unit_test(test_a_name_with_braces_is_not_a_template),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
