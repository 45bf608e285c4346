// SPDX-License-Identifier: MIT
/*
 * The tables in guest memory: geometry, layout of entries, hostile contents,
 * and what happens where they differ from the shadow. IHI 0069 5.2; Linux
 * Documentation/virt/kvm/devices/arm-vgic-its.rst.
 */
#include "tests/unit/vitsmod/vits_world.h"

#include <stdlib.h>

#include "vitsmod/tables.h"

#define DTE(next, itt, bits)   (VALID | (uint64_t)(next) << 49 | (itt) >> 3 | ((bits)-1))
#define CTE(icid, vcpu)	       (VALID | (uint64_t)(vcpu) << 16 | (icid))
#define ITE(next, intid, icid) ((uint64_t)(next) << 48 | (uint64_t)(intid) << 16 | (icid))

static struct world *world_with_baser(unsigned n, uint64_t baser)
{
	struct world *w = world_create(NULL);

	world_set_tables(w);
	wr64(w, GITS_BASER(0) + n * 8, baser);
	wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
	return w;
}

/*
 * Layout
 */

static void test_entries_have_the_layout_that_linux_documents(void **state)
{
	struct world *w = world_create_on(NULL);

	(void)state;
	run_ok(w, mapd(DEV_A, ITT_A, 5));
	run_ok(w, mapd(DEV_X, ITT_X, 16));
	run_ok(w, mapc(0, 0));
	run_ok(w, mapc(3, 2));
	run_ok(w, mapti(DEV_A, 2, LPI(7), 3));
	assert_int_equal(ram_get(w, DEVICE_TABLE + DEV_A * 8), DTE(1, ITT_A, 5));
	assert_int_equal(ram_get(w, DEVICE_TABLE + DEV_X * 8), DTE(1, ITT_X, 16));
	assert_int_equal(ram_get(w, COLL_TABLE), CTE(0, 0));
	assert_int_equal(ram_get(w, COLL_TABLE + 3 * 8), CTE(3, 2));
	assert_int_equal(ram_get(w, ITT_A + 2 * 8), ITE(1, 8199, 3));
	/* Taken back. */
	run_ok(w, discard(DEV_A, 2));
	run_ok(w, mapc_off(3));
	run_ok(w, mapd_off(DEV_X));
	assert_int_equal(ram_get(w, ITT_A + 2 * 8), 0);
	assert_int_equal(ram_get(w, COLL_TABLE + 3 * 8), 0);
	assert_int_equal(ram_get(w, DEVICE_TABLE + DEV_X * 8), 0);
	world_destroy(w);
}

/* Choice in tables.c */
static void test_the_next_offset_is_1_and_0_in_the_last_entry_that_there_can_be(void **state)
{
	struct world *w = world_create_on(NULL);
	uint64_t itt = ITT_A;

	(void)state;
	run_ok(w, mapc(0, 0));
	run_ok(w, mapd(0xfffe, ITT_B, 1));
	run_ok(w, mapd(0xffff, itt, 2));
	run_ok(w, mapti(0xffff, 2, LPI(0), 0));
	run_ok(w, mapti(0xffff, 3, LPI(1), 0));
	assert_int_equal(ram_get(w, DEVICE_TABLE + 0xfffe * 8), DTE(1, ITT_B, 1));
	assert_int_equal(ram_get(w, DEVICE_TABLE + 0xffff * 8), DTE(0, itt, 2));
	assert_int_equal(ram_get(w, itt + 16), ITE(1, LPI(0), 0));
	assert_int_equal(ram_get(w, itt + 24), ITE(0, LPI(1), 0));
	world_destroy(w);
}

/*
 * What reads such a table: go on by "next", by 1 from an invalid entry, end at
 * a next of 0 or at the end. Returns how many valid entries it met.
 */
static unsigned read_like_linux(struct world *w, uint64_t itt, uint32_t nr_events)
{
	unsigned found = 0;
	uint64_t id = 0;

	while (id < nr_events) {
		uint64_t ite = ram_get(w, itt + id * 8);
		uint64_t next = ite >> 48;

		if ((ite >> 16 & 0xffffffff) == 0) {
			id++;
			continue;
		}
		found++;
		/* KVM's restore refuses an offset that leads out of the ITT. */
		assert_true(id + next < nr_events);
		if (next == 0)
			break;
		id += next;
	}
	return found;
}

