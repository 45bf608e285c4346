// SPDX-License-Identifier: MIT
/*
 * Every width that an ITS can be configured with and every shape that its
 * tables can have: DeviceIDs of 1 to 32 bits, EventIDs of 1 to 16, pages of 4K,
 * 16K and 64K, flat and indirect. Each is tried at its ends, and the entries
 * have to lie where a few lines of arithmetic say. IHI 0069 5.2, 12.18
 * (GITS_TYPER, GITS_BASER<n>). Random scripts for all of them: test_oracle.c.
 */
#include "tests/unit/vitsmod/vits_twins.h"

#define NR_PAGE_SIZES 3u
#define TABLE_ROOM    UINT64_C(0x400000) /* from RAM_BASE on; the queue is behind */
#define L2_POOL	      SPARE
#define NOWHERE	      UINT64_MAX

static const uint64_t page_szs[NR_PAGE_SIZES] = { 0x1000, 0x4000, 0x10000 };

/* A table, as GITS_BASER<n> has it. */
struct shape {
	unsigned page; /* Page_Size */
	bool indirect;
	unsigned nr_pages;
	unsigned id_bits;
};

static uint64_t shape_baser(const struct shape *shape)
{
	return VALID | RAM_BASE | (shape->indirect ? GITS_BASER_INDIRECT : 0) | shape->page << 8 |
	       (shape->nr_pages - 1);
}

/* How many IDs it has, by width and by size. */
static uint64_t shape_ids(const struct shape *shape)
{
	uint64_t entries = page_szs[shape->page] * shape->nr_pages / 8;
	uint64_t width = UINT64_C(1) << shape->id_bits;

	if (shape->indirect)
		entries *= page_szs[shape->page] / 8;
	return entries < width ? entries : width;
}

/* Where the entry of an ID lies; of an indirect table, in the one page that there is. */
static uint64_t shape_slot(const struct shape *shape, uint64_t id)
{
	if (id >= shape_ids(shape))
		return NOWHERE;
	if (!shape->indirect)
		return RAM_BASE + id * 8;
	return L2_POOL + (id * 8) % page_szs[shape->page];
}

/* Give an ID a page at the second level, with rubbish in the bits that mean nothing. */
static void add_second_level(struct world *w, const struct shape *shape, uint64_t id)
{
	uint64_t l1 = RAM_BASE + id * 8 / page_szs[shape->page] * 8;

	if (shape->indirect && l1 < RAM_BASE + TABLE_ROOM)
		ram_set(w, l1, VALID | L2_POOL | (page_szs[shape->page] - 1) | MASK64(62, 52));
}

static void remove_second_level(struct world *w, const struct shape *shape, uint64_t id)
{
	uint64_t l1 = RAM_BASE + id * 8 / page_szs[shape->page] * 8;

	if (shape->indirect && l1 < RAM_BASE + TABLE_ROOM)
		ram_set(w, l1, 0);
}

