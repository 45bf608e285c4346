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
#include "tests/unit/check/no_kvm.h"
#include "tests/unit/config/config_world.h"
#include "vitsmod/bits.h"
#include "vmm/base/cleanup.h"
#include "vmm/bench/bench.h"
#include "vmm/cli/cli.h"
#include "vmm/config/config_key.h"

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
		assert_in_range(expect_all(part, "*--", help, "  --", " "), 1, 50);
	}
	assert_in_range(nr, 15, 100);
	free(said);
	free(top);
}

/* Without what marks bold and italics, with single blanks: as it is read. The caller's. */
static char *as_read(const char *from, size_t len)
{
	char *plain = calloc(1, len + 1), *to = plain;

	assert_non_null(plain);
	for (size_t i = 0; i < len; i++) {
		bool blank = from[i] == '\n' || from[i] == '\t' || from[i] == ' ';

		if (from[i] == '\\' && i + 1 < len)
			*to++ = from[++i];
		else if (blank && to > plain && to[-1] != ' ')
			*to++ = ' ';
		else if (!blank && !strchr("_*", from[i]))
			*to++ = from[i];
	}
	return plain;
}

/* As itsy(1) writes it: "KEY=VALUE" is "_KEY_=_VALUE_", "BDF|none" "_BDF_ | _none_". */
static void argument_in_manual(const char *argument, char out[64])
{
	size_t len = 0;

	out[0] = '\0';
	while (*argument) {
		size_t word = strcspn(argument, "|=");
		char sign = argument[word];

		len += (size_t)snprintf(out + len, 64 - len, "_%.*s_%s", (int)word, argument,
					sign == '|' ? " | "
					: sign	    ? "="
						    : "");
		argument += word + (sign != '\0');
	}
}

/* The entry of an option begins as its row has it, and tells the range of its numbers. */
static void expect_row(const struct command_line *line, const struct option_row *row,
		       const char *part)
{
	_cleanup_free_ char *entry = NULL;
	char argument[64] = "", begin[128], range[64];
	const char *at, *end;

	if (row->argument)
		argument_in_manual(row->argument, argument);
	(void)snprintf(begin, sizeof(begin), "\n*--%s*%s%s\n", row->name, argument[0] ? " " : "",
		       argument);
	at = strstr(part, begin);
	if (!at)
		fail_msg("itsy(1) does not say of 'itsy %s':%s", line->name, begin);
	at += strlen(begin);
	end = strstr(at, "\n\n");
	entry = as_read(at, end ? (size_t)(end - at) : strlen(at));
	/* Larger ones than these are no limit. */
	if (!row->max || row->max > UINT64_C(1) << 32)
		return;
	(void)snprintf(range, sizeof(range), "%llu to %llu", (unsigned long long)row->min,
		       (unsigned long long)row->max);
	if (!strstr(entry, range))
		fail_msg("itsy(1) does not say of 'itsy %s --%s': %s", line->name, row->name,
			 range);
}

static void test_each_option_is_in_the_manual_as_its_row_has_it(void **state)
{
	_cleanup_free_ char *text = page("itsy.1");

	(void)state;
	for (size_t i = 0; i < cli_nr_commands; i++) {
		const struct command_line *line = cli_commands[i].line;
		_cleanup_free_ char *part = line ? section(text, line->name) : NULL;

		for (size_t n = 0; line && n < line->nr_rows; n++)
			expect_row(line, &line->rows[n], part);
	}
}

/* "_uring_ | _spin_ | _irqfd_", or what the type says. */
static void tag_of(const struct config_key *key, char tag[128])
{
	size_t len = 0;

	(void)snprintf(tag, 128, "%s", key->type->placeholder ? key->type->placeholder : "");
	for (unsigned i = 0; !key->type->placeholder && i <= key->max; i++)
		len += (size_t)snprintf(tag + len, 128 - len, "%s_%s_", i ? " | " : "",
					key->word(i));
}

/* Those that are keys have the values that itsy.conf(5) says. */
static void test_each_option_that_is_a_key_is_in_the_manual_with_its_values(void **state)
{
	_cleanup_free_ char *text = page("itsy.1"), *part = section(text, "run");

	(void)state;
	for (size_t i = 0; i < config_nr_keys; i++) {
		const struct config_key *key = &config_keys[i];
		const char *const names[] = { key->name, key->also };
		char tag[128], want[256];

		if (key->scope != SCOPE_GUEST)
			continue;
		tag_of(key, tag);
		for (size_t n = 0; n < ARRAY_SIZE(names) && names[n]; n++) {
			(void)snprintf(want, sizeof(want), "\n*--%s* %s++\n", names[n], tag);
			if (!strstr(part, want))
				fail_msg("itsy(1) does not say: %s", want);
		}
	}
	assert_non_null(strstr(text, "*--ram* and *--cpus* are shorter words"));
}

static void test_each_command_is_in_the_synopsis(void **state)
{
	struct capture *top = calloc(1, sizeof(*top));
	_cleanup_free_ char *text = page("itsy.1");

	(void)state;
	assert_in_range(expect_all(help_of(top, ""), "  ", text, "*itsy ", "*"), 5, 50);
	free(top);
}

