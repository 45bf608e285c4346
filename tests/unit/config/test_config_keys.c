// SPDX-License-Identifier: MIT
/*
 * The table of keys: each row is whole, and does all that a row is for.
 */
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
#include "vmm/config/config_key.h"

/* What nothing else of the kind goes with: another guest. */
static const char of_a_disk[] =
	"name = \"n\"\nboot = \"disk\"\nfirmware = \"/f\"\ncmdline = \"\"\nvcpus = 1\n"
	"memory = \"512M\"\n"
	"\nits \"its\" {\n\tdevid-bits = 16\n\teventid-bits = 16\n\ton-error = \"skip\"\n}\n"
	"\ndevice \"d\" {\n\tbdf = \"0000:01:00.0\"\n\tat = \"00.0\"\n}\n";

/* Each other key, none with the value that holds without it, in the order of the table. */
static const char everything[] =
	"name = \"n\"\nkernel = \"/k \\\"x\\\" \\\\ \\${Z}\"\nkernel-format = \"flat\"\ninitrd = "
	"\"/i\"\ncmdline = \"a $b\"\n"
	"vcpus = 2\nmemory = \"64M\"\nmemory-backing = \"hugetlb:2M\"\nroute = "
	"\"irqfd\"\nrouter-sched = \"other\"\n"
	"router-cpu = 1\nspin-cpu = 1023\nvcpu-sched = \"fifo:2\"\nvcpu-cpus = \"3,4\"\n"
	"sandbox = \"off\"\niommu = \"type1\"\nlog-level = \"debug\"\nlog-file = \"/l\"\n"
	"log-format = \"json\"\nhotplug-ports = 2\nhotplug-vectors = 16\nconsole = "
	"\"unix:/s\"\nconsole-log = \"/c\"\nstop-timeout = "
	"5\non-panic = \"stop\"\n"
	"\nits \"a\" {\n\tdevid-bits = 20\n\teventid-bits = 4\n\tlpis = 64\n"
	"\ton-error = \"stall\"\n}\n"
	"\nits \"b\" {\n\tdevid-bits = 16\n\teventid-bits = 16\n\ton-error = \"skip\"\n}\n"
	"\ndevice \"d\" {\n\tbdf = \"0000:01:00.0\"\n\tpath = \"0000:00/01.0/00.0\"\n"
	"\tpci-id = \"1b36:0010\"\n\tserial = \"a \\\"b\\\" \\\\ \\${c}\"\n"
	"\tmac = \"52:54:00:12:34:56\"\n\tdriver = \"vfio-pci\"\n\tat = \"02.0\"\n\troot-port = "
	"\"on\"\n\tits = "
	"\"b\"\n\tdevid = "
	"0x9\n\tevents = 4\n"
	"\troute = \"spin\"\n\thot-rate = 300\n\tquiet-rate = 30\n"
	"\tauto-uncounted = \"irqfd\"\n\tstorm-rate = 1000\n\tstorm-burst = 20\n"
	"\tstorm-holdoff-us = 5000\n\thold-us = 50\n\tmsi-cpu = 3\n"
	"\ton-request = \"ignore\"\n\ton-error = \"ignore\"\n}\n"
	"\ndevice \"e\" {\n\tbdf = \"0000:02:00.0\"\n\tat = \"02.3\"\n\tits = \"a\"\n\tmsi-cpu = "
	"\"any\"\n}\n";

static char *print_of(const char *text)
{
	struct config config;
	char *printed;

	config_parse_valid(text, &config);
	printed = config_printed_plain(&config);
	config_fini(&config);
	return printed;
}

static void test_every_key_is_printed_as_it_was_given(void **state)
{
	_cleanup_free_ char *printed = print_of(everything), *disk = print_of(of_a_disk);

	(void)state;
	assert_string_equal(printed, everything);
	assert_string_equal(disk, of_a_disk);
	for (size_t i = 0; i < config_nr_keys; i++) {
		char line[64];

		(void)snprintf(line, sizeof(line),
			       "%s%s = ", config_keys[i].scope == SCOPE_GUEST ? "" : "\t",
			       config_keys[i].name);
		if (!strstr(everything, line) && !strstr(of_a_disk, line))
			fail_msg("this test does not know '%s'", config_keys[i].name);
	}
}

