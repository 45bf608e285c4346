/* SPDX-License-Identifier: MIT */
/*
 * Time per operation. Machines are noisy: what is taken is the median of many
 * runs, and the rows take turns, so that a slow moment meets all of them.
 */
#ifndef TESTS_BENCH_TIMING_H
#define TESTS_BENCH_TIMING_H

#include "tests/bench/row.h"

#define TIMING_MAX_RUNS 1001u

/*
 * Fill in the cells' times and the rows' nr_named. progress is called with a
 * number from 0 to 100. 0; -EINVAL if an ITS did not do what it was told.
 */
int timing_run(struct row_list *list, unsigned nr_runs, void (*progress)(unsigned percent))
	__attribute__((warn_unused_result));

#endif
