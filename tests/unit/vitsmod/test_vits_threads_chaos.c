// SPDX-License-Identifier: MIT
/*
 * GITS_CWRITER, GITS_CBASER and GITS_CTLR are written by several threads at the
 * same time, while others poll GITS_CREADR and signal MSIs. IHI 0069 5.3, 12.18.
 *
 * Two queues hold a program each, of the same shape; every command carries its
 * place in a word that means nothing to the ITS. A write to GITS_CBASER that the
 * ITS takes begins a pass over a queue, and the program begins with MAPD, so
 * that it does the same in each pass. Whatever the threads do, what the ITS runs
 * must be this: place 0, and after each place the next one, or place 0 of a new
 * pass. A gap is a lost command, a place that comes twice is a double one. In a
 * pass GITS_CREADR never goes back.
 *
 * Built with -fsanitize=thread as well. What the backend and the trace write is
 * not atomic on purpose: the ITS promises one thread at a time.
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

#define NR_QUEUES  2u
#define NR_ENTRIES 256u /* of a queue: two pages */
#define NR_PROGRAM (NR_ENTRIES - 1)
#define END	   (NR_PROGRAM * 32u) /* GITS_CWRITER: all of the program */
#define NR_EVENTS  8u
#define NR_PASSES  150u
#define NR_RUNS	   30000u
#define MAX_MS	   10000u /* and no longer, with fewer of them */
#define EVERY_BAD  17u	  /* one command in so many is one that the ITS refuses */

/* A check that fails here aborts, for cmocka's asserts belong to the main thread. */
#define check(ok) check_at(ok, __LINE__)
static void check_at(bool ok, int line)
{
	if (ok)
		return;
	fprintf(stderr, "line %d: check failed\n", line);
	abort();
}

struct chaos {
	struct vits *v;
	_Atomic uint64_t *ram; /* words: the guest may write while the ITS reads */
	bool stall;

	/* Of whoever runs commands. */
	uint32_t last_queue, last_index;
	bool ran; /* last_* are set */
	bool last_stalled;
	bool targeted[NR_ENTRIES];

	/* What came of it. */
	_Atomic uint64_t nr_runs, nr_passes, nr_full, nr_stalls;
	_Atomic uint64_t nr_delivered, nr_more, nr_polls;
	/* Writes to GITS_CBASER: while both are the same, none is under way. */
	_Atomic uint64_t bases_begun, bases_done;
	atomic_bool calm; /* GITS_CBASER and GITS_CTLR are left alone from now on */
	atomic_bool over;
};

/*
 * Memory
 */

static _Atomic uint64_t *words_at(struct chaos *c, uint64_t gpa, size_t len)
{
	if (gpa < RAM_BASE || gpa >= RAM_END || len > RAM_END - gpa)
		return NULL;
	check(gpa % 8 == 0 && len % 8 == 0);
	return c->ram + (gpa - RAM_BASE) / 8;
}

static int chaos_read(void *ctx, uint64_t gpa, void *buf, size_t len)
{
	_Atomic uint64_t *from = words_at(ctx, gpa, len);
	uint64_t word;

	for (size_t i = 0; from && i < len / 8; i++) {
		word = atomic_load_explicit(&from[i], memory_order_relaxed);
		memcpy((char *)buf + 8 * i, &word, 8);
	}
	return from ? 0 : -EFAULT;
}

static int chaos_write(void *ctx, uint64_t gpa, const void *buf, size_t len)
{
	_Atomic uint64_t *to = words_at(ctx, gpa, len);
	uint64_t word;

	for (size_t i = 0; to && i < len / 8; i++) {
		memcpy(&word, (const char *)buf + 8 * i, 8);
		atomic_store_explicit(&to[i], word, memory_order_relaxed);
	}
	return to ? 0 : -EFAULT;
}

/*
 * The program
 */

static uint64_t queue_at(uint32_t queue)
{
	return QUEUE + queue * 0x10000u;
}

static uint64_t entry_at(uint32_t queue, uint32_t index)
{
	return queue_at(queue) + index * 32u;
}

static bool is_bad(uint32_t index)
{
	return index >= 2 && index % EVERY_BAD == 0;
}

/* The INTID says which event it is of; each mapping has another one. */
static uint32_t lpi_of(uint32_t index)
{
	return LPI(index);
}

/* Place 0: the device, place 1: the collection, then six commands for each event in turn. */
static struct words program(uint32_t index)
{
	uint32_t i = index - 2, event = i / 6 % NR_EVENTS;

