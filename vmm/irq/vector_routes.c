// SPDX-License-Identifier: MIT
/*
 * Routes: what others ask for, what the routers tell, and what follows. Who reads a vector's
 * eventfd is route_reader.c's.
 *
 * GSI routes are made once: the events of all functions are numbered one after the
 * other, and GSI n has the DeviceID and EventID of event n at the kernel ITS. A vector
 * gets the GSI of the event that its message names. Behind them are those of INTx (irq_line.h),
 * whose vectors are never tied: what KVM has instead is an eventfd that a router signals.
 *
 * A device's policy may say that a signal comes too early, or that there is a
 * storm: the router then parks the vector, whose signals stay in its eventfd, and
 * asks again. A vector that storms is also masked at the device, by the thread that
 * calls vector_routes_service(); it stays parked until it is unmasked there.
 *
 * What the device sends while it is being masked can be lost (the kernel takes the
 * event from the host's ITS), so an interrupt must follow the unmasking. The signal
 * that hit the limit does: it has waited in the eventfd.
 *
 * Choice: a masked vector that changes its route has handed that signal to its next
 * reader, and gets one signal of itsy's own when it is unmasked. A driver copes with
 * one interrupt too many; with one too few its device hangs.
 *
 * Lock: `lock`, around states; under it router.lock (router_arm()), mask_queue.lock,
 * kernel_its.lock (irq_function_direct()) and KVM's.
 */
#include "vmm/irq/vector_routes.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "vitsmod/gits.h"
#include "vmm/base/bits.h"
#include "vmm/base/clock.h"
#include "vmm/irq/irq_line.h"
#include "vmm/irq/vector_routes_priv.h"
#include "vmm/kvm/layout.h"

#define NS_PER_MS UINT64_C(1000000)

/* ---- what others ask for ------------------------------------------------------------- */

void vector_routes_review(struct vector_routes *r, size_t function, unsigned vector)
{
	assert(function < r->cfg.nr_functions);
	assert(vector < r->functions[function].irq->nr_vectors);

	pthread_mutex_lock(&r->lock);
	reader_review(r, function, vector);
	pthread_mutex_unlock(&r->lock);
}

void vector_routes_review_all(struct vector_routes *r)
{
	pthread_mutex_lock(&r->lock);
	for (size_t f = 0; f < r->cfg.nr_functions; f++)
		for (unsigned v = 0; v < r->functions[f].irq->nr_vectors; v++)
			reader_review(r, f, v);
	pthread_mutex_unlock(&r->lock);
}

/*
 * Before the kernel ITS hears of it. An irqfd of an event without a mapping loses what is
 * signalled, and nobody counts it; and on hosts with GICv4 the kernel has forgotten then that it
 * had given the event to the host's ITS, and warns as the irqfd goes
 * (kvm_vgic_v4_unset_forwarding()).
 */
void vector_routes_take_back(struct vector_routes *r, size_t function, uint32_t eventid)
{
	const struct function_routes *fn = &r->functions[function];
	bool has_routes = function < r->cfg.nr_functions;
	unsigned tied;

	assert(!has_routes || eventid < fn->irq->nr_events);

	pthread_mutex_lock(&r->lock);
	r->taken_back++;
	tied = has_routes ? fn->tied[eventid] : 0;
	if (tied) {
		reader_untie(r, function, tied - 1);
		reader_give(r, function, tied - 1);
	}
	pthread_mutex_unlock(&r->lock);
}

void vector_routes_taken_back(struct vector_routes *r, uint64_t nr)
{
	pthread_mutex_lock(&r->lock);
	assert(r->taken_back >= nr);
	r->taken_back -= nr;
	pthread_mutex_unlock(&r->lock);
}

void vector_routes_set(struct vector_routes *r, size_t function, unsigned vector, enum route route)
{
	struct vector_route *one;

	assert(function < r->cfg.nr_functions);
	assert(vector < r->functions[function].irq->nr_vectors);
	assert(route < NR_ROUTES);

	pthread_mutex_lock(&r->lock);
	one = &r->functions[function].vectors[vector];
	one->warmth = COOL;
	heat_forget(&one->heat);
	one->refused = false;
	one->storm_until_ns = 0;
	atomic_store(&r->functions[function].irq->vectors[vector].route, (uint8_t)route);
	reader_review(r, function, vector);
	pthread_mutex_unlock(&r->lock);
}

struct route_state vector_routes_get(struct vector_routes *r, size_t function, unsigned vector)
{
	const struct vector_route *route = &r->functions[function].vectors[vector];
	const struct vector_counts *counts = &r->functions[function].irq->vectors[vector];
	struct route_state state;

