// SPDX-License-Identifier: MIT
/*
 * What operating systems do to an ITS, as their drivers have it, mistakes
 * included: linux drivers/irqchip/irq-gic-v3-its.c, FreeBSD
 * sys/arm64/arm64/gicv3_its.c, Zephyr drivers/interrupt_controller/
 * intc_gicv3_its.c, Arm's BSA-ACS. IHI 0069 5.3, 12.18.
 */
#include "tests/unit/vitsmod/vits_world.h"

#define PAGE_SIZE MASK64(9, 8)
#define SHARE	  MASK64(11, 10)
#define INNER	  MASK64(61, 59)
#define OUTER	  MASK64(55, 53)
#define FIXED	  (MASK64(58, 56) | MASK64(52, 48)) /* Type, Entry_Size */

/*
 * Linux and FreeBSD: a table is taken when all that was written reads back, but
 * for Shareability, which may come back smaller: then that is what is asked for.
 */
static bool table_sticks(struct world *w, unsigned n, uint64_t value)
{
	uint32_t offset = GITS_BASER(0) + n * 8;
	uint64_t back;

	value |= rd64(w, offset) & FIXED;
	wr64(w, offset, value);
	back = rd64(w, offset);
	if ((back ^ value) & SHARE) {
		value = (value & ~SHARE) | (back & SHARE);
		if (!(back & SHARE))
			value = (value & ~INNER) | UINT64_C(1) << 59; /* not cacheable */
		wr64(w, offset, value);
		back = rd64(w, offset);
	}
	return back == value;
}

/* Linux its_probe_baser_psz(), its_parse_indirect_baser(), its_setup_baser() */
static void test_page_sizes_and_indirection_are_found_by_writing_and_reading_back(void **state)
{
	struct world *w = world_create(NULL);

	(void)state;
	for (unsigned n = 0; n < 2; n++) {
		uint32_t offset = GITS_BASER(0) + n * 8;
		uint64_t reset = rd64(w, offset);

		assert_int_equal(FIELD_GET(MASK64(58, 56), reset), n ? 4 : 1);
		for (uint64_t psz = 3; psz-- > 0;) {
			uint64_t value = (rd64(w, offset) & ~PAGE_SIZE) | psz << 8;

			wr64(w, offset, value);
			assert_int_equal(rd64(w, offset) & PAGE_SIZE, psz << 8);
			wr64(w, offset, value | GITS_BASER_INDIRECT);
			assert_true(rd64(w, offset) & GITS_BASER_INDIRECT);
			/* As Linux and FreeBSD want it, and as BSA-ACS does. */
			for (uint64_t share = 0; share < 4; share++) {
				for (uint64_t cache = 0; cache < 8; cache++)
					assert_true(table_sticks(
						w, n,
						VALID | GITS_BASER_INDIRECT | cache << 59 |
							(7 - cache) << 53 | SPARE | share << 10 |
							psz << 8 | 0x3f));
			}
		}
	}
	world_destroy(w);
}

/* its_force_quiescent(): 1 s at most. */
static void become_quiescent(struct world *w)
{
	if ((rd32(w, GITS_CTLR) & (GITS_CTLR_ENABLED | GITS_CTLR_QUIESCENT)) == GITS_CTLR_QUIESCENT)
		return;
	wr32(w, GITS_CTLR, rd32(w, GITS_CTLR) & ~GITS_CTLR_ENABLED);
	assert_int_equal(rd32(w, GITS_CTLR), GITS_CTLR_QUIESCENT);
}

/* its_probe_one() */
static void linux_probes(struct world *w, uint64_t tables)
{
	uint64_t cbaser = VALID | UINT64_C(7) << 59 | UINT64_C(1) << 10 | QUEUE | 15;

	assert_int_equal(rd32(w, GITS_PIDR2) & 0xf0, 0x30); /* ArchRev */
	become_quiescent(w);
	w->queue_sz = 0x10000;
	w->tail = 0;
	assert_true(table_sticks(w, 0, baser_value(tables, 8)));
	assert_true(table_sticks(w, 1, baser_value(tables + 0x100000, 1)));
	wr64(w, GITS_CBASER, cbaser);
	assert_int_equal(rd64(w, GITS_CBASER), cbaser);
	wr64(w, GITS_CWRITER, 0);
	wr32(w, GITS_CTLR, rd32(w, GITS_CTLR) | GITS_CTLR_ENABLED);
}

