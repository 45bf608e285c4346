// SPDX-License-Identifier: MIT
/*
 * Failures in words: each code of the host side has a cause and, where there is
 * one, a cure; and what is printed is one line, whatever the names in it.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/capture.h"
#include "vitsmod/bits.h"
#include "vmm/report.h"

static struct vfio_fault fault_of(enum vfio_fault_code code)
{
	return (struct vfio_fault){
		.code = code,
		.error = EBUSY,
		.object = "0000:00:02.0",
		.other = "0000:00:02.1",
		.driver = "e1000e",
		.have = 65536,
		.want = 536870912,
	};
}

static void test_each_code_of_the_host_side_has_its_words(void **state)
{
	static const struct {
		enum vfio_fault_code code;
		enum exit_status status;
		const char *cause, *cure;
	} cases[] = {
		{ VFIO_FAULT_NO_FUNCTION, ITSY_ENVIRONMENT, "no such PCI function",
		  "itsy devices" },
		{ VFIO_FAULT_BRIDGE, ITSY_ENVIRONMENT, "a bridge", "itsy devices" },
		{ VFIO_FAULT_NO_GROUP, ITSY_ENVIRONMENT, "no IOMMU group", "firmware" },
		{ VFIO_FAULT_NOT_VIABLE, ITSY_ENVIRONMENT,
		  "its IOMMU group is not viable: 0000:00:02.1 of the same group is bound to "
		  "e1000e",
		  "bind that one to vfio-pci too (itsy bind 0000:00:02.1), or unbind it" },
		{ VFIO_FAULT_NOT_BOUND, ITSY_ENVIRONMENT, "bound to e1000e, not to vfio-pci",
		  "itsy bind 0000:00:02.0" },
		{ VFIO_FAULT_BIND, ITSY_ENVIRONMENT, "Device or resource busy",
		  "modprobe vfio-pci" },
		{ VFIO_FAULT_IN_USE_BY_HOST, ITSY_ENVIRONMENT, "0000:00:02.1",
		  "itsy bind --force 0000:00:02.0" },
		{ VFIO_FAULT_NO_VFIO, ITSY_ENVIRONMENT, "VFIO is not there", "modprobe vfio-pci" },
		{ VFIO_FAULT_BUSY, ITSY_ENVIRONMENT, "another process", "fuser" },
		{ VFIO_FAULT_PERMISSION, ITSY_ENVIRONMENT, "no permission", "run itsy as root" },
		{ VFIO_FAULT_UNSAFE_INTERRUPTS, ITSY_ENVIRONMENT, "isolate",
		  "allow_unsafe_interrupts=1" },
		{ VFIO_FAULT_MEMLOCK, ITSY_ENVIRONMENT, "536870912 bytes", "ulimit -l" },
		{ VFIO_FAULT_IOVA, ITSY_ENVIRONMENT, "contains 0000:00:02.1", "less memory" },
		{ VFIO_FAULT_NO_MSI, ITSY_ENVIRONMENT, "neither MSI-X nor MSI", "itsy devices" },
		{ VFIO_FAULT_VECTORS, ITSY_ENVIRONMENT, "65536 interrupt vectors of the 536870912",
		  "release" },
		{ VFIO_FAULT_STATE, ITSY_ENVIRONMENT, "cannot be kept", "/run" },
		{ VFIO_FAULT_OTHER, ITSY_RUNTIME, "Device or resource busy", NULL },
	};

	(void)state;
	/* No code is forgotten: all but NONE, which is no fault. */
	assert_int_equal(ARRAY_SIZE(cases), VFIO_FAULT_OTHER);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct vfio_fault vf = fault_of(cases[i].code);
		struct fault fault;

		memset(&fault, 0xff, sizeof(fault));
		assert_int_equal(fault_from_vfio(&fault, &vf), -EBUSY);
		print_message("%s: %s: %s\n", fault.object, fault.cause, fault.cure);
		assert_int_equal(fault.status, cases[i].status);
		assert_string_equal(fault.object, "0000:00:02.0");
		assert_non_null(strstr(fault.cause, cases[i].cause));
		assert_null(strchr(fault.cause, '{'));
		assert_null(strchr(fault.cure, '{'));
		if (cases[i].cure)
			assert_non_null(strstr(fault.cure, cases[i].cure));
		else
			assert_string_equal(fault.cure, "");
	}
}

static void test_a_group_that_vfio_calls_not_viable_names_nobody(void **state)
{
	struct vfio_fault vf = fault_of(VFIO_FAULT_NOT_VIABLE);
	struct fault fault;

	(void)state;
	vf.other[0] = '\0';
	vf.driver[0] = '\0';
	(void)fault_from_vfio(&fault, &vf);
	assert_string_equal(fault.cause, "its IOMMU group is not viable");
	assert_non_null(strstr(fault.cure, "itsy devices"));
}

static void test_no_driver_is_said_so(void **state)
{
	struct vfio_fault vf = fault_of(VFIO_FAULT_NOT_BOUND);
	struct fault fault;

	(void)state;
	vf.driver[0] = '\0';
	(void)fault_from_vfio(&fault, &vf);
	assert_non_null(strstr(fault.cause, "no driver"));
}

