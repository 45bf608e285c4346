// SPDX-License-Identifier: MIT
/*
 * Which route a vector should be on, and why. No locks of its own.
 */
#include "vmm/base/bits.h"
#include "vmm/base/probes.h"
#include "vmm/irq/vector_routes_priv.h"

/* A vector that might be tied. */
struct candidate {
	const struct vector_routes *all;
	const struct function_routes *fn;
	const struct vector_route *route;
	unsigned vector;
	bool direct; /* irq_function_direct(), and then its event */
	uint32_t eventid;
};

static bool is_intx(const struct candidate *c)
{
	const struct irq_line *line = &c->fn->irq->line;

	return line->pin && c->vector == line->vector;
}

static bool has_limits(const struct candidate *c)
{
	return !policy_is_off(&c->fn->irq->policy);
}

static bool would_be_uncounted(const struct candidate *c)
{
	return !c->fn->irq->tie_uncounted &&
	       (c->all->cfg.direct || !irq_function_is_counted(c->fn->irq, c->vector));
}

static bool is_recounted(const struct candidate *c)
{
	return irq_function_recounts(c->fn->irq);
}

static bool is_cool(const struct candidate *c)
{
	return c->route->warmth == COOL;
}

static bool is_quiet(const struct candidate *c)
{
	return c->route->warmth == QUIET;
}

static bool is_recorded(const struct candidate *c)
{
	return irq_function_records(c->fn->irq);
}

static bool is_probed(const struct candidate *c)
{
	(void)c;
	return probes_of_interrupts_are_on();
}

static bool was_a_storm(const struct candidate *c)
{
	return c->route->storm_until_ns;
}

static bool is_held(const struct candidate *c)
{
	return !c->direct || c->all->taken_back;
}

static bool has_no_gsi(const struct candidate *c)
{
	unsigned has;

	if (c->eventid >= c->fn->irq->nr_events || c->fn->first_gsi + c->eventid >= c->all->nr_gsis)
		return true;
	has = c->fn->tied[c->eventid];
	return has && has != c->vector + 1;
}

static bool was_refused(const struct candidate *c)
{
	return c->route->refused;
}

/* What keeps a vector that might be tied on uring: the first that holds is told. */
static const struct {
	enum route_why why;
	bool of_irqfd; /* and not of auto alone */
	bool (*holds)(const struct candidate *c);
} reasons[] = {
	{ ROUTE_WHY_INTX, true, is_intx },
	{ ROUTE_WHY_UNCOUNTED, true, is_recounted },
	{ ROUTE_WHY_LIMITS, false, has_limits },
	{ ROUTE_WHY_UNCOUNTED, false, would_be_uncounted },
	{ ROUTE_WHY_COOL, false, is_cool },
	{ ROUTE_WHY_QUIET, false, is_quiet },
	{ ROUTE_WHY_HISTOGRAM, false, is_recorded },
	{ ROUTE_WHY_PROBE, false, is_probed },
	{ ROUTE_WHY_STORM, true, was_a_storm },
	{ ROUTE_WHY_HELD, true, is_held },
	{ ROUTE_WHY_NO_GSI, true, has_no_gsi },
	{ ROUTE_WHY_REFUSED, true, was_refused },
};

struct wanted route_choose(const struct vector_routes *r, size_t f, unsigned v)
{
	const struct function_routes *fn = &r->functions[f];
	const enum route asked = route_asked(r, f, v);
	struct candidate c = { .all = r, .fn = fn, .route = &fn->vectors[v], .vector = v };

	if (asked == ROUTE_SPIN || asked == ROUTE_URING)
		return (struct wanted){ .router = (uint8_t)asked, .why = ROUTE_WHY_ASKED };
	c.direct = irq_function_direct(fn->irq, v, &c.eventid);
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if ((asked == ROUTE_AUTO || reasons[i].of_irqfd) && reasons[i].holds(&c))
			return (struct wanted){ .router = ROUTE_URING,
						.why = (uint8_t)reasons[i].why };
	return (struct wanted){
		.tied = true,
		.gsi = fn->first_gsi + c.eventid,
		.why = asked == ROUTE_AUTO ? ROUTE_WHY_HOT : ROUTE_WHY_ASKED,
	};
}
