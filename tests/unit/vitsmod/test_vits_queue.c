// SPDX-License-Identifier: MIT
/*
 * The command queue: order, wrapping, bounds, hand-over, stalls, and queues
 * that are not where they claim to be. IHI 0069 5.3, 12.18.
 */
#include "tests/unit/vitsmod/vits_world.h"

#define VISIT 64u  /* commands between two moves of GITS_CREADR */
#define CALL  256u /* commands in one call */

static struct world *world_that_stalls(void)
{
	struct vits_config config;

	world_default_config(&config);
	config.on_error = VITS_ON_ERROR_STALL;
	return world_create_on(&config);
}

static void push_many(struct world *w, unsigned nr, struct words cmd)
{
	for (unsigned i = 0; i < nr; i++)
		push(w, cmd);
}

static void test_commands_run_in_order_up_to_cwriter(void **state)
{
	struct world *w = world_create_on(NULL);

	(void)state;
	push(w, mapd(DEV_A, ITT_A, 2));
	push(w, mapc(0, 0));
	push(w, mapti(DEV_A, 0, LPI(0), 0));
	push(w, mapti(DEV_A, 1, LPI(1), 0));
	kick(w);
	push(w, mapti(DEV_A, 2, LPI(2), 0)); /* not announced */
	expect_update(w, VITS_LPI_MAP, true, LPI(0), 0);
	expect_update(w, VITS_LPI_MAP, true, LPI(1), 0);
	expect_no_more_updates(w);
	assert_int_equal(rd64(w, GITS_CREADR), 4 * 32);
	assert_int_equal(w->nr_commands, 4);
	world_destroy(w);
}

static void test_queue_wraps_at_its_size(void **state)
{
	struct world *w = world_create(NULL);

	(void)state;
	world_set_tables(w);
	w->queue_sz = 2 * 4096;
	wr64(w, GITS_CBASER, VALID | QUEUE | 1);
	wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
	/* Beyond the end lies what must not run. */
	ram_set(w, QUEUE + w->queue_sz, GITS_CMD_MOVALL);
	ram_set(w, QUEUE + w->queue_sz + 16, FIELD_PREP(GITS_CMD2_RDBASE, 1));
	for (unsigned i = 0; i < 3 * w->queue_sz / 32; i++)
		run_ok(w, sync_cmd(0));
	assert_int_equal(w->nr_commands, 3 * w->queue_sz / 32);
	/* Full: one slot stays free. */
	push_many(w, w->queue_sz / 32 - 1, sync_cmd(0));
	kick(w);
	assert_int_equal(rd32(w, GITS_CREADR), w->tail);
	assert_int_equal(w->nr_commands, 4 * w->queue_sz / 32 - 1);
	expect_no_more_updates(w);
	world_destroy(w);
}

static void test_a_smaller_cwriter_is_at_most_one_lap(void **state)
{
	struct world *w = world_create(NULL);

	(void)state;
	world_set_tables(w);
	wr64(w, GITS_CBASER, VALID | QUEUE);
	w->queue_sz = 4096;
	wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
	for (uint32_t at = 0; at < 4096; at += 8)
		ram_set(w, QUEUE + at, at % 32 ? 0 : GITS_CMD_SYNC);
	wr32(w, GITS_CWRITER, 100 * 32);
	assert_int_equal(w->nr_commands, 100);
	wr32(w, GITS_CWRITER, 99 * 32);
	assert_int_equal(w->nr_commands, 100 + 127);
	assert_int_equal(rd32(w, GITS_CREADR), 99 * 32);
	wr32(w, GITS_CWRITER, 99 * 32);
	assert_int_equal(w->nr_commands, 100 + 127);
	world_destroy(w);
}

