// SPDX-License-Identifier: MIT
/*
 * What saving an ITS writes to the guest's tables, and what a restore refuses:
 * states that no ITS can have, and tables that are not what was saved. IHI 0069
 * 5.2 (tables), 12.18 (registers); Linux
 * Documentation/virt/kvm/devices/arm-vgic-its.rst.
 */
#include "tests/unit/vitsmod/vits_twins.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * What saving writes
 */

static void test_saving_writes_what_differs_and_nothing_else(void **state)
{
	static const uint64_t written[] = { DTE_SLOT(DEV_A), ITE_SLOT(ITT_B, 2), ITE_SLOT(ITT_B, 3),
					    CTE_SLOT(1), CTE_SLOT(9) };
	static const uint64_t scribbles[] = { 0, ITE(1, LPI(7), 1), ITE(1, LPI(8), 0), CTE(1, 3),
					      CTE(9, 2) };
	struct world *w = world_with_events();
	struct vits_state saved;
	uint8_t *before = malloc(RAM_SZ);

	(void)state;
	assert_non_null(before);
	/* What belongs to no function is the guest's to change. */
	ram_set(w, DTE_SLOT(DEV_X), 0x1234);
	ram_set(w, ITE_SLOT(ITT_A, 7), ITE(3, LPI(9), 4));
	ram_set(w, ITE_SLOT(ITT_B, 32), ITE(3, LPI(9), 4));
	ram_set(w, CTE_SLOT(20), CTE(20, 1));
	memcpy(before, w->ram, RAM_SZ);
	for (size_t i = 0; i < ARRAY_SIZE(written); i++)
		ram_set(w, written[i], scribbles[i]);

	assert_int_equal(vits_save(w->v, &saved), 0);
	vits_state_fini(&saved);
	assert_int_equal(memcmp(w->ram, before, RAM_SZ), 0);
	expect_no_more_updates(w);

	/* And where nothing differs it writes nothing at all. */
	w->ro = RAM_BASE;
	w->ro_end = RAM_END;
	assert_int_equal(vits_save(w->v, &saved), 0);
	assert_int_equal(saved.nr_devices, 2);
	assert_int_equal(saved.nr_events, 3);
	assert_int_equal(saved.nr_delivering, 2);
	assert_int_equal(saved.nr_places, 0);
	vits_state_fini(&saved);
	free(before);
	world_destroy(w);
}

static void count_differences(void *arg, const struct vits_difference *difference)
{
	unsigned *nr = arg;

	(void)difference;
	(*nr)++;
}

static void test_saving_fails_where_an_entry_cannot_be_written_and_audit_names_it(void **state)
{
	static const uint64_t slots[] = { DTE_SLOT(DEV_A), ITE_SLOT(ITT_B, 2), CTE_SLOT(1) };

	(void)state;
	for (unsigned i = 0; i < 2 * ARRAY_SIZE(slots); i++) {
		uint64_t slot = slots[i / 2];
		struct world *w = world_with_events();
		uint64_t right = ram_get(w, slot);
		struct vits_state saved = { 0 };
		unsigned nr = 0;

		ram_set(w, slot, 0);
		*(i % 2 ? &w->ro : &w->bad) = slot;
		*(i % 2 ? &w->ro_end : &w->bad_end) = slot + 8;
		assert_int_equal(vits_save(w->v, &saved), -EFAULT);
		assert_int_equal(vits_audit(w->v, count_differences, &nr), 0);
		assert_int_equal(nr, 1);
		/* It goes on as before. */
		expect_no_more_updates(w);
		expect_msi(w, 1, 2, LPI(3), 1);
		w->ro_end = 0;
		w->bad_end = 0;
		assert_int_equal(vits_save(w->v, &saved), 0);
		assert_int_equal(ram_get(w, slot), right);
		vits_state_fini(&saved);
		world_destroy(w);
	}
}

