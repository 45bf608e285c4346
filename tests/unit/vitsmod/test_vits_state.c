// SPDX-License-Identifier: MIT
/*
 * Saving an ITS and restoring it. IHI 0069 5.2 (tables), 12.18 (registers);
 * Linux Documentation/virt/kvm/devices/arm-vgic-its.rst (ITS_RESTORE_TABLES).
 *
 * A round trip takes the guest's memory, the pending state and what vits_save()
 * says into a second world. Afterwards the two worlds must look alike, and go on
 * alike whatever the guest does.
 */
#include "tests/unit/vitsmod/vits_twins.h"

#include <errno.h>

/*
 * Random scripts
 */

/* At the ends of second-level pages; the first four are functions. */
static const uint32_t devids[] = { 0, 0x1fff, 0x2000, 0xffff, 0x77, 0x2001 };
static const struct vits_function spread[] = {
	{ 0, 4 },
	{ 0x1fff, 8 },
	{ 0x2000, 32 },
	{ 0xffff, 2 },
};
static const uint32_t icids[] = { 0, 1, 2, 3, 100, 511, 0x2000, 0xffff };

static uint64_t itt_of(unsigned dev)
{
	return ITT_X + dev * 0x1000;
}

/* A second-level page for each ID, from *next on. */
static void make_pages(struct world *w, uint64_t l1, uint64_t page_sz, uint64_t *next)
{
	for (size_t i = 0; i < ARRAY_SIZE(devids) + ARRAY_SIZE(icids); i++) {
		uint32_t id = i < ARRAY_SIZE(devids) ? devids[i] : icids[i - ARRAY_SIZE(devids)];
		uint64_t slot = l1 + id / (page_sz / 8) * 8;

		if (ram_get(w, slot))
			continue;
		ram_set(w, slot, VALID | *next);
		*next += 0x10000;
	}
}

/* Tables for all IDs of 16 bits, in pages of this size, flat or indirect. */
static void set_tables(struct world *w, unsigned page, bool indirect)
{
	static const uint64_t page_sz[] = { 0x1000, 0x4000, 0x10000 };
	uint64_t nr_pages = indirect ? 1 : 0x80000 / page_sz[page];
	uint64_t value =
		VALID | (indirect ? GITS_BASER_INDIRECT : 0) | (uint64_t)page << 8 | (nr_pages - 1);
	uint64_t next = SPARE;

	world_set_tables(w);
	if (indirect) {
		make_pages(w, DEVICE_TABLE, page_sz[page], &next);
		make_pages(w, COLL_TABLE, page_sz[page], &next);
	}
	wr64(w, GITS_BASER(0), value | DEVICE_TABLE);
	wr64(w, GITS_BASER(1), value | COLL_TABLE);
	wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
}

static struct words roll_command(struct dice *d)
{
	static const unsigned event_ops[] = { GITS_CMD_INT, GITS_CMD_INT, GITS_CMD_CLEAR,
					      GITS_CMD_INV, GITS_CMD_DISCARD };
	unsigned dev = below(d, ARRAY_SIZE(devids));
	uint32_t devid = devids[dev];
	uint32_t eventid = below(d, one_in(d, 4) ? 40 : 8);
	uint32_t icid = icids[below(d, one_in(d, 4) ? ARRAY_SIZE(icids) : 4)];
	uint32_t vcpu = below(d, one_in(d, 16) ? NR_VCPUS + 1 : NR_VCPUS);
	uint32_t at = below(d, 100);
	struct words cmd;

	if (at < 3)
		return one_in(d, 5) ? mapd_off(devid) : mapd(devid, itt_of(dev), 1 + below(d, 6));
	if (at < 20)
		return one_in(d, 3) ? mapc_off(icid) : mapc(icid, vcpu);
	if (at < 50)
		return mapti(devid, eventid, LPI(below(d, one_in(d, 4) ? NR_LPIS + 2 : 24)), icid);
	if (at < 60)
		return movi(devid, eventid, icid);
	if (at < 64)
		return movall(vcpu, below(d, NR_VCPUS));
	if (at < 66)
		return invall(icid);
	cmd = discard(devid, eventid);
	cmd.w[0] = (cmd.w[0] & ~GITS_CMD0_OPCODE) | event_ops[below(d, ARRAY_SIZE(event_ops))];
	return cmd;
}

