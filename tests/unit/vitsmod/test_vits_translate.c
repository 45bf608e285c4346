// SPDX-License-Identifier: MIT
/*
 * The interrupt path: what an MSI becomes, and what it costs. IHI 0069 5.2.
 */
#include "tests/unit/vitsmod/vits_world.h"

static struct world *world_with_events(void)
{
	struct world *w = world_create_on(NULL);

	run_ok(w, mapd(DEV_A, ITT_A, 2));
	run_ok(w, mapd(DEV_B, ITT_B, 5));
	run_ok(w, mapc(0, 0));
	run_ok(w, mapc(3, 3));
	run_ok(w, mapti(DEV_A, 0, LPI(0), 0));
	run_ok(w, mapti(DEV_B, 31, LAST_LPI, 3));
	return w;
}

static void test_each_function_has_its_own_events(void **state)
{
	struct world *w = world_with_events();

	(void)state;
	expect_msi(w, 0, 0, LPI(0), 0);
	expect_msi(w, 1, 31, LAST_LPI, 3);
	expect_no_msi(w, 1, 0, VITS_MSI_UNMAPPED);
	expect_no_msi(w, 0, 3, VITS_MSI_UNMAPPED);
	world_destroy(w);
}

static void test_the_result_is_written_for_delivery_only(void **state)
{
	struct world *w = world_with_events();
	struct vits_lpi lpi = { 7, 7 };

	(void)state;
	assert_int_equal(vits_translate(w->v, 0, 1, &lpi), VITS_MSI_UNMAPPED);
	assert_int_equal(vits_translate(w->v, 0, 4, &lpi), VITS_MSI_BEYOND_SHADOW);
	assert_int_equal(lpi.intid, 7);
	assert_int_equal(lpi.vcpu, 7);
	world_destroy(w);
}

static void test_each_outcome_is_counted(void **state)
{
	struct world *w = world_with_events();
	struct vits_stats stats;

	(void)state;
	expect_msi(w, 0, 0, LPI(0), 0);
	expect_msi(w, 0, 0, LPI(0), 0);
	expect_no_msi(w, 0, 1, VITS_MSI_UNMAPPED);
	expect_no_msi(w, 0, 4, VITS_MSI_BEYOND_SHADOW);
	expect_no_msi(w, 0, UINT32_MAX, VITS_MSI_BEYOND_SHADOW);
	wr32(w, GITS_CTLR, 0);
	expect_no_msi(w, 0, 0, VITS_MSI_DISABLED);
	stats = world_stats(w);
	assert_int_equal(stats.msi[VITS_MSI_DELIVER], 2);
	assert_int_equal(stats.msi[VITS_MSI_UNMAPPED], 1);
	assert_int_equal(stats.msi[VITS_MSI_BEYOND_SHADOW], 2);
	assert_int_equal(stats.msi[VITS_MSI_DISABLED], 1);
	world_destroy(w);
}

/* Choice in shadow.c */
static void test_an_eventid_beyond_the_itt_is_ignored(void **state)
{
	struct world *w = world_with_events();

	(void)state;
	run_ok(w, mapd(DEV_B, ITT_B, 2)); /* 4 EventIDs of 32 */
	run_ok(w, mapti(DEV_B, 3, LPI(3), 0));
	expect_msi(w, 1, 3, LPI(3), 0);
	for (uint32_t i = 4; i < DEV_B_EVENTS; i++)
		expect_no_msi(w, 1, i, VITS_MSI_UNMAPPED);
	world_destroy(w);
}

static void test_translation_reads_no_guest_memory(void **state)
{
	struct world *w = world_with_events();
	uint64_t reads = w->nr_reads;

	(void)state;
	w->bad = RAM_BASE;
	w->bad_end = RAM_END;
	expect_msi(w, 0, 0, LPI(0), 0);
	expect_no_msi(w, 0, 1, VITS_MSI_UNMAPPED);
	assert_int_equal(w->nr_reads, reads);
	world_destroy(w);
}

static void test_functions_in_any_order_are_found_by_their_deviceid(void **state)
{
	static const struct vits_function functions[] = {
		{ 0x300, 2 }, { 0x100, 1 }, { 0xffff, 3 }, { 0, 1 }, { 0x200, 2 },
	};
	struct vits_config config;
	struct world *w;

	(void)state;
	world_default_config(&config);
	config.functions = functions;
	config.nr_functions = ARRAY_SIZE(functions);
	w = world_create_on(&config);
	run_ok(w, mapc(0, 0));
	for (uint32_t i = 0; i < ARRAY_SIZE(functions); i++) {
		run_ok(w, mapd(functions[i].devid, ITT_A + i * 0x1000, 4));
		for (uint32_t e = 0; e < functions[i].nr_events; e++)
			run_ok(w, mapti(functions[i].devid, e, LPI(i * 8 + e), 0));
	}
	for (uint32_t i = 0; i < ARRAY_SIZE(functions); i++) {
		for (uint32_t e = 0; e < functions[i].nr_events; e++)
			expect_msi(w, i, e, LPI(i * 8 + e), 0);
		expect_no_msi(w, i, functions[i].nr_events, VITS_MSI_BEYOND_SHADOW);
	}
	world_destroy(w);
}

static void test_an_its_without_functions_serves_its_guest(void **state)
{
	struct vits_config config;
	struct world *w;

	(void)state;
	world_default_config(&config);
	config.functions = NULL;
	config.nr_functions = 0;
	w = world_create_on(&config);
	run_ok(w, mapd(DEV_A, ITT_A, 2));
	run_ok(w, mapc(0, 0));
	run_ok(w, mapti(DEV_A, 0, LPI(0), 0));
	run_ok(w, intr(DEV_A, 0));
	expect_update(w, VITS_LPI_RAISE, false, LPI(0), 0);
	expect_no_more_updates(w);
	world_destroy(w);
}

static void test_an_event_can_be_looked_at(void **state)
{
	struct world *w = world_with_events();
	struct vits_event event;

	(void)state;
	vits_event_get(w->v, 1, 31, &event);
	assert_true(event.mapped);
	assert_true(event.delivering);
	assert_int_equal(event.intid, LAST_LPI);
	assert_int_equal(event.icid, 3);
	assert_int_equal(event.vcpu, 3);
	run_ok(w, mapc_off(3));
	vits_event_get(w->v, 1, 31, &event);
	assert_true(event.mapped);
	assert_false(event.delivering);
	vits_event_get(w->v, 1, 30, &event);
	assert_false(event.mapped);
	world_destroy(w);
}

/* Two machines know nothing of each other. */
static void test_several_its_side_by_side(void **state)
{
	struct world *a = world_with_events();
	struct world *b = world_with_events();

	(void)state;
	run_ok(a, discard(DEV_A, 0));
	expect_no_msi(a, 0, 0, VITS_MSI_UNMAPPED);
	expect_msi(b, 0, 0, LPI(0), 0);
	world_destroy(a);
	expect_msi(b, 0, 0, LPI(0), 0);
	world_destroy(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_function_has_its_own_events),
		cmocka_unit_test(test_the_result_is_written_for_delivery_only),
		cmocka_unit_test(test_each_outcome_is_counted),
		cmocka_unit_test(test_an_eventid_beyond_the_itt_is_ignored),
		cmocka_unit_test(test_translation_reads_no_guest_memory),
		cmocka_unit_test(test_functions_in_any_order_are_found_by_their_deviceid),
		cmocka_unit_test(test_an_its_without_functions_serves_its_guest),
		cmocka_unit_test(test_an_event_can_be_looked_at),
		cmocka_unit_test(test_several_its_side_by_side),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
