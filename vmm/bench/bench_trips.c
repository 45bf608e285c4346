// SPDX-License-Identifier: MIT
/*
 * The host's end of struct bench_trips: acquire and release, no locks. The
 * indexes are kept here; the shared ones are only told, or checked.
 */
#include "vmm/bench/bench_trips.h"

#include <errno.h>

void bench_trips_order(struct bench_orders *o, uint64_t wanted, uint32_t gap_us)
{
	o->trips->wanted = wanted;
	o->trips->gap_us = gap_us;
	__atomic_store_n(&o->trips->order, ++o->order, __ATOMIC_RELEASE);
}

bool bench_trips_obeyed(const struct bench_orders *o)
{
	return __atomic_load_n(&o->trips->obeyed, __ATOMIC_ACQUIRE) == o->order;
}

int bench_trips_take(struct bench_orders *o, uint64_t *ret_ticks)
{
	uint64_t made = __atomic_load_n(&o->trips->made, __ATOMIC_ACQUIRE);

	/* Also where made went back: the difference is huge then. */
	if (made - o->taken > BENCH_TRIPS)
		return -EPROTO;
	if (made == o->taken)
		return 0;
	*ret_ticks = __atomic_load_n(&o->trips->ticks[o->taken % BENCH_TRIPS], __ATOMIC_RELAXED);
	__atomic_store_n(&o->trips->taken, ++o->taken, __ATOMIC_RELEASE);
	return 1;
}
