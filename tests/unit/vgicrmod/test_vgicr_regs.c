// SPDX-License-Identifier: MIT
/*
 * The table of registers, as a driver and as a vandal see it. IHI 0069 12.10, 12.11.
 */
#include "tests/unit/vgicrmod/vgicr_world.h"

#include "vgicrmod/redist.h"

static void test_table_of_registers_is_sorted_aligned_and_without_overlap(void **state)
{
	const struct vgicr_reg *last = &vgicr_regs[vgicr_nr_regs - 1];

	(void)state;
	for (size_t i = 0; i < vgicr_nr_regs; i++) {
		const struct vgicr_reg *reg = &vgicr_regs[i];

		assert_true(reg->width == 4 || reg->width == 8);
		assert_int_equal(reg->offset % reg->width, 0);
		assert_true(reg->access & A32);
		assert_int_equal((reg->access & A64) != 0, reg->width == 8);
		assert_true(reg->count >= 1);
		if (i > 0)
			assert_true(reg->offset >= reg[-1].offset + reg[-1].count * reg[-1].width);
	}
	assert_true(last->offset + last->count * last->width <= GICR_FRAMES_SZ);
}

static void test_each_kind_has_the_handlers_that_it_needs(void **state)
{
	(void)state;
	for (size_t i = 0; i < vgicr_nr_regs; i++) {
		const struct vgicr_reg *reg = &vgicr_regs[i];
		bool is_kept = reg->kind == VGICR_SHADOW || reg->kind == VGICR_BACKEND;

		assert_int_equal(reg->write != NULL, is_kept);
		assert_true(reg->read || !is_kept);
		if (reg->kind == VGICR_RAZ_WI) {
			assert_null(reg->read);
			assert_int_equal(reg->reset, 0);
		}
	}
}

/* What reads back of all ones, and of all zeroes after them; each register, in a world of its own.
 */
static const struct {
	const char *name;
	uint64_t reset, ones, zeroes;
} read_back[] = {
	{ "GICR_CTLR", 0, 1, 0 },
	{ "GICR_IIDR", 0x6900043b, 0x6900043b, 0x6900043b },
	{ "GICR_TYPER", 0x11, 0x11, 0x11 },
	{ "GICR_STATUSR", 0, 0, 0 },
	{ "GICR_WAKER", 0, 0, 0 },
	{ "GICR_MPAMIDR", 0, 0, 0 },
	{ "GICR_PARTIDR", 0, 0, 0 },
	{ "GICR_SETLPIR", 0, 0, 0 },
	{ "GICR_CLRLPIR", 0, 0, 0 },
	/* Shareability 3 is reserved and reads back as 0. */
	{ "GICR_PROPBASER", 0, UINT64_C(0x070ffffffffff39f), 0 },
	{ "GICR_PENDBASER", 0, UINT64_C(0x070fffffffff0380), 0 },
	{ "GICR_INVLPIR", 0, 0, 0 },
	{ "GICR_INVALLR", 0, 0, 0 },
	{ "GICR_SYNCR", 0, 0, 0 },
	{ "GICR_PIDR4", 0x44, 0x44, 0x44 },
	{ "GICR_PIDR5", 0, 0, 0 },
	{ "GICR_PIDR6", 0, 0, 0 },
	{ "GICR_PIDR7", 0, 0, 0 },
	{ "GICR_PIDR0", 0x93, 0x93, 0x93 },
	{ "GICR_PIDR1", 0xb4, 0xb4, 0xb4 },
	{ "GICR_PIDR2", 0x3b, 0x3b, 0x3b },
	{ "GICR_PIDR3", 0, 0, 0 },
	{ "GICR_CIDR0", 0x0d, 0x0d, 0x0d },
	{ "GICR_CIDR1", 0xf0, 0xf0, 0xf0 },
	{ "GICR_CIDR2", 0x05, 0x05, 0x05 },
	{ "GICR_CIDR3", 0xb1, 0xb1, 0xb1 },
	{ "GICR_IGROUPR0", 0xffffffff, 0xffffffff, 0 },
	{ "GICR_ISENABLER0", 0, 0xffffffff, 0xffffffff },
	{ "GICR_ICENABLER0", 0, 0, 0 },
	{ "GICR_ISPENDR0", 0, 0xffffffff, 0xffffffff },
	{ "GICR_ICPENDR0", 0, 0, 0 },
	{ "GICR_ISACTIVER0", 0, 0xffffffff, 0xffffffff },
	{ "GICR_ICACTIVER0", 0, 0, 0 },
	{ "GICR_IPRIORITYR", 0, 0xf8f8f8f8, 0 },
	{ "GICR_ICFGR0", 0xaaaaaaaa, 0xaaaaaaaa, 0xaaaaaaaa },
	{ "GICR_ICFGR1", 0, 0, 0 },
	{ "GICR_IGRPMODR0", 0, 0, 0 },
	{ "GICR_NSACR", 0, 0, 0 },
};

