/* SPDX-License-Identifier: MIT */
/*
 * A set of small numbers: n is bit n % 8 of byte n / 8. All zeros: the set is empty.
 */
#ifndef VMM_BASE_BITSET_H
#define VMM_BASE_BITSET_H

#include <stdbool.h>
#include <stdint.h>

#define BITSET_BYTES(nr) (((nr) + 7u) / 8u)

static inline bool bitset_has(const uint8_t set[], uint32_t n)
{
	return set[n / 8] >> n % 8 & 1;
}

/* Put n into the set, or take it out. */
static inline void bitset_put(uint8_t set[], uint32_t n, bool in)
{
	set[n / 8] = (uint8_t)((set[n / 8] & ~(1u << n % 8)) | (unsigned)in << n % 8);
}

#endif
