// SPDX-License-Identifier: MIT
/*
 * What holds whatever the guest does: memory is read once, work per access is
 * bounded, disabling works with a full queue, and an ITS that was reset is as
 * good as a new one. IHI 0069 5.2, 5.3, 12.18.
 */
#include "tests/unit/vitsmod/vits_twins.h"

#include <string.h>

#define MAX_READS 64u

/*
 * Reads
 */

struct reads {
	uint64_t gpa[MAX_READS];
	size_t nr;
	uint64_t after; /* what is written over what was read; 0: nothing */
};

static void note_read(struct world *w, uint64_t gpa, size_t len)
{
	struct reads *reads = w->arg;

	for (size_t i = 0; i < reads->nr; i++) {
		if (reads->gpa[i] == gpa)
			fail_msg("%#llx is read twice", (unsigned long long)gpa);
	}
	assert_true(reads->nr < MAX_READS);
	reads->gpa[reads->nr++] = gpa;
	if (reads->after && len == 8)
		ram_set(w, gpa, reads->after);
}

/* An event of a function, in collection 0, one beyond its vectors, and one of no function. */
static struct world *world_to_read(struct reads *reads)
{
	struct world *w = world_create_ready();

	run_ok(w, mapti(DEV_A, 0, LPI(0), 0));
	run_ok(w, mapti(DEV_A, 6, LPI(1), 0));
	run_ok(w, mapti(DEV_X, 0, LPI(2), 0));
	forget_updates(w);
	*reads = (struct reads){ .nr = 0 };
	w->on_read = note_read;
	w->arg = reads;
	return w;
}

/* Commands that are done, for that event; the collection is the one that it is in, or not. */
static size_t commands_for(uint32_t devid, uint32_t event, struct words ret_cmds[16])
{
	const struct words cmds[] = {
		intr(devid, event),
		clear(devid, event),
		inv(devid, event),
		movi(devid, event, 0),
		movi(devid, event, 1),
		discard(devid, event),
		mapti(devid, event + 1, LPI(9), 0),
		mapti(devid, event + 1, LPI(9), 1),
		mapc(0, 2),
		mapc_off(0),
		invall(0),
		movall(0, 1),
		sync_cmd(0),
		mapd(devid, SPARE, 4),
		mapd_off(devid),
	};

	memcpy(ret_cmds, cmds, sizeof(cmds));
	return ARRAY_SIZE(cmds);
}

static const struct {
	uint32_t devid, event;
} events[] = { { DEV_A, 0 }, { DEV_A, 6 }, { DEV_X, 0 } };

static void test_a_command_reads_each_entry_once_and_few_of_them(void **state)
{
	struct reads reads;

	(void)state;
	for (size_t e = 0; e < ARRAY_SIZE(events); e++) {
		struct words cmds[16];
		size_t nr = commands_for(events[e].devid, events[e].event, cmds);

		for (size_t i = 0; i < nr; i++) {
			struct world *w = world_to_read(&reads);

			run_ok(w, cmds[i]);
			/* The command, DTE, ITE, two CTEs. */
			assert_in_range(reads.nr, 1, 5);
			world_destroy(w);
		}
	}
}

/* What comes into memory after the read does not matter to the command. */
static void test_what_changes_after_it_was_read_changes_nothing(void **state)
{
	static const uint64_t after[] = { UINT64_MAX, VALID, ITE(1, LPI(40), 3), CTE(0, 3) };
	struct reads reads;

	(void)state;
	for (size_t e = 0; e < ARRAY_SIZE(events); e++) {
		struct words cmds[16];
		size_t nr = commands_for(events[e].devid, events[e].event, cmds);

		for (size_t i = 0; i < nr * ARRAY_SIZE(after); i++) {
			struct world *quiet = world_to_read(&reads), *loud;
			size_t nr_log;

			run_ok(quiet, cmds[i % nr]);
			loud = world_to_read(&reads);
			reads.after = after[i / nr];
			run_ok(loud, cmds[i % nr]);
			nr_log = quiet->nr_log;
			assert_int_equal(loud->nr_log, nr_log);
			assert_memory_equal(loud->log, quiet->log, nr_log * sizeof(quiet->log[0]));
			for (uint32_t n = 0; n < DEV_A_EVENTS; n++)
				assert_int_equal(translated(loud, 0, n), translated(quiet, 0, n));
			world_destroy(quiet);
			world_destroy(loud);
		}
	}
}

/*
 * Work
 */

/* Commands that look at all assigned events do so in the shadow, not in memory. */
static void test_no_command_walks_through_memory(void **state)
{
	static const struct vits_function function = { DEV_A, 4096 };
	struct vits_config config;
	const struct words cmds[] = { movall(0, 1), mapc(0, 2), mapc_off(0),
				      mapc(0, 3),   invall(0),	mapd_off(DEV_A) };
	struct reads reads = { .nr = 0 };
	struct world *w;

	(void)state;
	world_default_config(&config);
	config.functions = &function;
	config.nr_functions = 1;
	config.nr_lpis = 4096;
	w = world_create_on(&config);
	run_ok(w, mapd(DEV_A, ITT_A, 12));
	run_ok(w, mapc(0, 0));
	for (uint32_t i = 0; i < 4096; i++)
		run_ok(w, mapti(DEV_A, i, LPI(i), 0));
	w->on_read = note_read;
	w->arg = &reads;
	for (size_t i = 0; i < ARRAY_SIZE(cmds); i++) {
		reads.nr = 0;
		push(w, cmds[i]);
		kick(w);
		/* It may take more than one batch, and reads nothing again. */
		for (unsigned n = 0; n < 64 && rd32(w, GITS_CREADR) != w->tail; n++)
			vits_run(w->v);
		assert_int_equal(rd32(w, GITS_CREADR), w->tail);
		assert_int_equal(w->result, VITS_DONE);
		assert_in_range(reads.nr, 1, 3);
	}
	world_destroy(w);
}

