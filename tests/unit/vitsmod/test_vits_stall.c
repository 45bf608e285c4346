// SPDX-License-Identifier: MIT
/*
 * An ITS whose errors stall the queue (on-error = "stall"): each error that
 * there is, where GITS_CREADR stands then, what GITS_CWRITER.Retry does and
 * what it does not. IHI 0069 5.3, 12.18 (GITS_CREADR, GITS_CWRITER).
 */
#include "tests/unit/vitsmod/vits_world.h"

#define SEIS BIT64(18)

/* As world_create_ready(), with event 0 of DEV_A, in collection 0, and small tables. */
static struct world *world_that(enum vits_on_error on_error)
{
	struct vits_config config;
	struct world *w;

	world_default_config(&config);
	config.on_error = on_error;
	w = world_create(&config);
	world_set_tables(w);
	wr64(w, GITS_BASER(1), VALID | COLL_TABLE); /* 512 ICIDs */
	wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
	run_ok(w, mapd(DEV_A, ITT_A, 3));
	run_ok(w, mapc(0, 0));
	run_ok(w, mapti(DEV_A, 0, LPI(0), 0));
	forget_updates(w);
	return w;
}

static struct world *world_that_stalls(void)
{
	return world_that(VITS_ON_ERROR_STALL);
}

#define NO_DEVID 0x10000u
#define NO_ICID	 512u

/* A command for each error number that there is. */
/* clang-format off */
static const struct {
	uint32_t code;
	struct gits_cmd cmd;
} errors[] = {
#define EVENT(op, id, event)  { .opcode = op, .devid = id, .eventid = event }
#define MAP(op, id, event, intid, coll) \
	{ .opcode = op, .devid = id, .eventid = event, .pintid = intid, .icid = coll }
	{ 0x010101, MAP(GITS_CMD_MOVI, NO_DEVID, 0, 0, 0) },
	{ 0x010103, MAP(GITS_CMD_MOVI, DEV_A, 0, 0, NO_ICID) },
	{ 0x010104, MAP(GITS_CMD_MOVI, DEV_X, 0, 0, 0) },
	{ 0x010105, MAP(GITS_CMD_MOVI, DEV_A, 8, 0, 0) },
	{ 0x010107, MAP(GITS_CMD_MOVI, DEV_A, 1, 0, 0) },
	{ 0x010109, MAP(GITS_CMD_MOVI, DEV_A, 0, 0, 5) },
	{ 0x010301, EVENT(GITS_CMD_INT, NO_DEVID, 0) },
	{ 0x010304, EVENT(GITS_CMD_INT, DEV_X, 0) },
	{ 0x010305, EVENT(GITS_CMD_INT, DEV_A, 8) },
	{ 0x010307, EVENT(GITS_CMD_INT, DEV_A, 1) },
	{ 0x010501, EVENT(GITS_CMD_CLEAR, NO_DEVID, 0) },
	{ 0x010504, EVENT(GITS_CMD_CLEAR, DEV_X, 0) },
	{ 0x010505, EVENT(GITS_CMD_CLEAR, DEV_A, 8) },
	{ 0x010507, EVENT(GITS_CMD_CLEAR, DEV_A, 1) },
	{ 0x010801, { .opcode = GITS_CMD_MAPD, .devid = NO_DEVID, .size = 3, .itt = ITT_X, .valid = true } },
	{ 0x010802, { .opcode = GITS_CMD_MAPD, .devid = DEV_A, .size = 16, .itt = ITT_X, .valid = true } },
	{ 0x010902, { .opcode = GITS_CMD_MAPC, .rdbase = NR_VCPUS, .valid = true } },
	{ 0x010903, { .opcode = GITS_CMD_MAPC, .icid = NO_ICID, .valid = true } },
	{ 0x010a01, MAP(GITS_CMD_MAPTI, NO_DEVID, 1, LPI(1), 0) },
	{ 0x010a03, MAP(GITS_CMD_MAPTI, DEV_A, 1, LPI(1), NO_ICID) },
	{ 0x010a04, MAP(GITS_CMD_MAPTI, DEV_X, 1, LPI(1), 0) },
	{ 0x010a05, MAP(GITS_CMD_MAPTI, DEV_A, 8, LPI(1), 0) },
	{ 0x010a06, MAP(GITS_CMD_MAPTI, DEV_A, 1, 8191, 0) },
	{ 0x010b01, MAP(GITS_CMD_MAPI, NO_DEVID, 1, 0, 0) },
	{ 0x010b03, MAP(GITS_CMD_MAPI, DEV_A, 1, 0, NO_ICID) },
	{ 0x010b04, MAP(GITS_CMD_MAPI, DEV_X, 1, 0, 0) },
	{ 0x010b05, MAP(GITS_CMD_MAPI, DEV_A, 1, 0, 0) },
	{ 0x010c01, EVENT(GITS_CMD_INV, NO_DEVID, 0) },
	{ 0x010c04, EVENT(GITS_CMD_INV, DEV_X, 0) },
	{ 0x010c05, EVENT(GITS_CMD_INV, DEV_A, 8) },
	{ 0x010c07, EVENT(GITS_CMD_INV, DEV_A, 1) },
	{ 0x010d03, { .opcode = GITS_CMD_INVALL, .icid = NO_ICID } },
	{ 0x010d09, { .opcode = GITS_CMD_INVALL, .icid = 5 } },
	{ 0x010e01, { .opcode = GITS_CMD_MOVALL, .rdbase = NR_VCPUS } },
	{ 0x010f01, EVENT(GITS_CMD_DISCARD, NO_DEVID, 0) },
	{ 0x010f05, EVENT(GITS_CMD_DISCARD, DEV_A, 8) },
	{ 0x010f07, EVENT(GITS_CMD_DISCARD, DEV_A, 1) },
#undef EVENT
#undef MAP
};
/* clang-format on */

