// SPDX-License-Identifier: MIT
/*
 * The manual pages say what the program does: every command, option and
 * configuration key that there is, and no option that there is not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/base/capture.h"
#include "tests/unit/config/config_world.h"
#include "vitsmod/bits.h"
#include "vmm/base/cleanup.h"
#include "vmm/bench/bench.h"
#include "vmm/check/check.h"
#include "vmm/cli/cli.h"
#include "vmm/config/config_raw.h"

#define MAX_PAGE 65536u
#define LETTERS	 "abcdefghijklmnopqrstuvwxyz-"

/* What help never comes to. */
enum exit_status bench_irq(const struct bench_options *options)
{
	(void)options;
	return ITSY_RUNTIME;
}

enum exit_status bench_device(const struct bench_options *options)
{
	(void)options;
	return ITSY_RUNTIME;
}

enum exit_status run_guest(const struct config *config, const struct run_options *options)
{
	(void)config;
	(void)options;
	return ITSY_RUNTIME;
}

#define NEVER(name)                                                        \
	void name(const struct check_host *host, struct check_result *ret) \
	{                                                                  \
		(void)host;                                                \
		(void)ret;                                                 \
	}

NEVER(check_kvm)
NEVER(check_kvm_extensions)
NEVER(check_kvm_gic)
NEVER(check_kvm_its)

/* The source of a page; the caller's to free(). */
static char *page(const char *name)
{
	_cleanup_file_ FILE *f = NULL;
	char path[64], *text = calloc(1, MAX_PAGE);
	size_t len;

	(void)snprintf(path, sizeof(path), "man/%s.scd", name);
	f = fopen(path, "re");
	if (!f || !text)
		fail_msg("%s cannot be read", path);
	len = fread(text, 1, MAX_PAGE, f);
	assert_in_range(len, 1, MAX_PAGE - 1);
	return text;
}

static const char *help_of(struct capture *said, const char *command)
{
	char itsy[] = "itsy", help[] = "help", name[16];

	(void)snprintf(name, sizeof(name), "%s", command);
	capture_begin(said);
	assert_int_equal(cli_run(command[0] ? 3 : 2, (char *[]){ itsy, help, name, NULL }),
			 ITSY_OK);
	capture_end(said);
	return said->out;
}

/* The part of the page below the heading of a command; the caller's to free(). */
static char *section(const char *text, const char *command)
{
	char heading[64];
	const char *from, *to;

	(void)snprintf(heading, sizeof(heading), "\n## itsy %s\n", command);
	from = strstr(text, heading);
	if (!from)
		fail_msg("itsy(1) has no section for 'itsy %s'", command);
	from += strlen(heading);
	to = strstr(from, "\n#");
	assert_non_null(to);
	return strndup(from, (size_t)(to - from));
}

/* The next line that begins with prefix and a word: the word. NULL after the last. */
static const char *next_word(const char **at, const char *prefix, char word[32])
{
	for (const char *line = *at; line; line = strchr(line, '\n')) {
		size_t len;

		line += *line == '\n';
		if (strncmp(line, prefix, strlen(prefix)) != 0)
			continue;
		line += strlen(prefix);
		len = strspn(line, LETTERS);
		if (!len)
			continue;
		assert_in_range(len, 1, 31);
		(void)snprintf(word, 32, "%.*s", (int)len, line);
		*at = line + strcspn(line, "\n");
		return word;
	}
	return NULL;
}

/* Each word behind these lines of one text begins such a line of the other. */
static unsigned expect_all(const char *from, const char *prefix, const char *in,
			   const char *in_prefix, const char *in_end)
{
	char word[32], want[80];
	unsigned nr = 0;

	while (next_word(&from, prefix, word)) {
		nr++;
		(void)snprintf(want, sizeof(want), "\n%s%s%s", in_prefix, word, in_end);
		if (!strstr(in, want))
			fail_msg("'%s%s' is missing", prefix, word);
	}
	return nr;
}

static void test_each_option_is_in_the_manual_and_no_other(void **state)
{
	struct capture *top = calloc(1, sizeof(*top)), *said = calloc(1, sizeof(*said));
	_cleanup_free_ char *text = page("itsy.1");
	const char *at = help_of(top, "");
	unsigned nr = 0;
	char command[32];

	(void)state;
	while (next_word(&at, "  ", command)) {
		_cleanup_free_ char *part = NULL;
		const char *help = help_of(said, command);

		if (!strstr(help, "\n  --"))
			continue; /* help and version have one section */
		part = section(text, command);
		nr += expect_all(help, "  --", part, "*--", "*");
		assert_in_range(expect_all(part, "*--", help, "  --", " "), 2, 20);
	}
	assert_in_range(nr, 15, 100);
	free(said);
	free(top);
}

