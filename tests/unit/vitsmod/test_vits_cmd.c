// SPDX-License-Identifier: MIT
/*
 * The commands, one by one: what each does. IHI 0069 5.3. Their errors are in
 * test_vits_cmd_errors.c.
 */
#include "tests/unit/vitsmod/vits_world.h"

/*
 * What commands do
 */

static void test_mapti_of_an_assigned_event_maps_below_and_delivers(void **state)
{
	struct world *w = world_create_ready();

	(void)state;
	expect_no_msi(w, 0, 3, VITS_MSI_UNMAPPED);
	run_ok(w, mapti(DEV_A, 3, LPI(9), 1));
	expect_update(w, VITS_LPI_MAP, true, LPI(9), 1);
	expect_no_more_updates(w);
	expect_msi(w, 0, 3, LPI(9), 1);
	world_destroy(w);
}

static void test_mapti_of_a_table_event_only_touches_the_table(void **state)
{
	struct world *w = world_create_ready();

	(void)state;
	run_ok(w, mapti(DEV_X, 3, LPI(9), 1));
	run_ok(w, mapti(DEV_A, 4, LPI(8), 1)); /* EventIDs 4..7 of DEV_A are not in the shadow */
	expect_no_more_updates(w);
	assert_int_equal(ram_get(w, ITT_X + 3 * 8), UINT64_C(1) << 48 | UINT64_C(8201) << 16 | 1);
	assert_int_equal(ram_get(w, ITT_A + 4 * 8), UINT64_C(1) << 48 | UINT64_C(8200) << 16 | 1);
	expect_no_msi(w, 0, 4, VITS_MSI_BEYOND_SHADOW);
	world_destroy(w);
}

/* Choice in cmd.c */
static void test_mapti_on_a_mapped_event_keeps_the_old_mapping(void **state)
{
	struct world *w = world_create_ready();

	(void)state;
	run_ok(w, mapti(DEV_A, 0, LPI(0), 0));
	run_ok(w, mapti(DEV_X, 0, LPI(5), 0));
	forget_updates(w);
	run_skip(w, mapti(DEV_A, 0, LPI(1), 1), 0);
	run_skip(w, mapti(DEV_A, 0, LPI(0), 0), 0);
	run_skip(w, mapti(DEV_X, 0, LPI(6), 1), 0);
	expect_no_more_updates(w);
	expect_msi(w, 0, 0, LPI(0), 0);
	run_ok(w, intr(DEV_X, 0));
	expect_update(w, VITS_LPI_RAISE, false, LPI(5), 0);
	assert_int_equal(world_stats(w).cmd[GITS_CMD_MAPTI].skipped, 3);
	world_destroy(w);
}

/* Choice in cmd.c */
static void test_an_lpi_that_an_assigned_event_has_is_refused_to_any_other_event(void **state)
{
	struct world *w = world_create_ready();

	(void)state;
	run_ok(w, mapti(DEV_A, 0, LPI(0), 0));
	run_skip(w, mapti(DEV_A, 1, LPI(0), 0), 0x010a06);
	run_skip(w, mapti(DEV_B, 0, LPI(0), 0), 0x010a06);
	run_skip(w, mapti(DEV_X, 0, LPI(0), 0), 0x010a06);
	run_skip(w, mapti(DEV_A, 4, LPI(0), 0), 0x010a06);
	assert_int_equal(ram_get(w, ITT_X), 0);
	/* It is free again once that event is gone. */
	run_ok(w, discard(DEV_A, 0));
	run_ok(w, mapti(DEV_B, 0, LPI(0), 0));
	expect_msi(w, 1, 0, LPI(0), 0);
	expect_no_msi(w, 0, 0, VITS_MSI_UNMAPPED);
	world_destroy(w);
}

