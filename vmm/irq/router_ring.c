// SPDX-License-Identifier: MIT
/*
 * The engine on io_uring.
 *
 * Each armed source has a multishot poll. Such a poll is edge-triggered: every time
 * the eventfd is signalled a completion follows, whether or not its counter was
 * read. So the counter is not read, which saves a system call for each interrupt.
 * Signals that come faster than the ring is looked at share a completion.
 *
 * A poll ends when the completion queue is full, or when its removal is asked for.
 * Both are told by its last completion.
 *
 * One source cannot keep the thread from the others: a poll has one completion on
 * its way at most, signals merge into it meanwhile, and a reap ends with what the
 * queue held when it began.
 *
 * tests/routes compares this arrangement with others (make bench-routes).
 *
 * No locks: see router_engine.h.
 */
#include "vmm/irq/router_ring.h"

#include <assert.h>
#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vmm/base/bits.h"

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

struct ring_engine {
	struct engine engine;
	struct io_uring ring;
	bool has_ring;
};

static struct ring_engine *of(struct engine *engine)
{
	return (struct ring_engine *)engine;
}

static struct io_uring_sqe *get_sqe(struct ring_engine *e)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&e->ring);

	if (!sqe) {
		(void)io_uring_submit(&e->ring);
		sqe = io_uring_get_sqe(&e->ring);
	}
	assert(sqe);
	return sqe;
}

static void poll_multishot(struct ring_engine *e, int eventfd, uint64_t data)
{
	struct io_uring_sqe *sqe = get_sqe(e);

	io_uring_prep_poll_multishot(sqe, eventfd, POLLIN);
	io_uring_sqe_set_data64(sqe, data);
}

static void poll_kick(struct ring_engine *e)
{
	poll_multishot(e, e->engine.kick, KICK);
}

/* ---- what a source does on its way (struct source_ops) ------------------------- */

static void poll_source(void *ctx, struct source *source, bool again)
{
	struct ring_engine *e = ctx;

	poll_multishot(e, source->eventfd, (uint64_t)(uintptr_t)source);
	engine_begins_poll(&e->engine, source);
	if (again)
		engine_count(&e->engine.rearmed);
}

static void end_poll(void *ctx, struct source *source)
{
	struct io_uring_sqe *sqe = get_sqe(ctx);

	io_uring_prep_poll_remove(sqe, (uint64_t)(uintptr_t)source);
	io_uring_sqe_set_data64(sqe, (uint64_t)(uintptr_t)source | REMOVAL);
}

static const struct source_ops source_ops = {
	.poll = poll_source,
	.end_poll = end_poll,
	.deliver = engine_deliver,
	.forget_time = engine_forget_time,
	.disarmed = engine_disarmed,
};

/* ---- completions ----------------------------------------------------------------- */

/* 0, or -ENOENT where the poll ended by itself: either way its last completion says so. */
static void removal_completed(struct ring_engine *e, struct source *source, int result)
{
	if (result == -EALREADY)
		source_happens(&e->engine.world, source, SOURCE_NOT_REMOVED);
}

static void kick_completed(struct ring_engine *e, const struct io_uring_cqe *cqe)
{
	engine_count(&e->engine.completions);
	if (cqe->res > 0)
		e->engine.cfg.kicked(e->engine.cfg.ctx);
	if (!(cqe->flags & IORING_CQE_F_MORE)) {
		engine_count(&e->engine.rearmed);
		poll_kick(e);
	}
}

static void poll_completed(struct ring_engine *e, struct source *source,
			   const struct io_uring_cqe *cqe)
{
	engine_count(&e->engine.completions);
	if (cqe->res > 0)
		engine_heard(&e->engine, source);
	if (!(cqe->flags & IORING_CQE_F_MORE)) {
		e->engine.nr_polls--;
		source_happens(&e->engine.world, source, SOURCE_ENDED);
	}
}

static void complete(struct ring_engine *e, const struct io_uring_cqe *cqe)
{
	uint64_t data = io_uring_cqe_get_data64(cqe);
	struct source *source = (struct source *)(uintptr_t)(data & ~MARKS);

	if (!(data & MARKS))
		poll_completed(e, source, cqe);
	else if (data == KICK)
		kick_completed(e, cqe);
	else
		removal_completed(e, source, cqe->res);
}

static void ring_reap(struct engine *engine)
{
	struct ring_engine *e = of(engine);
	unsigned ready = io_uring_cq_ready(&e->ring), head, nr = 0;
	struct io_uring_cqe *cqe;

	io_uring_for_each_cqe(&e->ring, head, cqe)
	{
		if (nr == ready)
			break;
		complete(e, cqe);
		nr++;
	}
	io_uring_cq_advance(&e->ring, nr);
}

/* ---- waiting --------------------------------------------------------------------- */

static int ring_sleep(struct engine *engine)
{
	struct ring_engine *e = of(engine);
	uint64_t left = engine_time_left(engine);
	struct __kernel_timespec timeout = {
		.tv_sec = (long long)(left / NS_PER_S),
		.tv_nsec = (long long)(left % NS_PER_S),
	};
	struct io_uring_cqe *cqe;
	int r;

	if (!left)
		return io_uring_submit_and_wait(&e->ring, 1);
	/* IORING_ENTER_EXT_ARG */
	r = io_uring_submit_and_wait_timeout(&e->ring, &cqe, 1, &timeout, NULL);
	return r == -ETIME ? 0 : r;
}

static bool has_task_work(const struct ring_engine *e)
{
	return IO_URING_READ_ONCE(*e->ring.sq.kflags) & IORING_SQ_TASKRUN;
}