/* The list above is whole: it names what vits_error_name() knows. */
static void test_there_is_a_command_for_each_error_number(void **state)
{
	size_t nr = 0;

	(void)state;
	for (uint32_t code = 0x010000; code <= 0x01ffff; code++)
		nr += vits_error_name(code) != NULL;
	assert_int_equal(nr, ARRAY_SIZE(errors));
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
		assert_non_null(vits_error_name(errors[i].code));
}

/* Queue: the bad command, and one behind it that would be seen. */
static void push_bad_and_good(struct world *w, struct words bad)
{
	push(w, bad);
	push(w, intr(DEV_A, 0));
	kick(w);
}

static void test_each_error_is_skipped_where_errors_do_not_stall(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		struct world *w = world_that(VITS_ON_ERROR_SKIP);

		push_bad_and_good(w, encoded(errors[i].cmd));
		assert_int_equal(rd64(w, GITS_CREADR), w->tail);
		assert_int_equal(world_stats(w).last[0].code, errors[i].code);
		assert_int_equal(world_stats(w).nr_last, 1);
		expect_update(w, VITS_LPI_RAISE, true, LPI(0), 0);
		expect_no_more_updates(w);
		world_destroy(w);
	}
}

static void test_each_error_stalls_at_its_command_and_changes_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		struct world *w = world_that_stalls();
		uint8_t op = errors[i].cmd.opcode;
		uint32_t at = w->tail;

		push_bad_and_good(w, encoded(errors[i].cmd));
		assert_int_equal(rd64(w, GITS_CREADR), at | GITS_CREADR_STALLED);
		assert_int_equal(rd32(w, GITS_CTLR), GITS_CTLR_ENABLED | GITS_CTLR_QUIESCENT);
		assert_int_equal(world_stats(w).cmd[op].stalled, 1);
		assert_int_equal(world_stats(w).last[0].code, errors[i].code);
		assert_int_equal(world_stats(w).last[0].result, VITS_STALL);
		assert_int_equal(world_stats(w).last[0].creadr, at);
		expect_no_more_updates(w);
		/* MSIs go on meanwhile. */
		expect_msi(w, 0, 0, LPI(0), 0);
		/* Software puts SYNC in its place and goes on. */
		ram_set(w, QUEUE + at, GITS_CMD_SYNC);
		wr32(w, GITS_CWRITER, w->tail | GITS_CWRITER_RETRY);
		assert_int_equal(rd64(w, GITS_CREADR), w->tail);
		expect_update(w, VITS_LPI_RAISE, true, LPI(0), 0);
		expect_no_more_updates(w);
		world_destroy(w);
	}
}

