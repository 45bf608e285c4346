/* SPDX-License-Identifier: MIT */
/*
 * The control socket of a running guest: DIR/NAME.sock, unix(7), a stream, mode 0600.
 * It is served from the poll loop of the thread that owns it.
 *
 * No client can hold that thread up: no call here waits, and of each client one request
 * is answered at a time. The next is not read before the client has taken the answer.
 */
#ifndef VMM_CONTROL_CONTROL_SOCKET_H
#define VMM_CONTROL_CONTROL_SOCKET_H

#include <poll.h>

#include "vmm/base/report.h"
#include "vmm/control/control_proto.h"

#define CONTROL_DIR	    "/run/itsy"
#define CONTROL_CURE_TAKEN  "end that one, or give this one another name (--name)"
#define CONTROL_MAX_CLIENTS 8u
#define CONTROL_MAX_FDS	    (CONTROL_MAX_CLIENTS + 1u)

struct control_socket;

/* What the process of a guest is at. Only one that runs answers. */
enum control_phase {
	CONTROL_SET_UP, /* until its guest runs: memory is pinned, devices are bound */
	CONTROL_RUNNING,
	CONTROL_ENDING, /* devices are given back */
	NR_CONTROL_PHASES,
};
/* One word, as itsy list has it. */
const char *control_phase_word(enum control_phase phase);

struct control_socket_config {
	const char *dir, *name;		  /* the directory is made if it is missing */
	const struct control_verb *verbs; /* borrowed */
	size_t nr_verbs;
	void *ctx; /* of the verbs */
};

/*
 * Make and listen on the socket. 0; -EBUSY where a guest of this name runs (the failure
 * names its process); or another negative errno. The socket of a process that has died
 * is replaced.
 */
int control_socket_create(const struct control_socket_config *config,
			  struct control_socket **ret_control,
			  struct failure *ret_failure) _must_check_;
/*
 * Say what the process is at, where client_look() finds it; it begins with CONTROL_SET_UP. Any
 * process that has the socket. NULL is allowed.
 */
void control_socket_tell(struct control_socket *control, enum control_phase phase);
/* Remove the socket, and close all connections. NULL is allowed. */
void control_socket_destroy(struct control_socket *control);

/*
 * The same in a process that is not the one which made it: the connections end here, and the
 * socket stays for the other to remove. NULL is allowed.
 */
void control_socket_leave(struct control_socket *control);

/* What to poll for; returns how many of fds are set. NULL is allowed: none. */
size_t control_socket_fds(const struct control_socket *control, struct pollfd fds[CONTROL_MAX_FDS]);
/*
 * Take the same fds after poll(): answer one request of each client at most. nr is what
 * control_socket_fds() returned. NULL is allowed.
 */
void control_socket_serve(struct control_socket *control, const struct pollfd fds[], size_t nr);

#endif
