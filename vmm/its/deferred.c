// SPDX-License-Identifier: MIT
/*
 * Mappings that are deferred. No locks.
 */
#include "vmm/its/deferred.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

int deferred_init(struct deferred_set *set, const uint32_t nr_events[], size_t nr_devices)
{
	*set = (struct deferred_set){ .nr_devices = nr_devices };
	set->first = calloc(nr_devices + 1, sizeof(*set->first));
	if (!set->first)
		return -ENOMEM;
	for (size_t i = 0; i < nr_devices; i++) {
		set->first[i] = (uint32_t)set->cap;
		set->cap += nr_events[i];
	}
	set->first[nr_devices] = (uint32_t)set->cap;
	set->list = calloc(set->cap ? set->cap : 1, sizeof(*set->list));
	set->at = calloc(set->cap ? set->cap : 1, sizeof(*set->at));
	return set->list && set->at ? 0 : -ENOMEM;
}

void deferred_fini(struct deferred_set *set)
{
	free(set->list);
	free(set->at);
	free(set->first);
	*set = (struct deferred_set){ 0 };
}

static uint32_t *place_of(struct deferred_set *set, uint32_t devid, uint32_t eventid)
{
	assert(devid < set->nr_devices);
	assert(eventid < set->first[devid + 1] - set->first[devid]);

	return &set->at[set->first[devid] + eventid];
}

struct deferred *deferred_find(struct deferred_set *set, uint32_t devid, uint32_t eventid)
{
	uint32_t place = *place_of(set, devid, eventid);

	return place ? &set->list[place - 1] : NULL;
}

void deferred_set_pending(struct deferred_set *set, struct deferred *o, bool pending)
{
	if (pending && !o->pending)
		set->nr_pending++;
	if (!pending && o->pending)
		set->nr_pending--;
	o->pending = pending;
}

void deferred_add(struct deferred_set *set, const struct deferred *o)
{
	assert(!*place_of(set, o->devid, o->eventid));
	assert(set->nr < set->cap);

	set->list[set->nr++] = *o;
	*place_of(set, o->devid, o->eventid) = (uint32_t)set->nr;
	if (o->pending)
		set->nr_pending++;
	set->changed = true;
}

void deferred_drop(struct deferred_set *set, struct deferred *o)
{
	const struct deferred *last = &set->list[set->nr - 1];

	assert(o <= last);

	deferred_set_pending(set, o, false);
	*place_of(set, last->devid, last->eventid) = (uint32_t)(o - set->list) + 1;
	*place_of(set, o->devid, o->eventid) = 0;
	*o = *last;
	set->nr--;
	set->changed = true;
}
