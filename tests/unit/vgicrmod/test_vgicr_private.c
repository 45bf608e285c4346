// SPDX-License-Identifier: MIT
/*
 * SGIs and PPIs, a CPU's private interrupts: what reaches the backend, and when.
 */
#include "tests/unit/vgicrmod/vgicr_world.h"

#define SGI_1 BIT64(1)
#define TIMER BIT64(27)

static void test_only_what_changes_is_enabled_and_disabled(void **state)
{
	struct below *b = below_create(2);

	(void)state;
	wr32(b, 1, GICR_ISENABLER0, SGI_1);
	wr32(b, 1, GICR_ISENABLER0, SGI_1 | TIMER);
	expect_write(b, 0, 1, GICR_ISENABLER0, SGI_1);
	expect_write(b, 1, 1, GICR_ISENABLER0, TIMER);
	assert_int_equal(rd32(b, 1, GICR_ISENABLER0), SGI_1 | TIMER);
	assert_int_equal(rd32(b, 1, GICR_ICENABLER0), SGI_1 | TIMER);
	assert_int_equal(rd32(b, 0, GICR_ISENABLER0), 0);
	wr32(b, 1, GICR_ICENABLER0, UINT32_MAX & ~SGI_1);
	expect_write(b, 2, 1, GICR_ICENABLER0, TIMER);
	assert_int_equal(rd32(b, 1, GICR_ISENABLER0), SGI_1);
	expect_visits(b, 3);
	below_destroy(b);
}

static void test_enables_that_change_nothing_cost_no_visit(void **state)
{
	struct below *b = below_create(1);

	(void)state;
	wr32(b, 0, GICR_ICENABLER0, UINT32_MAX);
	wr32(b, 0, GICR_ISENABLER0, 0);
	wr32(b, 0, GICR_ICENABLER0, 0);
	expect_visits(b, 0);
	wr32(b, 0, GICR_ISENABLER0, TIMER);
	forget_calls(b);
	wr32(b, 0, GICR_ISENABLER0, TIMER);
	wr32(b, 0, GICR_ICENABLER0, ~(uint32_t)TIMER);
	expect_visits(b, 0);
	below_destroy(b);
}

/* Choice in redist.c */
static void test_sgis_are_disabled_after_a_reset(void **state)
{
	struct below *b = below_create(1);

	(void)state;
	assert_int_equal(rd32(b, 0, GICR_ISENABLER0), 0);
	assert_int_equal(b->redists[0].enabled, 0);
	below_send(b, 0, SGI_1);
	assert_int_equal(below_acknowledge(b, 0), BELOW_NONE);
	wr32(b, 0, GICR_ISENABLER0, SGI_1);
	assert_int_equal(below_acknowledge(b, 0), 1);
	below_destroy(b);
}

static void test_priorities_of_disabled_interrupts_go_with_the_enable(void **state)
{
	struct below *b = below_create(1);

	(void)state;
	for (unsigned n = 0; n < GICR_NR_IPRIORITYR; n++)
		wr32(b, 0, GICR_IPRIORITYR(n), 0xa0a0a0a0);
	wr32(b, 0, GICR_IPRIORITYR(6), 0x50a0a0a0); /* the timer's: 27 */
	expect_visits(b, 0);
	wr32(b, 0, GICR_ISENABLER0, TIMER);
	expect_visits(b, 1);
	/* All of them at one go: the next enable has nothing left to hand over. */
	assert_int_equal(b->nr_writes, GICR_NR_IPRIORITYR + 1);
	expect_write(b, 6, 0, GICR_IPRIORITYR(6), 0x50a0a0a0);
	expect_write(b, 8, 0, GICR_ISENABLER0, TIMER);
	wr32(b, 0, GICR_ISENABLER0, SGI_1);
	assert_int_equal(b->nr_writes, GICR_NR_IPRIORITYR + 2);
	below_destroy(b);
}

