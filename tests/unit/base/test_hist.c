// SPDX-License-Identifier: MIT
/*
 * Histograms against sorted arrays of the values themselves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "vitsmod/bits.h"
#include "vmm/base/hist.h"

#define NR 20000u

static const double percents[] = { 0, 0.01, 1, 10, 25, 50, 75, 90, 99, 99.9, 99.99, 99.999, 100 };

static uint64_t next_random(uint64_t *state)
{
	/* Marsaglia's xorshift64: the same values on each machine */
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static struct hist *new_hist(void)
{
	struct hist *h = malloc(sizeof(*h));

	assert_non_null(h);
	hist_init(h);
	return h;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* The value of that rank; the first whose rank times 100000 reaches percent of all. */
static uint64_t exact_percentile(const uint64_t *sorted, size_t nr, double percent)
{
	uint64_t thousandths = (uint64_t)(percent * 1000 + 0.5);
	size_t rank = (size_t)((nr * thousandths + 99999) / 100000);

	return sorted[rank ? rank - 1 : 0];
}

static void compare(const struct hist *h, uint64_t *values, size_t nr)
{
	uint64_t sum = 0;

	qsort(values, nr, sizeof(*values), by_value);
	for (size_t i = 0; i < nr; i++)
		sum += values[i];
	assert_int_equal(hist_count(h), nr);
	assert_int_equal(hist_min(h), values[0]);
	assert_int_equal(hist_max(h), values[nr - 1]);
	assert_true(hist_mean(h) == (double)sum / (double)nr);
	for (size_t i = 0; i < ARRAY_SIZE(percents); i++) {
		uint64_t exact = exact_percentile(values, nr, percents[i]);
		uint64_t got = hist_percentile(h, percents[i]);

		assert_true(got >= exact);
		assert_true(got - exact <= exact / HIST_SUB);
		assert_true(got <= hist_max(h));
	}
}

static void test_percentiles_are_those_of_the_sorted_values(void **state)
{
	static uint64_t values[NR];
	uint64_t seed = 88172645463325252u;

	(void)state;
	/* From all magnitudes alike, from a few, and from one. */
	for (unsigned bits = 1; bits <= HIST_MAX_BITS; bits += 3) {
		struct hist *h = new_hist();

		for (size_t i = 0; i < NR; i++) {
			unsigned use = bits < 20 ? bits : 1 + (unsigned)(next_random(&seed) % bits);

			values[i] = next_random(&seed) & (BIT64(use) - 1);
			hist_record(h, values[i]);
		}
		compare(h, values, NR);
		free(h);
	}
}

static void test_few_values_have_percentiles_too(void **state)
{
	static const size_t numbers[] = { 1, 2, 3, 7, 10, 100, 101, 1000 };
	uint64_t values[1000];

	(void)state;
	for (size_t n = 0; n < ARRAY_SIZE(numbers); n++) {
		struct hist *h = new_hist();

		for (size_t i = 0; i < numbers[n]; i++) {
			values[i] = 3 * i + 1;
			hist_record(h, values[i]);
		}
		compare(h, values, numbers[n]);
		free(h);
	}
}

static void test_a_percentile_needs_as_many_values_as_keep_it_from_being_the_maximum(void **state)
{
	static const struct {
		double percent;
		size_t needs;
	} cases[] = {
		{ 1, 2 },    { 50, 2 },	     { 75, 4 },	       { 90, 10 },
		{ 99, 100 }, { 99.9, 1000 }, { 99.99, 10000 }, { 99.999, 100000 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct hist *h = new_hist();

		assert_false(hist_has_percentile(h, cases[i].percent));
		for (size_t n = 1; n < cases[i].needs; n++) {
			hist_record(h, n % HIST_SUB);
			assert_false(hist_has_percentile(h, cases[i].percent));
		}
		for (size_t n = 0; n < 100; n++) {
			hist_record(h, n % HIST_SUB);
			assert_true(hist_has_percentile(h, cases[i].percent));
		}
		assert_false(hist_has_percentile(h, 100));
		free(h);
	}
}

static void test_nothing_recorded_is_zero_everywhere(void **state)
{
	struct hist *h = new_hist();
	struct hist_bucket bucket;
	size_t at = 0;

	(void)state;
	assert_int_equal(hist_count(h), 0);
	assert_int_equal(hist_min(h), 0);
	assert_int_equal(hist_max(h), 0);
	assert_true(hist_mean(h) == 0);
	assert_int_equal(hist_percentile(h, 0), 0);
	assert_int_equal(hist_percentile(h, 50), 0);
	assert_int_equal(hist_percentile(h, 100), 0);
	assert_false(hist_next(h, &at, &bucket));
	free(h);
}

static void test_small_values_are_exact(void **state)
{
	(void)state;
	for (uint64_t v = 0; v < 2 * HIST_SUB; v++) {
		struct hist *h = new_hist();
		struct hist_bucket bucket;
		size_t at = 0;

		hist_record(h, v);
		assert_true(hist_next(h, &at, &bucket));
		assert_int_equal(bucket.low, v);
		assert_int_equal(bucket.high, v);
		assert_int_equal(hist_percentile(h, 50), v);
		free(h);
	}
}

/* One value in each bucket, at its edges: none is missed, none overlaps. */
static void test_buckets_join_without_gap_or_overlap(void **state)
{
	struct hist *h = new_hist();
	struct hist_bucket bucket;
	uint64_t expected = 0;
	size_t at = 0, nr = 0;

	(void)state;
	for (size_t i = 0; i < HIST_BUCKETS; i++)
		atomic_store(&h->buckets[i], 1);
	while (hist_next(h, &at, &bucket)) {
		assert_int_equal(bucket.low, expected);
		assert_true(bucket.high >= bucket.low);
		assert_int_equal(bucket.count, 1);
		if (nr < HIST_BUCKETS - 1) {
			assert_true(bucket.high - bucket.low <= bucket.low / HIST_SUB);
			expected = bucket.high + 1;
		}
		nr++;
	}
	assert_int_equal(nr, HIST_BUCKETS);
	assert_int_equal(expected, BIT64(HIST_MAX_BITS));
	assert_true(bucket.high == UINT64_MAX);
	free(h);
}

static void test_a_value_is_in_the_bucket_that_says_so(void **state)
{
	uint64_t seed = 7;

	(void)state;
	for (unsigned i = 0; i < 2000; i++) {
		uint64_t v = next_random(&seed) >> i % 64;
		struct hist *h = new_hist();
		struct hist_bucket bucket = { 0 };
		size_t at = 0;

		hist_record(h, v);
		assert_true(hist_next(h, &at, &bucket));
		assert_true(bucket.low <= v);
		assert_true(v <= bucket.high);
		assert_int_equal(bucket.count, 1);
		assert_false(hist_next(h, &at, &bucket));
		free(h);
	}
}

static void test_what_is_beyond_the_last_bucket_is_kept_by_the_maximum(void **state)
{
	struct hist *h = new_hist();

	(void)state;
	hist_record(h, 5);
	hist_record(h, UINT64_MAX / 4);
	assert_int_equal(hist_max(h), UINT64_MAX / 4);
	assert_int_equal(hist_percentile(h, 50), 5);
	assert_int_equal(hist_percentile(h, 100), UINT64_MAX / 4);
	free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_percentiles_are_those_of_the_sorted_values),
		cmocka_unit_test(test_few_values_have_percentiles_too),
		cmocka_unit_test(
			test_a_percentile_needs_as_many_values_as_keep_it_from_being_the_maximum),
		cmocka_unit_test(test_nothing_recorded_is_zero_everywhere),
		cmocka_unit_test(test_small_values_are_exact),
		cmocka_unit_test(test_buckets_join_without_gap_or_overlap),
		cmocka_unit_test(test_a_value_is_in_the_bucket_that_says_so),
		cmocka_unit_test(test_what_is_beyond_the_last_bucket_is_kept_by_the_maximum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
