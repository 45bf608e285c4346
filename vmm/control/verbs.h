/* SPDX-License-Identifier: MIT */
/*
 * The table of verbs of the control socket, itsy-control(7): what can be asked of a
 * running guest, and done to it. The guest checks and answers requests by it, itsy ctl
 * makes requests by it and prints the replies.
 */
#ifndef VMM_CONTROL_VERBS_H
#define VMM_CONTROL_VERBS_H

#include "vmm/control/control_proto.h"
#include "vmm/control/running_guest.h"

/* ctx is a struct running_guest. itsy ctl takes the first verb where none is typed. */
extern const struct control_verb control_verbs[];
extern const size_t nr_control_verbs;

#endif
