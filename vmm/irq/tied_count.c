// SPDX-License-Identifier: MIT
/*
 * How many interrupts KVM took of a vector by itself, and what follows from that.
 *
 * What KVM takes of a tied vector, no thread of ours sees. The host counts the interrupts
 * of VFIO's vector all the same; from that number and those of the routers follows what
 * KVM has taken: signals - what routers took - what waits in the eventfd. While the vector is
 * tied nothing waits there, and this is exact but for what is just under way. When it
 * was untied, what came since then is the next router's; how much that is shows once it was
 * delivered, and can only make the first answer smaller. So the vector is looked at some
 * more times, and the smallest answer counts.
 *
 * When the guest changes to another kind of interrupt, the host begins to count anew, of other
 * interrupts. No vector is tied then until its count goes on from where it was.
 *
 * No locks of its own.
 */
#include "vmm/base/clock.h"
#include "vmm/irq/vector_routes_priv.h"

#define STORM_NS UINT64_C(1000000000)

static uint64_t taken_by_routers(const struct vector_routes *r, size_t f, unsigned v)
{
	uint64_t nr = 0;

	for (unsigned i = 0; i < NR_ROUTERS; i++)
		nr += router_signals(r->routers[i], r->functions[f].first_source + v);
	return nr;
}

void tied_count(struct vector_routes *r, size_t f, unsigned v)
{
	const struct function_routes *fn = &r->functions[f];
	struct vector_route *route = &fn->vectors[v];
	struct vector_counts *counts = &fn->irq->vectors[v];
	/* First, so that what comes meanwhile makes the answer larger, and not smaller. */
	uint64_t routed = taken_by_routers(r, f, v), signals, tied;

	if (route->was_tied && !r->cfg.direct && !vector_is_counted(r, f, v))
		counts->tied_is = TIED_UNKNOWN; /* it was, until the guest changed the kind */
	if (!route->was_tied || !vector_is_counted(r, f, v) ||
	    irq_function_nr_signals(fn->irq, v, &signals) < 0)
		return;
	tied = signals > routed ? signals - routed : 0;
	if (route->reader != TIED && !route->just_untied &&
	    (!route->settling || tied > counts->tied))
		return;
	route->just_untied = false;
	if (tied > counts->tied)
		atomic_store_explicit(&counts->last_ns, clock_ns(), memory_order_relaxed);
	atomic_store_explicit(&counts->tied, tied, memory_order_relaxed);
}

/*
 * The host counts from 0; how many signals there were before is what routers took and KVM took, and
 * what waited at the first look. That shows once it is delivered, as signals that are missing then.
 * What KVM took after the last look before the kind was changed is not known.
 */
static void recount_one(struct vector_routes *r, size_t f, unsigned v, unsigned epoch)
{
	const struct function_routes *fn = &r->functions[f];
	struct vector_counts *counts = &fn->irq->vectors[v];
	const uint64_t were = taken_by_routers(r, f, v) + counts->tied;
	uint64_t are;

	if (!fn->recount_looks) {
		if (irq_function_recount(fn->irq, v, were, epoch) == 0 && fn->vectors[v].was_tied)
			counts->tied_is = r->cfg.direct ? TIED_DIRECT : TIED_UNKNOWN;
	} else if (irq_function_is_counted(fn->irq, v) &&
		   irq_function_nr_signals(fn->irq, v, &are) == 0 && are < were) {
		counts->host_nr += were - are;
	}
}

bool tied_recount(struct vector_routes *r, size_t f, unsigned epoch)
{
	struct function_routes *fn = &r->functions[f];

	if (fn->recount_epoch != epoch)
		fn->recount_looks = 0;
	fn->recount_epoch = epoch;
	for (unsigned v = 0; v < fn->irq->nr_vectors; v++)
		recount_one(r, f, v, epoch);
	return ++fn->recount_looks > SETTLING_LOOKS;
}

