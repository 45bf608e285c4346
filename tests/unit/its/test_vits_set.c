// SPDX-License-Identifier: MIT
/*
 * Two ITSs of one machine, over the kernel ITS on a fake KVM.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/its/kernel_its_world.h"
#include "vitsmod/gits.h"
#include "vmm/base/bits.h"
#include "vmm/its/vits_set.h"
#include "vmm/kvm/layout.h"

#define NR_ITS	 2u
#define DEVID	 8u
#define QUEUE_SZ 0x10000u
/* Memory of each ITS: tables, queue, ITT. */
#define MEM_OF(its)   (LAYOUT_RAM + 0x100000 + (its)*UINT64_C(0x40000))
#define QUEUE_OF(its) (MEM_OF(its) + 0x20000)

struct machine {
	struct world *world;
	struct vits_set *set;
	uint32_t tail[NR_ITS];
	unsigned nr_more, nr_unmaps, nr_unmapped;
	_Atomic unsigned nr_switched;
	/* What vector_routes.c makes of it: vectors are tied while their ITS is on. */
	pthread_mutex_t review_lock;
	bool tied[NR_ITS];
};

/* ---- what is wrapped ------------------------------------------------------------ */

/* What another CPU does as soon as this one has looked whether an ITS is on; once. */
static _Thread_local void (*after_look)(struct machine *m);
static _Thread_local struct machine *after_look_arg;

static void looked(void)
{
	void (*then)(struct machine * m) = after_look;

	after_look = NULL;
	if (then)
		then(after_look_arg);
}

bool __real_vits_enabled(const struct vits *v);
bool __wrap_vits_enabled(const struct vits *v);
bool __wrap_vits_enabled(const struct vits *v)
{
	bool on = __real_vits_enabled(v);

	looked();
	return on;
}

uint64_t __real_vits_nr_switches(const struct vits *v);
uint64_t __wrap_vits_nr_switches(const struct vits *v);
uint64_t __wrap_vits_nr_switches(const struct vits *v)
{
	uint64_t nr = __real_vits_nr_switches(v);

	looked();
	return nr;
}

/* ---- the machine ------------------------------------------------------------------ */

static void on_more(void *ctx)
{
	struct machine *m = ctx;

	m->nr_more++;
}

static void on_switched(void *ctx)
{
	struct machine *m = ctx;

	pthread_mutex_lock(&m->review_lock);
	for (unsigned i = 0; i < NR_ITS; i++) {
		bool on = vits_enabled(vits_set_get(m->set, i));

		sched_yield(); /* a review takes its time */
		m->tied[i] = on;
	}
	m->nr_switched++;
	pthread_mutex_unlock(&m->review_lock);
}

/* The event is still there for the kernel ITS. */
static void on_unmaps(void *ctx, size_t function, uint32_t eventid)
{
	struct machine *m = ctx;

	assert_int_equal(function, 0);
	assert_int_equal(kernel_its_signal(m->world->its, function, eventid), 1);
	m->nr_unmaps++;
}

static void on_unmapped(void *ctx, uint64_t nr)
{
	struct machine *m = ctx;

	m->nr_unmaps -= (unsigned)nr;
	m->nr_unmapped++;
}

static void write_reg(struct machine *m, unsigned its, uint64_t offset, uint64_t value)
{
	bus_write(&m->world->bus, LAYOUT_GITS_OF(its) + offset, 8, value);
}

static uint64_t read_reg(struct machine *m, unsigned its, uint64_t offset)
{
	return bus_read(&m->world->bus, LAYOUT_GITS_OF(its) + offset, 8);
}

static void enable(struct machine *m, unsigned its, bool on)
{
	bus_write(&m->world->bus, LAYOUT_GITS_OF(its) + GITS_CTLR, 4, on ? GITS_CTLR_ENABLED : 0);
}

static void push(struct machine *m, unsigned its, struct gits_cmd cmd)
{
	uint64_t words[GITS_CMD_NR_WORDS];

	cmd_encode(&cmd, words);
	assert_int_equal(
		gmem_write(&m->world->mem, QUEUE_OF(its) + m->tail[its], words, sizeof(words)), 0);
	m->tail[its] = (m->tail[its] + GITS_CMD_SZ) % QUEUE_SZ;
}

