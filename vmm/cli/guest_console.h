/* SPDX-License-Identifier: MIT */
/*
 * The console of the guest that itsy run has: where it is, the terminal where it is that, and what
 * was typed and the guest has not taken yet. One thread, main.
 */
#ifndef VMM_CLI_GUEST_CONSOLE_H
#define VMM_CLI_GUEST_CONSOLE_H

#include <poll.h>
#include <time.h>

#include "vmm/cli/term.h"
#include "vmm/config/config.h"
#include "vmm/dev/console_port.h"
#include "vmm/machine/machine.h"

#define GUEST_CONSOLE_FDS (2u + CONSOLE_PORT_FDS)

struct guest_console {
	struct console_port *port; /* owned */
	struct term term;
	int job; /* signals of job control; -1: the console is no terminal of ours */
	uint8_t typed[64];
	size_t nr_typed;
	bool input_ended;
	bool quit; /* Ctrl-a x */
};

/* Open what the configuration says. In the process that closes it at last, before there is another.
 */
int guest_console_open(struct guest_console *c, const struct config *config,
		       struct failure *ret_failure) _must_check_;
void guest_console_close(struct guest_console *c);

/* From here on SIGTSTP is for guest_console_serve(). 0, or negative errno. */
int guest_console_catch_signals(struct guest_console *c) _must_check_;
/* Take the terminal, or later where somebody else has it. And give it back, with the signals. */
int guest_console_begin(struct guest_console *c, struct failure *ret_failure) _must_check_;
void guest_console_end(struct guest_console *c);
/* What is said of it at the start, behind the guest's other properties. */
const char *guest_console_keys(const struct guest_console *c);
void guest_console_say_where(const struct guest_console *c);

/*
 * What to poll for. Sets *ret_wait to the sooner of ms and of what the console wants; false: it is
 * to be waited until something happens. ms as poll(2) has it.
 */
bool guest_console_fds(struct guest_console *c, struct machine *m, int ms,
		       struct pollfd fds[GUEST_CONSOLE_FDS], struct timespec *ret_wait);
/* Take the same fds after ppoll(): people, keys, and the guest's room for them. */
void guest_console_serve(struct guest_console *c, struct machine *m,
			 const struct pollfd fds[GUEST_CONSOLE_FDS]);

#endif
