// SPDX-License-Identifier: MIT
/*
 * Who reads a vector's eventfd.
 *
 * It always has one reader: a router's poll, or KVM (an irqfd).
 *
 *     POLLED(r) --router_disarm--> LEAVING(r) --disarmed--> POLLED(r') or TIED
 *     TIED --untie--> POLLED(r)
 *
 * Between two readers a signal waits in the eventfd's counter, and the next reader, a
 * poll or an irqfd, looks at the counter first. A vector is untied on the spot, by
 * the vCPU that masks it for example, since KVM waits for injections that
 * are under way; it is tied by the router's thread, which knows when the last
 * signal that it has seen is delivered.
 *
 * A vector is tied together with a signal: the router does not deliver it but leaves it in the
 * counter, for KVM. KVM looks at the counter while it takes an eventfd, and is woken up by whoever
 * signals it meanwhile (kvm_irqfd_assign(), irqfd_wakeup()): of one signal that came in this very
 * moment it could make two interrupts. Where another one waits there already, two are what was
 * signalled. So a vector that is to be tied stays POLLED, with `next` set, until its next signal.
 * (The router's polls have a remedy of their own: router_source.h, SETTLING.)
 *
 * On hosts with GICv4, tying and untying has the kernel take the event from the host's ITS
 * and map it anew (its_vlpi_map(), its_vlpi_unmap()), and what the device sends in between is
 * dropped: a signal of itsy's own follows.
 *
 * No locks of its own.
 */
#include <assert.h>

#include "vmm/base/clock.h"
#include "vmm/irq/vector_routes_priv.h"

static int eventfd_of(const struct vector_routes *r, size_t f, unsigned v)
{
	return irq_function_eventfd(r->functions[f].irq, v);
}

/* The vector's eventfd has a reader now: that is its route, for all who look. */
static void set_place(struct vector_routes *r, size_t f, unsigned v, enum route on)
{
	struct vector_counts *counts = &r->functions[f].irq->vectors[v];

	if (counts->on != on || !counts->since_ns)
		counts->since_ns = clock_ns();
	counts->on = (uint8_t)on;
}

/* It is a router's, and if it is to be tied, that needs its next signal. */
static void stays_polled(struct vector_routes *r, size_t f, unsigned v, const struct wanted *w)
{
	struct vector_route *route = &r->functions[f].vectors[v];

	if (w->tied && !route->next)
		route->calm = (struct calm){ 0 };
	route->next = w->tied;
	r->functions[f].irq->vectors[v].why = w->tied ? ROUTE_WHY_NEXT : w->why;
}

static void arm(struct vector_routes *r, size_t f, unsigned v, const struct wanted *w)
{
	struct vector_route *route = &r->functions[f].vectors[v];

	route->reader = POLLED;
	route->router = w->router;
	stays_polled(r, f, v, w);
	set_place(r, f, v, (enum route)w->router);
	router_arm(r->routers[w->router], r->functions[f].first_source + v);
}

static void is_tied_now(struct vector_routes *r, size_t f, unsigned v, const struct wanted *w)
{
	const struct function_routes *fn = &r->functions[f];
	struct vector_route *route = &fn->vectors[v];
	struct vector_counts *counts = &fn->irq->vectors[v];

	route->reader = TIED;
	route->gsi = w->gsi;
	fn->tied[w->gsi - fn->first_gsi] = (uint16_t)(v + 1);
	route->next = false;
	set_place(r, f, v, ROUTE_IRQFD);
	counts->why = w->why;
	route->was_tied = true;
	route->settling = route->rebased = false;
	route->soon_looks = 0;
	route->calm = (struct calm){ 0 };
	route->looked_ns = counts->since_ns;
	route->looked_tied = counts->tied;
	counts->ties++;
	irq_function_note_target(fn->irq, v);
	if (!vector_is_counted(r, f, v))
		counts->tied_is = r->cfg.direct ? TIED_DIRECT : TIED_UNKNOWN;
	tied_watch(r);
	if (r->cfg.direct)
		irq_function_resend(fn->irq, v);
}

void reader_give(struct vector_routes *r, size_t f, unsigned v)
{
	struct vector_route *route = &r->functions[f].vectors[v];
	struct wanted w = route_choose(r, f, v);
	bool has_signal = route->has_signal;

	route->has_signal = false;
	if (!w.tied || !has_signal) {
		arm(r, f, v, &w);
		return;
	}
	tied_merge(r, f, v);
	if (vm_irqfd(r->cfg.vm, eventfd_of(r, f, v), w.gsi, true) == 0) {
		is_tied_now(r, f, v, &w);
		return;
	}
	/* The host lacks some resource: the vector stays with the router. */
	route->refused = true;
	w = route_choose(r, f, v);
	arm(r, f, v, &w);
}

void reader_untie(struct vector_routes *r, size_t f, unsigned v)
{
	struct vector_route *route = &r->functions[f].vectors[v];
	int err = vm_irqfd(r->cfg.vm, eventfd_of(r, f, v), route->gsi, false);

	assert(!err); /* it cannot fail for an eventfd that is tied */
	r->functions[f].tied[route->gsi - r->functions[f].first_gsi] = 0;
	tied_settles(route);
	if (r->cfg.direct)
		irq_function_resend(r->functions[f].irq, v);
	tied_watch(r);
}

/* Until disarmed() says that it has. */
static void leave_router(struct vector_routes *r, size_t f, unsigned v)
{
	struct vector_route *route = &r->functions[f].vectors[v];

	route->reader = LEAVING;
	router_disarm(r->routers[route->router], r->functions[f].first_source + v);
}

/* A vector that the guest masks now and then is not worth tying: that costs each time. */
static void cool_if_held(struct vector_routes *r, size_t f, unsigned v)
{
	struct vector_route *route = &r->functions[f].vectors[v];
	uint32_t ignored;

	if (route_asked(r, f, v) != ROUTE_AUTO ||
	    irq_function_direct(r->functions[f].irq, v, &ignored))
		return;
	route->warmth = COOL;
	heat_forget(&route->heat);
}

void reader_review(struct vector_routes *r, size_t f, unsigned v)
{
	struct vector_route *route = &r->functions[f].vectors[v];
	struct wanted w;

	if (r->closing)
		return; /* the routers go, one after the other */
	cool_if_held(r, f, v);
	w = route_choose(r, f, v);
	switch (route->reader) {
	case POLLED:
		if (w.tied || w.router == route->router) {
			stays_polled(r, f, v, &w);
			return;
		}
		route->next = false;
		leave_router(r, f, v);
		return;
	case TIED:
		if (w.tied && w.gsi == route->gsi) {
			r->functions[f].irq->vectors[v].why = w.why;
			return;
		}
		reader_untie(r, f, v);
		reader_give(r, f, v);
		return;
	default:
		return; /* disarmed() decides */
	}
}

bool reader_leave(struct vector_routes *r, size_t f, unsigned v)
{
	struct vector_route *route = &r->functions[f].vectors[v];
	struct wanted w;

	if (route->reader == POLLED && !r->closing) {
		w = route_choose(r, f, v);
		stays_polled(r, f, v, &w);
		if (w.tied) {
			route->has_signal = true;
			leave_router(r, f, v);
		}
	}
	/* Here again before it was disarmed, when it was unparked: it still has its signal. */
	return route->has_signal;
}
