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
 * The poll of a source that is parked ends, too, so that a storm of it costs
 * nothing here, and its counter is left alone until the time has come. The times
 * are in a heap; the thread sleeps until the earliest (IORING_ENTER_EXT_ARG).
 *
 * What one source can take of a visit is bounded: a poll has one completion on its
 * way at most, and signals meanwhile merge into it; and a visit ends with what the
 * queue held when it began.
 *
 * tests/routes compares this arrangement with others (make bench-routes).
 *
 * Lock: `lock`, around the queue of requests; none is taken under it.
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

#define SQ_ENTRIES     64u
#define CQ_ENTRIES_MIN 256u
#define CQ_ENTRIES_MAX 65536u

/* Marks the completions of poll removals; those of polls are the source's address. */
#define REMOVAL UINT64_C(1)

#define NS_PER_S UINT64_C(1000000000)

struct source {
	struct router_source is;
	/* The router's thread's. */
	uint64_t seen;	  /* completions dealt with since the counter was last read */
	uint64_t owed;	  /* signals that were read from the counter, and not dealt with */
	bool armed;	  /* there is a poll */
	bool removing;	  /* its removal was asked for */
	bool leaving;	  /* somebody waits for ops->disarmed */
	bool parked, due; /* and the time has come */
	/* Guarded by the lock. */
	bool asked;  /* for what `wanted` says */
	bool wanted; /* to be armed */
	bool unpark;
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
	size_t nr_armed;	    /* without the kick */
	struct deadlines deadlines; /* of parked sources */
	const struct placement *placement;

	pthread_mutex_t lock;
	bool stop;
	uint32_t *queue; /* [nr] sources with a request */
	size_t nr_queued;

	_Atomic unsigned long long visits, completions, rearmed, parked;
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

	assert(!source->armed);
	assert(!source->parked);
	io_uring_prep_poll_multishot(sqe, source->is.eventfd, POLLIN);
	io_uring_sqe_set_data(sqe, source);
	if (!is_kick(router, source))
		router->nr_armed++;
	source->armed = true;
}

static void end_poll(struct router *router, struct source *source)
{
	struct io_uring_sqe *sqe = get_sqe(router);

	io_uring_prep_poll_remove(sqe, (uint64_t)(uintptr_t)source);
	io_uring_sqe_set_data64(sqe, (uint64_t)(uintptr_t)source | REMOVAL);
	source->removing = true;
}

/* ---- signals ------------------------------------------------------------------- */

static size_t index_of(const struct router *router, const struct source *source)
{
	return (size_t)(source - router->sources);
}

static void park(struct router *router, struct source *source, uint64_t until)
{
	router->parked++;
	source->parked = true;
	source->due = false;
	if (until != ROUTER_PARKED)
		deadlines_add(&router->deadlines, index_of(router, source), until);
	if (source->armed && !source->removing)
		end_poll(router, source);
}

/* True: dealt with. False: parked, and they are to be kept. */
static bool deliver(struct router *router, struct source *source, uint64_t signals)
{
	uint64_t until = router->ops->signalled(source->is.ctx, source->is.index, signals);

	if (until)
		park(router, source, until);
	return !until;
}

/* Read the counter: the signals that were not dealt with. */
static uint64_t collect(struct source *source)
{
	uint64_t signals = 0, waiting;

	if (read(source->is.eventfd, &signals, sizeof(signals)) < 0)
		signals = 0; /* nothing since the last time */
	waiting = source->owed + (signals > source->seen ? signals - source->seen : 0);
	source->seen = source->owed = 0;
	return waiting;
}

static void leave(struct router *router, struct source *source)
{
	source->leaving = false;
	router->ops->disarmed(source->is.ctx, source->is.index);
}

/* The poll is over, and nobody else will say so. */
static void unpark(struct router *router, struct source *source)
{
	uint64_t waiting = collect(source);

	source->parked = source->due = false;
	if (waiting && !deliver(router, source, waiting))
		source->owed = waiting;
	else
		arm(router, source);
}

/* For the next one who reads the eventfd. */
static void leave_parked(struct router *router, struct source *source)
{
	uint64_t waiting = collect(source);

	source->parked = source->due = false;
	deadlines_remove(&router->deadlines, index_of(router, source));
	if (waiting)
		(void)eventfd_write(source->is.eventfd, waiting);
	leave(router, source);
}

/* A parked source's time has come. */
static void come_due(struct router *router, struct source *source)
{
	deadlines_remove(&router->deadlines, index_of(router, source));
	source->due = true;
	if (!source->armed)
		unpark(router, source);
}

/* Each of them parks again at most until later. */
static void serve_deadlines(struct router *router)
{
	uint64_t at, now = router->deadlines.nr ? clock_ns() : 0;
	size_t index;

	while (deadlines_first(&router->deadlines, &at, &index) && at <= now)
		come_due(router, &router->sources[index]);
}

/* ---- requests ------------------------------------------------------------------ */

enum wish { WISH_ARM, WISH_DISARM, WISH_UNPARK };

