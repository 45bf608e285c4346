// SPDX-License-Identifier: MIT
/*
 * itsy bench irq: interrupts of a guest, timed from the eventfd's signal to its
 * IAR read. This thread signals, and reads what the guest noted.
 *
 * No locks.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "vmm/base/clock.h"
#include "vmm/bench/bench_priv.h"
#include "vmm/irq/vector_routes.h"

#define NS_PER_S 1000000000L

struct irq {
	uint64_t *sent_at; /* [vectors] when it was signalled; 0: it is not under way */
	uint64_t *counts;  /* [vectors] handled before that */
	/* With --changes-us. */
	uint64_t *sent;	 /* [vectors] in this turn */
	uint64_t *began; /* [vectors] handled before this turn */
	uint64_t change_at_ns;
	uint64_t changing_at; /* when the change began that the next interrupt follows; 0: none */
	bool away;	      /* from the route that is measured */
};

/* Those of the last turn that nobody had sent would have come by then. */
#define STRAY_NS 20000000u
#define LATE_NS	 UINT64_C(60000000000)

/* ---- one interrupt ------------------------------------------------------------------ */

/*
 * To uring, and back to the route that is measured. What is hot on auto goes there because its
 * times are being recorded, and comes back when they are not any more.
 */
static void change_routes(struct irq *q, struct bench *b, enum route route)
{
	struct vector_routes *routes = machine_routes(bench_guest_machine(b->guest));

	q->away = !q->away;
	for (uint32_t f = 0; route == ROUTE_AUTO && f < b->options->functions; f++)
		(void)!irq_function_record(&b->functions[f].irq, q->away);
	for (uint32_t v = 0; v < b->options->vectors; v++) {
		unsigned vector;
		size_t f = (size_t)(bench_function_of(b, v, &vector) - b->functions);

		if (route == ROUTE_AUTO)
			vector_routes_review(routes, f, vector);
		else
			vector_routes_set(routes, f, vector, q->away ? ROUTE_URING : route);
	}
	b->results[route].changes++;
}

static void change_when_due(struct irq *q, struct bench *b, enum route route)
{
	uint64_t now = clock_ns();

	q->changing_at = 0;
	if (!b->options->changes_us || now < q->change_at_ns)
		return;
	q->change_at_ns = now + b->options->changes_us * UINT64_C(1000);
	q->changing_at = bench_guest_clock();
	change_routes(q, b, route);
}

/*
 * What a change takes shows in the interrupt behind it, with which KVM gets the vector. Of
 * several vectors it would be in that of one, and a vector on auto may not have changed at all.
 */
static void record_change(struct irq *q, struct bench *b, enum route route, uint64_t over)
{
	struct bench_result *result = &b->results[route];

	if (q->changing_at && b->options->vectors == 1 && route != ROUTE_URING &&
	    route != ROUTE_AUTO)
		(void)bench_record_in(b, q->away ? &result->from : &result->to, q->changing_at,
				      over);
}

static void begin_counting(struct irq *q, struct bench *b)
{
	for (uint32_t v = 0; v < b->options->vectors; v++) {
		q->sent[v] = 0;
		q->began[v] = bench_guest_count(b->guest, v);
	}
}

/* True: of each vector at least as many came as were sent. */
static bool all_came(const struct irq *q, struct bench *b, uint64_t *ret_lost, uint64_t *ret_extra)
{
	*ret_lost = *ret_extra = 0;
	for (uint32_t v = 0; v < b->options->vectors; v++) {
		uint64_t came = bench_guest_count(b->guest, v) - q->began[v];

		*ret_lost += came < q->sent[v] ? q->sent[v] - came : 0;
		*ret_extra += came > q->sent[v] ? came - q->sent[v] : 0;
	}
	return !*ret_lost;
}

/* Lost is what does not come at all: a slow machine makes some come late. */
static void end_changes(struct irq *q, struct bench *b, enum route route)
{
	uint64_t lost, extra, end;

	if (q->away)
		change_routes(q, b, route);
	for (end = clock_ns() + LATE_NS; !all_came(q, b, &lost, &extra) && clock_ns() < end;)
		bench_sleep_ns(STRAY_NS);
	bench_sleep_ns(STRAY_NS);
	(void)all_came(q, b, &lost, &extra);
	b->results[route].lost += lost;
	b->results[route].extra += extra;
}

static void fire(struct irq *q, struct bench *b, enum route route, uint32_t v)
{
	unsigned vector;
	struct passthru *function = bench_function_of(b, v, &vector);

	change_when_due(q, b, route);
	q->sent[v]++;
	q->counts[v] = bench_guest_count(b->guest, v);
	q->sent_at[v] = bench_guest_clock();
	irq_function_trigger(&function->irq, vector);
}

/* True: it was taken, and is recorded. */
static bool reap(struct irq *q, struct bench *b, enum route route, uint32_t v)
{
	if (bench_guest_count(b->guest, v) == q->counts[v])
		return false;
	bench_record(b, route, q->sent_at[v], bench_guest_stamp(b->guest, v));
	record_change(q, b, route, bench_guest_stamp(b->guest, v));
	q->sent_at[v] = 0;
	return true;
}

/* For one of several that were signalled before: where one had its time, so had the others. */
static unsigned patience_ms(uint64_t lost)
{
	return lost ? 0 : BENCH_WAIT_MS;
}