/* The lines of everything as options: one for each key, one for each block. */
struct command_words {
	char text[4096];
	size_t len;
	struct config_option options[32];
	size_t nr;
};

static void begin_value(struct command_words *w, const char *name)
{
	assert_in_range(w->nr, 0, ARRAY_SIZE(w->options) - 1);
	w->options[w->nr++] = (struct config_option){ name, w->text + w->len };
}

static void add_char(struct command_words *w, char c)
{
	assert_in_range(w->len, 0, sizeof(w->text) - 1);
	w->text[w->len++] = c;
}

static void add_chars(struct command_words *w, const char *chars, size_t len)
{
	for (size_t i = 0; i < len; i++)
		add_char(w, chars[i]);
}

/* A value without its quotes and escapes; in a block, a comma is two. */
static void add_value(struct command_words *w, const char *value, size_t len, bool in_block)
{
	bool quoted = value[0] == '"';

	for (size_t i = quoted; i < len - quoted; i++) {
		i += value[i] == '\\';
		add_char(w, value[i]);
		if (value[i] == ',' && in_block)
			add_char(w, ',');
	}
}

static void add_line(struct command_words *w, const char *line, size_t len)
{
	const char *equals = memchr(line, '=', len), *quote = memchr(line, '"', len);
	bool in_block = line[0] == '\t';
	const struct config_key *key;
	char name[32];

	if (len < 2) { /* an empty line, or the end of a block */
		if (len && line[0] == '}')
			add_char(w, '\0');
		return;
	}
	if (line[len - 1] == '{') {
		begin_value(w, line[0] == 'i' ? "its" : "device");
		add_chars(w, "name=", 5);
		add_chars(w, quote + 1, strcspn(quote + 1, "\""));
		return;
	}
	if (in_block) {
		add_char(w, ',');
		add_chars(w, line + 1, (size_t)(equals - 1 - line - 1));
		add_char(w, '=');
	} else {
		(void)snprintf(name, sizeof(name), "%.*s", (int)(equals - 1 - line), line);
		key = config_key_find(SCOPE_GUEST, name);
		assert_non_null(key);
		begin_value(w, key->name);
	}
	add_value(w, equals + 2, len - (size_t)(equals + 2 - line), in_block);
	if (!in_block)
		add_char(w, '\0');
}

static void expect_options_mean(const char *text)
{
	struct command_words *w = calloc(1, sizeof(*w));
	_cleanup_free_ char *printed = NULL, *messages = NULL;
	struct config config;

	assert_non_null(w);
	for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
		add_line(w, line, strcspn(line, "\n"));
	assert_int_equal(config_parse_options(NULL, w->options, w->nr, &messages, &config), 0);
	assert_string_equal(messages, "");
	printed = config_printed_plain(&config);
	assert_string_equal(printed, text);
	config_fini(&config);
	free(w);
}

static void test_every_key_is_an_option_and_means_what_it_does_in_a_file(void **state)
{
	(void)state;
	expect_options_mean(everything);
	expect_options_mean(of_a_disk);
}

static void test_each_option_is_explained_and_there_is_no_other(void **state)
{
	struct config_option_words words;
	size_t nr = 0, nr_keys = 0;

	(void)state;
	for (; config_option_explain(nr, &words); nr++) {
		const struct config_key *key = config_key_of_option(words.name);

		assert_true(key || config_scope_find(words.name, strlen(words.name)));
		assert_non_null(words.summary);
		assert_true(words.argument[0]);
		assert_null(strpbrk(words.argument, "_ "));
		if (key && strcmp(key->name, words.name) == 0)
			assert_string_equal(words.summary, key->summary);
	}
	for (size_t i = 0; i < config_nr_keys; i++)
		if (config_keys[i].scope == SCOPE_GUEST)
			nr_keys += 1 + (config_keys[i].also != NULL);
	assert_int_equal(nr, nr_keys + NR_SCOPES - SCOPE_DEVICE);
	/* The short names are no keys, nor near to be taken for others. */
	assert_null(config_key_find(SCOPE_GUEST, "ram"));
	assert_string_equal(config_key_of_option("ram")->name, "memory");
	assert_string_equal(config_key_of_option("cpus")->name, "vcpus");
	assert_null(config_key_of_option("bdf"));
	assert_null(config_key_find(SCOPE_DEVICE, CONFIG_BLOCK_NAME));
	assert_null(config_key_find(SCOPE_ITS, CONFIG_BLOCK_NAME));
}