static void test_largest_queue_is_drained_whole(void **state)
{
	struct world *w = world_create(NULL);
	unsigned runs = 0;

	(void)state;
	world_set_tables(w);
	w->queue_sz = 1 << 20;
	wr64(w, GITS_CBASER, VALID | QUEUE | 255);
	wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
	push_many(w, 32767, sync_cmd(0));
	kick(w);
	while (rd32(w, GITS_CREADR) != w->tail) {
		uint64_t before = w->nr_commands;

		vits_run(w->v);
		assert_true(w->nr_commands > before);
		assert_true(w->nr_commands - before <= CALL);
		assert_true(++runs <= 32767 / CALL);
	}
	assert_int_equal(w->nr_commands, 32767);
	assert_int_equal(world_stats(w).cmd[GITS_CMD_SYNC].done, 32767);
	world_destroy(w);
}

static void test_no_command_runs_while_disabled(void **state)
{
	struct world *w = world_create(NULL);

	(void)state;
	world_set_tables(w);
	push_many(w, 3, sync_cmd(0));
	kick(w);
	vits_run(w->v);
	assert_int_equal(w->nr_commands, 0);
	assert_int_equal(rd32(w, GITS_CREADR), 0);
	assert_int_equal(w->nr_reads, 0);
	wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
	assert_int_equal(w->nr_commands, 3);
	world_destroy(w);
}

/*
 * One read per entry
 */

static void overwrite_entry(struct world *w, uint64_t gpa, size_t len)
{
	unsigned *nr = w->arg;

	if (gpa < QUEUE || gpa >= ITT_A)
		return;
	(*nr)++;
	assert_int_equal(len, 32);
	/* What was MAPTI to LPI 0 is now one to no LPI at all. */
	ram_set(w, gpa + 8, 0);
	ram_set(w, gpa, 0xff);
}

static void test_an_entry_is_read_once(void **state)
{
	struct world *w = world_create_on(NULL);
	unsigned nr = 0;

	(void)state;
	run_ok(w, mapd(DEV_A, ITT_A, 2));
	run_ok(w, mapc(0, 0));
	w->on_read = overwrite_entry;
	w->arg = &nr;
	run_ok(w, mapti(DEV_A, 0, LPI(0), 0));
	assert_int_equal(nr, 1);
	expect_update(w, VITS_LPI_MAP, true, LPI(0), 0);
	world_destroy(w);
}

/*
 * Visits
 */

static void note_creadr(struct world *w)
{
	uint32_t *creadr = w->arg;

	/* Steps have been taken, but nothing promises them yet. */
	creadr[w->nr_commits - 1] = rd32(w, GITS_CREADR);
}

/* Choice in cmdq.h */
static void test_creadr_moves_once_at_the_end_of_each_batch_after_commit(void **state)
{
	struct world *w = world_create_on(NULL);
	uint32_t creadr[8] = { 0 };

	(void)state;
	push_many(w, 3 * VISIT + 1, intr(DEV_A, 0));
	w->on_commit = note_creadr;
	w->arg = creadr;
	kick(w);
	assert_int_equal(w->nr_commits, 4);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(creadr[i], i * VISIT * 32);
	assert_int_equal(rd32(w, GITS_CREADR), w->tail);
	world_destroy(w);
}

static void expect_untranslatable(struct world *w)
{
	uint32_t *seen = w->arg;

	/* An MSI that came now would be lost in the backend. */
	*seen = translated(w, 0, 0);
}

static void test_an_event_is_translated_only_after_commit(void **state)
{
	struct world *w = world_create_on(NULL);
	uint32_t seen = 1;

	(void)state;
	run_ok(w, mapd(DEV_A, ITT_A, 2));
	run_ok(w, mapc(0, 0));
	w->on_commit = expect_untranslatable;
	w->arg = &seen;
	run_ok(w, mapti(DEV_A, 0, LPI(0), 0));
	assert_int_equal(seen, 0);
	assert_int_equal(translated(w, 0, 0), LPI(0));
	/* And no longer before the commit of its UNMAP. */
	seen = 1;
	run_ok(w, discard(DEV_A, 0));
	assert_int_equal(seen, 0);
	run_ok(w, mapti(DEV_A, 0, LPI(0), 0));
	seen = 1;
	run_ok(w, mapc_off(0));
	assert_int_equal(seen, 0);
	seen = 1;
	run_ok(w, mapc(0, 0));
	assert_int_equal(seen, 0);
	assert_int_equal(translated(w, 0, 0), LPI(0));
	world_destroy(w);
}

