// SPDX-License-Identifier: MIT
/*
 * The functions of a configuration that names them by what they are: found once, for all commands,
 * and looked at as any others.
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

#include "tests/unit/config/config_world.h"
#include "tests/unit/vfio/vfio_tree.h"
#include "vitsmod/bits.h"
#include "vmm/check/check.h"
#include "vmm/dev/passthru.h"

#define PLACE "sys/devices/pci0000:00/"

static struct {
	struct host_tree tree;
	struct config config;
	struct failure failure;
} w;

/* A disk and two network cards. */
static int make(void **state)
{
	uint8_t config[256] = { [0x06] = 0x10, [0x34] = 0x60, [0x60] = 0x11, [0x62] = 64 };
	const struct tree_function functions[] = {
		{ "0000:00:01.0", 0x1b36, 0x0010, 0x010802, "nvme", 1, config, 256, "flr" },
		{ "0000:00:02.0", 0x8086, 0x10d3, 0x020000, "e1000e", 2, config, 256, "flr" },
		{ "0000:00:03.0", 0x8086, 0x10d3, 0x020000, "e1000e", 3, config, 256, "flr" },
	};

	(void)state;
	memset(&w, 0, sizeof(w));
	tree_init(&w.tree);
	for (size_t i = 0; i < ARRAY_SIZE(functions); i++)
		tree_add_function(&w.tree, &functions[i]);
	tree_write(&w.tree, PLACE "0000:00:01.0/nvme/nvme0/state", "live\n");
	tree_write(&w.tree, PLACE "0000:00:01.0/nvme/nvme0/serial", "S64FNX0R    \n");
	tree_write(&w.tree, PLACE "0000:00:02.0/net/eth0/addr_assign_type", "0\n");
	tree_write(&w.tree, PLACE "0000:00:02.0/net/eth0/address", "52:54:00:12:34:56\n");
	return 0;
}

static int unmake(void **state)
{
	(void)state;
	config_fini(&w.config);
	tree_fini(&w.tree);
	return 0;
}

static int find(const char *devices)
{
	char text[512];

	config_fini(&w.config);
	(void)snprintf(text, sizeof(text), VALID "%s", devices);
	config_parse_valid(text, &w.config);
	return passthru_find(&w.tree.fs, &w.config, &w.failure);
}

static int look(size_t nr)
{
	struct pci_function fn;

	return passthru_look(&w.tree.fs, &w.config, nr, &fn, &w.failure);
}

static void expect_bdf(size_t nr, const char *want)
{
	char bdf[PCI_BDF_STRLEN];

	assert_true(passthru_is_found(&w.config.devices[nr]));
	assert_string_equal(pci_bdf_format(&w.config.devices[nr].bdf, bdf), want);
	assert_int_equal(look(nr), 0);
}

static void test_functions_are_found_by_what_names_them(void **state)
{
	(void)state;
	assert_int_equal(find("device a { serial = S64FNX0R }\n"
			      "device b { mac = \"52:54:00:12:34:56\" pci-id = \"8086:10d3\" }\n"
			      "device c { path = \"0000:00/03.0\" }\n"),
			 0);
	expect_bdf(0, "0000:00:01.0");
	expect_bdf(1, "0000:00:02.0");
	expect_bdf(2, "0000:00:03.0");
}

/* An address alone is taken as it is: whether there is a function, the look will tell. */
static void test_an_address_alone_is_not_looked_for(void **state)
{
	(void)state;
	assert_int_equal(find("device a { bdf = \"00:1f.0\" }\n"), 0);
	assert_true(passthru_is_found(&w.config.devices[0]));
	assert_int_equal(look(0), -ENOENT);
	assert_string_equal(w.failure.object, "0000:00:1f.0");
}

static void test_an_address_with_another_name_must_be_that_functions(void **state)
{
	(void)state;
	assert_int_equal(find("device a { bdf = \"00:01.0\" serial = S64FNX0R }\n"), 0);
	expect_bdf(0, "0000:00:01.0");
	assert_int_equal(find("device a { bdf = \"00:02.0\" serial = S64FNX0R }\n"), -ENOENT);
	assert_non_null(strstr(w.failure.cause, "at once"));
	assert_false(passthru_is_found(&w.config.devices[0]));
}