/* its_cpu_init_collection(): a command, SYNC, and a 32-bit write for the lot. */
static void linux_starts_cpu(struct world *w, uint32_t cpu)
{
	push(w, mapc(cpu, cpu));
	push(w, sync_cmd(cpu));
	push(w, invall(cpu));
	push(w, sync_cmd(cpu));
	kick(w);
	assert_int_equal(rd32(w, GITS_CREADR), w->tail);
}

static void linux_starts_device(struct world *w)
{
	run_ok(w, mapd(DEV_A, ITT_A, 2));
	for (uint32_t i = 0; i < DEV_A_EVENTS; i++) {
		push(w, mapti(DEV_A, i, LPI(i), i % NR_VCPUS));
		push(w, sync_cmd(i % NR_VCPUS));
		push(w, inv(DEV_A, i)); /* its_unmask_irq() */
		push(w, sync_cmd(i % NR_VCPUS));
		kick(w);
		assert_int_equal(rd32(w, GITS_CREADR), w->tail);
	}
}

static void expect_all_events(struct world *w)
{
	for (uint32_t i = 0; i < DEV_A_EVENTS; i++)
		expect_msi(w, 0, i, LPI(i), i % NR_VCPUS);
	assert_int_equal(world_stats(w).nr_last, 0);
}

static struct world *world_with_linux(void)
{
	struct world *w = world_create(NULL);

	linux_probes(w, DEVICE_TABLE);
	for (uint32_t cpu = 0; cpu < NR_VCPUS; cpu++)
		linux_starts_cpu(w, cpu);
	linux_starts_device(w);
	expect_all_events(w);
	return w;
}

static void test_linux_starts_cpus_and_devices_without_an_error(void **state)
{
	struct world *w = world_with_linux();

	(void)state;
	/* irq affinity, its_irq_retrigger(), a driver that goes and comes back */
	run_ok(w, movi(DEV_A, 0, 3));
	expect_msi(w, 0, 0, LPI(0), 3);
	run_ok(w, intr(DEV_A, 0));
	for (uint32_t i = 0; i < DEV_A_EVENTS; i++)
		run_ok(w, discard(DEV_A, i));
	run_ok(w, mapd_off(DEV_A));
	ram_zero(w, ITT_A, 0x1000);
	linux_starts_device(w);
	expect_all_events(w);
	/* A CPU that went off and comes back: its collection is mapped again as it is. */
	linux_starts_cpu(w, 2);
	expect_all_events(w);
	assert_int_equal(world_stats(w).shadow_differs, 0);
	world_destroy(w);
}

/* its_save_disable(), its_restore_enable(): the same values once more. */
static void test_linux_suspends_and_resumes_with_all_its_mappings(void **state)
{
	struct world *w = world_with_linux();
	uint64_t ctlr = rd32(w, GITS_CTLR), cbaser, baser[2];

	(void)state;
	become_quiescent(w);
	cbaser = rd64(w, GITS_CBASER);
	baser[0] = rd64(w, GITS_BASER(0));
	baser[1] = rd64(w, GITS_BASER(1));
	forget_updates(w);
	become_quiescent(w);
	wr64(w, GITS_CBASER, cbaser);
	w->tail = 0;
	wr64(w, GITS_CWRITER, 0);
	wr64(w, GITS_BASER(0), baser[0]);
	wr64(w, GITS_BASER(1), baser[1]);
	wr32(w, GITS_CTLR, (uint32_t)ctlr);
	expect_no_more_updates(w);
	expect_all_events(w);
	linux_starts_cpu(w, 0);
	expect_all_events(w);
	world_destroy(w);
}

/* Firmware or another kernel left the ITS on, with commands in the queue. */
static void test_kexec_finds_the_its_enabled_and_takes_it_over(void **state)
{
	struct world *w = world_with_linux();

	(void)state;
	for (unsigned i = 0; i < 400; i++)
		push(w, intr(DEV_A, 0));
	kick(w);
	assert_int_not_equal(rd32(w, GITS_CREADR), w->tail);
	linux_probes(w, SPARE);
	for (uint32_t i = 0; i < DEV_A_EVENTS; i++)
		expect_no_msi(w, 0, i, VITS_MSI_UNMAPPED);
	ram_zero(w, ITT_A, 0x1000);
	for (uint32_t cpu = 0; cpu < NR_VCPUS; cpu++)
		linux_starts_cpu(w, cpu);
	linux_starts_device(w);
	expect_all_events(w);
	world_destroy(w);
}

