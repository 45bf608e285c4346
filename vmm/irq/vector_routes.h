/* SPDX-License-Identifier: MIT */
/*
 * Routes: which way the interrupts of each vector take from VFIO to KVM.
 *
 *   uring  the router's thread sleeps in its ring; it translates, counts, injects
 *   spin   the same, by a second thread that never sleeps while it has a vector
 *   irqfd  the kernel makes the LPI pending when VFIO signals; nothing of ours runs,
 *          and nothing is counted
 *
 * A vector's route can be changed at any time, and no signal is lost or delivered
 * twice for it. A vector that may not be sent just now, or whose message the
 * kernel's ITS cannot be told, is on `uring` meanwhile, whatever was asked for:
 * see irq_function_direct().
 *
 * On uring and spin a device's policy (vmm/irq/policy.h) decides how many signals of a
 * vector pass. One that storms is muted at the device where that can be done.
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
	void (*failed)(void *ctx, const char *why);
	/* Have vector_routes_service() called, soon. Any thread. NULL: no policies. */
	void (*wake_up)(void *ctx);
	void *ctx;
};

/* Routers and GSIs; from here on signals are looked after. */
int vector_routes_create(const struct vector_routes_config *config,
			 struct vector_routes **ret_routes,
			 struct failure *ret_failure) _must_check_;
/* Signals from before have been delivered when it returns. NULL is allowed. */
void vector_routes_destroy(struct vector_routes *routes);

/*
 * Any thread. What is asked for is kept in the function's struct vector_counts, also over
 * the guest's reboots. The vector takes the route as soon as the last signal of the old
 * one is through.
 */
void vector_routes_set(struct vector_routes *routes, size_t function, unsigned vector,
		       enum route route);

struct route_state {
	enum route asked, is;
	bool changing;
};
struct route_state vector_routes_get(struct vector_routes *routes, size_t function,
				     unsigned vector);

/*
 * What irq_function_direct() says of a vector has changed, or may have: with ITSs
 * switched on or off, or the LPI engine's debts, that is all of them. When it
 * returns, no irqfd is tied that may not be. Any thread.
 */
void vector_routes_review(struct vector_routes *routes, size_t function, unsigned vector);
void vector_routes_review_all(struct vector_routes *routes);

/* Mute and give back what storms, at the devices. One thread, not the vCPUs'. */
void vector_routes_service(struct vector_routes *routes);

/* Of both routers. */
void vector_routes_stats_get(struct vector_routes *routes, struct router_stats *ret_stats);

#endif