static void test_a_reader_of_the_layout_finds_all_events(void **state)
{
	static const uint32_t events[] = { 0, 1, 5, 17, 30, 31 };
	struct world *w = world_create_on(NULL);

	(void)state;
	run_ok(w, mapd(DEV_X, ITT_X, 5));
	for (size_t i = 0; i < ARRAY_SIZE(events); i++)
		run_ok(w, mapti(DEV_X, events[i], LPI(i), 0));
	assert_int_equal(read_like_linux(w, ITT_X, 32), 6);
	run_ok(w, discard(DEV_X, 31));
	run_ok(w, discard(DEV_X, 5));
	assert_int_equal(read_like_linux(w, ITT_X, 32), 4);
	world_destroy(w);
}

/* Choice in tables.c */
static void test_the_collection_table_is_indexed_by_icid(void **state)
{
	struct world *w = world_create_on(NULL);

	(void)state;
	for (uint32_t icid = 0; icid < 3; icid++) {
		run_ok(w, mapc(icid, 3 - icid));
		assert_int_equal(ram_get(w, COLL_TABLE + icid * 8), CTE(icid, 3 - icid));
	}
	/* An entry that names another ICID was not written by the ITS. */
	ram_set(w, COLL_TABLE + 7 * 8, CTE(6, 0));
	run_skip(w, invall(7), 0x010d09);
	ram_set(w, COLL_TABLE + 7 * 8, CTE(7, 0));
	run_ok(w, invall(7));
	world_destroy(w);
}

/*
 * Geometry
 */

static void test_flat_tables_of_all_page_sizes(void **state)
{
	static const uint64_t page_sz[] = { 0x1000, 0x4000, 0x10000 };

	(void)state;
	for (uint64_t psz = 0; psz < 3; psz++) {
		for (unsigned pages = 1; pages <= 3; pages++) {
			uint64_t baser = VALID | SPARE | psz << 8 | (pages - 1);
			uint32_t nr_ids = (uint32_t)(pages * page_sz[psz] / 8);
			struct world *w = world_with_baser(0, baser);

			run_ok(w, mapd(nr_ids - 1, ITT_X, 1));
			assert_int_equal(ram_get(w, SPARE + (nr_ids - 1) * 8), DTE(1, ITT_X, 1));
			run_skip(w, mapd(nr_ids, ITT_X, 1), 0x010801);
			run_skip(w, inv(nr_ids, 0), 0x010c01);
			world_destroy(w);

			w = world_with_baser(1, baser);
			run_ok(w, mapc(nr_ids - 1, 1));
			assert_int_equal(ram_get(w, SPARE + (nr_ids - 1) * 8), CTE(nr_ids - 1, 1));
			run_skip(w, mapc(nr_ids, 1), 0x010903);
			world_destroy(w);
		}
	}
}

/* Asked directly: a slot that is none could be taken for one at address 0. */
static void test_slots_of_ids(void **state)
{
	static const uint64_t none = UINT64_MAX;
	static const struct {
		const char *why;
		uint64_t baser;
		uint32_t id;
		uint64_t slot;
	} cases[] = {
		{ "not valid", SPARE | 0x200, 0, none },
		{ "first", VALID | SPARE | 0x200, 0, SPARE },
		{ "last of a page", VALID | SPARE | 0x200, 0x1fff, SPARE + 0xfff8 },
		{ "beyond the page", VALID | SPARE | 0x200, 0x2000, none },
		{ "beyond Devbits", VALID | SPARE | 0x2ff, 0x10000, none },
		{ "4K pages anywhere", VALID | (SPARE + 0x3000), 511, SPARE + 0x3ff8 },
		{ "16K pages too", VALID | (SPARE + 0xc000) | 0x100, 2047, SPARE + 0xfff8 },
		{ "no second level", VALID | GITS_BASER_INDIRECT | ITT_A, 0, none },
		{ "a second level", VALID | GITS_BASER_INDIRECT | ITT_A, 513, SPARE + 8 },
		{ "an entry of 0 in the first level", VALID | GITS_BASER_INDIRECT | ITT_A, 0xffff,
		  none },
		{ "first level not in RAM", VALID | GITS_BASER_INDIRECT | RAM_END, 513, none },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct world *w = world_create(NULL);
		uint64_t slot = none;

		ram_set(w, ITT_A + 8, VALID | SPARE);
		wr64(w, GITS_BASER(0), cases[i].baser);
		if (!table_slot(w->v, TABLE_DEVICES, cases[i].id, &slot))
			slot = none;
		if (slot != cases[i].slot)
			fail_msg("%s: %016lx", cases[i].why, (unsigned long)slot);
		world_destroy(w);
	}
}

