// SPDX-License-Identifier: MIT
/*
 * What itsy run --print-config prints: each value that is in force, and where it comes from; and
 * that it is the same guest when it is read back.
 */
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
#include "vmm/base/cleanup.h"
#include "vmm/config/config_key.h"

static const char file[] = "kernel = \"/k\"\nvcpus = 2 # two\ninitrd = \"\"\n"
			   "device d { bdf = 01:00.0\nstorm-rate = 5000\nat = 03.0 }\n"
			   "device e { bdf = 02:00.0\nstorm-burst = 7\n}\n";

static const struct config_option options[] = {
	{ "set", "memory=64M" },
	{ "ram", "128M" },
	{ "set", "device.e.route=spin" },
	{ "spin-cpu", "3" },
	{ "device", "03:00.0,msi-cpu=any" },
};

static void parse(const char *text, const struct config_option given[], size_t nr,
		  struct config *ret)
{
	_cleanup_free_ char *messages = NULL;

	assert_int_equal(config_parse_options(text, given, nr, &messages, ret), 0);
	assert_string_equal(messages, "");
}

static void has_line(const char *text, const char *line)
{
	_cleanup_free_ char *want = NULL;

	assert_true(asprintf(&want, "\n%s\n", line) > 0);
	if (!strstr(text, want))
		fail_msg("no line '%s' in:\n%s", line, text);
}

static void test_each_value_is_there_with_where_it_comes_from(void **state)
{
	static const char *const lines[] = {
		"kernel = \"/k\"\t# t.conf:1",
		"vcpus = 2\t# t.conf:2",
		"initrd = \"\"\t# t.conf:3",
		"cmdline = \"\"\t# default: empty",
		"memory = \"128M\"\t# --ram",
		"#memory-backing = \"thp\"\t# default",
		"#router-cpu\t# default: \"any\"",
		"spin-cpu = 3\t# --spin-cpu",
		"#vcpu-cpus\t# default: any",
		"#sandbox = \"on\"\t# default",
		"its \"its\" {\t# default",
		"\t#lpis\t# default: as many as Linux uses for all devices of the guest",
		"\ton-error = \"skip\"\t# default",
		"device \"d\" {\t# t.conf:4",
		"\tbdf = \"0000:01:00.0\"\t# t.conf:4",
		"\t#serial\t# default: any",
		"\tstorm-rate = 5000\t# t.conf:5",
		/* It is in force, and was not asked for. */
		"\tstorm-burst = 50\t# default: what storm-rate allows in 10 ms, at least 16",
		"\tat = \"03.0\"\t# t.conf:6",
		"\t#devid = 0x18\t# default: its requester ID on the guest's bus",
		"\t#route = \"auto\"\t# default: the guest's route",
		"\t#its = \"its\"\t# default: the first",
		"device \"e\" {\t# t.conf:7",
		/* It was asked for, and is not in force. */
		"\tstorm-burst = \"7\"\t# t.conf:8",
		"\t#storm-holdoff-us\t# default: 10000",
		"\troute = \"spin\"\t# --set device.e.route=spin",
		"\t#msi-cpu = 3\t# default: that of router-cpu or spin-cpu",
		"device \"device0\" {\t# --device 03:00.0,msi-cpu=any",
		"\tmsi-cpu = \"any\"\t# --device 03:00.0,msi-cpu=any",
	};
	_cleanup_free_ char *printed = NULL;
	struct config c;

	(void)state;
	parse(file, options, ARRAY_SIZE(options), &c);
	printed = config_printed(&c);
	config_fini(&c);
	assert_int_equal(strncmp(printed,
				 "name = \"t\"\t# default: the name of this file without .conf\n",
				 53),
			 0);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		has_line(printed, lines[i]);
}

/* Every key of the scope has one line between these two places. */
static void has_each_key(const char *from, const char *to, enum config_scope scope)
{
	for (size_t i = 0; i < config_nr_keys; i++) {
		const char *indent = scope == SCOPE_GUEST ? "" : "\t";
		unsigned nr = 0;

		if (config_keys[i].scope != scope)
			continue;
		for (const char *line = from; line < to; line += strcspn(line, "\n") + 1) {
			const char *name = line + strlen(indent) + (line[strlen(indent)] == '#');
			size_t len = strlen(config_keys[i].name);

			nr += strncmp(name, config_keys[i].name, len) == 0 &&
			      (name[len] == ' ' || name[len] == '\t');
		}
		if (nr != 1)
			fail_msg("'%s' is there %u times", config_keys[i].name, nr);
	}
}

