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
#include <stdlib.h>
#include <time.h>

static inline uint64_t samples_now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline int samples_compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Sorts them. nr is at least 1. */
static inline void samples_print(const char *key, uint64_t *samples, size_t nr)
{
	static const struct {
		const char *name;
		unsigned percent;
	} percentiles[] = {
		{ "min", 0 }, { "p50", 50 }, { "p90", 90 }, { "p99", 99 }, { "max", 100 }
	};

	qsort(samples, nr, sizeof(*samples), samples_compare);
	(void)printf("%s_count %zu\n", key, nr);
	for (size_t i = 0; i < sizeof(percentiles) / sizeof(percentiles[0]); i++)
		(void)printf("%s_%s %" PRIu64 "\n", key, percentiles[i].name,
			     samples[(nr - 1) * percentiles[i].percent / 100]);
}

#endif
