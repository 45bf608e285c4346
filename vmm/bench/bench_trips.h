/* SPDX-License-Identifier: MIT */
/*
 * The host's end of struct bench_trips (vmm/bench/bench_page.h). The guest may write
 * there what it likes: what comes of it is a wrong figure or an error, no more.
 */
#ifndef VMM_BENCH_BENCH_TRIPS_H
#define VMM_BENCH_BENCH_TRIPS_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/base/cleanup.h"
#include "vmm/bench/bench_page.h"

/* One thread's. */
struct bench_orders {
	struct bench_trips *trips; /* borrowed */
	uint32_t order;		   /* the last one; 0: none yet */
	uint64_t taken;		   /* out of the ring */
};

/* Have the guest make so many, with so much time between them; 0: have it stop. */
void bench_trips_order(struct bench_orders *o, uint64_t wanted, uint32_t gap_us);
/* Does it follow the last order? To one that stops it: it is between two round trips. */
bool bench_trips_obeyed(const struct bench_orders *o);
/*
 * Take the next one out of the ring. 1: what it took, in ticks of the counter, or
 * BENCH_LOST; 0: there is none yet; -EPROTO: the guest says that there are more
 * than there is room for.
 */
int bench_trips_take(struct bench_orders *o, uint64_t *ret_ticks) _must_check_;

#endif
