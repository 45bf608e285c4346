/* SPDX-License-Identifier: MIT */
/*
 * The control socket of a running guest: DIR/NAME.sock, unix(7), a stream, for its
 * owner alone. It is served from the poll loop of the thread that owns it.
 *
 * Nobody who connects can hold that thread up: nothing waits, a client has one
 * request at a time, and gets the next line read when it has read its answer.
 */
#ifndef VMM_CONTROL_CONTROL_SOCKET_H
#define VMM_CONTROL_CONTROL_SOCKET_H

#include <poll.h>

#include "vmm/base/report.h"
#include "vmm/control/control_proto.h"

#define CONTROL_DIR	    "/run/itsy"
#define CONTROL_MAX_CLIENTS 8u
#define CONTROL_MAX_FDS	    (CONTROL_MAX_CLIENTS + 1u)

struct control_socket;

struct control_socket_config {
	const char *dir, *name;		  /* the directory is made if it is missing */
	const struct control_verb *verbs; /* borrowed */
	size_t nr_verbs;
	void *ctx; /* theirs */
};

/*
 * 0, or a fault: -EBUSY where a guest of this name runs, whose process it names.
 * What a dead one left is replaced.
 */
int control_socket_create(const struct control_socket_config *config,
			  struct control_socket **ret_control,
			  struct failure *ret_failure) _must_check_;
/* The socket is gone, and all who were connected are let go. NULL is allowed. */
void control_socket_destroy(struct control_socket *control);

/* What to poll for; of NULL nothing. */
size_t control_socket_fds(const struct control_socket *control, struct pollfd fds[CONTROL_MAX_FDS]);
/* The same fds, with what poll() found. Runs one request of each client at most. */
void control_socket_serve(struct control_socket *control, const struct pollfd fds[], size_t nr);

#endif
