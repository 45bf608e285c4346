// SPDX-License-Identifier: MIT
/*
 * The router.
 *
 * Each armed source has a multishot poll. Such a poll is edge-triggered: every time
 * the eventfd is signalled a completion follows, whether or not its counter was
 * read. So the counter is not read, which saves a system call for each interrupt.
 * Signals that come faster than the ring is looked at share a completion.
 *
 * A poll ends when the completion queue is full, or when its removal is asked for.
 * Then the counter is read. If it shows more signals than completions were seen,
 * some of them shared one, or came after the last: one more is delivered. What is
 * signalled after that stays in the counter, and the next poll looks at the counter
 * first. So after each signal there is a delivery, and never are more delivered than
 * were signalled.
 *
 * A source that is parked has its poll removed as well, so that a storm of it costs
 * nothing here, and its counter is left alone until its time has come. The times
 * are in a heap; the thread sleeps until the earliest (IORING_ENTER_EXT_ARG).
 * router_source.h has the states that a source goes through.
 *
 * One source cannot keep the thread from the others: a poll has one completion on
 * its way at most, signals merge into it meanwhile, and a reap ends with what the
 * queue held when it began.
 *
 * tests/routes compares this arrangement with others (make bench-routes).
 *
 * Lock: `lock`, around the queue of requests and the sources' wishes; no other is
 * taken under it.
 */
#include "vmm/irq/router.h"

#include <assert.h>
#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>

#include "vmm/base/bits.h"
#include "vmm/base/clock.h"
#include "vmm/base/deadlines.h"
#include "vmm/irq/router_source.h"

#define SQ_ENTRIES     64u
#define CQ_ENTRIES_MIN 256u
#define CQ_ENTRIES_MAX 65536u

/*
 * Of which the completions are: those of a poll have the source's address, those of
 * its removal have bit 0 set as well. The kick's poll, which is never removed, has
 * a number that is no address.
 */
#define REMOVAL UINT64_C(1)
#define KICK	UINT64_C(2)
#define MARKS	(REMOVAL | KICK)
static_assert(_Alignof(struct source) > MARKS, "a source's address has none of the marks");

#define NS_PER_S UINT64_C(1000000000)

/* What is asked of a source; its set of these is 0 while it is not in the queue. */
enum wish { WISH_ARM = 1, WISH_DISARM = 2, WISH_UNPARK = 4 };

struct router {
	struct io_uring ring;
	bool has_ring;
	const struct router_ops *ops;
	void *ctx;
	pthread_t thread;
	bool has_thread;
	int start_error; /* of the thread's first steps; read after `started` */
	sem_t started;
	int kick; /* eventfd: there are requests */
	bool spin;
	bool stopping;
	size_t nr_polls;	    /* of sources, without the kick */
	struct deadlines deadlines; /* of parked sources */
	struct source_world world;
	const struct placement *placement;

	pthread_mutex_t lock;
	bool stop;
	uint32_t *queue; /* [nr] sources with wishes */
	size_t nr_queued;

	_Atomic unsigned long long reaps, completions, rearmed, parked;
	unsigned cq_entries;
	size_t nr;
	struct source sources[];
};

static struct io_uring_sqe *get_sqe(struct router *router)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&router->ring);

	if (!sqe) {
		(void)io_uring_submit(&router->ring);
		sqe = io_uring_get_sqe(&router->ring);
	}
	assert(sqe);
	return sqe;
}

static void poll_multishot(struct router *router, int eventfd, uint64_t data)
{
	struct io_uring_sqe *sqe = get_sqe(router);

	io_uring_prep_poll_multishot(sqe, eventfd, POLLIN);
	io_uring_sqe_set_data64(sqe, data);
}

static void poll_kick(struct router *router)
{
	poll_multishot(router, router->kick, KICK);
}

/* ---- what a source does on its way (struct source_ops) ------------------------- */

static size_t index_of(const struct router *router, const struct source *source)
{
	return (size_t)(source - router->sources);
}

static void poll_source(void *ctx, struct source *source, bool again)
{
	struct router *router = ctx;

	poll_multishot(router, source->eventfd, (uint64_t)(uintptr_t)source);
	router->nr_polls++;
	if (again)
		router->rearmed++;
}

static void end_poll(void *ctx, struct source *source)
{
	struct io_uring_sqe *sqe = get_sqe(ctx);

	io_uring_prep_poll_remove(sqe, (uint64_t)(uintptr_t)source);
	io_uring_sqe_set_data64(sqe, (uint64_t)(uintptr_t)source | REMOVAL);
}

static bool deliver(void *ctx, struct source *source, uint64_t signals)
{
	struct router *router = ctx;
	uint64_t until = router->ops->signalled(source->ctx, source->index, signals);

	if (!until)
		return true;
	router->parked++;
	if (until != ROUTER_PARKED)
		deadlines_add(&router->deadlines, index_of(router, source), until);
	return false;
}

static void forget_time(void *ctx, struct source *source)
{
	struct router *router = ctx;

	deadlines_remove(&router->deadlines, index_of(router, source));
}

