/* SPDX-License-Identifier: MIT */
/*
 * What was found out: for people, for programs, as a picture.
 */
#ifndef TESTS_BENCH_RESULT_H
#define TESTS_BENCH_RESULT_H

#include "tests/bench/memory.h"
#include "tests/bench/row.h"
#include "tests/bench/storm.h"

/* What the project promises of vits_translate(). */
#define RESULT_TRANSLATE_MAX 60.0
/* Growth of an operation's instructions over the rows that still counts as flat. */
#define RESULT_FLAT_MAX 1.10
/* The same, of MAPTI for events that are far apart against neighbours. */
#define RESULT_APART_MAX 1.10
/* Instructions of one write of GITS_CWRITER, whatever it announces. */
#define RESULT_WRITE_MAX 1000000.0

struct result {
	struct row_list list;
	const char *callee; /* a function that vits_translate() called; "" if none */
	struct memory_row *memory;
	unsigned nr_memory;
	const struct storm *storms; /* [NR_STORMS] */
	unsigned nr_runs;
};

/* Tables and verdicts on stdout. True if what is promised holds. */
bool result_print(const struct result *result);
/* 0, or negative errno with a line on stderr. */
int result_write_json(const struct result *result, const char *path)
	__attribute__((warn_unused_result));
int result_plot(const struct result *result, const char *path) __attribute__((warn_unused_result));

#endif
