// SPDX-License-Identifier: MIT
/*
 * attack_places - ITS tables, ITTs and queues where none can be: outside RAM,
 * half in it, in devices, in each other and in the page tables.
 *
 * IHI 0069 5.2 (tables), 12.18 (GITS_BASER<n>, GITS_CBASER). What ends how is
 * for the host to check: tests/e2e/attacks-from-inside.sh.
 */
#include "lib/arch.h"
#include "lib/attack.h"
#include "lib/cpu.h"
#include "lib/flood.h"
#include "lib/its.h"
#include "lib/payload.h"
#include "vitsmod/bits.h"

const char payload_name[] = "attack_places";

#define BEYOND_RAM UINT64_C(0xc0000000) /* guests of the tests have less than 2 GiB */
#define PAGES_4K   0u
#define PAGES_64K  FIELD_PREP(GITS_BASER_PAGE_SIZE, GITS_PAGE_64K)
#define ITT_BITS   5u
#define EVENTS	   4u

/* ---- one place, used for everything ------------------------------------------- */

static void post(struct gits_cmd command)
{
	its_post(&command);
}

static void use_device(uint32_t id, uint64_t itt, uint32_t rdbase)
{
	post(cmd_mapd(id, itt, ITT_BITS));
	post(cmd_mapc(id, rdbase, true));
	for (uint32_t event = 0; event < EVENTS; event++) {
		post(cmd_mapti(id, event * 10, STRANGER_LPI + event, id));
		post(cmd_int(id, event * 10));
		post(cmd_inv(id, event * 10));
		post(cmd_discard(id, event * 10));
	}
	post(cmd_mapc(id, 0, false));
	its_run();
}

/* Devices, events and collections with numbers from everywhere; ITTs at `itt`. */
static void use_tables(uint64_t itt)
{
	static const uint32_t ids[] = { 0, 1, 31, 511, 512, 8191, 8192, 0xffff, 0x10000 };

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		use_device(ids[i], itt, attack_world()->rdbase[i % 3]);
}

static void enable(void)
{
	write32(LAYOUT_GITS + GITS_CTLR, GITS_CTLR_ENABLED);
	CHECK(read32(LAYOUT_GITS + GITS_CTLR) & GITS_CTLR_ENABLED, "GITS_CTLR.Enabled stays 0");
}

/* GITS_BASER0 and 1 with `value`; the queue is a good one. */
static void tables_of(uint64_t value)
{
	its_off();
	its_init_disabled();
	for (unsigned n = 0; n < 2; n++)
		write64(LAYOUT_GITS + GITS_BASER(n), GITS_BASER_VALID | value);
	enable();
}

/* Run all of a queue of `pages` pages of 4 KiB at `at`, whatever is there, twice around. 64K
 * aligned. */
static void queue_of(uint64_t at, unsigned pages)
{
	uint64_t last = pages * UINT64_C(4096) - GITS_CMD_SZ;

	its_off();
	its_init_disabled();
	write64(LAYOUT_GITS + GITS_CBASER, GITS_CBASER_VALID | at | (pages - 1));
	enable();
	for (unsigned round = 0; round < 4; round++) {
		uint64_t to = round % 2 ? 0 : last;

		write64(LAYOUT_GITS + GITS_CWRITER, to);
		CHECK(WAIT_UNTIL(read64(LAYOUT_GITS + GITS_CREADR) == to, PATIENCE_MS),
		      "the ITS hangs with a queue at 0x%lx: GITS_CREADR 0x%lx", at,
		      read64(LAYOUT_GITS + GITS_CREADR));
	}
}

static void everything_at(uint64_t at)
{
	static const uint64_t shapes[] = { PAGES_4K, PAGES_64K, GITS_BASER_INDIRECT | PAGES_4K,
					   GITS_BASER_INDIRECT | PAGES_64K };

	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		tables_of(at | shapes[i] | 0x7);
		use_tables(at);
	}
	attack_restore();
	use_tables(at);
	queue_of(at, 16);
	attack_restore();
}

static void outside(void)
{
	const uint64_t at[] = { 0,	    LAYOUT_RAM - 0x10000,   attack_world()->ram_end,
				BEYOND_RAM, UINT64_C(0x7fffff0000), UINT64_C(0xfffffffff0000) };

	for (size_t i = 0; i < ARRAY_SIZE(at); i++)
		everything_at(at[i]);
}

static void devices(void)
{
	const uint64_t at[] = { LAYOUT_GICD,
				LAYOUT_GITS,
				LAYOUT_UART,
				LAYOUT_GICR,
				LAYOUT_ECAM,
				attack_edu()->fn.bar[0],
				LAYOUT_KERNEL_ITS_FRAME,
				LAYOUT_KERNEL_ITS_MEM };

	for (size_t i = 0; i < ARRAY_SIZE(at); i++)
		everything_at(at[i]);
}

/* ---- half in RAM ------------------------------------------------------------------ */

static void fill_with_syncs(uint64_t at, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++) {
		write64(at + 32 * i, GITS_CMD_SYNC);
		for (unsigned word = 8; word < 32; word += 8)
			write64(at + 32 * i + word, 0);
	}
}