static void test_what_is_not_found_is_told_of_its_own_device(void **state)
{
	(void)state;
	assert_int_equal(find("device a { serial = S64FNX0R }\ndevice b { serial = S64FNXOR }\n"
			      "device c { pci-id = \"8086:10d3\" }\n"
			      "device d { path = \"0000:00/03.0\" }\n"),
			 -ENOENT);
	assert_string_equal(w.failure.object, "device b");
	/* The others are found all the same. */
	expect_bdf(0, "0000:00:01.0");
	expect_bdf(3, "0000:00:03.0");
	assert_int_equal(look(1), -ENOENT);
	assert_non_null(strstr(w.failure.cause, "did you mean \"S64FNX0R\""));
	assert_int_equal(look(2), -ENOTUNIQ);
	assert_non_null(strstr(w.failure.cause, "0000:00:02.0, 0000:00:03.0"));
	assert_int_equal(passthru_look_at_all(&w.tree.fs, &w.config, &w.failure), -ENOENT);
	assert_string_equal(w.failure.object, "device b");
}

static void test_two_names_of_one_function_are_told(void **state)
{
	(void)state;
	assert_int_equal(find("device a { serial = S64FNX0R }\ndevice b { bdf = \"00:01.0\" }\n"),
			 0);
	assert_int_equal(look(0), 0);
	assert_int_equal(look(1), -EEXIST);
	assert_string_equal(w.failure.object, "device b");
	assert_string_equal(
		w.failure.cause,
		"bdf = \"0000:00:01.0\" is 0000:00:01.0, which is the device a already");
}

static void test_check_says_what_becomes_of_each(void **state)
{
	struct check_host host = { .fs = w.tree.fs, .config = &w.config };
	struct check_result result = { 0 };

	(void)state;
	assert_int_equal(find("device a { serial = S64FNX0R }\ndevice b { serial = S64FNXOR }\n"),
			 -ENOENT);
	check_device(&host, 0, &result);
	assert_int_equal(result.verdict, VERDICT_PASS);
	check_device(&host, 1, &result);
	assert_int_equal(result.verdict, VERDICT_FAIL);
	assert_non_null(strstr(result.text, "did you mean \"S64FNX0R\", which 0000:00:01.0 has?"));
	assert_non_null(strstr(result.cure, "itsy devices --names"));
}

/* Paths show which functions are of one device, as addresses do. */
static void test_places_in_the_guest_follow_from_addresses_and_paths_alone(void **state)
{
	static const struct {
		const char *text;
		uint32_t devfns[2];
	} cases[] = {
		{ "device a { path = \"0:0/1.0/0.1\" }\ndevice b { path = \"0:0/1.0/0.0\" }\n",
		  { 0x01, 0x00 } },
		{ "device a { path = \"0:0/1.0/0.0\" }\ndevice b { path = \"0:0/2.0/0.1\" }\n",
		  { 0x00, 0x08 } },
		{ "device a { path = \"0:0/1.0/0.0\" }\ndevice b { path = \"0:0/1.0/0.0/vf1\" }\n",
		  { 0x00, 0x08 } },
		{ "device a { bdf = \"00:01.0\" }\ndevice b { path = \"0000:00/01.1\" }\n",
		  { 0x00, 0x08 } },
		{ "device a { serial = x }\ndevice b { mac = \"52:54:00:12:34:56\" }\n",
		  { 0x00, 0x08 } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		(void)!find(cases[i].text);
		for (size_t n = 0; n < 2; n++)
			assert_int_equal(w.config.devices[n].devfn, cases[i].devfns[n]);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make, unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_functions_are_found_by_what_names_them),
		TEST(test_an_address_alone_is_not_looked_for),
		TEST(test_an_address_with_another_name_must_be_that_functions),
		TEST(test_what_is_not_found_is_told_of_its_own_device),
		TEST(test_two_names_of_one_function_are_told),
		TEST(test_check_says_what_becomes_of_each),
		TEST(test_places_in_the_guest_follow_from_addresses_and_paths_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