	pthread_mutex_lock(&r->lock);
	state = (struct route_state){
		.asked = route_asked(r, function, vector),
		.is = route->reader == TIED ? ROUTE_IRQFD : (enum route)route->router,
		.changing = route->reader == LEAVING,
		.why = (enum route_why)counts->why,
		.since_ns = counts->since_ns,
	};
	pthread_mutex_unlock(&r->lock);
	return state;
}

void vector_routes_count(struct vector_routes *r, size_t function, unsigned vector)
{
	assert(function < r->cfg.nr_functions);
	assert(vector < r->functions[function].irq->nr_vectors);

	pthread_mutex_lock(&r->lock);
	tied_count(r, function, vector);
	pthread_mutex_unlock(&r->lock);
}

bool vector_routes_recount(struct vector_routes *r, size_t function, struct vfio_irq_counts *counts,
			   unsigned epoch)
{
	struct irq_function *irq = r->functions[function].irq;
	bool done;

	pthread_mutex_lock(&r->lock);
	irq->host_counts = counts;
	done = tied_recount(r, function, epoch);
	if (done)
		irq->counts_epoch = epoch;
	for (unsigned v = 0; done && v < irq->nr_vectors; v++)
		reader_review(r, function, v);
	pthread_mutex_unlock(&r->lock);
	return done;
}

/* ---- what the routers tell --------------------------------------------------------- */

static void add(_Atomic uint64_t *counter, uint64_t nr)
{
	atomic_fetch_add_explicit(counter, nr, memory_order_relaxed);
}

static uint64_t begin_storm(struct function_routes *fn, unsigned vector, uint64_t until)
{
	add(&fn->irq->vectors[vector].storms, 1);
	fn->vectors[vector].storms = true;
	if (irq_function_can_mask(fn->irq))
		(void)mask_queue_want(fn->all->mask_queue, fn->first_source + vector, true);
	return until;
}

static uint64_t ask_policy(struct function_routes *fn, unsigned vector, uint64_t signals)
{
	struct vector_route *route = &fn->vectors[vector];
	struct vector_counts *counts = &fn->irq->vectors[vector];
	uint64_t until;

	if (route->storms &&
	    !mask_queue_want(fn->all->mask_queue, fn->first_source + vector, false))
		return ROUTER_PARKED;
	switch (policy_ask(&fn->irq->policy, &route->policy, clock_ns(), &until)) {
	case POLICY_HOLD:
		return until;
	case POLICY_STORM:
		return begin_storm(fn, vector, until);
	default:
		add(route->storms ? &counts->storm_merged : &counts->coalesced, signals - 1);
		route->storms = false;
		irq_function_signalled(fn->irq, vector);
		return 0;
	}
}

static void is_hot_now(struct function_routes *fn, unsigned vector)
{
	struct vector_routes *r = fn->all;
	size_t f = (size_t)(fn - r->functions);

	pthread_mutex_lock(&r->lock);
	if (route_asked(r, f, vector) == ROUTE_AUTO) {
		fn->vectors[vector].warmth = HOT;
		reader_review(r, f, vector);
		tied_watch(r);
	}
	pthread_mutex_unlock(&r->lock);
}

/* An interrupt of a vector without limits has passed: may the next ones be the kernel's? */
static void passed(struct function_routes *fn, unsigned vector, uint64_t now)
{
	struct vector_route *route = &fn->vectors[vector];
	const struct vector_counts *counts = &fn->irq->vectors[vector];
	uint8_t asked = atomic_load_explicit(&counts->route, memory_order_relaxed);

	if (asked == ROUTE_AUTO) {
		if (atomic_load_explicit(&route->warmth, memory_order_relaxed) != HOT &&
		    heat_took(&route->heat, &fn->irq->heat, now))
			is_hot_now(fn, vector);
	} else if (asked == ROUTE_IRQFD &&
		   atomic_load_explicit(&counts->why, memory_order_relaxed) == ROUTE_WHY_HELD) {
		/* Nobody tells that its event is mapped again. */
		vector_routes_review(fn->all, (size_t)(fn - fn->all->functions), vector);
	}
}

static bool leave_with_signal(struct function_routes *fn, unsigned vector)
{
	struct vector_routes *r = fn->all;
	bool leaves;

	pthread_mutex_lock(&r->lock);
	leaves = reader_leave(r, (size_t)(fn - r->functions), vector);
	pthread_mutex_unlock(&r->lock);
	return leaves;
}