/* Software cannot tell from GITS_TYPER: there is no bit for it, and no SError is reported. */
static void test_typer_is_the_same_whether_errors_stall_or_not(void **state)
{
	struct world *a = world_that(VITS_ON_ERROR_SKIP);
	struct world *b = world_that_stalls();

	(void)state;
	assert_int_equal(rd64(a, GITS_TYPER), rd64(b, GITS_TYPER));
	assert_int_equal(rd64(b, GITS_TYPER) & SEIS, 0);
	push_bad_and_good(b, inv(DEV_X, 0));
	assert_int_equal(rd64(a, GITS_TYPER), rd64(b, GITS_TYPER));
	world_destroy(a);
	world_destroy(b);
}

static void test_commands_before_the_stall_have_taken_effect(void **state)
{
	struct world *w = world_that_stalls();
	uint32_t at;

	(void)state;
	/* Also where the bad one is the last of a batch, or the first of the next. */
	for (unsigned nr = 62; nr <= 66; nr++) {
		uint64_t commits = w->nr_commits;

		run_ok(w, discard(DEV_A, 0));
		for (unsigned i = 0; i + 1 < nr; i++)
			push(w, sync_cmd(0));
		push(w, mapti(DEV_A, 0, LPI(0), 0));
		at = w->tail;
		push(w, inv(DEV_X, 0));
		push(w, discard(DEV_A, 0));
		kick(w);
		assert_int_equal(rd64(w, GITS_CREADR), at | GITS_CREADR_STALLED);
		expect_msi(w, 0, 0, LPI(0), 0);
		assert_true(w->nr_commits > commits);
		assert_int_equal(w->updates_at_commit, w->nr_updates);
		ram_set(w, QUEUE + at, GITS_CMD_SYNC);
		wr32(w, GITS_CWRITER, w->tail | GITS_CWRITER_RETRY);
		assert_int_equal(rd64(w, GITS_CREADR), w->tail);
		expect_no_msi(w, 0, 0, VITS_MSI_UNMAPPED);
		run_ok(w, mapti(DEV_A, 0, LPI(0), 0));
	}
	world_destroy(w);
}

static void test_a_stalled_queue_is_left_in_peace(void **state)
{
	struct world *w = world_that_stalls();
	uint32_t at = w->tail;
	uint64_t commands, more;

	(void)state;
	push(w, inv(DEV_X, 0));
	for (unsigned i = 0; i < 600; i++)
		push(w, sync_cmd(0));
	kick(w);
	commands = w->nr_commands;
	more = w->nr_more;
	/* Nobody is asked to come back, and coming back changes nothing. */
	assert_int_equal(more, 0);
	for (unsigned i = 0; i < 10; i++)
		vits_run(w->v);
	/* Offsets are taken meanwhile, as far as they are in the queue. */
	wr32(w, GITS_CWRITER, at + 64);
	assert_int_equal(rd64(w, GITS_CWRITER), at + 64);
	wr64(w, GITS_CWRITER, w->tail);
	wr32(w, GITS_CREADR, 0);
	wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
	assert_int_equal(rd64(w, GITS_CWRITER), w->tail);
	assert_int_equal(rd64(w, GITS_CREADR), at | GITS_CREADR_STALLED);
	assert_int_equal(w->nr_commands, commands);
	assert_int_equal(w->nr_more, more);
	world_destroy(w);
}

