/* SPDX-License-Identifier: MIT */
/*
 * The host's memory that a vITS takes for vectors, measured: what the allocator
 * handed out, and what became resident once every vector was mapped.
 */
#ifndef TESTS_BENCH_MEMORY_H
#define TESTS_BENCH_MEMORY_H

#include <stdint.h>

struct memory_row {
	uint32_t nr_vectors; /* a multiple of GUEST_NR_EVENTS */
	uint64_t allocated_bytes;
	uint64_t resident_bytes;
};

/*
 * Fill in the rows' bytes: an ITS with so many vectors, each with an EventID and
 * an LPI of its own, on functions of GUEST_NR_EVENTS. 0, or negative errno with a
 * line on stderr.
 */
int memory_measure(struct memory_row *rows, unsigned nr) __attribute__((warn_unused_result));

#endif
