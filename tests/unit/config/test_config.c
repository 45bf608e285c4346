// SPDX-License-Identifier: MIT
/*
 * Configuration files: what is accepted, and what comes of it.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/config/config_world.h"
#include "vitsmod/bits.h"
#include "vmm/config/config.h"
#include "vmm/kvm/layout.h"

static void test_every_key_reaches_the_configuration(void **state)
{
	struct config c;

	(void)state;
	config_parse_valid("kernel = \"/k/Image\"\n"
			   "initrd = '/k/initrd'\n"
			   "cmdline = \"console=ttyS0 a=\\\"b\\\" c=\\\\d\"\n"
			   "vcpus = 512\n"
			   "memory = \"1G\"\n"
			   "device \"nvme0\" { bdf = \"0000:01:00.0\" events = 64 }\n"
			   "device net-1\n{\n\tbdf = 02:1f.7\n}\n",
			   &c);
	assert_string_equal(c.path, "t.conf");
	assert_string_equal(c.kernel, "/k/Image");
	assert_string_equal(c.initrd, "/k/initrd");
	assert_string_equal(c.cmdline, "console=ttyS0 a=\"b\" c=\\d");
	assert_int_equal(c.vcpus, 512);
	assert_int_equal(c.memory, GiB);
	assert_int_equal(c.nr_devices, 2);
	assert_string_equal(c.devices[0].name, "nvme0");
	assert_int_equal(c.devices[0].bdf.bus, 1);
	assert_int_equal(c.devices[0].events, 64);
	assert_int_equal(c.devices[0].line, 6);
	assert_string_equal(c.devices[1].name, "net-1");
	assert_int_equal(c.devices[1].bdf.bus, 2);
	assert_int_equal(c.devices[1].bdf.dev, 31);
	assert_int_equal(c.devices[1].bdf.fn, 7);
	assert_int_equal(c.devices[1].events, 0);
	assert_int_equal(c.devices[1].line, 8);
	config_fini(&c);
}

static void test_routes_and_placement_are_read_and_survive_printing(void **state)
{
	static const char text[] = VALID
		"vcpus = 3\nroute = irqfd\nrouter-cpu = 1\nrouter-sched = other\nspin-cpu = 2\n"
		"vcpu-cpus = \"4-5,0\"\nvcpu-sched = \"fifo:99\"\n"
		"device a {\nbdf = 0000:01:00.0\n}\n"
		"device b {\nbdf = 0000:02:00.0\nroute = spin\n}\n";
	const char *read = text;
	char *printed = NULL;

	(void)state;
	for (int turn = 0; turn < 2; turn++, read = printed) {
		struct config c;

		config_parse_valid(read, &c);
		if (turn)
			free(printed);
		assert_int_equal(c.route, ROUTE_IRQFD);
		assert_int_equal(c.devices[0].route, ROUTE_IRQFD);
		assert_int_equal(c.devices[1].route, ROUTE_SPIN);
		assert_int_equal(c.router.cpu, 1);
		assert_int_equal(c.router.fifo, 0);
		assert_int_equal(c.spin.cpu, 2);
		assert_int_equal(c.vcpu.fifo, 99);
		assert_int_equal(c.vcpu_cpus.nr, 3);
		assert_int_equal(c.vcpu_cpus.list[0], 4);
		assert_int_equal(c.vcpu_cpus.list[1], 5);
		assert_int_equal(c.vcpu_cpus.list[2], 0);
		printed = config_printed(&c);
		config_fini(&c);
	}
	free(printed);
}

static void test_policies_are_read_completed_and_survive_printing(void **state)
{
	static const char text[] =
		VALID "router-cpu = 3\nspin-cpu = 5\n"
		      "device a {\nbdf = 0000:01:00.0\nstorm-rate = 5000\nhold-us = 70\n}\n"
		      "device b {\nbdf = 0000:02:00.0\nstorm-rate = 9\nstorm-burst = 2\n"
		      "storm-holdoff-us = 1000\nmsi-cpu = 0\nroute = spin\n}\n"
		      "device c {\nbdf = 0000:03:00.0\nstorm-burst = 2\nroute = spin\n}\n"
		      "device d {\nbdf = 0000:04:00.0\nmsi-cpu = any\n}\n"
		      "device e {\nbdf = 0000:05:00.0\nroute = irqfd\n}\n";
	const char *read = text;
	char *printed = NULL;

	(void)state;
	for (int turn = 0; turn < 2; turn++, read = printed) {
		struct config c;

		config_parse_valid(read, &c);
		if (turn)
			free(printed);
		assert_int_equal(c.devices[0].policy.storm_rate, 5000);
		assert_int_equal(c.devices[0].policy.storm_burst, 50);
		assert_int_equal(c.devices[0].policy.storm_holdoff_us, 10000);
		assert_int_equal(c.devices[0].policy.hold_us, 70);
		assert_int_equal(c.devices[0].msi_cpu, 3);
		assert_int_equal(c.devices[1].policy.storm_rate, 9);
		assert_int_equal(c.devices[1].policy.storm_burst, 2);
		assert_int_equal(c.devices[1].policy.storm_holdoff_us, 1000);
		assert_int_equal(c.devices[1].msi_cpu, 0);
		/* Without a rate there is no policy. */
		assert_true(policy_is_off(&c.devices[2].policy));
		assert_int_equal(c.devices[2].msi_cpu, 5);
		assert_int_equal(c.devices[3].msi_cpu, -1);
		assert_int_equal(c.devices[4].msi_cpu, -1);
		printed = config_printed(&c);
		config_fini(&c);
	}
	free(printed);
}

