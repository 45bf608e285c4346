// SPDX-License-Identifier: MIT
/*
 * Where messages go.
 *
 * Nothing is opened, nothing allocated and no time zone looked up once it is open: the guest's
 * process, which prints from its sandbox, can do none of these. A line is one write(2) to a
 * file opened with O_APPEND, so that those of the keeper and of the guest's process do not
 * mix, and O_NONBLOCK, so that a pipe that nobody reads holds up nobody.
 *
 * No locks. JSON: RFC 8259; times: RFC 3339.
 */
#include "vmm/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "vmm/base/bits.h"

/*
 * Where to print is a fact of the process, as standard error is, and whoever has something to
 * say would have to be handed it: one of the two variables outside of functions (vmm/cli/term.c
 * has the other). Written while there is one thread, but for what is lost.
 */
static struct {
	struct log_wish wish;
	int fd; /* of wish.path */
	_Atomic unsigned long long lost;
} process_log = { .wish = { .level = LOG_INFO } };

static const char *const level_words[NR_LOG_LEVELS] = {
	[LOG_ERROR] = "error", [LOG_WARNING] = "warning", [LOG_NOTICE] = "notice",
	[LOG_INFO] = "info",   [LOG_DEBUG] = "debug",
};

const char *log_level_word(unsigned level)
{
	return level_words[level];
}

const char *log_format_word(unsigned format)
{
	return format == LOG_JSON ? "json" : "text";
}

/* ---- opening --------------------------------------------------------------------------- */

int log_open(const struct log_wish *wish)
{
	int fd = -1;

	if (wish->path) {
		fd = open(wish->path,
			  O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0640);
		if (fd < 0)
			return -errno;
		/* A limit of its size is an answer to write(2), too, and must end nobody. */
		(void)signal(SIGXFSZ, SIG_IGN);
	}
	process_log.wish = *wish;
	process_log.fd = fd;
	atomic_store(&process_log.lost, 0);
	return 0;
}

void log_close(void)
{
	if (process_log.wish.path)
		(void)close(process_log.fd);
	process_log.wish = (struct log_wish){ .level = LOG_INFO };
}

bool log_has_file(void)
{
	return process_log.wish.path;
}

bool log_takes(enum log_level level)
{
	return level <= process_log.wish.level;
}

/* ---- lines ------------------------------------------------------------------------------ */

/* Twice a message whose every character is escaped, and what stands around it. */
#define WHOLE_SZ (4 * LOG_LINE_SZ)

struct line {
	char text[WHOLE_SZ];
	size_t len;
};

static void add(struct line *line, const char *text)
{
	for (; *text && line->len < sizeof(line->text) - 2; text++)
		line->text[line->len++] = *text;
}

void log_clean(const char *text, char ret_clean[LOG_LINE_SZ])
{
	size_t i;

	for (i = 0; text[i] && i < LOG_LINE_SZ - 1; i++) {
		unsigned char c = (unsigned char)text[i];

		ret_clean[i] = c < 0x20 || c == 0x7f ? '?' : text[i];
	}
	ret_clean[i] = '\0';
}