/* Tables whose last part is not there: each command finds its entry, or none. */
static void tables_at_the_end(uint64_t end)
{
	uint64_t l1 = end - 0x1000, l2 = end - 0x1000;

	memset((void *)(end - 0x10000), 0, 0x10000);
	tables_of((end - 0x10000) | PAGES_64K | 1); /* two pages: 2^13 entries are there */
	use_tables(end - 256);
	tables_of((end - 0x1000) | PAGES_4K | 3);
	use_tables(end - 128);

	/* One level 1 page is there, and its entries name a level 2 page that is half there. */
	for (unsigned i = 0; i < 512; i++)
		write64(l1 + 8 * i, GITS_L1_VALID | l2);
	tables_of(l1 | GITS_BASER_INDIRECT | PAGES_64K | 1);
	use_tables(end - 0x2000);
}

static void straddling(void)
{
	uint64_t end = attack_world()->ram_end;

	tables_at_the_end(end);
	attack_restore();

	/* The 32nd of 32 events is the last thing in RAM; of 64, the upper half is beyond. */
	its_mapd(STRANGER_DEVID, end - 256, 6, true);
	its_mapti(STRANGER_DEVID, 31, STRANGER_LPI, 0);
	its_int(STRANGER_DEVID, 31);
	its_mapti(STRANGER_DEVID, 32, STRANGER_LPI, 0);
	its_mapti(STRANGER_DEVID, 63, STRANGER_LPI, 0);

	/* Half of 128 KiB is in RAM: 2048 commands, and 2048 that nobody can read. */
	fill_with_syncs(end - 0x10000, 2048);
	queue_of(end - 0x10000, 32);
}

/* ---- in each other ---------------------------------------------------------------- */

/* The first of the two level 1 pages that the payload runs on (start.S). */
static uint64_t page_tables(void)
{
	extern volatile uint64_t mmu_alias_entry;

	return address_of(&mmu_alias_entry) - 1023 * 8;
}

/*
 * Entries 16 to 255 translate addresses from 16 to 256 GiB, where nothing is
 * that the payload uses: what the ITS makes of them can be looked at.
 */
static void in_the_page_tables(void)
{
	uint64_t tables = page_tables(), changed = 0;
	static uint64_t saved[1024];

	for (unsigned i = 0; i < 1024; i++)
		saved[i] = read64(tables + 8 * i);
	tables_of(tables | PAGES_4K | 1);
	for (uint32_t id = 16; id < 256; id++) {
		its_mapd(id, attack_world()->ram_end - 0x10000, 16, true);
		its_mapti(id, id, STRANGER_LPI, id);
		its_int(id, id);
		its_mapc(id, 0, true);
		its_int(id, id);
	}
	for (unsigned i = 16; i < 256; i++)
		changed += read64(tables + 8 * i) != saved[i];
	queue_of(tables & ~UINT64_C(0xffff), 16);
	its_off();
	for (unsigned i = 16; i < 256; i++)
		write64(tables + 8 * i, saved[i]);
	barrier();
	fact("page_table_entries_overwritten", changed);
	CHECK(changed == 240, "the ITS wrote %lu entries", changed);
	for (unsigned i = 0; i < 1024; i++)
		CHECK(read64(tables + 8 * i) == saved[i], "entry %u was not the ITS's", i);
}

/* Devices, collections, queue and ITTs in one 64 KiB: each command changes the others. */
static void in_one_place(void)
{
	uint64_t at = attack_world()->ram_end - 0x10000;

	memset((void *)at, 0, 0x10000);
	tables_of(at | PAGES_64K);
	use_tables(at);
	attack_map_disk(0);
	use_tables(at);
	its_off();
	write64(LAYOUT_GITS + GITS_CBASER, GITS_CBASER_VALID | at | 15);
	enable();
	/* Entries are of 8 bytes, commands of 32: a quarter of each is the ITS's own doing. */
	for (unsigned i = 0; i < ITS_QUEUE_SZ / GITS_CMD_SZ; i++) {
		const struct gits_cmd commands[] = {
			cmd_mapd(4 * i % 64, at, 16),
			cmd_mapti(4 * i % 64, 4 * i, STRANGER_LPI + i % 8, 4 * i % 64),
			cmd_mapc(4 * i % 64, i % 3, true),
			cmd_int(4 * i % 64, 4 * i),
		};

		cmd_encode(&commands[i % 4], (uint64_t *)(at + i * GITS_CMD_SZ));
	}
	for (unsigned round = 0; round < 8; round++) {
		uint64_t to = round % 2 ? 0 : ITS_QUEUE_SZ - GITS_CMD_SZ;

		write64(LAYOUT_GITS + GITS_CWRITER, to);
		CHECK(WAIT_UNTIL(read64(LAYOUT_GITS + GITS_CREADR) == to, PATIENCE_MS),
		      "the ITS hangs in tables of its own");
	}
}

static void overlapping(void)
{
	in_one_place();
	attack_restore();
	in_the_page_tables();
}

void payload_main(uint64_t fdt)
{
	static const struct attack attacks[] = {
		{ "outside", outside },
		{ "devices", devices },
		{ "straddling", straddling },
		{ "overlapping", overlapping },
	};

	attack_main(fdt, attacks, ARRAY_SIZE(attacks));
}
