/* SPDX-License-Identifier: MIT */
/*
 * Instructions, counted one by one by valgrind's callgrind: exact, the same each
 * time, and to be had on machines without a performance counter.
 */
#ifndef TESTS_BENCH_COUNT_H
#define TESTS_BENCH_COUNT_H

#include <stdbool.h>

#include "tests/bench/row.h"
#include "tests/bench/storm.h"

/* Are these instructions being counted? Then count_child() is all there is to do. */
bool count_is_child(void);
void count_child(const struct row_list *list);

/*
 * Run this program (argv as main() got it) once more, counted, and fill in the
 * cells' and the storms' instructions. ret_callee is the name of a function that vits_translate()
 * called, "" if it calls none. 0, or negative errno with a line on stderr.
 */
int count_instructions(char *const argv[], struct row_list *list, struct storm storms[NR_STORMS],
		       char ret_callee[64]) __attribute__((warn_unused_result));

#endif
