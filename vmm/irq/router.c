// SPDX-License-Identifier: MIT
/*
 * The router: its thread, and what it is asked for. How it waits for signals is its
 * engine's business, router_engine.h.
 *
 * As long as a source is polled, each of its signals leads to a delivery; signals that
 * come faster than the engine is looked at share one. The counter of the eventfd is read
 * when the poll has ended. If it shows more signals than were seen, some of them shared
 * one, or came after the last: one more is delivered. What is signalled after that stays
 * in the counter, and the next poll looks at the counter first. So after each signal there
 * is a delivery, and never are more delivered than were signalled.
 *
 * A source that is parked has its poll removed as well, so that a storm of it costs
 * nothing here, and its counter is left alone until its time has come. The times
 * are in a heap; the thread sleeps until the earliest.
 * router_source.h has the states that a source goes through.
 *
 * Lock: `lock`, around the queue of requests and the sources' wishes; no other is
 * taken under it.
 */
#include "vmm/irq/router.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>

#include "vmm/base/bits.h"
#include "vmm/base/self.h"
#include "vmm/irq/router_engine.h"
#include "vmm/irq/router_epoll.h"
#include "vmm/irq/router_ring.h"

static const struct engine_ops *const engines[NR_ROUTER_ENGINES] = {
	[ROUTER_ENGINE_IO_URING] = &ring_engine,
	[ROUTER_ENGINE_EPOLL] = &epoll_engine,
};

static_assert(ENGINE_PARKED == ROUTER_PARKED, "an engine and its router mean the same");

/* What is asked of a source; its set of these is 0 while it is not in the queue. */
enum wish { WISH_ARM = 1, WISH_DISARM = 2, WISH_UNPARK = 4 };

struct router {
	struct engine *engine; /* owned */
	enum router_engine which;
	const struct router_ops *ops;
	void *ctx;
	pthread_t thread;
	bool has_thread;
	int start_error; /* of the thread's first steps; read after `started` */
	sem_t started;
	bool spin;
	bool stopping;
	bool kicked; /* in this round; the thread's */
	const struct placement *placement;
	const struct confine *confine;

	pthread_mutex_t lock;
	bool stop;
	uint32_t *queue; /* [nr] sources with wishes */
	size_t nr_queued;
	uint64_t rounds; /* of the thread, that had some */

	size_t nr;
	struct source sources[];
};

/* ---- requests ------------------------------------------------------------------ */

/* instead: what was asked for before, and is not any more. */
static void request(struct router *router, size_t index, unsigned wish, unsigned instead)
{
	struct source *source = &router->sources[index];
	bool kick;

	assert(index < router->nr);

	pthread_mutex_lock(&router->lock);
	kick = !router->nr_queued;
	if (!source->wishes)
		router->queue[router->nr_queued++] = (uint32_t)index;
	source->wishes = (uint8_t)((source->wishes & ~instead) | wish);
	pthread_mutex_unlock(&router->lock);
	if (kick)
		(void)eventfd_write(router->engine->kick, 1);
}

uint64_t router_rounds(struct router *router)
{
	uint64_t rounds;

	pthread_mutex_lock(&router->lock);
	rounds = router->rounds;
	pthread_mutex_unlock(&router->lock);
	return rounds;
}

void router_wake(struct router *router)
{
	(void)eventfd_write(router->engine->kick, 1);
}

void router_arm(struct router *router, size_t source)
{
	request(router, source, WISH_ARM, WISH_DISARM);
}

void router_disarm(struct router *router, size_t source)
{
	request(router, source, WISH_DISARM, WISH_ARM);
}

void router_unpark(struct router *router, size_t source)
{
	request(router, source, WISH_UNPARK, 0);
}

/* The wishes of one source; 0: there are no more. */
static unsigned take_request(struct router *router, struct source **ret_source)
{
	unsigned wishes = 0;

	pthread_mutex_lock(&router->lock);
	if (router->nr_queued) {
		struct source *source = &router->sources[router->queue[--router->nr_queued]];

		wishes = source->wishes;
		source->wishes = 0;
		*ret_source = source;
	}
	router->stopping = router->stop;
	pthread_mutex_unlock(&router->lock);
	return wishes;
}

static void serve_requests(void *ctx)
{
	static const struct {
		enum wish wish;
		enum source_event event;
	} order[] = {
		{ WISH_ARM, SOURCE_ARM },
		{ WISH_DISARM, SOURCE_DISARM },
		{ WISH_UNPARK, SOURCE_DUE },
	};
	struct router *router = ctx;
	struct source *source;
	unsigned wishes;

	router->kicked = true;
	while ((wishes = take_request(router, &source)))
		for (size_t i = 0; i < ARRAY_SIZE(order); i++)
			if (wishes & order[i].wish)
				source_happens(&router->engine->world, source, order[i].event);
}

/* ---- the thread ------------------------------------------------------------------ */

static void end_round(struct router *router)
{
	if (!router->kicked)
		return;
	router->kicked = false;
	pthread_mutex_lock(&router->lock);
	router->rounds++;
	pthread_mutex_unlock(&router->lock);
}

/* Short of memory, interrupted, or the ring's queue was full until just now. */
static bool passes(int error)
{
	return error == -EINTR || error == -EAGAIN || error == -EBUSY;
}