static void test_a_table_longer_than_its_ids_ends_with_them(void **state)
{
	/* 256 pages of 64K have room for 2^21 entries, of which 2^16 are IDs. */
	struct world *w = world_with_baser(0, baser_value(SPARE, 256));

	(void)state;
	run_ok(w, mapd(0xffff, ITT_X, 1));
	run_skip(w, mapd(0x10000, ITT_X, 1), 0x010801);
	world_destroy(w);
	w = world_with_baser(1, VALID | GITS_BASER_INDIRECT | RAM_BASE | 0x2ff);
	run_skip(w, mapc(0xffff, 0), 0x010903); /* in range, but no second level */
	world_destroy(w);
}

static void test_indirect_tables_of_all_page_sizes(void **state)
{
	static const uint64_t page_sz[] = { 0x1000, 0x4000, 0x10000 };

	(void)state;
	for (unsigned n = 0; n < 2; n++) {
		for (uint64_t psz = 0; psz < 3; psz++) {
			uint64_t l2 = SPARE + 0x100000;
			uint32_t per_page = (uint32_t)(page_sz[psz] / 8);
			uint32_t id = per_page + 1;
			struct world *w =
				world_with_baser(n, VALID | GITS_BASER_INDIRECT | SPARE | psz << 8);
			uint32_t oor = n ? 0x010903 : 0x010801;
			struct words cmd = n ? mapc(id, 1) : mapd(id, ITT_X, 1);

			run_skip(w, cmd, oor);
			ram_set(w, SPARE + 8, l2); /* not valid */
			run_skip(w, cmd, oor);
			/* Bits below the page size are not part of the address. */
			ram_set(w, SPARE + 8,
				VALID | l2 | UINT64_C(0x7ff0000000000000) | (page_sz[psz] - 1));
			run_ok(w, cmd);
			assert_int_equal(ram_get(w, l2 + 8), n ? CTE(id, 1) : DTE(1, ITT_X, 1));
			/* A neighbour below has no page. */
			run_skip(w, n ? mapc(per_page - 1, 1) : mapd(per_page - 1, ITT_X, 1), oor);
			/* The page is taken away behind the ITS. */
			ram_set(w, SPARE + 8, 0);
			run_skip(w, n ? invall(id) : inv(id, 0), n ? 0x010d03 : 0x010c01);
			world_destroy(w);
		}
	}
}

static void test_an_indirect_table_ends_with_its_first_level(void **state)
{
	struct vits_config config;
	struct world *w;

	(void)state;
	world_default_config(&config);
	config.devid_bits = 32;
	w = world_create(&config);
	world_set_tables(w);
	wr64(w, GITS_BASER(0),
	     VALID | GITS_BASER_INDIRECT | DEVICE_TABLE); /* 4K: 512 * 512 DeviceIDs */
	wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
	for (unsigned i = 0; i < 512; i++)
		ram_set(w, DEVICE_TABLE + i * 8, VALID | SPARE);
	ram_set(w, DEVICE_TABLE + 0x1000, VALID | SPARE);
	run_ok(w, mapd(512 * 512 - 1, ITT_X, 1));
	run_skip(w, mapd(512 * 512, ITT_X, 1), 0x010801);
	run_skip(w, mapd(UINT32_MAX, ITT_X, 1), 0x010801);
	world_destroy(w);
}

static void test_deviceids_of_32_bits(void **state)
{
	static const struct vits_function function = { 0xfedcba98, 4 };
	struct vits_config config;
	struct world *w;
	uint64_t l1 = SPARE;

	(void)state;
	world_default_config(&config);
	config.devid_bits = 32;
	config.functions = &function;
	config.nr_functions = 1;
	w = world_create(&config);
	world_set_tables(w);
	/* 64K pages: 8192 entries each; the first level would need 4 MiB, and gets it. */
	wr64(w, GITS_BASER(0), baser_value(l1, 64) | GITS_BASER_INDIRECT);
	wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
	ram_set(w, l1 + (0xfedcba98u / 8192) * 8, VALID | DEVICE_TABLE);
	run_ok(w, mapd(0xfedcba98, ITT_A, 2));
	run_ok(w, mapc(0, 0));
	run_ok(w, mapti(0xfedcba98, 1, LPI(0), 0));
	expect_update(w, VITS_LPI_MAP, true, LPI(0), 0);
	expect_msi(w, 0, 1, LPI(0), 0);
	run_skip(w, mapd(0xfedc0000, ITT_A, 2), 0x010801);
	world_destroy(w);
}