static void test_retry_counts_only_in_a_write_that_is_taken(void **state)
{
	struct world *w = world_that_stalls();
	uint32_t at = w->tail;

	(void)state;
	push_bad_and_good(w, inv(DEV_X, 0));
	ram_set(w, QUEUE + at, GITS_CMD_SYNC);
	/* The upper half has no Retry; an offset beyond the queue spoils the whole write. */
	wr32(w, GITS_CWRITER + 4, GITS_CWRITER_RETRY);
	wr32(w, GITS_CWRITER, w->queue_sz | GITS_CWRITER_RETRY);
	wr64(w, GITS_CWRITER, 0xfffe0 | GITS_CWRITER_RETRY);
	vits_mmio_write(w->v, GITS_CWRITER, 1, GITS_CWRITER_RETRY);
	vits_mmio_write(w->v, GITS_CWRITER, 2, GITS_CWRITER_RETRY);
	assert_int_equal(rd64(w, GITS_CREADR), at | GITS_CREADR_STALLED);
	assert_int_equal(rd64(w, GITS_CWRITER), w->tail);
	/* 64 bits at once will do as well as 32. */
	wr64(w, GITS_CWRITER, w->tail | GITS_CWRITER_RETRY);
	assert_int_equal(rd64(w, GITS_CREADR), w->tail);
	assert_int_equal(rd64(w, GITS_CWRITER), w->tail);
	world_destroy(w);
}

static void test_retry_without_a_stall_runs_nothing_twice(void **state)
{
	struct world *w = world_that_stalls();
	uint64_t commands = w->nr_commands;

	(void)state;
	push(w, intr(DEV_A, 0));
	wr32(w, GITS_CWRITER, w->tail | GITS_CWRITER_RETRY);
	wr32(w, GITS_CWRITER, w->tail | GITS_CWRITER_RETRY);
	wr64(w, GITS_CWRITER, w->tail | GITS_CWRITER_RETRY);
	assert_int_equal(w->nr_commands, commands + 1);
	assert_int_equal(rd64(w, GITS_CREADR), w->tail);
	/* It does not stay set for the next stall either. */
	push_bad_and_good(w, inv(DEV_X, 0));
	assert_int_equal(rd64(w, GITS_CREADR) & GITS_CREADR_STALLED, GITS_CREADR_STALLED);
	world_destroy(w);
}

static void test_retry_while_disabled_waits_until_the_its_is_enabled(void **state)
{
	struct world *w = world_that_stalls();
	uint32_t at = w->tail;
	uint64_t commands;

	(void)state;
	push_bad_and_good(w, inv(DEV_X, 0));
	commands = w->nr_commands;
	wr32(w, GITS_CTLR, 0);
	assert_int_equal(rd64(w, GITS_CREADR), at | GITS_CREADR_STALLED);
	ram_set(w, QUEUE + at, GITS_CMD_SYNC);
	wr32(w, GITS_CWRITER, w->tail | GITS_CWRITER_RETRY);
	assert_int_equal(w->nr_commands, commands);
	assert_int_equal(rd32(w, GITS_CTLR), GITS_CTLR_QUIESCENT);
	wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
	assert_int_equal(w->nr_commands, commands + 2);
	assert_int_equal(rd64(w, GITS_CREADR), w->tail);
	world_destroy(w);
}

static void test_a_queue_can_stall_at_each_of_its_commands(void **state)
{
	struct world *w = world_that_stalls();
	const unsigned nr = 200;

	(void)state;
	for (unsigned i = 0; i < nr; i++)
		push(w, inv(DEV_X, i));
	kick(w);
	for (unsigned i = 0; i < nr; i++) {
		uint32_t at = rd32(w, GITS_CREADR) & ~GITS_CREADR_STALLED;

		assert_int_equal(rd32(w, GITS_CREADR) & GITS_CREADR_STALLED, GITS_CREADR_STALLED);
		ram_set(w, QUEUE + at, GITS_CMD_SYNC);
		wr32(w, GITS_CWRITER, w->tail | GITS_CWRITER_RETRY);
	}
	assert_int_equal(rd64(w, GITS_CREADR), w->tail);
	assert_int_equal(world_stats(w).cmd[GITS_CMD_INV].stalled, nr);
	assert_int_equal(world_stats(w).cmd[GITS_CMD_SYNC].done, nr);
	world_destroy(w);
}