/*
 * Task work of polls that were woken up runs on the way back; since Linux 6.13 not more than 20
 * pieces at a time (io_uring: limit local tw done), the oldest ones. A poll has one at the most,
 * and so has the kick's: however many come meanwhile, those of before are done after as many times.
 */
static int ring_look(struct engine *engine)
{
	struct ring_engine *e = of(engine);
	int r = io_uring_submit(&e->ring);

	for (size_t times = engine->nr_polls + 2; r >= 0 && times--;) {
		r = io_uring_get_events(&e->ring);
		if (!has_task_work(e))
			break;
	}
	return r;
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
static int ring_spin(struct engine *engine)
{
	struct ring_engine *e = of(engine);
	int r = io_uring_submit(&e->ring);

	while (r >= 0 && !io_uring_cq_ready(&e->ring) && engine_time_left(engine) != 1) {
		if (IO_URING_READ_ONCE(*e->ring.sq.kflags) &
		    (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW))
			r = io_uring_get_events(&e->ring);
		else
			relax();
	}
	return r;
}

/* ---- set-up ---------------------------------------------------------------------- */

/*
 * Best first: fewest wake-ups, then what older kernels have. One that spins needs
 * the ring to say when to enter the kernel.
 */
static const unsigned setup_flags[] = {
	IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
	IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
	0,
};

static int init_ring(struct io_uring *ring, unsigned cq_entries, unsigned more_flags)
{
	int r = -EINVAL;

	for (size_t i = 0; r == -EINVAL && i < ARRAY_SIZE(setup_flags); i++) {
		struct io_uring_params params = {
			.flags = setup_flags[i] | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP |
				 more_flags,
			.cq_entries = cq_entries,
		};

		r = io_uring_queue_init_params(SQ_ENTRIES, ring, &params);
	}
	return r;
}

/* Not by liburing: the shared library of Debian 12 lacks the functions that its header has. */
static int register_with(const struct io_uring *ring, unsigned opcode, void *arg, unsigned nr)
{
	return syscall(SYS_io_uring_register, ring->ring_fd, opcode, arg, nr) < 0 ? -errno : 0;
}

int ring_create_for_polls(struct io_uring *ring, unsigned cq_entries)
{
	struct io_uring_restriction polls[] = {
		{ .opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_POLL_ADD },
		{ .opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_POLL_REMOVE },
	};
	int r = init_ring(ring, cq_entries, IORING_SETUP_R_DISABLED);

	if (r < 0)
		return r;
	r = register_with(ring, IORING_REGISTER_RESTRICTIONS, polls, ARRAY_SIZE(polls));
	/* Spares the kernel a look-up of the descriptor at each wait; Linux 5.18 and later. */
	if (r >= 0)
		(void)io_uring_register_ring_fd(ring);
	if (r >= 0)
		r = register_with(ring, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
	if (r < 0)
		io_uring_queue_exit(ring);
	return r;
}

/* On the thread that will use it: a ring belongs to its maker (IORING_SETUP_SINGLE_ISSUER). */
static int ring_begin(struct engine *engine)
{
	struct ring_engine *e = of(engine);
	int r = ring_create_for_polls(&e->ring, engine->cfg.cq_entries);

	if (r < 0)
		return r;
	e->has_ring = true;
	poll_kick(e);
	r = io_uring_submit(&e->ring);
	return r < 0 ? r : 0;
}

/* With something to submit: a filter of system calls may forbid the second one alone. */
int ring_engine_try(void)
{
	struct io_uring ring;
	int r = init_ring(&ring, CQ_ENTRIES_MIN, 0);

	if (r < 0)
		return r;
	io_uring_prep_nop(io_uring_get_sqe(&ring));
	r = io_uring_submit(&ring);
	io_uring_queue_exit(&ring);
	return r < 0 ? r : 0;
}

/*
 * EPERM: kernel.io_uring_disabled, or a container's filter of system calls. ENOSYS: other
 * such filters, or a kernel without. EACCES: a security module. Not ENOMEM: kernels that
 * charged a ring to RLIMIT_MEMLOCK, before 5.12, have no multishot polls either.
 */
bool ring_engine_is_refused(int error)
{
	return error == -EPERM || error == -ENOSYS || error == -EACCES;
}

/* The thread is gone, and with it all that it had asked the ring for. */
static void ring_destroy(struct engine *engine)
{
	struct ring_engine *e = of(engine);

	if (e->has_ring)
		io_uring_queue_exit(&e->ring);
	engine_fini(engine);
	free(e);
}

/* Room for a burst of all sources, twice. */
static unsigned cq_entries_for(size_t nr_sources)
{
	unsigned cq = CQ_ENTRIES_MIN;

	while (cq < 2 * nr_sources && cq < CQ_ENTRIES_MAX)
		cq *= 2;
	return cq;
}

static int ring_create(const struct engine_config *config, struct engine **ret_engine)
{
	struct ring_engine *e = calloc(1, sizeof(*e));
	int r = -ENOMEM;

	if (!e)
		return r;
	r = engine_init(&e->engine, &ring_engine, &source_ops, config);
	if (r < 0) {
		ring_destroy(&e->engine);
		return r;
	}
	if (!e->engine.cfg.cq_entries)
		e->engine.cfg.cq_entries = cq_entries_for(config->nr);
	*ret_engine = &e->engine;
	return 0;
}

const struct engine_ops ring_engine = {
	.name = "io_uring",
	.failed = "io_uring_enter failed in the router",
	.create = ring_create,
	.begin = ring_begin,
	.destroy = ring_destroy,
	.sleep = ring_sleep,
	.spin = ring_spin,
	.look = ring_look,
	.reap = ring_reap,
};