static void test_tables_outside_ram_are_out_of_range(void **state)
{
	static const uint64_t places[] = {
		0,
		RAM_END,
		RAM_BASE - 0x10000,
		UINT64_C(0x0000ffffffff0000),
		UINT64_C(0xf000), /* PA[51:48] of a table of 64K pages */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		struct world *w = world_create(NULL);

		world_set_tables(w);
		wr64(w, GITS_BASER(0), VALID | 0x200 | places[i]);
		wr64(w, GITS_BASER(1), VALID | 0x200 | GITS_BASER_INDIRECT | places[i]);
		wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
		run_skip(w, mapd(DEV_A, ITT_A, 5), 0x010801);
		run_skip(w, mapd_off(DEV_A), 0x010801);
		run_skip(w, mapd(0xffff, ITT_A, 5), 0x010801);
		run_skip(w, mapc(0, 0), 0x010903);
		run_skip(w, mapc_off(0), 0x010903);
		run_skip(w, mapti(DEV_A, 0, LPI(0), 0), 0x010a01);
		world_destroy(w);
	}
}

static void test_a_table_of_64k_pages_above_48_bits(void **state)
{
	struct world *w = world_create(NULL);

	(void)state;
	world_set_tables(w);
	/* PA = 0x3000040000000: not RAM here; without PA[51:48] it would be. */
	wr64(w, GITS_BASER(0), VALID | 0x200 | DEVICE_TABLE | 0x3000);
	wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
	run_skip(w, mapd(DEV_A, ITT_A, 5), 0x010801);
	world_destroy(w);
}

static void test_a_table_that_ends_in_the_middle_of_ram_or_begins_there(void **state)
{
	struct world *w = world_with_baser(0, baser_value(RAM_END - 0x10000, 2));

	(void)state;
	run_ok(w, mapd(8191, ITT_X, 1));
	run_skip(w, mapd(8192, ITT_X, 1), 0x010801);
	world_destroy(w);
}

/*
 * Hostile entries
 */

static void test_a_device_entry_that_no_mapd_could_have_written_is_no_device(void **state)
{
	struct vits_config config;
	struct world *w;

	(void)state;
	world_default_config(&config);
	config.eventid_bits = 8;
	w = world_create_on(&config);
	ram_set(w, DEVICE_TABLE + DEV_X * 8, DTE(1, ITT_X, 9));
	run_skip(w, inv(DEV_X, 0), 0x010c04);
	ram_set(w, DEVICE_TABLE + DEV_X * 8, UINT64_MAX);
	run_skip(w, inv(DEV_X, 0), 0x010c04);
	ram_set(w, DEVICE_TABLE + DEV_X * 8, DTE(1, ITT_X, 8));
	run_skip(w, inv(DEV_X, 255), 0x010c07);
	run_skip(w, inv(DEV_X, 256), 0x010c05);
	world_destroy(w);
}

/* Choice in tables.c */
static void test_an_ite_whose_intid_no_mapti_could_have_put_there_is_no_ite(void **state)
{
	static const uint32_t intids[] = { 1, 8191, LAST_LPI + 1, UINT32_MAX };
	struct world *w = world_create_on(NULL);

	(void)state;
	run_ok(w, mapd(DEV_X, ITT_X, 5));
	run_ok(w, mapc(0, 0));
	for (size_t i = 0; i < ARRAY_SIZE(intids); i++) {
		ram_set(w, ITT_X, ITE(1, intids[i], 0));
		run_skip(w, intr(DEV_X, 0), 0x010307);
		run_skip(w, discard(DEV_X, 0), 0x010f07);
		run_ok(w, mapti(DEV_X, 0, LPI(1), 0));
		assert_int_equal(ram_get(w, ITT_X), ITE(1, LPI(1), 0));
	}
	world_destroy(w);
}

static void test_a_collection_entry_that_names_no_vcpu_is_no_collection(void **state)
{
	static const uint64_t vcpus[] = { NR_VCPUS, 0xfffffffff };
	struct world *w = world_create_on(NULL);

	(void)state;
	run_ok(w, mapd(DEV_A, ITT_A, 2));
	run_ok(w, mapd(DEV_X, ITT_X, 2));
	for (size_t i = 0; i < ARRAY_SIZE(vcpus); i++) {
		ram_set(w, COLL_TABLE + 8, CTE(1, vcpus[i]));
		run_skip(w, invall(1), 0x010d09);
		run_ok(w, mapti(DEV_A, 0, LPI(0), 1));
		run_ok(w, mapti(DEV_X, 0, LPI(1), 1));
		run_skip(w, intr(DEV_X, 0), 0x010307);
		expect_no_more_updates(w);
		run_ok(w, discard(DEV_A, 0));
		run_ok(w, discard(DEV_X, 0));
	}
	world_destroy(w);
}