/* IDs around all ends that a table of this shape has. */
static size_t ids_to_try(const struct shape *shape, uint64_t ret_ids[16])
{
	uint64_t per_page = page_szs[shape->page] / 8, ids = shape_ids(shape);
	const uint64_t all[] = {
		0,
		1,
		per_page - 1,
		per_page,
		per_page + 1,
		ids / 2,
		ids - 1,
		ids,
		ids + 1,
		(UINT64_C(1) << shape->id_bits) - 1,
		UINT64_C(1) << shape->id_bits,
		UINT32_MAX,
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		ret_ids[i] = all[i] > UINT32_MAX ? UINT32_MAX : all[i];
	return ARRAY_SIZE(all);
}

/* Call try for each shape of a table with such IDs that has room. */
static void for_shapes(unsigned id_bits, void (*try)(const struct shape *shape))
{
	static const unsigned pages[] = { 1, 2, 63, 64, 256 };

	for (unsigned i = 0; i < NR_PAGE_SIZES * 2 * ARRAY_SIZE(pages); i++) {
		struct shape shape = {
			.page = i % NR_PAGE_SIZES,
			.indirect = i / NR_PAGE_SIZES % 2,
			.nr_pages = pages[i / NR_PAGE_SIZES / 2],
			.id_bits = id_bits,
		};

		if (shape.nr_pages * page_szs[shape.page] <= TABLE_ROOM)
			try(&shape);
	}
}

static struct world *world_of_widths(unsigned devid_bits, unsigned eventid_bits)
{
	struct vits_config config;
	struct world *w;

	world_default_config(&config);
	config.devid_bits = devid_bits;
	config.eventid_bits = eventid_bits;
	config.nr_functions = 0;
	w = world_create(&config);
	world_set_tables(w);
	return w;
}

static void test_typer_has_each_pair_of_widths(void **state)
{
	(void)state;
	for (unsigned devid_bits = 1; devid_bits <= 32; devid_bits++) {
		for (unsigned eventid_bits = 1; eventid_bits <= 16; eventid_bits++) {
			struct world *w = world_of_widths(devid_bits, eventid_bits);
			uint64_t typer = rd64(w, GITS_TYPER);

			assert_int_equal(FIELD_GET(MASK64(17, 13), typer) + 1, devid_bits);
			assert_int_equal(FIELD_GET(MASK64(12, 8), typer) + 1, eventid_bits);
			assert_int_equal(FIELD_GET(MASK64(7, 4), typer) + 1, 8);
			assert_int_equal(typer & ~MASK64(17, 4), 1);
			world_destroy(w);
		}
	}
}

/*
 * Devices
 */

static void try_devices(const struct shape *shape)
{
	struct world *w = world_of_widths(shape->id_bits, 16);
	uint64_t ids[16];
	size_t nr = ids_to_try(shape, ids);

	wr64(w, GITS_BASER(0), shape_baser(shape));
	wr64(w, GITS_BASER(1), VALID | (QUEUE + 0x100000));
	wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
	for (size_t i = 0; i < nr; i++) {
		uint32_t id = (uint32_t)ids[i];
		uint64_t slot = shape_slot(shape, id);
		bool last = id == MASK64(shape->id_bits - 1, 0);

		if (shape->indirect && slot != NOWHERE)
			run_skip(w, mapd(id, ITT_X, 5), 0x010801);
		add_second_level(w, shape, id);
		if (slot == NOWHERE) {
			run_skip(w, mapd(id, ITT_X, 5), 0x010801);
			run_skip(w, inv(id, 0), 0x010c01);
		} else {
			run_ok(w, mapd(id, ITT_X, 5));
			assert_int_equal(ram_get(w, slot), DTE(!last, ITT_X, 5));
			run_skip(w, inv(id, 0), 0x010c07);
			run_ok(w, mapd_off(id));
			assert_int_equal(ram_get(w, slot), 0);
		}
		remove_second_level(w, shape, id);
	}
	world_destroy(w);
}

static void test_deviceids_of_all_widths_in_tables_of_all_shapes(void **state)
{
	(void)state;
	for (unsigned bits = 1; bits <= 32; bits++)
		for_shapes(bits, try_devices);
}

/*
 * Collections: ICIDs have 16 bits
 */

static void try_collections(const struct shape *shape)
{
	struct world *w = world_of_widths(8, 16);
	uint64_t ids[16];
	size_t nr = ids_to_try(shape, ids);

	wr64(w, GITS_BASER(0), VALID | (QUEUE + 0x100000));
	wr64(w, GITS_BASER(1), shape_baser(shape));
	wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
	run_ok(w, mapd(1, ITT_X, 5));
	for (size_t i = 0; i < nr; i++) {
		uint32_t id = (uint32_t)ids[i];
		uint64_t slot = shape_slot(shape, id);

		if (id > UINT16_MAX) /* the field has no more bits */
			continue;
		if (shape->indirect && slot != NOWHERE)
			run_skip(w, mapc(id, 3), 0x010903);
		add_second_level(w, shape, id);
		if (slot == NOWHERE) {
			run_skip(w, mapc(id, 3), 0x010903);
			run_skip(w, mapti(1, 0, LPI(0), id), 0x010a03);
			run_skip(w, invall(id), 0x010d03);
		} else {
			run_ok(w, mapc(id, 3));
			assert_int_equal(ram_get(w, slot), CTE(id, 3));
			run_ok(w, mapti(1, 0, LPI(0), id));
			run_ok(w, intr(1, 0));
			run_ok(w, discard(1, 0));
			run_ok(w, mapc_off(id));
			assert_int_equal(ram_get(w, slot), 0);
		}
		remove_second_level(w, shape, id);
	}
	world_destroy(w);
}

static void test_collections_in_tables_of_all_shapes(void **state)
{
	(void)state;
	for_shapes(16, try_collections);
}

/*
 * Events
 */

/* All sizes that MAPD can name, of an ITS with so many EventID bits. */
static void test_itts_of_all_sizes_for_eventids_of_all_widths(void **state)
{
	(void)state;
	for (unsigned bits = 1; bits <= 16; bits++) {
		struct world *w = world_of_widths(16, bits);

		wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
		run_ok(w, mapc(0, 1));
		for (unsigned size = 1; size <= 32; size++) {
			uint32_t last = (uint32_t)MASK64(size - 1, 0);

			if (size > bits) {
				run_skip(w, mapd(DEV_X, ITT_X, size), 0x010802);
				continue;
			}
			ram_zero(w, ITT_X, 0x100000);
			run_ok(w, mapd(DEV_X, ITT_X, size));
			run_ok(w, mapti(DEV_X, last, LPI(1), 0));
			assert_int_equal(ram_get(w, ITT_X + last * UINT64_C(8)), ITE(0, LPI(1), 0));
			run_ok(w, mapti(DEV_X, last - 1, LPI(2), 0));
			assert_int_equal(ram_get(w, ITT_X + (last - 1) * UINT64_C(8)),
					 ITE(1, LPI(2), 0));
			run_skip(w, mapti(DEV_X, last + 1, LPI(3), 0), 0x010a05);
			run_skip(w, intr(DEV_X, last + 1), 0x010305);
			assert_int_equal(ram_get(w, ITT_X + (last + 1) * UINT64_C(8)), 0);
			run_ok(w, intr(DEV_X, last));
			run_ok(w, mapd_off(DEV_X));
		}
		world_destroy(w);
	}
}

/* The function has all events that there can be; ITTs have all sizes. */
static void test_msis_of_eventids_of_all_widths(void **state)
{
	(void)state;
	for (unsigned bits = 1; bits <= 16; bits++) {
		const struct vits_function function = { 1, UINT32_C(1) << bits };
		struct vits_config config;
		struct world *w, *b;

		world_default_config(&config);
		config.devid_bits = 1;
		config.eventid_bits = bits;
		config.functions = &function;
		config.nr_functions = 1;
		w = world_create_on(&config);
		run_ok(w, mapc(0, 1));
		for (unsigned size = 1; size <= bits; size++) {
			uint32_t last = (uint32_t)MASK64(size - 1, 0);

			ram_zero(w, ITT_A, 0x100000);
			run_ok(w, mapd(1, ITT_A, size));
			run_ok(w, mapti(1, last, LPI(1), 0));
			run_ok(w, mapti(1, 0, LPI(0), 0));
			expect_msi(w, 0, last, LPI(1), 1);
			expect_msi(w, 0, 0, LPI(0), 1);
			expect_no_msi(w, 0, last + 1,
				      size == bits ? VITS_MSI_BEYOND_SHADOW : VITS_MSI_UNMAPPED);
		}
		b = round_trip(w);
		same_worlds(w, b);
		world_destroy(b);
		world_destroy(w);
	}
}

/*
 * Functions in tables of all shapes, saved and restored
 */

static void try_round_trip(const struct shape *shape)
{
	const uint32_t last = (uint32_t)(shape_ids(shape) - 1);
	const struct vits_function functions[] = { { 0, 4 }, { last, 4 } };
	struct vits_config config;
	struct world *a, *b;

	/* Comparing memories takes its time: larger tables for the widest IDs only. */
	if (shape->nr_pages > 1 && shape->id_bits < 32)
		return;
	world_default_config(&config);
	config.devid_bits = shape->id_bits;
	config.functions = functions;
	config.nr_functions = 2;
	a = world_create(&config);
	world_set_tables(a);
	wr64(a, GITS_BASER(0), shape_baser(shape));
	wr64(a, GITS_BASER(1), VALID | GITS_BASER_INDIRECT | shape->page << 8 | (QUEUE + 0x100000));
	ram_set(a, QUEUE + 0x100000, VALID | (QUEUE + 0x200000));
	wr32(a, GITS_CTLR, GITS_CTLR_ENABLED);
	add_second_level(a, shape, 0);
	add_second_level(a, shape, last);
	assert_int_not_equal(shape_slot(shape, 0), shape_slot(shape, last));
	run_ok(a, mapc(7, 2));
	run_ok(a, mapd(0, ITT_A, 2));
	run_ok(a, mapd(last, ITT_B, 2));
	run_ok(a, mapti(0, 3, LPI(1), 7));
	run_ok(a, mapti(last, 2, LPI(2), 7));
	assert_int_equal(ram_get(a, QUEUE + 0x200000 + 7 * 8), CTE(7, 2));
	b = round_trip(a);
	same_worlds(a, b);
	expect_msi(b, 0, 3, LPI(1), 2);
	expect_msi(b, 1, 2, LPI(2), 2);
	world_destroy(a);
	world_destroy(b);
}

static void test_functions_in_tables_of_all_shapes_are_saved_and_restored(void **state)
{
	static const unsigned bits[] = { 1, 8, 9, 12, 13, 16, 17, 24, 32 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bits); i++)
		for_shapes(bits[i], try_round_trip);
}