/* Choice in cmd.c */
static void test_an_lpi_that_an_assigned_event_of_another_its_has_is_refused_too(void **state)
{
	struct world *a = world_create_ready(), *b = world_create_ready();

	(void)state;
	a->rival = b;
	b->rival = a;
	run_ok(a, mapti(DEV_A, 0, LPI(0), 0));
	run_skip(b, mapti(DEV_A, 0, LPI(0), 0), 0x010a06);
	run_skip(b, mapti(DEV_X, 0, LPI(0), 0), 0x010a06);
	expect_no_msi(b, 0, 0, VITS_MSI_UNMAPPED);
	/* What is no function's is no claim, and a mapping that fails leaves none behind. */
	run_ok(b, mapti(DEV_X, 0, LPI(1), 0));
	run_ok(a, mapti(DEV_A, 1, LPI(1), 0));
	b->ro = ITT_B;
	b->ro_end = ITT_X;
	run_skip(b, mapti(DEV_B, 0, LPI(2), 0), 0x010a05);
	run_ok(a, mapti(DEV_A, 2, LPI(2), 0));
	/* It is free again with DISCARD, MAPD, and when the ITS is reset. */
	run_ok(a, discard(DEV_A, 0));
	run_ok(b, mapti(DEV_A, 0, LPI(0), 0));
	run_skip(a, mapti(DEV_A, 0, LPI(0), 0), 0x010a06);
	run_ok(a, mapd_off(DEV_A));
	run_ok(b, mapti(DEV_A, 1, LPI(2), 0));
	vits_reset(b->v);
	run_ok(a, mapti(DEV_B, 0, LPI(0), 0));
	run_ok(a, mapti(DEV_B, 1, LPI(2), 0));
	world_destroy(a);
	world_destroy(b);
}

static void test_an_assigned_event_may_take_an_lpi_that_only_table_events_have(void **state)
{
	struct world *w = world_create_ready();

	(void)state;
	run_ok(w, mapti(DEV_X, 0, LPI(0), 0));
	run_ok(w, mapti(DEV_X, 1, LPI(0), 1));
	run_ok(w, mapti(DEV_A, 0, LPI(0), 1));
	expect_update(w, VITS_LPI_MAP, true, LPI(0), 1);
	/* Steps for the stranger's events on that LPI are the assigned event's now... */
	run_ok(w, intr(DEV_X, 0));
	expect_update(w, VITS_LPI_RAISE, true, LPI(0), 1);
	run_ok(w, inv(DEV_X, 1));
	expect_update(w, VITS_LPI_INV, true, LPI(0), 1);
	run_ok(w, clear(DEV_X, 0));
	expect_update(w, VITS_LPI_CLEAR, true, LPI(0), 1);
	/* ...save those that would move it or take it away. */
	run_ok(w, movi(DEV_X, 0, 1));
	run_ok(w, discard(DEV_X, 0));
	expect_no_more_updates(w);
	expect_msi(w, 0, 0, LPI(0), 1);
	/* An assigned event that no collection delivers is not touched either. */
	run_ok(w, mapc_off(1));
	expect_update(w, VITS_LPI_DETACH, true, LPI(0), 1);
	run_ok(w, mapti(DEV_X, 2, LPI(1), 0));
	ram_set(w, ITT_X + 2 * 8, ram_get(w, ITT_X + 2 * 8) - (UINT64_C(1) << 16));
	run_ok(w, intr(DEV_X, 2));
	expect_no_more_updates(w);
	world_destroy(w);
}