	if (index == 0)
		return mapd(DEV_A, ITT_A, 3);
	if (index == 1)
		return mapc(0, 1);
	switch (i % 6) {
	case 0:
		return mapti(DEV_A, event, lpi_of(i - i % 6), 0);
	case 1:
		return inv(DEV_A, event);
	case 2:
		return intr(DEV_A, event);
	case 3:
		return movi(DEV_A, event, 0);
	case 4:
		return sync_cmd(1);
	default:
		return discard(DEV_A, event);
	}
}

/* In the place of a SYNC, so that nothing is missing where it is refused. */
static struct words bad_command(void)
{
	return mapti(DEV_A, 0, 0, 0);
}

static void write_program(struct chaos *c)
{
	for (uint32_t queue = 0; queue < NR_QUEUES; queue++) {
		uint32_t step = 0;

		for (uint32_t i = 0; i < NR_PROGRAM; i++) {
			struct words cmd = is_bad(i) ? bad_command() : program(step++);

			cmd.w[3] = (uint64_t)queue << 32 | i;
			check(chaos_write(c, entry_at(queue, i), cmd.w, sizeof(cmd.w)) == 0);
		}
	}
}

/*
 * Below the ITS
 */

static void chaos_update(void *ctx, const struct vits_lpi_update *e)
{
	struct chaos *c = ctx;
	uint32_t n = e->intid - VITS_LPI_BASE;

	check(e->assigned && n < NR_ENTRIES);
	check(c->targeted[n] == (e->op != VITS_LPI_MAP));
	if (e->op == VITS_LPI_MAP || e->op == VITS_LPI_UNMAP)
		c->targeted[n] = e->op == VITS_LPI_MAP;
}

static void chaos_commit(void *ctx)
{
	(void)ctx;
	sched_yield(); /* others come by */
}

static void chaos_more(void *ctx)
{
	struct chaos *c = ctx;

	atomic_fetch_add(&c->nr_more, 1);
}

static bool chaos_claim(void *ctx, uint32_t intid)
{
	(void)ctx;
	(void)intid;
	return true;
}

static void chaos_release(void *ctx, uint32_t intid)
{
	(void)ctx;
	(void)intid;
}

/* A place comes after the one before it, and the first one in a new pass. */
static void check_place(struct chaos *c, uint32_t queue, uint32_t index)
{
	uint32_t next = c->last_index + !c->last_stalled;

	if (c->ran && queue == c->last_queue && index == next && index != 0)
		return;
	if (c->ran && c->last_stalled && queue == c->last_queue && index == next)
		return;
	if (index != 0)
		fprintf(stderr, "place %u of queue %u after %u of %u%s\n", index, queue,
			c->last_index, c->last_queue, c->last_stalled ? ", which stalled" : "");
	check(index == 0);
	/* Each pass takes a write to GITS_CBASER. */
	check(atomic_fetch_add(&c->nr_passes, 1) < atomic_load(&c->bases_begun));
}

static void chaos_trace(void *ctx, const uint64_t cmd[4], enum vits_result result, uint32_t code)
{
	struct chaos *c = ctx;
	uint32_t queue = (uint32_t)(cmd[3] >> 32), index = (uint32_t)cmd[3];
	bool refused = is_bad(index) && cmd_opcode(cmd) != GITS_CMD_SYNC;

	check(queue < NR_QUEUES && index < NR_PROGRAM);
	check_place(c, queue, index);
	check(result == (!refused ? VITS_DONE : c->stall ? VITS_STALL : VITS_SKIP));
	check(code == (refused ? 0x010a06 : 0));
	c->ran = true;
	c->last_queue = queue;
	c->last_index = index;
	c->last_stalled = result == VITS_STALL;
	atomic_fetch_add(&c->nr_runs, 1);
	atomic_fetch_add(&c->nr_stalls, result == VITS_STALL);
	atomic_fetch_add(&c->nr_full, index == NR_PROGRAM - 1);
}

static const struct vits_ops chaos_ops = {
	.mem_read = chaos_read,
	.mem_write = chaos_write,
	.update = chaos_update,
	.commit = chaos_commit,
	.claim = chaos_claim,
	.release = chaos_release,
	.more = chaos_more,
	.trace = chaos_trace,
};

/*
 * Threads
 */

