/* SPDX-License-Identifier: MIT */
/*
 * Mappings that are deferred: it asked for them before its LPI tables were
 * there (vmm/its/kernel_its.h). A set by event, with a list to go through. No locks: its
 * owner's guard it.
 */
#ifndef VMM_ITS_DEFERRED_H
#define VMM_ITS_DEFERRED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/base/cleanup.h"

struct deferred {
	uint32_t devid; /* as kernel_its.c has it: the function's index */
	uint32_t eventid, intid, vcpu;
	bool pending; /* signalled meanwhile: raised once it is mapped */
};

struct deferred_set {
	struct deferred *list; /* [cap], the first nr are deferred */
	uint32_t *at; /* [cap], of each event: 1 + its place in the list; 0: it is not deferred */
	uint32_t *first; /* [nr_devices + 1], where a device's events begin in at */
	size_t nr_devices, cap;
	size_t nr;
	size_t nr_pending; /* of them */
	bool changed;	   /* since its owner cleared it: one came or went */
};

/* DeviceIDs 0..nr_devices-1 with so many events each. 0, or -ENOMEM. */
int deferred_init(struct deferred_set *set, const uint32_t nr_events[],
		  size_t nr_devices) _must_check_;
/* All zeroes are allowed. */
void deferred_fini(struct deferred_set *set);

/* NULL: it is not deferred. */
struct deferred *deferred_find(struct deferred_set *set, uint32_t devid, uint32_t eventid);
/* The event must not be deferred yet. */
void deferred_add(struct deferred_set *set, const struct deferred *deferred);
/* One that was found. The last of the list takes its place there. */
void deferred_drop(struct deferred_set *set, struct deferred *deferred);
void deferred_set_pending(struct deferred_set *set, struct deferred *deferred, bool pending);

#endif