static void test_int_clear_inv_reach_the_backend(void **state)
{
	struct world *w = world_create_ready();

	(void)state;
	run_ok(w, mapti(DEV_A, 0, LPI(0), 1));
	run_ok(w, mapti(DEV_X, 0, LPI(2), 1));
	run_ok(w, mapti(DEV_A, 7, LPI(3), 0));
	forget_updates(w);
	run_ok(w, intr(DEV_A, 0));
	expect_update(w, VITS_LPI_RAISE, true, LPI(0), 1);
	run_ok(w, clear(DEV_A, 0));
	expect_update(w, VITS_LPI_CLEAR, true, LPI(0), 1);
	run_ok(w, inv(DEV_A, 0));
	expect_update(w, VITS_LPI_INV, true, LPI(0), 1);
	run_ok(w, intr(DEV_X, 0));
	expect_update(w, VITS_LPI_RAISE, false, LPI(2), 1);
	run_ok(w, clear(DEV_X, 0));
	expect_update(w, VITS_LPI_CLEAR, false, LPI(2), 1);
	run_ok(w, inv(DEV_A, 7));
	expect_update(w, VITS_LPI_INV, false, LPI(3), 0);
	run_ok(w, discard(DEV_A, 7));
	expect_update(w, VITS_LPI_UNMAP, false, LPI(3), 0);
	expect_no_more_updates(w);
	world_destroy(w);
}

static void test_movi_moves_the_event_and_its_pending_state(void **state)
{
	struct world *w = world_create_ready();

	(void)state;
	run_ok(w, mapti(DEV_A, 0, LPI(0), 0));
	run_ok(w, mapti(DEV_X, 0, LPI(2), 0));
	run_ok(w, intr(DEV_A, 0));
	forget_updates(w);
	run_ok(w, movi(DEV_A, 0, 1));
	expect_update(w, VITS_LPI_MOVE, true, LPI(0), 1);
	assert_true(w->lpis[0].pending);
	expect_msi(w, 0, 0, LPI(0), 1);
	run_ok(w, movi(DEV_A, 0, 1)); /* there already */
	expect_no_more_updates(w);
	run_ok(w, movi(DEV_X, 0, 1));
	expect_update(w, VITS_LPI_MOVE, false, LPI(2), 1);
	run_ok(w, movi(DEV_X, 0, 1)); /* MOVALL may have come in between */
	expect_update(w, VITS_LPI_MOVE, false, LPI(2), 1);
	expect_no_more_updates(w);
	/* The table has it too. */
	assert_int_equal(ram_get(w, ITT_A) & 0xffff, 1);
	assert_int_equal(ram_get(w, ITT_X) & 0xffff, 1);
	/* A collection on the same vCPU: the ITE changes, nothing moves. */
	run_ok(w, mapc(5, 1));
	run_ok(w, movi(DEV_A, 0, 5));
	expect_no_more_updates(w);
	assert_int_equal(ram_get(w, ITT_A) & 0xffff, 5);
	run_ok(w, mapc(1, 3));
	expect_no_more_updates(w);
	run_ok(w, mapc(5, 2));
	expect_update(w, VITS_LPI_MOVE, true, LPI(0), 2);
	world_destroy(w);
}

static void test_movi_from_an_unmapped_collection_is_an_error(void **state)
{
	struct world *w = world_create_ready();

	(void)state;
	run_ok(w, mapti(DEV_A, 0, LPI(0), 9));
	run_ok(w, mapti(DEV_X, 0, LPI(2), 9));
	run_skip(w, movi(DEV_A, 0, 1), 0x010109);
	run_skip(w, movi(DEV_X, 0, 1), 0x010109);
	world_destroy(w);
}

static void test_discard_takes_the_event_and_its_pending_state_away(void **state)
{
	struct world *w = world_create_ready();

	(void)state;
	run_ok(w, mapti(DEV_A, 0, LPI(0), 0));
	run_ok(w, intr(DEV_A, 0));
	forget_updates(w);
	run_ok(w, discard(DEV_A, 0));
	expect_update(w, VITS_LPI_UNMAP, true, LPI(0), 0);
	assert_false(w->lpis[0].pending);
	expect_no_msi(w, 0, 0, VITS_MSI_UNMAPPED);
	assert_int_equal(ram_get(w, ITT_A), 0);
	run_skip(w, discard(DEV_A, 0), 0x010f07);
	world_destroy(w);
}

