/* SPDX-License-Identifier: MIT */
/*
 * What a guest does wrong, told while it runs: how often since it was told last, and in all. A
 * guest that makes mistakes without end is told of every MISTAKES_NS, and no more.
 */
#ifndef VMM_CONTROL_MISTAKES_H
#define VMM_CONTROL_MISTAKES_H

#include <stdint.h>

#include "vmm/machine/machine.h"

#define MISTAKES_NS  UINT64_C(5000000000)
#define MISTAKES_MAX 32u /* counters of a machine, at most */

/* Zeroed for each machine. */
struct mistakes {
	uint64_t told[MISTAKES_MAX];
	uint64_t skipped, stalled; /* ITS commands; likewise told */
	uint64_t next_ns;
};

/*
 * Look if it is time to. Returns the milliseconds until the next look, -1 where nobody would see
 * what is told. The thread that owns the machine.
 */
int mistakes_service(struct mistakes *m, struct machine *machine, uint64_t now_ns);
/* Tell what is new in these. */
void mistakes_tell(struct mistakes *m, const struct machine_stats *stats);

#endif