static void try_register(const struct vgicr_reg *reg, size_t i, unsigned n)
{
	struct below *b = below_create(1);
	uint64_t offset = reg->offset + n * reg->width, reset, ones, zeroes;

	reset = vgicr_mmio_read(b->v, 0, offset, reg->width);
	vgicr_mmio_write(b->v, 0, offset, reg->width, UINT64_MAX);
	ones = vgicr_mmio_read(b->v, 0, offset, reg->width);
	vgicr_mmio_write(b->v, 0, offset, reg->width, 0);
	zeroes = vgicr_mmio_read(b->v, 0, offset, reg->width);
	if (reset != read_back[i].reset || ones != read_back[i].ones ||
	    zeroes != read_back[i].zeroes)
		fail_msg("%s %u: %#llx, %#llx, %#llx", reg->name, n, (unsigned long long)reset,
			 (unsigned long long)ones, (unsigned long long)zeroes);
	/* The table says the same. */
	if (reg->offset != GICR_TYPER)
		assert_int_equal(reset, reg->reset);
	/* None of these accesses was for nobody, and those to what is not there went nowhere. */
	assert_int_equal(ignored(b), 0);
	if (reg->kind != VGICR_BACKEND)
		expect_visits(b, 0);
	below_destroy(b);
}

static void test_each_register_resets_and_reads_back_its_writable_bits_and_no_others(void **state)
{
	(void)state;
	assert_int_equal(sizeof(read_back) / sizeof(read_back[0]), vgicr_nr_regs);
	for (size_t i = 0; i < vgicr_nr_regs; i++) {
		assert_string_equal(vgicr_regs[i].name, read_back[i].name);
		for (unsigned n = 0; n < vgicr_regs[i].count; n++)
			try_register(&vgicr_regs[i], i, n);
	}
}

/* The register that takes an access by the table, or NULL. */
static const struct vgicr_reg *taker(uint64_t offset, unsigned size)
{
	for (size_t i = 0; i < vgicr_nr_regs; i++) {
		const struct vgicr_reg *reg = &vgicr_regs[i];

		if (offset >= reg->offset && offset < reg->offset + reg->count * reg->width)
			return reg->access & size && !(size & (size - 1)) && offset % size == 0
				       ? reg
				       : NULL;
	}
	return NULL;
}

static void test_sweep_of_both_frames_with_all_widths(void **state)
{
	static const unsigned sizes[] = { 0, 1, 2, 3, 4, 8, 16 };
	struct below *b = below_create(2);
	uint64_t nr_ignored = 0;

	(void)state;
	for (uint64_t offset = 0; offset < GICR_FRAMES_SZ; offset++) {
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			const struct vgicr_reg *reg = taker(offset, sizes[i]);
			uint64_t value = vgicr_mmio_read(b->v, 1, offset, sizes[i]);

			nr_ignored += !reg;
			assert_int_equal(ignored(b), nr_ignored);
			if (!reg || reg->kind == VGICR_RAZ_WI)
				assert_int_equal(value, 0);
			else if (reg->offset != GICR_TYPER)
				assert_int_equal(value,
						 (uint32_t)(reg->reset >> offset % reg->width * 8));
			/* Zeroes change nothing but IGROUPR0. */
			if (reg && reg->offset == GICR_IGROUPR0)
				continue;
			vgicr_mmio_write(b->v, 1, offset, sizes[i], 0);
			nr_ignored += !reg;
			assert_int_equal(ignored(b), nr_ignored);
		}
	}
	assert_int_equal(b->nr_writes, 0);
	below_destroy(b);
}

