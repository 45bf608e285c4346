/* SPDX-License-Identifier: MIT */
/*
 * Short words for unit tests of the redistributors: accesses, and what came below.
 */
#ifndef TESTS_UNIT_VGICR_WORLD_H
#define TESTS_UNIT_VGICR_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/vgicrmod/vgicr_below.h"

static inline uint32_t rd32(struct below *b, uint32_t vcpu, uint64_t offset)
{
	return (uint32_t)vgicr_mmio_read(b->v, vcpu, offset, 4);
}

static inline uint64_t rd64(struct below *b, uint32_t vcpu, uint64_t offset)
{
	return vgicr_mmio_read(b->v, vcpu, offset, 8);
}

static inline void wr32(struct below *b, uint32_t vcpu, uint64_t offset, uint32_t value)
{
	vgicr_mmio_write(b->v, vcpu, offset, 4, value);
}

static inline void wr64(struct below *b, uint32_t vcpu, uint64_t offset, uint64_t value)
{
	vgicr_mmio_write(b->v, vcpu, offset, 8, value);
}

static inline uint64_t ignored(struct below *b)
{
	struct vgicr_stats stats;

	vgicr_stats_get(b->v, &stats);
	return stats.ignored;
}

/* From here on. */
static inline void forget_calls(struct below *b)
{
	b->nr_log = 0;
	b->nr_begins = b->nr_reads = b->nr_writes = 0;
}

/* The backend was begun so many times since forget_calls(). */
#define expect_visits(b, nr) assert_int_equal((b)->nr_begins, nr)

/* Write number n since forget_calls(). */
#define expect_write(b, n, want_vcpu, want_reg, want_value)      \
	do {                                                     \
		assert_true((n) < (b)->nr_log);                  \
		assert_int_equal((b)->log[n].vcpu, want_vcpu);   \
		assert_int_equal((b)->log[n].reg, want_reg);     \
		assert_int_equal((b)->log[n].value, want_value); \
	} while (0)

#endif