static void run(struct machine *m, unsigned its, struct gits_cmd cmd)
{
	push(m, its, cmd);
	write_reg(m, its, GITS_CWRITER, m->tail[its]);
	assert_int_equal(read_reg(m, its, GITS_CREADR), m->tail[its]);
}

static void map_event(struct machine *m, unsigned its, uint32_t eventid, uint32_t intid)
{
	run(m, its,
	    (struct gits_cmd){
		    .opcode = GITS_CMD_MAPTI,
		    .devid = DEVID,
		    .eventid = eventid,
		    .pintid = intid,
	    });
}

static void bring_up(struct machine *m, unsigned its)
{
	write_reg(m, its, GITS_CBASER,
		  GITS_CBASER_VALID | QUEUE_OF(its) | (QUEUE_SZ / GITS_CBASER_PAGE_SZ - 1));
	write_reg(m, its, GITS_BASER(0), GITS_BASER_VALID | MEM_OF(its));
	write_reg(m, its, GITS_BASER(1), GITS_BASER_VALID | (MEM_OF(its) + 0x10000));
	enable(m, its, true);
	run(m, its, (struct gits_cmd){ .opcode = GITS_CMD_MAPC, .valid = true });
	run(m, its,
	    (struct gits_cmd){
		    .opcode = GITS_CMD_MAPD,
		    .devid = DEVID,
		    .size = 3,
		    .itt = MEM_OF(its) + 0x30000,
		    .valid = true,
	    });
}

static int setup(void **state)
{
	static struct machine m;
	const struct vits_function functions[] = { { DEVID, 8 }, { DEVID + 8, 4 } };
	struct vits_set_config config = { .more = on_more,
					  .switched = on_switched,
					  .unmaps = on_unmaps,
					  .unmapped = on_unmapped,
					  .ctx = &m };

	m = (struct machine){ .world = world_new(8) };
	pthread_mutex_init(&m.review_lock, NULL);
	world_set_up_lpis(m.world);
	config.mem = &m.world->mem;
	config.kernel_its = m.world->its;
	assert_int_equal(vits_set_create(&config, &m.set), 0);
	for (unsigned i = 0; i < NR_ITS; i++) {
		const struct vits_config its = {
			.nr_vcpus = WORLD_VCPUS,
			.devid_bits = 8,
			.eventid_bits = 8,
			.nr_lpis = 64,
			.functions = functions,
			.nr_functions = i == 0 ? 2 : 1, /* as world_new() wires them */
		};

		assert_int_equal(vits_set_add(m.set, &its), 0);
	}
	assert_int_equal(vits_set_add_to_bus(m.set, &m.world->bus), 0);
	*state = &m;
	return 0;
}

static int teardown(void **state)
{
	struct machine *m = *state;

	vits_set_destroy(m->set);
	m->world->started = false; /* it was not told of the events */
	world_free(m->world);
	pthread_mutex_destroy(&m->review_lock);
	return 0;
}

static void test_each_its_answers_at_its_own_frame(void **state)
{
	struct machine *m = *state;

	bring_up(m, 1);
	assert_int_equal(read_reg(m, 0, GITS_CBASER), 0);
	assert_true(read_reg(m, 1, GITS_CBASER) & GITS_CBASER_VALID);
	assert_false(vits_enabled(vits_set_get(m->set, 0)));
	assert_true(vits_enabled(vits_set_get(m->set, 1)));
}

static void test_switching_on_and_off_is_told_and_nothing_else_is(void **state)
{
	struct machine *m = *state;

	bring_up(m, 0);
	assert_int_equal(m->nr_switched, 1);
	enable(m, 0, true);
	map_event(m, 0, 0, VITS_LPI_BASE);
	assert_int_equal(m->nr_switched, 1);
	enable(m, 0, false);
	assert_int_equal(m->nr_switched, 2);
	enable(m, 1, true); /* which its missing tables forbid */
	assert_int_equal(m->nr_switched, 2);
}