static uint64_t signalled(void *ctx, unsigned vector, uint64_t signals)
{
	struct function_routes *fn = ctx;

	assert(signals > 0);
	if (atomic_load_explicit(&fn->vectors[vector].next, memory_order_relaxed) &&
	    leave_with_signal(fn, vector))
		return ROUTER_PARKED;
	if (!policy_is_off(&fn->irq->policy))
		return ask_policy(fn, vector, signals);
	passed(fn, vector, irq_function_signalled(fn->irq, vector));
	return 0;
}

static void disarmed(void *ctx, unsigned vector)
{
	struct function_routes *fn = ctx;
	struct vector_routes *r = fn->all;

	pthread_mutex_lock(&r->lock);
	assert(fn->vectors[vector].reader == LEAVING);
	/*
	 * Its signals are its next reader's. No router asks any more whether a storm is over,
	 * so that what is masked at the device is unmasked now.
	 */
	if (!mask_queue_want(r->mask_queue, fn->first_source + vector, false))
		fn->vectors[vector].signal_at_unmask = true;
	if (!r->closing)
		reader_give(r, (size_t)(fn - r->functions), vector);
	pthread_mutex_unlock(&r->lock);
}

static void failed(void *ctx, const char *why)
{
	const struct vector_routes *r = ctx;

	r->cfg.failed(r->cfg.ctx, why);
}

static const struct router_ops router_ops = {
	.signalled = signalled,
	.disarmed = disarmed,
	.failed = failed,
};

/* ---- at the device ------------------------------------------------------------------- */

static struct function_routes *function_of_source(const struct vector_routes *r, size_t source,
						  unsigned *ret_vector)
{
	size_t f = r->cfg.nr_functions - 1;

	/* From the last one down: a function without vectors begins where the next one does. */
	while (r->functions[f].first_source > source)
		f--;
	*ret_vector = (unsigned)(source - r->functions[f].first_source);
	return &r->functions[f];
}

static int mask_at_device(void *ctx, size_t source, bool mask)
{
	struct vector_routes *r = ctx;
	unsigned v;
	struct irq_function *irq = function_of_source(r, source, &v)->irq;
	int err = irq_function_mask(irq, v, mask);

	if (!err && mask)
		add(&irq->vectors[v].storm_masked, 1);
	/* Where masking fails, the storm costs the host time; the guest's vector is parked. */
	if (err < 0 && !mask) {
		report_warning("%s: vector %u: its interrupts cannot be unmasked (%s)", irq->name,
			       v, strerror(-err));
		r->cfg.failed(r->cfg.ctx, "VFIO refuses to unmask an interrupt that it had masked");
	}
	return err;
}

static void unmasked(void *ctx, size_t source)
{
	struct vector_routes *r = ctx;
	unsigned v;
	struct function_routes *fn = function_of_source(r, source, &v);
	bool signal;

	pthread_mutex_lock(&r->lock);
	signal = fn->vectors[v].signal_at_unmask;
	fn->vectors[v].signal_at_unmask = false;
	pthread_mutex_unlock(&r->lock);
	if (signal) {
		add(&fn->irq->vectors[v].storm_released, 1);
		irq_function_resend(fn->irq, v);
	}
	for (unsigned i = 0; i < NR_ROUTERS; i++)
		router_unpark(r->routers[i], source);
}

static void wake_up(void *ctx)
{
	vector_routes_wake_up(ctx);
}

static const struct mask_queue_ops mask_queue_ops = {
	.mask = mask_at_device,
	.unmasked = unmasked,
	.wake_up = wake_up,
};

/* ---- looking at tied vectors ---------------------------------------------------------- */

static uint64_t look_at(struct vector_routes *r, size_t f, unsigned v, uint64_t now)
{
	uint64_t again_ns;

	pthread_mutex_lock(&r->lock);
	again_ns = tied_look(r, f, v, now);
	if (again_ns)
		reader_review(r, f, v);
	pthread_mutex_unlock(&r->lock);
	return again_ns;
}

/* Is it time for a look? If not, what comes from now on is told by r->watching. */
static bool begin_look(struct vector_routes *r, uint64_t now)
{
	bool due;

	pthread_mutex_lock(&r->lock);
	due = r->watching && now >= r->next_look_ns;
	if (due)
		r->watching = false;
	pthread_mutex_unlock(&r->lock);
	return due;
}