static void test_mapd_of_a_mapped_device_drops_its_events_first(void **state)
{
	struct world *w = world_create_ready();

	(void)state;
	run_ok(w, mapti(DEV_A, 0, LPI(0), 0));
	run_ok(w, mapti(DEV_A, 2, LPI(2), 1));
	forget_updates(w);
	run_ok(w, mapd(DEV_A, SPARE, 2));
	expect_update(w, VITS_LPI_UNMAP, true, LPI(0), 0);
	expect_update(w, VITS_LPI_UNMAP, true, LPI(2), 1);
	expect_no_more_updates(w);
	expect_no_msi(w, 0, 0, VITS_MSI_UNMAPPED);
	run_skip(w, inv(DEV_A, 0), 0x010c07);
	run_skip(w, mapti(DEV_A, 4, LPI(0), 0), 0x010a05);
	run_ok(w, mapti(DEV_A, 0, LPI(0), 0));
	assert_int_not_equal(ram_get(w, SPARE), 0);
	world_destroy(w);
}

static void test_mapd_off_unmaps_all_and_clears_the_entry(void **state)
{
	struct world *w = world_create_ready();

	(void)state;
	run_ok(w, mapti(DEV_A, 0, LPI(0), 0));
	forget_updates(w);
	assert_int_not_equal(ram_get(w, DEVICE_TABLE + DEV_A * 8), 0);
	run_ok(w, mapd_off(DEV_A));
	expect_update(w, VITS_LPI_UNMAP, true, LPI(0), 0);
	assert_int_equal(ram_get(w, DEVICE_TABLE + DEV_A * 8), 0);
	run_skip(w, mapti(DEV_A, 0, LPI(0), 0), 0x010a04);
	run_ok(w, mapd_off(DEV_A));
	expect_no_more_updates(w);
	world_destroy(w);
}

/* Choice in cmd.c */
static void test_mapd_does_not_look_at_the_itt(void **state)
{
	struct world *w = world_create_on(NULL);

	(void)state;
	ram_set(w, ITT_A, UINT64_C(8192) << 16);
	ram_set(w, ITT_X, UINT64_C(8193) << 16);
	run_ok(w, mapc(0, 0));
	run_ok(w, mapd(DEV_A, ITT_A, 1));
	run_ok(w, mapd(DEV_X, ITT_X, 1));
	/* A named function starts empty; another device has what it says. */
	expect_no_msi(w, 0, 0, VITS_MSI_UNMAPPED);
	run_skip(w, intr(DEV_A, 0), 0x010307);
	run_ok(w, intr(DEV_X, 0));
	expect_update(w, VITS_LPI_RAISE, false, LPI(1), 0);
	/* An ITT that is nowhere, or as long as all EventIDs are many. */
	w->nr_reads = 0;
	run_ok(w, mapd(DEV_A, RAM_END, 16));
	run_ok(w, mapd(DEV_X, RAM_END - 256, 16));
	assert_true(w->nr_reads < 10);
	world_destroy(w);
}

/*
 * Collections
 */

static void test_mapc_takes_assigned_events_along(void **state)
{
	struct world *w = world_create_ready();

	(void)state;
	run_ok(w, mapti(DEV_A, 0, LPI(0), 1));
	run_ok(w, mapti(DEV_B, 5, LPI(1), 1));
	run_ok(w, mapti(DEV_B, 6, LPI(2), 0));
	forget_updates(w);
	run_ok(w, mapc(1, 3));
	expect_update(w, VITS_LPI_MOVE, true, LPI(0), 3);
	expect_update(w, VITS_LPI_MOVE, true, LPI(1), 3);
	run_ok(w, mapc(1, 3)); /* there already */
	expect_no_more_updates(w);
	expect_msi(w, 0, 0, LPI(0), 3);
	expect_msi(w, 1, 5, LPI(1), 3);
	expect_msi(w, 1, 6, LPI(2), 0);
	world_destroy(w);
}