static void test_saving_fails_where_tables_lie_over_each_other(void **state)
{
	struct world *w = world_create_ready();
	struct vits_state saved = { 0 };

	(void)state;
	run_ok(w, mapd(DEV_A, ITT_B, 3));
	assert_int_equal(vits_save(w->v, &saved), 0); /* no event yet */
	vits_state_fini(&saved);
	run_ok(w, mapti(DEV_A, 1, LPI(1), 0));
	run_ok(w, mapti(DEV_B, 2, LPI(2), 0));
	assert_int_equal(vits_save(w->v, &saved), -EFAULT);
	expect_msi(w, 0, 1, LPI(1), 0);
	expect_msi(w, 1, 2, LPI(2), 0);
	world_destroy(w);
}

static void test_tables_outside_ram_that_hold_nothing_are_saved_and_restored(void **state)
{
	struct world *a = world_create_on(NULL), *b;

	(void)state;
	run_ok(a, mapd(DEV_A, RAM_END, 3));
	wr32(a, GITS_CTLR, 0);
	wr64(a, GITS_BASER(1), baser_value(RAM_END, 1));
	wr32(a, GITS_CTLR, GITS_CTLR_ENABLED);
	b = round_trip(a);
	same_worlds(a, b);
	assert_int_equal(run(b, mapti(DEV_A, 0, LPI(1), 0)), 0x010a03);
	world_destroy(a);
	world_destroy(b);
}

/*
 * What restoring refuses
 */

static void test_restoring_is_refused_unless_the_its_is_in_its_reset_state(void **state)
{
	struct world *a = world_with_events(), *b;
	struct vits_state saved;

	(void)state;
	assert_int_equal(vits_save(a->v, &saved), 0);
	assert_int_equal(vits_restore(a->v, &saved), -EBUSY);
	expect_msi(a, 1, 2, LPI(3), 1);

	/* Each register counts. */
	b = world_next(a, NULL);
	wr64(b, GITS_CWRITER, 32);
	assert_int_equal(vits_restore(b->v, &saved), -EBUSY);
	vits_reset(b->v);
	wr64(b, GITS_CBASER, VALID);
	assert_int_equal(vits_restore(b->v, &saved), -EBUSY);
	assert_int_equal(rd64(b, GITS_CBASER), VALID);
	vits_reset(b->v);
	wr64(b, GITS_BASER(1), COLL_TABLE);
	assert_int_equal(vits_restore(b->v, &saved), -EBUSY);
	vits_reset(b->v);
	assert_int_equal(vits_restore(b->v, &saved), 0);
	same_worlds(a, b);
	/* After a reset it can be restored again. */
	vits_reset(b->v);
	assert_int_equal(vits_restore(b->v, &saved), 0);
	same_worlds(a, b);
	vits_state_fini(&saved);
	world_destroy(a);
	world_destroy(b);
}

#define FIELD(f) offsetof(struct vits_state, f), sizeof(((struct vits_state *)0)->f)

