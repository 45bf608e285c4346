// SPDX-License-Identifier: MIT
/*
 * A guest by options: alone, or over a file; and what is said of wrong ones.
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
#include "vmm/base/cleanup.h"
#include "vmm/config/config.h"

static void parse_valid(const char *text, const struct config_option options[], size_t nr,
			struct config *ret)
{
	_cleanup_free_ char *messages = NULL;
	int r = config_parse_options(text, options, nr, &messages, ret);

	assert_string_equal(messages, "");
	assert_int_equal(r, 0);
}

static void test_options_alone_describe_a_guest(void **state)
{
	static const struct config_option options[] = {
		{ "kernel", "sub/Image" },
		{ "initrd", "/i" },
		{ "ram", "1G" },
		{ "cpus", "3" },
		{ "cmdline", "console=ttyS0 a=b,c" },
		{ "device", "01:00.0" },
		{ "device", "02:00.0,route=irqfd,name=net" },
		{ "device", "serial=a,,b,at=05.0" },
		{ "its", "main,lpis=64" },
	};
	struct config c;

	(void)state;
	parse_valid(NULL, options, ARRAY_SIZE(options), &c);
	assert_string_equal(c.path, "command line");
	assert_string_equal(c.name, "guest");
	assert_string_equal(c.kernel, "sub/Image");
	assert_string_equal(c.initrd, "/i");
	assert_int_equal(c.memory, GiB);
	assert_int_equal(c.vcpus, 3);
	assert_string_equal(c.cmdline, "console=ttyS0 a=b,c");
	assert_int_equal(c.nr_devices, 3);
	assert_string_equal(c.devices[0].name, "device0");
	assert_int_equal(c.devices[0].bdf.bus, 1);
	assert_string_equal(c.devices[1].name, "net");
	assert_int_equal(c.devices[1].route, ROUTE_IRQFD);
	assert_string_equal(c.devices[2].name, "device1");
	assert_string_equal(c.devices[2].wanted.serial, "a,b");
	assert_int_equal(c.devices[2].devfn, 5 << 3);
	assert_int_equal(c.nr_its, 1);
	assert_string_equal(c.its[0].name, "main");
	assert_int_equal(c.its[0].lpis, 64);
	config_fini(&c);
}

static const char file[] = VALID "vcpus = 2\nmemory = 1\n"
				 "device \"device0\" { bdf = 01:00.0 route = spin events = 4 }\n";

static void test_options_count_in_the_place_of_what_a_file_says(void **state)
{
	static const struct config_option options[] = {
		{ "memory", "128M" },	 { "set", "vcpus=5" },
		{ "vcpus", "6" },	 { "device", "name=device0,route=irqfd" },
		{ "device", "02:00.0" }, { "set", "device.device1.events=8" },
	};
	struct config c;

	(void)state;
	parse_valid(file, options, ARRAY_SIZE(options), &c);
	assert_string_equal(c.name, "t");
	assert_int_equal(c.memory, 128 * MiB);
	assert_int_equal(c.vcpus, 6);
	assert_int_equal(c.nr_devices, 2);
	assert_int_equal(c.devices[0].bdf.bus, 1);
	assert_int_equal(c.devices[0].route, ROUTE_IRQFD);
	assert_int_equal(c.devices[0].events, 4);
	/* A name that is free. */
	assert_string_equal(c.devices[1].name, "device1");
	assert_int_equal(c.devices[1].events, 8);
	config_fini(&c);
}