static void test_a_stall_at_the_last_entry_wraps_after_retry(void **state)
{
	struct world *w = world_that_stalls();

	(void)state;
	while (w->tail != w->queue_sz - 32)
		run_ok(w, sync_cmd(0));
	push_bad_and_good(w, inv(DEV_X, 0));
	assert_int_equal(rd64(w, GITS_CREADR), (w->queue_sz - 32) | GITS_CREADR_STALLED);
	ram_set(w, QUEUE + w->queue_sz - 32, GITS_CMD_SYNC);
	wr32(w, GITS_CWRITER, 32 | GITS_CWRITER_RETRY);
	assert_int_equal(rd64(w, GITS_CREADR), 32);
	world_destroy(w);
}

/* A full queue with the stall in its first command: CWRITER stands right behind it. */
static void test_a_full_queue_stalls_and_runs_whole_after_retry(void **state)
{
	struct world *w = world_that_stalls();
	uint32_t at = w->tail;

	(void)state;
	push(w, inv(DEV_X, 0));
	for (unsigned i = 2; i < w->queue_sz / 32; i++)
		push(w, sync_cmd(0));
	kick(w);
	assert_int_equal((w->tail + 32) % w->queue_sz, at);
	assert_int_equal(rd64(w, GITS_CREADR), at | GITS_CREADR_STALLED);
	ram_set(w, QUEUE + at, GITS_CMD_SYNC);
	wr32(w, GITS_CWRITER, w->tail | GITS_CWRITER_RETRY);
	for (unsigned i = 0; i < 32; i++)
		vits_run(w->v);
	assert_int_equal(rd64(w, GITS_CREADR), w->tail);
	assert_int_equal(world_stats(w).cmd[GITS_CMD_SYNC].done, w->queue_sz / 32 - 1);
	world_destroy(w);
}

/* Another vCPU's Retry, while this one is still at the commands before the error. */
static void retry_inside_commit(struct world *w)
{
	w->on_commit = NULL;
	assert_int_equal(rd32(w, GITS_CREADR) & GITS_CREADR_STALLED, 0);
	wr32(w, GITS_CWRITER, w->tail | GITS_CWRITER_RETRY);
}

static void test_a_retry_that_comes_too_early_does_not_count(void **state)
{
	struct world *w = world_that_stalls();
	uint32_t at = w->tail;

	(void)state;
	w->on_commit = retry_inside_commit;
	push_bad_and_good(w, inv(DEV_X, 0));
	assert_int_equal(rd64(w, GITS_CREADR), at | GITS_CREADR_STALLED);
	assert_int_equal(world_stats(w).cmd[GITS_CMD_INV].stalled, 1);
	world_destroy(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_is_a_command_for_each_error_number),
		cmocka_unit_test(test_each_error_is_skipped_where_errors_do_not_stall),
		cmocka_unit_test(test_each_error_stalls_at_its_command_and_changes_nothing),
		cmocka_unit_test(test_typer_is_the_same_whether_errors_stall_or_not),
		cmocka_unit_test(test_commands_before_the_stall_have_taken_effect),
		cmocka_unit_test(test_a_stalled_queue_is_left_in_peace),
		cmocka_unit_test(test_retry_counts_only_in_a_write_that_is_taken),
		cmocka_unit_test(test_retry_without_a_stall_runs_nothing_twice),
		cmocka_unit_test(test_retry_while_disabled_waits_until_the_its_is_enabled),
		cmocka_unit_test(test_a_queue_can_stall_at_each_of_its_commands),
		cmocka_unit_test(test_a_stall_at_the_last_entry_wraps_after_retry),
		cmocka_unit_test(test_a_full_queue_stalls_and_runs_whole_after_retry),
		cmocka_unit_test(test_a_retry_that_comes_too_early_does_not_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