/* on_unmaps() looks at what the kernel ITS has when it is told. */
static void test_who_unmaps_an_event_tells_before_the_kernel_its_hears_of_it(void **state)
{
	struct machine *m = *state;

	bring_up(m, 0);
	map_event(m, 0, 3, VITS_LPI_BASE);
	map_event(m, 0, 4, VITS_LPI_BASE + 1);
	assert_int_equal(m->nr_unmapped, 0);
	run(m, 0, (struct gits_cmd){ .opcode = GITS_CMD_DISCARD, .devid = DEVID, .eventid = 3 });
	assert_int_equal(m->nr_unmapped, 1);
	assert_int_equal(m->nr_unmaps, 0);
	assert_int_equal(kernel_its_signal(m->world->its, 0, 3), 0);
	run(m, 0, (struct gits_cmd){ .opcode = GITS_CMD_MAPD, .devid = DEVID });
	assert_int_equal(m->nr_unmapped, 2);
	assert_int_equal(m->nr_unmaps, 0);
}

static void switch_on(struct machine *m)
{
	enable(m, 0, true);
}

static void switch_off(struct machine *m)
{
	enable(m, 0, false);
}

/* One CPU writes between another one's look and what that makes of it. */
static void test_a_switch_behind_a_look_is_reviewed_and_the_next_one_too(void **state)
{
	struct machine *m = *state;

	bring_up(m, 0);
	after_look_arg = m;
	for (unsigned i = 0; i < 2; i++) {
		after_look = i ? switch_off : switch_on;
		enable(m, 0, i);
		assert_null(after_look);
		assert_int_equal(m->tied[0], !i);
		/* The bit is known: what changes it is told. */
		enable(m, 0, i);
		assert_int_equal(m->tied[0], i);
		enable(m, 0, true);
		assert_true(m->tied[0]);
	}
}

#define NR_SWITCHERS 3u
#define NR_ROUNDS    3000u

struct switcher {
	struct machine *m;
	pthread_barrier_t *barrier;
	unsigned index;
	unsigned random;
};

static void *switch_again_and_again(void *arg)
{
	struct switcher *s = arg;

	for (unsigned round = 0; round < NR_ROUNDS; round++) {
		(void)pthread_barrier_wait(s->barrier);
		/* Meet at another point of each other's way each time. */
		s->random = s->random * 1664525 + 1013904223;
		for (volatile unsigned n = s->random >> 24; n > 0;)
			n--;
		enable(s->m, 0, (round + s->index) % 2);
		(void)pthread_barrier_wait(s->barrier);
	}
	return NULL;
}

/* However the writes of several CPUs come: the last review has seen how they left it. */
static void test_what_several_cpus_switch_at_once_is_reviewed_as_they_leave_it(void **state)
{
	struct machine *m = *state;
	struct switcher switchers[NR_SWITCHERS];
	pthread_t threads[NR_SWITCHERS];
	pthread_barrier_t barrier;
	unsigned nr_wrong = 0;

	bring_up(m, 0);
	pthread_barrier_init(&barrier, NULL, NR_SWITCHERS + 1);
	for (unsigned i = 0; i < NR_SWITCHERS; i++) {
		switchers[i] = (struct switcher){ m, &barrier, i, i };
		assert_int_equal(
			pthread_create(&threads[i], NULL, switch_again_and_again, &switchers[i]),
			0);
	}
	for (unsigned round = 0; round < NR_ROUNDS; round++) {
		(void)pthread_barrier_wait(&barrier);
		(void)pthread_barrier_wait(&barrier);
		/* They wait for this thread to come to the barrier. */
		nr_wrong += m->tied[0] != vits_enabled(vits_set_get(m->set, 0));
	}
	for (unsigned i = 0; i < NR_SWITCHERS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&barrier);
	assert_int_equal(nr_wrong, 0);
	/* And it still tells, of one CPU alone. */
	enable(m, 0, false);
	assert_false(m->tied[0]);
	enable(m, 0, true);
	assert_true(m->tied[0]);
}

