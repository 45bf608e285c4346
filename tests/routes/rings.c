// SPDX-License-Identifier: MIT
/*
 * Arrangements with io_uring. A completion has the vector's number and 1 for its
 * data; 0 says that there is nothing to do.
 */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "tests/routes/arrange_priv.h"

#define PAIRS 8u /* of a chain */

#define SQ_ENTRIES     2048u
#define CQ_ENTRIES     4096u
#define CQ_ENTRIES_MAX 65536u /* where nobody looks at them: for a run of all vectors */

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
	struct io_uring_params params = { .cq_entries = CQ_ENTRIES };
	bool each = a->is->flags & EACH;
	int r;

	if (a->is->flags & SQPOLL)
		flags |= IORING_SETUP_SQPOLL;
	else if (a->is->flags & DEFER)
		flags |= IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG;
	if (each)
		params.cq_entries = CQ_ENTRIES_MAX;
	if (flags & IORING_SETUP_SQPOLL && ring != a->rings) {
		flags |= IORING_SETUP_ATTACH_WQ; /* one kernel thread for all */
		params.wq_fd = (unsigned)a->rings->ring_fd;
	}
	params.flags = flags;
	params.sq_thread_idle = a->is->flags & SPIN ? 1000000 : 1;
	r = io_uring_queue_init_params(each ? 1 : SQ_ENTRIES, ring, &params);
	if (!r && !each)
		(void)io_uring_register_ring_fd(ring);
	return r;
}

/* ---- polls ------------------------------------------------------------------------- */

static void arm_poll(struct arranged *a, struct io_uring *ring, uint32_t v)
{
	struct io_uring_sqe *sqe = get_sqe(ring);

	io_uring_prep_poll_multishot(sqe, arranged_eventfd(a, v), POLLIN);
	io_uring_sqe_set_data64(sqe, v + 1);
}

/* The vCPU's thread would have to enter the kernel for it: write(2) is cheaper. */
static void write_b(struct arranged *a, struct io_uring *ring, uint32_t v)
{
	struct io_uring_sqe *sqe;

	if (a->is->flags & VCPU) {
		(void)eventfd_write(a->b[v], 1);
		return;
	}
	sqe = get_sqe(ring);
	io_uring_prep_write(sqe, (int)v, &a->one, 8, 0);
	sqe->flags |= IOSQE_FIXED_FILE | IOSQE_CQE_SKIP_SUCCESS;
	io_uring_sqe_set_data64(sqe, 0);
}

static void polled(struct arranged *a, struct io_uring *ring, uint32_t v)
{
	eventfd_t value;

	if (a->is->flags & READ_A)
		(void)eventfd_read(arranged_eventfd(a, v), &value);
	if (a->is->flags & TIE_B)
		write_b(a, ring, v);
	else
		arranged_inject(a, v);
}

const struct ring_use ring_poll = { arm_poll, polled };

/* ---- reads ------------------------------------------------------------------------- */

/* READ(A), and perhaps WRITE(B) linked to it; n pairs in a chain. */
static void arm_read(struct arranged *a, struct io_uring *ring, uint32_t v)
{
	bool stop = v == a->cfg.nr_vectors, chain = a->is->flags & TIE_B && !stop;
	unsigned pairs = a->is->flags & CHAIN ? PAIRS : 1;

	for (unsigned i = 0; i < pairs; i++) {
		struct io_uring_sqe *sqe = get_sqe(ring);

		io_uring_prep_read(sqe, arranged_eventfd(a, v), &a->counts[v], 8, 0);
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

static void have_read(struct arranged *a, struct io_uring *ring, uint32_t v)
{
	if (!(a->is->flags & TIE_B))
		arranged_inject(a, v);
	arm_read(a, ring, v);
}

const struct ring_use ring_read = { arm_read, have_read };

/* ---- whoever owns them ----------------------------------------------------------------- */

/* B is the ring's eventfd: the kernel signals it for each completion, and that is all. */
static int begin_each(struct arranged *a)
{
	int r = 0;

	for (uint32_t v = 0; !r && v < a->cfg.nr_vectors; v++) {
		r = init_ring(a, &a->rings[v]);
		if (r < 0)
			return r;
		a->nr_rings++;
		r = io_uring_register_eventfd(&a->rings[v], a->b[v]);
		a->is->use->arm(a, &a->rings[v], v);
		(void)io_uring_submit(&a->rings[v]);
	}
	return r;
}

int rings_begin(struct arranged *a)
{
	int r;

	if (a->is->flags & EACH)
		return begin_each(a);
	r = init_ring(a, a->rings);
	if (r < 0)
		return r;
	a->nr_rings = 1;
	(void)io_uring_register_files(a->rings, a->b, a->cfg.nr_vectors);
	for (uint32_t v = 0; v <= a->cfg.nr_vectors; v++)
		a->is->use->arm(a, a->rings, v);
	(void)io_uring_submit(a->rings);
	return 0;
}

void rings_reap(struct arranged *a)
{
	struct io_uring *ring = a->rings;
	struct io_uring_cqe *cqe;
	unsigned head, nr = 0;

	if (a->is->flags & EACH)
		return;
	io_uring_for_each_cqe(ring, head, cqe)
	{
		uint64_t data = io_uring_cqe_get_data64(cqe);

		nr++;
		if (data && data <= a->cfg.nr_vectors)
			a->is->use->completed(a, ring, (uint32_t)data - 1);
	}
	io_uring_cq_advance(ring, nr);
	if (a->is->flags & VCPU && io_uring_sq_ready(ring))
		(void)io_uring_submit(ring);
}

void rings_end(struct arranged *a)
{
	while (a->nr_rings)
		io_uring_queue_exit(&a->rings[--a->nr_rings]);
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

void *run_rings(void *arg)
{
	struct arranged *a = arg;
	struct pollfd stop = { .fd = a->stop, .events = POLLIN };

	arranged_place(a);
	a->error = rings_begin(a);
	(void)sem_post(&a->started);
	if (!a->error && a->is->flags & EACH)
		(void)poll(&stop, 1, -1);
	while (!a->error && !a->stopping) {
		wait_some(a, a->rings);
		rings_reap(a);
	}
	rings_end(a);
	return NULL;
}
