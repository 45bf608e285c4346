// SPDX-License-Identifier: MIT
/*
 * The registers, as a driver and as a vandal see them. IHI 0069 12.18.
 */
#include "tests/unit/vitsmod/vits_world.h"

#include <stdlib.h>
#include <string.h>

#include "vitsmod/regs.h"

/* Valid, InnerCache, OuterCache, PA[51:16], Shareability, Size */
#define CBASER_WRITABLE UINT64_C(0xb8efffffffff0cff)
#define ENABLED(w)	(rd32(w, GITS_CTLR) & GITS_CTLR_ENABLED)

static void test_table_of_registers_is_sorted_aligned_and_without_overlap(void **state)
{
	(void)state;
	for (size_t i = 0; i < vits_nr_regs; i++) {
		const struct vits_reg *reg = &vits_regs[i];

		assert_true(reg->width == 4 || reg->width == 8);
		assert_int_equal(reg->offset % reg->width, 0);
		assert_true(reg->access & A32);
		assert_int_equal((reg->access & A64) != 0, reg->width == 8);
		assert_true(reg->count >= 1);
		if (i > 0)
			assert_true(reg->offset >= reg[-1].offset + reg[-1].count * reg[-1].width);
	}
	assert_true(vits_regs[vits_nr_regs - 1].offset < GITS_FRAME_SZ);
}

static void expect_reset_values(struct world *w)
{
	assert_int_equal(rd32(w, GITS_CTLR), GITS_CTLR_QUIESCENT);
	assert_int_equal(rd64(w, GITS_CBASER), 0);
	assert_int_equal(rd64(w, GITS_CWRITER), 0);
	assert_int_equal(rd64(w, GITS_CREADR), 0);
	assert_int_equal(rd64(w, GITS_BASER(0)), UINT64_C(0x0107000000000200));
	assert_int_equal(rd64(w, GITS_BASER(1)), UINT64_C(0x0407000000000200));
	for (unsigned n = 2; n < 8; n++)
		assert_int_equal(rd64(w, GITS_BASER(0) + n * 8), 0);
}

static void test_reset_values(void **state)
{
	struct world *w = world_create(NULL);

	(void)state;
	expect_reset_values(w);
	world_destroy(w);
}

static void test_typer_says_what_the_configuration_says(void **state)
{
	static const struct {
		uint32_t devid_bits, eventid_bits;
		uint64_t typer;
	} cases[] = {
		{ 16, 16, 1 | 7 << 4 | 15 << 8 | 15 << 13 },
		{ 1, 1, 1 | 7 << 4 },
		{ 32, 5, 1 | 7 << 4 | 4 << 8 | 31 << 13 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct vits_config config;
		struct world *w;

		world_default_config(&config);
		config.devid_bits = cases[i].devid_bits;
		config.eventid_bits = cases[i].eventid_bits;
		config.nr_functions = 0;
		w = world_create(&config);
		assert_int_equal(rd64(w, GITS_TYPER), cases[i].typer);
		assert_int_equal(rd32(w, GITS_TYPER), cases[i].typer);
		assert_int_equal(rd32(w, GITS_TYPER + 4), 0);
		world_destroy(w);
	}
}

static void test_identification_registers(void **state)
{
	static const struct {
		uint32_t offset, value;
	} ids[] = {
		{ 0xffd0, 0x40 }, { 0xffd4, 0 },    { 0xffd8, 0 },    { 0xffdc, 0 },
		{ 0xffe0, 0x92 }, { 0xffe4, 0xb4 }, { 0xffe8, 0x3b }, { 0xffec, 0 },
		{ 0xfff0, 0x0d }, { 0xfff4, 0xf0 }, { 0xfff8, 0x05 }, { 0xfffc, 0xb1 },
	};
	struct world *w = world_create(NULL);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		wr32(w, ids[i].offset, ~ids[i].value);
		assert_int_equal(rd32(w, ids[i].offset), ids[i].value);
		assert_int_equal(rd64(w, ids[i].offset & ~7u), 0);
	}
	world_destroy(w);
}

/* Choice in regs.c */
static void test_iidr_names_arm_as_the_implementer_and_the_product_i(void **state)
{
	struct world *w = world_create(NULL);

	(void)state;
	assert_int_equal(rd32(w, GITS_IIDR), (uint32_t)'i' << 24 | 0x43b);
	world_destroy(w);
}

