// SPDX-License-Identifier: MIT
/*
 * Failures of the host, in words. No locks. Whatever is printed is one line, and goes where log.h
 * says: control characters that came in with a file name or from sysfs are shown as '?'.
 */
#include "vmm/base/report.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "vmm/base/bits.h"
#include "vmm/base/log.h"

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

const char *failure_cure(int error, const char *otherwise)
{
	for (size_t i = 0; i < ARRAY_SIZE(cures); i++)
		if (cures[i].error == error)
			return cures[i].cure;
	return otherwise;
}

int failure_set(struct failure *failure, enum exit_status status, int error, const char *object,
		const char *cure, const char *cause_format, ...)
{
	va_list ap;

	assert(error > 0);
	failure->status = status;
	(void)snprintf(failure->object, sizeof(failure->object), "%s", object);
	(void)snprintf(failure->cure, sizeof(failure->cure), "%s",
		       cure ? cure : failure_cure(error, ""));
	va_start(ap, cause_format);
	(void)vsnprintf(failure->cause, sizeof(failure->cause), cause_format, ap);
	va_end(ap);
	return -error;
}

enum exit_status report_failure(const struct failure *failure)
{
	char text[LOG_LINE_SZ];

	(void)snprintf(text, sizeof(text), "%s: %s%s%s", failure->object, failure->cause,
		       failure->cure[0] ? ": " : "", failure->cure);
	log_put(&(struct log_message){ LOG_ERROR, LOG_OF_HOST, text, failure->object,
				       failure->cause, failure->cure });
	return failure->status;
}

static void put(enum log_level level, enum log_category category, const char *format, va_list ap)
	__attribute__((format(printf, 3, 0)));
static void put(enum log_level level, enum log_category category, const char *format, va_list ap)
{
	char text[LOG_LINE_SZ];

	(void)vsnprintf(text, sizeof(text), format, ap);
	log_put(&(struct log_message){ .level = level, .category = category, .text = text });
}

void report_warning(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	put(LOG_WARNING, LOG_OF_HOST, format, ap);
	va_end(ap);
}

void report_notice(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	put(LOG_NOTICE, LOG_OF_HOST, format, ap);
	va_end(ap);
}

void report_info(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	put(LOG_INFO, LOG_OF_HOST, format, ap);
	va_end(ap);
}

void report_debug(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	put(LOG_DEBUG, LOG_OF_HOST, format, ap);
	va_end(ap);
}

void report_guest(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	put(LOG_INFO, LOG_OF_GUEST, format, ap);
	va_end(ap);
}

/* Back to the first column, and the rest of the line goes: ECMA-48, EL. */
#define OVER_LINE "\r\033[K"

void report_progress(struct progress *progress, const char *format, ...)
{
	char text[LOG_LINE_SZ], clean[LOG_LINE_SZ];
	va_list ap;

	if ((progress->shown && !isatty(STDERR_FILENO)) || !log_takes(LOG_INFO))
		return;
	progress->shown = true;
	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (!isatty(STDERR_FILENO)) {
		log_put(&(struct log_message){ .level = LOG_INFO, .text = text });
		return;
	}
	log_clean(text, clean);
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