/* clang-format off */
static const struct {
	const char *why;
	size_t at, sz;
	uint64_t flip; /* these bits */
} bad_states[] = {
	{ "GITS_CTLR: a reserved bit",             FIELD(ctlr),     2 },
	{ "GITS_CTLR: Quiescent is no state",      FIELD(ctlr),     GITS_CTLR_QUIESCENT },
	{ "GITS_IIDR: a later table ABI",          FIELD(iidr),     0x1000 },
	{ "GITS_IIDR: another implementer",        FIELD(iidr),     1 },
	{ "GITS_TYPER: other DeviceID bits",       FIELD(typer),    0x2000 },
	{ "GITS_TYPER: other EventID bits",        FIELD(typer),    0x100 },
	{ "GITS_CBASER: not valid, yet enabled",   FIELD(cbaser),   VALID },
	{ "GITS_CBASER: bit 8 is RES0",            FIELD(cbaser),   0x100 },
	{ "GITS_CBASER: not aligned to 64K",       FIELD(cbaser),   0x1000 },
	{ "GITS_CBASER: reserved shareability",    FIELD(cbaser),   0xc00 },
	{ "GITS_CWRITER: Retry reads as 0",        FIELD(cwriter),  1 },
	{ "GITS_CWRITER: in an entry",             FIELD(cwriter),  0x10 },
	{ "GITS_CWRITER: first byte behind queue", FIELD(cwriter),  0x10000 },
	{ "GITS_CWRITER: beyond 32 bits",          FIELD(cwriter),  BIT64(32) },
	{ "GITS_CREADR: in an entry",              FIELD(creadr),   0x10 },
	{ "GITS_CREADR: bit 1 is RES0",            FIELD(creadr),   2 },
	{ "GITS_CREADR: first byte behind queue",  FIELD(creadr),   0x10000 },
	{ "GITS_BASER(0): not valid, yet enabled",   FIELD(baser[0]), VALID },
	{ "GITS_BASER(0): another type",             FIELD(baser[0]), BIT64(56) },
	{ "GITS_BASER(0): another entry size",       FIELD(baser[0]), BIT64(48) },
	{ "GITS_BASER(0): reserved page size",       FIELD(baser[0]), 0x100 },
	{ "GITS_BASER(0): reserved shareability",    FIELD(baser[0]), 0x800 },
	{ "GITS_BASER(1): not valid, yet enabled",   FIELD(baser[1]), VALID },
	{ "GITS_BASER(1): another type",             FIELD(baser[1]), BIT64(57) },
	{ "more places than events",               FIELD(nr_places), 4 },
	{ "fewer events than places",              FIELD(nr_events), 3 },
};

static const struct {
	const char *why;
	struct vits_place places[2];
} bad_places[] = {
	{ "first function that is none",  { { 0, 1, 3 }, { 2, 0, 1 } } },
	{ "first event that is not assigned", { { 0, 1, 3 }, { 1, DEV_B_EVENTS, 1 } } },
	{ "first vCPU that is none",      { { 0, 1, NR_VCPUS }, { 1, 4, 1 } } },
	{ "one twice",                    { { 0, 1, 3 }, { 0, 1, 3 } } },
	{ "events descend",               { { 1, 5, 3 }, { 1, 4, 1 } } },
	{ "functions descend",            { { 1, 4, 1 }, { 0, 1, 3 } } },
};
/* clang-format on */

/* Three assigned events, one of them moved along, one detached, one where the tables say. */
static struct world *world_with_places(struct vits_state *ret_state)
{
	struct world *w = world_create_ready();

	run_ok(w, mapti(DEV_A, 1, LPI(1), 0));
	run_ok(w, mapti(DEV_B, 4, LPI(2), 1));
	run_ok(w, mapc_off(1));
	run_ok(w, movall(0, 3));
	run_ok(w, mapti(DEV_B, 7, LPI(3), 0));
	assert_int_equal(vits_save(w->v, ret_state), 0);
	assert_int_equal(ret_state->nr_places, 2);
	assert_int_equal(ret_state->nr_events, 3);
	return w;
}

/* It is refused and does nothing; afterwards the right one is taken. */
static void expect_refused(struct world *from, const struct vits_state *bad, int error,
			   const struct vits_state *good)
{
	struct world *w = world_next(from, NULL);
	int r = vits_restore(w->v, bad);

	assert_int_equal(r, error);
	assert_in_reset_state(w);
	assert_int_equal(memcmp(w->ram, from->ram, RAM_SZ), 0);
	if (good) {
		assert_int_equal(vits_restore(w->v, good), 0);
		same_worlds(from, w);
	}
	world_destroy(w);
}

