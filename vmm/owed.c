// SPDX-License-Identifier: MIT
/*
 * Owed mappings.
 *
 * No locks: the seal's lock guards the list (vmm/seal.c), but for the two
 * counts, which anybody may read.
 */
#include "vmm/owed.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

int owed_init(struct owed_list *list, const uint32_t nr_events[], size_t nr_functions)
{
	assert(nr_functions <= VITS_MAX_FUNCTIONS);

	*list = (struct owed_list){ .cap = 0 };
	for (size_t i = 0; i < nr_functions; i++) {
		list->first[i] = (uint32_t)list->cap;
		list->cap += nr_events[i];
		list->first[i + 1] = (uint32_t)list->cap;
	}
	list->at = calloc(list->cap ? list->cap : 1, sizeof(*list->at));
	list->place_of = calloc(list->cap ? list->cap : 1, sizeof(*list->place_of));
	return list->at && list->place_of ? 0 : -ENOMEM;
}

void owed_fini(struct owed_list *list)
{
	free(list->place_of);
	free(list->at);
	*list = (struct owed_list){ .cap = 0 };
}

static uint32_t *place_of(struct owed_list *list, uint32_t devid, uint32_t eventid)
{
	assert(devid < VITS_MAX_FUNCTIONS);
	assert(eventid < list->first[devid + 1] - list->first[devid]);

	return &list->place_of[list->first[devid] + eventid];
}

struct owed *owed_find(struct owed_list *list, uint32_t devid, uint32_t eventid)
{
	uint32_t place = *place_of(list, devid, eventid);

	return place ? &list->at[place - 1] : NULL;
}

void owed_add(struct owed_list *list, const struct owed *owed)
{
	/* A live event is mapped at most once, and there is room for each. */
	assert(list->nr < list->cap);
	assert(!owed_find(list, owed->devid, owed->eventid));

	list->at[list->nr++] = *owed;
	list->nr_waiting += owed->pending;
	list->changed = true;
	*place_of(list, owed->devid, owed->eventid) = (uint32_t)list->nr;
}

void owed_drop(struct owed_list *list, struct owed *owed)
{
	const struct owed *last = &list->at[list->nr - 1];

	assert(owed <= last);

	owed_set_pending(list, owed, false);
	*place_of(list, last->devid, last->eventid) = (uint32_t)(owed - list->at) + 1;
	*place_of(list, owed->devid, owed->eventid) = 0;
	*owed = *last;
	list->nr--;
	list->changed = true;
}

void owed_set_pending(struct owed_list *list, struct owed *owed, bool pending)
{
	if (pending && !owed->pending)
		list->nr_waiting++;
	if (!pending && owed->pending)
		list->nr_waiting--;
	owed->pending = pending;
}
