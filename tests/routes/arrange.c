// SPDX-License-Identifier: MIT
/*
 * The arrangements. "A" is the eventfd that a device signals, "B" one that KVM
 * listens to (an irqfd).
 */
#include "tests/routes/arrange.h"

#include <assert.h>
#include <errno.h>
#include <liburing.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "vitsmod/bits.h"
#include "vitsmod/gits.h"
#include "vmm/kvm/layout.h"

#define PAIRS 8u /* of a chain */

enum {
	TIE_A = 1 << 0,	 /* A is the irqfd */
	TIE_B = 1 << 1,	 /* B is */
	READ_A = 1 << 2, /* A is read for each signal */
	DEFER = 1 << 3,	 /* IORING_SETUP_DEFER_TASKRUN */
	CHAIN = 1 << 4,	 /* PAIRS of READ and WRITE linked to each other */
	SPIN = 1 << 5,	 /* never sleeps, enters the kernel when the ring says so */
	SQPOLL = 1 << 6, /* a kernel thread that never sleeps */
	FIFO = 1 << 7,	 /* SCHED_FIFO, priority 1 */
};

struct arranged {
	struct arrange_config cfg;
	const struct arrangement *is;
	pthread_t thread;
	int stop;
	_Atomic bool stopping;
	sem_t started;
	int error;
	int *b;
	uint64_t *counts;
	uint64_t one;
};

static int eventfd_a(const struct arranged *a, uint32_t v)
{
	return v == a->cfg.nr_vectors ? a->stop : irq_function_eventfd(&a->cfg.function->irq, v);
}

static void set_policy(const struct arranged *a)
{
	const struct sched_param param = { .sched_priority = 1 };

	if (a->is->flags & FIFO && sched_setscheduler(0, SCHED_FIFO, &param) < 0)
		perror("SCHED_FIFO");
}

static void inject(struct arranged *a, uint32_t v)
{
	int r = vm_signal_msi(a->cfg.vm, LAYOUT_KERNEL_ITS_FRAME + GITS_TRANSLATER,
			      kernel_its_devid(0, v), kernel_its_eventid(v));

	assert(r >= 0);
}

/* ---- epoll ------------------------------------------------------------------------ */

static void *run_epoll(void *arg)
{
	struct arranged *a = arg;
	int ep = epoll_create1(0);
	struct epoll_event events[64];

	for (uint32_t v = 0; v <= a->cfg.nr_vectors; v++) {
		struct epoll_event e = { .events = EPOLLIN | (a->is->flags & READ_A ? 0 : EPOLLET),
					 .data.u32 = v };

		(void)epoll_ctl(ep, EPOLL_CTL_ADD, eventfd_a(a, v), &e);
	}
	(void)sem_post(&a->started);
	while (!a->stopping) {
		int nr = epoll_wait(ep, events, ARRAY_SIZE(events), -1);

		for (int i = 0; i < nr; i++) {
			uint32_t v = events[i].data.u32;
			eventfd_t value;

			if (v == a->cfg.nr_vectors)
				continue;
			if (a->is->flags & READ_A)
				(void)eventfd_read(eventfd_a(a, v), &value);
			inject(a, v);
		}
	}
	(void)close(ep);
	return NULL;
}

/* ---- a thread for each -------------------------------------------------------------- */

struct sleeper {
	struct arranged *a;
	uint32_t vector;
	pthread_t thread;
};

static void *sleep_in_read(void *arg)
{
	const struct sleeper *s = arg;
	int fd = eventfd_a(s->a, s->vector);
	eventfd_t value;

	set_policy(s->a);
	while (eventfd_read(fd, &value) == 0 && !s->a->stopping)
		inject(s->a, s->vector);
	return NULL;
}

static void *run_threads(void *arg)
{
	struct arranged *a = arg;
	uint32_t nr = a->cfg.nr_vectors;
	struct sleeper *sleepers = calloc(nr, sizeof(*sleepers));
	struct pollfd stop = { .fd = a->stop, .events = POLLIN };

	assert(sleepers);
	for (uint32_t v = 0; v < nr; v++) {
		sleepers[v] = (struct sleeper){ .a = a, .vector = v };
		(void)fcntl(eventfd_a(a, v), F_SETFL, 0);
		a->error = -pthread_create(&sleepers[v].thread, NULL, sleep_in_read, &sleepers[v]);
		assert(!a->error);
	}
	(void)sem_post(&a->started);
	(void)poll(&stop, 1, -1);
	for (uint32_t v = 0; v < nr; v++) {
		(void)eventfd_write(eventfd_a(a, v), 1);
		(void)pthread_join(sleepers[v].thread, NULL);
		(void)fcntl(eventfd_a(a, v), F_SETFL, O_NONBLOCK);
	}
	free(sleepers);
	return NULL;
}

