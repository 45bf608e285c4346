/* SPDX-License-Identifier: MIT */
/*
 * Latencies that were taken one after the other, and what is said of them: lines
 * "KEY_count N", "KEY_min N", "KEY_p50 N", "KEY_p90 N", "KEY_p99 N", "KEY_max N",
 * in nanoseconds of CLOCK_MONOTONIC. No locks.
 */
#ifndef PEERS_SAMPLES_H
#define PEERS_SAMPLES_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "tests/guest/lib/samples.h"

static inline uint64_t samples_now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Sorts them. nr is at least 1. */
static inline void samples_print(const char *key, uint64_t *samples, size_t nr)
{
	samples_sort(samples, nr);
	(void)printf("%s_count %zu\n", key, nr);
	for (size_t i = 0; i < sizeof(samples_facts) / sizeof(samples_facts[0]); i++)
		if (samples_has(nr, samples_facts[i].percent))
			(void)printf("%s_%s %" PRIu64 "\n", key, samples_facts[i].name,
				     samples_at(samples, nr, samples_facts[i].percent));
}

#endif