static void test_defaults_are_one_vcpu_512_mib_and_an_empty_command_line(void **state)
{
	struct config c;

	(void)state;
	config_parse_valid(VALID, &c);
	assert_null(c.initrd);
	assert_string_equal(c.cmdline, "");
	assert_int_equal(c.vcpus, 1);
	assert_int_equal(c.memory, 512 * MiB);
	assert_int_equal(c.nr_devices, 0);
	config_fini(&c);
}

/* What the blocks of a text are to become; the lines do not matter. */
static const struct wired {
	const char *why, *text;
	size_t nr_its;
	struct config_its its[2];
	size_t nr_devices;
	struct config_device devices[3];
} wired[] = {
	{ "no block: one ITS with the defaults",
	  "device \"a\" { bdf = \"01:00.0\" }\n"
	  "device \"b\" { bdf = \"02:00.0\" its = \"its\" events = 65536 }\n"
	  "device \"c\" { bdf = \"03:00.0\" devid = 0xffff }\n",
	  1,
	  { { "its", 16, 16, 0, false, 0 } },
	  3,
	  { { .its = 0, .devid = 0 },
	    { .its = 0, .devid = 8, .events = 65536 },
	    { .its = 0, .devid = 0xffff, .has_devid = true } } },
	{ "an empty block has the defaults",
	  "its \"x\" { }\n",
	  1,
	  { { "x", 16, 16, 0, false, 1 } },
	  0,
	  { { 0 } } },
	{ "two, behind the devices that name them",
	  "device \"a\" { bdf = \"01:00.0\" its = \"slow\" devid = 0x12345 events = 256 }\n"
	  "device \"b\" { bdf = \"02:00.0\" }\n"
	  "its \"fast\" { on-error = \"skip\" eventid-bits = 5 }\n"
	  "its \"slow\" { devid-bits = 20 eventid-bits = 8 lpis = 4096 on-error = stall }\n",
	  2,
	  { { "fast", 16, 5, 0, false, 1 }, { "slow", 20, 8, 4096, true, 1 } },
	  2,
	  { { .its = 1, .devid = 0x12345, .has_devid = true, .events = 256 },
	    { .its = 0, .devid = 8 } } },
	{ "the least and the most of each key",
	  "its \"a\" { devid-bits = 1 eventid-bits = 1 lpis = 32 }\n"
	  "its \"b\" { devid-bits = 32 eventid-bits = 16 lpis = 57344 }\n"
	  "device \"a\" { bdf = \"01:00.0\" its = \"b\" devid = 0xffffffff }\n"
	  "device \"b\" { bdf = \"02:00.0\" its = \"a\" devid = 1 events = 2 }\n",
	  2,
	  { { "a", 1, 1, 32, false, 1 }, { "b", 32, 16, 57344, false, 1 } },
	  2,
	  { { .its = 1, .devid = 0xffffffff, .has_devid = true },
	    { .its = 0, .devid = 1, .has_devid = true, .events = 2 } } },
	{ "one DeviceID on each ITS, and one title for a device and an ITS",
	  "its \"a\" { }\nits \"b\" { }\n"
	  "device \"a\" { bdf = \"01:00.0\" devid = 8 }\n"
	  "device \"b\" { bdf = \"02:00.0\" its = \"b\" }\n",
	  2,
	  { { "a", 16, 16, 0, false, 1 }, { "b", 16, 16, 0, false, 1 } },
	  2,
	  { { .its = 0, .devid = 8, .has_devid = true }, { .its = 1, .devid = 8 } } },
};