static void test_read_only_registers_keep_their_value(void **state)
{
	static const uint32_t offsets[] = { GITS_TYPER, GITS_CREADR, 0x10, 0x40, 0x48 };
	struct world *w = world_create(NULL);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(offsets); i++) {
		uint64_t before = rd64(w, offsets[i]);

		wr64(w, offsets[i], UINT64_MAX);
		wr32(w, offsets[i], UINT32_MAX);
		wr32(w, offsets[i] + 4, UINT32_MAX);
		assert_int_equal(rd64(w, offsets[i]), before);
	}
	wr32(w, GITS_IIDR, 0);
	assert_int_not_equal(rd32(w, GITS_IIDR), 0);
	world_destroy(w);
}

static void test_all_ones_read_back_as_the_writable_bits(void **state)
{
	struct world *w = world_create(NULL);

	(void)state;
	/* Shareability 3 is reserved and reads back as 0; so does page size 3, as 2. */
	wr64(w, GITS_CBASER, UINT64_MAX);
	assert_int_equal(rd64(w, GITS_CBASER), CBASER_WRITABLE & ~UINT64_C(0xc00));
	wr64(w, GITS_CBASER, UINT64_MAX & ~UINT64_C(0x400));
	assert_int_equal(rd64(w, GITS_CBASER), CBASER_WRITABLE & ~UINT64_C(0x400));
	wr64(w, GITS_CWRITER, UINT64_MAX);
	assert_int_equal(rd64(w, GITS_CWRITER), 0xfffe0);
	wr64(w, GITS_BASER(0), UINT64_MAX);
	assert_int_equal(rd64(w, GITS_BASER(0)), UINT64_C(0xf9e7fffffffff2ff));
	wr64(w, GITS_BASER(1), UINT64_MAX & ~UINT64_C(0x800));
	assert_int_equal(rd64(w, GITS_BASER(1)), UINT64_C(0xfce7fffffffff6ff));
	wr64(w, GITS_BASER(0) + 16, UINT64_MAX);
	assert_int_equal(rd64(w, GITS_BASER(0) + 16), 0);
	wr32(w, GITS_CTLR, 0xfffffffe);
	assert_int_equal(rd32(w, GITS_CTLR), GITS_CTLR_QUIESCENT);
	world_destroy(w);
}

/* What reads back of all ones, and of all zeroes after them; each register, in a world of its own.
 */
static const struct {
	const char *name;
	uint64_t ones, zeroes;
} read_back[] = {
	{ "GITS_CTLR", GITS_CTLR_QUIESCENT,
	  GITS_CTLR_QUIESCENT }, /* not enabled: no table is valid */
	{ "GITS_IIDR", 0x6900043b, 0x6900043b },
	{ "GITS_TYPER", 0x1ef71, 0x1ef71 },
	{ "GITS_MPAMIDR", 0, 0 },
	{ "GITS_PARTIDR", 0, 0 },
	{ "GITS_MPIDR", 0, 0 },
	{ "GITS_STATUSR", 0, 0 },
	{ "GITS_UMSIR", 0, 0 },
	{ "GITS_CBASER", CBASER_WRITABLE & ~UINT64_C(0xc00), 0 },
	{ "GITS_CWRITER", 0, 0 }, /* beyond a queue of one page */
	{ "GITS_CREADR", 0, 0 },
	{ "GITS_BASER", UINT64_C(0xf9e7fffffffff2ff), UINT64_C(0x0107000000000000) },
	{ "GITS_PIDR4", 0x40, 0x40 },
	{ "GITS_PIDR5", 0, 0 },
	{ "GITS_PIDR6", 0, 0 },
	{ "GITS_PIDR7", 0, 0 },
	{ "GITS_PIDR0", 0x92, 0x92 },
	{ "GITS_PIDR1", 0xb4, 0xb4 },
	{ "GITS_PIDR2", 0x3b, 0x3b },
	{ "GITS_PIDR3", 0, 0 },
	{ "GITS_CIDR0", 0x0d, 0x0d },
	{ "GITS_CIDR1", 0xf0, 0xf0 },
	{ "GITS_CIDR2", 0x05, 0x05 },
	{ "GITS_CIDR3", 0xb1, 0xb1 },
	{ "GITS_TRANSLATER", 0, 0 },
};

