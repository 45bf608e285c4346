// SPDX-License-Identifier: MIT
/*
 * The router.
 *
 * Each armed source has a multishot poll. Such a poll is edge-triggered: each
 * signal of the eventfd leads to a completion after it, whether or not the
 * counter is read; so the counter is not read, which saves a system call for each
 * interrupt. Signals that come faster than the ring is visited share one.
 *
 * A poll ends when the completion queue is full, or when the source is disarmed.
 * Then the counter is read. If it shows more signals than completions were seen,
 * some of them shared one, or came after the last: one more is delivered. What is
 * signalled since stays in the counter, and arming looks at the counter first. So
 * none is lost, and never are more delivered than were signalled.
 *
 * tests/routes compares this arrangement with others (make bench-routes).
 *
 * Lock: `lock`, around the queue of requests; none is taken under it.
 */
#include "vmm/router.h"

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

#include "vitsmod/bits.h"

#define SQ_ENTRIES     64u
#define CQ_ENTRIES_MIN 256u
#define CQ_ENTRIES_MAX 65536u

/* Marks the completions of poll removals; those of polls are the source's address. */
#define REMOVAL UINT64_C(1)

struct source {
	struct router_source is;
	/* The router's thread's. */
	uint64_t seen; /* completions since the counter was last read */
	bool armed;    /* there is a poll */
	bool leaving;  /* its removal was asked for */
	/* Guarded by the lock. */
	bool wanted; /* to be armed */
	bool queued; /* in the queue of requests */
};

struct router {
	struct io_uring ring;
	bool has_ring;
	const struct router_ops *ops;
	void *ctx;
	pthread_t thread;
	bool has_thread;
	int start_error; /* of the thread's first steps; read after `started` */
	sem_t started;
	int kick; /* eventfd: the last source */
	bool spin;
	bool stopping;
	size_t nr_armed; /* without the kick */
	const struct placement *placement;

	pthread_mutex_t lock;
	bool stop;
	uint32_t *queue; /* [nr] sources with a request */
	size_t nr_queued;