static void assert_wired(const struct config *c, const struct wired *w)
{
	assert_int_equal(c->nr_its, w->nr_its);
	for (size_t i = 0; i < w->nr_its; i++) {
		assert_string_equal(c->its[i].name, w->its[i].name);
		assert_int_equal(c->its[i].devid_bits, w->its[i].devid_bits);
		assert_int_equal(c->its[i].eventid_bits, w->its[i].eventid_bits);
		assert_int_equal(c->its[i].lpis, w->its[i].lpis);
		assert_int_equal(c->its[i].stall, w->its[i].stall);
	}
	assert_int_equal(c->nr_devices, w->nr_devices);
	for (size_t i = 0; i < w->nr_devices; i++) {
		assert_int_equal(c->devices[i].its, w->devices[i].its);
		assert_int_equal(c->devices[i].devid, w->devices[i].devid);
		assert_int_equal(c->devices[i].has_devid, w->devices[i].has_devid);
		assert_int_equal(c->devices[i].events, w->devices[i].events);
	}
}

static void test_its_blocks_and_the_wiring_of_devices_survive_printing(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wired); i++) {
		char text[1024], *printed;
		struct config c;

		print_message("%s\n", wired[i].why);
		(void)snprintf(text, sizeof(text), VALID "%s", wired[i].text);
		config_parse_valid(text, &c);
		assert_wired(&c, &wired[i]);
		printed = config_printed(&c);
		config_fini(&c);

		config_parse_valid(printed, &c);
		assert_wired(&c, &wired[i]);
		config_fini(&c);
		free(printed);
	}
}

/* What the devices of a text get, in the order of the file. */
static const struct {
	const char *why, *text;
	uint32_t devfns[4];
} places[] = {
	{ "in the order of the file",
	  "device a { bdf = 01:00.0 }\ndevice b { bdf = 02:00.0 }\ndevice c { bdf = 03:00.0 }\n",
	  { 0x00, 0x08, 0x10 } },
	{ "around those that have one",
	  "device a { bdf = 01:00.0 }\ndevice b { bdf = 02:00.0 at = 01.0 }\n"
	  "device c { bdf = 03:00.0 }\ndevice d { bdf = 04:00.0 at = \"1f.0\" }\n",
	  { 0x00, 0x08, 0x10, 0xf8 } },
	{ "siblings on the host are siblings",
	  "device a { bdf = 01:00.0 }\ndevice b { bdf = 02:00.3 }\n"
	  "device c { bdf = 01:00.7 }\ndevice d { bdf = 02:00.0 }\n",
	  { 0x00, 0x0b, 0x07, 0x08 } },
	{ "they go along",
	  "device a { bdf = 01:00.0 at = 05.0 }\ndevice b { bdf = 01:00.1 }\n"
	  "device c { bdf = 02:00.0 }\n",
	  { 0x28, 0x29, 0x00 } },
	{ "without their function 0 they are by themselves",
	  "device a { bdf = 01:00.1 }\ndevice b { bdf = 01:00.2 }\ndevice c { bdf = 02:00.0 }\n",
	  { 0x00, 0x08, 0x10 } },
	{ "nor beside one that is no function 0 of the guest's",
	  "device a { bdf = 01:00.0 at = 03.2 }\ndevice b { bdf = 01:00.1 }\n"
	  "device c { bdf = 02:00.0 at = 03.0 }\n",
	  { 0x1a, 0x00, 0x18 } },
	{ "of another bus, of another domain",
	  "device a { bdf = 01:00.0 }\ndevice b { bdf = 02:00.1 }\n"
	  "device c { bdf = 0001:01:00.1 }\n",
	  { 0x00, 0x08, 0x10 } },
	{ "functions of one device that are strangers on the host",
	  "device a { bdf = 01:00.0 at = 02.1 }\ndevice b { bdf = 02:00.0 at = 02.0 }\n",
	  { 0x11, 0x10 } },
};