static void test_events_of_an_unmapped_collection_keep_it_until_it_is_mapped_again(void **state)
{
	struct world *w = world_create_ready();

	(void)state;
	run_ok(w, mapti(DEV_A, 0, LPI(0), 1));
	run_ok(w, intr(DEV_A, 0));
	forget_updates(w);
	run_ok(w, mapc_off(1));
	expect_update(w, VITS_LPI_DETACH, true, LPI(0), 1);
	assert_true(w->lpis[0].pending);
	expect_no_msi(w, 0, 0, VITS_MSI_UNMAPPED);
	run_skip(w, intr(DEV_A, 0), 0x010307);
	run_skip(w, movi(DEV_A, 0, 0), 0x010109);
	run_skip(w, mapti(DEV_A, 0, LPI(1), 0), 0);
	run_ok(w, mapc_off(1));
	expect_no_more_updates(w);
	run_ok(w, mapc(1, 2));
	expect_update(w, VITS_LPI_MAP, true, LPI(0), 2);
	expect_msi(w, 0, 0, LPI(0), 2);
	world_destroy(w);
}

static void test_mapti_into_an_unmapped_collection_waits_for_mapc(void **state)
{
	struct world *w = world_create_ready();

	(void)state;
	run_ok(w, mapti(DEV_A, 0, LPI(0), 9));
	run_ok(w, mapti(DEV_X, 0, LPI(1), 9));
	expect_no_more_updates(w);
	expect_no_msi(w, 0, 0, VITS_MSI_UNMAPPED);
	run_skip(w, intr(DEV_A, 0), 0x010307);
	run_skip(w, intr(DEV_X, 0), 0x010307);
	run_ok(w, mapc(9, 2));
	expect_update(w, VITS_LPI_MAP, true, LPI(0), 2);
	expect_msi(w, 0, 0, LPI(0), 2);
	run_ok(w, intr(DEV_X, 0));
	expect_update(w, VITS_LPI_RAISE, false, LPI(1), 2);
	world_destroy(w);
}

static void test_pending_state_of_a_detached_event_goes_with_discard_clear_and_mapd(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		const struct words ends[] = { discard(DEV_A, 0), clear(DEV_A, 0), mapd_off(DEV_A) };
		struct world *w = world_create_ready();

		run_ok(w, mapti(DEV_A, 0, LPI(0), 1));
		run_ok(w, intr(DEV_A, 0));
		run_ok(w, mapc_off(1));
		forget_updates(w);
		run_ok(w, ends[i]);
		expect_update(w, VITS_LPI_CLEAR, false, LPI(0), 1);
		assert_false(w->lpis[0].pending);
		/* Once. */
		run_ok(w, mapd_off(DEV_A));
		expect_no_more_updates(w);
		world_destroy(w);
	}
}

/* Choice in cmd.c */
static void test_clear_and_inv_without_a_target_are_no_errors(void **state)
{
	struct world *w = world_create_ready();

	(void)state;
	run_ok(w, mapti(DEV_A, 0, LPI(0), 9));
	run_ok(w, mapti(DEV_X, 0, LPI(1), 9));
	run_ok(w, clear(DEV_A, 0));
	run_ok(w, inv(DEV_A, 0));
	run_ok(w, clear(DEV_X, 0));
	run_ok(w, inv(DEV_X, 0));
	expect_no_more_updates(w);
	world_destroy(w);
}

/* Choice in cmd.c */
static void test_discard_without_a_target_removes_the_ite_and_no_more(void **state)
{
	struct world *w = world_create_ready();

	(void)state;
	run_ok(w, mapti(DEV_X, 0, LPI(1), 9));
	run_ok(w, discard(DEV_X, 0));
	assert_int_equal(ram_get(w, ITT_X), 0);
	run_ok(w, mapti(DEV_A, 0, LPI(0), 9)); /* never had a target: nothing to clear */
	run_ok(w, discard(DEV_A, 0));
	expect_no_more_updates(w);
	world_destroy(w);
}

