/* SPDX-License-Identifier: MIT */
/*
 * On which CPU a thread runs, and with which priority: sched(7).
 */
#ifndef VMM_BASE_PLACEMENT_H
#define VMM_BASE_PLACEMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/base/cleanup.h"

#define PLACEMENT_MAX_CPU 1023

struct placement {
	int cpu;    /* the one it may run on; -1: any */
	int fifo;   /* priority of SCHED_FIFO, 1..99; 0: an ordinary thread */
	bool asked; /* for in the configuration: warn if the host refuses */
};

/*
 * Apply it to the calling thread; name is the thread's in warnings. NULL changes
 * nothing. What the host refuses (a CPU that it does not have, SCHED_FIFO without
 * CAP_SYS_NICE) is skipped.
 */
void placement_apply(const struct placement *placement, const char *name);

/* May the calling thread run on this CPU? 0, or negative errno. Changes nothing. */
int placement_try_cpu(int cpu) _must_check_;

/*
 * A list of CPUs as the kernel writes them, "2-5,8": their numbers in this order,
 * and how many; -EINVAL, or -E2BIG where there are more than max.
 */
int placement_parse_cpus(const char *list, uint16_t cpus[], unsigned max) _must_check_;

#endif