static void test_devices_have_places_on_the_bus(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		char text[512];
		struct config c;

		print_message("%s\n", places[i].why);
		(void)snprintf(text, sizeof(text), VALID "%s", places[i].text);
		config_parse_valid(text, &c);
		for (size_t n = 0; n < c.nr_devices; n++) {
			assert_int_equal(c.devices[n].devfn, places[i].devfns[n]);
			/* Its DeviceID, as none is given. */
			assert_int_equal(c.devices[n].devid, places[i].devfns[n]);
		}
		config_fini(&c);
	}
}

/* Behind root ports: places are those on bus 0, requester IDs those of the guest's buses in order.
 */
static const struct {
	const char *why, *text;
	uint32_t devfns[4], requester_ids[4];
	bool behind[4];
} ports[] = {
	{ "buses are numbered by their ports' places",
	  "device a { bdf = 01:00.0 root-port = on at = 05.0 }\n"
	  "device b { bdf = 02:00.0 root-port = on }\ndevice c { bdf = 03:00.0 }\n"
	  "device d { bdf = 04:00.0 root-port = off }\n",
	  { 0x28, 0x00, 0x08, 0x10 },
	  { 0x200, 0x100, 0x08, 0x10 },
	  { true, true, false, false } },
	{ "siblings on the host go along, before their function 0, too",
	  "device a { bdf = 01:00.3 }\ndevice b { bdf = 01:00.0 root-port = on }\n"
	  "device c { bdf = 02:00.0 root-port = on }\ndevice d { bdf = 02:00.7 }\n",
	  { 0x03, 0x00, 0x08, 0x0f },
	  { 0x103, 0x100, 0x200, 0x207 },
	  { true, true, true, true } },
	{ "so do strangers that are given a place there",
	  "device a { bdf = 01:00.0 at = 03.0 }\ndevice b { bdf = 02:00.0 at = 03.1 root-port = on "
	  "}\n",
	  { 0x18, 0x19 },
	  { 0x100, 0x101 },
	  { true, true } },
};

static void test_devices_are_behind_root_ports_where_they_are_asked_for(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
		char text[512];
		struct config c;

		print_message("%s\n", ports[i].why);
		(void)snprintf(text, sizeof(text), VALID "%s", ports[i].text);
		config_parse_valid(text, &c);
		for (size_t n = 0; n < c.nr_devices; n++) {
			assert_int_equal(c.devices[n].devfn, ports[i].devfns[n]);
			assert_int_equal(c.devices[n].requester_id, ports[i].requester_ids[n]);
			assert_int_equal(c.devices[n].devid, ports[i].requester_ids[n]);
			assert_int_equal(c.devices[n].root_port, ports[i].behind[n]);
		}
		config_fini(&c);
	}
}

static void test_as_many_devices_as_there_can_be_have_places(void **state)
{
	char text[4096];
	size_t len = (size_t)snprintf(text, sizeof(text), VALID);
	uint32_t seen = 0;
	struct config c;

	(void)state;
	/* Two have a place, all others find one. */
	for (unsigned i = 0; i < CONFIG_MAX_DEVICES; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"device d%u { bdf = %02x:00.0 %s }\n", i, i,
					i == 4	 ? "at = 00.0"
					: i == 9 ? "at = 1f.0"
						 : "");
	config_parse_valid(text, &c);
	for (unsigned i = 0; i < CONFIG_MAX_DEVICES; i++)
		seen |= UINT32_C(1) << (c.devices[i].devfn >> 3);
	assert_int_equal(seen, UINT32_MAX);
	config_fini(&c);
}