static void test_states_that_no_such_its_can_have_are_refused(void **state)
{
	struct vits_state good;
	struct world *w = world_with_places(&good);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad_states); i++) {
		struct vits_state bad = good;
		uint64_t value = 0;

		print_message("%s\n", bad_states[i].why);
		memcpy(&value, (char *)&bad + bad_states[i].at, bad_states[i].sz);
		value ^= bad_states[i].flip;
		memcpy((char *)&bad + bad_states[i].at, &value, bad_states[i].sz);
		expect_refused(w, &bad, -EINVAL, &good);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad_places); i++) {
		struct vits_state bad = good;
		struct vits_place places[2];

		print_message("%s\n", bad_places[i].why);
		memcpy(places, bad_places[i].places, sizeof(places));
		bad.places = places;
		expect_refused(w, &bad, -EINVAL, &good);
	}
	vits_state_fini(&good);
	world_destroy(w);
}

/* Choice in state.c */
static void test_a_restore_takes_all_that_was_saved_or_nothing(void **state)
{
	/* clang-format off */
	static const struct {
		const char *why;
		uint64_t slot, value;
	} bad[] = {
		{ "no device",                         DTE_SLOT(DEV_A), 0 },
		{ "an ITT larger than EventIDs",       DTE_SLOT(DEV_A), DTE(1, ITT_A, 17) },
		{ "an ITT of the largest size",        DTE_SLOT(DEV_A), DTE(1, ITT_A, 32) },
		{ "a device entry that is not valid",  DTE_SLOT(DEV_A), DTE(1, ITT_A, 3) & ~VALID },
		{ "an ITT that ends before an event",  DTE_SLOT(DEV_B), DTE(1, ITT_B, 2) },
		{ "an ITT outside RAM",                DTE_SLOT(DEV_A), DTE(1, RAM_END, 3) },
		{ "an ITT at the end of addresses",    DTE_SLOT(DEV_A), DTE(1, MASK64(51, 8), 16) },
		{ "the ITT of another function",       DTE_SLOT(DEV_A), DTE(1, ITT_B, 3) },
		{ "no event",                          ITE_SLOT(ITT_A, 1), 0 },
		{ "the INTID before the first LPI",    ITE_SLOT(ITT_A, 1), ITE(1, VITS_LPI_BASE - 1, 0) },
		{ "the INTID behind the last LPI",     ITE_SLOT(ITT_A, 1), ITE(1, LAST_LPI + 1, 0) },
		{ "an INTID of 32 bits",               ITE_SLOT(ITT_A, 1), ITE(1, UINT32_MAX, 0) },
		{ "the LPI of another event",          ITE_SLOT(ITT_A, 1), ITE(1, LPI(2), 0) },
		{ "an event with another's LPI",       ITE_SLOT(ITT_B, 6), ITE(1, LPI(3), 0) },
		{ "one event more",                    ITE_SLOT(ITT_A, 0), ITE(1, LPI(9), 0) },
		{ "a collection that has no entry",    ITE_SLOT(ITT_A, 1), ITE(1, LPI(1), 0xffff) },
		{ "no collection",                     CTE_SLOT(0), 0 },
		{ "the first RDbase that is no vCPU",  CTE_SLOT(0), CTE(0, NR_VCPUS) },
		{ "an RDbase of 36 bits",              CTE_SLOT(0), CTE(0, MASK64(35, 0)) },
		{ "another collection's entry",        CTE_SLOT(0), CTE(1, 0) },
		{ "a target where there was none",     CTE_SLOT(1), CTE(1, 0) },
	};
	/* clang-format on */
	struct vits_state good;
	struct world *w = world_with_places(&good);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		uint64_t right = ram_get(w, bad[i].slot);

		print_message("%s\n", bad[i].why);
		ram_set(w, bad[i].slot, bad[i].value);
		expect_refused(w, &good, -EFAULT, NULL);
		ram_set(w, bad[i].slot, right);
		expect_refused(w, &(struct vits_state){ 0 }, -EINVAL, &good);
	}
	vits_state_fini(&good);
	world_destroy(w);
}