static void test_an_event_that_comes_and_goes_in_one_batch_is_never_translated(void **state)
{
	struct world *w = world_create_on(NULL);

	(void)state;
	push(w, mapd(DEV_A, ITT_A, 2));
	push(w, mapc(0, 0));
	push(w, mapti(DEV_A, 0, LPI(0), 0));
	push(w, discard(DEV_A, 0));
	push(w, mapti(DEV_A, 1, LPI(0), 0));
	push(w, mapti(DEV_A, 2, LPI(1), 9));
	kick(w);
	expect_no_msi(w, 0, 0, VITS_MSI_UNMAPPED);
	expect_no_msi(w, 0, 2, VITS_MSI_UNMAPPED);
	expect_msi(w, 0, 1, LPI(0), 0);
	world_destroy(w);
}

static void test_one_call_runs_a_bounded_number_of_commands(void **state)
{
	struct world *w = world_create_on(NULL);

	(void)state;
	push_many(w, CALL, sync_cmd(0));
	kick(w);
	assert_int_equal(w->nr_commands, CALL);
	assert_int_equal(w->nr_more, 0); /* just so */
	push_many(w, CALL + 1, sync_cmd(0));
	kick(w);
	assert_int_equal(w->nr_commands, 2 * CALL);
	assert_int_equal(w->nr_more, 1);
	assert_int_equal(rd32(w, GITS_CREADR), 2 * CALL * 32);
	vits_run(w->v);
	assert_int_equal(w->nr_commands, 2 * CALL + 1);
	assert_int_equal(w->nr_more, 1);
	/* More is asked for again and again until all is done. */
	push_many(w, 1500, sync_cmd(0));
	kick(w);
	for (unsigned i = 0; i < 1500 / CALL; i++) {
		assert_int_equal(w->nr_more, 2 + i);
		vits_run(w->v);
	}
	assert_int_equal(rd32(w, GITS_CREADR), w->tail);
	vits_run(w->v);
	assert_int_equal(w->nr_commands, 2 * CALL + 1 + 1500);
	world_destroy(w);
}

static void test_commands_with_many_updates_end_a_batch_early(void **state)
{
	static const struct vits_function function = { DEV_A, 1024 };
	struct vits_config config;
	struct world *w;

	(void)state;
	world_default_config(&config);
	config.functions = &function;
	config.nr_functions = 1;
	config.nr_lpis = 1024;
	w = world_create_on(&config);
	run_ok(w, mapd(DEV_A, ITT_A, 10));
	run_ok(w, mapc(0, 0));
	for (uint32_t i = 0; i < 1024; i++)
		run_ok(w, mapti(DEV_A, i, LPI(i), 0));
	w->nr_commits = 0;
	w->nr_commands = 0;
	/* Each moves 1024 events: one per batch, and nearly four batches per call. */
	for (uint32_t i = 1; i <= 100; i++)
		push(w, mapc(0, i % 2));
	kick(w);
	assert_int_equal(w->nr_commands, 4);
	assert_int_equal(w->nr_commits, 4);
	assert_int_equal(w->nr_more, 1);
	for (unsigned i = 1; i < 26; i++)
		vits_run(w->v);
	assert_int_equal(rd32(w, GITS_CREADR), w->tail);
	expect_msi(w, 0, 1023, LPI(1023), 0);
	world_destroy(w);
}

/*
 * Several writers. Another vCPU's write is made from inside commit().
 */