static void disarmed(void *ctx, struct source *source)
{
	const struct router *router = ctx;

	router->ops->disarmed(source->ctx, source->index);
}

static const struct source_ops source_ops = {
	.poll = poll_source,
	.end_poll = end_poll,
	.deliver = deliver,
	.forget_time = forget_time,
	.disarmed = disarmed,
};

/* Ends: a source whose signals are too early again is parked until later than now. */
static void serve_deadlines(struct router *router)
{
	uint64_t at, now = router->deadlines.nr ? clock_ns() : 0;
	size_t index;

	while (deadlines_first(&router->deadlines, &at, &index) && at <= now)
		source_happens(&router->world, &router->sources[index], SOURCE_DUE);
}

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
		(void)eventfd_write(router->kick, 1);
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

static void serve_requests(struct router *router)
{
	static const struct {
		enum wish wish;
		enum source_event event;
	} order[] = {
		{ WISH_ARM, SOURCE_ARM },
		{ WISH_DISARM, SOURCE_DISARM },
		{ WISH_UNPARK, SOURCE_DUE },
	};
	struct source *source;
	unsigned wishes;

	while ((wishes = take_request(router, &source)))
		for (size_t i = 0; i < ARRAY_SIZE(order); i++)
			if (wishes & order[i].wish)
				source_happens(&router->world, source, order[i].event);
}

/* ---- completions ----------------------------------------------------------------- */

/* 0, or -ENOENT where the poll ended by itself: either way its last completion says so. */
static void removal_completed(struct router *router, struct source *source, int result)
{
	if (result == -EALREADY)
		source_happens(&router->world, source, SOURCE_NOT_REMOVED);
}

static void kick_completed(struct router *router, const struct io_uring_cqe *cqe)
{
	router->completions++;
	if (cqe->res > 0)
		serve_requests(router);
	if (!(cqe->flags & IORING_CQE_F_MORE)) {
		router->rearmed++;
		poll_kick(router);
	}
}

static void poll_completed(struct router *router, struct source *source,
			   const struct io_uring_cqe *cqe)
{
	router->completions++;
	if (cqe->res > 0 && source_is_heard(source)) {
		if (deliver(router, source, 1))
			source_saw_one(source);
		else
			source_happens(&router->world, source, SOURCE_TOO_EARLY);
	}
	if (!(cqe->flags & IORING_CQE_F_MORE)) {
		router->nr_polls--;
		source_happens(&router->world, source, SOURCE_ENDED);
	}
}

static void complete(struct router *router, const struct io_uring_cqe *cqe)
{
	uint64_t data = io_uring_cqe_get_data64(cqe);
	struct source *source = (struct source *)(uintptr_t)(data & ~MARKS);

	if (!(data & MARKS))
		poll_completed(router, source, cqe);
	else if (data == KICK)
		kick_completed(router, cqe);
	else
		removal_completed(router, source, cqe->res);
}

/* Deal with what the ring holds now, and with the times that have come. */
static void reap(struct router *router)
{
	unsigned ready = io_uring_cq_ready(&router->ring), head, nr = 0;
	struct io_uring_cqe *cqe;

	router->reaps++;
	io_uring_for_each_cqe(&router->ring, head, cqe)
	{
		if (nr == ready)
			break;
		complete(router, cqe);
		nr++;
	}
	io_uring_cq_advance(&router->ring, nr);
	serve_deadlines(router);
}

/*
 * Best first: fewest wake-ups, then what older kernels have. One that spins needs
 * the ring to say when to enter the kernel.
 */
static const unsigned setup_flags[] = {
	IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
	IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
	0,
};

static int init_ring(struct router *router)
{
	int r = -EINVAL;

	for (size_t i = 0; r == -EINVAL && i < ARRAY_SIZE(setup_flags); i++) {
		struct io_uring_params params = {
			.flags = setup_flags[i] | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP,
			.cq_entries = router->cq_entries,
		};

		r = io_uring_queue_init_params(SQ_ENTRIES, &router->ring, &params);
	}
	router->has_ring = !r;
	return r;
}

/* On the thread that will use it: a ring belongs to its maker (IORING_SETUP_SINGLE_ISSUER). */
static int begin(struct router *router)
{
	int r = init_ring(router);

	if (r < 0)
		return r;
	poll_kick(router);
	r = io_uring_submit(&router->ring);
	return r < 0 ? r : 0;
}

/* In ns until the first deadline, at least 1; 0: there is none. */
static uint64_t time_left(const struct router *router)
{
	uint64_t at, now;
	size_t index;

	if (!deadlines_first(&router->deadlines, &at, &index))
		return 0;
	now = clock_ns();
	return at > now ? at - now : 1;
}

static int wait_asleep(struct router *router)
{
	uint64_t left = time_left(router);
	struct __kernel_timespec timeout = {
		.tv_sec = (long long)(left / NS_PER_S),
		.tv_nsec = (long long)(left % NS_PER_S),
	};
	struct io_uring_cqe *cqe;
	int r;

	if (!left)
		return io_uring_submit_and_wait(&router->ring, 1);
	r = io_uring_submit_and_wait_timeout(&router->ring, &cqe, 1, &timeout, NULL);
	return r == -ETIME ? 0 : r;
}

