/* SPDX-License-Identifier: MIT */
/*
 * The other end of the control socket: commands that ask a running guest.
 */
#ifndef VMM_CONTROL_CLIENT_H
#define VMM_CONTROL_CLIENT_H

#include <jansson.h>

#include "vmm/base/report.h"
#include "vmm/config/config.h"

/* How long a guest may take to answer. */
#define CLIENT_PATIENCE_S 10
#define CLIENT_MAX_GUESTS 256u

struct client_names {
	char list[CLIENT_MAX_GUESTS][CONFIG_NAME_MAX + 1]; /* sorted */
	size_t nr;
};

/* Those whose socket in dir somebody serves. 0 also where there is no such directory. */
int client_list(const char *dir, struct client_names *ret_names) _must_check_;

/* Connect to a guest: *ret_fd is to be closed. A name that none has is ITSY_USAGE. */
int client_open(const char *dir, const char *name, int *ret_fd,
		struct failure *ret_failure) _must_check_;

/*
 * Send a request (without "itsy", which is added; it is gone afterwards) and wait
 * for the reply, which is the caller's. What the guest refuses is ITSY_USAGE,
 * -ECONNRESET says that it is over; other trouble is ITSY_RUNTIME.
 */
int client_ask(int fd, const char *name, json_t *request, json_t **ret_reply,
	       struct failure *ret_failure) _must_check_;

/* The same for a list that comes in parts: the last reply, with all of list in it. */
int client_ask_all(int fd, const char *name, json_t *request, const char *list, json_t **ret_reply,
		   struct failure *ret_failure) _must_check_;

#endif
