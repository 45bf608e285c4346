// SPDX-License-Identifier: MIT
/*
 * GICR_CTLR.EnableLPIs and the tables that it takes.
 */
#include "tests/unit/vgicrmod/vgicr_world.h"

#define LPIS (uint32_t) GICR_CTLR_LPIS
/* Inner shareable, write-back; 16 ID bits. */
#define PROP UINT64_C(0x000000004001078f)
#define PEND UINT64_C(0x0000000040020780)
#define OFF  UINT32_C(0)

static void test_tables_go_to_the_backend_with_enablelpis_and_not_before(void **state)
{
	struct below *b = below_create(2);

	(void)state;
	wr64(b, 1, GICR_PROPBASER, PROP);
	wr64(b, 1, GICR_PENDBASER, PEND | GICR_PENDBASER_PTZ);
	expect_visits(b, 0);
	wr32(b, 1, GICR_CTLR, LPIS);
	expect_visits(b, 1);
	assert_int_equal(b->nr_writes, 3);
	expect_write(b, 0, 1, GICR_PROPBASER, PROP);
	expect_write(b, 1, 1, GICR_PENDBASER, PEND | GICR_PENDBASER_PTZ);
	expect_write(b, 2, 1, GICR_CTLR, LPIS);
	assert_int_equal(rd32(b, 1, GICR_CTLR), LPIS);
	assert_int_equal(rd32(b, 0, GICR_CTLR), 0);
	assert_true(vgicr_lpis_on(b->v, 1));
	assert_false(vgicr_lpis_on(b->v, 0));
	below_destroy(b);
}

static void test_enabling_again_changes_nothing(void **state)
{
	struct below *b = below_create(1);

	(void)state;
	wr32(b, 0, GICR_CTLR, OFF);
	expect_visits(b, 0);
	wr32(b, 0, GICR_CTLR, LPIS);
	wr32(b, 0, GICR_CTLR, LPIS);
	expect_visits(b, 1);
	assert_int_equal(b->nr_switched[0], 1);
	below_destroy(b);
}

/* Choice in redist.c */
static void test_enablelpis_can_be_cleared_and_set_with_other_tables(void **state)
{
	struct below *b = below_create(1);

	(void)state;
	wr64(b, 0, GICR_PROPBASER, PROP);
	wr64(b, 0, GICR_PENDBASER, PEND);
	wr32(b, 0, GICR_CTLR, LPIS);
	forget_calls(b);
	wr32(b, 0, GICR_CTLR, OFF);
	assert_int_equal(rd32(b, 0, GICR_CTLR), 0);
	assert_false(vgicr_lpis_on(b->v, 0));
	expect_write(b, 0, 0, GICR_CTLR, 0);
	wr64(b, 0, GICR_PROPBASER, PROP + 0x10000);
	wr64(b, 0, GICR_PENDBASER, PEND + 0x10000);
	wr32(b, 0, GICR_CTLR, LPIS);
	assert_int_equal(b->redists[0].prop, PROP + 0x10000);
	assert_int_equal(b->redists[0].pend, PEND + 0x10000);
	below_destroy(b);
}

/* Choice in redist.c */
static void test_ces_ir_and_rwp_read_as_zero(void **state)
{
	struct below *b = below_create(1);

	(void)state;
	wr32(b, 0, GICR_CTLR, UINT32_MAX);
	assert_int_equal(rd32(b, 0, GICR_CTLR), LPIS);
	wr32(b, 0, GICR_CTLR, UINT32_MAX & ~LPIS);
	assert_int_equal(rd32(b, 0, GICR_CTLR), 0);
	below_destroy(b);
}

/* Choice in redist.c */
static void test_the_tables_are_locked_while_own_lpis_are_on(void **state)
{
	struct below *b = below_create(2);

	(void)state;
	wr64(b, 0, GICR_PROPBASER, PROP);
	wr64(b, 0, GICR_PENDBASER, PEND);
	wr32(b, 0, GICR_CTLR, LPIS);
	forget_calls(b);
	wr64(b, 0, GICR_PROPBASER, 0);
	wr32(b, 0, GICR_PROPBASER + 4, 7);
	wr64(b, 0, GICR_PENDBASER, GICR_PENDBASER_PTZ);
	wr32(b, 0, GICR_PENDBASER, 0);
	assert_int_equal(rd64(b, 0, GICR_PROPBASER), PROP);
	assert_int_equal(rd64(b, 0, GICR_PENDBASER), PEND);
	/* Another CPU's are not. */
	wr64(b, 1, GICR_PROPBASER, PROP + 0x1000);
	wr64(b, 1, GICR_PENDBASER, PEND + 0x10000);
	assert_int_equal(rd64(b, 1, GICR_PROPBASER), PROP + 0x1000);
	assert_int_equal(rd64(b, 1, GICR_PENDBASER), PEND + 0x10000);
	expect_visits(b, 0);
	wr32(b, 0, GICR_CTLR, OFF);
	wr64(b, 0, GICR_PROPBASER, PROP + 0x2000);
	assert_int_equal(rd64(b, 0, GICR_PROPBASER), PROP + 0x2000);
	below_destroy(b);
}