static void test_overrides_reach_its_blocks(void **state)
{
	static const char text[] = VALID "its \"one\" { }\nits \"two\" { devid-bits = 99 }\n"
					 "device \"n\" { bdf = \"01:00.0\" its = \"oen\" }\n";
	static const char *const overrides[] = {
		"its.two.devid-bits=24",  "its.two.eventid-bits=4", "its.two.lpis=64",
		"its.two.on-error=stall", "device.n.its=two",	    "device.n.devid=0x800000",
	};
	static const struct wired want = {
		.nr_its = 2,
		.its = { { "one", 16, 16, 0, false, 1 }, { "two", 24, 4, 64, true, 1 } },
		.nr_devices = 1,
		.devices = { { .its = 1, .devid = 0x800000, .has_devid = true } },
	};
	struct config c;
	char *messages;

	(void)state;
	assert_int_equal(config_parse_text(text, overrides, ARRAY_SIZE(overrides), &messages, &c),
			 0);
	assert_string_equal(messages, "");
	assert_wired(&c, &want);
	config_fini(&c);
	free(messages);
}

static void test_comments_line_ends_and_marks_do_not_matter(void **state)
{
	static const char *const texts[] = {
		"\xef\xbb\xbf" VALID,
		"# a = \"b\n" VALID,
		"// { } \" '\n" VALID,
		"/* one\n * vcpus = 3\n */ " VALID "/**/",
		VALID "# without an end",
		"kernel = \"Image\"\r\nvcpus = 1\r\n",
		"kernel=\"Image\" vcpus=1 memory=512M # three on a line",
		"# 32 characters, which libconfuse  \n#234567890123456789012345678901\n" VALID,
		"kernel = \"Ima\\\nge\"\n",
		"kernel = Image",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct config c;

		print_message("%zu\n", i);
		config_parse_valid(texts[i], &c);
		assert_string_equal(c.kernel, "Image");
		assert_int_equal(c.vcpus, 1);
		config_fini(&c);
	}
}

static void test_memory_sizes_with_their_suffixes(void **state)
{
	static const struct {
		const char *text;
		uint64_t want;
	} cases[] = {
		{ "64M", 64 * MiB },	   { "64m", 64 * MiB },
		{ "65536K", 64 * MiB },	   { "1G", GiB },
		{ "67108864", 64 * MiB },  { "0x4000000", 64 * MiB },
		{ "0x10000k", 64 * MiB },  { "511G", 511 * GiB },
		{ "65600K", 65600 * KiB }, { "548682072064", 511 * GiB },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[128];
		struct config c;

		print_message("%s\n", cases[i].text);
		(void)snprintf(text, sizeof(text), VALID "memory = \"%s\"\n", cases[i].text);
		config_parse_valid(text, &c);
		assert_int_equal(c.memory, cases[i].want);
		config_fini(&c);
	}
}

static void test_environment_is_not_expanded(void **state)
{
	static const char want[] =
		"t.conf:1: error: ${...} is not expanded: for the characters themselves write "
		"\\${\n";
	struct config c;

	(void)state;
	assert_int_equal(setenv("ITSY_TEST", "surprise", 1), 0);
	config_expect_messages("kernel = \"${ITSY_TEST}\"\n", NULL, 0, want);
	config_expect_messages("kernel = \"a${ITSY_TEST:-b}\"\n", NULL, 0, want);
	config_expect_messages("kernel = ${ITSY_TEST}\n", NULL, 0,
			       "t.conf:1: error: ${...} is not expanded: for the characters "
			       "themselves put it in single quotes\n");

	config_parse_valid("kernel = \"\\${ITSY_TEST}$x\"\ninitrd = '${ITSY_TEST}'\n", &c);
	assert_string_equal(c.kernel, "${ITSY_TEST}$x");
	assert_string_equal(c.initrd, "${ITSY_TEST}");
	config_fini(&c);
}

static void test_long_lines_and_values_are_no_harm(void **state)
{
	size_t len = 500000;
	char *text = malloc(len + 64), *at = text, *messages;
	struct config c;

	(void)state;
	assert_non_null(text);
	at += sprintf(at, "kernel = \"");
	memset(at, 'k', len);
	strcpy(at + len, "\"\n");
	config_parse_valid(text, &c);
	assert_int_equal(strlen(c.kernel), len);
	config_fini(&c);

	/* As a key that nobody knows, as a comment, as a name. */
	memset(text, 'k', len);
	strcpy(text + len, " = 1\n" VALID);
	assert_int_equal(config_parse_text(text, NULL, 0, &messages, &c), -EINVAL);
	assert_true(strlen(messages) < 200);
	free(messages);
	text[0] = '#';
	strcpy(text + len, "\n" VALID);
	config_parse_valid(text, &c);
	config_fini(&c);
	free(text);
}