/* False: it is lost, and under way no more. */
static bool wait_for(struct irq *q, struct bench *b, enum route route, uint32_t v, unsigned ms)
{
	if (bench_guest_wait(b->guest, v, q->counts[v], ms) && reap(q, b, route, v))
		return true;
	q->sent_at[v] = 0;
	return false;
}

/* Goes on where the last turn ended, so that each vector has its share, however many there are. */
static uint32_t next_vector(struct bench *b, enum route route)
{
	uint32_t v = b->results[route].next;

	b->results[route].next = (v + 1) % b->options->vectors;
	return v;
}

/*
 * Several at once: the last one's time, shared among all. They are one in the
 * histogram, and none of it if one is lost or impossible.
 */
static uint64_t burst(struct irq *q, struct bench *b, enum route route)
{
	const uint32_t first = b->results[route].next, nr = b->options->burst;
	uint64_t begin = bench_guest_clock(), last = begin, lost = 0;
	bool possible = true;

	for (uint32_t i = 0; i < nr; i++)
		fire(q, b, route, next_vector(b, route));
	for (uint32_t i = 0; i < nr; i++) {
		uint32_t v = (first + i) % b->options->vectors;
		uint64_t stamp;

		q->sent_at[v] = 0;
		if (!bench_guest_wait(b->guest, v, q->counts[v], patience_ms(lost))) {
			lost++;
			continue;
		}
		stamp = bench_guest_stamp(b->guest, v);
		possible &= bench_possible(b, begin, stamp);
		last = stamp > last ? stamp : last;
	}
	if (!lost && possible)
		bench_record(b, route, begin, begin + (last - begin) / nr);
	else if (!lost)
		b->results[route].impossible++;
	return lost;
}

/* In steps, where it is long: a signal ends it. */
static void wait_gap(struct bench *b)
{
	const uint64_t step = NS_PER_S / 10;
	uint64_t left = (uint64_t)b->options->gap_us * 1000;

	for (; left > step && !bench_told_to_end(b); left -= step)
		bench_sleep_ns(step);
	if (!b->outcome->killed_by)
		bench_sleep_ns(left);
}

static uint64_t closed_loop(struct irq *q, struct bench *b, enum route route, uint64_t count)
{
	uint64_t lost = 0;

	for (uint64_t i = 0; i < count && lost < BENCH_MAX_LOST && !bench_told_to_end(b); i++) {
		wait_gap(b);
		if (b->options->burst > 1) {
			lost += burst(q, b, route);
		} else {
			uint32_t v = next_vector(b, route);

			fire(q, b, route, v);
			lost += !wait_for(q, b, route, v, BENCH_WAIT_MS);
		}
	}
	return lost;
}

/* At the given rate, whether or not the last one was taken. */
static uint64_t open_loop(struct irq *q, struct bench *b, enum route route, uint64_t count)
{
	uint64_t step = NS_PER_S / b->options->rate, lost = 0, merged = 0;
	struct timespec at;

	(void)clock_gettime(CLOCK_MONOTONIC, &at);
	for (uint64_t i = 0; i < count && !bench_told_to_end(b); i++) {
		uint32_t v = next_vector(b, route);

		at.tv_nsec += (long)(step % NS_PER_S);
		at.tv_sec += (time_t)(step / NS_PER_S) + at.tv_nsec / NS_PER_S;
		at.tv_nsec %= NS_PER_S;
		(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
		/* One that is still under way would merge with this one. */
		if (q->sent_at[v] && !reap(q, b, route, v)) {
			merged++;
			continue;
		}
		fire(q, b, route, v);
	}
	for (uint32_t v = 0; v < b->options->vectors; v++)
		lost += q->sent_at[v] && !wait_for(q, b, route, v, patience_ms(lost));
	return lost + merged;
}

/* ---- all of them ------------------------------------------------------------------------ */

static int turn(void *ctx, struct bench *b, enum route route, uint64_t count,
		struct failure *ret_failure)
{
	uint64_t lost;

	(void)ret_failure;
	begin_counting(ctx, b);
	lost = b->options->rate ? open_loop(ctx, b, route, count)
				: closed_loop(ctx, b, route, count);
	if (b->options->changes_us)
		end_changes(ctx, b, route);
	else
		b->results[route].lost += lost;
	return 0;
}

enum exit_status bench_irq(const struct bench_options *options)
{
	struct irq q = {
		.sent_at = calloc(options->vectors, sizeof(*q.sent_at)),
		.counts = calloc(options->vectors, sizeof(*q.counts)),
		.sent = calloc(options->vectors, sizeof(*q.sent)),
		.began = calloc(options->vectors, sizeof(*q.began)),
	};
	const struct bench_job job = {
		.kind = &bench_kind_eventfd,
		.source = options->nr_devices ? BENCH_LOOP : BENCH_BARE,
		.turn = turn,
		.ctx = &q,
	};
	enum exit_status status;
	struct failure failure;

	if (q.sent_at && q.counts && q.sent && q.began) {
		status = bench_run(options, &job);
	} else {
		(void)failure_set(&failure, ITSY_ENVIRONMENT, ENOMEM, "itsy", NULL,
				  "out of memory");
		status = report_failure(&failure);
	}
	free(q.began);
	free(q.sent);
	free(q.counts);
	free(q.sent_at);
	return status;
}
