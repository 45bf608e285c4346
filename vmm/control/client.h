/* SPDX-License-Identifier: MIT */
/*
 * The client's end of the control socket: how itsy ctl and itsy top ask a running guest.
 */
#ifndef VMM_CONTROL_CLIENT_H
#define VMM_CONTROL_CLIENT_H

#include <jansson.h>

#include "vmm/base/report.h"
#include "vmm/config/config.h"
#include "vmm/control/control_socket.h"

/* How long a guest may take to answer, in seconds. */
#define CLIENT_PATIENCE_S 10
#define CLIENT_MAX_GUESTS 256u

struct client_names {
	char list[CLIENT_MAX_GUESTS][CONFIG_NAME_MAX + 1]; /* sorted */
	size_t nr;
};

/*
 * The guests that run: those whose socket in dir some process serves. 0, or negative
 * errno. A directory that does not exist has none.
 */
int client_list(const char *dir, struct client_names *ret_names) _must_check_;

/* Does no guest of this name run, of any user? 0; or -EBUSY, and what is to be done about it. */
int client_name_is_free(const char *dir, const char *name,
			struct failure *ret_failure) _must_check_;

/* Connect to a guest; *ret_fd is the caller's to close. No guest of that name: ITSY_USAGE. */
int client_open(const char *dir, const char *name, int *ret_fd,
		struct failure *ret_failure) _must_check_;

/* The same, and no answer of it is waited for longer than seconds. */
int client_open_for(const char *dir, const char *name, unsigned seconds, int *ret_fd,
		    struct failure *ret_failure) _must_check_;

/*
 * What the process of a guest says that it is at, without asking it; CONTROL_RUNNING where it says
 * nothing. *ret_pid is of itsy run. 0, or negative errno, -EACCES for another user's.
 */
int client_look(const char *dir, const char *name, enum control_phase *ret_phase,
		int *ret_pid) _must_check_;

/*
 * The process of the guest's itsy run, which ends when all is given back: *ret_process is a pidfd,
 * the caller's to close, that can be read when it has ended (pidfd_open(2)). 0, or -EIO.
 */
int client_process(int fd, const char *name, int *ret_process,
		   struct failure *ret_failure) _must_check_;

/*
 * Send a request and wait for the reply. The request is taken, also on failure; the
 * member "itsy" is added to it. *ret_reply is the caller's. 0; -EINVAL with ITSY_USAGE
 * where the guest refuses; -ECONNRESET where it has ended; else negative errno with
 * ITSY_RUNTIME.
 */
int client_ask(int fd, const char *name, json_t *request, json_t **ret_reply,
	       struct failure *ret_failure) _must_check_;

/* The same, with files that go along, one or more; they stay the caller's. */
int client_ask_with(int fd, const char *name, json_t *request, const int files[], size_t nr,
		    json_t **ret_reply, struct failure *ret_failure) _must_check_;

/*
 * The same for a list that comes in parts: asks until it has all of them. *ret_reply is
 * the last reply, with the whole list in its member `list`.
 */
int client_ask_all(int fd, const char *name, json_t *request, const char *list, json_t **ret_reply,
		   struct failure *ret_failure) _must_check_;

#endif
