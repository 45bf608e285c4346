/* SPDX-License-Identifier: MIT */
/*
 * The terminal that the guest's console is on: raw while the guest runs, as it
 * was afterwards, also where the process dies. While this process is a job in the
 * background (credentials(7), tty_ioctl(4)) it is somebody else's, and not touched.
 */
#ifndef VMM_CLI_TERM_H
#define VMM_CLI_TERM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <termios.h>

#include "vmm/base/cleanup.h"

struct term {
	bool is_tty; /* standard input is a terminal */
	bool raw;
	bool escaped;  /* Ctrl-a was typed */
	bool is_held;  /* from term_init() to term_fini() */
	pid_t group;   /* of this process */
	char quit_key; /* behind Ctrl-a; 0: 'x', which ends the guest. 'd' leaves its console */
	struct termios saved;
};

struct term_settings {
	struct termios settings;
	pid_t group;
};

/*
 * Switch standard input to raw mode where it is a terminal, and have it put
 * back by term_fini(), at exit(), and on signals that end the process.
 */
int term_init(struct term *term) _must_check_;
/* The same for what may be a job in the background: then term_look() does it, as soon as it is not.
 */
int term_init_job(struct term *term) _must_check_;
void term_fini(struct term *term);

/*
 * Is the terminal ours now? To be called from time to time (every TERM_LOOK_MS where it is not, for
 * a shell's fg does not tell), and before keys are read: true, they may be. Without a terminal
 * true.
 */
#define TERM_LOOK_MS 300
bool term_look(struct term *term);
/*
 * SIGTSTP has come (signals_open_job()): put the terminal back, and stop until SIGCONT. Or SIGCONT
 * has: whoever had the terminal meanwhile may have set it as he likes.
 */
void term_take_signal(struct term *term, int signal);

/*
 * What of nr typed bytes is for the guest, in place. Ctrl-a and the quit key: *ret_quit is set.
 * Ctrl-a Ctrl-a (or Ctrl-a a) is one Ctrl-a for the guest; Ctrl-a h tells the keys.
 * Without a terminal every byte is the guest's. Returns how many bytes remain.
 */
size_t term_filter(struct term *term, uint8_t *bytes, size_t nr, bool *ret_quit);

/*
 * For a process that looks after the one which owns the terminal: how it is now (false: there is
 * none, or it is somebody else's), and that again, whatever the other did, unless it is somebody
 * else's by then.
 */
bool term_remember(struct term_settings *ret_settings);
void term_put_back(const struct term_settings *settings);

#endif
