// SPDX-License-Identifier: MIT
/*
 * Making redistributors, what GICR_TYPER says of them, and resetting them.
 */
#include "tests/unit/vgicrmod/vgicr_world.h"

#include <errno.h>
#include <stdlib.h>

static unsigned allocations_left = UINT32_MAX;

void *__real_calloc(size_t nr, size_t size);
void *__wrap_calloc(size_t nr, size_t size);
void *__wrap_calloc(size_t nr, size_t size)
{
	return allocations_left && allocations_left-- ? __real_calloc(nr, size) : NULL;
}

void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
	return allocations_left && allocations_left-- ? __real_aligned_alloc(alignment, size)
						      : NULL;
}

static int create(struct below *b, const uint32_t *sizes, size_t nr_regions)
{
	const struct vgicr_config config = {
		.nr_vcpus = b->nr_vcpus,
		.mpidr = b->mpidr,
		.region_sizes = sizes,
		.nr_regions = nr_regions,
		.priority_bits = b->priority_bits,
	};

	return vgicr_create(&config, &below_ops, b, &b->v);
}

static void test_a_configuration_out_of_range_is_refused(void **state)
{
	static const uint64_t mpidr[VGICR_MAX_VCPUS + 1];
	static const uint32_t short_[] = { 2, 1 }, long_[] = { 2, 3 }, empty[] = { 4, 0 },
			      wraps[] = { 5, UINT32_MAX };
	static const struct vgicr_config bad[] = {
		{ .nr_vcpus = 0, .mpidr = mpidr, .priority_bits = 5 },
		{ .nr_vcpus = VGICR_MAX_VCPUS + 1, .mpidr = mpidr, .priority_bits = 5 },
		{ .nr_vcpus = 4, .mpidr = mpidr, .priority_bits = 3 },
		{ .nr_vcpus = 4, .mpidr = mpidr, .priority_bits = 9 },
		{ 4, mpidr, short_, 2, 5 },
		{ 4, mpidr, long_, 2, 5 },
		{ 4, mpidr, empty, 2, 5 },
		{ 4, mpidr, wraps, 2, 5 },
		{ 4, mpidr, short_, 0, 5 },
	};
	struct vgicr *v = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(vgicr_create(&bad[i], &below_ops, NULL, &v), -EINVAL);
	assert_null(v);
	vgicr_destroy(NULL);
}

static void test_memory_that_is_not_there_is_told_and_none_leaks(void **state)
{
	struct below b;

	(void)state;
	below_init(&b, 2);
	for (unsigned n = 0; n < 2; n++) {
		allocations_left = n;
		assert_int_equal(create(&b, NULL, 0), -ENOMEM);
	}
	allocations_left = UINT32_MAX;
	assert_int_equal(b.nr_begins, 0);
	below_fini(&b);
}

static void count_nothing(void *ctx)
{
	(void)ctx;
}

static uint32_t read_nothing(void *ctx, uint32_t vcpu, uint32_t reg)
{
	(void)ctx, (void)vcpu, (void)reg;
	return 0;
}

static void write_nothing(void *ctx, uint32_t vcpu, uint32_t reg, uint64_t value)
{
	(void)ctx, (void)vcpu, (void)reg, (void)value;
}

static void test_largest_configuration_works(void **state)
{
	static const struct vgicr_ops ops = { count_nothing, count_nothing, read_nothing,
					      write_nothing, NULL };
	static uint64_t mpidr[VGICR_MAX_VCPUS];
	struct vgicr *v;

	(void)state;
	for (uint32_t i = 0; i < VGICR_MAX_VCPUS; i++)
		mpidr[i] = (i & 0xf) | i >> 4 << 8;
	assert_int_equal(vgicr_create(&(struct vgicr_config){ .nr_vcpus = VGICR_MAX_VCPUS,
							      .mpidr = mpidr,
							      .priority_bits = 8 },
				      &ops, NULL, &v),
			 0);
	for (uint32_t i = 0; i < VGICR_MAX_VCPUS; i++) {
		uint64_t typer = vgicr_mmio_read(v, i, GICR_TYPER, 8);

		assert_int_equal(FIELD_GET(GICR_TYPER_NUMBER, typer), i);
		assert_int_equal(typer >> 32, mpidr[i]);
		assert_int_equal((typer & GICR_TYPER_LAST) != 0, i == VGICR_MAX_VCPUS - 1);
	}
	vgicr_destroy(v);
}

static void test_typer_has_the_four_affinities_and_nothing_else_of_mpidr(void **state)
{
	struct below b;

	(void)state;
	below_init(&b, 2);
	b.mpidr[0] = UINT64_C(0x0000001280040302);
	b.mpidr[1] = UINT64_MAX;
	assert_int_equal(create(&b, NULL, 0), 0);
	assert_int_equal(rd64(&b, 0, GICR_TYPER), UINT64_C(0x1204030200000001));
	assert_int_equal(rd32(&b, 0, GICR_TYPER), 1);
	assert_int_equal(rd32(&b, 0, GICR_TYPER + 4), 0x12040302);
	assert_int_equal(rd64(&b, 1, GICR_TYPER), UINT64_C(0xffffffff00000111));
	below_fini(&b);
}