/* The next one is after ns, 0: never; but soon, if something was new meanwhile. */
static void end_look(struct vector_routes *r, uint64_t now, uint64_t ns)
{
	pthread_mutex_lock(&r->lock);
	if (r->watching && (!ns || ns > LOOK_SOON_NS))
		ns = LOOK_SOON_NS;
	r->watching = ns;
	r->next_look_ns = now + ns;
	pthread_mutex_unlock(&r->lock);
}

static void look_at_all(struct vector_routes *r, uint64_t now)
{
	uint64_t nr = 0, soonest = 0;

	for (size_t f = 0; f < r->cfg.nr_functions; f++)
		for (unsigned v = 0; v < r->functions[f].irq->nr_vectors; v++) {
			uint64_t again_ns = look_at(r, f, v, now);

			nr += again_ns != 0;
			if (again_ns && (!soonest || again_ns < soonest))
				soonest = again_ns;
		}
	/* Of many, a look at one takes place at most a thousand times a second. */
	end_look(r, now, nr * NS_PER_MS > soonest ? nr * NS_PER_MS : soonest);
}

/* In ms, until it is to be called again; -1: not before somebody asks for it. */
static int ms_to_next_look(struct vector_routes *r, uint64_t now)
{
	int ms = -1;

	pthread_mutex_lock(&r->lock);
	if (r->watching)
		ms = r->next_look_ns > now ? (int)((r->next_look_ns - now) / NS_PER_MS) + 1 : 0;
	pthread_mutex_unlock(&r->lock);
	return ms;
}

int vector_routes_service(struct vector_routes *r)
{
	uint64_t now;

	mask_queue_service(r->mask_queue);
	now = clock_ns();
	if (begin_look(r, now))
		look_at_all(r, now);
	return ms_to_next_look(r, now);
}

/* ---- set-up -------------------------------------------------------------------------- */

static void vector_routes_destroyp(struct vector_routes **r)
{
	vector_routes_destroy(*r);
}

static int number_functions(struct vector_routes *r)
{
	for (size_t f = 0; f < r->cfg.nr_functions; f++) {
		struct function_routes *fn = &r->functions[f];
		const struct irq_function *irq = r->cfg.functions[f];

		fn->all = r;
		fn->irq = r->cfg.functions[f];
		fn->first_source = r->nr_sources;
		fn->first_gsi = (uint32_t)r->nr_gsis;
		r->nr_sources += irq->nr_vectors;
		r->nr_gsis += irq->nr_events;
		fn->vectors = calloc(irq->nr_vectors ? irq->nr_vectors : 1, sizeof(*fn->vectors));
		fn->tied = calloc(irq->nr_events ? irq->nr_events : 1, sizeof(*fn->tied));
		if (!fn->vectors || !fn->tied)
			return -ENOMEM;
	}
	/* Choice: events beyond what KVM's table holds have no GSI, and go by uring. */
	r->nr_line_gsis = irq_lines_nr_gsis(r->cfg.functions, r->cfg.nr_functions);
	if (r->nr_gsis > VM_MAX_ROUTES - r->nr_line_gsis)
		r->nr_gsis = VM_MAX_ROUTES - r->nr_line_gsis;
	return 0;
}

static int set_gsis(const struct vector_routes *r)
{
	const size_t nr = r->nr_gsis + r->nr_line_gsis;
	_cleanup_free_ struct vm_route *gsis = calloc(nr ? nr : 1, sizeof(*gsis));

	if (!gsis)
		return -ENOMEM;
	for (size_t f = 0; f < r->cfg.nr_functions; f++) {
		uint32_t first = r->functions[f].first_gsi;

		for (uint32_t e = 0; e < r->functions[f].irq->nr_events && first + e < r->nr_gsis;
		     e++)
			gsis[first + e] = (struct vm_route){
				.address = LAYOUT_KERNEL_ITS_FRAME + GITS_TRANSLATER,
				.devid = kernel_its_devid(f, e),
				.eventid = kernel_its_eventid(e),
			};
	}
	if (r->nr_line_gsis)
		irq_lines_routes(gsis + r->nr_gsis);
	return nr ? vm_set_routes(r->cfg.vm, gsis, nr) : 0;
}

static int tie_lines(struct vector_routes *r)
{
	int err = irq_lines_tie(r->cfg.vm, r->cfg.functions, r->cfg.nr_functions,
				(uint32_t)r->nr_gsis);

	r->has_lines = err >= 0;
	return err;
}

