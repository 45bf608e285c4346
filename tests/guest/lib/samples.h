/* SPDX-License-Identifier: MIT */
/*
 * What is said of a series of measured values: how many, the least, percentiles,
 * the most. For payloads and for programs of the host, so that both say the same.
 */
#ifndef GUEST_LIB_SAMPLES_H
#define GUEST_LIB_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

/* Ascending, in place: Shell's. */
static inline void samples_sort(uint64_t *samples, size_t nr)
{
	for (size_t gap = nr / 2; gap; gap /= 2) {
		for (size_t i = gap; i < nr; i++) {
			uint64_t value = samples[i];
			size_t at = i;

			for (; at >= gap && samples[at - gap] > value; at -= gap)
				samples[at] = samples[at - gap];
			samples[at] = value;
		}
	}
}

/* The ends of facts' names. */
static const struct samples_fact {
	const char *name;
	unsigned percent;
} samples_facts[] = {
	{ "min", 0 }, { "p50", 50 }, { "p90", 90 }, { "p99", 99 }, { "max", 100 },
};

/*
 * Is that percentile of nr values another thing than the greatest of them? It is left
 * unsaid where not; the least and the greatest themselves always are said.
 */
static inline int samples_has(size_t nr, unsigned percent)
{
	return percent == 0 || percent == 100 || nr * (100 - percent) >= 100;
}

/* Of nr sorted values, 1 or more: the one that so many percent of the others are not above. */
static inline uint64_t samples_at(const uint64_t *sorted, size_t nr, unsigned percent)
{
	return sorted[(nr - 1) * percent / 100];
}

#endif