static int wait(const struct router *router)
{
	struct engine *engine = router->engine;

	if (engine->nr_settling)
		return engine->ops->look(engine);
	if (router->spin && engine->nr_polls)
		return engine->ops->spin(engine);
	return engine->ops->sleep(engine);
}

static void *router_thread(void *arg)
{
	struct router *router = arg;
	struct engine *engine = router->engine;
	const struct engine_ops *ops = engine->ops;

	self_leave_rseq();
	(void)pthread_setname_np(pthread_self(), router->spin ? "router-spin" : "router");
	router->start_error = ops->begin(engine);
	if (!router->start_error)
		placement_apply(router->placement, router->spin ? "spin" : "router");
	if (!router->start_error)
		router->start_error = confine_thread(router->confine, THREAD_ROUTER);
	(void)sem_post(&router->started);
	if (router->start_error)
		return NULL;

	while (!router->stopping) {
		int r = wait(router);

		engine_count(&engine->reaps);
		ops->reap(engine);
		if (engine->nr_settling)
			engine_settle(engine);
		if (engine->deadlines.nr)
			engine_serve_deadlines(engine);
		end_round(router);
		if (r < 0 && !passes(r)) {
			router->ops->failed(router->ctx, ops->failed);
			break;
		}
	}
	return NULL;
}

/* ---- set-up ---------------------------------------------------------------------- */

static void router_destroyp(struct router **router)
{
	router_destroy(*router);
}

static void stop(struct router *router)
{
	if (router->has_thread) {
		pthread_mutex_lock(&router->lock);
		router->stop = true;
		pthread_mutex_unlock(&router->lock);
		(void)eventfd_write(router->engine->kick, 1);
		(void)pthread_join(router->thread, NULL);
	}
	if (router->engine)
		router->engine->ops->destroy(router->engine);
	router->has_thread = router->stop = false;
	router->engine = NULL;
}

static int start_thread(struct router *router)
{
	int r = -pthread_create(&router->thread, NULL, router_thread, router);

	router->has_thread = !r;
	if (r < 0)
		return r;
	while (sem_wait(&router->started) < 0)
		continue; /* EINTR */
	return router->start_error;
}

/* With an engine; the one that was tried before goes. */
static int start(struct router *router, const struct router_config *config,
		 enum router_engine which)
{
	const struct engine_config engine = {
		.sources = router->sources,
		.nr = router->nr,
		.cq_entries = config->cq_entries,
		.signalled = config->ops->signalled,
		.disarmed = config->ops->disarmed,
		.kicked = serve_requests,
		.ctx = router,
	};
	int r;

	stop(router);
	router->which = which;
	r = engines[which]->create(&engine, &router->engine);
	return r < 0 ? r : start_thread(router);
}

int router_create(const struct router_config *config, struct router **ret_router,
		  struct failure *ret_failure)
{
	size_t nr = config->nr_sources;
	_cleanup_(router_destroyp) struct router *router =
		calloc(1, sizeof(*router) + nr * sizeof(router->sources[0]));
	int r = -ENOMEM;

	assert(config->ops);
	assert(config->engine < NR_ROUTER_ENGINES);

	if (!router)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, ENOMEM, "router", NULL,
				   "out of memory");
	(void)sem_init(&router->started, 0, 0);
	pthread_mutex_init(&router->lock, NULL);
	router->ops = config->ops;
	router->ctx = config->ctx;
	router->spin = config->spin;
	router->placement = config->placement;
	router->confine = config->confine;
	router->nr = nr;
	for (size_t i = 0; i < nr; i++)
		router->sources[i] = (struct source){ .eventfd = config->sources[i].eventfd,
						      .index = config->sources[i].index,
						      .ctx = config->sources[i].ctx };
	router->queue = calloc(nr ? nr : 1, sizeof(*router->queue));
	if (router->queue)
		r = start(router, config, config->engine ? config->engine : ROUTER_ENGINE_IO_URING);
	if (ring_engine_is_refused(r) && !config->engine)
		r = start(router, config, ROUTER_ENGINE_EPOLL);
	if (r < 0)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, -r, "router",
				   "free memory, or raise the limits of open files and of threads "
				   "(ulimit -n, ulimit -u)",
				   "cannot be started (%s)", strerror(-r));
	*ret_router = TAKE_PTR(router);
	return 0;
}

void router_stop(struct router *router)
{
	stop(router);
	/* With the engine all that it had asked the kernel for is gone. */
	for (size_t i = 0; i < router->nr; i++)
		if (router->sources[i].state != SOURCE_IDLE)
			source_leave(&router->sources[i]);
}

void router_destroy(struct router *router)
{
	if (!router)
		return;
	stop(router);
	pthread_mutex_destroy(&router->lock);
	(void)sem_destroy(&router->started);
	free(router->queue);
	free(router);
}

uint64_t router_signals(const struct router *router, size_t source)
{
	assert(source < router->nr);

	return atomic_load_explicit(&router->sources[source].signals, memory_order_relaxed);
}

enum router_engine router_engine(const struct router *router)
{
	return router->which;
}

const char *router_engine_name(enum router_engine engine)
{
	return engines[engine]->name;
}

void router_stats_get(const struct router *router, struct router_stats *ret_stats)
{
	const struct engine *engine = router->engine;

	*ret_stats = (struct router_stats){
		.reaps = engine->reaps,
		.completions = engine->completions,
		.rearmed = engine->rearmed,
		.parked = engine->parked,
	};
}