/* How many bytes a character of UTF-8 has that begins so (RFC 3629); 0: none begins so. */
static size_t character_length(const char *at)
{
	const unsigned char first = (unsigned char)*at;
	size_t len = first < 0x80		     ? 1
		     : first >= 0xc2 && first < 0xe0 ? 2
		     : first >= 0xe0 && first < 0xf0 ? 3
		     : first >= 0xf0 && first < 0xf5 ? 4
						     : 0;

	for (size_t i = 1; i < len; i++)
		if (((unsigned char)at[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

/* `,"KEY":"VALUE"`. */
static void add_member(struct line *line, const char *key, const char *value)
{
	char clean[LOG_LINE_SZ];
	size_t len;

	log_clean(value, clean);
	add(line, line->len > 1 ? ",\"" : "\"");
	add(line, key);
	add(line, "\":\"");
	for (const char *at = clean; *at; at += len ? len : 1) {
		char character[5] = "?";

		len = character_length(at);
		if (len)
			memcpy(character, at, len);
		if (*at == '"' || *at == '\\')
			add(line, "\\");
		add(line, character);
	}
	add(line, "\"");
}

/* The day's date: days from 1970-01-01 on, in eras of 400 years that begin with a March. */
static void date_of(long long days, int *ret_year, int *ret_month, int *ret_day)
{
	const long long of_era = (days + 719468) % 146097, era = (days + 719468) / 146097;
	const long long year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	const long long of_year = of_era - (365 * year + year / 4 - year / 100);
	const int month = (int)((5 * of_year + 2) / 153); /* 0 is March */

	*ret_day = (int)(of_year - (153 * month + 2) / 5 + 1);
	*ret_month = month < 10 ? month + 3 : month - 9;
	*ret_year = (int)(year + era * 400) + (*ret_month <= 2);
}

#define TIME_SZ 80u

/* gmtime_r(3) would look for a time zone first, in a file. */
static const char *now(char text[TIME_SZ])
{
	struct timespec t = { 0 };
	int year, month, day;
	long long seconds;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	date_of(t.tv_sec / 86400, &year, &month, &day);
	seconds = t.tv_sec % 86400;
	(void)snprintf(text, TIME_SZ, "%04d-%02d-%02dT%02lld:%02lld:%02lld.%06ldZ", year, month,
		       day, seconds / 3600, seconds / 60 % 60, seconds % 60, t.tv_nsec / 1000);
	return text;
}

static void make_json(struct line *line, const struct log_message *message)
{
	char time[TIME_SZ];

	add(line, "{");
	add_member(line, "time", now(time));
	add_member(line, "level", level_words[message->level]);
	if (process_log.wish.guest)
		add_member(line, "guest", process_log.wish.guest);
	add_member(line, "category", message->category == LOG_OF_GUEST ? "guest" : "host");
	add_member(line, "message", message->text);
	if (message->object) {
		add_member(line, "object", message->object);
		add_member(line, "cause", message->cause);
	}
	if (message->object && message->cure[0])
		add_member(line, "cure", message->cure);
	add(line, "}");
}

/* "itsy: " on a terminal or a pipe, the time in a file. Who reads that looks for words. */
static void make_text(struct line *line, const struct log_message *message, bool in_file)
{
	const bool is_told =
		in_file || message->level <= LOG_WARNING || message->level == LOG_DEBUG;
	char clean[LOG_LINE_SZ], time[TIME_SZ];

	log_clean(message->text, clean);
	add(line, in_file ? now(time) : "itsy:");
	add(line, " ");
	if (is_told) {
		add(line, level_words[message->level]);
		add(line, ": ");
	}
	if (message->category == LOG_OF_GUEST)
		add(line, "guest: ");
	add(line, clean);
}

/* ---- writing ---------------------------------------------------------------------------- */

static bool write_line(const struct line *line)
{
	ssize_t n;

	do
		n = write(process_log.fd, line->text, line->len);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)line->len;
}

static void make(struct line *line, const struct log_message *message, bool in_file)
{
	line->len = 0;
	if (process_log.wish.format == LOG_JSON)
		make_json(line, message);
	else
		make_text(line, message, in_file);
}

/* What was lost is told before what comes next; the first time, at once, on standard error. */
static void put_in_file(const struct log_message *message)
{
	unsigned long long lost = atomic_load(&process_log.lost);
	struct line line;
	char text[80];

	if (lost) {
		(void)snprintf(text, sizeof(text), "%llu messages were lost here", lost);
		make(&line, &(struct log_message){ .level = LOG_WARNING, .text = text }, true);
		line.text[line.len++] = '\n';
		if (!write_line(&line)) {
			atomic_fetch_add(&process_log.lost, 1);
			return;
		}
		atomic_store(&process_log.lost, 0);
	}
	make(&line, message, true);
	line.text[line.len++] = '\n';
	if (write_line(&line) || atomic_fetch_add(&process_log.lost, 1) || lost)
		return;
	(void)fprintf(stderr, "itsy: warning: %s: cannot be written (%s): messages are lost\n",
		      process_log.wish.path, strerror(errno));
}

static void put_on_stderr(const struct log_message *message)
{
	const int saved = errno;
	struct line line;

	make(&line, message, false);
	line.text[line.len] = '\0';
	/* The terminal may be raw, for the guest's console. */
	(void)fprintf(stderr, "%s%s\n", line.text, isatty(STDERR_FILENO) ? "\r" : "");
	errno = saved;
}

void log_put(const struct log_message *message)
{
	if (!log_takes(message->level))
		return;
	if (process_log.wish.path)
		put_in_file(message);
	if (!process_log.wish.path || message->level == LOG_ERROR)
		put_on_stderr(message);
}
