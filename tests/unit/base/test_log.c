// SPDX-License-Identifier: MIT
/*
 * Where messages go: by level, as text and as JSON, to standard error and to a file, which may be
 * full, too small or a pipe that nobody reads.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include <jansson.h>

#include "tests/unit/base/capture.h"
#include "vmm/base/log.h"
#include "vmm/base/report.h"

#define FILE_MAX 8192

static struct {
	char path[64];
	char text[FILE_MAX];
	struct capture said;
} w;

static int begin(void **state)
{
	int fd;

	(void)state;
	memset(&w, 0, sizeof(w));
	(void)snprintf(w.path, sizeof(w.path), "/tmp/itsy-log.XXXXXX");
	fd = mkstemp(w.path);
	assert_true(fd >= 0);
	(void)close(fd);
	return 0;
}

static int end(void **state)
{
	(void)state;
	log_close();
	(void)unlink(w.path);
	return 0;
}

static void open_log(enum log_level level, enum log_format format, const char *path)
{
	const struct log_wish wish = { level, format, path, "box" };

	assert_int_equal(log_open(&wish), 0);
}

/* One of each level, and one of the guest's. */
static void say_all(void)
{
	struct failure failure;

	(void)failure_set(&failure, ITSY_RUNTIME, EIO, "disk", "buy one", "is \"gone\"\n");
	capture_begin(&w.said);
	(void)report_failure(&failure);
	report_warning("w");
	report_notice("n");
	report_info("i");
	report_guest("g");
	report_debug("d");
	capture_end(&w.said);
}

static const char *in_file(void)
{
	FILE *f = fopen(w.path, "re");
	size_t len;

	assert_non_null(f);
	len = fread(w.text, 1, sizeof(w.text) - 1, f);
	w.text[len] = '\0';
	(void)fclose(f);
	return w.text;
}

static unsigned lines_of(const char *text)
{
	unsigned nr = 0;

	for (; *text; text++)
		nr += *text == '\n';
	return nr;
}

static void test_each_level_has_those_before_it(void **state)
{
	static const char *const lines[] = {
		"itsy: error: disk: is \"gone\"?: buy one\n",
		"itsy: warning: w\n",
		"itsy: n\n",
		"itsy: i\nitsy: guest: g\n",
		"itsy: debug: d\n",
	};
	char want[256] = "";

	(void)state;
	for (unsigned level = 0; level < NR_LOG_LEVELS; level++) {
		strcat(want, lines[level]);
		open_log((enum log_level)level, LOG_TEXT, NULL);
		say_all();
		assert_string_equal(w.said.err, want);
		assert_string_equal(w.said.out, "");
	}
	/* Before it is open, and after it is closed, it is info. */
	log_close();
	say_all();
	assert_int_equal(lines_of(w.said.err), 5);
	assert_true(log_takes(LOG_INFO) && !log_takes(LOG_DEBUG));
}

/* YYYY-MM-DDTHH:MM:SS.UUUUUUZ, of now. */
static void expect_time(const char *text)
{
	struct tm tm = { 0 };
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	long long then;

	assert_non_null(rest);
	assert_int_equal(*rest, '.');
	assert_int_equal(strspn(rest + 1, "0123456789"), 6);
	assert_int_equal(rest[7], 'Z');
	then = (long long)timegm(&tm);
	assert_in_range(then, (long long)time(NULL) - 60, (long long)time(NULL) + 1);
}

static void test_a_file_has_all_with_their_times_and_errors_are_told_besides(void **state)
{
	(void)state;
	open_log(LOG_DEBUG, LOG_TEXT, w.path);
	assert_true(log_has_file());
	say_all();
	assert_string_equal(w.said.err, "itsy: error: disk: is \"gone\"?: buy one\n");
	assert_int_equal(lines_of(in_file()), 6);
	expect_time(w.text);
	assert_non_null(strstr(w.text, "Z error: disk: is \"gone\"?: buy one\n"));
	assert_non_null(strstr(w.text, "Z notice: n\n"));
	assert_non_null(strstr(w.text, "Z info: guest: g\n"));
	/* What was there stays. */
	log_close();
	assert_false(log_has_file());
	open_log(LOG_ERROR, LOG_TEXT, w.path);
	say_all();
	assert_int_equal(lines_of(in_file()), 7);
}

static json_t *line_of_json(const char *text, unsigned nr)
{
	json_t *object;

	while (nr--)
		text = strchr(text, '\n') + 1;
	object = json_loadb(text, strcspn(text, "\n"), 0, NULL);
	if (!object)
		fail_msg("no JSON: %s", text);
	return object;
}

static void expect_member(const json_t *object, const char *key, const char *value)
{
	const char *is = json_string_value(json_object_get(object, key));

	assert_non_null(is);
	assert_string_equal(is, value);
}