static void test_zephyrs_mistakes_are_survived_and_named(void **state)
{
	struct world *w = world_create(NULL);

	(void)state;
	world_set_tables(w);
	/* A queue of 64K, announced as 17 pages. */
	wr64(w, GITS_CBASER, VALID | QUEUE | 16);
	assert_int_equal(rd64(w, GITS_CBASER) & 0xff, 16);
	/* A first level that is one bit too small (issue 119193). */
	wr64(w, GITS_BASER(0), VALID | GITS_BASER_INDIRECT | DEVICE_TABLE);
	for (unsigned i = 0; i < 64; i++)
		ram_set(w, DEVICE_TABLE + i * 8, VALID | SPARE);
	wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
	run_ok(w, mapd(0x7fff, ITT_A, 2));
	run_skip(w, mapd(0x8000, ITT_A, 2), 0x010801);
	/* An address shifted down for a processor number. */
	run_skip(w, mapc(0, 0x080a0000 >> 16), 0x010902);
	run_ok(w, mapc(0, 0));
	/* An ITT for 3 events (issue 117277) has 2 EventID bits or it is too small. */
	run_ok(w, mapd(DEV_X, ITT_X, 1));
	run_skip(w, mapti(DEV_X, 2, LPI(0), 0), 0x010a05);
	/* An LPI beyond those that there are (issue 119828). */
	run_skip(w, mapti(DEV_X, 1, LAST_LPI + 1, 0), 0x010a06);
	run_skip(w, mapti(DEV_X, 1, 0x10000, 0), 0x010a06);
	run_ok(w, mapti(DEV_X, 1, LPI(0), 0));
	world_destroy(w);
}

/* An ITT for all EventIDs of which 32 KiB are there; Retry whenever it says Stalled. */
static void test_bsa_acs_gets_through(void **state)
{
	struct vits_config config;
	struct world *w;
	unsigned bits;

	(void)state;
	world_default_config(&config);
	config.on_error = VITS_ON_ERROR_STALL;
	w = world_create(&config);
	world_set_tables(w);
	assert_true(table_sticks(w, 0,
				 VALID | INNER | OUTER | UINT64_C(2) << 10 | 0x207 | DEVICE_TABLE));
	assert_true(
		table_sticks(w, 1, VALID | INNER | OUTER | UINT64_C(2) << 10 | 0x207 | COLL_TABLE));
	wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
	bits = (unsigned)FIELD_GET(MASK64(12, 8), rd64(w, GITS_TYPER)) + 1;
	/* CIL is 0, and CIDbits with it: 16-bit ICIDs. */
	assert_int_equal(FIELD_GET(MASK64(36, 32), rd64(w, GITS_TYPER)), 0);
	run_ok(w, mapd(DEV_X, RAM_END - 0x8000, bits));
	run_ok(w, mapc(1, 1));
	run_ok(w, mapti(DEV_X, 0, LPI(4), 1));
	run_ok(w, inv(DEV_X, 0));
	run_ok(w, intr(DEV_X, 0));
	assert_true(w->lpis[4].pending);
	run_ok(w, mapti(DEV_X, 0x8000 / 8 - 1, LPI(5), 1));
	push(w, mapti(DEV_X, 0x8000 / 8, LPI(6), 1));
	kick(w);
	assert_true(rd64(w, GITS_CREADR) & GITS_CREADR_STALLED);
	for (unsigned i = 0; i < 3; i++)
		wr32(w, GITS_CWRITER, w->tail | GITS_CWRITER_RETRY);
	assert_int_equal(world_stats(w).cmd[GITS_CMD_MAPTI].stalled, 4);
	wr32(w, GITS_CTLR, 0);
	assert_int_equal(rd32(w, GITS_CTLR), GITS_CTLR_QUIESCENT);
	world_destroy(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_page_sizes_and_indirection_are_found_by_writing_and_reading_back),
		cmocka_unit_test(test_linux_starts_cpus_and_devices_without_an_error),
		cmocka_unit_test(test_linux_suspends_and_resumes_with_all_its_mappings),
		cmocka_unit_test(test_kexec_finds_the_its_enabled_and_takes_it_over),
		cmocka_unit_test(test_zephyrs_mistakes_are_survived_and_named),
		cmocka_unit_test(test_bsa_acs_gets_through),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
