/* SPDX-License-Identifier: MIT */
/*
 * A source of the router: one eventfd, the states it goes through, and what is done
 * on the way. Ring, clock and callbacks are behind struct source_ops.
 *
 *                 .<-------------------- due ----------------------.
 *                 v                                                |
 *    IDLE -arm-> SETTLING -too early-> PARKING -------ended-----> PARKED
 *                 |  |                ^ |   |                        |
 *                 |  settled          | |  due                       |
 *                 |  v           early  |   v                        |
 *                 |  POLLED ----------' | RESUMING -ended-> SETTLING |
 *                 |  |                  |   |                        |
 *            disarm disarm         disarm disarm                  disarm
 *                 |  v                  v   v                        v
 *                 |  LEAVING -early-> DROPPING ------ended--------> IDLE
 *                 |  |                 ^                             ^
 *                 '--|-----------------'                             |
 *                    '-----------------------ended-------------------'
 *
 * A poll can also end by itself, when the completion queue is full: it is made again, and the
 * source is SETTLING. Each arrow that leads there by "ended" or "due" reads the eventfd's
 * counter before; if what it shows comes too early, the source is PARKED instead.
 *
 * SETTLING. A poll that begins looks at the counter, and whoever is just signalling the eventfd has
 * raised the counter and is about to wake the poll up: two completions of one signal. So the
 * completions of a poll that has just begun are not counted, but the counter is read instead, until
 * it is empty and no completion came since it was. For reading waits until those who signal
 * are done (the wait queue's lock, linux fs/eventfd.c), and completions of what was read
 * have come by the next look.
 */
#ifndef VMM_IRQ_ROUTER_SOURCE_H
#define VMM_IRQ_ROUTER_SOURCE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "vmm/base/cleanup.h"

enum source_state {
	SOURCE_IDLE,	 /* disarmed: nobody looks at the eventfd. All sources begin here. */
	SOURCE_SETTLING, /* its poll has just begun, and its counter is looked at */
	SOURCE_POLLED,	 /* each signal leads to a completion */
	SOURCE_LEAVING,	 /* disarmed; its poll is being removed */
	SOURCE_PARKING,	 /* parked; its poll is being removed */
	SOURCE_RESUMING, /* parked, and its time has come before its poll was removed */
	SOURCE_DROPPING, /* parked, then disarmed; its poll is being removed */
	SOURCE_PARKED,	 /* without a poll; signals wait in the eventfd */
	/* Never seen from outside: the poll is over, and the counter is looked at ... */
	SOURCE_CATCHING_UP, /* ... to be polled again: the poll ended by itself */
	SOURCE_LAST_LOOK,   /* ... to be IDLE: it was disarmed */
	SOURCE_RETRYING,    /* ... to be polled again: it was parked */
	NR_SOURCE_STATES,
};

enum source_event {
	SOURCE_ARM,	    /* router_arm() was called */
	SOURCE_DISARM,	    /* router_disarm() was called */
	SOURCE_DUE,	    /* a parked source's time has come, or router_unpark() was called */
	SOURCE_LOOK,	    /* while SETTLING, when all completions until now were seen */
	SOURCE_SETTLED,	    /* from now on each completion is a signal */
	SOURCE_TOO_EARLY,   /* its signal was refused for now, see source_ops.deliver */
	SOURCE_DELIVERED,   /* the counter was looked at, and nothing is left */
	SOURCE_ENDED,	    /* the poll's last completion was seen */
	SOURCE_NOT_REMOVED, /* the kernel did not remove the poll, for a signal was on its way */
	NR_SOURCE_EVENTS,
	SOURCE_NOTHING = NR_SOURCE_EVENTS, /* no event follows */
};

/* Begins zeroed but for the first three. */
struct source {
	int eventfd;	/* borrowed, EFD_NONBLOCK */
	unsigned index; /* with ctx: who is told of it */
	void *ctx;
	uint64_t seen;		  /* completions delivered since the counter was last read */
	_Atomic uint64_t signals; /* taken by the router, and not put back */
	uint64_t kept; /* signals that were read from the counter, and are not delivered yet */
	uint8_t state; /* enum source_state */
	/* While SETTLING: since the last look a completion came; that one found nothing. */
	bool stirred, empty;
	bool listed;	/* the engine's: in its list of those that settle */
	uint8_t wishes; /* the router's, under its lock */
};

struct source_ops {
	/* Begin a multishot poll. again: one that ended by itself is replaced. */
	void (*poll)(void *ctx, struct source *source, bool again);
	/* Ask for the poll's removal. SOURCE_ENDED or SOURCE_NOT_REMOVED follows, or both. */
	void (*end_poll)(void *ctx, struct source *source);
	/*
	 * Pass signals on, at least 1. False: it is too early. They are to stay in the
	 * eventfd until SOURCE_DUE, of which the callee sees to it that it comes.
	 */
	bool (*deliver)(void *ctx, struct source *source, uint64_t signals);
	/* No SOURCE_DUE is needed any more. */
	void (*forget_time)(void *ctx, struct source *source);
	/* What SOURCE_DISARM asked for is done. */
	void (*disarmed)(void *ctx, struct source *source);
};

/* A completion was delivered as one signal. */
static inline void source_saw_one(struct source *source)
{
	source->seen++;
	/* Only the router's thread writes it. */
	atomic_store_explicit(&source->signals,
			      atomic_load_explicit(&source->signals, memory_order_relaxed) + 1,
			      memory_order_relaxed);
}

/*
 * Nobody polls the eventfd any more, and no event follows: what waits goes back into its
 * counter, for the next one who reads it.
 */
void source_leave(struct source *source);

/* What all sources of a router share. */
struct source_world {
	const struct source_ops *ops; /* borrowed */
	void *ctx;		      /* for ops */
};

/* True: a completion is a signal to deliver. Else signals stay in the eventfd. */
static inline bool source_is_heard(const struct source *source)
{
	return source->state == SOURCE_POLLED || source->state == SOURCE_LEAVING;
}

/* Is there a row of the table for this event in this state? Others are bugs of ours. */
bool source_can(enum source_state state, enum source_event event);

/* Walk one row of the table. The event that follows from it at once, or SOURCE_NOTHING. */
enum source_event source_step(const struct source_world *world, struct source *source,
			      enum source_event event) _must_check_;

/* Walk the rows until no event follows. */
void source_happens(const struct source_world *world, struct source *source,
		    enum source_event event);

#endif