static void *write_cwriter(void *arg)
{
	struct chaos *c = arg;

	while (!atomic_load(&c->over)) {
		vits_mmio_write(c->v, GITS_CWRITER, 4, END);
		sched_yield();
	}
	return NULL;
}

static uint64_t cbaser_of(uint32_t queue)
{
	return VALID | queue_at(queue) | (NR_ENTRIES / 128 - 1);
}

/* Taken if the ITS is off and quiet just now, and ignored otherwise. */
static void write_cbaser(struct chaos *c, uint32_t queue)
{
	atomic_fetch_add(&c->bases_begun, 1);
	vits_mmio_write(c->v, GITS_CBASER, 8, cbaser_of(queue));
	atomic_fetch_add(&c->bases_done, 1);
}

static void *change_cbaser(void *arg)
{
	struct chaos *c = arg;

	for (uint32_t queue = 0; !atomic_load(&c->calm); queue = (queue + 1) % NR_QUEUES) {
		write_cbaser(c, queue);
		for (unsigned i = 0; i < 20; i++)
			sched_yield();
	}
	return NULL;
}

static void *switch_off_and_on(void *arg)
{
	struct chaos *c = arg;

	while (!atomic_load(&c->calm)) {
		vits_mmio_write(c->v, GITS_CTLR, 4, 0);
		sched_yield();
		vits_mmio_write(c->v, GITS_CTLR, 4, GITS_CTLR_ENABLED);
		for (unsigned i = 0; i < 20; i++)
			sched_yield();
	}
	vits_mmio_write(c->v, GITS_CTLR, 4, GITS_CTLR_ENABLED);
	return NULL;
}

/* Between two writes to GITS_CBASER the offset does not go back. */
static void *poll_creadr(void *arg)
{
	struct chaos *c = arg;

	while (!atomic_load(&c->over)) {
		uint64_t bases = atomic_load(&c->bases_done), last = 0;

		while (atomic_load(&c->bases_begun) == bases && !atomic_load(&c->over)) {
			uint64_t creadr = vits_mmio_read(c->v, GITS_CREADR, 8);

			check(!(creadr & GITS_CREADR_STALLED) || c->stall);
			creadr &= ~(uint64_t)GITS_CREADR_STALLED;
			check(creadr % 32 == 0 && creadr <= END);
			if (atomic_load(&c->bases_begun) != bases)
				break;
			check(creadr >= last);
			last = creadr;
			atomic_fetch_add(&c->nr_polls, 1);
			sched_yield();
		}
		sched_yield();
	}
	return NULL;
}

static void *signal_msis(void *arg)
{
	struct chaos *c = arg;

	while (!atomic_load(&c->over)) {
		for (uint32_t i = 0; i < NR_EVENTS; i++) {
			struct vits_lpi lpi = { 0 };
			enum vits_msi outcome = vits_translate(c->v, 0, i, &lpi);

			check(outcome != VITS_MSI_BEYOND_SHADOW);
			if (outcome != VITS_MSI_DELIVER)
				continue;
			check(lpi.vcpu == 1);
			check((lpi.intid - LPI(0)) / 6 % NR_EVENTS == i);
			atomic_fetch_add(&c->nr_delivered, 1);
		}
		sched_yield();
	}
	return NULL;
}

/* The thread behind vits_ops.more(). */
static void *run_more(void *arg)
{
	struct chaos *c = arg;

	while (!atomic_load(&c->over)) {
		if (atomic_exchange(&c->nr_more, 0))
			vits_run(c->v);
		sched_yield();
	}
	return NULL;
}

/* A driver that puts SYNC in the place of what stalled, and later the old command back. */
static void *repair_and_retry(void *arg)
{
	const uint64_t sync = sync_cmd(0).w[0], bad = bad_command().w[0];
	struct chaos *c = arg;

	while (!atomic_load(&c->over)) {
		uint64_t creadr = vits_mmio_read(c->v, GITS_CREADR, 8);
		uint32_t index = (uint32_t)creadr / 32;

		if (!(creadr & GITS_CREADR_STALLED)) {
			sched_yield();
			continue;
		}
		check(is_bad(index));
		for (uint32_t q = 0; q < NR_QUEUES; q++)
			check(chaos_write(c, entry_at(q, index), &sync, 8) == 0);
		vits_mmio_write(c->v, GITS_CWRITER, 4, END | GITS_CWRITER_RETRY);
		for (unsigned i = 0; i < 10; i++)
			sched_yield();
		for (uint32_t q = 0; q < NR_QUEUES; q++)
			check(chaos_write(c, entry_at(q, index), &bad, 8) == 0);
	}
	return NULL;
}

