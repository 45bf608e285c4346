// SPDX-License-Identifier: MIT
/*
 * Guests that the command line describes: each key of the table is an option of itsy run and of
 * itsy check, with the rest of their options, and is explained. The guest is played by this file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/base/capture.h"
#include "tests/unit/check/no_kvm.h"
#include "vitsmod/bits.h"
#include "vmm/cli/commands.h"

#define MAX_ARGS 16

static struct {
	unsigned calls;
	char name[32], kernel[64];
	uint32_t vcpus;
	uint64_t memory;
	size_t nr_devices;
	bool quiet;
} guest;
static struct capture said;

enum exit_status run_guest(const struct config *config, const struct run_options *options)
{
	guest.calls++;
	guest.vcpus = config->vcpus;
	guest.memory = config->memory;
	guest.nr_devices = config->nr_devices;
	guest.quiet = options->quiet;
	(void)snprintf(guest.name, sizeof(guest.name), "%s", config->name);
	(void)snprintf(guest.kernel, sizeof(guest.kernel), "%s", config->kernel);
	return ITSY_OK;
}

/* itsy run with the words of line, between which there are blanks. */
static enum exit_status run(const char *line)
{
	char text[1024], *argv[MAX_ARGS + 1], *save;
	enum exit_status status;
	int argc = 0;

	(void)snprintf(text, sizeof(text), "run %s", line);
	for (char *word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		assert_in_range(argc, 0, MAX_ARGS - 1);
		argv[argc++] = word;
	}
	argv[argc] = NULL;
	memset(&guest, 0, sizeof(guest));
	capture_begin(&said);
	status = cmd_run(argc, argv);
	capture_end(&said);
	return status;
}

static void has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' does not contain '%s'", text, part);
}

static void test_a_guest_is_run_without_a_file(void **state)
{
	(void)state;
	assert_int_equal(run("--kernel Image --ram=1G --quiet --cpus 2"), ITSY_OK);
	assert_string_equal(said.err, "");
	assert_int_equal(guest.calls, 1);
	assert_string_equal(guest.name, "guest");
	assert_string_equal(guest.kernel, "Image");
	assert_int_equal(guest.vcpus, 2);
	assert_int_equal(guest.memory, GiB);
	assert_true(guest.quiet);
}

static void test_a_device_is_looked_for_as_one_of_a_file_is(void **state)
{
	(void)state;
	assert_int_equal(
		run("--kernel Makefile --kernel-format flat --dry-run --device fffe:fe:00.0"),
		ITSY_ENVIRONMENT);
	assert_string_equal(said.out, "");
	has(said.err, "itsy: error: fffe:fe:00.0: there is no such PCI function");
	assert_int_equal(run("--dry-run --kernel Makefile --kernel-format=flat --initrd=Makefile"),
			 ITSY_OK);
	assert_int_equal(guest.calls, 0);
}

static void test_options_stand_beside_a_file(void **state)
{
	char line[128];
	int fd = memfd_create("config", MFD_CLOEXEC);
	static const char text[] = "kernel = \"/k\"\nvcpus = 3\nname = box\n";

	(void)state;
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	(void)snprintf(line, sizeof(line), "--ram 1G /proc/self/fd/%d --set vcpus=4 --vcpus 5", fd);
	assert_int_equal(run(line), ITSY_OK);
	assert_string_equal(guest.name, "box");
	assert_string_equal(guest.kernel, "/k");
	assert_int_equal(guest.vcpus, 5);
	assert_int_equal(guest.memory, GiB);
	(void)close(fd);
}

static void test_a_wrong_value_is_told_by_its_option(void **state)
{
	(void)state;
	assert_int_equal(run("--kernel Image --ram 12"), ITSY_CONFIG);
	assert_string_equal(said.err, "--ram: error: 'memory' is from 64M to 511G, not '12'\n");
	assert_int_equal(run("--cpus 2"), ITSY_CONFIG);
	assert_string_equal(said.err,
			    "--kernel: error: it is missing: the file of the guest's kernel\n");
	assert_int_equal(run("--kernel Image --rma 1G"), ITSY_USAGE);
	has(said.err, "run: unknown option --rma: did you mean --ram?\n");
	/* QEMU's way. */
	assert_int_equal(run("-kernel Image"), ITSY_USAGE);
	has(said.err, "run: unknown option -kernel: did you mean --kernel?\n");
	assert_int_equal(run("--kernel Image -ram=1G"), ITSY_USAGE);
	has(said.err, "run: unknown option -ram: did you mean --ram?\n");
	assert_int_equal(run("--kernel"), ITSY_USAGE);
	has(said.err, "run: --kernel needs a value");
	assert_int_equal(guest.calls, 0);
}

/* Of both commands each key is taken; of itsy run it is explained, too. */
static void test_each_key_is_an_option_of_run_and_of_check(void **state)
{
	static const struct command_line *const lines[] = { &run_line, &check_line };
	struct config_option_words option;

	(void)state;
	assert_int_equal(run("--help"), ITSY_OK);
	for (size_t i = 0; config_option_explain(i, &option); i++) {
		char line[128];

		(void)snprintf(line, sizeof(line), "\n  --%s %s ", option.name, option.argument);
		has(said.out, line);
		for (size_t n = 0; n < ARRAY_SIZE(lines); n++) {
			struct option_row row = { 0 };
			char argument[OPTION_ARGUMENT_SZ];

			assert_true(lines[n]->other(i, &row, argument));
			assert_string_equal(row.name, option.name);
			assert_string_equal(row.argument, option.argument);
			/* None of the command's own has its name. */
			for (size_t own = 0; own < lines[n]->nr_rows; own++)
				assert_string_not_equal(lines[n]->rows[own].name, option.name);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_guest_is_run_without_a_file),
		cmocka_unit_test(test_a_device_is_looked_for_as_one_of_a_file_is),
		cmocka_unit_test(test_options_stand_beside_a_file),
		cmocka_unit_test(test_a_wrong_value_is_told_by_its_option),
		cmocka_unit_test(test_each_key_is_an_option_of_run_and_of_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
