// SPDX-License-Identifier: MIT
/*
 * How many interrupts KVM took of a vector by itself, and what follows from that.
 *
 * What KVM takes of a tied vector, no thread of ours sees. The host counts the interrupts
 * of VFIO's vector all the same; from that number and those of the routers follows what
 * KVM has taken: signals - what routers took - what waits in the eventfd. While the vector is
 * tied nothing waits there, and this is exact but for what is just under way. When it
 * was untied, what came since then is the next router's; how much that is shows once it was
 * delivered, and can only make the first answer smaller. So the smallest answer counts until the
 * vector is tied again, and it is looked at until an answer is known to be the last one: since then
 * the routers have dealt with all that had been signalled, and found nothing of this vector. They
 * may be late with that, where they get no CPU.
 *
 * Signals that share a completion show when the poll has ended, and are put back for the next
 * reader. But KVM makes one interrupt of all that waits in an eventfd that it gets: what is more
 * than one there, it did not take (tied_merge()).
 *
 * When the guest changes to another kind of interrupt, the host begins to count anew, of other
 * interrupts. No vector is tied then until its count goes on from where it was, for which the
 * routers must have taken what had waited: that was counted by those of before.
 *
 * No locks of its own.
 */
#include <sys/eventfd.h>

#include "vmm/base/clock.h"
#include "vmm/irq/vector_routes_priv.h"

#define STORM_NS UINT64_C(1000000000)
/* As router.h has it. */
#define ANSWER_ROUNDS 3u

static uint64_t taken_by_routers(const struct vector_routes *r, size_t f, unsigned v)
{
	uint64_t nr = 0;

	for (unsigned i = 0; i < NR_ROUTERS; i++)
		nr += router_signals(r->routers[i], r->functions[f].first_source + v);
	return nr;
}

static void ask_routers(const struct vector_routes *r, struct rounds *rounds)
{
	for (unsigned i = 0; i < NR_ROUTERS; i++) {
		rounds->since[i] = router_rounds(r->routers[i]);
		router_wake(r->routers[i]);
	}
}

/* What was signalled before they were asked, and is not parked, they have taken. */
static bool routers_have_answered(const struct vector_routes *r, const struct rounds *rounds)
{
	bool all = true;

	for (unsigned i = 0; i < NR_ROUTERS; i++) {
		if (router_rounds(r->routers[i]) - rounds->since[i] >= ANSWER_ROUNDS)
			continue;
		router_wake(r->routers[i]);
		all = false;
	}
	return all;
}

void tied_merge(struct vector_routes *r, size_t f, unsigned v)
{
	struct irq_function *irq = r->functions[f].irq;
	const int fd = irq_function_eventfd(irq, v);
	eventfd_t waiting;

	if (eventfd_read(fd, &waiting) < 0)
		return;
	(void)eventfd_write(fd, 1);
	irq_function_add_consumed(irq, v, waiting - 1);
}

void tied_settles(struct vector_route *route)
{
	route->just_untied = route->settling = true;
	route->asked = false;
	route->soon_looks = SOON_LOOKS;
}

/* No router has more than was signalled, so that what is missing was signalled before. */
static void count_missing(struct vector_counts *counts, uint64_t were, uint64_t are)
{
	if ((int64_t)(were - are) > 0)
		counts->host_nr += were - are;
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
	if ((!route->was_tied && !route->rebased) || irq_function_recounts(fn->irq) ||
	    !vector_is_counted(r, f, v) || irq_function_nr_signals(fn->irq, v, &signals) < 0)
		return;
	if (route->rebased) {
		count_missing(counts, routed + counts->tied, signals);
		return;
	}
	tied = signals > routed ? signals - routed : 0;
	if (route->reader != TIED && !route->just_untied && tied > counts->tied)
		return;
	route->just_untied = false;
	if (tied > counts->tied) {
		atomic_store_explicit(&counts->last_ns, clock_ns(), memory_order_relaxed);
		irq_function_note_target(fn->irq, v);
	}
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
	struct vector_route *route = &fn->vectors[v];
	struct vector_counts *counts = &fn->irq->vectors[v];
	const uint64_t were = taken_by_routers(r, f, v) + counts->tied;
	uint64_t are;

	if (!fn->recounting) {
		route->settling = false;
		route->rebased = irq_function_recount(fn->irq, v, were, epoch) == 0;
		if (route->rebased && route->was_tied)
			counts->tied_is = r->cfg.direct ? TIED_DIRECT : TIED_UNKNOWN;
	} else if (irq_function_is_counted(fn->irq, v) &&
		   irq_function_nr_signals(fn->irq, v, &are) == 0) {
		count_missing(counts, were, are);
	}
}

