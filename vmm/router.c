// SPDX-License-Identifier: MIT
/*
 * The router.
 *
 * Each source has a multishot poll. Such a poll is edge-triggered: each signal
 * of the eventfd leads to a completion after it, whether or not the counter is
 * read; so the counter is not read, which saves a system call for each
 * interrupt. Signals that come faster than the ring is visited share one.
 *
 * A poll ends when the completion queue is full. It is armed again after the
 * counter has been read: what was signalled since is in the counter, and arming
 * looks at the counter first, so no signal is lost. Signals that the counter
 * shows beyond the completions seen are delivered as one.
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

struct source {
	struct router_source is;
	uint64_t seen; /* completions since the counter was last read */
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
	int stop; /* eventfd: the last source */
	bool stopping;
	_Atomic unsigned long long visits, completions, rearmed;
	unsigned cq_entries;
	size_t nr;
	struct source sources[];
};

static void arm(struct router *router, struct source *source)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&router->ring);

	if (!sqe) {
		(void)io_uring_submit(&router->ring);
		sqe = io_uring_get_sqe(&router->ring);
	}
	assert(sqe);
	io_uring_prep_poll_multishot(sqe, source->is.eventfd, POLLIN);
	io_uring_sqe_set_data(sqe, source);
}

static void deliver(struct router *router, struct source *source)
{
	if (source->is.eventfd == router->stop)
		router->stopping = true;
	else
		router->ops->signalled(source->is.ctx, source->is.index);
}

static void rearm(struct router *router, struct source *source)
{
	uint64_t signals = 0;

	router->rearmed++;
	if (read(source->is.eventfd, &signals, sizeof(signals)) < 0)
		signals = 0; /* nothing since the last time */
	if (signals > source->seen)
		deliver(router, source);
	source->seen = 0;
	arm(router, source);
}

static void complete(struct router *router, const struct io_uring_cqe *cqe)
{
	struct source *source = io_uring_cqe_get_data(cqe);

	router->completions++;
	if (cqe->res > 0) {
		source->seen++;
		deliver(router, source);
	}
	if (!(cqe->flags & IORING_CQE_F_MORE))
		rearm(router, source);
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

/* Best first: fewest wake-ups, then what older kernels have. */
static const unsigned setup_flags[] = {
	IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
	IORING_SETUP_COOP_TASKRUN,
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
	for (size_t i = 0; i < router->nr; i++)
		arm(router, &router->sources[i]);
	r = io_uring_submit(&router->ring);
	return r < 0 ? r : 0;
}

static void *router_thread(void *arg)
{
	struct router *router = arg;

	(void)pthread_setname_np(pthread_self(), "router");
	router->start_error = begin(router);
	(void)sem_post(&router->started);
	if (router->start_error)
		return NULL;

	while (!router->stopping) {
		int r = io_uring_submit_and_wait(&router->ring, 1);

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
	router->ops = config->ops;
	router->ctx = config->ctx;
	router->cq_entries = config->cq_entries ? config->cq_entries : cq_entries_for(nr);
	(void)sem_init(&router->started, 0, 0);
	router->stop = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	for (size_t i = 0; i < nr; i++)
		router->sources[i].is = config->sources[i];
	router->sources[nr].is = (struct router_source){ .eventfd = router->stop };
	router->nr = nr + 1;

	r = router->stop < 0 ? -errno : start(router);
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
		(void)eventfd_write(router->stop, 1);
		(void)pthread_join(router->thread, NULL);
	}
	/* The thread is gone, and with it all that it had asked the ring for. */
	if (router->has_ring)
		io_uring_queue_exit(&router->ring);
	cleanup_fd(&router->stop);
	(void)sem_destroy(&router->started);
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
