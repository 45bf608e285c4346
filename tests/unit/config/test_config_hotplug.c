// SPDX-License-Identifier: MIT
/*
 * Root ports that are kept free.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/config/config_world.h"
#include "vmm/config/config_hotplug.h"
#include "vmm/config/config_place.h"

#define HEAD "kernel = \"k\"\n"

static void test_ports_that_are_free_are_behind_the_devices(void **state)
{
	struct config config;

	(void)state;
	config_parse_valid(HEAD "route = \"spin\"\nhotplug-ports = 2\n"
				"device \"a\" {\n\tbdf = \"01:00.0\"\n}\n"
				"device \"b\" {\n\tbdf = \"02:00.0\"\n\tat = \"02.0\"\n"
				"\troot-port = on\n}\n",
			   &config);
	assert_int_equal(config.nr_devices, 2);
	assert_int_equal(config.hotplug_ports, 2);
	assert_int_equal(config.hotplug_vectors, HOTPLUG_VECTORS_DEFAULT);
	assert_string_equal(config.devices[2].name, "hotplug0");
	assert_string_equal(config.devices[3].name, "hotplug1");
	assert_int_equal(config.devices[2].devfn, 1 << 3);
	assert_int_equal(config.devices[3].devfn, 3 << 3);
	assert_true(config.devices[2].root_port && config.devices[3].root_port);
	assert_int_equal(config.devices[2].route, ROUTE_SPIN);
	/* Buses go by the ports' numbers, and so do DeviceIDs. */
	assert_int_equal(config_place_root_ports(&config), 1 << 1 | 1 << 2 | 1 << 3);
	assert_int_equal(config.devices[2].devid, 1 << 8);
	assert_int_equal(config.devices[1].devid, 2 << 8);
	assert_int_equal(config.devices[3].devid, 3 << 8);
	config_fini(&config);
}

static void test_what_has_no_room_is_told(void **state)
{
	(void)state;
	config_expect_messages(
		HEAD "hotplug-ports = 16\n", NULL, 0,
		"t.conf:2: error: 'hotplug-ports' is a number from 0 to 15, not '16'\n");
	config_expect_messages(
		HEAD "hotplug-ports = 15\ndevice \"a\" {\n\tbdf = \"01:00.0\"\n"
		     "\troot-port = on\n}\n",
		NULL, 0,
		"t.conf:2: error: 'hotplug-ports' are too many beside the devices' own "
		"root ports\n");
	config_expect_messages(
		HEAD "hotplug-ports = 1\n"
		     "device \"hotplug0\" {\n\tbdf = \"01:00.0\"\n}\n",
		NULL, 0,
		"t.conf:2: error: 'hotplug-ports' are called hotplug0 and so on, as one "
		"of the devices is\n");
	config_expect_messages(
		HEAD "hotplug-ports = 1\n"
		     "device \"a\" {\n\tbdf = \"01:00.0\"\n\tdevid = 0x100\n}\n",
		NULL, 0,
		"t.conf:2: error: 'hotplug-ports' need DeviceIDs that the first ITS has, "
		"and no device\n");
	config_expect_messages(
		HEAD "hotplug-ports = 1\nits \"i\" {\n\tdevid-bits = 8\n}\n", NULL, 0,
		"t.conf:2: error: 'hotplug-ports' need DeviceIDs that the first ITS has, "
		"and no device\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ports_that_are_free_are_behind_the_devices),
		cmocka_unit_test(test_what_has_no_room_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
