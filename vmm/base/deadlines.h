/* SPDX-License-Identifier: MIT */
/*
 * Deadlines of numbered things, at most one for each, in the order of their
 * time: a binary heap in memory that is allocated once.
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
	uint32_t *place; /* owned: of each thing, 1 + where in the heap; 0: has none */
	size_t max, nr;
};

/* For things 0..max-1. 0, or -ENOMEM. */
int deadlines_init(struct deadlines *d, size_t max) _must_check_;
void deadlines_fini(struct deadlines *d);

/* A thing that has none gets one. */
void deadlines_add(struct deadlines *d, size_t index, uint64_t at);
/* It has none any more, if it had one. */
void deadlines_remove(struct deadlines *d, size_t index);
/* The earliest; false: there is none. */
bool deadlines_first(const struct deadlines *d, uint64_t *ret_at, size_t *ret_index);

#endif