static void test_the_last_of_each_region_says_so(void **state)
{
	static const struct {
		uint32_t sizes[4];
		size_t nr;
		unsigned last; /* a bit for each */
	} cases[] = {
		{ { 8 }, 1, 0x80 },
		{ { 3, 5 }, 2, 0x84 },
		{ { 1, 1, 5, 1 }, 4, 0xc3 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct below b;

		below_init(&b, 8);
		assert_int_equal(create(&b, cases[i].sizes, cases[i].nr), 0);
		for (uint32_t vcpu = 0; vcpu < 8; vcpu++) {
			uint64_t typer = rd64(&b, vcpu, GICR_TYPER);

			assert_int_equal(FIELD_GET(GICR_TYPER_LAST, typer),
					 cases[i].last >> vcpu & 1);
			assert_int_equal(FIELD_GET(GICR_TYPER_NUMBER, typer), vcpu);
		}
		below_fini(&b);
	}
}

static void test_priorities_have_as_many_bits_as_configured(void **state)
{
	(void)state;
	for (unsigned bits = 4; bits <= 8; bits++) {
		struct below b;

		below_init(&b, 1);
		b.priority_bits = bits;
		assert_int_equal(create(&b, NULL, 0), 0);
		vgicr_mmio_write(b.v, 0, GICR_IPRIORITYR(3) + 1, 1, 0xff);
		assert_int_equal(rd32(&b, 0, GICR_IPRIORITYR(3)), (0xff00 >> bits & 0xff) << 8);
		below_fini(&b);
	}
}

static void test_a_backend_that_has_sgis_enabled_is_told_to_disable_them(void **state)
{
	struct below b;

	(void)state;
	below_init(&b, 3);
	assert_int_equal(b.redists[2].enabled, BELOW_SGIS);
	assert_int_equal(create(&b, NULL, 0), 0);
	assert_int_equal(b.nr_begins, 1);
	assert_int_equal(b.nr_writes, 3);
	for (uint32_t vcpu = 0; vcpu < 3; vcpu++)
		assert_int_equal(b.redists[vcpu].enabled, 0);
	below_fini(&b);
}

/* Everything at once that a guest can have changed. */
static void disturb(struct below *b, uint32_t vcpu)
{
	wr64(b, vcpu, GICR_PROPBASER, 0x4000078f);
	wr64(b, vcpu, GICR_PENDBASER, 0x40010780 | GICR_PENDBASER_PTZ);
	wr32(b, vcpu, GICR_CTLR, 1);
	wr32(b, vcpu, GICR_IGROUPR0, 0x5a5a5a5a);
	for (unsigned n = 0; n < GICR_NR_IPRIORITYR; n++)
		wr32(b, vcpu, GICR_IPRIORITYR(n), 0x80402010);
	wr32(b, vcpu, GICR_ISENABLER0, 0x0ff0ff0f);
	wr32(b, vcpu, GICR_ISPENDR0, 0x12345678);
	wr32(b, vcpu, GICR_ISACTIVER0, 0x87654321);
}

static void test_a_reset_restores_all_reset_values_here_and_below(void **state)
{
	struct below *b = below_create(2);

	(void)state;
	disturb(b, 0);
	disturb(b, 1);
	vgicr_reset(b->v);
	for (uint32_t vcpu = 0; vcpu < 2; vcpu++) {
		const struct below_redist *r = &b->redists[vcpu];

		assert_false(r->lpis_on);
		assert_int_equal(r->group, UINT32_MAX);
		assert_int_equal(r->enabled | r->latch | r->active, 0);
		assert_int_equal(rd32(b, vcpu, GICR_CTLR), 0);
		assert_int_equal(rd64(b, vcpu, GICR_PROPBASER), 0);
		assert_int_equal(rd64(b, vcpu, GICR_PENDBASER), 0);
		assert_int_equal(rd32(b, vcpu, GICR_IGROUPR0), UINT32_MAX);
		assert_int_equal(rd32(b, vcpu, GICR_ISENABLER0), 0);
		assert_int_equal(rd32(b, vcpu, GICR_ISPENDR0), 0);
		assert_int_equal(rd32(b, vcpu, GICR_ISACTIVER0), 0);
		for (unsigned n = 0; n < GICR_NR_IPRIORITYR; n++)
			assert_int_equal(rd32(b, vcpu, GICR_IPRIORITYR(n)), 0);
		/* Once when they came on, once now. */
		assert_int_equal(b->nr_switched[vcpu], 2);
	}
	below_destroy(b);
}

static void test_after_a_reset_priorities_are_zero_for_the_backend_too(void **state)
{
	struct below *b = below_create(1);

	(void)state;
	disturb(b, 0);
	vgicr_reset(b->v);
	wr32(b, 0, GICR_ISENABLER0, 1);
	for (unsigned n = 0; n < GICR_NR_IPRIORITYR; n++)
		assert_int_equal(b->redists[0].prio[n], 0);
	/* PTZ is forgotten, too. */
	wr32(b, 0, GICR_CTLR, 1);
	assert_int_equal(b->redists[0].pend, 0);
	below_destroy(b);
}

static void test_a_reset_of_what_was_not_used_switches_nothing(void **state)
{
	struct below *b = below_create(1);

	(void)state;
	vgicr_reset(b->v);
	assert_int_equal(b->nr_switched[0], 0);
	expect_visits(b, 1);
	below_destroy(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_configuration_out_of_range_is_refused),
		cmocka_unit_test(test_memory_that_is_not_there_is_told_and_none_leaks),
		cmocka_unit_test(test_largest_configuration_works),
		cmocka_unit_test(test_typer_has_the_four_affinities_and_nothing_else_of_mpidr),
		cmocka_unit_test(test_the_last_of_each_region_says_so),
		cmocka_unit_test(test_priorities_have_as_many_bits_as_configured),
		cmocka_unit_test(test_a_backend_that_has_sgis_enabled_is_told_to_disable_them),
		cmocka_unit_test(test_a_reset_restores_all_reset_values_here_and_below),
		cmocka_unit_test(test_after_a_reset_priorities_are_zero_for_the_backend_too),
		cmocka_unit_test(test_a_reset_of_what_was_not_used_switches_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
