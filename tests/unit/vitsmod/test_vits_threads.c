// SPDX-License-Identifier: MIT
/*
 * All vCPUs at once: several write GITS_CWRITER, one switches the ITS off and
 * on, others poll GITS_CREADR, signal MSIs, look at counters and audit. No
 * command may be lost or run twice, GITS_CREADR may not go back, and no MSI may
 * be translated to an LPI that the backend has not committed.
 *
 * Built with -fsanitize=thread as well. IHI 0069 5.3.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/vitsmod/vits_world.h"

#define NR_ROUNDS  500u
#define NR_EVENTS  8u
#define NR_WRITERS 3u
#define MANY_LPIS  (NR_ROUNDS * NR_EVENTS)

/*
 * A backend of its own: that of vits_world.h has no atomics. A check that fails
 * here aborts, for cmocka's asserts belong to the main thread.
 */
struct party {
	struct vits *v;
	uint8_t *ram;
	uint32_t tail;

	/* Owner of the command side: its steps come from one thread at a time. */
	bool targeted[MANY_LPIS];
	uint64_t nr_raised;
	uint64_t nr_mapped;

	_Atomic uint8_t committed[MANY_LPIS]; /* 1: mapped, 2: and committed */
	atomic_bool over;
	/*
	 * What the writers write. They share the lock, so that they do so all at
	 * once; who changes the goal has it alone, for an old offset that is
	 * written late means another lap of the queue.
	 */
	pthread_rwlock_t goal_lock;
	_Atomic uint32_t goal;
	_Atomic uint64_t nr_more;
	_Atomic uint64_t nr_delivered;
	_Atomic uint64_t nr_audits;
};

#define check(ok) check_at(ok, __LINE__)
static void check_at(bool ok, int line)
{
	if (ok)
		return;
	fprintf(stderr, "line %d: check failed\n", line);
	abort();
}

static int party_read(void *ctx, uint64_t gpa, void *buf, size_t len)
{
	struct party *p = ctx;

	if (gpa < RAM_BASE || gpa >= RAM_END || len > RAM_END - gpa)
		return -EFAULT;
	memcpy(buf, p->ram + (gpa - RAM_BASE), len);
	return 0;
}

static int party_write(void *ctx, uint64_t gpa, const void *buf, size_t len)
{
	struct party *p = ctx;

	if (gpa < RAM_BASE || gpa >= RAM_END || len > RAM_END - gpa)
		return -EFAULT;
	memcpy(p->ram + (gpa - RAM_BASE), buf, len);
	return 0;
}

static void party_apply(void *ctx, const struct vits_lpi_update *e)
{
	struct party *p = ctx;
	uint32_t n = e->intid - VITS_LPI_BASE;

	check(e->assigned && n < MANY_LPIS);
	switch (e->op) {
	case VITS_LPI_MAP:
		check(!p->targeted[n]);
		p->targeted[n] = true;
		p->nr_mapped++;
		atomic_store(&p->committed[n], 1);
		break;
	case VITS_LPI_UNMAP:
		check(p->targeted[n]);
		p->targeted[n] = false;
		break;
	case VITS_LPI_RAISE:
		check(p->targeted[n]);
		p->nr_raised++;
		break;
	default:
		check(false);
	}
}

static void party_commit(void *ctx)
{
	struct party *p = ctx;

	/* Give others a chance to come by. */
	sched_yield();
	for (uint32_t n = 0; n < MANY_LPIS; n++) {
		if (atomic_load_explicit(&p->committed[n], memory_order_relaxed) == 1)
			atomic_store(&p->committed[n], 2);
	}
}

static void party_more(void *ctx)
{
	struct party *p = ctx;

	atomic_fetch_add(&p->nr_more, 1);
}

static const struct vits_ops party_ops = {
	.mem_read = party_read,
	.mem_write = party_write,
	.update = party_apply,
	.commit = party_commit,
	.more = party_more,
};

/*
 * Threads
 */

static void *write_cwriter(void *arg)
{
	struct party *p = arg;

	while (!atomic_load(&p->over)) {
		pthread_rwlock_rdlock(&p->goal_lock);
		vits_mmio_write(p->v, GITS_CWRITER, 4, atomic_load(&p->goal));
		pthread_rwlock_unlock(&p->goal_lock);
		sched_yield();
	}
	return NULL;
}

