/* SPDX-License-Identifier: MIT */
/*
 * The one place where failures of the host become words: which object, what
 * went wrong, and what cures it. Everything below returns a negative errno and
 * fills a struct failure; a command prints it once, and ends.
 */
#ifndef VMM_BASE_REPORT_H
#define VMM_BASE_REPORT_H

#include <stdbool.h>

/* How itsy ends. */
enum exit_status {
	ITSY_OK = 0,	      /* the guest powered off; the check passed */
	ITSY_RUNTIME = 1,     /* the host failed while the guest ran */
	ITSY_USAGE = 2,	      /* the command line is wrong */
	ITSY_CONFIG = 3,      /* the configuration is wrong */
	ITSY_ENVIRONMENT = 4, /* the host is not ready */
	ITSY_FORBIDDEN = 5,   /* a thread made a system call that its sandbox forbids */
	ITSY_TAKEN = 6,	      /* the host wanted a function back, or reported an error of it */
	ITSY_PANICKED = 7,    /* the guest's kernel panicked, and was to be stopped then */
};

struct failure {
	enum exit_status status;
	char object[128];
	char cause[256];
	char cure[256];
};

/* What cures several failures. */
#define CURE_KERNEL_LOG "see the host's kernel log"
#define CURE_THREADS	"free memory, or raise the limit of threads (ulimit -u)"

/*
 * The cure that an error always has, whatever it came of: that there is no memory, or no file
 * descriptor. Of another error it is otherwise, which may be NULL: none is known.
 */
const char *failure_cure(int error, const char *otherwise);

/*
 * Fill a failure and return -error, so that a failing function can end with
 * `return failure_set(...)`. error is a positive errno; cure may be NULL: failure_cure() says it.
 */
int failure_set(struct failure *failure, enum exit_status status, int error, const char *object,
		const char *cure, const char *cause_format, ...)
	__attribute__((format(printf, 6, 7)));

/*
 * "itsy: error: OBJECT: CAUSE: CURE", one line on stderr, or where log_open() has said. Returns
 * failure->status.
 */
enum exit_status report_failure(const struct failure *failure);

/*
 * One line likewise, "itsy: warning: ...", "itsy: ..." or "itsy: debug: ...". A warning is of what
 * is not as it should be; a notice of what happens once or twice in a guest's life; info of what
 * else may be worth a line; debug of what is not.
 */
void report_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void report_notice(const char *format, ...) __attribute__((format(printf, 1, 2)));
void report_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void report_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));
/*
 * Info of what the guest does wrong: "itsy: guest: ...", a category of its own. A guest makes as
 * many mistakes as it likes: whoever calls this counts them, and calls it rarely.
 */
void report_guest(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A step that takes long, begins zeroed. */
struct progress {
	bool shown;
};

/*
 * What a step is doing now, on stderr: on a terminal each call writes over what the one before it
 * wrote, elsewhere the first one is a line and the others say nothing.
 */
void report_progress(struct progress *progress, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* The step is over: what was written on a terminal goes. */
void report_progress_end(struct progress *progress);

/* The ending of a noun after a number: "1 vCPU", "2 vCPUs". */
static inline const char *plural(unsigned long long nr)
{
	return nr == 1 ? "" : "s";
}

#endif