static void push_more_inside_commit(struct world *w)
{
	unsigned *left = w->arg;
	uint64_t commands = w->nr_commands;

	if (!*left)
		return;
	(*left)--;
	push(w, intr(DEV_A, 0));
	push(w, intr(DEV_A, 1));
	kick(w);
	vits_run(w->v);
	/* Handed over: neither run here, nor waited for. */
	assert_int_equal(w->nr_commands, commands);
}

static void test_commands_announced_during_a_batch_are_handed_over(void **state)
{
	struct world *w = world_create_on(NULL);
	unsigned left = 5;

	(void)state;
	run_ok(w, mapd(DEV_A, ITT_A, 2));
	run_ok(w, mapc(0, 0));
	run_ok(w, mapti(DEV_A, 0, LPI(0), 0));
	run_ok(w, mapti(DEV_A, 1, LPI(1), 0));
	forget_updates(w);
	w->nr_commands = 0;
	w->on_commit = push_more_inside_commit;
	w->arg = &left;
	push(w, sync_cmd(0));
	kick(w);
	assert_int_equal(w->nr_commands, 1 + 5 * 2);
	for (unsigned i = 0; i < 5; i++) {
		expect_update(w, VITS_LPI_RAISE, true, LPI(0), 0);
		expect_update(w, VITS_LPI_RAISE, true, LPI(1), 0);
	}
	expect_no_more_updates(w);
	assert_int_equal(rd32(w, GITS_CREADR), w->tail);
	assert_int_equal(w->nr_more, 0);
	world_destroy(w);
}

static void test_handing_over_for_ever_does_not_hold_one_caller_for_ever(void **state)
{
	struct world *w = world_create_on(NULL);
	unsigned left = UINT32_MAX;

	(void)state;
	w->on_commit = push_more_inside_commit;
	w->arg = &left;
	push(w, sync_cmd(0));
	kick(w);
	assert_true(w->nr_commands <= CALL);
	assert_int_equal(w->nr_more, 1);
	world_destroy(w);
}

static void toggle_inside_commit(struct world *w)
{
	/* Off at a command boundary, and on again before the owner looks. */
	wr32(w, GITS_CTLR, 0);
	wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
}

static void test_off_and_on_during_a_batch_loses_and_repeats_nothing(void **state)
{
	struct world *w = world_create_on(NULL);

	(void)state;
	w->on_commit = toggle_inside_commit;
	push_many(w, 200, sync_cmd(0));
	kick(w);
	assert_int_equal(w->nr_commands, 200);
	assert_int_equal(rd32(w, GITS_CREADR), w->tail);
	world_destroy(w);
}

static void disable_in_read(struct world *w, uint64_t gpa, size_t len)
{
	(void)len;
	if (gpa == QUEUE + 32) {
		w->on_read = NULL;
		wr32(w, GITS_CTLR, 0);
	}
}

static void test_disabling_stops_between_two_commands(void **state)
{
	struct world *w = world_create_on(NULL);

	(void)state;
	w->on_read = disable_in_read;
	push_many(w, 10, sync_cmd(0));
	kick(w);
	assert_int_equal(w->nr_commands, 2);
	assert_int_equal(rd32(w, GITS_CREADR), 2 * 32);
	assert_int_equal(rd32(w, GITS_CTLR), GITS_CTLR_QUIESCENT);
	wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
	assert_int_equal(w->nr_commands, 10);
	world_destroy(w);
}

/*
 * Queues that are not in RAM
 */

/* Choice in cmdq.c */
static void test_an_entry_that_is_not_in_ram_is_skipped_and_counted(void **state)
{
	struct world *w = world_create_on(NULL);
	struct vits_stats stats;

	(void)state;
	w->bad = QUEUE + 32 + 31; /* one byte of the second entry */
	w->bad_end = QUEUE + 64;
	push_many(w, 3, sync_cmd(0));
	kick(w);
	stats = world_stats(w);
	assert_int_equal(rd32(w, GITS_CREADR), 96);
	assert_int_equal(stats.cmd[GITS_CMD_SYNC].done, 2);
	assert_int_equal(stats.cmd_unreadable, 1);
	assert_int_equal(stats.nr_last, 1);
	assert_int_equal(stats.last[0].creadr, 32);
	assert_int_equal(stats.last[0].code, 0);
	assert_int_equal(stats.last[0].result, VITS_SKIP);
	world_destroy(w);
}

