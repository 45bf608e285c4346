// SPDX-License-Identifier: MIT
/*
 * Failures of the host, in words. No locks. Whatever is printed is one line: control characters
 * that came in with a file name or from sysfs are shown as '?'.
 */
#include "vmm/base/report.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "vmm/base/bits.h"

#define LINE_SZ 1024u

/* What cures an error whatever it came of. */
static const struct {
	int error;
	const char *cure;
} cures[] = {
	{ ENOMEM, "end other programs, or raise this process's limits (ulimit -v, its cgroup's "
		  "memory.max)" },
	{ EMFILE, "raise the limit of open files (ulimit -n)" },
	{ ENFILE, "raise the host's limit of open files (sysctl fs.file-max)" },
};

static const char *cure_of(int error)
{
	for (size_t i = 0; i < ARRAY_SIZE(cures); i++)
		if (cures[i].error == error)
			return cures[i].cure;
	return "";
}

int failure_set(struct failure *failure, enum exit_status status, int error, const char *object,
		const char *cure, const char *cause_format, ...)
{
	va_list ap;

	assert(error > 0);
	failure->status = status;
	(void)snprintf(failure->object, sizeof(failure->object), "%s", object);
	(void)snprintf(failure->cure, sizeof(failure->cure), "%s", cure ? cure : cure_of(error));
	va_start(ap, cause_format);
	(void)vsnprintf(failure->cause, sizeof(failure->cause), cause_format, ap);
	va_end(ap);
	return -error;
}

static void clean_line(const char *line, char ret_clean[LINE_SZ])
{
	size_t i;

	for (i = 0; line[i] && i < LINE_SZ - 1; i++) {
		unsigned char c = (unsigned char)line[i];

		ret_clean[i] = c < 0x20 || c == 0x7f ? '?' : line[i];
	}
	ret_clean[i] = '\0';
}

static void print_line(const char *line)
{
	char clean[LINE_SZ];

	clean_line(line, clean);
	/* The terminal may be raw, for the guest's console. */
	(void)fprintf(stderr, "itsy: %s%s\n", clean, isatty(STDERR_FILENO) ? "\r" : "");
}

enum exit_status report_failure(const struct failure *failure)
{
	char line[LINE_SZ];

	(void)snprintf(line, sizeof(line), "error: %s: %s%s%s", failure->object, failure->cause,
		       failure->cure[0] ? ": " : "", failure->cure);
	print_line(line);
	return failure->status;
}

void report_warning(const char *format, ...)
{
	static const char prefix[] = "warning: ";
	char line[LINE_SZ];
	va_list ap;

	memcpy(line, prefix, sizeof(prefix));
	va_start(ap, format);
	(void)vsnprintf(line + sizeof(prefix) - 1, sizeof(line) - sizeof(prefix) + 1, format, ap);
	va_end(ap);
	print_line(line);
}

void report_info(const char *format, ...)
{
	char line[LINE_SZ];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	print_line(line);
}

/* Back to the first column, and the rest of the line goes: ECMA-48, EL. */
#define OVER_LINE "\r\033[K"

void report_progress(struct progress *progress, const char *format, ...)
{
	char line[LINE_SZ], clean[LINE_SZ];
	va_list ap;

	if (progress->shown && !isatty(STDERR_FILENO))
		return;
	progress->shown = true;
	va_start(ap, format);
	(void)vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	if (!isatty(STDERR_FILENO)) {
		print_line(line);
		return;
	}
	clean_line(line, clean);
	(void)fprintf(stderr, OVER_LINE "itsy: %s", clean);
	(void)fflush(stderr);
}

void report_progress_end(struct progress *progress)
{
	if (!progress->shown)
		return;
	progress->shown = false;
	if (isatty(STDERR_FILENO))
		(void)fputs(OVER_LINE, stderr);
}
