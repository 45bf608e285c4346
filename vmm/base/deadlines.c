// SPDX-License-Identifier: MIT
/*
 * Deadlines. No locks: a heap belongs to one thread.
 */
#include "vmm/base/deadlines.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

int deadlines_init(struct deadlines *d, size_t max)
{
	*d = (struct deadlines){ .max = max };
	d->heap = calloc(max ? max : 1, sizeof(*d->heap));
	d->place = calloc(max ? max : 1, sizeof(*d->place));
	return d->heap && d->place ? 0 : -ENOMEM;
}

void deadlines_fini(struct deadlines *d)
{
	free(d->heap);
	free(d->place);
	*d = (struct deadlines){ 0 };
}

static void put(struct deadlines *d, size_t at, struct deadline what)
{
	d->heap[at] = what;
	d->place[what.index] = (uint32_t)at + 1;
}

static void rise(struct deadlines *d, size_t at)
{
	const struct deadline what = d->heap[at];

	while (at && what.at < d->heap[(at - 1) / 2].at) {
		put(d, at, d->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	put(d, at, what);
}

static void sink(struct deadlines *d, size_t at)
{
	const struct deadline what = d->heap[at];

	for (size_t child = 2 * at + 1; child < d->nr; child = 2 * at + 1) {
		if (child + 1 < d->nr && d->heap[child + 1].at < d->heap[child].at)
			child++;
		if (d->heap[child].at >= what.at)
			break;
		put(d, at, d->heap[child]);
		at = child;
	}
	put(d, at, what);
}

void deadlines_add(struct deadlines *d, size_t index, uint64_t at)
{
	assert(index < d->max);
	assert(!d->place[index]);

	put(d, d->nr, (struct deadline){ at, (uint32_t)index });
	d->nr++;
	rise(d, d->nr - 1);
}

void deadlines_remove(struct deadlines *d, size_t index)
{
	size_t at;

	assert(index < d->max);

	if (!d->place[index])
		return;
	at = d->place[index] - 1;
	d->place[index] = 0;
	d->nr--;
	if (at == d->nr)
		return;
	put(d, at, d->heap[d->nr]);
	rise(d, at);
	sink(d, at);
}

bool deadlines_first(const struct deadlines *d, uint64_t *ret_at, size_t *ret_index)
{
	if (!d->nr)
		return false;
	*ret_at = d->heap[0].at;
	*ret_index = d->heap[0].index;
	return true;
}