static void test_a_place_of_an_event_that_is_not_there_is_refused(void **state)
{
	struct vits_place places[] = { { 0, 2, 3 }, { 1, 4, 1 } };
	struct vits_state good, bad;
	struct world *w = world_with_places(&good);

	(void)state;
	bad = good;
	bad.places = places;
	expect_refused(w, &bad, -EFAULT, &good);
	places[0].eventid = 1;
	places[1].eventid = 31;
	expect_refused(w, &bad, -EFAULT, &good);
	vits_state_fini(&good);
	world_destroy(w);
}

static void test_tables_that_went_missing_are_refused(void **state)
{
	static const uint64_t gone[] = { DEVICE_TABLE, COLL_TABLE, ITT_A, ITT_B };
	struct vits_state good;
	struct world *a = world_with_places(&good), *b;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(gone); i++) {
		b = world_next(a, NULL);
		b->bad = gone[i];
		b->bad_end = gone[i] + 0x1000;
		assert_int_equal(vits_restore(b->v, &good), -EFAULT);
		assert_in_reset_state(b);
		world_destroy(b);
	}
	vits_state_fini(&good);
	world_destroy(a);
}

static void test_a_device_without_events_or_an_event_without_a_target_is_missed(void **state)
{
	static const uint64_t slots[] = { DTE_SLOT(DEV_A), ITE_SLOT(ITT_B, 9) };
	struct world *w = world_create_ready();
	struct vits_state good;

	(void)state;
	run_ok(w, mapti(DEV_B, 9, LPI(4), 9));
	assert_int_equal(vits_save(w->v, &good), 0);
	for (size_t i = 0; i < ARRAY_SIZE(slots); i++) {
		uint64_t right = ram_get(w, slots[i]);

		ram_set(w, slots[i], 0);
		expect_refused(w, &good, -EFAULT, NULL);
		ram_set(w, slots[i], right);
	}
	expect_refused(w, &(struct vits_state){ 0 }, -EINVAL, &good);
	vits_state_fini(&good);
	world_destroy(w);
}

static void test_an_its_of_a_smaller_machine_refuses(void **state)
{
	static const struct vits_function fewer[] = { { DEV_A, 1 }, { DEV_B, DEV_B_EVENTS } };
	struct vits_config config;
	struct vits_state good;
	struct world *a = world_with_places(&good), *b;

	(void)state;
	world_default_config(&config);
	config.nr_vcpus = 1; /* a place at vCPU 3 */
	b = world_next(a, &config);
	assert_int_equal(vits_restore(b->v, &good), -EINVAL);
	assert_in_reset_state(b);
	world_destroy(b);

	world_default_config(&config);
	config.nr_lpis = 3; /* no LPI 8195 */
	b = world_next(a, &config);
	assert_int_equal(vits_restore(b->v, &good), -EFAULT);
	assert_in_reset_state(b);
	world_destroy(b);

	world_default_config(&config);
	config.functions = fewer;
	b = world_next(a, &config);
	assert_int_equal(vits_restore(b->v, &good), -EINVAL);
	assert_in_reset_state(b);
	world_destroy(b);
	vits_state_fini(&good);
	world_destroy(a);
}

/*
 * Anything at all
 */

static void mutate_memory(struct world *w, struct dice *d)
{
	static const uint64_t places[] = { DEVICE_TABLE, COLL_TABLE, ITT_A, ITT_B };
	uint64_t gpa = places[below(d, ARRAY_SIZE(places))] + below(d, 0x20) * 8;

	switch (below(d, 4)) {
	case 0:
		ram_set(w, gpa, roll(d));
		break;
	case 1:
		ram_set(w, gpa, ram_get(w, gpa) ^ BIT64(below(d, 64)));
		break;
	case 2:
		ram_set(w, gpa, ITE(1, LPI(below(d, NR_LPIS)), below(d, 3)));
		break;
	default:
		ram_set(w, gpa, VALID | below(d, 2) << 16 | below(d, 0x20));
	}
}