/* ---- io_uring ------------------------------------------------------------------------ */

static struct io_uring_sqe *get_sqe(struct io_uring *ring)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	if (!sqe) {
		(void)io_uring_submit(ring);
		sqe = io_uring_get_sqe(ring);
	}
	assert(sqe);
	return sqe;
}

static int init_ring(struct arranged *a, struct io_uring *ring)
{
	unsigned flags = IORING_SETUP_CQSIZE | IORING_SETUP_SINGLE_ISSUER;
	struct io_uring_params params = { .cq_entries = 4096 };

	if (a->is->flags & SQPOLL)
		flags |= IORING_SETUP_SQPOLL;
	else if (a->is->flags & DEFER)
		flags |= IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG;
	params.flags = flags;
	params.sq_thread_idle = 1000000;
	a->error = io_uring_queue_init_params(2048, ring, &params);
	if (!a->error)
		(void)io_uring_register_ring_fd(ring);
	return a->error;
}

/* Wait for a completion at least. */
static void wait_some(struct arranged *a, struct io_uring *ring)
{
	if (!(a->is->flags & SPIN)) {
		(void)io_uring_submit_and_wait(ring, 1);
		return;
	}
	if (io_uring_sq_ready(ring))
		(void)io_uring_submit(ring);
	while (!io_uring_cq_ready(ring)) {
		if (*(volatile unsigned *)ring->sq.kflags & IORING_SQ_TASKRUN)
			(void)io_uring_get_events(ring);
		__asm__ volatile("" : : : "memory");
	}
}

static void arm_poll(struct arranged *a, struct io_uring *ring, uint32_t v)
{
	struct io_uring_sqe *sqe = get_sqe(ring);

	io_uring_prep_poll_multishot(sqe, eventfd_a(a, v), POLLIN);
	io_uring_sqe_set_data64(sqe, v + 1);
}

static void write_b(struct arranged *a, struct io_uring *ring, uint32_t v)
{
	struct io_uring_sqe *sqe = get_sqe(ring);

	io_uring_prep_write(sqe, (int)v, &a->one, 8, 0);
	sqe->flags |= IOSQE_FIXED_FILE | IOSQE_CQE_SKIP_SUCCESS;
	io_uring_sqe_set_data64(sqe, 0);
}

static void polled(struct arranged *a, struct io_uring *ring, uint32_t v)
{
	eventfd_t value;

	if (v == a->cfg.nr_vectors)
		return;
	if (a->is->flags & READ_A)
		(void)eventfd_read(eventfd_a(a, v), &value);
	if (a->is->flags & TIE_B)
		write_b(a, ring, v);
	else
		inject(a, v);
}

static void *run_poll(void *arg)
{
	struct arranged *a = arg;
	struct io_uring ring;

	set_policy(a);
	if (init_ring(a, &ring) < 0) {
		(void)sem_post(&a->started);
		return NULL;
	}
	(void)io_uring_register_files(&ring, a->b, a->cfg.nr_vectors);
	for (uint32_t v = 0; v <= a->cfg.nr_vectors; v++)
		arm_poll(a, &ring, v);
	(void)io_uring_submit(&ring);
	(void)sem_post(&a->started);
	while (!a->stopping) {
		struct io_uring_cqe *cqe;
		unsigned head, nr = 0;

		wait_some(a, &ring);
		io_uring_for_each_cqe(&ring, head, cqe)
		{
			uint64_t data = io_uring_cqe_get_data64(cqe);

			nr++;
			if (data)
				polled(a, &ring, (uint32_t)data - 1);
		}
		io_uring_cq_advance(&ring, nr);
	}
	io_uring_queue_exit(&ring);
	return NULL;
}

/* READ(A), and perhaps WRITE(B) linked to it; n pairs in a chain. */
static void arm_read(struct arranged *a, struct io_uring *ring, uint32_t v, unsigned pairs)
{
	bool stop = v == a->cfg.nr_vectors, chain = a->is->flags & TIE_B && !stop;

	for (unsigned i = 0; i < pairs; i++) {
		struct io_uring_sqe *sqe = get_sqe(ring);

		io_uring_prep_read(sqe, eventfd_a(a, v), &a->counts[v], 8, 0);
		io_uring_sqe_set_data64(sqe, v + 1);
		if (!chain)
			return;
		sqe->flags |= IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS;
		sqe = get_sqe(ring);
		io_uring_prep_write(sqe, (int)v, &a->one, 8, 0);
		io_uring_sqe_set_data64(sqe, v + 1);
		sqe->flags |= IOSQE_FIXED_FILE;
		if (i + 1 < pairs)
			sqe->flags |= IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS;
	}
}

