/* SPDX-License-Identifier: MIT */
/*
 * A terminal that shows one page of text, again and again, until a key ends it
 * (ECMA-48; xterm's alternate screen). Afterwards it is as it was.
 */
#ifndef VMM_CLI_SCREEN_H
#define VMM_CLI_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

#include "vmm/cli/term.h"

struct screen {
	struct term term;
	int signals; /* signalfd */
	bool on;
};

/* 0, or negative errno: nothing is changed. Standard input and output are terminals. */
int screen_init(struct screen *screen) _must_check_;
/* A signal that ended it takes its effect now. */
void screen_fini(struct screen *screen);

/* Show as much of a text of lines as fits. */
void screen_show(const char *text);
/* Wait for so long, or until somebody wants to end (q, Ctrl-c, a signal): true then. */
bool screen_wait(struct screen *screen, int timeout_ms);

/*
 * The text cut to so many rows and columns, each line ended with "\r\n" but for the
 * last: to be freed, or NULL for want of memory. One byte is one column.
 */
char *screen_cut(const char *text, size_t rows, size_t columns);

#endif