/* The routers have stopped: what waits in the eventfd now is nobody's. */
void tied_count_at_end(struct vector_routes *r, size_t f)
{
	struct function_routes *fn = &r->functions[f];

	for (unsigned v = 0; v < fn->irq->nr_vectors; v++)
		irq_function_add_consumed(fn->irq, v, taken_by_routers(r, f, v));
	irq_function_forget(fn->irq);
	for (unsigned v = 0; v < fn->irq->nr_vectors; v++) {
		uint64_t tied;

		if (fn->vectors[v].was_tied && vector_is_counted(r, f, v) &&
		    irq_function_nr_signals(fn->irq, v, &tied) == 0)
			fn->irq->vectors[v].tied = tied;
	}
}

/* A tied vector of a device with a limit was over it since the last look. */
static bool is_over_limit(const struct policy *p, uint64_t came, uint64_t ns)
{
	return p->storm_rate &&
	       came > p->storm_burst + (uint64_t)((double)p->storm_rate * (double)ns / 1e9);
}

/* Of count interrupts since it is TIED, or to be tied. */
static void look_if_quiet(struct vector_routes *r, size_t f, unsigned v, uint64_t count,
			  uint64_t now)
{
	struct vector_route *route = &r->functions[f].vectors[v];

	if (route_asked(r, f, v) != ROUTE_AUTO ||
	    !calm_looked(&route->calm, &r->functions[f].irq->heat, count, now))
		return;
	route->warmth = QUIET;
	heat_forget(&route->heat);
}

static void look_at_tied(struct vector_routes *r, size_t f, unsigned v, uint64_t now)
{
	struct vector_route *route = &r->functions[f].vectors[v];
	const struct irq_function *irq = r->functions[f].irq;
	struct vector_counts *counts = &irq->vectors[v];
	uint64_t tied = counts->tied;

	if (!vector_is_counted(r, f, v))
		return;
	if (is_over_limit(&irq->policy, tied - route->looked_tied, now - route->looked_ns)) {
		atomic_fetch_add_explicit(&counts->storms, 1, memory_order_relaxed);
		route->storm_until_ns = now + STORM_NS;
		route->storms_then = counts->storms;
	}
	route->looked_ns = now;
	route->looked_tied = tied;
	look_if_quiet(r, f, v, tied, now);
}

/* A storm is over when its vector was not over its limit on uring, for as long. */
static void look_at_storm(struct vector_routes *r, size_t f, unsigned v, uint64_t now)
{
	struct vector_route *route = &r->functions[f].vectors[v];
	uint64_t storms = r->functions[f].irq->vectors[v].storms;

	if (now < route->storm_until_ns)
		return;
	route->storm_until_ns = storms == route->storms_then ? 0 : now + STORM_NS;
	route->storms_then = storms;
}

/*
 * A look takes the CPU from whoever has it. Ten in a second would be more than every hundredth
 * of a thousand interrupts, and were seen as their 99th percentile (tests/bench/RESULTS.md). So
 * only what may storm, or settles, is looked at that often.
 */
static uint64_t look_again_ns(const struct vector_route *route, const struct policy *policy)
{
	return policy->storm_rate || route->storm_until_ns || route->settling ? LOOK_SOON_NS
									      : HEAT_QUIET_NS;
}

uint64_t tied_look(struct vector_routes *r, size_t f, unsigned v, uint64_t now)
{
	struct vector_route *route = &r->functions[f].vectors[v];

	if (route->reader != TIED && !route->settling && !route->storm_until_ns &&
	    route->warmth != HOT)
		return 0;
	tied_count(r, f, v);
	if (route->settling)
		route->settling--;
	if (route->reader == TIED)
		look_at_tied(r, f, v, now);
	else if (route->storm_until_ns)
		look_at_storm(r, f, v, now);
	else if (route->next)
		look_if_quiet(r, f, v, r->functions[f].irq->vectors[v].taken, now);
	return look_again_ns(route, &r->functions[f].irq->policy);
}