static void *run_read(void *arg)
{
	struct arranged *a = arg;
	struct io_uring ring;
	unsigned pairs = a->is->flags & CHAIN ? PAIRS : 1;

	set_policy(a);
	if (init_ring(a, &ring) < 0) {
		(void)sem_post(&a->started);
		return NULL;
	}
	(void)io_uring_register_files(&ring, a->b, a->cfg.nr_vectors);
	for (uint32_t v = 0; v <= a->cfg.nr_vectors; v++)
		arm_read(a, &ring, v, pairs);
	(void)io_uring_submit(&ring);
	(void)sem_post(&a->started);
	while (!a->stopping) {
		struct io_uring_cqe *cqe;
		unsigned head, nr = 0;

		wait_some(a, &ring);
		io_uring_for_each_cqe(&ring, head, cqe)
		{
			uint32_t v = (uint32_t)io_uring_cqe_get_data64(cqe) - 1;

			nr++;
			if (v >= a->cfg.nr_vectors)
				continue;
			if (!(a->is->flags & TIE_B))
				inject(a, v);
			arm_read(a, &ring, v, pairs);
		}
		io_uring_cq_advance(&ring, nr);
	}
	io_uring_queue_exit(&ring);
	return NULL;
}

const struct arrangement arrangements[] = {
	{ "irqfd", NULL, TIE_A },
	/* A thread, and nothing else: what any that have one cannot be below. */
	{ "thread-per-eventfd", run_threads, 0 },
	{ "thread-per-eventfd,fifo", run_threads, FIFO },
	{ "epoll", run_epoll, 0 },
	{ "epoll+read", run_epoll, READ_A },
	{ "poll", run_poll, 0 },
	{ "poll,fifo", run_poll, FIFO },
	{ "poll,defer", run_poll, DEFER },
	{ "poll,defer,fifo", run_poll, DEFER | FIFO },
	{ "poll+read,defer", run_poll, DEFER | READ_A },
	{ "poll->write,defer", run_poll, DEFER | TIE_B },
	{ "poll->write,defer,fifo", run_poll, DEFER | TIE_B | FIFO },
	{ "read,defer", run_read, DEFER },
	{ "read=>write,defer", run_read, DEFER | TIE_B },
	{ "read=>write,defer,fifo", run_read, DEFER | TIE_B | FIFO },
	{ "chain,defer", run_read, DEFER | TIE_B | CHAIN },
	{ "poll,spin", run_poll, DEFER | SPIN },
	{ "poll->write,spin", run_poll, DEFER | TIE_B | SPIN },
	{ "poll,sqpoll", run_poll, SQPOLL | SPIN },
	{ "read=>write,sqpoll", run_read, SQPOLL | SPIN | TIE_B },
	{ "irqfd,again", NULL, TIE_A },
};
const size_t nr_arrangements = ARRAY_SIZE(arrangements);

/* ---- any --------------------------------------------------------------------------------- */

static int tie(struct arranged *a, bool tied)
{
	int r = 0;

	for (uint32_t v = 0; !r && v < a->cfg.nr_vectors; v++) {
		if (a->is->flags & TIE_A)
			r = vm_irqfd(a->cfg.vm, eventfd_a(a, v), v, tied);
		else if (a->is->flags & TIE_B)
			r = vm_irqfd(a->cfg.vm, a->b[v], v, tied);
	}
	return r;
}

bool arrangement_spins(const struct arrangement *a)
{
	return a->flags & (SPIN | SQPOLL);
}

int arrange_start(const struct arrangement *is, const struct arrange_config *config,
		  struct arranged **ret_arranged)
{
	struct arranged *a = calloc(1, sizeof(*a));
	eventfd_t value;
	int r;

	*a = (struct arranged){ .cfg = *config, .is = is, .one = 1 };
	a->stop = eventfd(0, EFD_NONBLOCK);
	a->b = calloc(config->nr_vectors, sizeof(*a->b));
	a->counts = calloc(config->nr_vectors + 1, sizeof(*a->counts));
	for (uint32_t v = 0; v < config->nr_vectors; v++) {
		a->b[v] = eventfd(0, EFD_NONBLOCK);
		(void)eventfd_read(eventfd_a(a, v), &value);
	}
	(void)sem_init(&a->started, 0, 0);
	r = tie(a, true);
	if (!r && is->thread) {
		r = -pthread_create(&a->thread, NULL, is->thread, a);
		(void)sem_wait(&a->started);
		r = r ? r : a->error;
	}
	if (r < 0)
		return r;
	*ret_arranged = a;
	return 0;
}

void arrange_stop(struct arranged *a)
{
	a->stopping = true;
	(void)eventfd_write(a->stop, 1);
	if (a->is->thread)
		(void)pthread_join(a->thread, NULL);
	(void)tie(a, false);
	for (uint32_t v = 0; v < a->cfg.nr_vectors; v++)
		(void)close(a->b[v]);
	(void)close(a->stop);
	free(a->b);
	free(a->counts);
	free(a);
}