static void test_each_register_reads_back_its_writable_bits_and_no_others(void **state)
{
	(void)state;
	assert_int_equal(ARRAY_SIZE(read_back), vits_nr_regs);
	for (size_t i = 0; i < vits_nr_regs; i++) {
		const struct vits_reg *reg = &vits_regs[i];
		struct world *w = world_create(NULL);
		uint64_t ones, zeroes;

		assert_string_equal(reg->name, read_back[i].name);
		vits_mmio_write(w->v, reg->offset, reg->width, UINT64_MAX);
		ones = vits_mmio_read(w->v, reg->offset, reg->width);
		vits_mmio_write(w->v, reg->offset, reg->width, 0);
		zeroes = vits_mmio_read(w->v, reg->offset, reg->width);
		if (ones != read_back[i].ones || zeroes != read_back[i].zeroes)
			fail_msg("%s: %#llx, %#llx", reg->name, (unsigned long long)ones,
				 (unsigned long long)zeroes);
		/* None of these accesses was for nobody. */
		assert_int_equal(world_stats(w).mmio_ignored, 0);
		world_destroy(w);
	}
}

static void test_halves_of_64_bit_registers_in_both_orders(void **state)
{
	static const struct {
		uint32_t offset;
		uint64_t value, reads;
	} cases[] = {
		{ GITS_CBASER, VALID | QUEUE | 0x4ff, VALID | QUEUE | 0x4ff },
		{ GITS_BASER(0), VALID | SPARE | 0x6ff,
		  VALID | SPARE | UINT64_C(0x01070000000006ff) },
		{ GITS_BASER(1), VALID | SPARE | 0x507,
		  VALID | SPARE | UINT64_C(0x0407000000000507) },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		for (unsigned low_first = 0; low_first < 2; low_first++) {
			struct world *w = world_create(NULL);

			wr32(w, cases[i].offset + (low_first ? 0 : 4),
			     (uint32_t)(cases[i].value >> (low_first ? 0 : 32)));
			wr32(w, cases[i].offset + (low_first ? 4 : 0),
			     (uint32_t)(cases[i].value >> (low_first ? 32 : 0)));
			assert_int_equal(rd64(w, cases[i].offset), cases[i].reads);
			assert_int_equal(rd32(w, cases[i].offset), (uint32_t)cases[i].reads);
			assert_int_equal(rd32(w, cases[i].offset + 4), cases[i].reads >> 32);
			world_destroy(w);
		}
	}
}

static void test_upper_half_of_cwriter_ignores_writes(void **state)
{
	struct world *w = world_create(NULL);

	(void)state;
	wr64(w, GITS_CBASER, VALID | QUEUE | 15);
	wr32(w, GITS_CWRITER, 0x40);
	wr32(w, GITS_CWRITER + 4, UINT32_MAX);
	assert_int_equal(rd64(w, GITS_CWRITER), 0x40);
	world_destroy(w);
}

/* Choice in regs.c */
static void test_enabling_while_a_base_is_not_valid_is_ignored(void **state)
{
	(void)state;
	for (unsigned valid = 0; valid < 8; valid++) {
		struct world *w = world_create(NULL);

		world_set_tables(w);
		if (!(valid & 1))
			wr64(w, GITS_CBASER, QUEUE | 15);
		if (!(valid & 2))
			wr64(w, GITS_BASER(0), baser_value(DEVICE_TABLE, 8) & ~VALID);
		if (!(valid & 4))
			wr64(w, GITS_BASER(1), baser_value(COLL_TABLE, 8) & ~VALID);
		wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
		assert_int_equal(ENABLED(w), valid == 7);
		world_destroy(w);
	}
}

static void test_enabling_again_changes_nothing(void **state)
{
	struct world *w = world_create_on(NULL);
	uint64_t reads;

	(void)state;
	run_ok(w, mapc(0, 0));
	run_ok(w, mapd(DEV_A, ITT_A, 2));
	run_ok(w, mapti(DEV_A, 0, LPI(0), 0));
	forget_updates(w);
	reads = w->nr_reads;
	wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
	assert_int_equal(rd32(w, GITS_CTLR), GITS_CTLR_QUIESCENT | GITS_CTLR_ENABLED);
	expect_no_more_updates(w);
	assert_int_equal(w->nr_reads, reads);
	expect_msi(w, 0, 0, LPI(0), 0);
	world_destroy(w);
}