static int start_routers(struct vector_routes *r, struct failure *ret_failure)
{
	_cleanup_free_ struct router_source *sources =
		calloc(r->nr_sources ? r->nr_sources : 1, sizeof(*sources));
	const struct placement *placements[NR_ROUTERS] = { r->cfg.placement,
							   r->cfg.spin_placement };
	size_t at = 0;

	if (!sources)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, ENOMEM, "router", NULL,
				   "out of memory");
	for (size_t f = 0; f < r->cfg.nr_functions; f++)
		for (unsigned v = 0; v < r->functions[f].irq->nr_vectors; v++)
			sources[at++] = (struct router_source){
				irq_function_eventfd(r->functions[f].irq, v), &r->functions[f], v
			};
	for (unsigned i = 0; i < NR_ROUTERS; i++) {
		const struct router_config config = {
			.sources = sources,
			.nr_sources = r->nr_sources,
			.ctx = r,
			.ops = &router_ops,
			.spin = i == ROUTE_SPIN,
			.placement = placements[i],
			.confine = r->cfg.confine,
		};
		int err = router_create(&config, &r->routers[i], ret_failure);

		if (err < 0)
			return err;
	}
	return 0;
}

int vector_routes_create(const struct vector_routes_config *config,
			 struct vector_routes **ret_routes, struct failure *ret_failure)
{
	_cleanup_(vector_routes_destroyp) struct vector_routes *r = calloc(1, sizeof(*r));
	int err = -ENOMEM;

	if (r) {
		r->cfg = *config;
		pthread_mutex_init(&r->lock, NULL);
		r->functions = calloc(config->nr_functions ? config->nr_functions : 1,
				      sizeof(*r->functions));
		err = r->functions ? number_functions(r) : -ENOMEM;
	}
	if (err >= 0)
		err = mask_queue_create(r->nr_sources, &mask_queue_ops, r, &r->mask_queue);
	if (err >= 0)
		err = set_gsis(r);
	if (err >= 0)
		err = tie_lines(r);
	if (err < 0)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, -err, "interrupt routes",
				   failure_cure(-err, CURE_KERNEL_LOG), "cannot be made (%s)",
				   strerror(-err));
	err = start_routers(r, ret_failure);
	if (err < 0)
		return err;

	pthread_mutex_lock(&r->lock);
	for (size_t f = 0; f < config->nr_functions; f++)
		for (unsigned v = 0; v < r->functions[f].irq->nr_vectors; v++)
			reader_give(r, f, v);
	pthread_mutex_unlock(&r->lock);
	*ret_routes = TAKE_PTR(r);
	return 0;
}

/* The irqfds go first, then what the routers have seen is delivered. */
void vector_routes_destroy(struct vector_routes *r)
{
	if (!r)
		return;
	pthread_mutex_lock(&r->lock);
	r->closing = true;
	for (size_t f = 0; r->routers[0] && f < r->cfg.nr_functions; f++)
		for (unsigned v = 0; v < r->functions[f].irq->nr_vectors; v++)
			if (r->functions[f].vectors[v].reader == TIED)
				reader_untie(r, f, v);
	pthread_mutex_unlock(&r->lock);
	for (unsigned i = 0; i < NR_ROUTERS && r->routers[NR_ROUTERS - 1]; i++)
		router_stop(r->routers[i]);
	for (size_t f = 0; r->routers[NR_ROUTERS - 1] && f < r->cfg.nr_functions; f++)
		tied_count_at_end(r, f);
	for (unsigned i = 0; i < NR_ROUTERS; i++)
		router_destroy(r->routers[i]);
	for (size_t f = 0; r->has_lines && f < r->cfg.nr_functions; f++)
		irq_lines_untie(r->cfg.vm, &r->functions[f].irq, 1, (uint32_t)r->nr_gsis);
	mask_queue_destroy(r->mask_queue);
	for (size_t f = 0; r->functions && f < r->cfg.nr_functions; f++) {
		free(r->functions[f].vectors);
		free(r->functions[f].tied);
	}
	free(r->functions);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

enum router_engine vector_routes_engine(const struct vector_routes *r)
{
	return router_engine(r->routers[ROUTE_URING]);
}

void vector_routes_stats_get(struct vector_routes *r, struct router_stats *ret_stats)
{
	*ret_stats = (struct router_stats){ 0 };
	for (unsigned i = 0; i < NR_ROUTERS; i++) {
		struct router_stats one;

		router_stats_get(r->routers[i], &one);
		ret_stats->reaps += one.reaps;
		ret_stats->completions += one.completions;
		ret_stats->rearmed += one.rearmed;
		ret_stats->parked += one.parked;
	}
}
