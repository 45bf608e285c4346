/* SPDX-License-Identifier: MIT */
/*
 * Histograms of times: log-linear, as HdrHistogram's. Each power of two is cut
 * into HIST_SUB equal buckets, so a value is known to 1 part in HIST_SUB at any
 * magnitude, in a fixed amount of memory; values below 2 * HIST_SUB are exact.
 *
 * One thread at a time records; any other may read meanwhile, and sees numbers
 * that are at most a few records apart from each other.
 */
#ifndef VMM_BASE_HIST_H
#define VMM_BASE_HIST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HIST_SUB_BITS 6u
#define HIST_SUB      (1u << HIST_SUB_BITS)
/* 2^40 ns are 18 minutes; what is beyond goes into a last bucket without an end. */
#define HIST_MAX_BITS 40u
#define HIST_BUCKETS  ((HIST_MAX_BITS - HIST_SUB_BITS + 1u) * HIST_SUB + 1u)

/* 18 KiB. hist_init() before use: min does not begin at zero. */
struct hist {
	_Atomic uint64_t count, sum, min, max;
	_Atomic uint64_t buckets[HIST_BUCKETS];
};

void hist_init(struct hist *h);
/* No allocation, no lock, no system call. */
void hist_record(struct hist *h, uint64_t value);

/* All of these are 0 while nothing was recorded. All of them are exact. */
uint64_t hist_count(const struct hist *h);
uint64_t hist_min(const struct hist *h);
uint64_t hist_max(const struct hist *h);
double hist_mean(const struct hist *h);

/*
 * The smallest value that at least `percent` (0 to 100) of the values do not
 * exceed, by nearest rank: exact, or too large by less than 1 part in HIST_SUB;
 * never beyond hist_max(). Of 0 percent: hist_min().
 */
uint64_t hist_percentile(const struct hist *h, double percent);

/*
 * Are there values enough for this percentile (above 0 to 100) to say something? pN
 * wants 100 / (100 - N) of them: 2 for p50, 10 for p90, 100 for p99, 10,000 for p99.99.
 * Of fewer it is their maximum under another name. Whoever shows percentiles leaves
 * out those that this refuses. Never of 100 percent, which is the maximum.
 */
bool hist_has_percentile(const struct hist *h, double percent);

/* The values from `low` to `high`, both included. */
struct hist_bucket {
	uint64_t low, high;
	uint64_t count;
};

/*
 * The next bucket that holds values, ascending. *at begins at 0 and is the
 * caller's; false, and nothing in ret_bucket, after the last one.
 */
bool hist_next(const struct hist *h, size_t *at, struct hist_bucket *ret_bucket);

#endif
