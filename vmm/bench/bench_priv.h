/* SPDX-License-Identifier: MIT */
/*
 * What the measurements of itsy bench share: set-up, turns, routes, the end
 * (bench.c). What is timed, and how, is a job's: bench_irq.c, bench_device.c.
 */
#ifndef VMM_BENCH_BENCH_PRIV_H
#define VMM_BENCH_BENCH_PRIV_H

#include "vmm/base/self.h"
#include "vmm/bench/bench.h"
#include "vmm/bench/bench_guest.h"

#define BENCH_WAIT_MS  2000u
#define BENCH_MAX_LOST 5u /* in a turn: then the route does not work */

struct bench;

struct bench_job {
	const struct bench_kind *kind;
	enum bench_source source;
	/*
	 * Measure so many by the route that is set, into b->results; less where
	 * too many are lost or bench_told_to_end(). Negative: it cannot go on.
	 */
	int (*turn)(void *ctx, struct bench *b, enum route route, uint64_t count,
		    struct failure *ret_failure);
	void *ctx; /* borrowed */
};

struct bench {
	const struct bench_options *options;
	const struct bench_job *job;
	struct bench_environment env;
	struct gmem mem;
	struct vfio_container *container;
	struct passthru *functions; /* [options->functions] */
	struct bench_guest *guest;
	int signals;			    /* signalfd; -1: none */
	const struct keeper_client *keeper; /* NULL: no sandbox */
	struct sandbox *sandbox;	    /* NULL: none */
	FILE *smaps;			    /* of the guest's process */

	/* What is left of a measurement, also where another process made it. */
	struct bench_result *results; /* [NR_ROUTES], shared */
	struct bench_outcome {
		int killed_by; /* the signal; 0: none */
		bool has_memory;
		struct self_memory memory;
	} * outcome; /* shared */
};

/* All of it: set-up, turns, report, tear-down. */
enum exit_status bench_run(const struct bench_options *options, const struct bench_job *job);

/* The function that a vector belongs to, and its number there. */
struct passthru *bench_function_of(const struct bench *b, uint32_t v, unsigned *ret_vector);

/* Has a signal told us to end? What was measured so far is reported then. */
bool bench_told_to_end(struct bench *b);
void bench_sleep_ns(uint64_t ns);
/*
 * Can something that began then, by bench_guest_clock(), have been over when the
 * guest says? Not before, nor after now.
 */
bool bench_possible(const struct bench *b, uint64_t began, uint64_t over);
/* One of which both are known; where they are not possible, it is counted as such. */
void bench_record(struct bench *b, enum route route, uint64_t began, uint64_t over);
/* The same into a histogram; false: they are not possible, and not recorded. */
bool bench_record_in(const struct bench *b, struct hist *hist, uint64_t began, uint64_t over);

#endif
