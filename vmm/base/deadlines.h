/* SPDX-License-Identifier: MIT */
/*
 * Deadlines of numbered things, at most one each, the earliest first: a binary heap
 * whose memory is allocated once. Times are numbers of the caller's clock.
 */
#ifndef VMM_BASE_DEADLINES_H
#define VMM_BASE_DEADLINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/base/cleanup.h"

struct deadlines {
	struct deadline {
		uint64_t at;
		uint32_t index;
	} * heap;	 /* owned [nr]; the earliest first */
	uint32_t *place; /* owned [max]: 1 + its index in the heap; 0: it has no deadline */
	size_t max, nr;
};

/* For things 0..max-1. 0, or -ENOMEM. */
int deadlines_init(struct deadlines *d, size_t max) _must_check_;
void deadlines_fini(struct deadlines *d);

/* Give a thing a deadline. It must have none yet. */
void deadlines_add(struct deadlines *d, size_t index, uint64_t at);
/* Take its deadline away, if it has one. */
void deadlines_remove(struct deadlines *d, size_t index);
/* The earliest deadline, and whose it is; false: there is none. */
bool deadlines_first(const struct deadlines *d, uint64_t *ret_at, size_t *ret_index);

#endif