static void test_command_line_that_the_guest_would_cut_is_refused(void **state)
{
	char text[2200], *at = text + sprintf(text, VALID "cmdline = \"");
	struct config c;

	(void)state;
	memset(at, 'c', 2047);
	strcpy(at + 2047, "\"\n");
	config_parse_valid(text, &c);
	assert_int_equal(strlen(c.cmdline), 2047);
	config_fini(&c);

	strcpy(at + 2047, "c\"\n");
	config_expect_messages(
		text, NULL, 0,
		"t.conf:2: error: 'cmdline' has 2048 characters: the guest takes 2047\n");
}

static void test_overrides_replace_what_the_file_says(void **state)
{
	static const char text[] = "kernel = \"a\"\ninitrd = \"b\"\nvcpus = 010\nmemory = \"1\"\n"
				   "device \"n0\" { bdf = \"nonsense\" }\n";
	static const char *const overrides[] = {
		"vcpus=1",	    "vcpus=3",	       "memory=128M",		"initrd=",
		"kernel=sub/Image", "cmdline=a=b c=d", "device.n0.bdf=03:00.0", "device.n0.events=9"
	};
	struct config c;
	char *messages;

	(void)state;
	assert_int_equal(config_parse_text(text, overrides, ARRAY_SIZE(overrides), &messages, &c),
			 0);
	assert_string_equal(messages, "");
	assert_string_equal(c.kernel, "sub/Image");
	assert_null(c.initrd);
	assert_string_equal(c.cmdline, "a=b c=d");
	assert_int_equal(c.vcpus, 3);
	assert_int_equal(c.memory, 128 * MiB);
	assert_int_equal(c.devices[0].bdf.bus, 3);
	assert_int_equal(c.devices[0].events, 9);
	config_fini(&c);
	free(messages);
}