bool tied_recount(struct vector_routes *r, size_t f, unsigned epoch)
{
	struct function_routes *fn = &r->functions[f];
	bool answered;

	if (fn->recount_epoch != epoch)
		fn->recounting = false;
	fn->recount_epoch = epoch;
	answered = fn->recounting && routers_have_answered(r, &fn->rounds);
	for (unsigned v = 0; v < fn->irq->nr_vectors; v++)
		recount_one(r, f, v, epoch);
	if (!fn->recounting)
		ask_routers(r, &fn->rounds);
	fn->recounting = true;
	return answered;
}

/* The routers have stopped: what waits in the eventfd now is nobody's. */
void tied_count_at_end(struct vector_routes *r, size_t f)
{
	struct function_routes *fn = &r->functions[f];

	for (unsigned v = 0; v < fn->irq->nr_vectors; v++)
		irq_function_add_consumed(fn->irq, v, taken_by_routers(r, f, v));
	irq_function_forget(fn->irq);
	for (unsigned v = 0; v < fn->irq->nr_vectors; v++) {
		const struct vector_route *route = &fn->vectors[v];
		struct vector_counts *counts = &fn->irq->vectors[v];
		uint64_t tied;

		if ((!route->was_tied && !route->rebased) || !vector_is_counted(r, f, v) ||
		    irq_function_nr_signals(fn->irq, v, &tied) < 0)
			continue;
		if (route->rebased)
			count_missing(counts, counts->tied, tied);
		else
			counts->tied = tied;
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
	return policy->storm_rate || route->storm_until_ns || route->soon_looks ? LOOK_SOON_NS
										: HEAT_QUIET_NS;
}

/*
 * It was counted, and until before that routers had taken so many of it. Where they have taken as
 * many at a later look, after all that was signalled until this one, nothing waited at this one.
 */
static void look_if_settled(const struct vector_routes *r, size_t f, unsigned v, uint64_t routed)
{
	struct vector_route *route = &r->functions[f].vectors[v];

	if (route->soon_looks)
		route->soon_looks--;
	if (route->reader == POLLED && route->asked && route->asked_routed == routed) {
		if (!routers_have_answered(r, &route->rounds))
			return;
		if (taken_by_routers(r, f, v) == routed) {
			route->settling = false;
			route->soon_looks = 0;
			return;
		}
	}
	/* Between two routers what waits is nobody's. */
	route->asked = route->reader == POLLED;
	route->asked_routed = routed;
	ask_routers(r, &route->rounds);
}

void tied_watch(struct vector_routes *r)
{
	uint64_t soon = clock_ns() + LOOK_SOON_NS;

	if (r->watching && r->next_look_ns <= soon)
		return;
	if (r->watching)
		r->next_look_ns = soon;
	r->watching = true;
	vector_routes_wake_up(r);
}

uint64_t tied_look(struct vector_routes *r, size_t f, unsigned v, uint64_t now)
{
	struct vector_route *route = &r->functions[f].vectors[v];
	const uint64_t routed = taken_by_routers(r, f, v);

	if (route->reader != TIED && !route->settling && !route->storm_until_ns &&
	    route->warmth != HOT)
		return 0;
	tied_count(r, f, v);
	if (route->settling)
		look_if_settled(r, f, v, routed);
	if (route->reader == TIED)
		look_at_tied(r, f, v, now);
	else if (route->storm_until_ns)
		look_at_storm(r, f, v, now);
	else if (route->next)
		look_if_quiet(r, f, v, r->functions[f].irq->vectors[v].taken, now);
	return look_again_ns(route, &r->functions[f].irq->policy);
}
