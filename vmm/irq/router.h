/* SPDX-License-Identifier: MIT */
/*
 * The router: one thread that turns signalled eventfds into calls. It waits for them
 * with io_uring, or with epoll on a host that has io_uring switched off.
 */
#ifndef VMM_IRQ_ROUTER_H
#define VMM_IRQ_ROUTER_H

#include "vmm/base/cleanup.h"
#include "vmm/base/confine.h"
#include "vmm/base/placement.h"
#include "vmm/base/report.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct router;

/* Something that signals: an eventfd, borrowed, EFD_NONBLOCK, read by nobody else. */
struct router_source {
	int eventfd;
	void *ctx;
	unsigned index;
};

#define ROUTER_PARKED UINT64_MAX

struct router_ops {
	/*
	 * The source was signalled, once or several times: signals is how many are
	 * known of. 0: it is dealt with. Else it is too early: the source is parked,
	 * its signals stay in the eventfd and nothing is done for them, until this
	 * time of CLOCK_MONOTONIC in ns, or with ROUTER_PARKED until
	 * router_unpark(). Then this is called again, with what has come together,
	 * if anything has. On the router's thread, which must not be held for long.
	 */
	uint64_t (*signalled)(void *ctx, unsigned index, uint64_t signals);
	/*
	 * What router_disarm() asked for is done: every signal so far has been
	 * delivered; later ones, and those of a parked source, stay in the eventfd.
	 * On the router's thread.
	 */
	void (*disarmed)(void *ctx, unsigned index);
	/*
	 * The engine failed: no signal is delivered any more. why is a line of
	 * text. On the router's thread, with the ctx of the configuration.
	 */
	void (*failed)(void *ctx, const char *why);
};

/* What a router waits with. */
enum router_engine {
	ROUTER_ENGINE_ANY, /* io_uring, and where the host refuses it epoll */
	ROUTER_ENGINE_IO_URING,
	ROUTER_ENGINE_EPOLL,
	NR_ROUTER_ENGINES,
};

struct router_config {
	const struct router_source *sources; /* copied; none is armed */
	size_t nr_sources;
	void *ctx;		      /* for ops->failed */
	const struct router_ops *ops; /* borrowed */
	unsigned cq_entries; /* of io_uring's completion queue, at least 64; 0: twice the sources */
	/*
	 * Never sleep while a source is armed: the thread looks for signals all the time,
	 * and wants a CPU of its own.
	 */
	bool spin;
	const struct placement *placement; /* of the thread; NULL: wherever */
	const struct confine *confine;	   /* the same; NULL: nothing confines it */
	enum router_engine engine;	   /* one alone, for tests; 0: ROUTER_ENGINE_ANY */
};

/*
 * Start the thread. A host that has no such engine, or not what it needs, is a failure
 * with ITSY_ENVIRONMENT.
 */
int router_create(const struct router_config *config, struct router **ret_router,
		  struct failure *ret_failure) _must_check_;
/*
 * End the thread. Every signal of an armed source that came before the call has been
 * delivered when it returns, unless the source is parked; later ones, and those, are in the
 * eventfd. After it only router_signals() and router_destroy().
 */
void router_stop(struct router *router);
/* Stops it as well. NULL is allowed. */
void router_destroy(struct router *router);

/*
 * Have the source (its index in config.sources) looked after, or not any more.
 * Does not wait. Any thread, but one at a time for each source: arm what is not
 * armed, and disarm what is; after a disarm wait for ops->disarmed. Signals from
 * before arming count.
 */
void router_arm(struct router *router, size_t source);
void router_disarm(struct router *router, size_t source);
/* The time has come for a source that is parked, if it is. Any thread. */
void router_unpark(struct router *router, size_t source);

/*
 * How many signals of a source were taken, less those that were put back for the next reader.
 * Signals that share a completion are known when the poll has ended, after ops->disarmed at
 * the latest. Any thread.
 */
uint64_t router_signals(const struct router *router, size_t source);

/*
 * How many rounds of waiting and dealing with what came the router has ended in which it was woken
 * up; and wake it up. What was signalled before three of them is taken, unless its source is
 * parked: the first may have begun before the signal, and where more sources are signalled than the
 * engine fetches at a time, the second may have been woken up before it. Then router_signals() has
 * it. Any thread, but not after router_stop().
 */
uint64_t router_rounds(struct router *router);
void router_wake(struct router *router);

/* The one that runs, which is not ROUTER_ENGINE_ANY; and what it is called. */
enum router_engine router_engine(const struct router *router);
const char *router_engine_name(enum router_engine engine);

struct router_stats {
	unsigned long long reaps;	/* times that signals were looked for */
	unsigned long long completions; /* signals seen there */
	unsigned long long rearmed;	/* polls that ended by themselves and were made again */
	unsigned long long parked;	/* times that a source was */
};

void router_stats_get(const struct router *router, struct router_stats *ret_stats);

#endif