static void test_disabling_stops_translation_and_keeps_mappings(void **state)
{
	struct world *w = world_create_on(NULL);

	(void)state;
	run_ok(w, mapc(0, 0));
	run_ok(w, mapd(DEV_A, ITT_A, 2));
	run_ok(w, mapti(DEV_A, 0, LPI(0), 0));
	forget_updates(w);
	wr32(w, GITS_CTLR, 0);
	assert_int_equal(rd32(w, GITS_CTLR), GITS_CTLR_QUIESCENT);
	expect_no_msi(w, 0, 0, VITS_MSI_DISABLED);
	push(w, intr(DEV_A, 0));
	kick(w);
	expect_no_more_updates(w);
	assert_int_equal(rd32(w, GITS_CTLR), GITS_CTLR_QUIESCENT);
	/* On again: mappings are there, and the queue goes on where it was. */
	wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
	expect_update(w, VITS_LPI_RAISE, true, LPI(0), 0);
	expect_msi(w, 0, 0, LPI(0), 0);
	world_destroy(w);
}

static void disable_inside_commit(struct world *w)
{
	w->on_commit = NULL;
	/* An owner is at work: not quiescent, on or off. */
	assert_int_equal(rd32(w, GITS_CTLR), GITS_CTLR_ENABLED);
	wr32(w, GITS_CTLR, 0);
	assert_int_equal(rd32(w, GITS_CTLR), 0);
	/* Choice in regs.c: bases stand still meanwhile. */
	wr64(w, GITS_BASER(0), 0);
	wr64(w, GITS_CBASER, 0);
	assert_int_equal(rd64(w, GITS_CBASER), VALID | QUEUE | 15);
	assert_true(rd64(w, GITS_BASER(0)) & VALID);
}

/* Choice in regs.c */
static void test_quiescent_is_1_whenever_no_thread_is_in_the_command_side(void **state)
{
	struct world *w = world_create_on(NULL);

	(void)state;
	for (unsigned i = 0; i < 300; i++)
		push(w, sync_cmd(0));
	w->on_commit = disable_inside_commit;
	kick(w);
	/* The batch that was under way came to its end, the others never began. */
	assert_int_equal(rd32(w, GITS_CTLR), GITS_CTLR_QUIESCENT);
	assert_int_equal(rd32(w, GITS_CREADR), 64 * 32);
	wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
	assert_int_equal(rd32(w, GITS_CREADR), 300 * 32);
	/* Commands that wait for vits_run() keep it at 0. */
	for (unsigned i = 0; i < 300; i++)
		push(w, sync_cmd(0));
	kick(w);
	assert_int_equal(w->nr_more, 1);
	assert_int_equal(rd32(w, GITS_CTLR), GITS_CTLR_ENABLED);
	vits_run(w->v);
	assert_int_equal(rd32(w, GITS_CTLR), GITS_CTLR_QUIESCENT | GITS_CTLR_ENABLED);
	world_destroy(w);
}

/* Choice in regs.c */
static void test_cbaser_and_baser_take_writes_only_while_disabled_and_quiescent(void **state)
{
	struct world *w = world_create_on(NULL);
	uint64_t cbaser = rd64(w, GITS_CBASER);
	uint64_t baser0 = rd64(w, GITS_BASER(0));
	uint64_t baser1 = rd64(w, GITS_BASER(1));

	(void)state;
	run_ok(w, sync_cmd(0));
	for (unsigned half = 0; half < 2; half++) {
		wr32(w, GITS_CBASER + half * 4, 0);
		wr32(w, GITS_BASER(0) + half * 4, 0);
		wr32(w, GITS_BASER(1) + half * 4, 0);
	}
	wr64(w, GITS_CBASER, 0);
	wr64(w, GITS_BASER(0), 0);
	wr64(w, GITS_BASER(1), 0);
	assert_int_equal(rd64(w, GITS_CBASER), cbaser);
	assert_int_equal(rd64(w, GITS_BASER(0)), baser0);
	assert_int_equal(rd64(w, GITS_BASER(1)), baser1);
	assert_int_equal(rd32(w, GITS_CREADR), 32);
	world_destroy(w);
}