static void test_missing_permission_is_cured_by_root_whatever_failed(void **state)
{
	struct vfio_fault vf = fault_of(VFIO_FAULT_OTHER);
	struct fault fault;

	(void)state;
	vf.error = EACCES;
	assert_int_equal(fault_from_vfio(&fault, &vf), -EACCES);
	assert_non_null(strstr(fault.cure, "run itsy as root"));
	vf.error = EPERM;
	assert_int_equal(fault_from_vfio(&fault, &vf), -EPERM);
	assert_non_null(strstr(fault.cure, "run itsy as root"));
}

static void test_a_fault_without_an_errno_is_still_negative(void **state)
{
	struct vfio_fault vf = fault_of(VFIO_FAULT_OTHER);
	struct fault fault;

	(void)state;
	vf.error = 0;
	assert_true(fault_from_vfio(&fault, &vf) < 0);
	vf.code = (enum vfio_fault_code)12345;
	assert_true(fault_from_vfio(&fault, &vf) < 0);
	assert_int_equal(fault.status, ITSY_RUNTIME);
}

static void test_names_as_long_as_they_can_be_are_cut_and_terminated(void **state)
{
	(void)state;
	for (int code = VFIO_FAULT_NO_FUNCTION; code <= VFIO_FAULT_OTHER; code++) {
		struct vfio_fault vf = { .code = (enum vfio_fault_code)code, .error = EIO };
		struct fault fault;

		memset(vf.object, 'o', sizeof(vf.object) - 1);
		memset(vf.other, 'p', sizeof(vf.other) - 1);
		memset(vf.driver, 'd', sizeof(vf.driver) - 1);
		vf.have = vf.want = UINT64_MAX;
		memset(&fault, 0xff, sizeof(fault));
		(void)fault_from_vfio(&fault, &vf);
		assert_non_null(memchr(fault.object, '\0', sizeof(fault.object)));
		assert_non_null(memchr(fault.cause, '\0', sizeof(fault.cause)));
		assert_non_null(memchr(fault.cure, '\0', sizeof(fault.cure)));
	}
}

static void test_a_name_with_braces_is_not_a_template(void **state)
{
	struct vfio_fault vf = fault_of(VFIO_FAULT_NOT_VIABLE);
	struct fault fault;

	(void)state;
	strcpy(vf.other, "{object}{nonsense}{");
	(void)fault_from_vfio(&fault, &vf);
	assert_non_null(strstr(fault.cause, "{object}{nonsense}{ of the same group"));
}

static void test_fault_set_fills_and_returns_the_negative_error(void **state)
{
	struct fault fault;

	(void)state;
	assert_int_equal(fault_set(&fault, ITSY_CONFIG, ENOENT, "Image", "build it", "gone: %d", 7),
			 -ENOENT);
	assert_int_equal(fault.status, ITSY_CONFIG);
	assert_string_equal(fault.object, "Image");
	assert_string_equal(fault.cause, "gone: 7");
	assert_string_equal(fault.cure, "build it");
	assert_int_equal(fault_set(&fault, ITSY_RUNTIME, EIO, "x", NULL, "y"), -EIO);
	assert_string_equal(fault.cure, "");
}

static void test_a_report_is_one_line_on_stderr(void **state)
{
	struct capture c;
	struct fault fault;

	(void)state;
	(void)fault_set(&fault, ITSY_ENVIRONMENT, EIO, "a\nb\x1b[31m", "c\rd", "e\tf\x7f");
	capture_begin(&c);
	assert_int_equal(report_fault(&fault), ITSY_ENVIRONMENT);
	report_warning("%s: %d", "w\n", 3);
	report_info("i%c", '\n');
	capture_end(&c);
	assert_string_equal(c.out, "");
	assert_string_equal(c.err, "itsy: error: a?b?[31m: e?f?: c?d\n"
				   "itsy: warning: w?: 3\n"
				   "itsy: i?\n");
}

static void test_a_report_without_a_cure_ends_with_the_cause(void **state)
{
	struct capture c;
	struct fault fault;

	(void)state;
	(void)fault_set(&fault, ITSY_RUNTIME, EIO, "x", NULL, "y");
	capture_begin(&c);
	assert_int_equal(report_fault(&fault), ITSY_RUNTIME);
	capture_end(&c);
	assert_string_equal(c.err, "itsy: error: x: y\n");
}

static void test_long_reports_are_cut(void **state)
{
	static char text[5000];
	struct capture c;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	capture_begin(&c);
	report_warning("%s", text);
	report_info("%s", text);
	capture_end(&c);
	assert_true(strlen(c.err) < 2200);
	assert_int_equal(c.err[strlen(c.err) - 1], '\n');
	assert_non_null(strstr(c.err, "x\nitsy: x"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_code_of_the_host_side_has_its_words),
		cmocka_unit_test(test_a_group_that_vfio_calls_not_viable_names_nobody),
		cmocka_unit_test(test_no_driver_is_said_so),
		cmocka_unit_test(test_missing_permission_is_cured_by_root_whatever_failed),
		cmocka_unit_test(test_a_fault_without_an_errno_is_still_negative),
		cmocka_unit_test(test_names_as_long_as_they_can_be_are_cut_and_terminated),
		cmocka_unit_test(test_a_name_with_braces_is_not_a_template),
		cmocka_unit_test(test_fault_set_fills_and_returns_the_negative_error),
		cmocka_unit_test(test_a_report_is_one_line_on_stderr),
		cmocka_unit_test(test_a_report_without_a_cure_ends_with_the_cause),
		cmocka_unit_test(test_long_reports_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