static void test_an_lpi_is_an_event_s_of_one_its_only(void **state)
{
	struct machine *m = *state;
	struct vits_stats stats;
	struct vits_lpi lpi;

	bring_up(m, 0);
	bring_up(m, 1);
	map_event(m, 0, 1, VITS_LPI_BASE + 5);
	map_event(m, 1, 2, VITS_LPI_BASE + 5);
	vits_stats_get(vits_set_get(m->set, 1), &stats);
	assert_int_equal(stats.cmd[GITS_CMD_MAPTI].skipped, 1);
	assert_int_equal(vits_translate(vits_set_get(m->set, 1), 0, 2, &lpi), VITS_MSI_UNMAPPED);

	/* Given up by one, it is there for the other; the kernel has the second one's then. */
	run(m, 0, (struct gits_cmd){ .opcode = GITS_CMD_DISCARD, .devid = DEVID, .eventid = 1 });
	map_event(m, 1, 2, VITS_LPI_BASE + 5);
	assert_int_equal(vits_translate(vits_set_get(m->set, 1), 0, 2, &lpi), VITS_MSI_DELIVER);
	assert_int_equal(lpi.intid, VITS_LPI_BASE + 5);
	assert_int_equal(kernel_its_signal(m->world->its, 2, 2), 1);
	assert_int_equal(kernel_its_signal(m->world->its, 0, 1), 0);
}

static void test_what_is_left_in_a_queue_is_run_when_it_is_due(void **state)
{
	const uint32_t many = QUEUE_SZ / GITS_CMD_SZ - 10;
	struct machine *m = *state;

	bring_up(m, 1);
	vits_set_run(m->set); /* nothing is due */
	for (uint32_t i = 0; i < many; i++)
		push(m, 1, (struct gits_cmd){ .opcode = GITS_CMD_SYNC });
	write_reg(m, 1, GITS_CWRITER, m->tail[1]);
	assert_int_not_equal(read_reg(m, 1, GITS_CREADR), m->tail[1]);
	assert_int_equal(m->nr_more, 1);
	for (unsigned i = 0; i < many && m->nr_more; i++) {
		m->nr_more = 0;
		vits_set_run(m->set);
	}
	assert_int_equal(read_reg(m, 1, GITS_CREADR), m->tail[1]);
}

static void test_counters_are_those_of_all_and_failures_those_of_the_first(void **state)
{
	struct machine *m = *state;
	struct vits_stats sum;

	bring_up(m, 0);
	bring_up(m, 1);
	run(m, 1, (struct gits_cmd){ .opcode = GITS_CMD_INVALL, .icid = 7 });
	vits_set_stats_get(m->set, &sum);
	assert_int_equal(sum.cmd[GITS_CMD_MAPC].done, 2);
	assert_int_equal(sum.cmd[GITS_CMD_MAPD].done, 2);
	assert_int_equal(sum.cmd[GITS_CMD_INVALL].skipped, 1);
	assert_int_equal(sum.nr_last, 1);
	assert_int_equal(cmd_opcode(sum.last[0].cmd), GITS_CMD_INVALL);
	run(m, 0, (struct gits_cmd){ .opcode = GITS_CMD_MOVALL, .rdbase = 100 });
	vits_set_stats_get(m->set, &sum);
	assert_int_equal(sum.nr_last, 1);
	assert_int_equal(cmd_opcode(sum.last[0].cmd), GITS_CMD_MOVALL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_each_its_answers_at_its_own_frame),
		TEST(test_switching_on_and_off_is_told_and_nothing_else_is),
		TEST(test_who_unmaps_an_event_tells_before_the_kernel_its_hears_of_it),
		TEST(test_a_switch_behind_a_look_is_reviewed_and_the_next_one_too),
		TEST(test_what_several_cpus_switch_at_once_is_reviewed_as_they_leave_it),
		TEST(test_an_lpi_is_an_event_s_of_one_its_only),
		TEST(test_what_is_left_in_a_queue_is_run_when_it_is_due),
		TEST(test_counters_are_those_of_all_and_failures_those_of_the_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
