/* SPDX-License-Identifier: MIT */
/*
 * A terminal that shows one page of text after another, until a key ends it. It uses
 * xterm's alternate screen (ECMA-48), so that afterwards the terminal shows what it
 * showed before.
 */
#ifndef VMM_CLI_SCREEN_H
#define VMM_CLI_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "vmm/cli/term.h"

struct screen {
	struct term term;
	int signals; /* signalfd of those that end it */
	int resized; /* signalfd of SIGWINCH */
	bool on;
};

enum screen_event {
	SCREEN_TIME,	/* it has passed */
	SCREEN_RESIZED, /* the terminal has another size now */
	SCREEN_END,	/* the user wants to end: q, Ctrl-c, Ctrl-d or a signal */
};

/*
 * Standard input and output must be terminals. 0; or negative errno, and the terminal is
 * as before.
 */
int screen_init(struct screen *screen) _must_check_;
/* Restore the terminal. A signal that came since screen_init() takes effect here. */
void screen_fini(struct screen *screen);

/*
 * Columns of the terminal that fd is; where it is none, what the environment's COLUMNS says, as
 * watch(1) does; 0: any number.
 */
size_t screen_columns(int fd);

struct screen_fold {
	size_t columns; /* that a line may have; 0: any number */
	size_t at;	/* where the first one begins */
	size_t indent;	/* where those behind it begin */
};

/* Text, and the end of a line: folded between words. A word that is too long stays whole. */
void screen_print_folded(const struct screen_fold *fold, const char *text, FILE *out);

/* Show the text; what does not fit is cut at the right and at the bottom. */
void screen_show(const char *text);
/* Wait until timeout_ms have passed, or for something that comes before. */
enum screen_event screen_wait(struct screen *screen, int timeout_ms);

/*
 * The text cut to so many rows and columns; one byte is one column. A line that is too long is
 * cut between words, so that no number in it is another one, and ends in '>'. Lines are separated
 * by "\r\n". The caller's to free(); NULL: no memory.
 */
char *screen_cut(const char *text, size_t rows, size_t columns);

#endif