/* Choice in cmdq.c */
static void test_an_entry_that_is_not_in_ram_stalls_the_queue_where_errors_do(void **state)
{
	struct world *w = world_that_stalls();

	(void)state;
	w->bad = QUEUE + 32;
	w->bad_end = QUEUE + 64;
	push_many(w, 3, sync_cmd(0));
	kick(w);
	assert_int_equal(rd64(w, GITS_CREADR), 32 | GITS_CREADR_STALLED);
	assert_int_equal(world_stats(w).cmd_unreadable, 1);
	w->bad_end = w->bad;
	wr32(w, GITS_CWRITER, w->tail | GITS_CWRITER_RETRY);
	assert_int_equal(rd64(w, GITS_CREADR), 96);
	world_destroy(w);
}

static void test_a_queue_anywhere_does_no_harm(void **state)
{
	static const uint64_t places[] = {
		0,	 RAM_BASE - 0x10000, RAM_END - 0x10000,
		RAM_END, MASK64(51, 16),     UINT64_C(0x8000000000000),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		struct world *w = world_create(NULL);

		world_set_tables(w);
		wr64(w, GITS_CBASER, VALID | places[i] | 255);
		wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
		wr32(w, GITS_CWRITER, 0xfffe0);
		for (unsigned n = 0; n < 200; n++)
			vits_run(w->v);
		assert_int_equal(rd32(w, GITS_CREADR), 0xfffe0);
		expect_no_more_updates(w);
		world_destroy(w);
	}
}

static void test_cbaser_bits_15_to_12_are_no_part_of_the_address(void **state)
{
	struct world *w = world_create(NULL);

	(void)state;
	world_set_tables(w);
	wr64(w, GITS_CBASER, VALID | QUEUE | 0xf000 | 15);
	assert_int_equal(rd64(w, GITS_CBASER), VALID | QUEUE | 15);
	wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
	run_ok(w, sync_cmd(0));
	world_destroy(w);
}

/*
 * Stalls
 */

static void test_an_error_stalls_until_retry_runs_the_same_command_again(void **state)
{
	struct world *w = world_that_stalls();

	(void)state;
	push(w, mapd(DEV_A, ITT_A, 2));
	push(w, mapti(DEV_A, 0, LPI(0), 0));
	push(w, mapti(DEV_A, 4, LPI(1), 0)); /* beyond the ITT */
	push(w, mapc(0, 0));
	kick(w);
	assert_int_equal(rd64(w, GITS_CREADR), 64 | GITS_CREADR_STALLED);
	assert_int_equal(rd32(w, GITS_CTLR), GITS_CTLR_QUIESCENT | GITS_CTLR_ENABLED);
	assert_int_equal(w->nr_commands, 3);
	assert_int_equal(w->result, VITS_STALL);
	assert_int_equal(world_stats(w).cmd[GITS_CMD_MAPTI].stalled, 1);
	assert_int_equal(world_stats(w).last[0].result, VITS_STALL);
	assert_int_equal(world_stats(w).last[0].code, 0x010a05);
	/* Nothing runs meanwhile, whatever is written. */
	push(w, sync_cmd(0));
	kick(w);
	vits_run(w->v);
	wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
	assert_int_equal(w->nr_commands, 3);
	/* Off and on does not help either: the command is still there. */
	wr32(w, GITS_CTLR, 0);
	wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
	assert_int_equal(rd64(w, GITS_CREADR), 64 | GITS_CREADR_STALLED);
	/* Retry without a cure stalls again. */
	wr32(w, GITS_CWRITER, w->tail | GITS_CWRITER_RETRY);
	assert_int_equal(rd64(w, GITS_CREADR), 64 | GITS_CREADR_STALLED);
	assert_int_equal(w->nr_commands, 4);
	assert_int_equal(rd64(w, GITS_CWRITER), w->tail);
	ram_set(w, QUEUE + 64 + 8, mapti(DEV_A, 1, LPI(1), 0).w[1]);
	wr32(w, GITS_CWRITER, w->tail | GITS_CWRITER_RETRY);
	assert_int_equal(rd64(w, GITS_CREADR), w->tail);
	assert_int_equal(w->nr_commands, 7);
	expect_msi(w, 0, 1, LPI(1), 0);
	world_destroy(w);
}

