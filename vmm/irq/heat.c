// SPDX-License-Identifier: MIT
/*
 * How often a vector interrupts. No locks: a struct heat is its router thread's, but for
 * heat_forget(), which only leaves a mark.
 */
#include "vmm/irq/heat.h"

#include <assert.h>

#define NS_PER_MS UINT64_C(1000000)
#define MS_PER_S  UINT64_C(1000)

static void next_span(struct heat *heat, uint64_t now)
{
	uint64_t spans = (now - heat->begin_ns) / HEAT_HOT_NS;

	heat->nr_before = spans == 1 ? heat->nr : 0;
	heat->nr = 0;
	/* Whoever was silent for long begins anew; else spans follow one another. */
	heat->begin_ns = spans == 1 ? heat->begin_ns + HEAT_HOT_NS : now;
}

bool heat_took(struct heat *heat, const struct heat_limits *limits, uint64_t now)
{
	uint64_t covered;

	assert(limits->hot_rate);

	if (atomic_load_explicit(&heat->forget, memory_order_relaxed)) {
		atomic_store_explicit(&heat->forget, false, memory_order_relaxed);
		heat->nr = heat->nr_before = 0;
		heat->begin_ns = now;
	}
	if (now - heat->begin_ns >= HEAT_HOT_NS)
		next_span(heat, now);
	heat->nr++;
	covered = HEAT_HOT_NS - (now - heat->begin_ns);
	/* (nr + nr_before * covered / span) / span >= rate / s, without a division */
	return heat->nr * HEAT_HOT_NS + heat->nr_before * covered >=
	       limits->hot_rate * (HEAT_HOT_NS / NS_PER_MS) * (HEAT_HOT_NS / MS_PER_S);
}

void heat_forget(struct heat *heat)
{
	atomic_store_explicit(&heat->forget, true, memory_order_relaxed);
}

bool calm_looked(struct calm *calm, const struct heat_limits *limits, uint64_t count, uint64_t now)
{
	bool whole = calm->begin_ns && now - calm->begin_ns >= HEAT_QUIET_NS;
	uint64_t came = count > calm->count ? count - calm->count : 0;

	if (calm->begin_ns && !whole && came < limits->quiet_rate)
		return false; /* not known yet */
	if (whole && came < limits->quiet_rate)
		return true;
	*calm = (struct calm){ now, count };
	return false;
}