/* One command; a stalled queue is repaired now and then. */
static void step(struct world *w, struct dice *d)
{
	uint64_t creadr = rd64(w, GITS_CREADR);
	bool repair = !one_in(d, 6);

	if ((creadr & GITS_CREADR_STALLED) && repair) {
		ram_set(w, QUEUE + (creadr - GITS_CREADR_STALLED), GITS_CMD_SYNC);
		wr32(w, GITS_CWRITER, w->tail | GITS_CWRITER_RETRY);
	}
	push(w, roll_command(d));
	kick(w);
}

/* What a driver does now and then: all of it is written to registers. */
static void disturb(struct world *w, struct dice *d)
{
	unsigned what = below(d, 10);
	uint64_t baser0 = rd64(w, GITS_BASER(0));
	uint64_t baser1 = rd64(w, GITS_BASER(1));

	wr32(w, GITS_CTLR, 0);
	if (what == 0) {
		wr64(w, GITS_BASER(0), 0); /* and its contents stay */
		wr64(w, GITS_BASER(0), baser0);
	}
	if (what == 1) {
		wr64(w, GITS_BASER(1), 0);
		wr64(w, GITS_BASER(1), baser1);
	}
	wr32(w, GITS_CTLR, what == 2 ? 0 : GITS_CTLR_ENABLED);
}

static void scribble(struct world *w, struct dice *d)
{
	unsigned dev = below(d, 4);

	ram_set(w, itt_of(dev) + below(d, 32) * 8, ITE(1, LPI(below(d, NR_LPIS + 2)), below(d, 4)));
}

static void go_on(struct world *w, struct dice *d, unsigned nr_steps)
{
	for (unsigned i = 0; i < nr_steps; i++) {
		if (one_in(d, 30))
			disturb(w, d);
		if (one_in(d, 40))
			scribble(w, d);
		step(w, d);
	}
}

static void random_round_trip(struct dice *d, unsigned page, bool indirect)
{
	struct vits_config config;
	struct world *a, *b;
	struct dice again;

	world_default_config(&config);
	config.functions = spread;
	config.nr_functions = ARRAY_SIZE(spread);
	config.on_error = one_in(d, 3) ? VITS_ON_ERROR_STALL : VITS_ON_ERROR_SKIP;
	a = world_create(&config);
	set_tables(a, page, indirect);
	for (unsigned dev = 0; dev < ARRAY_SIZE(devids); dev++)
		run_ok(a, mapd(devids[dev], itt_of(dev), 5));
	for (unsigned i = 0; i < 4; i++)
		run_ok(a, mapc(icids[i], i));
	for (unsigned i = 0; i < 6; i++) {
		go_on(a, d, 50 + below(d, 150));
		b = round_trip(a);
		same_worlds(a, b);
		assert_int_equal(vits_audit(b->v, no_difference, NULL), 0);

		/* The same from here on. */
		again = *d;
		go_on(a, d, 100);
		go_on(b, &again, 100);
		same_worlds(a, b);
		same_states(a, b);
		world_destroy(a);
		a = b;
	}
	vits_reset(a->v);
	for (uint32_t n = 0; n < NR_LPIS; n++)
		assert_false(a->lpis[n].targeted);
	world_destroy(a);
}

static void test_an_its_that_was_saved_and_restored_goes_on_as_before(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= 36; seed++) {
		struct dice d = { seed * UINT64_C(0x9e3779b97f4a7c15) + 1 };

		print_message("seed %u\n", seed);
		random_round_trip(&d, seed % 3, seed % 2);
	}
}

/*
 * States that an ITS can be in
 */

static void test_an_its_that_was_never_touched_is_restored(void **state)
{
	struct world *a = world_create(NULL), *b;

	(void)state;
	b = round_trip(a);
	same_worlds(a, b);
	assert_in_reset_state(b);
	world_destroy(a);
	world_destroy(b);
}

static void test_a_disabled_its_is_restored_disabled_with_all_events(void **state)
{
	struct world *a = world_create_ready(), *b;

	(void)state;
	run_ok(a, mapti(DEV_A, 1, LPI(5), 1));
	wr32(a, GITS_CTLR, 0);
	b = round_trip(a);
	same_worlds(a, b);
	expect_update(b, VITS_LPI_MAP, true, LPI(5), 1);
	expect_no_more_updates(b);
	expect_no_msi(b, 0, 1, VITS_MSI_DISABLED);
	wr32(b, GITS_CTLR, GITS_CTLR_ENABLED);
	expect_msi(b, 0, 1, LPI(5), 1);
	world_destroy(a);
	world_destroy(b);
}