static void test_cbaser_ends_a_stall(void **state)
{
	struct world *w = world_that_stalls();

	(void)state;
	push(w, inv(DEV_A, 0));
	kick(w);
	assert_int_equal(rd64(w, GITS_CREADR), GITS_CREADR_STALLED);
	wr32(w, GITS_CTLR, 0);
	world_set_tables(w);
	assert_int_equal(rd64(w, GITS_CREADR), 0);
	wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
	run_ok(w, sync_cmd(0));
	world_destroy(w);
}

static void test_what_is_undefined_but_no_error_never_stalls(void **state)
{
	struct world *w = world_that_stalls();

	(void)state;
	run_ok(w, mapd(DEV_A, ITT_A, 2));
	run_ok(w, mapti(DEV_A, 0, LPI(0), 0));
	run_skip(w, mapti(DEV_A, 0, LPI(1), 0), 0);
	run_skip(w, opcode(0), 0);
	world_destroy(w);
}

static void test_without_errors_that_stall_retry_means_nothing(void **state)
{
	struct world *w = world_create_on(NULL);

	(void)state;
	run_skip(w, inv(DEV_A, 0), 0x010c04);
	wr32(w, GITS_CWRITER, w->tail | GITS_CWRITER_RETRY);
	assert_int_equal(w->nr_commands, 1);
	assert_int_equal(rd64(w, GITS_CREADR), w->tail);
	world_destroy(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commands_run_in_order_up_to_cwriter),
		cmocka_unit_test(test_queue_wraps_at_its_size),
		cmocka_unit_test(test_a_smaller_cwriter_is_at_most_one_lap),
		cmocka_unit_test(test_largest_queue_is_drained_whole),
		cmocka_unit_test(test_no_command_runs_while_disabled),
		cmocka_unit_test(test_an_entry_is_read_once),
		cmocka_unit_test(test_creadr_moves_once_at_the_end_of_each_batch_after_commit),
		cmocka_unit_test(test_an_event_is_translated_only_after_commit),
		cmocka_unit_test(
			test_an_event_that_comes_and_goes_in_one_batch_is_never_translated),
		cmocka_unit_test(test_one_call_runs_a_bounded_number_of_commands),
		cmocka_unit_test(test_commands_with_many_updates_end_a_batch_early),
		cmocka_unit_test(test_commands_announced_during_a_batch_are_handed_over),
		cmocka_unit_test(test_handing_over_for_ever_does_not_hold_one_caller_for_ever),
		cmocka_unit_test(test_off_and_on_during_a_batch_loses_and_repeats_nothing),
		cmocka_unit_test(test_disabling_stops_between_two_commands),
		cmocka_unit_test(test_an_entry_that_is_not_in_ram_is_skipped_and_counted),
		cmocka_unit_test(test_an_entry_that_is_not_in_ram_stalls_the_queue_where_errors_do),
		cmocka_unit_test(test_a_queue_anywhere_does_no_harm),
		cmocka_unit_test(test_cbaser_bits_15_to_12_are_no_part_of_the_address),
		cmocka_unit_test(test_an_error_stalls_until_retry_runs_the_same_command_again),
		cmocka_unit_test(test_cbaser_ends_a_stall),
		cmocka_unit_test(test_what_is_undefined_but_no_error_never_stalls),
		cmocka_unit_test(test_without_errors_that_stall_retry_means_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