/* Choice in regs.c */
static void test_a_write_to_cbaser_resets_cwriter_too(void **state)
{
	struct world *w = world_create_on(NULL);

	(void)state;
	run_ok(w, sync_cmd(0));
	wr32(w, GITS_CTLR, 0);
	push(w, intr(DEV_A, 0));
	kick(w);
	assert_int_equal(rd32(w, GITS_CREADR), 32);
	assert_int_equal(rd32(w, GITS_CWRITER), 64);
	/* commands are outstanding; any write, also of the same value, forgets them. */
	wr64(w, GITS_CBASER, VALID | QUEUE | 15);
	assert_int_equal(rd64(w, GITS_CREADR), 0);
	assert_int_equal(rd64(w, GITS_CWRITER), 0);
	wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
	assert_int_equal(w->nr_commands, 1);
	world_destroy(w);
}

/* Choice in regs.c */
static void test_a_cwriter_offset_beyond_the_queues_end_is_ignored(void **state)
{
	struct world *w = world_create_on(NULL);

	(void)state;
	wr32(w, GITS_CTLR, 0);
	for (unsigned size = 0; size < 256; size += 51) {
		uint32_t end = (size + 1) * 4096;

		wr64(w, GITS_CBASER, VALID | QUEUE | size);
		wr32(w, GITS_CWRITER, end - 32);
		assert_int_equal(rd32(w, GITS_CWRITER), end - 32);
		/* No offset is beyond a queue of the largest size. */
		if (end == 1 << 20)
			break;
		wr32(w, GITS_CWRITER, end);
		assert_int_equal(rd32(w, GITS_CWRITER), end - 32);
		wr64(w, GITS_CWRITER, 0xfffe0 | GITS_CWRITER_RETRY);
		assert_int_equal(rd32(w, GITS_CWRITER), end - 32);
	}
	/* All offsets, enabled, in a queue of one page: bounded and harmless. */
	wr64(w, GITS_CBASER, VALID | QUEUE);
	wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
	for (uint32_t offset = 0; offset < 1 << 20; offset += 32) {
		wr32(w, GITS_CWRITER, offset);
		assert_int_equal(rd32(w, GITS_CWRITER), offset < 4096 ? offset : 4096 - 32);
	}
	assert_int_equal(w->nr_commands, 127);
	world_destroy(w);
}

static void test_retry_reads_as_zero(void **state)
{
	struct world *w = world_create_on(NULL);

	(void)state;
	wr32(w, GITS_CWRITER, GITS_CWRITER_RETRY);
	assert_int_equal(rd64(w, GITS_CWRITER), 0);
	assert_int_equal(w->nr_commands, 0);
	world_destroy(w);
}

/*
 * GITS_BASER<n>
 */

static void test_baser_type_and_entry_size_never_change(void **state)
{
	struct world *w = world_create(NULL);

	(void)state;
	srand(1);
	for (unsigned i = 0; i < 2000; i++) {
		unsigned n = (unsigned)rand() % 8;
		uint64_t value = (uint64_t)rand() << 42 ^ (uint64_t)rand() << 21 ^ (uint64_t)rand();
		uint64_t reads;

		wr64(w, GITS_BASER(0) + n * 8, value);
		reads = rd64(w, GITS_BASER(0) + n * 8);
		if (n > 1)
			assert_int_equal(reads, 0);
		else
			assert_int_equal(reads & UINT64_C(0x071f000000000000),
					 n ? UINT64_C(0x0407000000000000)
					   : UINT64_C(0x0107000000000000));
	}
	world_destroy(w);
}

static void test_baser_reads_back_what_linux_wrote(void **state)
{
	struct world *w = world_create(NULL);

	(void)state;
	for (unsigned n = 0; n < 2; n++) {
		uint64_t fixed = rd64(w, GITS_BASER(0) + n * 8) & UINT64_C(0x071f000000000000);

		/* Page sizes are probed with Valid 0, Indirect with and without. */
		for (uint64_t psz = 0; psz < 3; psz++) {
			for (unsigned share = 0; share < 3; share++) {
				uint64_t value = fixed | GITS_BASER_INDIRECT | UINT64_C(7) << 59 |
						 UINT64_C(5) << 53 | SPARE | share << 10 |
						 psz << 8 | 0x1f;

				wr64(w, GITS_BASER(0) + n * 8, value);
				assert_int_equal(rd64(w, GITS_BASER(0) + n * 8), value);
				wr64(w, GITS_BASER(0) + n * 8, value | VALID);
				assert_int_equal(rd64(w, GITS_BASER(0) + n * 8), value | VALID);
			}
		}
	}
	world_destroy(w);
}

