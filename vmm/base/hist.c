// SPDX-License-Identifier: MIT
/*
 * Histograms of times.
 *
 * Bucket numbers are a floating-point format without a sign: the exponent, then
 * the HIST_SUB_BITS bits behind the leading one. Exponent 0 holds the values
 * below HIST_SUB, without a leading one.
 *
 * No locks: the counters are atomic so that others may read them, but relaxed,
 * and added to with a load and a store, since one thread at a time records.
 */
#include "vmm/base/hist.h"

#include <assert.h>

#define LAST (HIST_BUCKETS - 1u)

static size_t bucket_of(uint64_t value)
{
	unsigned exponent;

	if (value < HIST_SUB)
		return (size_t)value;
	exponent = 63u - (unsigned)__builtin_clzll(value) - HIST_SUB_BITS;
	if (exponent + HIST_SUB_BITS >= HIST_MAX_BITS)
		return LAST;
	return (size_t)(exponent + 1) * HIST_SUB + (size_t)((value >> exponent) - HIST_SUB);
}

static uint64_t low_of(size_t bucket)
{
	size_t exponent = bucket / HIST_SUB;
	uint64_t sub = bucket % HIST_SUB;

	return exponent ? (HIST_SUB + sub) << (exponent - 1) : sub;
}

static uint64_t high_of(size_t bucket)
{
	return bucket == LAST ? UINT64_MAX : low_of(bucket + 1) - 1;
}

static uint64_t get(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static void set(_Atomic uint64_t *counter, uint64_t value)
{
	atomic_store_explicit(counter, value, memory_order_relaxed);
}

static void add(_Atomic uint64_t *counter, uint64_t value)
{
	set(counter, get(counter) + value);
}

void hist_init(struct hist *h)
{
	set(&h->count, 0);
	set(&h->sum, 0);
	set(&h->min, UINT64_MAX);
	set(&h->max, 0);
	for (size_t i = 0; i < HIST_BUCKETS; i++)
		set(&h->buckets[i], 0);
}

void hist_record(struct hist *h, uint64_t value)
{
	add(&h->buckets[bucket_of(value)], 1);
	add(&h->count, 1);
	add(&h->sum, value);
	if (value < get(&h->min))
		set(&h->min, value);
	if (value > get(&h->max))
		set(&h->max, value);
}

uint64_t hist_count(const struct hist *h)
{
	return get(&h->count);
}

uint64_t hist_min(const struct hist *h)
{
	return get(&h->count) ? get(&h->min) : 0;
}

uint64_t hist_max(const struct hist *h)
{
	return get(&h->max);
}

double hist_mean(const struct hist *h)
{
	uint64_t count = get(&h->count);

	return count ? (double)get(&h->sum) / (double)count : 0;
}

/* Nearest rank, from 1: how many values have to be passed. */
static uint64_t rank_of(uint64_t count, double percent)
{
	double exact = (double)count * percent / 100;
	uint64_t rank = (uint64_t)exact;

	/* Round up, but not for the error of a percentage like 99.9, which binary cannot hold. */
	if (exact - (double)rank > 1e-12 * exact)
		rank++;
	if (rank < 1)
		return 1;
	return rank > count ? count : rank;
}

uint64_t hist_percentile(const struct hist *h, double percent)
{
	uint64_t rank = rank_of(get(&h->count), percent), passed = 0, high;

	assert(percent >= 0);
	assert(percent <= 100);

	if (percent <= 0)
		return hist_min(h);
	for (size_t i = 0; i < HIST_BUCKETS; i++) {
		passed += get(&h->buckets[i]);
		if (passed < rank || !passed)
			continue;
		high = high_of(i);
		return high < get(&h->max) ? high : get(&h->max);
	}
	return hist_max(h);
}

/* The nearest rank is not the last one: count * (1 - percent / 100) is 1 or more. */
bool hist_has_percentile(const struct hist *h, double percent)
{
	uint64_t count = get(&h->count);

	assert(percent > 0);
	assert(percent <= 100);

	return count && rank_of(count, percent) < count;
}

bool hist_next(const struct hist *h, size_t *at, struct hist_bucket *ret_bucket)
{
	for (; *at < HIST_BUCKETS; (*at)++) {
		uint64_t count = get(&h->buckets[*at]);

		if (!count)
			continue;
		*ret_bucket = (struct hist_bucket){ low_of(*at), high_of(*at), count };
		(*at)++;
		return true;
	}
	return false;
}