static void *poll_creadr(void *arg)
{
	struct party *p = arg;
	uint64_t last = 0;

	while (!atomic_load(&p->over)) {
		uint64_t creadr = vits_mmio_read(p->v, GITS_CREADR, 8);

		check(creadr >= last && creadr <= atomic_load(&p->goal));
		check(creadr % 32 == 0);
		last = creadr;
		sched_yield();
	}
	return NULL;
}

static void *switch_off_and_on(void *arg)
{
	struct party *p = arg;

	while (!atomic_load(&p->over)) {
		vits_mmio_write(p->v, GITS_CTLR, 4, 0);
		/* Not while commands run or may run again: the others only enable below. */
		vits_mmio_read(p->v, GITS_CTLR, 4);
		sched_yield();
		vits_mmio_write(p->v, GITS_CTLR, 4, GITS_CTLR_ENABLED);
		for (unsigned i = 0; i < 10; i++)
			sched_yield();
	}
	return NULL;
}

static void *signal_msis(void *arg)
{
	struct party *p = arg;

	while (!atomic_load(&p->over)) {
		for (uint32_t i = 0; i < NR_EVENTS; i++) {
			struct vits_lpi lpi;

			if (vits_translate(p->v, 0, i, &lpi) != VITS_MSI_DELIVER)
				continue;
			check(lpi.vcpu == 1);
			check((lpi.intid - VITS_LPI_BASE) % NR_EVENTS == i);
			check(atomic_load(&p->committed[lpi.intid - VITS_LPI_BASE]) == 2);
			atomic_fetch_add(&p->nr_delivered, 1);
		}
		sched_yield();
	}
	return NULL;
}

static void no_difference(void *arg, const struct vits_difference *difference)
{
	(void)arg;
	(void)difference;
	check(false);
}

static void *look_on(void *arg)
{
	struct party *p = arg;
	struct vits_stats stats;
	int r;

	while (!atomic_load(&p->over)) {
		vits_stats_get(p->v, &stats);
		check(stats.nr_last == 0);
		check(stats.shadow_differs == 0);
		r = vits_audit(p->v, no_difference, NULL);
		check(r == 0 || r == -EBUSY);
		if (r == 0)
			atomic_fetch_add(&p->nr_audits, 1);
		sched_yield();
	}
	return NULL;
}

/* The thread behind vits_ops.more(). */
static void *run_more(void *arg)
{
	struct party *p = arg;

	while (!atomic_load(&p->over)) {
		if (atomic_exchange(&p->nr_more, 0))
			vits_run(p->v);
		sched_yield();
	}
	return NULL;
}

/*
 * The guest
 */

static void add(struct party *p, struct words cmd)
{
	memcpy(p->ram + (QUEUE - RAM_BASE) + p->tail, cmd.w, sizeof(cmd.w));
	p->tail += 32;
}

/* Each event gets a fresh LPI each round, so that an old one is told apart. */
static void add_round(struct party *p, uint32_t round)
{
	for (uint32_t i = 0; i < NR_EVENTS; i++) {
		if (round > 0)
			add(p, discard(DEV_A, i));
		add(p, mapti(DEV_A, i, LPI(round * NR_EVENTS + i), 0));
		for (unsigned n = 0; n <= i; n++)
			add(p, intr(DEV_A, i));
		add(p, sync_cmd(1));
	}
}

static void party_begin(struct party *p)
{
	const struct vits_function function = { DEV_A, NR_EVENTS };
	const struct vits_config config = {
		.nr_vcpus = NR_VCPUS,
		.devid_bits = 16,
		.eventid_bits = 16,
		.nr_lpis = MANY_LPIS,
		.functions = &function,
		.nr_functions = 1,
	};

	pthread_rwlockattr_t attr;

	/* The writers never rest: the one who changes the goal goes first. */
	pthread_rwlockattr_init(&attr);
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	assert_int_equal(pthread_rwlock_init(&p->goal_lock, &attr), 0);
	pthread_rwlockattr_destroy(&attr);
	p->ram = calloc(1, RAM_SZ);
	assert_non_null(p->ram);
	assert_int_equal(vits_create(&config, &party_ops, p, &p->v), 0);
	vits_mmio_write(p->v, GITS_CBASER, 8, VALID | QUEUE | 255);
	vits_mmio_write(p->v, GITS_BASER(0), 8, baser_value(DEVICE_TABLE, 8));
	vits_mmio_write(p->v, GITS_BASER(1), 8, baser_value(COLL_TABLE, 8));
	vits_mmio_write(p->v, GITS_CTLR, 4, GITS_CTLR_ENABLED);
	add(p, mapd(DEV_A, ITT_A, 3));
	add(p, mapc(0, 1));
	atomic_store(&p->goal, p->tail);
}