static void test_a_stalled_queue_is_restored_stalled_and_goes_on_after_a_retry(void **state)
{
	struct vits_config config;
	struct world *a, *b;

	(void)state;
	world_default_config(&config);
	config.on_error = VITS_ON_ERROR_STALL;
	a = world_create_on(&config);
	run_ok(a, mapc(0, 0));
	push(a, invall(7));
	push(a, mapc(1, 1));
	kick(a);
	b = round_trip(a);
	same_worlds(a, b);
	assert_int_equal(rd64(b, GITS_CREADR), 32 | GITS_CREADR_STALLED);
	assert_int_equal(b->nr_more, 0);
	ram_set(b, QUEUE + 32, GITS_CMD_SYNC);
	wr32(b, GITS_CWRITER, b->tail | GITS_CWRITER_RETRY);
	assert_int_equal(rd64(b, GITS_CREADR), b->tail);
	assert_int_equal(ram_get(b, CTE_SLOT(1)), CTE(1, 1));
	world_destroy(a);
	world_destroy(b);
}

static void test_commands_in_the_queue_are_saved_unrun_and_wait_for_vits_run(void **state)
{
	struct world *a = world_create_ready(), *b;
	uint64_t nr_commands;

	(void)state;
	for (uint32_t i = 0; i < 300; i++)
		push(a, i == 280 ? mapti(DEV_B, 3, LPI(9), 1) : sync_cmd(0));
	kick(a);
	nr_commands = a->nr_commands;
	assert_int_not_equal(rd64(a, GITS_CREADR), a->tail);
	b = round_trip(a);
	assert_int_equal(a->nr_commands, nr_commands);
	assert_int_equal(b->nr_commands, 0);
	assert_int_equal(b->nr_more, 1);
	same_worlds(a, b);
	vits_run(a->v);
	vits_run(b->v);
	assert_int_equal(rd64(b, GITS_CREADR), b->tail);
	expect_msi(b, 1, 3, LPI(9), 1);
	same_worlds(a, b);
	world_destroy(a);
	world_destroy(b);
}

static void test_what_is_pending_is_pending_at_the_vcpu_of_the_map_step(void **state)
{
	struct world *a = world_create_ready(), *b;

	(void)state;
	run_ok(a, mapti(DEV_A, 0, LPI(1), 0));
	run_ok(a, mapti(DEV_A, 1, LPI(2), 0));
	run_ok(a, intr(DEV_A, 0));
	run_ok(a, movi(DEV_A, 0, 1));
	b = round_trip(a);
	expect_update(b, VITS_LPI_MAP, true, LPI(1), 1);
	expect_update(b, VITS_LPI_MAP, true, LPI(2), 0);
	expect_no_more_updates(b);
	assert_int_equal(b->nr_commits, 1);
	assert_true(b->lpis[1].pending);
	same_worlds(a, b);
	world_destroy(a);
	world_destroy(b);
}

static void test_unmapped_devices_and_discarded_events_are_not_restored(void **state)
{
	struct world *a = world_create_ready(), *b;

	(void)state;
	run_ok(a, mapti(DEV_A, 0, LPI(1), 0));
	run_ok(a, mapti(DEV_B, 0, LPI(2), 0));
	run_ok(a, mapti(DEV_B, 1, LPI(3), 0));
	run_ok(a, discard(DEV_B, 1));
	run_ok(a, mapd_off(DEV_A));
	b = round_trip(a);
	expect_update(b, VITS_LPI_MAP, true, LPI(2), 0);
	expect_no_more_updates(b);
	/* The ITE is still there; the device mapped again has no events. */
	assert_int_not_equal(ram_get(b, ITT_A), 0);
	run_ok(b, mapd(DEV_A, ITT_A, 3));
	expect_no_msi(b, 0, 0, VITS_MSI_UNMAPPED);
	world_destroy(a);
	world_destroy(b);

	/* Saved right after the MAPD, it has none either. */
	a = world_create_ready();
	ram_set(a, ITT_A, ITE(1, LPI(1), 0));
	b = round_trip(a);
	expect_no_more_updates(b);
	assert_int_equal(ram_get(b, ITT_A), 0);
	world_destroy(a);
	world_destroy(b);
}

