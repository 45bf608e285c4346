/* SPDX-License-Identifier: MIT */
/*
 * What vector_routes.c, route_choice.c, route_reader.c and tied_count.c share. Each function here
 * is called with struct vector_routes' lock held, but where it says otherwise.
 */
#ifndef VMM_IRQ_VECTOR_ROUTES_PRIV_H
#define VMM_IRQ_VECTOR_ROUTES_PRIV_H

#include <pthread.h>

#include "vmm/irq/mask_queue.h"
#include "vmm/irq/vector_routes.h"

/* How soon a vector is looked at again; one that was untied for so many looks, see tied_count.c. */
#define LOOK_SOON_NS UINT64_C(100000000)
#define SOON_LOOKS   8u

/* Who reads a vector's eventfd. */
enum reader {
	UNREAD,	 /* nobody yet */
	POLLED,	 /* a router */
	LEAVING, /* a router that was asked to disarm it, until it calls disarmed() */
	TIED,	 /* KVM */
};

/* The routers, by the routes that use them. */
#define NR_ROUTERS 2u

/* Rounds of the routers that are waited for, router_rounds(). */
struct rounds {
	uint64_t since[NR_ROUTERS];
};

/* Of a vector on ROUTE_AUTO. */
enum warmth { COOL, HOT, QUIET };

struct vector_route {
	uint8_t reader;	       /* enum reader */
	uint8_t router;	       /* ROUTE_URING or ROUTE_SPIN, unless TIED */
	uint32_t gsi;	       /* while TIED */
	_Atomic bool next;     /* it is to be tied, with its next signal */
	bool has_signal;       /* while LEAVING: one that its router did not deliver waits */
	bool signal_at_unmask; /* of itsy's own, when the device is unmasked */
	bool refused;	       /* KVM would not tie it */
	bool was_tied;	       /* its count of what KVM took is ours to keep up */
	bool just_untied;      /* it was not counted since */
	bool settling;	       /* it was untied, and its routers may not have taken all since */
	bool asked;	       /* the routers were, when they had taken asked_routed of it */
	bool rebased;	       /* the host counts anew, and it was not tied since */
	uint8_t soon_looks;    /* left, while settling */
	struct rounds rounds;
	uint64_t asked_routed;
	_Atomic uint8_t warmth;
	/* Of the last look at it while TIED. */
	struct calm calm;
	uint64_t looked_ns, looked_tied;
	uint64_t storm_until_ns, storms_then; /* it is kept from KVM; 0: it is not */
	/* Touched by the thread of its router only. */
	bool storms;
	struct policy_state policy;
	struct heat heat;
};

struct function_routes {
	struct vector_routes *all; /* that it is one of */
	struct irq_function *irq;
	struct vector_route *vectors; /* [nr_vectors] */
	size_t first_source;	      /* in the routers */
	uint32_t first_gsi;	      /* of event 0 */
	unsigned recount_epoch;	      /* that its vectors are counted anew for */
	bool recounting;	      /* for that one; since these rounds */
	struct rounds rounds;
	uint16_t *tied; /* [irq->nr_events] 1 + the vector that has its GSI; 0: none */
};

struct vector_routes {
	struct vector_routes_config cfg;
	struct router *routers[NR_ROUTERS];
	struct mask_queue *mask_queue;	   /* by source */
	struct function_routes *functions; /* [cfg.nr_functions] */
	size_t nr_gsis, nr_sources;	   /* GSIs of events; behind them are those of INTx */
	size_t nr_line_gsis;
	bool has_lines; /* KVM does */
	pthread_mutex_t lock;
	bool closing;	     /* no eventfd gets a reader any more */
	uint64_t taken_back; /* events that are about to lose their mapping */
	bool watching;	     /* there are vectors to look at, at next_look_ns */
	uint64_t next_look_ns;
};

/* What a vector should be. */
struct wanted {
	bool tied;
	uint8_t router;
	uint8_t why; /* enum route_why */
	uint32_t gsi;
};

struct wanted route_choose(const struct vector_routes *r, size_t f, unsigned v);

static inline enum route route_asked(const struct vector_routes *r, size_t f, unsigned v)
{
	return (enum route)atomic_load_explicit(&r->functions[f].irq->vectors[v].route,
						memory_order_relaxed);
}

/* Nobody counts what a GICv4 delivers. */
static inline bool vector_is_counted(const struct vector_routes *r, size_t f, unsigned v)
{
	return !r->cfg.direct && irq_function_is_counted(r->functions[f].irq, v);
}

/* Nobody reads the vector's eventfd: it gets the reader that its route wants. */
void reader_give(struct vector_routes *r, size_t f, unsigned v);
/* KVM reads it, and has read for the last time: nobody does. */
void reader_untie(struct vector_routes *r, size_t f, unsigned v);
/* It keeps its reader, or is to have another one. */
void reader_review(struct vector_routes *r, size_t f, unsigned v);
/* Its router has taken a signal. True: it is to be tied, leaves the router and keeps the signal. */
bool reader_leave(struct vector_routes *r, size_t f, unsigned v);

/* vector_routes_service() should be called. No lock. */
static inline void vector_routes_wake_up(const struct vector_routes *r)
{
	if (r->cfg.wake_up)
		r->cfg.wake_up(r->cfg.ctx);
}

/* Something is new of a vector that is to be looked at. */
void tied_watch(struct vector_routes *r);
/* Of a function's vectors, whose host counts are new: vector_routes_recount(). */
bool tied_recount(struct vector_routes *r, size_t f, unsigned epoch);
/*
 * KVM gets the vector's eventfd, in which a signal waits: whatever else waits there is one with
 * that, and counted as consumed.
 */
void tied_merge(struct vector_routes *r, size_t f, unsigned v);
/* It was untied: what KVM took of it shows once the routers have taken what came since. */
void tied_settles(struct vector_route *route);
/* Bring the count of what KVM took of a vector up to date. */
void tied_count(struct vector_routes *r, size_t f, unsigned v);
/* The same of a function's vectors when the routers have stopped; what waits in their eventfds is
 * forgotten. No lock. */
void tied_count_at_end(struct vector_routes *r, size_t f);
/*
 * In how many ns is the vector to be looked at again, because it is tied or may have to be soon;
 * 0: not at all. If so it was counted, and whether it is quiet or storms is known now, which is
 * CLOCK_MONOTONIC.
 */
uint64_t tied_look(struct vector_routes *r, size_t f, unsigned v, uint64_t now);

#endif