static void test_priorities_of_enabled_interrupts_go_at_once(void **state)
{
	struct below *b = below_create(1);

	(void)state;
	wr32(b, 0, GICR_ISENABLER0, TIMER);
	forget_calls(b);
	vgicr_mmio_write(b->v, 0, GICR_IPRIORITYR(6) + 3, 1, 0xff);
	expect_visits(b, 1);
	expect_write(b, 0, 0, GICR_IPRIORITYR(6), 0xf8000000);
	/* The same again, what is no bit of it, and the neighbours', which are disabled. */
	vgicr_mmio_write(b->v, 0, GICR_IPRIORITYR(6) + 3, 1, 0xf8);
	wr32(b, 0, GICR_IPRIORITYR(6), 0xff000000);
	wr32(b, 0, GICR_IPRIORITYR(6), 0xf8a0a0a0);
	wr32(b, 0, GICR_IPRIORITYR(5), 0xa0a0a0a0);
	expect_visits(b, 1);
	assert_int_equal(rd32(b, 0, GICR_IPRIORITYR(6)), 0xf8a0a0a0);
	wr32(b, 0, GICR_IPRIORITYR(6), 0x40a0a0a0);
	expect_write(b, 1, 0, GICR_IPRIORITYR(6), 0x40a0a0a0);
	below_destroy(b);
}

static void test_disabled_again_a_priority_stays_here_again(void **state)
{
	struct below *b = below_create(1);

	(void)state;
	wr32(b, 0, GICR_ISENABLER0, TIMER);
	wr32(b, 0, GICR_ICENABLER0, TIMER);
	forget_calls(b);
	wr32(b, 0, GICR_IPRIORITYR(6), 0x80000000);
	expect_visits(b, 0);
	wr32(b, 0, GICR_ISENABLER0, TIMER);
	expect_write(b, 0, 0, GICR_IPRIORITYR(6), 0x80000000);
	below_destroy(b);
}

static void test_bytes_of_a_priority_register_are_bytes_of_the_word(void **state)
{
	struct below *b = below_create(1);

	(void)state;
	for (unsigned i = 0; i < 32; i++)
		vgicr_mmio_write(b->v, 0, GICR_IPRIORITYR(0) + i, 1, i << 3);
	for (unsigned n = 0; n < GICR_NR_IPRIORITYR; n++)
		assert_int_equal(rd32(b, 0, GICR_IPRIORITYR(n)), 0x18100800u + n * 0x20202020u);
	for (unsigned i = 0; i < 32; i++)
		assert_int_equal(vgicr_mmio_read(b->v, 0, GICR_IPRIORITYR(0) + i, 1), i << 3);
	below_destroy(b);
}

static void test_a_cpu_takes_the_most_urgent_whenever_the_priority_was_written(void **state)
{
	struct below *b = below_create(1);

	(void)state;
	wr32(b, 0, GICR_IPRIORITYR(0), 0x20408060); /* SGIs 3, 0, 2, 1 in this order */
	wr32(b, 0, GICR_ISENABLER0, 0xf);
	below_send(b, 0, 0xf);
	assert_int_equal(below_acknowledge(b, 0), 3);
	wr32(b, 0, GICR_IPRIORITYR(0), 0x20108060);
	assert_int_equal(below_acknowledge(b, 0), 2);
	assert_int_equal(below_acknowledge(b, 0), 0);
	assert_int_equal(below_acknowledge(b, 0), 1);
	assert_int_equal(below_acknowledge(b, 0), BELOW_NONE);
	below_destroy(b);
}