/* Choice in vgicr.c */
static void test_an_access_that_no_register_takes_reads_as_zero_and_is_counted(void **state)
{
	static const struct {
		uint64_t offset;
		unsigned size;
	} cases[] = {
		{ GICR_IGROUPR0, 1 },
		{ GICR_IGROUPR0, 2 },
		{ GICR_IGROUPR0, 8 },
		{ GICR_IGROUPR0 + 1, 4 },
		{ GICR_PROPBASER, 2 },
		{ GICR_PROPBASER + 4, 8 },
		{ GICR_PENDBASER, 1 },
		{ GICR_IPRIORITYR(0), 2 },
		{ GICR_IPRIORITYR(0), 8 },
		{ GICR_IPRIORITYR(8), 4 },
		{ GICR_CTLR, 8 },
		{ 0x100, 4 },
		{ 0x10084, 4 }, /* GICR_IGROUPR1E: there are no extended PPIs */
	};
	struct below *b = below_create(1);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		vgicr_mmio_write(b->v, 0, cases[i].offset, cases[i].size, 0x5a);
		assert_int_equal(ignored(b), 2 * i + 1);
		assert_int_equal(vgicr_mmio_read(b->v, 0, cases[i].offset, cases[i].size), 0);
		assert_int_equal(ignored(b), 2 * i + 2);
	}
	assert_int_equal(rd32(b, 0, GICR_IGROUPR0), UINT32_MAX);
	assert_int_equal(rd64(b, 0, GICR_PROPBASER), 0);
	assert_int_equal(rd32(b, 0, GICR_IPRIORITYR(0)), 0);
	expect_visits(b, 0);
	below_destroy(b);
}

static void test_accesses_are_counted(void **state)
{
	struct below *b = below_create(1);
	struct vgicr_stats stats;

	(void)state;
	(void)rd32(b, 0, GICR_TYPER);
	(void)rd32(b, 0, GICR_ISPENDR0);
	wr32(b, 0, GICR_ISENABLER0, 1);
	wr32(b, 0, GICR_ISENABLER0, 1);
	wr32(b, 0, 0x8000, 1);
	vgicr_stats_get(b->v, &stats);
	assert_int_equal(stats.reads, 2);
	assert_int_equal(stats.writes, 3);
	assert_int_equal(stats.ignored, 1);
	assert_int_equal(stats.visits, 2);
	below_destroy(b);
}

/* Choice in redist.c */
static void test_iidr_names_arm_as_the_implementer_and_the_product_i(void **state)
{
	struct below *b = below_create(1);

	(void)state;
	assert_int_equal(rd32(b, 0, GICR_IIDR), (uint32_t)'i' << 24 | 0x43b);
	below_destroy(b);
}

static void test_identification_registers(void **state)
{
	static const uint8_t ids[] = { 0x44, 0, 0, 0, 0x93, 0xb4, 0x3b, 0, 0x0d, 0xf0, 0x05, 0xb1 };
	struct below *b = below_create(1);

	(void)state;
	for (unsigned i = 0; i < sizeof(ids); i++)
		assert_int_equal(rd32(b, 0, GICR_PIDR4 + 4 * i), ids[i]);
	below_destroy(b);
}

/* Choice in redist.c */
static void test_redistributors_never_sleep_and_have_no_direct_lpis(void **state)
{
	static const uint32_t offsets[] = { GICR_WAKER,	  GICR_SETLPIR, GICR_CLRLPIR,
					    GICR_INVLPIR, GICR_INVALLR, GICR_SYNCR };
	struct below *b = below_create(1);

	(void)state;
	wr32(b, 0, GICR_CTLR, 1);
	forget_calls(b);
	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		wr32(b, 0, offsets[i], UINT32_MAX);
		assert_int_equal(rd32(b, 0, offsets[i]), 0);
	}
	/* As Linux writes them, where there are direct LPIs: those that can be written by 64 bits.
	 */
	for (size_t i = 1; i < sizeof(offsets) / sizeof(offsets[0]) - 1; i++) {
		wr64(b, 0, offsets[i], 8192);
		assert_int_equal(rd64(b, 0, offsets[i]), 0);
	}
	expect_visits(b, 0);
	below_destroy(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_of_registers_is_sorted_aligned_and_without_overlap),
		cmocka_unit_test(test_each_kind_has_the_handlers_that_it_needs),
		cmocka_unit_test(
			test_each_register_resets_and_reads_back_its_writable_bits_and_no_others),
		cmocka_unit_test(test_sweep_of_both_frames_with_all_widths),
		cmocka_unit_test(
			test_an_access_that_no_register_takes_reads_as_zero_and_is_counted),
		cmocka_unit_test(test_accesses_are_counted),
		cmocka_unit_test(test_iidr_names_arm_as_the_implementer_and_the_product_i),
		cmocka_unit_test(test_identification_registers),
		cmocka_unit_test(test_redistributors_never_sleep_and_have_no_direct_lpis),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