static void test_ptz_reads_as_zero_and_is_kept_by_halves(void **state)
{
	struct below *b = below_create(1);

	(void)state;
	wr64(b, 0, GICR_PENDBASER, PEND | GICR_PENDBASER_PTZ);
	assert_int_equal(rd64(b, 0, GICR_PENDBASER), PEND);
	assert_int_equal(rd32(b, 0, GICR_PENDBASER + 4), 0);
	wr32(b, 0, GICR_PENDBASER, (uint32_t)PEND + 0x10000);
	wr32(b, 0, GICR_CTLR, LPIS);
	assert_int_equal(b->redists[0].pend, (PEND + 0x10000) | GICR_PENDBASER_PTZ);
	wr32(b, 0, GICR_CTLR, OFF);
	wr32(b, 0, GICR_PENDBASER + 4, 0);
	wr32(b, 0, GICR_CTLR, LPIS);
	assert_int_equal(b->redists[0].pend, PEND + 0x10000);
	below_destroy(b);
}

static void test_halves_of_64_bit_registers_in_both_orders(void **state)
{
	static const struct {
		uint32_t offset;
		uint64_t value;
	} cases[] = { { GICR_PROPBASER, UINT64_C(0x0701234567890b9f) },
		      { GICR_PENDBASER, UINT64_C(0x07012345678a0b80) } };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		for (unsigned first = 0; first <= 4; first += 4) {
			struct below *b = below_create(1);
			uint32_t offset = cases[i].offset;
			uint64_t value = cases[i].value;

			wr32(b, 0, offset + first, (uint32_t)(value >> 8 * first));
			wr32(b, 0, offset + (4 - first), (uint32_t)(value >> 8 * (4 - first)));
			assert_int_equal(rd64(b, 0, offset), value);
			assert_int_equal(rd32(b, 0, offset), (uint32_t)value);
			assert_int_equal(rd32(b, 0, offset + 4), value >> 32);
			below_destroy(b);
		}
	}
}

static void test_shareability_3_is_0_and_others_are_kept(void **state)
{
	struct below *b = below_create(1);

	(void)state;
	for (uint64_t share = 0; share < 4; share++) {
		uint64_t want = share == 3 ? 0 : share << 10;

		wr64(b, 0, GICR_PROPBASER, share << 10);
		wr64(b, 0, GICR_PENDBASER, share << 10);
		assert_int_equal(rd64(b, 0, GICR_PROPBASER), want);
		assert_int_equal(rd64(b, 0, GICR_PENDBASER), want);
	}
	below_destroy(b);
}

/* Choice in redist.c */
static void test_each_redistributor_hands_its_own_tables_over(void **state)
{
	struct below *b = below_create(2);

	(void)state;
	wr64(b, 0, GICR_PROPBASER, PROP);
	wr64(b, 1, GICR_PROPBASER, PROP + 0x10000);
	wr32(b, 0, GICR_CTLR, LPIS);
	wr32(b, 1, GICR_CTLR, LPIS);
	assert_int_equal(b->redists[0].prop, PROP);
	assert_int_equal(b->redists[1].prop, PROP + 0x10000);
	assert_int_equal(rd64(b, 0, GICR_PROPBASER), PROP);
	below_destroy(b);
}

/* As an ITS would, that has waited for it. */
static void look_and_begin(struct below *b)
{
	assert_true(vgicr_lpis_on(b->v, 0));
	below_ops.begin(b);
	below_ops.end(b);
}

static void test_whoever_is_told_of_a_switch_may_look_and_begin(void **state)
{
	struct below *b = below_create(1);

	(void)state;
	b->on_switched = look_and_begin;
	wr32(b, 0, GICR_CTLR, LPIS);
	assert_int_equal(b->nr_switched[0], 1);
	b->on_switched = NULL;
	wr32(b, 0, GICR_CTLR, OFF);
	assert_int_equal(b->nr_switched[0], 2);
	below_destroy(b);
}

static void test_nobody_needs_to_be_told(void **state)
{
	struct below b;
	struct vgicr_ops ops = below_ops;

	(void)state;
	ops.lpis_switched = NULL;
	below_init(&b, 1);
	assert_int_equal(vgicr_create(&(struct vgicr_config){ .nr_vcpus = 1,
							      .mpidr = b.mpidr,
							      .priority_bits = 5 },
				      &ops, &b, &b.v),
			 0);
	wr32(&b, 0, GICR_CTLR, LPIS);
	assert_int_equal(b.nr_switched[0], 0);
	below_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables_go_to_the_backend_with_enablelpis_and_not_before),
		cmocka_unit_test(test_enabling_again_changes_nothing),
		cmocka_unit_test(test_enablelpis_can_be_cleared_and_set_with_other_tables),
		cmocka_unit_test(test_ces_ir_and_rwp_read_as_zero),
		cmocka_unit_test(test_the_tables_are_locked_while_own_lpis_are_on),
		cmocka_unit_test(test_ptz_reads_as_zero_and_is_kept_by_halves),
		cmocka_unit_test(test_halves_of_64_bit_registers_in_both_orders),
		cmocka_unit_test(test_shareability_3_is_0_and_others_are_kept),
		cmocka_unit_test(test_each_redistributor_hands_its_own_tables_over),
		cmocka_unit_test(test_whoever_is_told_of_a_switch_may_look_and_begin),
		cmocka_unit_test(test_nobody_needs_to_be_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