/* Choice in cmd.c */
static void test_an_eventid_whose_ite_is_not_in_ram_is_out_of_range(void **state)
{
	struct world *w = world_create_on(NULL);

	(void)state;
	run_ok(w, mapc(0, 0));
	run_ok(w, mapd(DEV_B, RAM_END - 256, 6)); /* 32 ITEs in RAM, 32 outside */
	run_ok(w, mapd(DEV_X, RAM_END - 256, 6));
	run_ok(w, mapti(DEV_B, 31, LPI(0), 0));
	run_skip(w, mapti(DEV_X, 32, LPI(1), 0), 0x010a05);
	run_skip(w, inv(DEV_X, 32), 0x010c05);
	run_skip(w, discard(DEV_X, 32), 0x010f05);
	/* The same for an assigned event; and memory that cannot be written. */
	run_ok(w, mapd(DEV_A, RAM_END, 2));
	run_skip(w, mapti(DEV_A, 0, LPI(1), 0), 0x010a05);
	expect_no_msi(w, 0, 0, VITS_MSI_UNMAPPED);
	w->ro = ITT_A;
	w->ro_end = ITT_B;
	run_ok(w, mapd(DEV_A, ITT_A, 2));
	run_skip(w, mapti(DEV_A, 0, LPI(1), 0), 0x010a05);
	run_ok(w, mapd(DEV_X, ITT_A, 2));
	run_skip(w, mapti(DEV_X, 0, LPI(1), 0), 0x010a05);
	ram_set(w, ITT_A, ITE(1, LPI(1), 0));
	run_skip(w, movi(DEV_X, 0, 0), 0x010105);
	run_skip(w, discard(DEV_X, 0), 0x010f05);
	world_destroy(w);
}

static void test_tables_that_cannot_be_written_fail_the_mapping(void **state)
{
	struct world *w = world_create_on(NULL);

	(void)state;
	run_ok(w, mapd(0x77, ITT_X, 2));
	w->ro = DEVICE_TABLE;
	w->ro_end = QUEUE;
	run_skip(w, mapd(DEV_A, ITT_A, 2), 0x010801);
	run_skip(w, mapd(DEV_X, ITT_X, 2), 0x010801);
	run_skip(w, mapd_off(DEV_A), 0x010801);
	run_skip(w, mapd_off(DEV_X), 0x010801);
	run_skip(w, mapd_off(0x77), 0x010801);
	run_skip(w, mapc(0, 0), 0x010903);
	run_skip(w, mapc_off(0), 0x010903);
	world_destroy(w);
}

static void test_tables_over_each_other_do_no_harm(void **state)
{
	struct world *w = world_create(NULL);

	(void)state;
	/* Queue, device table, collection table and ITTs are one piece of memory. */
	w->queue_sz = 0x10000;
	wr64(w, GITS_CBASER, VALID | QUEUE | 15);
	wr64(w, GITS_BASER(0), baser_value(QUEUE, 8));
	wr64(w, GITS_BASER(1), baser_value(QUEUE, 8));
	wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
	srand(2);
	for (unsigned i = 0; i < 3000; i++) {
		uint32_t devid = (uint32_t)rand() % 64;
		const struct words cmds[] = {
			mapd(devid, QUEUE, 5),
			mapc((uint32_t)rand() % 64, (uint32_t)rand() % NR_VCPUS),
			mapti(devid, (uint32_t)rand() % 32, LPI(rand() % (int)NR_LPIS),
			      (uint32_t)rand() % 64),
			movi(devid, (uint32_t)rand() % 32, (uint32_t)rand() % 64),
			discard(devid, (uint32_t)rand() % 32),
			intr(devid, (uint32_t)rand() % 32),
		};

		push(w, cmds[(size_t)rand() % ARRAY_SIZE(cmds)]);
		kick(w);
	}
	assert_int_equal(rd32(w, GITS_CREADR), w->tail);
	world_destroy(w);
}

/*
 * The shadow and the tables
 */

static struct world *world_with_events(void)
{
	struct world *w = world_create_on(NULL);

	run_ok(w, mapd(DEV_A, ITT_A, 3));
	run_ok(w, mapc(0, 0));
	run_ok(w, mapc(1, 1));
	run_ok(w, mapti(DEV_A, 0, LPI(0), 0));
	forget_updates(w);
	assert_int_equal(world_stats(w).shadow_differs, 0);
	return w;
}

