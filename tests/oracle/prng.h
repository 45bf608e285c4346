/* SPDX-License-Identifier: MIT */
/*
 * Numbers that look random and follow from a seed: splitmix64 (Steele, Lea and
 * Flood, "Fast splittable pseudorandom number generators", 2014).
 */
#ifndef TESTS_ORACLE_PRNG_H
#define TESTS_ORACLE_PRNG_H

#include <stdbool.h>
#include <stdint.h>

struct prng {
	uint64_t state;
};

static inline uint64_t prng_next(struct prng *p)
{
	uint64_t z = p->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* 0..n-1; n must not be 0. */
static inline uint64_t prng_below(struct prng *p, uint64_t n)
{
	return prng_next(p) % n;
}

/* True once in n times. */
static inline bool prng_one_in(struct prng *p, uint64_t n)
{
	return prng_below(p, n) == 0;
}

#endif