/* Choice in regs.c */
static void test_the_reserved_page_size_reads_back_as_64k(void **state)
{
	struct world *w = world_create(NULL);

	(void)state;
	wr64(w, GITS_BASER(0), SPARE | 3 << 8);
	assert_int_equal(rd64(w, GITS_BASER(0)) & 0x300, 2 << 8);
	world_destroy(w);
}

static void test_baser_address_bits_follow_the_page_size(void **state)
{
	struct world *w = world_create(NULL);

	(void)state;
	wr64(w, GITS_BASER(0), UINT64_C(0xfffffffff000) | 0 << 8);
	assert_int_equal(rd64(w, GITS_BASER(0)) & MASK64(47, 12), UINT64_C(0xfffffffff000));
	wr64(w, GITS_BASER(0), UINT64_C(0xfffffffff000) | 1 << 8);
	assert_int_equal(rd64(w, GITS_BASER(0)) & MASK64(47, 12), UINT64_C(0xffffffffc000));
	wr64(w, GITS_BASER(0), UINT64_C(0xfffffffff000) | 2 << 8);
	assert_int_equal(rd64(w, GITS_BASER(0)) & MASK64(47, 12), UINT64_C(0xfffffffff000));
	world_destroy(w);
}

static struct world *world_with_one_event(void)
{
	struct world *w = world_create_on(NULL);

	run_ok(w, mapc(1, 1));
	run_ok(w, mapd(DEV_A, ITT_A, 2));
	run_ok(w, mapti(DEV_A, 0, LPI(0), 1));
	forget_updates(w);
	wr32(w, GITS_CTLR, 0);
	return w;
}

static void test_baser_rewrite_of_the_same_value_keeps_state(void **state)
{
	struct world *w = world_with_one_event();

	(void)state;
	wr64(w, GITS_BASER(0), baser_value(DEVICE_TABLE, 8));
	wr64(w, GITS_BASER(1), baser_value(COLL_TABLE, 8));
	/* Cacheability is not what a table is. */
	wr64(w, GITS_BASER(0), baser_value(DEVICE_TABLE, 8) & ~(UINT64_C(7) << 59));
	wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
	expect_no_more_updates(w);
	expect_msi(w, 0, 0, LPI(0), 1);
	world_destroy(w);
}

/* Choice in regs.c. Another device can have the LPI of one that is forgotten. */
static void test_the_same_base_again_forgets_what_its_table_does_not_say_any_more(void **state)
{
	struct world *w = world_with_one_event();

	(void)state;
	ram_zero(w, COLL_TABLE, 0x1000);
	wr64(w, GITS_BASER(1), baser_value(COLL_TABLE, 8));
	expect_update(w, VITS_LPI_DETACH, true, LPI(0), 1);
	expect_no_more_updates(w);
	wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
	expect_no_msi(w, 0, 0, VITS_MSI_UNMAPPED);
	run_ok(w, mapc(1, 2));
	expect_update(w, VITS_LPI_MAP, true, LPI(0), 2);
	expect_msi(w, 0, 0, LPI(0), 2);

	wr32(w, GITS_CTLR, 0);
	ram_zero(w, DEVICE_TABLE, 0x8000);
	expect_no_more_updates(w);
	wr64(w, GITS_BASER(0), baser_value(DEVICE_TABLE, 8));
	expect_update(w, VITS_LPI_UNMAP, true, LPI(0), 2);
	expect_no_more_updates(w);
	assert_int_equal(w->updates_at_commit, w->nr_updates);
	wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
	expect_no_msi(w, 0, 0, VITS_MSI_UNMAPPED);
	run_ok(w, mapd(DEV_B, ITT_B, 2));
	run_ok(w, mapti(DEV_B, 0, LPI(0), 1));
	expect_update(w, VITS_LPI_MAP, true, LPI(0), 2);
	world_destroy(w);
}

static void test_a_change_of_the_device_table_drops_all_devices(void **state)
{
	const uint64_t changes[] = {
		0,
		baser_value(DEVICE_TABLE, 8) & ~VALID,
		baser_value(SPARE, 8),
		baser_value(DEVICE_TABLE, 7),
		baser_value(DEVICE_TABLE, 8) | GITS_BASER_INDIRECT,
		baser_value(DEVICE_TABLE, 8) & ~UINT64_C(0x300),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		struct world *w = world_with_one_event();

		wr64(w, GITS_BASER(0), changes[i]);
		expect_update(w, VITS_LPI_UNMAP, true, LPI(0), 1);
		expect_no_more_updates(w);
		assert_int_equal(w->updates_at_commit, w->nr_updates);
		assert_int_equal(rd32(w, GITS_CTLR), GITS_CTLR_QUIESCENT);
		/* Back to where it was: the entry in memory does not bring it back. */
		wr64(w, GITS_BASER(0), baser_value(DEVICE_TABLE, 8));
		wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
		expect_no_msi(w, 0, 0, VITS_MSI_UNMAPPED);
		run_skip(w, inv(DEV_A, 0), 0x010c04);
		world_destroy(w);
	}
}

