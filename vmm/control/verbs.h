/* SPDX-License-Identifier: MIT */
/*
 * What can be asked of a running guest, and done to it, over its control socket: the
 * table of verbs, itsy-control(7). The guest answers by it, itsy ctl asks by it.
 */
#ifndef VMM_CONTROL_VERBS_H
#define VMM_CONTROL_VERBS_H

#include "vmm/control/control_proto.h"
#include "vmm/control/running_guest.h"

/*
 * Their ctx is a struct running_guest. The first one is what itsy ctl asks where no
 * verb is typed.
 */
extern const struct control_verb control_verbs[];
extern const size_t nr_control_verbs;

#endif