static void test_json_is_an_object_in_each_line(void **state)
{
	json_t *object;

	(void)state;
	open_log(LOG_DEBUG, LOG_JSON, NULL);
	say_all();
	object = line_of_json(w.said.err, 0);
	expect_time(json_string_value(json_object_get(object, "time")));
	expect_member(object, "level", "error");
	expect_member(object, "guest", "box");
	expect_member(object, "category", "host");
	expect_member(object, "message", "disk: is \"gone\"?: buy one");
	expect_member(object, "object", "disk");
	expect_member(object, "cause", "is \"gone\"?");
	expect_member(object, "cure", "buy one");
	json_decref(object);
	object = line_of_json(w.said.err, 4);
	expect_member(object, "level", "info");
	expect_member(object, "category", "guest");
	assert_int_equal(json_object_size(object), 5);
	json_decref(object);
}

static void test_json_stays_json_whatever_is_in_a_name(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "a\"b\\c", "a\"b\\c" },
		{ "caf\xc3\xa9 \xf0\x9f\x90\x9b", "caf\xc3\xa9 \xf0\x9f\x90\x9b" },
		{ "\xff\xc3", "??" },
		{ "\xe2\x82", "??" },
		{ "\x01\x7f\r", "???" },
	};
	static char longest[3000];

	(void)state;
	memset(longest, '"', sizeof(longest) - 1);
	open_log(LOG_DEBUG, LOG_JSON, NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *object;

		capture_begin(&w.said);
		report_info("%s", cases[i].text);
		capture_end(&w.said);
		object = line_of_json(w.said.err, 0);
		expect_member(object, "message", cases[i].want);
		json_decref(object);
	}
	capture_begin(&w.said);
	report_info("%s", longest);
	capture_end(&w.said);
	json_decref(line_of_json(w.said.err, 0));
}

static void test_a_file_that_cannot_be_opened_is_told(void **state)
{
	const struct log_wish wish = { .path = "/nowhere/log" };

	(void)state;
	assert_int_equal(log_open(&wish), -ENOENT);
	assert_false(log_has_file());
}

/* One warning, whatever is lost. */
static void test_a_disk_that_is_full_loses_lines_and_harms_nothing(void **state)
{
	(void)state;
	open_log(LOG_DEBUG, LOG_TEXT, "/dev/full");
	say_all();
	assert_string_equal(
		w.said.err,
		"itsy: warning: /dev/full: cannot be written (No space left on device): messages "
		"are lost\nitsy: error: disk: is \"gone\"?: buy one\n");
	say_all();
	assert_int_equal(lines_of(w.said.err), 1);
}

static void test_what_was_lost_is_told_when_there_is_room(void **state)
{
	struct rlimit before, tight;
	struct stat st;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	open_log(LOG_NOTICE, LOG_TEXT, w.path);
	report_notice("first");
	assert_int_equal(stat(w.path, &st), 0);
	tight = (struct rlimit){ (rlim_t)st.st_size, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	/* SIGXFSZ would end us. Standard error is a file as well, here. */
	report_notice("second");
	report_notice("third");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	report_notice("fourth");
	assert_int_equal(lines_of(in_file()), 3);
	assert_non_null(strstr(w.text, "Z warning: 2 messages were lost here\n"));
	assert_non_null(strstr(w.text, "Z notice: fourth\n"));
}

static void test_a_pipe_that_nobody_reads_holds_up_nobody(void **state)
{
	char byte[4096];
	int reader;

	(void)state;
	(void)unlink(w.path);
	assert_int_equal(mkfifo(w.path, 0600), 0);
	assert_int_equal(log_open(&(struct log_wish){ .path = w.path }), -ENXIO);
	reader = open(w.path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(reader >= 0);
	open_log(LOG_DEBUG, LOG_TEXT, w.path);
	capture_begin(&w.said);
	for (unsigned i = 0; i < 5000; i++)
		report_info("%u", i);
	capture_end(&w.said);
	assert_int_equal(lines_of(w.said.err), 1);
	while (read(reader, byte, sizeof(byte)) > 0)
		continue;
	report_info("again");
	memset(byte, 0, sizeof(byte));
	assert_true(read(reader, byte, sizeof(byte) - 1) > 0);
	assert_non_null(strstr(byte, "messages were lost here\n"));
	assert_non_null(strstr(byte, "Z info: again\n"));
	(void)close(reader);
}

#define WITH_FILE(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FILE(test_each_level_has_those_before_it),
		WITH_FILE(test_a_file_has_all_with_their_times_and_errors_are_told_besides),
		WITH_FILE(test_json_is_an_object_in_each_line),
		WITH_FILE(test_json_stays_json_whatever_is_in_a_name),
		WITH_FILE(test_a_file_that_cannot_be_opened_is_told),
		WITH_FILE(test_a_disk_that_is_full_loses_lines_and_harms_nothing),
		WITH_FILE(test_what_was_lost_is_told_when_there_is_room),
		WITH_FILE(test_a_pipe_that_nobody_reads_holds_up_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