/* Choice in regs.c */
static void test_a_change_of_the_collection_table_leaves_events_without_a_target(void **state)
{
	struct world *w = world_with_one_event();

	(void)state;
	wr64(w, GITS_BASER(1), baser_value(SPARE, 1));
	expect_update(w, VITS_LPI_DETACH, true, LPI(0), 1);
	expect_no_more_updates(w);
	wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
	expect_no_msi(w, 0, 0, VITS_MSI_UNMAPPED);
	run_skip(w, mapti(DEV_A, 0, LPI(0), 0), 0);
	run_ok(w, mapc(1, 3));
	expect_update(w, VITS_LPI_MAP, true, LPI(0), 3);
	expect_msi(w, 0, 0, LPI(0), 3);
	world_destroy(w);
}

/*
 * Everything else
 */

/* Choice in regs.c */
static void test_translater_does_nothing(void **state)
{
	struct world *w = world_with_one_event();

	(void)state;
	wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
	vits_mmio_write(w->v, GITS_TRANSLATER, 4, 0);
	vits_mmio_write(w->v, GITS_TRANSLATER, 2, 0);
	assert_int_equal(rd32(w, GITS_TRANSLATER), 0);
	expect_no_more_updates(w);
	assert_int_equal(world_stats(w).msi[VITS_MSI_DELIVER], 0);
	assert_int_equal(world_stats(w).mmio_ignored, 0);
	vits_mmio_write(w->v, GITS_TRANSLATER, 8, 0);
	assert_int_equal(world_stats(w).mmio_ignored, 1);
	world_destroy(w);
}

/* Choice in regs.c */
static void test_an_access_that_no_register_takes_reads_as_zero_and_is_counted(void **state)
{
	static const struct {
		uint64_t offset;
		unsigned size;
	} cases[] = {
		{ 0x0000, 8 }, /* two registers at once */
		{ 0x0000, 2 },	   { 0x0001, 1 }, { 0x0002, 4 },  { 0x0080, 1 },
		{ 0x0080, 2 },	   { 0x0084, 8 }, { 0x0086, 4 },  { 0x001c, 4 },
		{ 0x0020, 4 },	   { 0x0098, 8 }, { 0x0140, 8 },  { 0xffcc, 4 },
		{ 0xffe0, 8 },	   { 0xffe8, 1 }, { 0x10000, 4 }, { 0x1fffc, 4 },
		{ 0x0080, 0 },	   { 0x0080, 3 }, { 0x0080, 16 }, { GITS_FRAME_SZ, 4 },
		{ UINT64_MAX, 1 },
	};
	struct world *w = world_create(NULL);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t before = world_stats(w).mmio_ignored;

		assert_int_equal(vits_mmio_read(w->v, cases[i].offset, cases[i].size), 0);
		vits_mmio_write(w->v, cases[i].offset, cases[i].size, UINT64_MAX);
		assert_int_equal(world_stats(w).mmio_ignored, before + 2);
	}
	expect_reset_values(w);
	world_destroy(w);
}

static void test_values_wider_than_the_access_are_cut(void **state)
{
	struct world *w = world_create(NULL);

	(void)state;
	vits_mmio_write(w->v, GITS_CBASER, 4, UINT64_MAX);
	assert_int_equal(rd64(w, GITS_CBASER), UINT32_MAX & CBASER_WRITABLE & ~UINT64_C(0xc00));
	world_destroy(w);
}

static void test_sweep_of_the_whole_frame_with_all_widths(void **state)
{
	static const uint64_t values[] = { UINT64_MAX, 0, UINT64_C(0x5a5a5a5a5a5a5a5a), 1 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		struct world *w = world_create_on(NULL);

		for (uint64_t offset = 0; offset < GITS_FRAME_SZ; offset++) {
			for (unsigned size = 1; size <= 8; size *= 2) {
				if (offset % 4 && size > 2)
					continue;
				vits_mmio_read(w->v, offset, size);
				vits_mmio_write(w->v, offset, size, values[i]);
			}
		}
		vits_reset(w->v);
		expect_reset_values(w);
		world_destroy(w);
	}
}

