// SPDX-License-Identifier: MIT
/*
 * Which LPIs the kernel ITS maps: a list of them, and the place of each
 * by its INTID. A place counts if the list says so there; so none has to be
 * cleared.
 *
 * No locks: the kernel ITS's lock guards it (vmm/its/kernel_its.c).
 */
#include "vmm/its/lpimap.h"

#include <assert.h>
#include <stddef.h>

_Static_assert(VITS_MAX_LPIS <= UINT16_MAX, "places are too narrow");
_Static_assert(VITS_MAX_VCPUS <= UINT16_MAX, "vCPUs are too narrow");

static uint16_t number_of(uint32_t intid)
{
	assert(intid >= VITS_LPI_BASE);
	assert(intid - VITS_LPI_BASE < VITS_MAX_LPIS);

	return (uint16_t)(intid - VITS_LPI_BASE);
}

struct lpimap_entry *lpimap_find(struct lpimap *map, uint32_t intid)
{
	uint16_t n = number_of(intid);
	uint16_t place = map->place[n];

	return place < map->nr && map->list[place].n == n ? &map->list[place] : NULL;
}

struct lpimap_entry *lpimap_set(struct lpimap *map, uint32_t intid, uint32_t devid,
				uint32_t eventid)
{
	struct lpimap_entry *entry = lpimap_find(map, intid);
	uint16_t n = number_of(intid);

	assert(devid <= UINT16_MAX);
	assert(eventid <= UINT16_MAX);

	if (!entry) {
		map->place[n] = (uint16_t)map->nr;
		entry = &map->list[map->nr++];
		entry->n = n;
	}
	entry->devid = (uint16_t)devid;
	entry->eventid = (uint16_t)eventid;
	return entry;
}

void lpimap_drop(struct lpimap *map, uint32_t intid)
{
	struct lpimap_entry *entry = lpimap_find(map, intid);

	if (!entry)
		return;
	*entry = map->list[--map->nr];
	map->place[entry->n] = (uint16_t)(entry - map->list);
}

uint32_t lpimap_intid(const struct lpimap *map, uint32_t place)
{
	assert(place < map->nr);

	return VITS_LPI_BASE + map->list[place].n;
}
