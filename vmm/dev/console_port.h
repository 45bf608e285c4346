/* SPDX-License-Identifier: MIT */
/*
 * Where the guest's console is, beyond its UART: what the guest prints goes there, and what is
 * typed comes from there. It outlives the guest's machines. Who comes to a socket or a
 * pseudo-terminal is told first what was printed before (console_history.h).
 *
 * One thread, main, has people come and go and takes what they type; threads that write may be
 * others.
 */
#ifndef VMM_DEV_CONSOLE_PORT_H
#define VMM_DEV_CONSOLE_PORT_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/base/report.h"
#include "vmm/config/config_console.h"

#define CONSOLE_PORT_FDS 2u

/* What one that comes while another is there gets, and nothing else: "itsy: the console of ... */
#define CONSOLE_REFUSED "itsy: the console of "

struct console_port;

struct console_port_config {
	const char *name;  /* of the guest; borrowed, as all here */
	const char *value; /* config_console() */
	const char *log;   /* a file that output is appended to, too; NULL: none */
};

/*
 * Open it all; nothing has to be opened later. 0, or negative errno with its cause and cure. A
 * socket that nobody serves any more is replaced.
 */
int console_port_create(const struct console_port_config *config, struct console_port **ret_port,
			struct failure *ret_failure) _must_check_;
/* One that is a descriptor, borrowed, and nothing else; as standard output. 0, or -ENOMEM. */
int console_port_of(int fd, struct console_port **ret_port) _must_check_;
/* NULL is allowed. is_ours: by the process that made it, which takes the socket away. */
void console_port_destroy(struct console_port *port, bool is_ours);

enum console_wish console_port_kind(const struct console_port *port);
/* "stdio", "none", "file:PATH", "pty:PATH", "unix:PATH"; as long as the port is. */
const char *console_port_where(const struct console_port *port);

/*
 * What to poll for; keys: also for what is typed. Of standard input the caller takes care. Returns
 * after how many milliseconds it is to be asked again; -1: never.
 */
int console_port_fds(struct console_port *port, bool keys, struct pollfd fds[CONSOLE_PORT_FDS]);
/*
 * Take the same fds after poll(): have people come and go, and take what was typed, as far as there
 * is room. Returns how many bytes that is. Never waits for a person.
 */
size_t console_port_serve(struct console_port *port, const struct pollfd fds[CONSOLE_PORT_FDS],
			  uint8_t *bytes, size_t room);

/*
 * Write. wait: for the reader, where there is one, or until stop can be read. Returns how many
 * bytes are done with: written, or dropped for want of a reader. Any thread.
 */
size_t console_port_write(struct console_port *port, const uint8_t *bytes, size_t nr, bool wait,
			  int stop);
/* Append to the log, where there is one. Any thread. */
void console_port_log(const struct console_port *port, const uint8_t *bytes, size_t nr);

#endif