static void test_all_vcpus_at_once(void **state)
{
	static void *(*const roles[])(void *arg) = {
		write_cwriter,	   poll_creadr, poll_creadr, signal_msis,
		switch_off_and_on, look_on,	run_more,
	};
	pthread_t threads[ARRAY_SIZE(roles) + NR_WRITERS - 1];
	struct party *p = calloc(1, sizeof(*p));
	struct vits_stats stats;

	(void)state;
	assert_non_null(p);
	alarm(300); /* a queue that stands still is a failure, not a wait */
	party_begin(p);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
		void *(*role)(void *arg) = i < ARRAY_SIZE(roles) ? roles[i] : write_cwriter;

		assert_int_equal(pthread_create(&threads[i], NULL, role, p), 0);
	}
	for (uint32_t round = 0; round < NR_ROUNDS; round++) {
		add_round(p, round);
		pthread_rwlock_wrlock(&p->goal_lock);
		atomic_store(&p->goal, p->tail);
		pthread_rwlock_unlock(&p->goal_lock);
		while (vits_mmio_read(p->v, GITS_CREADR, 4) != p->tail)
			sched_yield();
	}
	atomic_store(&p->over, true);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);

	vits_stats_get(p->v, &stats);
	assert_int_equal(p->nr_mapped, NR_ROUNDS * NR_EVENTS);
	assert_int_equal(p->nr_raised, NR_ROUNDS * (NR_EVENTS * (NR_EVENTS + 1) / 2));
	assert_int_equal(stats.cmd[GITS_CMD_INT].done, p->nr_raised);
	assert_int_equal(stats.cmd[GITS_CMD_MAPTI].done, p->nr_mapped);
	assert_int_equal(stats.cmd[GITS_CMD_DISCARD].done, p->nr_mapped - NR_EVENTS);
	assert_int_equal(stats.cmd[GITS_CMD_SYNC].done, p->nr_mapped);
	assert_int_equal(stats.nr_last, 0);
	assert_true(atomic_load(&p->nr_delivered) > 0);
	assert_true(atomic_load(&p->nr_audits) > 0);
	vits_destroy(p->v);
	pthread_rwlock_destroy(&p->goal_lock);
	free(p->ram);
	free(p);
}

/*
 * commit() may wait for vCPUs, which may be inside a register access: a thread
 * that reads while another one is in commit() must get out.
 */

struct meeting {
	struct world *w;
	pthread_barrier_t in_commit;
	pthread_barrier_t has_read;
	unsigned nr_guests;
};

static void wait_for_the_reader(struct world *w)
{
	struct meeting *meeting = w->arg;

	pthread_barrier_wait(&meeting->in_commit);
	pthread_barrier_wait(&meeting->has_read);
}

static void *read_and_write_registers(void *arg)
{
	struct meeting *meeting = arg;

	pthread_barrier_wait(&meeting->in_commit);
	check(rd32(meeting->w, GITS_CTLR) == GITS_CTLR_ENABLED);
	check(rd32(meeting->w, GITS_CREADR) == 0);
	wr32(meeting->w, GITS_CWRITER, 32);
	wr64(meeting->w, GITS_CBASER, 0);
	world_stats(meeting->w);
	vits_run(meeting->w->v);
	pthread_barrier_wait(&meeting->has_read);
	return NULL;
}

static void test_registers_are_served_while_the_owner_is_in_commit(void **state)
{
	struct world *w = world_create_on(NULL);
	struct meeting meeting = { .w = w };
	pthread_t thread;

	(void)state;
	alarm(300);
	assert_int_equal(pthread_barrier_init(&meeting.in_commit, NULL, 2), 0);
	assert_int_equal(pthread_barrier_init(&meeting.has_read, NULL, 2), 0);
	w->on_commit = wait_for_the_reader;
	w->arg = &meeting;
	assert_int_equal(pthread_create(&thread, NULL, read_and_write_registers, &meeting), 0);
	run_ok(w, sync_cmd(0));
	assert_int_equal(pthread_join(thread, NULL), 0);
	pthread_barrier_destroy(&meeting.in_commit);
	pthread_barrier_destroy(&meeting.has_read);
	world_destroy(w);
}