static void test_bring_up_of_a_cpu_visits_for_enables_and_lpis_only(void **state)
{
	struct below *b = below_create(4);

	(void)state;
	for (uint32_t vcpu = 0; vcpu < 4; vcpu++) {
		forget_calls(b);
		/* As Linux does it. */
		wr32(b, vcpu, GICR_IGROUPR0, UINT32_MAX);
		wr32(b, vcpu, GICR_ICACTIVER0, UINT32_MAX);
		wr32(b, vcpu, GICR_ICENABLER0, UINT32_MAX);
		for (unsigned n = 0; n < GICR_NR_IPRIORITYR; n++)
			wr32(b, vcpu, GICR_IPRIORITYR(n), 0xa0a0a0a0);
		wr64(b, vcpu, GICR_PROPBASER, 0x4000078f);
		wr64(b, vcpu, GICR_PENDBASER, 0x40010780);
		expect_visits(b, 0);
		wr32(b, vcpu, GICR_CTLR, (uint32_t)GICR_CTLR_LPIS);
		for (unsigned sgi = 0; sgi < 8; sgi++)
			wr32(b, vcpu, GICR_ISENABLER0, 1u << sgi);
		wr32(b, vcpu, GICR_ISENABLER0, TIMER);
		expect_visits(b, 10);
	}
	below_destroy(b);
}

static void test_pending_state_is_the_backends(void **state)
{
	struct below *b = below_create(2);

	(void)state;
	below_send(b, 1, SGI_1);
	below_set_line(b, 1, TIMER);
	assert_int_equal(rd32(b, 1, GICR_ISPENDR0), SGI_1 | TIMER);
	assert_int_equal(rd32(b, 1, GICR_ICPENDR0), SGI_1 | TIMER);
	assert_int_equal(rd32(b, 0, GICR_ISPENDR0), 0);
	wr32(b, 1, GICR_ISPENDR0, BIT64(5));
	assert_int_equal(below_pending(b, 1), SGI_1 | BIT64(5) | TIMER);
	wr32(b, 1, GICR_ICPENDR0, SGI_1 | TIMER);
	/* The line is still high. */
	assert_int_equal(rd32(b, 1, GICR_ISPENDR0), BIT64(5) | TIMER);
	below_set_line(b, 1, 0);
	assert_int_equal(rd32(b, 1, GICR_ISPENDR0), BIT64(5));
	below_destroy(b);
}

static void test_zeroes_cost_no_visit(void **state)
{
	static const uint32_t offsets[] = { GICR_ISPENDR0, GICR_ICPENDR0, GICR_ISACTIVER0,
					    GICR_ICACTIVER0 };
	struct below *b = below_create(1);

	(void)state;
	wr32(b, 0, GICR_ISENABLER0, UINT32_MAX);
	forget_calls(b);
	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++)
		wr32(b, 0, offsets[i], 0);
	expect_visits(b, 0);
	below_destroy(b);
}

static void test_active_state_is_the_backends(void **state)
{
	struct below *b = below_create(1);

	(void)state;
	wr32(b, 0, GICR_ISENABLER0, SGI_1);
	below_send(b, 0, SGI_1);
	assert_int_equal(below_acknowledge(b, 0), 1);
	assert_int_equal(rd32(b, 0, GICR_ISACTIVER0), SGI_1);
	wr32(b, 0, GICR_ISACTIVER0, TIMER);
	assert_int_equal(rd32(b, 0, GICR_ICACTIVER0), SGI_1 | TIMER);
	wr32(b, 0, GICR_ICACTIVER0, SGI_1);
	assert_int_equal(b->redists[0].active, TIMER);
	assert_int_equal(rd32(b, 0, GICR_ISACTIVER0), TIMER);
	below_destroy(b);
}

static void test_what_was_never_enabled_is_not_active_and_costs_no_visit(void **state)
{
	struct below *b = below_create(1);

	(void)state;
	below_send(b, 0, BELOW_SGIS);
	assert_int_equal(rd32(b, 0, GICR_ISACTIVER0), 0);
	wr32(b, 0, GICR_ICACTIVER0, UINT32_MAX);
	expect_visits(b, 0);
	/* One that is disabled again can be active still. */
	wr32(b, 0, GICR_ISENABLER0, SGI_1);
	assert_int_equal(below_acknowledge(b, 0), 1);
	wr32(b, 0, GICR_ICENABLER0, SGI_1);
	assert_int_equal(rd32(b, 0, GICR_ISACTIVER0), SGI_1);
	forget_calls(b);
	wr32(b, 0, GICR_ICACTIVER0, UINT32_MAX);
	expect_write(b, 0, 0, GICR_ICACTIVER0, SGI_1);
	below_destroy(b);
}