/* Beside what is wrong, all is well. */
static const struct {
	const char *name, *value, *want;
} wrong[] = {
	{ "ram", "12", "--ram: error: 'memory' is from 64M to 511G, not '12'\n" },
	{ "memory", "12", "--memory: error: 'memory' is from 64M to 511G, not '12'\n" },
	{ "vcpus", "x", "--vcpus: error: 'vcpus' is a number from 1 to 512, not 'x'\n" },
	{ "kernel", "", "--kernel: error: 'kernel' is empty: it names the kernel's file\n" },
	{ "cmdline", "a\nb", "--cmdline: error: control character in an option\n" },
	{ "rout", "spin", "--rout: error: unknown key 'rout': did you mean 'route'?\n" },
	{ "bdf", "01:00.0",
	  "--bdf: error: unknown key 'bdf' outside of a block: it belongs to a device\n" },
	{ "set", "its.x.lpis=64", "--set its.x.lpis=64: error: t.conf has no ITS of this name\n" },
	{ "device", "1",
	  "--device 1: error: 'bdf' is the address of a PCI function such as \"0000:01:00.0\", "
	  "not '1'\n" },
	{ "device", "02:00.0,spin", "--device 02:00.0,spin: error: 'spin' is no KEY=VALUE\n" },
	{ "device", "02:00.0,", "--device 02:00.0,: error: '' is no KEY=VALUE\n" },
	{ "device", "02:00.0,rote=spin",
	  "--device 02:00.0,rote=spin: error: unknown key 'rote': did you mean 'route'?\n" },
	{ "device", "02:00.0,lpis=64",
	  "--device 02:00.0,lpis=64: error: unknown key 'lpis' in a device block: it belongs to an "
	  "ITS\n" },
	{ "device", "02:00.0,bdf=03:00.0",
	  "--device 02:00.0,bdf=03:00.0: error: 'bdf' given twice\n" },
	{ "device", "name=a b,bdf=02:00.0",
	  "--device name=a b,bdf=02:00.0: error: the name of a device is 1 to 31 letters, digits, "
	  "'-' or '_', not \"a b\"\n" },
	{ "device", "route=spin",
	  "--device route=spin: error: device \"device0\" has none of 'bdf', 'path', 'pci-id', "
	  "'serial', 'mac': they say which function it is\n" },
	{ "device", "01:00.0",
	  "--device 01:00.0: error: 0000:01:00.0 is the device \"m\" already: line 2\n" },
	{ "device", "02:00.0,at=00.0",
	  "--device 02:00.0,at=00.0: error: 00.0 is the place of device \"m\" already: line 2\n" },
	{ "device", "02:00.0,devid=0x10000",
	  "--device 02:00.0,devid=0x10000: error: 'devid' is at most 0xffff, by the devid-bits of "
	  "ITS \"its\", not 0x10000\n" },
	{ "device", "02:00.0,its=two",
	  "--device 02:00.0,its=two: error: there is no ITS \"two\"\n" },
	{ "its", "main,lpis=1",
	  "--its main,lpis=1: error: 'lpis' is a number from 32 to 57344, not '1'\n" },
	{ "its", "a,name=b", "--its a,name=b: error: 'name' given twice\n" },
};

static void test_wrong_options_are_told_by_their_names(void **state)
{
	static const char text[] = VALID "device \"m\" { bdf = \"0000:01:00.0\" at = 00.0 }\n";

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		const struct config_option option = { wrong[i].name, wrong[i].value };
		_cleanup_free_ char *messages = NULL;
		struct config c;

		print_message("--%s %s\n", option.name, option.value);
		assert_int_equal(config_parse_options(text, &option, 1, &messages, &c), -EINVAL);
		assert_string_equal(messages, wrong[i].want);
	}
}

static void test_two_options_that_do_not_agree_are_both_named(void **state)
{
	static const struct config_option options[] = {
		{ "kernel", "k" },
		{ "device", "01:00.0" },
		{ "device", "01:00.0,events=2" },
	};
	_cleanup_free_ char *messages = NULL;
	struct config c;

	(void)state;
	assert_int_equal(config_parse_options(NULL, options, ARRAY_SIZE(options), &messages, &c),
			 -EINVAL);
	assert_string_equal(messages,
			    "--device 01:00.0,events=2: error: 0000:01:00.0 is the device "
			    "\"device0\" already: --device 01:00.0\n");
}

static void test_without_a_file_the_kernel_is_asked_for_as_an_option(void **state)
{
	static const struct config_option option = { "cpus", "2" };
	_cleanup_free_ char *messages = NULL;
	struct config c;

	(void)state;
	assert_int_equal(config_parse_options(NULL, &option, 1, &messages, &c), -EINVAL);
	assert_string_equal(messages,
			    "--kernel: error: it is missing: the file of the guest's kernel\n");
}

