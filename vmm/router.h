/* SPDX-License-Identifier: MIT */
/*
 * The router: one thread that owns one io_uring and turns signalled eventfds
 * into calls. io_uring_setup(2), io_uring_enter(2).
 */
#ifndef VMM_ROUTER_H
#define VMM_ROUTER_H

#include "vmm/placement.h"
#include "vmm/report.h"
#include "vfio/cleanup.h"

#include <stdbool.h>
#include <stddef.h>

struct router;

/* Something that signals: an eventfd, borrowed, EFD_NONBLOCK, read by nobody else. */
struct router_source {
	int eventfd;
	void *ctx;
	unsigned index;
};

struct router_ops {
	/*
	 * The source was signalled, once or several times. On the router's
	 * thread, which must not be held for long.
	 */
	void (*signalled)(void *ctx, unsigned index);
	/*
	 * What router_disarm() asked for is done: every signal so far has been
	 * delivered, later ones stay in the eventfd. On the router's thread.
	 */
	void (*disarmed)(void *ctx, unsigned index);
	/*
	 * The ring failed: no signal is delivered any more. why is a line of
	 * text. On the router's thread, with the ctx of the configuration.
	 */
	void (*failed)(void *ctx, const char *why);
};

struct router_config {
	const struct router_source *sources; /* copied; none is armed */
	size_t nr_sources;
	void *ctx;		      /* for ops->failed */
	const struct router_ops *ops; /* borrowed */
	unsigned cq_entries; /* of the completion queue, at least 64; 0: twice the sources */
	/*
	 * Never sleep while a source is armed: the thread looks at the ring all
	 * the time, and wants a CPU of its own.
	 */
	bool spin;
	const struct placement *placement; /* of the thread; NULL: wherever */
};

/*
 * Start the thread. A host without io_uring is a fault with ITSY_ENVIRONMENT.
 */
int router_create(const struct router_config *config, struct router **ret_router,
		  struct fault *ret_fault) _must_check_;
/*
 * Every signal of an armed source that came before the call has been delivered
 * when it returns. NULL is allowed.
 */
void router_destroy(struct router *router);

/*
 * Have the source (its index in config.sources) looked after, or not any more.
 * Does not wait. Any thread, but one at a time for each source: arm what is not
 * armed, and disarm what is; after a disarm wait for ops->disarmed. Signals from
 * before arming count.
 */
void router_arm(struct router *router, size_t source);
void router_disarm(struct router *router, size_t source);

struct router_stats {
	unsigned long long visits;	/* times the ring was looked at */
	unsigned long long completions; /* signals seen there */
	unsigned long long rearmed;	/* polls that ended and were made again */
};

void router_stats_get(const struct router *router, struct router_stats *ret_stats);

#endif