static inline void relax(void)
{
#ifdef __aarch64__
	__asm__ volatile("yield" : : : "memory");
#else
	__asm__ volatile("" : : : "memory");
#endif
}

/* The kernel is entered for what there is to submit, and when it says so. */
static int wait_awake(struct router *router)
{
	int r = io_uring_submit(&router->ring);

	while (r >= 0 && !io_uring_cq_ready(&router->ring) && time_left(router) != 1) {
		if (IO_URING_READ_ONCE(*router->ring.sq.kflags) &
		    (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW))
			r = io_uring_get_events(&router->ring);
		else
			relax();
	}
	return r;
}

static void *router_thread(void *arg)
{
	struct router *router = arg;

	(void)pthread_setname_np(pthread_self(), router->spin ? "router-spin" : "router");
	placement_apply(router->placement, router->spin ? "spin" : "router");
	router->start_error = begin(router);
	(void)sem_post(&router->started);
	if (router->start_error)
		return NULL;

	while (!router->stopping) {
		int r = router->spin && router->nr_polls ? wait_awake(router) : wait_asleep(router);

		reap(router);
		/* Short of memory, or the queue was full until just now: both pass. */
		if (r < 0 && r != -EINTR && r != -EAGAIN && r != -EBUSY) {
			router->ops->failed(router->ctx, "io_uring_enter failed in the router");
			break;
		}
	}
	return NULL;
}

static void router_destroyp(struct router **router)
{
	router_destroy(*router);
}

static int start(struct router *router)
{
	int r = -pthread_create(&router->thread, NULL, router_thread, router);

	router->has_thread = !r;
	if (r < 0)
		return r;
	while (sem_wait(&router->started) < 0)
		continue; /* EINTR */
	return router->start_error;
}

/* Room for a burst of all sources, twice. */
static unsigned cq_entries_for(size_t nr_sources)
{
	unsigned cq = CQ_ENTRIES_MIN;

	while (cq < 2 * nr_sources && cq < CQ_ENTRIES_MAX)
		cq *= 2;
	return cq;
}

int router_create(const struct router_config *config, struct router **ret_router,
		  struct failure *ret_failure)
{
	size_t nr = config->nr_sources;
	_cleanup_(router_destroyp) struct router *router =
		calloc(1, sizeof(*router) + nr * sizeof(router->sources[0]));
	int r;

	assert(config->ops);

	if (!router)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, ENOMEM, "router", NULL,
				   "out of memory");
	(void)sem_init(&router->started, 0, 0);
	pthread_mutex_init(&router->lock, NULL);
	router->kick = -1;
	router->ops = config->ops;
	router->ctx = config->ctx;
	router->cq_entries = config->cq_entries ? config->cq_entries : cq_entries_for(nr);
	router->spin = config->spin;
	router->placement = config->placement;
	router->world = (struct source_world){ &source_ops, router };
	router->nr = nr;
	router->queue = calloc(nr ? nr : 1, sizeof(*router->queue));
	if (!router->queue || deadlines_init(&router->deadlines, nr) < 0)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, ENOMEM, "router", NULL,
				   "out of memory");
	router->kick = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	for (size_t i = 0; i < nr; i++)
		router->sources[i] = (struct source){ .eventfd = config->sources[i].eventfd,
						      .index = config->sources[i].index,
						      .ctx = config->sources[i].ctx };

	r = router->kick < 0 ? -errno : start(router);
	if (r < 0)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, -r, "io_uring",
				   "use Linux 5.13 or later with io_uring enabled "
				   "(sysctl kernel.io_uring_disabled=0)",
				   "the host offers none (%s)", strerror(-r));
	*ret_router = TAKE_PTR(router);
	return 0;
}

void router_stop(struct router *router)
{
	if (!router->has_thread)
		return;
	router->has_thread = false;
	pthread_mutex_lock(&router->lock);
	router->stop = true;
	pthread_mutex_unlock(&router->lock);
	(void)eventfd_write(router->kick, 1);
	(void)pthread_join(router->thread, NULL);
	/* The thread is gone, and with it all that it had asked the ring for. */
	if (router->has_ring)
		io_uring_queue_exit(&router->ring);
	router->has_ring = false;
	for (size_t i = 0; i < router->nr; i++)
		if (router->sources[i].state != SOURCE_IDLE)
			source_leave(&router->sources[i]);
}

void router_destroy(struct router *router)
{
	if (!router)
		return;
	router_stop(router);
	cleanup_fd(&router->kick);
	pthread_mutex_destroy(&router->lock);
	(void)sem_destroy(&router->started);
	deadlines_fini(&router->deadlines);
	free(router->queue);
	free(router);
}

uint64_t router_signals(const struct router *router, size_t source)
{
	assert(source < router->nr);

	return atomic_load_explicit(&router->sources[source].signals, memory_order_relaxed);
}

void router_stats_get(const struct router *router, struct router_stats *ret_stats)
{
	*ret_stats = (struct router_stats){
		.reaps = router->reaps,
		.completions = router->completions,
		.rearmed = router->rearmed,
		.parked = router->parked,
	};
}