static void test_a_configuration_of_defaults_prints_what_always_matters(void **state)
{
	_cleanup_free_ char *printed = print_of(VALID "device d {\nbdf = 01:00.0\n}\n");

	(void)state;
	assert_string_equal(printed,
			    "name = \"t\"\nkernel = \"Image\"\ncmdline = \"\"\nvcpus = 1\n"
			    "memory = \"512M\"\n"
			    "\nits \"its\" {\n\tdevid-bits = 16\n\teventid-bits = 16\n"
			    "\ton-error = \"skip\"\n}\n"
			    "\ndevice \"d\" {\n\tbdf = \"0000:01:00.0\"\n\tat = \"00.0\"\n}\n");
}

static void test_each_row_is_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < config_nr_keys; i++) {
		const struct config_key *key = &config_keys[i];

		print_message("%s\n", key->name);
		assert_true(key->scope < NR_SCOPES);
		assert_non_null(key->type);
		assert_non_null(key->type->read);
		assert_non_null(key->type->print);
		assert_non_null(key->is_shown);
		assert_non_null(key->summary);
		assert_true(key->size > 0);
		/* How itsy.conf(5) writes its value. */
		assert_true(key->type->placeholder || key->word);
		/* What holds without it is known. */
		assert_true(key->otherwise || key->type->init);
		if (key->type->range == config_type_number.range)
			assert_true(key->max > key->min);
		/* It is what its scope finds by this name: no other row has it. */
		assert_ptr_equal(config_key_find(key->scope, key->name), key);
	}
}

static void test_numbers_are_taken_from_the_least_to_the_most_of_their_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < config_nr_keys; i++) {
		const struct config_key *key = &config_keys[i];
		struct config_errors errors = { .path = "t.conf" };
		struct config_reader reader = { .errors = &errors };
		const struct {
			uint64_t number;
			bool taken;
		} cases[] = { { key->min, true },
			      { key->max, true },
			      { key->max + 1, false },
			      { key->min - 1, false } };

		if (key->type->read != config_type_number.read)
			continue;
		/* Below 0 there is nothing to try. */
		for (size_t j = 0; j < ARRAY_SIZE(cases) - !key->min; j++) {
			char text[32], again[64] = "";
			struct config_value v = { .text = text };
			uint64_t member = 0;
			FILE *out = fmemopen(again, sizeof(again), "w");

			(void)snprintf(text, sizeof(text), "%llu",
				       (unsigned long long)cases[j].number);
			assert_non_null(out);
			assert_int_equal(key->type->read(&reader, key, &v, &member),
					 cases[j].taken);
			assert_int_equal(v.wrong, !cases[j].taken);
			key->type->print(key, NULL, &member, out);
			(void)fclose(out);
			if (cases[j].taken)
				assert_int_equal(strtoull(again, NULL, 0), cases[j].number);
		}
	}
}

static void test_each_key_is_suggested_for_what_is_nearly_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < config_nr_keys; i++) {
		const struct config_key *key = &config_keys[i];
		char word[32];

		/* "name" + "x" is nearer to no other. */
		(void)snprintf(word, sizeof(word), "%sx", key->name);
		assert_string_equal(config_key_suggest(key->scope, word), key->name);
	}
	assert_string_equal(config_key_suggest(SCOPE_GUEST, "devcie"), "device");
	assert_string_equal(config_key_suggest(SCOPE_GUEST, "itss"), "its");
	assert_null(config_key_suggest(SCOPE_DEVICE, "colour"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_key_is_printed_as_it_was_given),
		cmocka_unit_test(test_every_key_is_an_option_and_means_what_it_does_in_a_file),
		cmocka_unit_test(test_each_option_is_explained_and_there_is_no_other),
		cmocka_unit_test(test_a_configuration_of_defaults_prints_what_always_matters),
		cmocka_unit_test(test_each_row_is_whole),
		cmocka_unit_test(test_numbers_are_taken_from_the_least_to_the_most_of_their_row),
		cmocka_unit_test(test_each_key_is_suggested_for_what_is_nearly_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