/* Choice in redist.c */
static void test_all_are_in_group_1_after_a_reset(void **state)
{
	struct below *b = below_create(1);

	(void)state;
	assert_int_equal(rd32(b, 0, GICR_IGROUPR0), UINT32_MAX);
	wr32(b, 0, GICR_IGROUPR0, UINT32_MAX);
	expect_visits(b, 0);
	below_destroy(b);
}

static void test_a_group_goes_to_the_backend_at_once(void **state)
{
	struct below *b = below_create(1);

	(void)state;
	wr32(b, 0, GICR_IGROUPR0, ~(uint32_t)SGI_1);
	expect_write(b, 0, 0, GICR_IGROUPR0, ~(uint32_t)SGI_1);
	assert_int_equal(rd32(b, 0, GICR_IGROUPR0), ~(uint32_t)SGI_1);
	below_destroy(b);
}

/* Choice in redist.c */
static void test_sgis_are_edges_and_ppis_levels_for_good(void **state)
{
	struct below *b = below_create(1);

	(void)state;
	wr32(b, 0, GICR_ICFGR0, 0);
	wr32(b, 0, GICR_ICFGR1, UINT32_MAX);
	assert_int_equal(rd32(b, 0, GICR_ICFGR0), 0xaaaaaaaa);
	assert_int_equal(rd32(b, 0, GICR_ICFGR1), 0);
	expect_visits(b, 0);
	below_destroy(b);
}

/* What another vCPU did between the first look and begin(). */
static void enable_timer(struct below *b)
{
	b->on_begin = NULL;
	below_ops.end(b);
	wr32(b, 0, GICR_ISENABLER0, TIMER);
	below_ops.begin(b);
}

static void test_what_changed_before_begin_is_looked_at_anew(void **state)
{
	struct below *b = below_create(1);

	(void)state;
	b->on_begin = enable_timer;
	wr32(b, 0, GICR_ISENABLER0, SGI_1 | TIMER);
	expect_write(b, 0, 0, GICR_ISENABLER0, TIMER);
	expect_write(b, 1, 0, GICR_ISENABLER0, SGI_1);
	assert_int_equal(b->nr_log, 2);
	below_destroy(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_what_changes_is_enabled_and_disabled),
		cmocka_unit_test(test_enables_that_change_nothing_cost_no_visit),
		cmocka_unit_test(test_sgis_are_disabled_after_a_reset),
		cmocka_unit_test(test_priorities_of_disabled_interrupts_go_with_the_enable),
		cmocka_unit_test(test_priorities_of_enabled_interrupts_go_at_once),
		cmocka_unit_test(test_disabled_again_a_priority_stays_here_again),
		cmocka_unit_test(test_bytes_of_a_priority_register_are_bytes_of_the_word),
		cmocka_unit_test(
			test_a_cpu_takes_the_most_urgent_whenever_the_priority_was_written),
		cmocka_unit_test(test_bring_up_of_a_cpu_visits_for_enables_and_lpis_only),
		cmocka_unit_test(test_pending_state_is_the_backends),
		cmocka_unit_test(test_zeroes_cost_no_visit),
		cmocka_unit_test(test_active_state_is_the_backends),
		cmocka_unit_test(test_what_was_never_enabled_is_not_active_and_costs_no_visit),
		cmocka_unit_test(test_all_are_in_group_1_after_a_reset),
		cmocka_unit_test(test_a_group_goes_to_the_backend_at_once),
		cmocka_unit_test(test_sgis_are_edges_and_ppis_levels_for_good),
		cmocka_unit_test(test_what_changed_before_begin_is_looked_at_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
