/* SPDX-License-Identifier: MIT */
/*
 * What can be asked of a running guest, and done to it, over its control socket:
 * the table of verbs, itsy-control(7).
 */
#ifndef VMM_CONTROL_VERBS_H
#define VMM_CONTROL_VERBS_H

#include "vmm/config/config.h"
#include "vmm/control/control_proto.h"
#include "vmm/dev/passthru.h"

struct machine;

/* The ctx of the verbs. They run while there is a machine, on the thread that owns it. */
struct running_guest {
	const struct config *config; /* all borrowed */
	struct passthru *functions;
	size_t nr_functions;
	struct machine *machine;
	unsigned boots;
	uint64_t since_ns; /* CLOCK_MONOTONIC, of the last boot */
};

extern const struct control_verb control_verbs[];
extern const size_t nr_control_verbs;

/* Vectors in one reply: "more" says that there are others ("skip" those that came). */
#define REPLY_VECTORS_MAX     512u
#define REPLY_DIFFERENCES_MAX 256u

/* Those of vmm/control/verb_its.c. */
json_t *verb_its(void *ctx, const struct control_request *request, char error[CONTROL_ERROR_MAX]);

#endif