/*
 * Addresses: all their bits count
 */

static void test_addresses_are_not_cut_at_any_bit(void **state)
{
	(void)state;
	for (unsigned bit = 24; bit <= 51; bit++) {
		struct world *w = world_of_widths(16, 16);
		uint64_t far = BIT64(bit);

		if (RAM_BASE & far) {
			world_destroy(w);
			continue;
		}
		wr64(w, GITS_BASER(0), VALID | GITS_BASER_INDIRECT | 2 << 8 | DEVICE_TABLE);
		wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
		/* At the second level, of an ITT, of the queue: no RAM is there. */
		ram_set(w, DEVICE_TABLE, VALID | far | L2_POOL);
		run_skip(w, mapd(1, ITT_X, 5), 0x010801);
		ram_set(w, DEVICE_TABLE, VALID | L2_POOL);
		run_ok(w, mapc(0, 0));
		run_ok(w, mapd(1, far | ITT_X, 5));
		run_skip(w, mapti(1, 0, LPI(0), 0), 0x010a05);
		wr32(w, GITS_CTLR, 0);
		wr64(w, GITS_CBASER, VALID | far | QUEUE);
		wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
		wr32(w, GITS_CWRITER, 32);
		assert_int_equal(world_stats(w).cmd_unreadable, 1);
		world_destroy(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_typer_has_each_pair_of_widths),
		cmocka_unit_test(test_deviceids_of_all_widths_in_tables_of_all_shapes),
		cmocka_unit_test(test_collections_in_tables_of_all_shapes),
		cmocka_unit_test(test_itts_of_all_sizes_for_eventids_of_all_widths),
		cmocka_unit_test(test_msis_of_eventids_of_all_widths),
		cmocka_unit_test(test_functions_in_tables_of_all_shapes_are_saved_and_restored),
		cmocka_unit_test(test_addresses_are_not_cut_at_any_bit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