static void test_no_key_is_left_out(void **state)
{
	_cleanup_free_ char *printed = NULL;
	const char *its, *device;
	struct config c;

	(void)state;
	config_parse_valid(VALID "device d { bdf = 01:00.0 }\n", &c);
	printed = config_printed(&c);
	config_fini(&c);
	its = strstr(printed, "\nits ");
	device = strstr(printed, "\ndevice ");
	assert_true(its && device > its);
	has_each_key(printed, its, SCOPE_GUEST);
	has_each_key(its, device, SCOPE_ITS);
	has_each_key(device, printed + strlen(printed), SCOPE_DEVICE);
}

/* The comments of the first text say where its values came from; of the second, its own lines. */
static void test_what_is_printed_is_the_same_guest_however_often(void **state)
{
	static const struct {
		const char *text;
		size_t nr;
	} cases[] = { { file, ARRAY_SIZE(options) },
		      { file, 0 },
		      { VALID, 1 },
		      { VALID "its b { lpis = 64 }\nits a { }\n", 0 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *once = NULL, *twice = NULL, *again = NULL;
		struct config c;

		parse(cases[i].text, options, cases[i].nr, &c);
		once = config_printed(&c);
		config_fini(&c);
		config_parse_valid(once, &c);
		twice = config_printed(&c);
		config_fini(&c);
		config_parse_valid(twice, &c);
		again = config_printed(&c);
		config_fini(&c);
		assert_string_equal(again, twice);
		assert_string_equal(config_strip(twice), config_strip(once));
	}
}

static void test_a_guest_of_options_alone_is_printed_as_a_file(void **state)
{
	static const struct config_option alone[] = {
		{ "kernel", "/k" },
		{ "cpus", "2" },
		{ "device", "01:00.0,route=irqfd" },
		{ "its", "main,lpis=64" },
	};
	_cleanup_free_ char *printed = NULL, *again = NULL;
	struct config c;

	(void)state;
	parse(NULL, alone, ARRAY_SIZE(alone), &c);
	printed = config_printed(&c);
	config_fini(&c);
	has_line(printed, "vcpus = 2\t# --cpus");
	has_line(printed, "its \"main\" {\t# --its main,lpis=64");
	config_parse_valid(printed, &c);
	again = config_printed(&c);
	config_fini(&c);
	/* Its name is not that of the file that it was written to. */
	assert_string_equal(config_strip(again), config_strip(printed));
	assert_int_equal(strncmp(again, "name = \"guest\"\n", 15), 0);
}

static void test_paths_of_the_current_folder_count_from_any(void **state)
{
	_cleanup_free_ char *folder = getcwd(NULL, 0), *kernel = NULL;
	struct config c;

	(void)state;
	assert_non_null(folder);
	config_parse_valid("kernel = \"sub/Image\"\ninitrd = /i\n", &c);
	assert_int_equal(config_settle_paths(&c), 0);
	assert_true(asprintf(&kernel, "%s/sub/Image", folder) > 0);
	assert_string_equal(c.kernel, kernel);
	assert_string_equal(c.initrd, "/i");
	config_fini(&c);
	config_parse_valid(VALID, &c);
	assert_int_equal(config_settle_paths(&c), 0);
	assert_null(c.initrd);
	config_fini(&c);
}

/* A file can be called anything. */
static void test_no_name_of_a_file_ends_a_comment(void **state)
{
	_cleanup_free_ char *printed = NULL;
	struct config c;

	(void)state;
	assert_int_equal(config_parse("a\nvcpus = 9\n", VALID, NULL, 0, stderr, &c), 0);
	printed = config_printed(&c);
	config_fini(&c);
	has_line(printed, "kernel = \"Image\"\t# a?vcpus = 9?:1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_value_is_there_with_where_it_comes_from),
		cmocka_unit_test(test_no_key_is_left_out),
		cmocka_unit_test(test_what_is_printed_is_the_same_guest_however_often),
		cmocka_unit_test(test_a_guest_of_options_alone_is_printed_as_a_file),
		cmocka_unit_test(test_paths_of_the_current_folder_count_from_any),
		cmocka_unit_test(test_no_name_of_a_file_ends_a_comment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
