// SPDX-License-Identifier: MIT
/*
 * The trapped part of the guest's physical address space.
 *
 * Real buses answer an access that nobody claims with an abort. Choice: reads
 * as zero, writes ignored, counted. Guests that probe get an answer either way,
 * and one that stumbles is not killed by it.
 */
#include "vmm/kvm/bus.h"

#include <assert.h>
#include <errno.h>

int bus_add(struct bus *bus, const struct bus_region *region)
{
	size_t i, at = bus->nr_regions;

	assert(region->read);
	assert(region->write);

	if (!region->size || region->base + (region->size - 1) < region->base)
		return -EINVAL;
	if (bus->nr_regions == BUS_MAX_REGIONS)
		return -ENOSPC;

	for (i = 0; i < bus->nr_regions; i++) {
		const struct bus_region *r = &bus->regions[i];

		if (region->base <= r->base + (r->size - 1) &&
		    r->base <= region->base + (region->size - 1))
			return -EEXIST;
		if (region->base < r->base && at == bus->nr_regions)
			at = i;
	}
	for (i = bus->nr_regions; i > at; i--)
		bus->regions[i] = bus->regions[i - 1];
	bus->regions[at] = *region;
	bus->nr_regions++;
	return 0;
}

/* The region that holds all of [gpa, gpa + len), or NULL. */
static const struct bus_region *find(const struct bus *bus, uint64_t gpa, unsigned len)
{
	size_t low = 0, high = bus->nr_regions;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct bus_region *r = &bus->regions[mid];

		if (gpa < r->base)
			high = mid;
		else if (gpa - r->base >= r->size)
			low = mid + 1;
		else
			return len <= r->size - (gpa - r->base) ? r : NULL;
	}
	return NULL;
}

uint64_t bus_read(struct bus *bus, uint64_t gpa, unsigned len)
{
	const struct bus_region *r = find(bus, gpa, len);

	if (!r) {
		atomic_fetch_add_explicit(&bus->unclaimed, 1, memory_order_relaxed);
		return 0;
	}
	return r->read(r->ctx, gpa - r->base, len);
}

void bus_write(struct bus *bus, uint64_t gpa, unsigned len, uint64_t value)
{
	const struct bus_region *r = find(bus, gpa, len);

	if (!r) {
		atomic_fetch_add_explicit(&bus->unclaimed, 1, memory_order_relaxed);
		return;
	}
	r->write(r->ctx, gpa - r->base, len, value);
}
