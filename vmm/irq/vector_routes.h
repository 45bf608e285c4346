/* SPDX-License-Identifier: MIT */
/*
 * Routes: which way the interrupts of each vector take from VFIO to KVM.
 *
 *   uring  the router's thread sleeps until there is a signal; it translates, counts, injects
 *   spin   the same, by a second thread that never sleeps while it has a vector
 *   irqfd  the kernel makes the LPI pending when VFIO signals: the vector is tied, and
 *          nothing of ours runs
 *   auto   irqfd while the vector is hot (vmm/irq/heat.h) and nobody wants to see or
 *          limit its interrupts, else uring
 *
 * A vector's route can be changed at any time; no signal is lost by that, and none is
 * delivered twice but by KVM itself (vector_routes.c). A vector that might be tied is on uring
 * while the guest has it masked, or its event is not ready at the kernel ITS: irq_function_direct()
 * decides.
 *
 * What KVM takes of a tied vector is counted as the difference of what the host has counted
 * (irq_function_nr_signals()) and of what the routers have taken: exact whenever no interrupt
 * is under way. vector_routes_service() looks at tied vectors, once a second, those of a device
 * with a limit ten times, and takes those back that are quiet, or over their device's limit.
 *
 * On uring and spin a device's policy (vmm/irq/policy.h) decides how many signals of a
 * vector pass. A vector that storms is masked at the device where that can be done.
 */
#ifndef VMM_IRQ_VECTOR_ROUTES_H
#define VMM_IRQ_VECTOR_ROUTES_H

#include "vmm/irq/irq_function.h"
#include "vmm/irq/router.h"
#include "vmm/kvm/vm.h"

struct vector_routes;

struct vector_routes_config {
	const struct vm *vm;		       /* all borrowed */
	struct irq_function *const *functions; /* [nr_functions], the array is copied */
	size_t nr_functions;
	const struct placement *placement;	/* of the router; NULL: wherever */
	const struct placement *spin_placement; /* and of the one that spins */
	const struct confine *confine;		/* of both; NULL: nothing confines them */
	/*
	 * The host's GICv4 delivers a tied vector's messages without an interrupt of the host's:
	 * nobody counts them.
	 */
	bool direct;
	void (*failed)(void *ctx, const char *why);
	/* Have vector_routes_service() called, soon. Any thread. NULL: no policies. */
	void (*wake_up)(void *ctx);
	void *ctx;
};

/* Start the routers and give KVM its GSI routes; signals are delivered from here on. */
int vector_routes_create(const struct vector_routes_config *config,
			 struct vector_routes **ret_routes,
			 struct failure *ret_failure) _must_check_;
/* Signals that came before the call have been delivered when it returns. NULL is allowed. */
void vector_routes_destroy(struct vector_routes *routes);

/*
 * Ask for a route. The vector takes it as soon as the last signal is through that the
 * old one has seen. What was asked for is kept in the function's struct vector_counts,
 * so that the guest's next boot has it, too. Any thread.
 */
void vector_routes_set(struct vector_routes *routes, size_t function, unsigned vector,
		       enum route route);

struct route_state {
	enum route asked, is; /* is: never ROUTE_AUTO */
	bool changing;	      /* it is leaving the route that it is on */
	enum route_why why;
	uint64_t since_ns; /* it is on it; CLOCK_MONOTONIC */
};
/* Any thread. */
struct route_state vector_routes_get(struct vector_routes *routes, size_t function,
				     unsigned vector);

/*
 * Something that decides on a vector's route may have changed, of one or of all: the
 * guest has masked it or changed its message, has switched an ITS on or off, the
 * kernel ITS has deferred a mapping or made one, times are recorded or not any more. When
 * this returns, KVM has the eventfd of no vector that may not be on irqfd. Any thread.
 */
void vector_routes_review(struct vector_routes *routes, size_t function, unsigned vector);
void vector_routes_review_all(struct vector_routes *routes);

/*
 * The event is about to lose its mapping at the kernel ITS: when this returns, KVM has the
 * eventfd of no vector whose message names it, and gets none at all until
 * vector_routes_taken_back() has ended as many calls as there were. A function beyond those of the
 * configuration has no routes: its calls are counted alone. Any thread.
 */
void vector_routes_take_back(struct vector_routes *routes, size_t function, uint32_t eventid);
void vector_routes_taken_back(struct vector_routes *routes, uint64_t nr);

/*
 * Mask vectors that storm at their devices, and unmask those whose time has come; look at
 * tied vectors. May wait for the reset of a function. Returns in how many ms it should be
 * called again at the latest, or -1. The main thread.
 */
int vector_routes_service(struct vector_routes *routes);

/*
 * The function's interrupts at the host are others since the guest has changed their kind
 * (irq_function_recounts()): the host counts them in counts, which are borrowed, NULL for none;
 * they were looked for when vfio_device_irqs_epoch() was epoch. False: call it again, after
 * VECTOR_RECOUNT_NS; until it returns true none of the function's vectors is tied. The main thread.
 */
#define VECTOR_RECOUNT_NS UINT64_C(20000000)
bool vector_routes_recount(struct vector_routes *routes, size_t function,
			   struct vfio_irq_counts *counts, unsigned epoch);

/* Bring the vector's count of what KVM took up to date. The main thread. */
void vector_routes_count(struct vector_routes *routes, size_t function, unsigned vector);

/* What both routers wait with. */
enum router_engine vector_routes_engine(const struct vector_routes *routes);

/* The sums of both routers. */
void vector_routes_stats_get(struct vector_routes *routes, struct router_stats *ret_stats);

#endif