static void test_blocks_beyond_the_most_are_refused(void **state)
{
	struct config_option options[CONFIG_MAX_DEVICES + 2] = { { "kernel", "k" } };
	char values[CONFIG_MAX_DEVICES + 1][16];
	_cleanup_free_ char *messages = NULL;
	struct config c;

	(void)state;
	for (size_t i = 0; i <= CONFIG_MAX_DEVICES; i++) {
		(void)snprintf(values[i], sizeof(values[i]), "%02zx:00.0", i);
		options[i + 1] = (struct config_option){ "device", values[i] };
	}
	parse_valid(NULL, options, ARRAY_SIZE(options) - 1, &c);
	assert_int_equal(c.nr_devices, CONFIG_MAX_DEVICES);
	config_fini(&c);
	assert_int_equal(config_parse_options(NULL, options, ARRAY_SIZE(options), &messages, &c),
			 -EINVAL);
	assert_string_equal(messages, "--device 20:00.0: error: more than 32 devices\n");
}

static void test_an_option_of_too_many_words_is_refused(void **state)
{
	char value[512] = "02:00.0";
	const struct config_option option = { "device", value };
	_cleanup_free_ char *messages = NULL;
	struct config c;

	(void)state;
	for (int i = 0; i < 64; i++)
		strcat(value, ",a=1");
	assert_int_equal(config_parse_options(VALID, &option, 1, &messages, &c), -EINVAL);
	assert_non_null(strstr(messages, ": error: more than 64 keys\n"));
}

/* What is typed at standard input, with these options; the messages, which are the caller's. */
static int load_from_stdin(const char *text, char **ret_messages, struct config *ret)
{
	int saved = dup(STDIN_FILENO), pipe_fds[2], r;
	size_t size;
	FILE *errors = open_memstream(ret_messages, &size);

	assert_true(saved >= 0 && errors && pipe(pipe_fds) == 0);
	assert_int_equal(write(pipe_fds[1], text, strlen(text)), (ssize_t)strlen(text));
	(void)close(pipe_fds[1]);
	assert_int_equal(dup2(pipe_fds[0], STDIN_FILENO), STDIN_FILENO);
	(void)close(pipe_fds[0]);
	r = config_load("-", NULL, 0, errors, ret);
	/* It is there still, at its end. */
	assert_int_equal(read(STDIN_FILENO, &(char){ 0 }, 1), 0);
	assert_int_equal(dup2(saved, STDIN_FILENO), STDIN_FILENO);
	(void)close(saved);
	(void)fclose(errors);
	return r;
}

static void test_standard_input_can_be_the_file(void **state)
{
	char *messages;
	struct config c;

	(void)state;
	assert_int_equal(load_from_stdin(VALID "vcpus = 3\n", &messages, &c), 0);
	assert_string_equal(messages, "");
	free(messages);
	assert_string_equal(c.path, "standard input");
	assert_string_equal(c.name, "guest");
	assert_string_equal(c.kernel, "Image");
	assert_int_equal(c.vcpus, 3);
	config_fini(&c);

	assert_int_equal(load_from_stdin(VALID "vcpus = 0\n", &messages, &c), -EINVAL);
	assert_string_equal(messages, "standard input:2: error: 'vcpus' is a number from 1 to 512, "
				      "not '0'\n");
	free(messages);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options_alone_describe_a_guest),
		cmocka_unit_test(test_options_count_in_the_place_of_what_a_file_says),
		cmocka_unit_test(test_wrong_options_are_told_by_their_names),
		cmocka_unit_test(test_two_options_that_do_not_agree_are_both_named),
		cmocka_unit_test(test_without_a_file_the_kernel_is_asked_for_as_an_option),
		cmocka_unit_test(test_blocks_beyond_the_most_are_refused),
		cmocka_unit_test(test_an_option_of_too_many_words_is_refused),
		cmocka_unit_test(test_standard_input_can_be_the_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