/*
 * Tests
 */

static void chaos_begin(struct chaos *c, enum vits_on_error on_error)
{
	const struct vits_function function = { DEV_A, NR_EVENTS };
	const struct vits_config config = {
		.nr_vcpus = NR_VCPUS,
		.devid_bits = 16,
		.eventid_bits = 16,
		.nr_lpis = NR_ENTRIES,
		.on_error = on_error,
		.functions = &function,
		.nr_functions = 1,
	};

	c->stall = on_error == VITS_ON_ERROR_STALL;
	c->ram = calloc(1, RAM_SZ);
	assert_non_null(c->ram);
	assert_int_equal(vits_create(&config, &chaos_ops, c, &c->v), 0);
	write_program(c);
	write_cbaser(c, 0);
	vits_mmio_write(c->v, GITS_BASER(0), 8, baser_value(DEVICE_TABLE, 8));
	vits_mmio_write(c->v, GITS_BASER(1), 8, baser_value(COLL_TABLE, 8));
	vits_mmio_write(c->v, GITS_CTLR, 4, GITS_CTLR_ENABLED);
}

/* Enough is enough on a machine that has other things to do, too. */
static void wait_for_passes(struct chaos *c)
{
	for (unsigned ms = 0; ms < MAX_MS || atomic_load(&c->nr_full) < 1; ms++) {
		if (atomic_load(&c->nr_passes) >= NR_PASSES &&
		    atomic_load(&c->nr_runs) >= NR_RUNS && atomic_load(&c->nr_full) > 0)
			break;
		usleep(1000);
	}
	atomic_store(&c->calm, true);
	/* The last pass goes to its end. */
	while (vits_mmio_read(c->v, GITS_CREADR, 8) != END)
		usleep(1000);
	atomic_store(&c->over, true);
}

static void check_end(struct chaos *c)
{
	struct vits_stats stats;
	uint64_t nr = 0;

	assert_int_equal(c->last_index, NR_PROGRAM - 1);
	vits_stats_get(c->v, &stats);
	for (unsigned i = 0; i < 256; i++)
		nr += stats.cmd[i].done + stats.cmd[i].skipped + stats.cmd[i].stalled;
	assert_int_equal(nr, c->nr_runs);
	assert_int_equal(stats.cmd_unreadable, 0);
	assert_true(c->nr_delivered > 0);
	assert_true(c->nr_polls > 0);
	assert_int_equal(c->nr_stalls > 0, c->stall);
	printf("# %llu commands in %llu passes, %llu of them to the end, %llu stalls; "
	       "GITS_CREADR read %llu times, %llu MSIs\n",
	       (unsigned long long)c->nr_runs, (unsigned long long)c->nr_passes,
	       (unsigned long long)c->nr_full, (unsigned long long)c->nr_stalls,
	       (unsigned long long)c->nr_polls, (unsigned long long)c->nr_delivered);
}

static void run_chaos(enum vits_on_error on_error)
{
	static void *(*const roles[])(void *arg) = {
		write_cwriter, write_cwriter,	  write_cwriter,     change_cbaser, change_cbaser,
		poll_creadr,   switch_off_and_on, switch_off_and_on, poll_creadr,   signal_msis,
		signal_msis,   run_more,	  repair_and_retry,
	};
	size_t nr = ARRAY_SIZE(roles) - (on_error != VITS_ON_ERROR_STALL);
	pthread_t threads[ARRAY_SIZE(roles)];
	struct chaos *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	alarm(300); /* a queue that stands still is a failure, not a wait */
	chaos_begin(c, on_error);
	for (size_t i = 0; i < nr; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, roles[i], c), 0);
	wait_for_passes(c);
	for (size_t i = 0; i < nr; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	check_end(c);
	vits_destroy(c->v);
	free(c->ram);
	free(c);
}

static void test_no_command_is_lost_or_run_twice_while_all_registers_are_written(void **state)
{
	(void)state;
	run_chaos(VITS_ON_ERROR_SKIP);
}

static void test_nor_where_errors_stall_the_queue_and_are_retried(void **state)
{
	(void)state;
	run_chaos(VITS_ON_ERROR_STALL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_no_command_is_lost_or_run_twice_while_all_registers_are_written),
		cmocka_unit_test(test_nor_where_errors_stall_the_queue_and_are_retried),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
