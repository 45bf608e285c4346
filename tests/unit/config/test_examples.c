// SPDX-License-Identifier: MIT
/*
 * configs/: each example is a configuration, says what it is named after, explains each key, and
 * has marks where a user has to change it.
 */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/config/config_world.h"
#include "vitsmod/bits.h"
#include "vmm/base/cleanup.h"
#include "vmm/config/config.h"

#define MARK "CHANGE ME"

static void is_vf(const struct config *c)
{
	assert_non_null(strstr(c->devices[0].wanted.path, "/vf0"));
	assert_false(c->devices[0].plain_driver);
}

static void is_two_devices(const struct config *c)
{
	assert_true(c->devices[0].has_devfn && c->devices[1].has_devfn);
	assert_false(c->devices[0].root_port);
	assert_true(c->devices[1].root_port);
	assert_int_equal(c->devices[1].on_request, NOTICE_WISH_REMOVE);
}

/* Each thread has a CPU, and no two have the same. */
static void is_latency(const struct config *c)
{
	uint64_t taken = 0;

	assert_int_equal(c->vcpu_cpus.nr, c->vcpus);
	for (uint32_t i = 0; i < c->vcpus; i++)
		taken |= UINT64_C(1) << c->vcpu_cpus.list[i];
	taken |= UINT64_C(1) << c->router.cpu | UINT64_C(1) << c->spin.cpu;
	assert_int_equal(__builtin_popcountll(taken), c->vcpus + 2);
	assert_int_equal(c->devices[0].route, ROUTE_AUTO);
	assert_int_equal(c->devices[1].route, ROUTE_SPIN);
	assert_int_equal(c->huge_page, 2 * MiB);
}

static void is_storm_guard(const struct config *c)
{
	assert_false(policy_is_off(&c->devices[0].policy));
	assert_int_equal(c->devices[1].policy.storm_rate, 0);
	assert_true(c->devices[1].policy.hold_us > 0);
}

static void is_two_its(const struct config *c)
{
	assert_int_equal(c->nr_its, 2);
	assert_int_not_equal(c->devices[0].its, c->devices[1].its);
}

static void is_disk(const struct config *c)
{
	assert_int_equal(c->boot, BOOT_WISH_DISK);
	assert_null(c->kernel);
	assert_string_equal(c->firmware, CONFIG_FIRMWARE);
}

static const struct {
	const char *name;
	size_t nr_devices;
	bool as_it_is;			    /* runs, with what make puts in its place */
	void (*is)(const struct config *c); /* NULL: nothing more */
} examples[] = {
	{ "demo", 2, true, NULL },
	{ "disk", 1, false, is_disk },
	{ "latency", 2, false, is_latency },
	{ "minimal", 0, true, NULL },
	{ "nic", 1, false, NULL },
	{ "nvme", 1, false, NULL },
	{ "storm-guard", 2, false, is_storm_guard },
	{ "two-devices", 2, false, is_two_devices },
	{ "two-its", 2, false, is_two_its },
	{ "vf", 1, false, is_vf },
};

static void path_of(size_t i, char path[64])
{
	(void)snprintf(path, 64, "configs/%s.conf", examples[i].name);
}

static void test_each_example_is_a_configuration_of_what_it_is_named_after(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(examples); i++) {
		_cleanup_free_ char *printed = NULL, *again = NULL;
		struct config c, other;
		char path[64];

		path_of(i, path);
		print_message("%s\n", path);
		assert_int_equal(config_load(path, NULL, 0, stderr, &c), 0);
		assert_int_equal(c.nr_devices, examples[i].nr_devices);
		if (examples[i].is)
			examples[i].is(&c);
		printed = config_printed(&c);
		config_fini(&c);
		config_parse_valid(printed, &other);
		again = config_printed(&other);
		config_fini(&other);
		assert_string_equal(config_strip(again), config_strip(printed));
	}
}

static void test_this_test_knows_all_examples(void **state)
{
	glob_t found;

	(void)state;
	assert_int_equal(glob("configs/*", GLOB_ERR, NULL, &found), 0);
	assert_int_equal(found.gl_pathc, ARRAY_SIZE(examples));
	for (size_t i = 0; i < found.gl_pathc; i++) {
		char path[64];

		path_of(i, path);
		assert_string_equal(found.gl_pathv[i], path);
	}
	globfree(&found);
}

/* Of a line without its indent: the key that it sets, of *ret_len characters; NULL: none. */
static const char *key_of(const char *line, size_t *ret_len)
{
	*ret_len = strspn(line, "abcdefghijklmnopqrstuvwxyz-");
	return *ret_len && line[*ret_len + strspn(line + *ret_len, " ")] == '=' ? line : NULL;
}

static const char *skip_indent(const char *line)
{
	return line + strspn(line, "\t ");
}

/* A comment of words on the line, or on the one before it. */
static bool is_explained(const char *before, const char *line)
{
	const char *comment = memchr(line, '#', strcspn(line, "\n"));

	if (before && *skip_indent(before) == '#')
		return true;
	return comment && strncmp(comment, "# " MARK, strlen("# " MARK)) != 0;
}

static void expect_explained(const char *path, const char *text)
{
	char seen[1024] = " ";
	const char *before = NULL;

	for (const char *line = text; *line; before = line, line += strcspn(line, "\n") + 1) {
		size_t len;
		const char *key = key_of(skip_indent(line), &len);
		char word[64];

		if (!key)
			continue;
		(void)snprintf(word, sizeof(word), " %.*s ", (int)len, key);
		if (strstr(seen, word))
			continue;
		strcat(seen, word + 1);
		if (!is_explained(before, line))
			fail_msg("%s does not explain%s", path, word);
	}
	/* Something was looked at. */
	assert_true(strstr(seen, " kernel ") || strstr(seen, " boot "));
}

static void test_each_key_is_explained_where_it_first_stands(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(examples); i++) {
		char text[8192] = { 0 }, path[64];
		_cleanup_file_ FILE *f = NULL;

		path_of(i, path);
		f = fopen(path, "re");
		assert_non_null(f);
		assert_in_range(fread(text, 1, sizeof(text) - 1, f), 1, sizeof(text) - 2);
		expect_explained(path, text);
		assert_int_equal(strstr(text, "# " MARK) == NULL, examples[i].as_it_is);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_example_is_a_configuration_of_what_it_is_named_after),
		cmocka_unit_test(test_this_test_knows_all_examples),
		cmocka_unit_test(test_each_key_is_explained_where_it_first_stands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