static void test_invall_and_movall_name_vcpus(void **state)
{
	struct world *w = world_create_ready();

	(void)state;
	run_ok(w, mapc(7, 3));
	run_ok(w, invall(7));
	expect_update(w, VITS_INVALL, false, 0, 3);
	run_ok(w, movall(3, 2));
	assert_int_equal(w->log[w->log_next].vcpu_from, 3);
	expect_update(w, VITS_MOVALL, false, 0, 2);
	run_ok(w, movall(2, 2));
	run_ok(w, sync_cmd(0));
	expect_no_more_updates(w);
	world_destroy(w);
}

/* Choice in cmd.c */
static void test_movall_takes_assigned_events_along_until_mapc_or_movi(void **state)
{
	struct world *w = world_create_ready();

	(void)state;
	run_ok(w, mapti(DEV_A, 0, LPI(0), 0));
	run_ok(w, mapti(DEV_A, 1, LPI(1), 0));
	run_ok(w, mapti(DEV_A, 2, LPI(2), 1));
	run_ok(w, mapti(DEV_A, 3, LPI(3), 0));
	forget_updates(w);
	run_ok(w, movall(0, 3));
	expect_update(w, VITS_MOVALL, false, 0, 3);
	expect_no_more_updates(w);
	expect_msi(w, 0, 0, LPI(0), 3);
	expect_msi(w, 0, 2, LPI(2), 1);
	/* The collection is where it was: new events go there... */
	run_ok(w, mapti(DEV_B, 0, LPI(4), 0));
	expect_update(w, VITS_LPI_MAP, true, LPI(4), 0);
	run_ok(w, invall(0));
	expect_update(w, VITS_INVALL, false, 0, 0);
	/* ...and so do old ones, once they are told. */
	run_ok(w, movi(DEV_A, 0, 0));
	expect_update(w, VITS_LPI_MOVE, true, LPI(0), 0);
	run_ok(w, movi(DEV_A, 1, 1));
	expect_update(w, VITS_LPI_MOVE, true, LPI(1), 1);
	run_ok(w, mapc(0, 0));
	expect_update(w, VITS_LPI_MOVE, true, LPI(3), 0);
	expect_no_more_updates(w);
	world_destroy(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mapti_of_an_assigned_event_maps_below_and_delivers),
		cmocka_unit_test(test_mapti_of_a_table_event_only_touches_the_table),
		cmocka_unit_test(test_mapti_on_a_mapped_event_keeps_the_old_mapping),
		cmocka_unit_test(
			test_an_lpi_that_an_assigned_event_has_is_refused_to_any_other_event),
		cmocka_unit_test(
			test_an_lpi_that_an_assigned_event_of_another_its_has_is_refused_too),
		cmocka_unit_test(
			test_an_assigned_event_may_take_an_lpi_that_only_table_events_have),
		cmocka_unit_test(test_int_clear_inv_reach_the_backend),
		cmocka_unit_test(test_movi_moves_the_event_and_its_pending_state),
		cmocka_unit_test(test_movi_from_an_unmapped_collection_is_an_error),
		cmocka_unit_test(test_discard_takes_the_event_and_its_pending_state_away),
		cmocka_unit_test(test_mapd_of_a_mapped_device_drops_its_events_first),
		cmocka_unit_test(test_mapd_off_unmaps_all_and_clears_the_entry),
		cmocka_unit_test(test_mapd_does_not_look_at_the_itt),
		cmocka_unit_test(test_mapc_takes_assigned_events_along),
		cmocka_unit_test(
			test_events_of_an_unmapped_collection_keep_it_until_it_is_mapped_again),
		cmocka_unit_test(test_mapti_into_an_unmapped_collection_waits_for_mapc),
		cmocka_unit_test(
			test_pending_state_of_a_detached_event_goes_with_discard_clear_and_mapd),
		cmocka_unit_test(test_clear_and_inv_without_a_target_are_no_errors),
		cmocka_unit_test(test_discard_without_a_target_removes_the_ite_and_no_more),
		cmocka_unit_test(test_invall_and_movall_name_vcpus),
		cmocka_unit_test(test_movall_takes_assigned_events_along_until_mapc_or_movi),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