static void request(struct router *router, size_t index, enum wish wish)
{
	struct source *source = &router->sources[index];
	bool kick;

	assert(index < router->nr - 1);

	pthread_mutex_lock(&router->lock);
	kick = !router->nr_queued;
	if (wish == WISH_UNPARK) {
		source->unpark = true;
	} else {
		source->asked = true;
		source->wanted = wish == WISH_ARM;
	}
	if (!source->queued)
		router->queue[router->nr_queued++] = (uint32_t)index;
	source->queued = true;
	pthread_mutex_unlock(&router->lock);
	if (kick)
		(void)eventfd_write(router->kick, 1);
}

void router_arm(struct router *router, size_t source)
{
	request(router, source, WISH_ARM);
}

void router_disarm(struct router *router, size_t source)
{
	request(router, source, WISH_DISARM);
}

void router_unpark(struct router *router, size_t source)
{
	request(router, source, WISH_UNPARK);
}

struct wishes {
	struct source *source;
	bool arm, disarm, unpark;
};

static bool take_request(struct router *router, struct wishes *ret)
{
	bool any;

	pthread_mutex_lock(&router->lock);
	any = router->nr_queued;
	if (any) {
		struct source *source = &router->sources[router->queue[--router->nr_queued]];

		*ret = (struct wishes){
			.source = source,
			.arm = source->asked && source->wanted,
			.disarm = source->asked && !source->wanted,
			.unpark = source->unpark,
		};
		source->queued = source->asked = source->unpark = false;
	}
	router->stopping = router->stop;
	pthread_mutex_unlock(&router->lock);
	return any;
}

static void serve_leaving(struct router *router, struct source *source)
{
	source->leaving = true;
	if (source->armed && !source->removing)
		end_poll(router, source);
	else if (!source->armed && source->parked)
		leave_parked(router, source);
	else if (!source->armed)
		leave(router, source);
}

static void serve_requests(struct router *router)
{
	struct wishes wishes;

	while (take_request(router, &wishes)) {
		struct source *source = wishes.source;

		if (wishes.disarm)
			serve_leaving(router, source);
		else if (wishes.arm && !source->armed && !source->parked)
			arm(router, source);
		if (wishes.unpark && source->parked)
			come_due(router, source);
	}
}

/* ---- completions ----------------------------------------------------------------- */

static void ended(struct router *router, struct source *source)
{
	source->armed = source->removing = false;
	if (is_kick(router, source)) {
		router->rearmed++;
		arm(router, source);
		return;
	}
	router->nr_armed--;
	/* Some signals shared a completion, or came after the last. */
	if (!source->parked && collect(source) && !deliver(router, source, 1))
		source->owed = 1;
	if (source->leaving && source->parked)
		leave_parked(router, source);
	else if (source->leaving)
		leave(router, source);
	else if (source->due)
		unpark(router, source);
	else if (!source->parked) {
		router->rearmed++;
		arm(router, source);
	}
}

/* 0, or -ENOENT where the poll ended by itself: either way its last completion says so. */
static void removed(struct router *router, struct source *source, int result)
{
	/* A signal was being seen to at that moment. */
	if (result == -EALREADY && source->removing)
		end_poll(router, source);
}

/* A parked source's signals are in its counter, and stay there. */
static void complete(struct router *router, const struct io_uring_cqe *cqe)
{
	uint64_t data = io_uring_cqe_get_data64(cqe);
	struct source *source = (struct source *)(uintptr_t)(data & ~REMOVAL);

	if (data & REMOVAL) {
		removed(router, source, cqe->res);
		return;
	}
	router->completions++;
	if (cqe->res > 0 && is_kick(router, source))
		serve_requests(router);
	else if (cqe->res > 0 && !source->parked && deliver(router, source, 1))
		source->seen++;
	if (!(cqe->flags & IORING_CQE_F_MORE))
		ended(router, source);
}

/* What the ring holds, in one visit. */
static void visit(struct router *router)
{
	unsigned ready = io_uring_cq_ready(&router->ring), head, nr = 0;
	struct io_uring_cqe *cqe;

	router->visits++;
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
	arm(router, &router->sources[router->nr - 1]);
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
		  struct failure *ret_failure)
{
	size_t nr = config->nr_sources;
	_cleanup_(router_destroyp) struct router *router =
		calloc(1, sizeof(*router) + (nr + 1) * sizeof(router->sources[0]));
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
	router->queue = calloc(nr + 1, sizeof(*router->queue));
	if (!router->queue || deadlines_init(&router->deadlines, nr) < 0)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, ENOMEM, "router", NULL,
				   "out of memory");
	router->kick = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	for (size_t i = 0; i < nr; i++)
		router->sources[i].is = config->sources[i];
	router->sources[nr].is = (struct router_source){ .eventfd = router->kick };
	router->nr = nr + 1;

	r = router->kick < 0 ? -errno : start(router);
	if (r < 0)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, -r, "io_uring",
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
	deadlines_fini(&router->deadlines);
	free(router->queue);
	free(router);
}

void router_stats_get(const struct router *router, struct router_stats *ret_stats)
{
	*ret_stats = (struct router_stats){
		.visits = router->visits,
		.completions = router->completions,
		.rearmed = router->rearmed,
		.parked = router->parked,
	};
}