static void test_a_full_queue_is_quiescent_as_soon_as_the_its_is_disabled(void **state)
{
	struct world *w = world_create(NULL);

	(void)state;
	world_set_tables(w);
	w->queue_sz = 1 << 20;
	wr64(w, GITS_CBASER, VALID | QUEUE | 255);
	wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
	for (unsigned i = 0; i < 32767; i++)
		push(w, sync_cmd(0));
	kick(w);
	assert_int_equal(w->nr_more, 1);
	assert_int_equal(rd32(w, GITS_CTLR), GITS_CTLR_ENABLED);
	assert_true(rd32(w, GITS_CREADR) != w->tail);
	wr32(w, GITS_CTLR, 0);
	/* No one has to come by first: vits_run() may be late. */
	assert_int_equal(rd32(w, GITS_CTLR), GITS_CTLR_QUIESCENT);
	vits_run(w->v);
	assert_int_equal(rd32(w, GITS_CTLR), GITS_CTLR_QUIESCENT);
	/* Where it stopped, it goes on; or the queue is a new one. */
	wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
	for (unsigned i = 0; i < 128; i++)
		vits_run(w->v);
	assert_int_equal(rd32(w, GITS_CREADR), w->tail);
	assert_int_equal(w->nr_commands, 32767);
	world_destroy(w);
}

/*
 * Reset
 */

/* Anything, most of it wrong. */
static void roll_life(struct world *w, struct dice *d)
{
	for (uint32_t icid = 0; icid < 4; icid++)
		push(w, mapc(icid, icid));
	push(w, mapd(DEV_A, ITT_A, 4));
	push(w, mapd(DEV_B, ITT_B, 4));
	for (unsigned i = 0; i < 400; i++) {
		uint32_t devid = one_in(d, 3) ? DEV_X : one_in(d, 2) ? DEV_A : DEV_B;
		uint32_t event = below(d, 10), icid = below(d, 4), vcpu = below(d, NR_VCPUS + 1);
		const struct words cmds[] = {
			mapd(devid, ITT_A + below(d, 4) * 0x10000, 1 + below(d, 17)),
			mapd_off(devid),
			mapc(icid, vcpu),
			mapc_off(icid),
			mapti(devid, event, LPI(below(d, 20)), icid),
			mapti(devid, event, LPI(below(d, 20)), icid),
			mapti(devid, event, LPI(below(d, 20)), icid),
			movi(devid, event, icid),
			intr(devid, event),
			discard(devid, event),
			movall(vcpu, below(d, NR_VCPUS)),
			{ { roll(d), roll(d), roll(d), roll(d) } },
		};

		push(w, cmds[below(d, ARRAY_SIZE(cmds))]);
		if (one_in(d, 3))
			kick(w);
		if (one_in(d, 60)) {
			wr32(w, GITS_CTLR, 0);
			wr64(w, one_in(d, 2) ? GITS_BASER(0) : GITS_BASER(1),
			     baser_value(one_in(d, 2) ? DEVICE_TABLE : SPARE, 1 + below(d, 8)));
			wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
		}
	}
}

/* The same life in a machine that has just been switched on, step for step. */
static void live_again(struct world *w)
{
	struct dice d = { 77 };

	memset(w->ram, 0, RAM_SZ);
	memset(w->lpis, 0, sizeof(w->lpis));
	forget_updates(w);
	world_set_tables(w);
	wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
	roll_life(w, &d);
}

static void test_an_its_that_was_reset_lives_as_a_new_one(void **state)
{
	struct world *fresh = world_create(NULL);

	(void)state;
	live_again(fresh);
	assert_true(fresh->nr_log > 50);
	for (uint32_t seed = 1; seed <= 40; seed++) {
		struct dice d = { seed * UINT64_C(0x9e3779b97f4a7c15) + 1 };
		struct world *used = world_create_on(NULL);

		roll_life(used, &d);
		vits_reset(used->v);
		for (uint32_t n = 0; n < NR_LPIS; n++)
			assert_false(used->lpis[n].targeted);
		live_again(used);
		same_worlds(used, fresh);
		same_states(used, fresh);
		assert_int_equal(used->nr_log, fresh->nr_log);
		assert_memory_equal(used->log, fresh->log, fresh->nr_log * sizeof(fresh->log[0]));
		world_destroy(used);
	}
	world_destroy(fresh);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_command_reads_each_entry_once_and_few_of_them),
		cmocka_unit_test(test_what_changes_after_it_was_read_changes_nothing),
		cmocka_unit_test(test_no_command_walks_through_memory),
		cmocka_unit_test(test_a_full_queue_is_quiescent_as_soon_as_the_its_is_disabled),
		cmocka_unit_test(test_an_its_that_was_reset_lives_as_a_new_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
