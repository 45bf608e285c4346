/* SPDX-License-Identifier: MIT */
/*
 * The rows of the benchmark's tables, and what is known of each operation.
 */
#ifndef TESTS_BENCH_ROW_H
#define TESTS_BENCH_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/bench/guest.h"

/* What a row is there to show. */
enum row_use {
	ROW_NR_MAPPED, /* against the number of mapped events */
	ROW_PER_WRITE, /* against the number of commands in each write */
	ROW_APART      /* events that are far apart */
};

struct cell {
	double instructions; /* per operation */
	double time_ns;	     /* per operation, median of all runs */
};

struct row {
	enum row_use use;
	struct guest_config config;
	uint32_t nr_named; /* of the mapped events */
	struct cell cells[NR_GUEST_OPS];
};

struct row_list {
	struct row *rows;
	size_t nr;
};

/* Unnamed events cannot be signalled, so that there is nothing to translate. */
static inline bool row_has(const struct row *row, enum guest_op op)
{
	return row->config.kind == GUEST_NAMED || (op != OP_HIT && op != OP_MISS);
}

#endif