/* The part of itsy.conf(5) that is about the keys of a scope; the caller's to free(). */
static char *keys_section(const char *text, enum config_scope scope)
{
	static const char *const headings[NR_SCOPES] = {
		[SCOPE_GUEST] = "\n# KEYS\n",
		[SCOPE_DEVICE] = "\n# DEVICES\n",
		[SCOPE_ITS] = "\n# ITS\n",
	};
	const char *from = strstr(text, headings[scope]), *to;

	assert_non_null(from);
	to = strstr(from + 1, "\n# ");
	assert_non_null(to);
	return strndup(from, (size_t)(to - from));
}

/* The entry of a key: *ret_tag is what stands behind its '='. Both are the caller's. */
static void entry_of(const struct config_key *key, char **ret_tag, char **ret_entry)
{
	_cleanup_free_ char *text = page("itsy.conf.5"), *part = keys_section(text, key->scope);
	char begin[64];
	const char *tag, *body, *end;

	(void)snprintf(begin, sizeof(begin), "\n*%s* = ", key->name);
	tag = strstr(part, begin);
	if (!tag)
		fail_msg("itsy.conf(5) has no '%s' where it belongs", key->name);
	tag += strlen(begin);
	body = strchr(tag, '\n');
	assert_non_null(body);
	end = strstr(body, "\n\n");
	*ret_tag = strndup(tag, (size_t)(body - tag));
	*ret_entry = as_read(body, end ? (size_t)(end - body) : strlen(body));
}

static void must_say(const struct config_key *key, const char *entry, const char *what)
{
	if (!strstr(entry, what))
		fail_msg("itsy.conf(5) does not say of '%s': %s", key->name, what);
}

/* What holds without the key, as it would be printed. */
static void default_of(const struct config_key *key, char text[160])
{
	_cleanup_free_ char *printed = NULL;
	uint64_t member[8] = { 0 };
	size_t len = 0;
	FILE *out;

	if (key->otherwise) {
		(void)snprintf(text, 160, "Default: %s", key->otherwise);
		return;
	}
	assert_in_range(key->size, 1, sizeof(member[0]));
	assert_int_equal(key->type->init(key, member), 0);
	out = open_memstream(&printed, &len);
	assert_non_null(out);
	key->type->print(key, NULL, member, out);
	(void)fclose(out);
	(void)snprintf(text, 160, "Default: %.*s",
		       (int)strcspn(printed + (printed[0] == '"'), "\""),
		       printed + (printed[0] == '"'));
}

static void test_each_configuration_key_is_in_the_manual_as_its_row_has_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < config_nr_keys; i++) {
		const struct config_key *key = &config_keys[i];
		_cleanup_free_ char *tag = NULL, *entry = NULL;
		char want[160];

		entry_of(key, &tag, &entry);
		tag_of(key, want);
		assert_string_equal(tag, want);
		if (strncasecmp(entry, key->summary, strlen(key->summary)) != 0)
			fail_msg("itsy.conf(5) begins '%s' by '%.60s', not '%s'", key->name, entry,
				 key->summary);
		default_of(key, want);
		must_say(key, entry, want);
		if (key->type->range) {
			key->type->range(key, want);
			must_say(key, entry, want);
		}
	}
}

static void test_the_manual_has_no_other_configuration_key(void **state)
{
	_cleanup_free_ char *text = page("itsy.conf.5");
	unsigned nr = 0;

	(void)state;
	for (enum config_scope scope = 0; scope < NR_SCOPES; scope++) {
		_cleanup_free_ char *part = keys_section(text, scope);
		const char *at = part;
		char name[32];

		for (; next_word(&at, "*", name); nr++)
			if (!config_key_find(scope, name))
				fail_msg("itsy.conf(5) has '%s', which is no key", name);
	}
	assert_int_equal(nr, config_nr_keys);
}

/* What rows do not say by themselves. */
static void test_limits_in_the_manual_are_those_that_count(void **state)
{
	static const struct {
		const char *config, *message, *manual;
	} cases[] = {
		{ VALID "memory = 67108865\n", "multiple of 64K,", "multiple of 64K." },
		{ VALID "device \"d d\" {\nbdf = 00:01.0\n}\n", "1 to 31 letters, digits, '-' or",
		  "1 to 31 letters, digits, '-'" },
	};
	_cleanup_free_ char *text = page("itsy.conf.5");
	char most[64];

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
	(void)snprintf(most, sizeof(most), "There are up to %zu devices",
		       config_scopes[SCOPE_DEVICE].max);
	assert_non_null(strstr(text, most));
	(void)snprintf(most, sizeof(most), "There are up to %zu;", config_scopes[SCOPE_ITS].max);
	assert_non_null(strstr(text, most));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_option_is_in_the_manual_and_no_other),
		cmocka_unit_test(test_each_option_is_in_the_manual_as_its_row_has_it),
		cmocka_unit_test(test_each_option_that_is_a_key_is_in_the_manual_with_its_values),
		cmocka_unit_test(test_each_command_is_in_the_synopsis),
		cmocka_unit_test(test_each_configuration_key_is_in_the_manual_as_its_row_has_it),
		cmocka_unit_test(test_the_manual_has_no_other_configuration_key),
		cmocka_unit_test(test_limits_in_the_manual_are_those_that_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
