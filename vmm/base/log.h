/* SPDX-License-Identifier: MIT */
/*
 * Where messages go, which of them, and as what: below what report.h prints. Nothing else writes to
 * it.
 *
 * It is one for the process, as standard error is, and is made while there is one thread. Before
 * log_open(), and after log_close(), messages up to LOG_INFO go to standard error as text.
 */
#ifndef VMM_BASE_LOG_H
#define VMM_BASE_LOG_H

#include <stdbool.h>

#include "vmm/base/cleanup.h"

/* The least that is printed still; each has those before it. */
enum log_level { LOG_ERROR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG, NR_LOG_LEVELS };
/* "error", ..., "debug". */
const char *log_level_word(unsigned level);

enum log_format { LOG_TEXT, LOG_JSON, NR_LOG_FORMATS };
const char *log_format_word(unsigned format);

/* Whose doing a message is about. */
enum log_category { LOG_OF_HOST, LOG_OF_GUEST };

struct log_wish {
	enum log_level level;
	enum log_format format;
	const char *path;  /* appended to; NULL: standard error. Borrowed until log_close() */
	const char *guest; /* its name, in JSON; NULL: none. Likewise */
};

/*
 * From now on messages go where the wish says. A file is opened once and appended to, one
 * write(2) for each line; errors go to standard error as well. One that cannot be written
 * any more, for the file system is full or nobody reads the pipe, loses lines and says how
 * many when it can again: nothing waits for it, and nothing fails. Negative errno where it cannot
 * be opened.
 */
int log_open(const struct log_wish *wish) _must_check_;
void log_close(void);
/* Do messages go to a file? */
bool log_has_file(void);

struct log_message {
	enum log_level level;
	enum log_category category;
	const char *text;
	const char *object, *cause, *cure; /* of a failure, which the text has too; NULL: of none */
};

/* Any thread. Control characters are printed as '?'. */
void log_put(const struct log_message *message);
/* Is a message of this level printed? */
bool log_takes(enum log_level level);

/* Text up to LOG_LINE_SZ with its end; more is cut. */
#define LOG_LINE_SZ 1024u
/* Without control characters, on which a terminal would act: '?' in their place. */
void log_clean(const char *text, char ret_clean[LOG_LINE_SZ]);

#endif
