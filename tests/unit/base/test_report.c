// SPDX-License-Identifier: MIT
/* A failure is printed as one line, whatever the names in it. */
#include <errno.h>
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/base/capture.h"
#include "vmm/base/bits.h"
#include "vmm/base/report.h"

static void test_failure_set_fills_and_returns_the_negative_error(void **state)
{
	struct failure failure;

	(void)state;
	assert_int_equal(
		failure_set(&failure, ITSY_CONFIG, ENOENT, "Image", "build it", "gone: %d", 7),
		-ENOENT);
	assert_int_equal(failure.status, ITSY_CONFIG);
	assert_string_equal(failure.object, "Image");
	assert_string_equal(failure.cause, "gone: 7");
	assert_string_equal(failure.cure, "build it");
	assert_int_equal(failure_set(&failure, ITSY_RUNTIME, EIO, "x", NULL, "y"), -EIO);
	assert_string_equal(failure.cure, "");
}

/* Who knows no better one than that there is no memory, or no descriptor. */
static void test_some_errors_have_a_cure_of_their_own(void **state)
{
	static const struct {
		int error;
		const char *cure;
	} cases[] = {
		{ ENOMEM, "memory.max" },
		{ EMFILE, "ulimit -n" },
		{ ENFILE, "fs.file-max" },
	};
	struct failure failure;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		(void)failure_set(&failure, ITSY_RUNTIME, cases[i].error, "x", NULL, "y");
		if (!strstr(failure.cure, cases[i].cure))
			fail_msg("'%s' does not tell of '%s'", failure.cure, cases[i].cure);
		(void)failure_set(&failure, ITSY_RUNTIME, cases[i].error, "x", "build it", "y");
		assert_string_equal(failure.cure, "build it");
		assert_non_null(strstr(failure_cure(cases[i].error, "build it"), cases[i].cure));
	}
	assert_string_equal(failure_cure(EIO, CURE_KERNEL_LOG), "see the host's kernel log");
	assert_null(failure_cure(EIO, NULL));
}

static void test_a_report_is_one_line_on_stderr(void **state)
{
	struct capture c;
	struct failure failure;

	(void)state;
	(void)failure_set(&failure, ITSY_ENVIRONMENT, EIO, "a\nb\x1b[31m", "c\rd", "e\tf\x7f");
	capture_begin(&c);
	assert_int_equal(report_failure(&failure), ITSY_ENVIRONMENT);
	report_warning("%s: %d", "w\n", 3);
	report_info("i%c", '\n');
	capture_end(&c);
	assert_string_equal(c.out, "");
	assert_string_equal(c.err, "itsy: error: a?b?[31m: e?f?: c?d\n"
				   "itsy: warning: w?: 3\n"
				   "itsy: i?\n");
}

static void test_a_report_without_a_cure_ends_with_the_cause(void **state)
{
	struct capture c;
	struct failure failure;

	(void)state;
	(void)failure_set(&failure, ITSY_RUNTIME, EIO, "x", NULL, "y");
	capture_begin(&c);
	assert_int_equal(report_failure(&failure), ITSY_RUNTIME);
	capture_end(&c);
	assert_string_equal(c.err, "itsy: error: x: y\n");
}

static void test_long_reports_are_cut(void **state)
{
	static char text[5000];
	struct capture c;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	capture_begin(&c);
	report_warning("%s", text);
	report_info("%s", text);
	capture_end(&c);
	assert_true(strlen(c.err) < 2200);
	assert_int_equal(c.err[strlen(c.err) - 1], '\n');
	assert_non_null(strstr(c.err, "x\nitsy: x"));
}

static void two_steps(void)
{
	struct progress progress = { 0 };

	report_progress_end(&progress); /* nothing was shown, and nothing is said */
	report_progress(&progress, "%s: %d of 2", "a\n", 1);
	report_progress(&progress, "%s: %d of 2", "a\n", 2);
	report_progress_end(&progress);
}

static void test_progress_is_one_line_in_a_file(void **state)
{
	struct capture c;

	(void)state;
	capture_begin(&c);
	two_steps();
	capture_end(&c);
	assert_string_equal(c.err, "itsy: a?: 1 of 2\n");
}

static void test_progress_is_written_over_itself_on_a_terminal(void **state)
{
	static const char want[] = "\r\033[Kitsy: a?: 1 of 2\r\033[Kitsy: a?: 2 of 2\r\033[K";
	char seen[sizeof(want)] = "";
	int terminal, end, before;

	(void)state;
	if (openpty(&terminal, &end, NULL, NULL, NULL) < 0)
		skip();
	before = dup(STDERR_FILENO);
	assert_true(before >= 0);
	assert_true(dup2(end, STDERR_FILENO) >= 0);
	two_steps();
	(void)fflush(stderr);
	assert_true(dup2(before, STDERR_FILENO) >= 0);
	/* What was written comes bit by bit. */
	for (size_t len = 0; len < strlen(want);) {
		ssize_t nr = read(terminal, seen + len, strlen(want) - len);

		assert_true(nr > 0);
		len += (size_t)nr;
	}
	(void)close(before);
	(void)close(end);
	(void)close(terminal);
	assert_string_equal(seen, want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_failure_set_fills_and_returns_the_negative_error),
		cmocka_unit_test(test_some_errors_have_a_cure_of_their_own),
		cmocka_unit_test(test_a_report_is_one_line_on_stderr),
		cmocka_unit_test(test_a_report_without_a_cure_ends_with_the_cause),
		cmocka_unit_test(test_long_reports_are_cut),
		cmocka_unit_test(test_progress_is_one_line_in_a_file),
		cmocka_unit_test(test_progress_is_written_over_itself_on_a_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