static void test_reset_restores_all_reset_values_and_drops_mappings(void **state)
{
	struct world *w = world_with_one_event();

	(void)state;
	wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
	vits_reset(w->v);
	expect_update(w, VITS_LPI_UNMAP, true, LPI(0), 1);
	expect_no_more_updates(w);
	assert_int_equal(w->updates_at_commit, w->nr_updates);
	expect_reset_values(w);
	expect_no_msi(w, 0, 0, VITS_MSI_DISABLED);
	/* As good as new: the same program gives the same mapping. */
	memset(w->ram, 0, RAM_SZ);
	world_set_tables(w);
	wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
	run_ok(w, mapc(1, 1));
	run_ok(w, mapd(DEV_A, ITT_A, 2));
	run_ok(w, mapti(DEV_A, 0, LPI(0), 1));
	expect_msi(w, 0, 0, LPI(0), 1);
	assert_int_equal(world_stats(w).shadow_differs, 0);
	world_destroy(w);
}

static void test_reset_of_a_stalled_queue(void **state)
{
	struct vits_config config;
	struct world *w;

	(void)state;
	world_default_config(&config);
	config.on_error = VITS_ON_ERROR_STALL;
	w = world_create_on(&config);
	push(w, inv(DEV_A, 0));
	kick(w);
	assert_int_equal(rd32(w, GITS_CREADR), GITS_CREADR_STALLED);
	vits_reset(w->v);
	expect_reset_values(w);
	world_destroy(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_of_registers_is_sorted_aligned_and_without_overlap),
		cmocka_unit_test(test_reset_values),
		cmocka_unit_test(test_typer_says_what_the_configuration_says),
		cmocka_unit_test(test_identification_registers),
		cmocka_unit_test(test_iidr_names_arm_as_the_implementer_and_the_product_i),
		cmocka_unit_test(test_read_only_registers_keep_their_value),
		cmocka_unit_test(test_all_ones_read_back_as_the_writable_bits),
		cmocka_unit_test(test_each_register_reads_back_its_writable_bits_and_no_others),
		cmocka_unit_test(test_halves_of_64_bit_registers_in_both_orders),
		cmocka_unit_test(test_upper_half_of_cwriter_ignores_writes),
		cmocka_unit_test(test_enabling_while_a_base_is_not_valid_is_ignored),
		cmocka_unit_test(test_enabling_again_changes_nothing),
		cmocka_unit_test(test_disabling_stops_translation_and_keeps_mappings),
		cmocka_unit_test(test_quiescent_is_1_whenever_no_thread_is_in_the_command_side),
		cmocka_unit_test(
			test_cbaser_and_baser_take_writes_only_while_disabled_and_quiescent),
		cmocka_unit_test(test_a_write_to_cbaser_resets_cwriter_too),
		cmocka_unit_test(test_a_cwriter_offset_beyond_the_queues_end_is_ignored),
		cmocka_unit_test(test_retry_reads_as_zero),
		cmocka_unit_test(test_baser_type_and_entry_size_never_change),
		cmocka_unit_test(test_baser_reads_back_what_linux_wrote),
		cmocka_unit_test(test_the_reserved_page_size_reads_back_as_64k),
		cmocka_unit_test(test_baser_address_bits_follow_the_page_size),
		cmocka_unit_test(test_baser_rewrite_of_the_same_value_keeps_state),
		cmocka_unit_test(
			test_the_same_base_again_forgets_what_its_table_does_not_say_any_more),
		cmocka_unit_test(test_a_change_of_the_device_table_drops_all_devices),
		cmocka_unit_test(
			test_a_change_of_the_collection_table_leaves_events_without_a_target),
		cmocka_unit_test(test_translater_does_nothing),
		cmocka_unit_test(
			test_an_access_that_no_register_takes_reads_as_zero_and_is_counted),
		cmocka_unit_test(test_values_wider_than_the_access_are_cut),
		cmocka_unit_test(test_sweep_of_the_whole_frame_with_all_widths),
		cmocka_unit_test(test_reset_restores_all_reset_values_and_drops_mappings),
		cmocka_unit_test(test_reset_of_a_stalled_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