static void *run_commands(void *arg)
{
	struct meeting *meeting = arg;

	vits_run(meeting->w->v);
	return NULL;
}

/* Until the other thread is in vits_reset(): the ITS is off, and it waits for this one. */
static void linger(struct world *w)
{
	struct meeting *meeting = w->arg;

	w->on_commit = NULL;
	pthread_barrier_wait(&meeting->in_commit);
	while (rd32(w, GITS_CTLR) & GITS_CTLR_ENABLED)
		sched_yield();
	check(rd64(w, GITS_CBASER) != 0); /* it waits */
}

static void test_reset_stops_a_thread_that_runs_commands_and_waits_for_it(void **state)
{
	struct world *w = world_create_on(NULL);
	struct meeting meeting = { .w = w };
	pthread_t thread;

	(void)state;
	alarm(300);
	assert_int_equal(pthread_barrier_init(&meeting.in_commit, NULL, 2), 0);
	for (unsigned i = 0; i < 1000; i++)
		push(w, sync_cmd(0));
	kick(w);
	w->on_commit = linger;
	w->arg = &meeting;
	assert_int_equal(pthread_create(&thread, NULL, run_commands, &meeting), 0);
	pthread_barrier_wait(&meeting.in_commit);
	vits_reset(w->v);
	assert_int_equal(rd64(w, GITS_CBASER), 0);
	assert_int_equal(rd32(w, GITS_CTLR), GITS_CTLR_QUIESCENT);
	assert_int_equal(pthread_join(thread, NULL), 0);
	/* 256 by kick(), and the batch that was under way. */
	assert_int_equal(w->nr_commands, 256 + 64);
	assert_int_equal(rd64(w, GITS_CREADR), 0);
	pthread_barrier_destroy(&meeting.in_commit);
	world_destroy(w);
}

/*
 * What comes while the owner is in commit() is the owner's to run: the one who
 * wrote it went away, and nobody writes GITS_CWRITER again.
 */

#define NR_GUESTS 100u
#define PER_GUEST 4u

static void let_another_vcpu_write(struct world *w)
{
	struct meeting *meeting = w->arg;

	if (meeting->nr_guests == NR_GUESTS)
		return;
	meeting->nr_guests++;
	pthread_barrier_wait(&meeting->in_commit);
	pthread_barrier_wait(&meeting->has_read);
}

static void *write_commands(void *arg)
{
	struct meeting *meeting = arg;

	for (unsigned i = 0; i < NR_GUESTS; i++) {
		pthread_barrier_wait(&meeting->in_commit);
		for (unsigned n = 0; n < PER_GUEST; n++)
			push(meeting->w, sync_cmd(0));
		kick(meeting->w);
		pthread_barrier_wait(&meeting->has_read);
	}
	return NULL;
}

static void test_what_came_during_a_batch_is_run_without_another_write(void **state)
{
	struct world *w = world_create_on(NULL);
	struct meeting meeting = { .w = w };
	pthread_t thread;
	uint64_t seen = 0;

	(void)state;
	alarm(300);
	assert_int_equal(pthread_barrier_init(&meeting.in_commit, NULL, 2), 0);
	assert_int_equal(pthread_barrier_init(&meeting.has_read, NULL, 2), 0);
	w->on_commit = let_another_vcpu_write;
	w->arg = &meeting;
	assert_int_equal(pthread_create(&thread, NULL, write_commands, &meeting), 0);
	push(w, sync_cmd(0));
	kick(w);
	/* The owner's patience is bounded: the rest is left to vits_run(). */
	for (; w->nr_more != seen; seen++)
		vits_run(w->v);
	assert_int_equal(meeting.nr_guests, NR_GUESTS);
	assert_int_equal(w->nr_commands, 1 + NR_GUESTS * PER_GUEST);
	assert_int_equal(rd64(w, GITS_CREADR), (1 + NR_GUESTS * PER_GUEST) * 32);
	assert_int_equal(pthread_join(thread, NULL), 0);
	pthread_barrier_destroy(&meeting.in_commit);
	pthread_barrier_destroy(&meeting.has_read);
	world_destroy(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_registers_are_served_while_the_owner_is_in_commit),
		cmocka_unit_test(test_reset_stops_a_thread_that_runs_commands_and_waits_for_it),
		cmocka_unit_test(test_what_came_during_a_batch_is_run_without_another_write),
		cmocka_unit_test(test_all_vcpus_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