static void mutate_state(struct vits_state *state, struct dice *d)
{
	uint64_t *const words[] = { &state->cbaser, &state->cwriter, &state->creadr,
				    &state->baser[0], &state->baser[1] };
	uint32_t *const halves[] = { &state->ctlr, &state->nr_devices, &state->nr_events,
				     &state->nr_delivering };

	if (below(d, 2))
		*words[below(d, ARRAY_SIZE(words))] ^= BIT64(below(d, 64));
	else
		*halves[below(d, ARRAY_SIZE(halves))] ^= (uint32_t)BIT64(below(d, 4));
}

/* What is translated is targeted, there. */
static void check_backend(struct world *w)
{
	for (size_t f = 0; f < w->config.nr_functions; f++) {
		for (uint32_t i = 0; i < w->functions[f].nr_events; i++) {
			struct vits_lpi lpi;

			if (vits_translate(w->v, f, i, &lpi) != VITS_MSI_DELIVER)
				continue;
			assert_true(w->lpis[lpi.intid - VITS_LPI_BASE].targeted);
			assert_int_equal(w->lpis[lpi.intid - VITS_LPI_BASE].vcpu, lpi.vcpu);
			assert_int_equal(w->lpis[lpi.intid - VITS_LPI_BASE].eventid, i);
		}
	}
}

static void test_any_state_and_any_tables_are_taken_whole_or_not_at_all(void **state)
{
	struct dice d = { 77 };
	struct vits_state good;
	struct world *a = world_with_places(&good);
	struct world *w = world_next(a, NULL);
	unsigned nr_taken = 0;

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		struct vits_state bad = good;
		int r;

		ram_zero(w, DEVICE_TABLE, 0x100);
		memcpy(w->ram + (DEVICE_TABLE - RAM_BASE), a->ram, 0x100);
		memcpy(w->ram + (COLL_TABLE - RAM_BASE), a->ram + (COLL_TABLE - RAM_BASE), 0x100);
		memcpy(w->ram + (ITT_A - RAM_BASE), a->ram + (ITT_A - RAM_BASE), 0x100);
		memcpy(w->ram + (ITT_B - RAM_BASE), a->ram + (ITT_B - RAM_BASE), 0x100);
		for (unsigned n = below(&d, 4); n; n--)
			mutate_memory(w, &d);
		for (unsigned n = below(&d, 3); n; n--)
			mutate_state(&bad, &d);
		w->nr_updates = 0;
		r = vits_restore(w->v, &bad);
		check_backend(w);
		if (r == 0) {
			nr_taken++;
			assert_int_equal(w->nr_updates, bad.nr_delivering);
			vits_reset(w->v);
			continue;
		}
		assert_true(r == -EINVAL || r == -EFAULT);
		assert_int_equal(w->nr_updates, 0);
		assert_int_equal(rd64(w, GITS_CBASER), 0);
	}
	assert_in_range(nr_taken, 1000, 19000);
	vits_state_fini(&good);
	world_destroy(a);
	world_destroy(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_saving_writes_what_differs_and_nothing_else),
		cmocka_unit_test(
			test_saving_fails_where_an_entry_cannot_be_written_and_audit_names_it),
		cmocka_unit_test(test_saving_fails_where_tables_lie_over_each_other),
		cmocka_unit_test(test_tables_outside_ram_that_hold_nothing_are_saved_and_restored),
		cmocka_unit_test(test_restoring_is_refused_unless_the_its_is_in_its_reset_state),
		cmocka_unit_test(test_states_that_no_such_its_can_have_are_refused),
		cmocka_unit_test(test_a_restore_takes_all_that_was_saved_or_nothing),
		cmocka_unit_test(test_a_place_of_an_event_that_is_not_there_is_refused),
		cmocka_unit_test(test_tables_that_went_missing_are_refused),
		cmocka_unit_test(
			test_a_device_without_events_or_an_event_without_a_target_is_missed),
		cmocka_unit_test(test_an_its_of_a_smaller_machine_refuses),
		cmocka_unit_test(test_any_state_and_any_tables_are_taken_whole_or_not_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