static void test_what_a_guest_writes_over_an_assigned_event_changes_nothing_and_is_counted(
	void **state)
{
	struct world *w = world_with_events();

	(void)state;
	/* Another LPI, another collection. */
	ram_set(w, ITT_A, ITE(1, LPI(5), 1));
	run_ok(w, intr(DEV_A, 0));
	expect_update(w, VITS_LPI_RAISE, true, LPI(0), 0);
	assert_int_equal(world_stats(w).shadow_differs, 1);
	expect_msi(w, 0, 0, LPI(0), 0);
	/* MOVI puts it right. */
	run_ok(w, movi(DEV_A, 0, 1));
	expect_update(w, VITS_LPI_MOVE, true, LPI(0), 1);
	assert_int_equal(ram_get(w, ITT_A), ITE(1, LPI(0), 1));
	assert_int_equal(world_stats(w).shadow_differs, 2);
	/* Wiped out. */
	ram_set(w, ITT_A, 0);
	run_ok(w, inv(DEV_A, 0));
	expect_update(w, VITS_LPI_INV, true, LPI(0), 1);
	run_ok(w, discard(DEV_A, 0));
	expect_update(w, VITS_LPI_UNMAP, true, LPI(0), 1);
	assert_int_equal(world_stats(w).shadow_differs, 4);
	/* Made up. */
	ram_set(w, ITT_A, ITE(1, LPI(9), 0));
	run_skip(w, intr(DEV_A, 0), 0x010307);
	assert_int_equal(world_stats(w).shadow_differs, 5);
	run_ok(w, mapti(DEV_A, 0, LPI(3), 0));
	assert_int_equal(world_stats(w).shadow_differs, 6);
	expect_msi(w, 0, 0, LPI(3), 0);
	assert_int_equal(ram_get(w, ITT_A), ITE(1, LPI(3), 0));
	world_destroy(w);
}

static void test_what_a_guest_writes_over_an_assigned_device_changes_nothing_and_is_counted(
	void **state)
{
	struct world *w = world_with_events();

	(void)state;
	ram_set(w, DEVICE_TABLE + DEV_A * 8, 0);
	run_ok(w, inv(DEV_A, 0));
	assert_int_equal(world_stats(w).shadow_differs, 1);
	ram_set(w, DEVICE_TABLE + DEV_A * 8, DTE(1, SPARE, 16));
	run_skip(w, inv(DEV_A, 8), 0x010c05);
	run_ok(w, mapti(DEV_A, 1, LPI(1), 0));
	assert_int_equal(ram_get(w, SPARE + 8), 0);
	assert_int_equal(world_stats(w).shadow_differs, 3);
	/* A device that was never mapped. */
	ram_set(w, DEVICE_TABLE + DEV_B * 8, DTE(1, SPARE, 5));
	run_skip(w, mapti(DEV_B, 0, LPI(2), 0), 0x010a04);
	assert_int_equal(world_stats(w).shadow_differs, 4);
	world_destroy(w);
}

static void test_what_a_guest_writes_over_a_collection_changes_nothing_and_is_counted(void **state)
{
	struct world *w = world_with_events();

	(void)state;
	ram_set(w, COLL_TABLE, CTE(0, 3));
	run_ok(w, mapti(DEV_A, 1, LPI(1), 0));
	expect_update(w, VITS_LPI_MAP, true, LPI(1), 0);
	run_ok(w, invall(0));
	expect_update(w, VITS_INVALL, false, 0, 0);
	assert_int_equal(world_stats(w).shadow_differs, 2);
	ram_set(w, COLL_TABLE, 0);
	run_ok(w, movi(DEV_A, 1, 1));
	expect_update(w, VITS_LPI_MOVE, true, LPI(1), 1);
	assert_int_equal(world_stats(w).shadow_differs, 3);
	/* One that no assigned event uses is what the table says. */
	ram_set(w, COLL_TABLE + 9 * 8, CTE(9, 3));
	run_ok(w, movi(DEV_A, 1, 9));
	expect_update(w, VITS_LPI_MOVE, true, LPI(1), 3);
	assert_int_equal(world_stats(w).shadow_differs, 3);
	world_destroy(w);
}