	_Atomic unsigned long long visits, completions, rearmed;
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

static bool is_kick(const struct router *router, const struct source *source)
{
	return source->is.eventfd == router->kick;
}

static void arm(struct router *router, struct source *source)
{
	struct io_uring_sqe *sqe = get_sqe(router);

	io_uring_prep_poll_multishot(sqe, source->is.eventfd, POLLIN);
	io_uring_sqe_set_data(sqe, source);
	if (!source->armed && !is_kick(router, source))
		router->nr_armed++;
	source->armed = true;
}

static void disarm(struct router *router, struct source *source)
{
	struct io_uring_sqe *sqe = get_sqe(router);

	io_uring_prep_poll_remove(sqe, (uint64_t)(uintptr_t)source);
	io_uring_sqe_set_data64(sqe, (uint64_t)(uintptr_t)source | REMOVAL);
	source->leaving = true;
}

/* ---- requests ------------------------------------------------------------------ */

static void request(struct router *router, size_t index, bool wanted)
{
	struct source *source = &router->sources[index];
	bool kick;

	assert(index < router->nr - 1);

	pthread_mutex_lock(&router->lock);
	kick = !router->nr_queued;
	source->wanted = wanted;
	if (!source->queued)
		router->queue[router->nr_queued++] = (uint32_t)index;
	source->queued = true;
	pthread_mutex_unlock(&router->lock);
	if (kick)
		(void)eventfd_write(router->kick, 1);
}

void router_arm(struct router *router, size_t source)
{
	request(router, source, true);
}

void router_disarm(struct router *router, size_t source)
{
	request(router, source, false);
}

static bool take_request(struct router *router, struct source **ret_source, bool *ret_wanted)
{
	bool any;

	pthread_mutex_lock(&router->lock);
	any = router->nr_queued;
	if (any) {
		*ret_source = &router->sources[router->queue[--router->nr_queued]];
		*ret_wanted = (*ret_source)->wanted;
		(*ret_source)->queued = false;
	}
	router->stopping = router->stop;
	pthread_mutex_unlock(&router->lock);
	return any;
}

static void serve_requests(struct router *router)
{
	struct source *source;
	bool wanted;

	while (take_request(router, &source, &wanted)) {
		if (wanted && !source->armed)
			arm(router, source);
		else if (!wanted && source->armed)
			disarm(router, source);
		else if (!wanted)
			router->ops->disarmed(source->is.ctx, source->is.index);
	}
}

/* ---- completions ----------------------------------------------------------------- */

static void deliver(struct router *router, struct source *source)
{
	if (is_kick(router, source))
		serve_requests(router);
	else
		router->ops->signalled(source->is.ctx, source->is.index);
}

/* The poll has ended. */
static void ended(struct router *router, struct source *source)
{
	uint64_t signals = 0;

	if (read(source->is.eventfd, &signals, sizeof(signals)) < 0)
		signals = 0; /* nothing since the last time */
	if (signals > source->seen)
		deliver(router, source);
	source->seen = 0;
	if (!source->leaving) {
		router->rearmed++;
		arm(router, source);
		return;
	}
	source->leaving = source->armed = false;
	router->nr_armed--;
	router->ops->disarmed(source->is.ctx, source->is.index);
}

/* 0, or -ENOENT where the poll ended by itself: either way its last completion says so. */
static void removed(struct router *router, struct source *source, int result)
{
	/* A signal was being seen to at that moment. */
	if (result == -EALREADY && source->leaving)
		disarm(router, source);
}

static void complete(struct router *router, const struct io_uring_cqe *cqe)
{
	uint64_t data = io_uring_cqe_get_data64(cqe);
	struct source *source = (struct source *)(uintptr_t)(data & ~REMOVAL);

	if (data & REMOVAL) {
		removed(router, source, cqe->res);
		return;
	}
	router->completions++;
	if (cqe->res > 0) {
		source->seen++;
		deliver(router, source);
	}
	if (!(cqe->flags & IORING_CQE_F_MORE))
		ended(router, source);
}

/* All that the ring holds, in one visit. */
static void visit(struct router *router)
{
	struct io_uring_cqe *cqe;
	unsigned head, nr = 0;

	router->visits++;
	io_uring_for_each_cqe(&router->ring, head, cqe)
	{
		complete(router, cqe);
		nr++;
	}
	io_uring_cq_advance(&router->ring, nr);
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
	arm(router, &router->sources[router->nr - 1]);
	r = io_uring_submit(&router->ring);
	return r < 0 ? r : 0;
}

static int wait_asleep(struct router *router)
{
	return io_uring_submit_and_wait(&router->ring, 1);
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

	while (r >= 0 && !io_uring_cq_ready(&router->ring)) {
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
		int r = router->spin && router->nr_armed ? wait_awake(router) : wait_asleep(router);

		visit(router);
		/* Short of memory, or the queue was full until the visit: both pass. */
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
		  struct fault *ret_fault)
{
	size_t nr = config->nr_sources;
	_cleanup_(router_destroyp) struct router *router =
		calloc(1, sizeof(*router) + (nr + 1) * sizeof(router->sources[0]));
	int r;

	assert(config->ops);

	if (!router)
		return fault_set(ret_fault, ITSY_ENVIRONMENT, ENOMEM, "router", NULL,
				 "out of memory");
	(void)sem_init(&router->started, 0, 0);
	pthread_mutex_init(&router->lock, NULL);
	router->kick = -1;
	router->ops = config->ops;
	router->ctx = config->ctx;
	router->cq_entries = config->cq_entries ? config->cq_entries : cq_entries_for(nr);
	router->spin = config->spin;
	router->placement = config->placement;
	router->queue = calloc(nr + 1, sizeof(*router->queue));
	if (!router->queue)
		return fault_set(ret_fault, ITSY_ENVIRONMENT, ENOMEM, "router", NULL,
				 "out of memory");
	router->kick = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	for (size_t i = 0; i < nr; i++)
		router->sources[i].is = config->sources[i];
	router->sources[nr].is = (struct router_source){ .eventfd = router->kick };
	router->nr = nr + 1;

	r = router->kick < 0 ? -errno : start(router);
	if (r < 0)
		return fault_set(ret_fault, ITSY_ENVIRONMENT, -r, "io_uring",
				 "use Linux 5.13 or later with io_uring enabled "
				 "(sysctl kernel.io_uring_disabled=0)",
				 "the host offers none (%s)", strerror(-r));
	*ret_router = TAKE_PTR(router);
	return 0;
}

void router_destroy(struct router *router)
{
	if (!router)
		return;
	if (router->has_thread) {
		pthread_mutex_lock(&router->lock);
		router->stop = true;
		pthread_mutex_unlock(&router->lock);
		(void)eventfd_write(router->kick, 1);
		(void)pthread_join(router->thread, NULL);
	}
	/* The thread is gone, and with it all that it had asked the ring for. */
	if (router->has_ring)
		io_uring_queue_exit(&router->ring);
	cleanup_fd(&router->kick);
	pthread_mutex_destroy(&router->lock);
	(void)sem_destroy(&router->started);
	free(router->queue);
	free(router);
}

void router_stats_get(const struct router *router, struct router_stats *ret_stats)
{
	*ret_stats = (struct router_stats){
		.visits = router->visits,
		.completions = router->completions,
		.rearmed = router->rearmed,
	};
}