static void test_each_command_is_in_the_synopsis(void **state)
{
	struct capture *top = calloc(1, sizeof(*top));
	_cleanup_free_ char *text = page("itsy.1");

	(void)state;
	assert_in_range(expect_all(help_of(top, ""), "  ", text, "*itsy ", "*"), 5, 50);
	free(top);
}

static void test_each_configuration_key_is_in_the_manual(void **state)
{
	static const char all[] =
		"name = n\nkernel = k\ninitrd = i\ncmdline = c\nvcpus = 2\nmemory = 64M\n"
		"route = irqfd\nrouter-cpu = 1\nrouter-sched = other\nspin-cpu = 2\n"
		"vcpu-cpus = '3,4'\nvcpu-sched = 'fifo:2'\n"
		"its a {\nlpis = 64\n}\nits b {\non-error = stall\n}\n"
		"device d {\nbdf = 0000:01:00.0\nevents = 4\nits = b\ndevid = 9\nroute = spin\n"
		"storm-rate = 1000\nstorm-burst = 20\nstorm-holdoff-us = 5000\nhold-us = 50\n"
		"msi-cpu = 3\n}\n";
	_cleanup_free_ char *text = page("itsy.conf.5"), *printed = NULL;
	struct config config;
	char *its, *second, *device;
	size_t len = 0;
	FILE *out = open_memstream(&printed, &len);

	(void)state;
	assert_non_null(out);
	config_parse_valid(all, &config);
	config_print(&config, out);
	config_fini(&config);
	(void)fclose(out);
	its = strstr(printed, "\n\nits ");
	assert_non_null(its);
	second = strstr(its + 2, "\n\nits ");
	assert_non_null(second);
	device = strstr(second, "\n\ndevice ");
	assert_non_null(device);
	/* A key that this test does not know would be missing in the sum. */
	assert_int_equal(expect_all(device, "\t", text, "*", "* = "), NR_DEVICE_KEYS);
	*second = '\0';
	assert_int_equal(expect_all(its, "\t", text, "*", "* = "), NR_ITS_KEYS);
	*its = '\0';
	assert_int_equal(expect_all(printed, "", text, "*", "* = "), NR_KEYS);
}

static void test_ranges_in_the_manual_are_those_that_count(void **state)
{
	static const struct {
		const char *config, *message, *manual;
	} cases[] = {
		{ VALID "vcpus = 0\n", "from 1 to 512,", ": 1 to 512," },
		{ VALID "memory = 1\n", "from 64M to 511G,", ": 64M to 511G," },
		{ VALID "memory = 67108865\n", "multiple of 64K,", "multiple of 64K." },
		{ VALID "device d {\nbdf = 00:01.0\nevents = 65537\n}\n", "from 0 to 65536,",
		  ": 0\n\tto 65536." },
		{ VALID "device d {\nbdf = 00:01.0\nstorm-rate = 10000001\n}\n",
		  "from 0 to 10000000,", ": 0 to 10000000." },
		{ VALID "device d {\nbdf = 00:01.0\nstorm-burst = 0\n}\n", "from 1 to 1000000,",
		  ": 1 to 1000000." },
		{ VALID "device d {\nbdf = 00:01.0\nstorm-holdoff-us = 999\n}\n",
		  "from 1000 to 10000000,", ": 1000 to 10000000." },
		{ VALID "device d {\nbdf = 00:01.0\nhold-us = 1000001\n}\n", "from 0 to 1000000,",
		  ": 0 to 1000000." },
		{ VALID "device \"d d\" {\nbdf = 00:01.0\n}\n", "1 to 31 letters, digits, '-' or",
		  "1 to 31 letters, digits, '-'" },
	};
	_cleanup_free_ char *text = page("itsy.conf.5");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *messages = NULL;
		struct config config;

		assert_true(config_parse_text(cases[i].config, NULL, 0, &messages, &config) < 0);
		if (!strstr(messages, cases[i].message))
			fail_msg("'%s' does not say '%s'", messages, cases[i].message);
		if (!strstr(text, cases[i].manual))
			fail_msg("itsy.conf(5) does not say '%s'", cases[i].manual);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_option_is_in_the_manual_and_no_other),
		cmocka_unit_test(test_each_command_is_in_the_synopsis),
		cmocka_unit_test(test_each_configuration_key_is_in_the_manual),
		cmocka_unit_test(test_ranges_in_the_manual_are_those_that_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