static void test_a_guest_is_named_after_its_file_unless_it_says_otherwise(void **state)
{
	static const struct {
		const char *path, *text, *name;
	} cases[] = {
		{ "web.conf", VALID, "web" },
		{ "/etc/itsy.d/web1.conf", VALID, "web1" },
		{ "web.conf.old", VALID, "web-conf-old" },
		{ "a b.conf", VALID, "a-b" },
		{ "web", VALID, "web" },
		{ "dir/.conf", VALID, "guest" },
		{ "dir/", VALID, "guest" },
		{ "0123456789012345678901234567890x.conf", VALID,
		  "0123456789012345678901234567890" },
		{ "web.conf", VALID "name = db_2-b\n", "db_2-b" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct config c;

		assert_int_equal(config_parse(cases[i].path, cases[i].text, NULL, 0, stderr, &c),
				 0);
		assert_string_equal(c.name, cases[i].name);
		config_fini(&c);
	}
}

static void test_relative_paths_count_from_the_folder_of_the_file(void **state)
{
	static const struct {
		const char *file, *kernel, *want;
	} cases[] = {
		{ "guest.conf", "Image", "Image" },
		{ "configs/guest.conf", "Image", "configs/Image" },
		{ "/etc/itsy/guest.conf", "../Image", "/etc/itsy/../Image" },
		{ "/guest.conf", "Image", "/Image" },
		{ "configs/guest.conf", "/boot/Image", "/boot/Image" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[128];
		struct config c;

		(void)snprintf(text, sizeof(text), "kernel = \"%s\"\ninitrd = \"%s\"\n",
			       cases[i].kernel, cases[i].kernel);
		assert_int_equal(config_parse(cases[i].file, text, NULL, 0, stderr, &c), 0);
		assert_string_equal(c.kernel, cases[i].want);
		assert_string_equal(c.initrd, cases[i].want);
		config_fini(&c);
	}
}

static void test_what_is_printed_reads_back_as_the_same(void **state)
{
	static const char text[] = "kernel = '/k \"x\" \\y ${Z}'\ninitrd = \"/i\"\n"
				   "cmdline = 'a=\"b\" $c'\nvcpus = 7\nmemory = \"65600K\"\n"
				   "device \"d0\" { bdf = \"0001:ab:1f.7\" events = 12 }\n"
				   "device \"d1\" { bdf = \"0000:ab:1f.7\" }\n";
	char *once, *twice;
	struct config c;

	(void)state;
	config_parse_valid(text, &c);
	once = config_printed(&c);
	config_fini(&c);

	config_parse_valid(once, &c);
	assert_string_equal(c.kernel, "/k \"x\" \\y ${Z}");
	assert_string_equal(c.cmdline, "a=\"b\" $c");
	assert_int_equal(c.memory, 65600 * KiB);
	assert_int_equal(c.devices[0].bdf.domain, 1);
	assert_int_equal(c.devices[0].events, 12);
	twice = config_printed(&c);
	config_fini(&c);
	assert_string_equal(config_strip(once), config_strip(twice));
	free(once);
	free(twice);
}

/* xorshift: the same mutations in each run. */
static uint64_t random_next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void mutate(char *text, size_t len, uint64_t *seed)
{
	static const char likely[] = "{}\"'=\n#/*\\$+,() \t-0129axK\x01\xff";

	for (uint64_t n = 1 + random_next(seed) % 6; n; n--) {
		char c = likely[random_next(seed) % (sizeof(likely) - 1)];

		text[random_next(seed) % len] = c;
	}
}

static void test_random_damage_is_accepted_or_reported_with_a_line(void **state)
{
	static const char original[] = "kernel = \"/boot/Image\"\ninitrd = 'i' # x\n"
				       "cmdline = \"console=ttyS0 \\\"q\\\"\"\n/* c */ vcpus = 4\n"
				       "memory = 512M\ndevice \"a\" {\n\tbdf = \"0000:01:00.0\"\n"
				       "\tevents = 64 }\ndevice b { bdf = 02:00.0 its = i }\n"
				       "its \"i\" {\n\tlpis = 64 on-error = stall }\n";
	uint64_t seed = 0x9e3779b97f4a7c15;
	unsigned accepted = 0, refused = 0;

	(void)state;
	for (int i = 0; i < 30000; i++) {
		char text[sizeof(original)], *messages;
		struct config c;
		int r;

		memcpy(text, original, sizeof(original));
		mutate(text, sizeof(original) - 1, &seed);
		r = config_parse_text(text, NULL, 0, &messages, &c);
		if (r == 0) {
			assert_string_equal(messages, "");
			assert_non_null(c.kernel);
			assert_in_range(c.vcpus, 1, 512);
			config_fini(&c);
			accepted++;
		} else {
			assert_int_equal(r, -EINVAL);
			if (strncmp(messages, "t.conf:", 7) != 0)
				fail_msg("%s\n---\n%s", text, messages);
			refused++;
		}
		free(messages);
	}
	/* The damage is neither always harmless nor always fatal: the test tests. */
	assert_true(accepted > 1000);
	assert_true(refused > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_key_reaches_the_configuration),
		cmocka_unit_test(test_routes_and_placement_are_read_and_survive_printing),
		cmocka_unit_test(test_policies_are_read_completed_and_survive_printing),
		cmocka_unit_test(test_defaults_are_one_vcpu_512_mib_and_an_empty_command_line),
		cmocka_unit_test(test_its_blocks_and_the_wiring_of_devices_survive_printing),
		cmocka_unit_test(test_devices_have_places_on_the_bus),
		cmocka_unit_test(test_devices_are_behind_root_ports_where_they_are_asked_for),
		cmocka_unit_test(test_as_many_devices_as_there_can_be_have_places),
		cmocka_unit_test(test_overrides_reach_its_blocks),
		cmocka_unit_test(test_comments_line_ends_and_marks_do_not_matter),
		cmocka_unit_test(test_memory_sizes_with_their_suffixes),
		cmocka_unit_test(test_environment_is_not_expanded),
		cmocka_unit_test(test_long_lines_and_values_are_no_harm),
		cmocka_unit_test(test_command_line_that_the_guest_would_cut_is_refused),
		cmocka_unit_test(test_overrides_replace_what_the_file_says),
		cmocka_unit_test(test_a_guest_is_named_after_its_file_unless_it_says_otherwise),
		cmocka_unit_test(test_relative_paths_count_from_the_folder_of_the_file),
		cmocka_unit_test(test_what_is_printed_reads_back_as_the_same),
		cmocka_unit_test(test_random_damage_is_accepted_or_reported_with_a_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
