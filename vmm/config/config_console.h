/* SPDX-License-Identifier: MIT */
/*
 * The values of the key console: where the guest's console is.
 */
#ifndef VMM_CONFIG_CONFIG_CONSOLE_H
#define VMM_CONFIG_CONFIG_CONSOLE_H

#include <stddef.h>

#include "vmm/base/cleanup.h"

enum console_wish {
	CONSOLE_WISH_STDIO, /* standard input and output */
	CONSOLE_WISH_NONE,  /* nowhere: output is dropped, nothing is typed */
	CONSOLE_WISH_FILE,  /* what the guest prints is appended to a file */
	CONSOLE_WISH_PTY,   /* a pseudo-terminal */
	CONSOLE_WISH_UNIX,  /* a socket that one at a time connects to */
	NR_CONSOLE_WISHES,
};

/*
 * Which one a value is, and where its path begins (NULL: that kind has none). NULL is stdio.
 * NR_CONSOLE_WISHES: it is none.
 */
enum console_wish config_console(const char *value, const char **ret_path);

/* A value, owned: a path in it that is relative counts from folder then. 0, or -ENOMEM. */
int config_console_settle(char **value, const char *folder) _must_check_;

#endif