static void test_unmapping_what_the_shadow_knows_does_not_need_the_tables(void **state)
{
	struct world *w = world_with_events();

	(void)state;
	w->bad = DEVICE_TABLE;
	w->bad_end = QUEUE;
	run_ok(w, mapti(DEV_A, 1, LPI(1), 0));
	expect_update(w, VITS_LPI_MAP, true, LPI(1), 0);
	run_skip(w, mapd(DEV_A, ITT_A, 3), 0x010801); /* a mapping does */
	run_skip(w, mapc(0, 2), 0x010903);
	expect_msi(w, 0, 0, LPI(0), 0);
	run_ok(w, mapc_off(0));
	expect_update(w, VITS_LPI_DETACH, true, LPI(0), 0);
	expect_update(w, VITS_LPI_DETACH, true, LPI(1), 0);
	w->bad = RAM_BASE;
	w->bad_end = QUEUE;
	run_ok(w, discard(DEV_A, 1));
	expect_update(w, VITS_LPI_CLEAR, false, LPI(1), 0);
	run_ok(w, mapd_off(DEV_A));
	expect_update(w, VITS_LPI_CLEAR, false, LPI(0), 0);
	expect_no_more_updates(w);
	run_skip(w, mapd_off(DEV_A), 0x010801);
	world_destroy(w);
}

static void test_events_beyond_the_shadow_of_a_function_are_what_its_itt_says(void **state)
{
	struct world *w = world_with_events();

	(void)state;
	ram_set(w, ITT_A + 5 * 8, ITE(1, LPI(7), 1));
	run_ok(w, intr(DEV_A, 5));
	expect_update(w, VITS_LPI_RAISE, false, LPI(7), 1);
	expect_no_msi(w, 0, 5, VITS_MSI_BEYOND_SHADOW);
	assert_int_equal(world_stats(w).shadow_differs, 0);
	world_destroy(w);
}

/*
 * The audit
 */

struct found {
	size_t nr;
	struct vits_difference last;
};

static void note(void *arg, const struct vits_difference *difference)
{
	struct found *found = arg;

	found->nr++;
	found->last = *difference;
}

static struct found audit(struct world *w)
{
	struct found found = { 0 };

	assert_int_equal(vits_audit(w->v, note, &found), 0);
	return found;
}

static void test_audit_lists_each_difference(void **state)
{
	struct world *w = world_with_events();
	struct found found;

	(void)state;
	assert_int_equal(audit(w).nr, 0);
	ram_set(w, ITT_A, ITE(1, LPI(5), 1));
	found = audit(w);
	assert_int_equal(found.nr, 1);
	assert_int_equal(found.last.kind, VITS_DIFFERENT_ITE);
	assert_int_equal(found.last.devid, DEV_A);
	assert_int_equal(found.last.eventid, 0);
	assert_true(found.last.readable);
	assert_int_equal(found.last.gpa, ITT_A);
	assert_int_equal(found.last.table, ITE(1, LPI(5), 1));
	assert_int_equal(found.last.shadow, ITE(1, LPI(0), 0));
	ram_set(w, ITT_A, ITE(1, LPI(0), 0));
	ram_set(w, ITT_A + 24, ITE(1, LPI(0), 0)); /* an unmapped event */
	assert_int_equal(audit(w).nr, 1);
	ram_set(w, COLL_TABLE, CTE(0, 1));
	found = audit(w);
	assert_int_equal(found.nr, 2);
	assert_int_equal(found.last.kind, VITS_DIFFERENT_CTE);
	assert_int_equal(found.last.icid, 0);
	assert_int_equal(found.last.gpa, COLL_TABLE);
	assert_int_equal(found.last.table, CTE(0, 1));
	assert_int_equal(found.last.shadow, CTE(0, 0));
	w->bad = DEVICE_TABLE;
	w->bad_end = COLL_TABLE;
	assert_int_equal(audit(w).nr, 3);
	w->bad_end = QUEUE;
	found = audit(w);
	assert_int_equal(found.nr, 3);
	assert_false(found.last.readable);
	assert_int_equal(found.last.table, 0);
	/* Looking changes nothing. */
	assert_int_equal(world_stats(w).shadow_differs, 0);
	world_destroy(w);
}

