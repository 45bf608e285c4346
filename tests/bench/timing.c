// SPDX-License-Identifier: MIT
/*
 * Timing. The clock is read around each write of GITS_CWRITER and each group of
 * translations; what two readings of it cost is measured in every run, and taken off.
 *
 * No locks: one thread.
 */
#include "tests/bench/timing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "vitsmod/bits.h"
#include "vmm/base/cleanup.h"

/* Of a row in one run. Few enough that the rows change places within a millisecond. */
#define GROUPS_PER_RUN 64u
#define CLOCK_READINGS 256u

struct stopwatch {
	uint64_t since_ns;
	uint64_t sum_ns;
	uint64_t nr; /* times it was started */
};

static uint64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

static void begin(void *ctx)
{
	struct stopwatch *w = ctx;

	w->nr++;
	w->since_ns = now_ns();
}

static void end(void *ctx)
{
	struct stopwatch *w = ctx;

	w->sum_ns += now_ns() - w->since_ns;
}

static double clock_cost_ns(void)
{
	struct stopwatch w = { 0 };

	for (unsigned i = 0; i < CLOCK_READINGS; i++) {
		begin(&w);
		end(&w);
	}
	return (double)w.sum_ns / (double)w.nr;
}

/* Which groups: all parts of the row's events in turn. Odd, so that it meets every one. */
static uint32_t stride(const struct guest *g)
{
	return guest_nr_groups(g) / 3 | 1;
}

static void time_row(struct guest *g, const struct row *row, unsigned run,
		     double ret_ns[NR_GUEST_OPS])
{
	/* MAPTI maps what DISCARD unmapped, in the same place. */
	static const enum guest_op order[] = { OP_HIT,	OP_MISS,    OP_INV,
					       OP_MOVI, OP_DISCARD, OP_MAPTI };
	struct stopwatch watches[NR_GUEST_OPS] = { 0 };
	uint32_t group = run * GROUPS_PER_RUN * stride(g) % guest_nr_groups(g);
	double cost = clock_cost_ns();

	for (unsigned i = 0; i < GROUPS_PER_RUN; i++) {
		for (size_t j = 0; j < ARRAY_SIZE(order); j++) {
			struct guest_meter meter = { begin, end, &watches[order[j]] };

			if (row_has(row, order[j]))
				guest_do(g, order[j], group, 1, &meter);
		}
		group = (group + stride(g)) % guest_nr_groups(g);
	}
	for (unsigned op = 0; op < NR_GUEST_OPS; op++) {
		const struct stopwatch *w = &watches[op];

		ret_ns[op] = ((double)w->sum_ns - cost * (double)w->nr) /
			     (double)guest_nr_ops((enum guest_op)op, GROUPS_PER_RUN);
	}
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, unsigned nr)
{
	qsort(values, nr, sizeof(*values), compare);
	return nr % 2 ? values[nr / 2] : (values[nr / 2 - 1] + values[nr / 2]) / 2;
}

/* ns: [rows][NR_GUEST_OPS][runs] */
static void take_medians(struct row_list *list, double *ns, unsigned nr_runs)
{
	for (size_t i = 0; i < list->nr; i++)
		for (unsigned op = 0; op < NR_GUEST_OPS; op++)
			list->rows[i].cells[op].time_ns =
				median(&ns[(i * NR_GUEST_OPS + op) * nr_runs], nr_runs);
}

static void run_all(const struct row_list *list, struct guest **guests, double *ns,
		    unsigned nr_runs, void (*progress)(unsigned percent))
{
	double one[NR_GUEST_OPS];

	/* One run that does not count: caches and branch predictors wake up. */
	for (size_t i = 0; i < list->nr; i++)
		time_row(guests[i], &list->rows[i], 0, one);
	for (unsigned run = 0; run < nr_runs; run++) {
		progress(run * 100 / nr_runs);
		for (size_t i = 0; i < list->nr; i++) {
			time_row(guests[i], &list->rows[i], run, one);
			for (unsigned op = 0; op < NR_GUEST_OPS; op++)
				ns[(i * NR_GUEST_OPS + op) * nr_runs + run] = one[op];
		}
	}
}

int timing_run(struct row_list *list, unsigned nr_runs, void (*progress)(unsigned percent))
{
	_cleanup_free_ struct guest **guests = calloc(list->nr, sizeof(struct guest *));
	_cleanup_free_ double *ns = calloc(list->nr * NR_GUEST_OPS * nr_runs, sizeof(double));
	int r = 0;

	if (!guests || !ns) {
		(void)fputs("bench-vits: error: out of memory\n", stderr);
		return -ENOMEM;
	}
	for (size_t i = 0; i < list->nr; i++) {
		guests[i] = guest_create(&list->rows[i].config);
		list->rows[i].nr_named = guests[i]->nr_named;
	}
	run_all(list, guests, ns, nr_runs, progress);
	take_medians(list, ns, nr_runs);
	for (size_t i = 0; i < list->nr; i++) {
		if (!guest_is_sound(guests[i])) {
			(void)fprintf(stderr,
				      "bench-vits: error: the ITS of row %zu refused a command\n",
				      i);
			r = -EINVAL;
		}
		guest_destroy(guests[i]);
	}
	return r;
}