static void test_events_of_a_collection_without_a_target_are_restored(void **state)
{
	struct world *a = world_create_ready(), *b;

	(void)state;
	run_ok(a, mapti(DEV_A, 0, LPI(1), 9)); /* never mapped */
	run_ok(a, mapti(DEV_A, 1, LPI(2), 1));
	run_ok(a, mapc_off(1));
	b = round_trip(a);
	same_worlds(a, b);
	expect_no_more_updates(b);
	expect_no_msi(b, 0, 0, VITS_MSI_UNMAPPED);
	expect_no_msi(b, 0, 1, VITS_MSI_UNMAPPED);
	run_ok(b, mapc(9, 3));
	run_ok(b, mapc(1, 2));
	expect_msi(b, 0, 0, LPI(1), 3);
	expect_msi(b, 0, 1, LPI(2), 2);
	world_destroy(a);
	world_destroy(b);
}

/* Choice in state.c */
static void test_what_the_tables_cannot_say_is_listed_beside_them(void **state)
{
	static const struct vits_place want[] = { { 0, 1, 3 }, { 1, 4, 1 } };
	struct world *a = world_create_ready(), *b;
	struct vits_state saved;

	(void)state;
	run_ok(a, mapti(DEV_A, 1, LPI(1), 0));
	run_ok(a, mapti(DEV_B, 4, LPI(2), 1));
	run_ok(a, intr(DEV_A, 1));
	run_ok(a, intr(DEV_B, 4));
	run_ok(a, mapc_off(1));
	run_ok(a, mapti(DEV_B, 5, LPI(3), 1)); /* was never anywhere */
	run_ok(a, movall(0, 3));
	assert_int_equal(vits_save(a->v, &saved), 0);
	assert_int_equal(saved.nr_places, 2);
	assert_memory_equal(saved.places, want, sizeof(want));
	vits_state_fini(&saved);

	b = round_trip(a);
	same_worlds(a, b);
	expect_update(b, VITS_LPI_MAP, true, LPI(1), 3);
	expect_no_more_updates(b);
	run_ok(b, mapc(0, 0));
	expect_update(b, VITS_LPI_MOVE, true, LPI(1), 0);
	run_ok(b, discard(DEV_B, 5));
	expect_no_more_updates(b);
	run_ok(b, discard(DEV_B, 4));
	expect_update(b, VITS_LPI_CLEAR, false, LPI(2), 1);
	assert_false(b->lpis[2].pending);
	world_destroy(a);
	world_destroy(b);
}

static void try_while_it_runs(struct world *w)
{
	struct vits_state saved = { 0 };

	assert_int_equal(vits_save(w->v, &saved), -EBUSY);
	assert_int_equal(vits_restore(w->v, &saved), -EBUSY);
}

static void test_saving_and_restoring_are_refused_while_commands_run(void **state)
{
	struct world *w = world_create_ready();

	(void)state;
	w->on_commit = try_while_it_runs;
	run_ok(w, mapti(DEV_A, 0, LPI(1), 0));
	expect_msi(w, 0, 0, LPI(1), 0);
	world_destroy(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_its_that_was_saved_and_restored_goes_on_as_before),
		cmocka_unit_test(test_an_its_that_was_never_touched_is_restored),
		cmocka_unit_test(test_a_disabled_its_is_restored_disabled_with_all_events),
		cmocka_unit_test(
			test_a_stalled_queue_is_restored_stalled_and_goes_on_after_a_retry),
		cmocka_unit_test(test_commands_in_the_queue_are_saved_unrun_and_wait_for_vits_run),
		cmocka_unit_test(test_what_is_pending_is_pending_at_the_vcpu_of_the_map_step),
		cmocka_unit_test(test_unmapped_devices_and_discarded_events_are_not_restored),
		cmocka_unit_test(test_events_of_a_collection_without_a_target_are_restored),
		cmocka_unit_test(test_what_the_tables_cannot_say_is_listed_beside_them),
		cmocka_unit_test(test_saving_and_restoring_are_refused_while_commands_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