static void test_audit_lists_devices_and_no_more_events_than_they_have(void **state)
{
	struct world *w = world_with_events();
	struct found found;

	(void)state;
	run_ok(w, mapd(DEV_B, ITT_B, 2)); /* 4 EventIDs, of the 32 that may be assigned */
	ram_set(w, ITT_B + 4 * 8, ITE(1, LPI(9), 0)); /* beyond the ITT */
	assert_int_equal(audit(w).nr, 0);
	ram_set(w, ITT_B + 3 * 8, ITE(0, LPI(9), 0));
	assert_int_equal(audit(w).nr, 1);
	ram_set(w, ITT_B + 3 * 8, 0);
	ram_set(w, DEVICE_TABLE + DEV_B * 8, DTE(1, SPARE, 5));
	found = audit(w);
	assert_int_equal(found.nr, 1);
	assert_int_equal(found.last.kind, VITS_DIFFERENT_DTE);
	assert_int_equal(found.last.devid, DEV_B);
	assert_int_equal(found.last.gpa, DEVICE_TABLE + DEV_B * 8);
	assert_int_equal(found.last.table, DTE(1, SPARE, 5));
	assert_int_equal(found.last.shadow, DTE(1, ITT_B, 2));
	/* An unmapped one has no ITT to look at. */
	run_ok(w, mapd_off(DEV_B));
	ram_set(w, ITT_B, ITE(1, LPI(9), 0));
	assert_int_equal(audit(w).nr, 0);
	world_destroy(w);
}

static void audit_inside_commit(struct world *w)
{
	struct found found;

	w->on_commit = NULL;
	assert_int_equal(vits_audit(w->v, note, &found), -16);
}

static void test_audit_is_refused_while_commands_run(void **state)
{
	struct world *w = world_with_events();

	(void)state;
	w->on_commit = audit_inside_commit;
	run_ok(w, sync_cmd(0));
	assert_null(w->on_commit);
	world_destroy(w);
}

static void write_cwriter_inside_report(void *arg, const struct vits_difference *difference)
{
	struct world *w = arg;

	(void)difference;
	push(w, intr(DEV_A, 0));
	kick(w); /* as another thread would */
	expect_no_more_updates(w);
}

static void test_commands_that_come_during_an_audit_run_after_it(void **state)
{
	struct world *w = world_with_events();

	(void)state;
	ram_set(w, ITT_A, 0);
	assert_int_equal(vits_audit(w->v, write_cwriter_inside_report, w), 0);
	expect_update(w, VITS_LPI_RAISE, true, LPI(0), 0);
	world_destroy(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entries_have_the_layout_that_linux_documents),
		cmocka_unit_test(
			test_the_next_offset_is_1_and_0_in_the_last_entry_that_there_can_be),
		cmocka_unit_test(test_a_reader_of_the_layout_finds_all_events),
		cmocka_unit_test(test_the_collection_table_is_indexed_by_icid),
		cmocka_unit_test(test_flat_tables_of_all_page_sizes),
		cmocka_unit_test(test_slots_of_ids),
		cmocka_unit_test(test_a_table_longer_than_its_ids_ends_with_them),
		cmocka_unit_test(test_indirect_tables_of_all_page_sizes),
		cmocka_unit_test(test_an_indirect_table_ends_with_its_first_level),
		cmocka_unit_test(test_deviceids_of_32_bits),
		cmocka_unit_test(test_tables_outside_ram_are_out_of_range),
		cmocka_unit_test(test_a_table_of_64k_pages_above_48_bits),
		cmocka_unit_test(test_a_table_that_ends_in_the_middle_of_ram_or_begins_there),
		cmocka_unit_test(test_a_device_entry_that_no_mapd_could_have_written_is_no_device),
		cmocka_unit_test(test_an_ite_whose_intid_no_mapti_could_have_put_there_is_no_ite),
		cmocka_unit_test(test_a_collection_entry_that_names_no_vcpu_is_no_collection),
		cmocka_unit_test(test_an_eventid_whose_ite_is_not_in_ram_is_out_of_range),
		cmocka_unit_test(test_tables_that_cannot_be_written_fail_the_mapping),
		cmocka_unit_test(test_tables_over_each_other_do_no_harm),
		cmocka_unit_test(
			test_what_a_guest_writes_over_an_assigned_event_changes_nothing_and_is_counted),
		cmocka_unit_test(
			test_what_a_guest_writes_over_an_assigned_device_changes_nothing_and_is_counted),
		cmocka_unit_test(
			test_what_a_guest_writes_over_a_collection_changes_nothing_and_is_counted),
		cmocka_unit_test(test_unmapping_what_the_shadow_knows_does_not_need_the_tables),
		cmocka_unit_test(test_events_beyond_the_shadow_of_a_function_are_what_its_itt_says),
		cmocka_unit_test(test_audit_lists_each_difference),
		cmocka_unit_test(test_audit_lists_devices_and_no_more_events_than_they_have),
		cmocka_unit_test(test_audit_is_refused_while_commands_run),
		cmocka_unit_test(test_commands_that_come_during_an_audit_run_after_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
