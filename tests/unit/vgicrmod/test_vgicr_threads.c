// SPDX-License-Identifier: MIT
/*
 * Several vCPUs at one redistributor at once: nothing that one of them writes is lost,
 * what is kept here and what the backend has agree at the end, and reads go on while a
 * backend takes its time.
 *
 * Built with -fsanitize=thread as well.
 */
#include "tests/unit/vgicrmod/vgicr_world.h"

#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>

#define NR_THREADS 4u
#define NR_ROUNDS  2000u

struct thread {
	pthread_t id;
	struct below *b;
	uint32_t own; /* the interrupts that only this thread writes */
	unsigned n;
	uint64_t prop; /* what it writes to its own redistributor */
};

/* A check that fails here aborts: cmocka's asserts belong to the main thread. */
#define check(ok) check_at(ok, __LINE__)
static void check_at(bool ok, int line)
{
	if (ok)
		return;
	(void)fprintf(stderr, "line %d: check failed\n", line);
	abort();
}

static void start(struct thread *threads, struct below *b, void *(*body)(void *))
{
	for (unsigned n = 0; n < NR_THREADS; n++) {
		threads[n] = (struct thread){ .b = b, .n = n, .own = 0x11111111u << n };
		check(pthread_create(&threads[n].id, NULL, body, &threads[n]) == 0);
	}
}

static void join(struct thread *threads)
{
	for (unsigned n = 0; n < NR_THREADS; n++)
		check(pthread_join(threads[n].id, NULL) == 0);
}

/* All at redistributor 0. */
static void *write_own_bits(void *arg)
{
	struct thread *t = arg;

	for (unsigned i = 0; i < NR_ROUNDS; i++) {
		uint32_t byte = GICR_IPRIORITYR(i % 8) + t->n;
		uint8_t prio = (uint8_t)(i & 0x1f) << 3;

		wr32(t->b, 0, GICR_ISENABLER0, t->own);
		check((rd32(t->b, 0, GICR_ISENABLER0) & t->own) == t->own);
		vgicr_mmio_write(t->b->v, 0, byte, 1, prio);
		check(vgicr_mmio_read(t->b->v, 0, byte, 1) == prio);
		wr32(t->b, 0, GICR_ICENABLER0, t->own & (0xffu << i % 24));
		wr32(t->b, 0, GICR_ISPENDR0, t->own);
		check((rd32(t->b, 0, GICR_ISPENDR0) & t->own) == t->own);
		wr32(t->b, 0, GICR_ICPENDR0, t->own);
		check((rd32(t->b, 0, GICR_ICPENDR0) & t->own) == 0);
		(void)rd32(t->b, 0, GICR_ISACTIVER0);
	}
	return NULL;
}

static void expect_below_agrees(struct below *b)
{
	const struct below_redist *r = &b->redists[0];

	assert_int_equal(rd32(b, 0, GICR_ISENABLER0), r->enabled);
	for (unsigned i = 0; i < 32; i++) {
		if (r->enabled & BIT64(i))
			assert_int_equal(vgicr_mmio_read(b->v, 0, GICR_IPRIORITYR(0) + i, 1),
					 r->prio[i / 4] >> 8 * (i % 4) & 0xff);
	}
}

static void test_vcpus_at_one_redistributor_lose_nothing(void **state)
{
	struct below *b = below_create(1);
	struct thread threads[NR_THREADS];

	(void)state;
	start(threads, b, write_own_bits);
	join(threads);
	expect_below_agrees(b);
	below_destroy(b);
}

/* All at all of them: the backend judges each switch (vgicr_below.c). */
static void *switch_lpis(void *arg)
{
	struct thread *t = arg;

	for (unsigned i = 0; i < NR_ROUNDS; i++) {
		uint32_t vcpu = (i + t->n) % NR_THREADS;

		wr64(t->b, vcpu, GICR_PROPBASER, (uint64_t)i << 12);
		wr32(t->b, vcpu, GICR_PENDBASER, t->n << 16);
		wr32(t->b, vcpu, GICR_CTLR, (i / NR_THREADS ^ t->n) & 1);
		(void)rd64(t->b, vcpu, GICR_PROPBASER);
		(void)vgicr_lpis_on(t->b->v, vcpu);
	}
	return NULL;
}

static void test_lpis_are_switched_by_several_at_once(void **state)
{
	struct below *b = below_create(NR_THREADS);
	struct thread threads[NR_THREADS];

	(void)state;
	start(threads, b, switch_lpis);
	join(threads);
	for (uint32_t vcpu = 0; vcpu < NR_THREADS; vcpu++) {
		const struct below_redist *r = &b->redists[vcpu];

		assert_int_equal(vgicr_lpis_on(b->v, vcpu), r->lpis_on);
		if (r->lpis_on)
			assert_int_equal(rd64(b, vcpu, GICR_PROPBASER), r->prop);
		assert_true(b->nr_switched[vcpu] > 0);
	}
	below_destroy(b);
}

/* A backend that takes its time to begin. */
static sem_t has_begun, may_go_on;

static void wait_in_begin(struct below *b)
{
	b->on_begin = NULL;
	sem_post(&has_begun);
	sem_wait(&may_go_on);
}

static void *enable_sgi(void *arg)
{
	wr32(arg, 0, GICR_ISENABLER0, 1);
	return NULL;
}

static void test_what_is_kept_here_is_read_and_written_while_a_backend_begins(void **state)
{
	struct below *b = below_create(2);
	pthread_t id;

	(void)state;
	sem_init(&has_begun, 0, 0);
	sem_init(&may_go_on, 0, 0);
	b->on_begin = wait_in_begin;
	assert_int_equal(pthread_create(&id, NULL, enable_sgi, b), 0);
	sem_wait(&has_begun);
	assert_int_equal(rd32(b, 0, GICR_ISENABLER0), 0);
	wr32(b, 0, GICR_IPRIORITYR(0), 0xa0a0a0a0);
	assert_int_equal(rd32(b, 0, GICR_IPRIORITYR(0)), 0xa0a0a0a0);
	wr64(b, 1, GICR_PROPBASER, 0x1000);
	assert_int_equal(rd64(b, 1, GICR_PROPBASER), 0x1000);
	sem_post(&may_go_on);
	assert_int_equal(pthread_join(id, NULL), 0);
	/* What was written meanwhile went along. */
	assert_int_equal(b->redists[0].prio[0], 0xa0a0a0a0);
	sem_destroy(&has_begun);
	sem_destroy(&may_go_on);
	below_destroy(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vcpus_at_one_redistributor_lose_nothing),
		cmocka_unit_test(test_lpis_are_switched_by_several_at_once),
		cmocka_unit_test(test_what_is_kept_here_is_read_and_written_while_a_backend_begins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
