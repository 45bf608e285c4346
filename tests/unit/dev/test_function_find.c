// SPDX-License-Identifier: MIT
/*
 * Which function a name means: one; or none or several, and what is said of them.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "vitsmod/bits.h"
#include "vmm/dev/function_find.h"

#define MANY 12u

static struct pci_named host[] = {
	{ .fn = { .bdf = { .dev = 1 },
		  .vendor = 0x1b36,
		  .device = 0x000c,
		  .is_bridge = true,
		  .class_code = 0x060400 },
	  .path = "0000:00/01.0" },
	{ .fn = { .bdf = { .bus = 1 },
		  .vendor = 0x1b36,
		  .device = 0x0010,
		  .class_code = 0x010802,
		  .driver = "nvme" },
	  .path = "0000:00/01.0/00.0",
	  .told = { .serial = "S64FNX0R" } },
	{ .fn = { .bdf = { .bus = 2 },
		  .vendor = 0x8086,
		  .device = 0x10d3,
		  .class_code = 0x020000,
		  .driver = "e1000e" },
	  .path = "0000:00/02.0/00.0",
	  .dsn = "52-54-00-ff-ff-12-34-56",
	  .told = { .macs = { "52:54:00:12:34:56" }, .nr_macs = 1 } },
	{ .fn = { .bdf = { .bus = 3 },
		  .vendor = 0x8086,
		  .device = 0x10d3,
		  .class_code = 0x020000,
		  .driver = "e1000e" },
	  .path = "0000:00/03.0/00.0",
	  .dsn = "52-54-00-ff-ff-12-34-57",
	  .told = { .macs = { "52:54:00:12:34:57" }, .nr_macs = 1 } },
};
static const struct function_list functions = { host, ARRAY_SIZE(host) };

struct part {
	enum pci_name_part part;
	const char *text;
};

static int find_in(const struct function_list *list, const struct part parts[2],
		   struct pci_bdf *ret_bdf, struct failure *ret_failure)
{
	struct pci_name name = { 0 };

	for (unsigned i = 0; i < 2 && parts[i].text; i++)
		assert_int_equal(pci_name_set(&name, parts[i].part, parts[i].text), 0);
	memset(ret_failure, 0, sizeof(*ret_failure));
	return function_find(list, "device d", &name, ret_bdf, ret_failure);
}

static void test_what_one_function_has_is_that_one(void **state)
{
	static const struct {
		struct part parts[2];
		uint8_t bus;
	} cases[] = {
		{ { { PCI_NAME_BDF, "02:00.0" } }, 2 },
		{ { { PCI_NAME_PATH, "0000:00/03.0/00.0" } }, 3 },
		{ { { PCI_NAME_ID, "1b36:0010" } }, 1 },
		{ { { PCI_NAME_SERIAL, "S64FNX0R" } }, 1 },
		{ { { PCI_NAME_SERIAL, "52-54-00-FF-FF-12-34-57" } }, 3 },
		{ { { PCI_NAME_MAC, "52:54:00:12:34:56" } }, 2 },
		{ { { PCI_NAME_ID, "8086:10d3" }, { PCI_NAME_MAC, "52:54:00:12:34:57" } }, 3 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct failure failure;
		struct pci_bdf bdf;

		print_message("%s\n", cases[i].parts[0].text);
		assert_int_equal(find_in(&functions, cases[i].parts, &bdf, &failure), 0);
		assert_int_equal(bdf.bus, cases[i].bus);
	}
}

static void test_what_none_or_several_have_is_told(void **state)
{
	static const struct {
		struct part parts[2];
		int want;
		const char *cause, *cure;
	} cases[] = {
		{ { { PCI_NAME_ID, "8086:10d3" } },
		  -ENOTUNIQ,
		  "2 functions have pci-id = \"8086:10d3\": 0000:02:00.0, 0000:03:00.0",
		  "do not share" },
		{ { { PCI_NAME_SERIAL, "S64FNXOR" } },
		  -ENOENT,
		  "no function has serial = \"S64FNXOR\": did you mean \"S64FNX0R\", which "
		  "0000:01:00.0 has?",
		  "--names" },
		{ { { PCI_NAME_PATH, "0000:00/02.0/01.0" } },
		  -ENOENT,
		  "no function has path = \"0000:00/02.0/01.0\": did you mean "
		  "\"0000:00/02.0/00.0\", which 0000:02:00.0 has?",
		  "--names" },
		{ { { PCI_NAME_SERIAL, "an0therMAKE" } },
		  -ENOENT,
		  "no function has serial = \"an0therMAKE\"",
		  "--names" },
		{ { { PCI_NAME_ID, "8086:10d3" }, { PCI_NAME_SERIAL, "S64FNX0R" } },
		  -ENOENT,
		  "no function has pci-id = \"8086:10d3\", serial = \"S64FNX0R\" at once; "
		  "0000:02:00.0 has that pci-id; 0000:01:00.0 has that serial",
		  "--names" },
		{ { { PCI_NAME_BDF, "02:00.0" }, { PCI_NAME_SERIAL, "S64FNX0R" } },
		  -ENOENT,
		  "no function has bdf = \"0000:02:00.0\", serial = \"S64FNX0R\" at once; "
		  "0000:02:00.0 has that bdf; 0000:01:00.0 has that serial",
		  "--names" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct failure failure;
		struct pci_bdf bdf;

		assert_int_equal(find_in(&functions, cases[i].parts, &bdf, &failure),
				 cases[i].want);
		assert_string_equal(failure.object, "device d");
		assert_string_equal(failure.cause, cases[i].cause);
		assert_non_null(strstr(failure.cure, cases[i].cure));
		assert_int_equal(failure.status, ITSY_ENVIRONMENT);
	}
}

/* The driver that would tell is not there: that is said, with what has it tell. */
static void test_a_function_that_does_not_tell_is_named(void **state)
{
	static const struct {
		struct part parts[2];
		struct pci_function fn;
		const char *cause;
	} cases[] = {
		{ { { PCI_NAME_SERIAL, "an0therMAKE" } },
		  { .bdf = { .bus = 4 }, .class_code = 0x010802, .driver = "vfio-pci" },
		  "no function has serial = \"an0therMAKE\", as far as is known: 0000:04:00.0, "
		  "bound to vfio-pci, does not tell its own" },
		{ { { PCI_NAME_MAC, "aa:bb:cc:dd:ee:ff" } },
		  { .bdf = { .bus = 5 }, .class_code = 0x020000 },
		  "no function has mac = \"aa:bb:cc:dd:ee:ff\", as far as is known: "
		  "0000:05:00.0, bound to no driver, does not tell its own" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct pci_named hiding[] = {
			{ .fn = { .bdf = { .bus = 9 }, .class_code = 0x030000 },
			  .hides_told = true },
			{ .fn = cases[i].fn, .hides_told = true },
		};
		const struct function_list list = { hiding, ARRAY_SIZE(hiding) };
		struct failure failure;
		struct pci_bdf bdf;

		assert_int_equal(find_in(&list, cases[i].parts, &bdf, &failure), -ENOENT);
		assert_string_equal(failure.cause, cases[i].cause);
		assert_non_null(strstr(failure.cure, "itsy release 0000:0"));
		assert_non_null(strstr(failure.cure, "path"));
	}
}

static void test_who_sees_no_serial_numbers_is_told_to_be_root(void **state)
{
	const struct pci_named hiding[] = { { .hides_dsn = true } };
	const struct part serial[2] = { { PCI_NAME_SERIAL, "an0therMAKE" } };
	const struct part path[2] = { { PCI_NAME_PATH, "0000:00/01.0" } };
	const struct function_list list = { hiding, 1 };
	struct failure failure;
	struct pci_bdf bdf;

	(void)state;
	assert_int_equal(find_in(&list, serial, &bdf, &failure), -ENOENT);
	assert_non_null(strstr(failure.cure, "root"));
	assert_int_equal(find_in(&list, path, &bdf, &failure), -ENOENT);
	assert_null(strstr(failure.cure, "root"));
}

/* A bridge can be meant, and is refused as one elsewhere; nobody is led to it. */
static void test_a_bridge_is_found_and_not_suggested(void **state)
{
	const struct part bridge[2] = { { PCI_NAME_PATH, "0000:00/01.0" } };
	const struct part near[2] = { { PCI_NAME_PATH, "0000:00/01.1" } };
	struct failure failure;
	struct pci_bdf bdf;

	(void)state;
	assert_int_equal(find_in(&functions, bridge, &bdf, &failure), 0);
	assert_int_equal(bdf.dev, 1);
	assert_int_equal(find_in(&functions, near, &bdf, &failure), -ENOENT);
	assert_null(strstr(failure.cause, "\"0000:00/01.0\""));
}

static void test_of_many_that_fit_the_first_are_listed_and_the_rest_counted(void **state)
{
	const struct part id[2] = { { PCI_NAME_ID, "8086:10d3" } };
	struct pci_named many[MANY] = { 0 };
	const struct function_list list = { many, MANY };
	struct failure failure;
	struct pci_bdf bdf;

	(void)state;
	for (unsigned i = 0; i < MANY; i++)
		many[i].fn = (struct pci_function){ .bdf = { .bus = (uint8_t)i },
						    .vendor = 0x8086,
						    .device = 0x10d3 };
	assert_int_equal(find_in(&list, id, &bdf, &failure), -ENOTUNIQ);
	assert_non_null(strstr(failure.cause, "12 functions have"));
	assert_non_null(strstr(failure.cause, "0000:07:00.0 and 4 more"));
	assert_null(strstr(failure.cause, "0000:08:00.0"));
}

static void test_a_host_without_functions_has_none(void **state)
{
	const struct part mac[2] = { { PCI_NAME_MAC, "aa:bb:cc:dd:ee:ff" } };
	const struct function_list none = { NULL, 0 };
	struct failure failure;
	struct pci_bdf bdf;

	(void)state;
	assert_int_equal(find_in(&none, mac, &bdf, &failure), -ENOENT);
	assert_string_equal(failure.cause, "no function has mac = \"aa:bb:cc:dd:ee:ff\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_one_function_has_is_that_one),
		cmocka_unit_test(test_what_none_or_several_have_is_told),
		cmocka_unit_test(test_a_function_that_does_not_tell_is_named),
		cmocka_unit_test(test_who_sees_no_serial_numbers_is_told_to_be_root),
		cmocka_unit_test(test_a_bridge_is_found_and_not_suggested),
		cmocka_unit_test(test_of_many_that_fit_the_first_are_listed_and_the_rest_counted),
		cmocka_unit_test(test_a_host_without_functions_has_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
