/* SPDX-License-Identifier: MIT */
/*
 * The terminal that the guest's console is on: raw while the guest runs, as it
 * was afterwards, also where the process dies.
 */
#ifndef VMM_CLI_TERM_H
#define VMM_CLI_TERM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <termios.h>

#include "vmm/base/cleanup.h"

struct term {
	bool is_tty; /* standard input is a terminal */
	bool raw;
	bool escaped; /* Ctrl-a was typed */
	struct termios saved;
};

/*
 * Switch standard input to raw mode where it is a terminal, and have it put
 * back by term_fini(), at exit(), and on signals that end the process.
 */
int term_init(struct term *term) _must_check_;
void term_fini(struct term *term);

/*
 * What of nr typed bytes is for the guest, in place. Ctrl-a x: *ret_quit is set.
 * Ctrl-a Ctrl-a (or Ctrl-a a) is one Ctrl-a for the guest; Ctrl-a h tells the keys.
 * Without a terminal every byte is the guest's. Returns how many bytes remain.
 */
size_t term_filter(struct term *term, uint8_t *bytes, size_t nr, bool *ret_quit);

/*
 * For a process that looks after the one which owns the terminal: how it is now (false: there is
 * none), and that again, whatever the other did.
 */
bool term_remember(struct termios *ret_settings);
void term_put_back(const struct termios *settings);

#endif
