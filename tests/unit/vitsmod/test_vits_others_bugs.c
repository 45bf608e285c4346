// SPDX-License-Identifier: MIT
/*
 * Bugs that others had: each once broke another ITS, or the VMM around it, and
 * has a test here that would show it in this one. Sources: CVE entries, change
 * logs and issue threads, as named.
 *
 *	Linux KVM, arch/arm64/kvm/vgic/vgic-its.c
 *	 CVE-2026-46316 ("ITScape"): commands and translations at the same time
 *		freed an event that was in use; and
 *	 CVE-2024-26598: a translation used an event that DISCARD had freed
 *		msis_during_commands_are_translated_whole_or_not_at_all
 *	 CVE-2026-89912: saving an ITT after MAPC with V=0 followed NULL
 *		an_itt_is_saved_after_mapc_v_0
 *	 change logs: a DTE whose Size is out of range was taken at restore
 *		a_dte_with_an_out_of_range_size_is_refused_at_restore
 *	 change logs: DTE after MAPD V=0, ITE after DISCARD were left in memory
 *		what_was_unmapped_does_not_come_back_at_restore
 *	 change logs: scan_its_table() went on for ever after the end of a page
 *		deviceids_0_1fff_2000_ffff_with_an_indirect_table
 *	 8c58be34494b: an event whose collection was not mapped failed to restore
 *		mapti_to_an_unmapped_icid_survives_save_and_restore
 *	 change logs: MOVALL took the LPIs of all vCPUs
 *		movall_takes_what_the_named_vcpu_has_and_no_more
 *	 change logs: another GITS_BASER<n> left what was cached in place
 *		another_baser_between_two_sessions_leaves_no_old_mapping
 *	QEMU, hw/intc/arm_gicv3_its.c
 *	 DTE and ITE were read before DeviceID and EventID were checked
 *		ids_out_of_range_are_never_looked_up
 *	 g_assert_not_reached() behind GITS_BASER<n>; GITS_CREADR could be written
 *		all_values_of_baser_are_survived, creadr_cannot_be_written
 *	Firecracker issue 5648: a panic when an ITS that was never used is saved
 *		an_its_that_was_never_enabled_is_saved_restored_and_reset
 *	VirtualBox GITSAll.cpp
 *	 GITS_TYPER was looked at to see whether commands may run
 *		commands_run_by_ctlr_enabled_alone
 *	 AssertRelease() at a reserved offset; GITS_CREADR outlived GITS_CBASER
 *		a_reserved_offset_ends_nothing, a_creadr_reset_follows_each_cbaser_write
 *	L4Re uvmm: GITS_CWRITER beyond the queue was an endless loop; MOVI and
 *	DISCARD left behind what was pending
 *		a_cwriter_beyond_the_queue_never_loops,
 *		what_is_pending_moves_with_movi_and_goes_with_discard
 *	gem5: panic() at an unknown command
 *		all_256_opcodes_are_survived
 *	Xen, vgic-v3-its.c: INVALL of an unmapped ICID followed NULL; entries have
 *	no valid bit, so that zeroes map ITT 0 and vCPU 0
 *		invall_of_an_icid_that_was_never_mapped_is_an_error,
 *		a_zeroed_table_maps_nothing
 *	hvisor: unwrap() of a lookup that the guest controls
 *		an_itt_outside_ram_fails_at_mapti_and_not_before
 *	axvisor (tgoskits issue 1734): the queue's address was the host's
 *		a_queue_that_leaves_ram_runs_as_far_as_ram_goes
 *
 * Those that only a whole machine can show are in tests/e2e/.
 */
#include "tests/unit/vitsmod/vits_twins.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vitsmod/regs.h"

/*
 * Linux KVM
 */

#define NR_RACES 4000u

struct race {
	struct world *w;
	atomic_bool over;
	_Atomic uint64_t nr_delivered;
};

/* Event i is LPI 2i at vCPU 0, or LPI 2i+1 at vCPU 1, and never a mixture. */
static void *signal_all_events(void *arg)
{
	struct race *race = arg;

	while (!atomic_load(&race->over)) {
		for (uint32_t i = 0; i < DEV_A_EVENTS; i++) {
			struct vits_lpi lpi;

			if (vits_translate(race->w->v, 0, i, &lpi) != VITS_MSI_DELIVER)
				continue;
			if (lpi.vcpu > 1 || lpi.intid != LPI(2 * i + lpi.vcpu)) {
				fprintf(stderr, "event %u: LPI %u at vCPU %u\n", i, lpi.intid,
					lpi.vcpu);
				abort();
			}
			atomic_fetch_add(&race->nr_delivered, 1);
		}
	}
	return NULL;
}

static void test_msis_during_commands_are_translated_whole_or_not_at_all(void **state)
{
	struct world *w = world_create_ready();
	struct race race = { .w = w };
	pthread_t threads[2];

	(void)state;
	alarm(300);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, signal_all_events, &race), 0);
	/* However the threads take turns: until both have been at work. */
	for (uint32_t n = 0; n < NR_RACES || !atomic_load(&race.nr_delivered); n++) {
		uint32_t event = n % DEV_A_EVENTS, side = n / DEV_A_EVENTS % 2;

		run_ok(w, mapti(DEV_A, event, LPI(2 * event + side), side));
		run_ok(w, intr(DEV_A, event));
		switch (n % 3) {
		case 0:
			run_ok(w, discard(DEV_A, event));
			break;
		case 1:
			run_ok(w, mapd(DEV_A, ITT_A, 3));
			ram_zero(w, ITT_A, 64);
			break;
		default:
			wr32(w, GITS_CTLR, 0);
			wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
			run_ok(w, discard(DEV_A, event));
		}
	}
	atomic_store(&race.over, true);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	world_destroy(w);
}

static void test_an_itt_is_saved_after_mapc_v_0(void **state)
{
	struct world *a = world_create_ready(), *b;

	(void)state;
	run_ok(a, mapti(DEV_A, 0, LPI(0), 0));
	run_ok(a, mapti(DEV_A, 1, LPI(1), 1));
	run_ok(a, mapti(DEV_X, 0, LPI(2), 1));
	run_ok(a, mapc_off(1));
	b = round_trip(a);
	assert_int_equal(ram_get(b, ITE_SLOT(ITT_A, 1)), ITE(1, LPI(1), 1));
	assert_int_equal(ram_get(b, CTE_SLOT(1)), 0);
	expect_msi(b, 0, 0, LPI(0), 0);
	expect_no_msi(b, 0, 1, VITS_MSI_UNMAPPED);
	run_ok(b, mapc(1, 2));
	expect_msi(b, 0, 1, LPI(1), 2);
	world_destroy(a);
	world_destroy(b);
}

/* Save, put a value into a slot, and try to restore: -EFAULT, and nothing happened. */
static void expect_refused_with(uint64_t slot, uint64_t value)
{
	struct world *a = world_with_events();
	struct vits_config config = a->config;
	struct vits_state saved;
	struct world *b;

	config.functions = a->functions;
	assert_int_equal(vits_save(a->v, &saved), 0);
	ram_set(a, slot, value);
	b = world_next(a, &config);
	assert_int_equal(vits_restore(b->v, &saved), -EFAULT);
	assert_in_reset_state(b);
	vits_state_fini(&saved);
	world_destroy(a);
	world_destroy(b);
}

static void test_a_dte_with_an_out_of_range_size_is_refused_at_restore(void **state)
{
	(void)state;
	for (unsigned bits = 17; bits <= 32; bits++)
		expect_refused_with(DTE_SLOT(DEV_A), DTE(1, ITT_A, bits));
	/* None at all; one that is too small for what was saved; one that has no memory. */
	expect_refused_with(DTE_SLOT(DEV_A), DTE(1, ITT_A, 3) & ~VALID);
	expect_refused_with(DTE_SLOT(DEV_B), DTE(1, ITT_B, 1));
	expect_refused_with(DTE_SLOT(DEV_B), DTE(1, MASK64(51, 8), 16));
}

static void test_what_was_unmapped_does_not_come_back_at_restore(void **state)
{
	struct world *a = world_create_ready(), *b;

	(void)state;
	for (uint32_t i = 0; i < 4; i++) {
		run_ok(a, mapti(DEV_A, i, LPI(i), 0));
		run_ok(a, mapti(DEV_B, i, LPI(8 + i), 1));
	}
	for (uint32_t i = 0; i < 4; i++)
		run_ok(a, discard(DEV_B, i));
	run_ok(a, mapd_off(DEV_A));
	assert_int_equal(ram_get(a, DTE_SLOT(DEV_A)), 0);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(ram_get(a, ITE_SLOT(ITT_B, i)), 0);
	b = round_trip(a);
	expect_no_more_updates(b);
	for (uint32_t i = 0; i < 4; i++) {
		expect_no_msi(b, 0, i, VITS_MSI_UNMAPPED);
		expect_no_msi(b, 1, i, VITS_MSI_UNMAPPED);
		run_skip(b, intr(DEV_A, i), 0x010304);
		run_skip(b, intr(DEV_B, i), 0x010307);
	}
	world_destroy(a);
	world_destroy(b);
}

/* 64K pages have 0x2000 entries: the ends of the first page, and the last one. */
static void test_deviceids_0_1fff_2000_ffff_with_an_indirect_table(void **state)
{
	static const struct vits_function functions[] = {
		{ 0, 2 }, { 0x1fff, 2 }, { 0x2000, 2 }, { 0xffff, 2 }
	};
	struct vits_config config;
	struct world *a, *b;

	(void)state;
	alarm(60);
	world_default_config(&config);
	config.functions = functions;
	config.nr_functions = ARRAY_SIZE(functions);
	a = world_create(&config);
	world_set_tables(a);
	wr64(a, GITS_BASER(0), baser_value(SPARE, 1) | GITS_BASER_INDIRECT);
	/* Of eight pages at the second level three are there. */
	ram_set(a, SPARE, VALID | DEVICE_TABLE);
	ram_set(a, SPARE + 8, VALID | (DEVICE_TABLE + 0x10000));
	ram_set(a, SPARE + 7 * 8, VALID | (DEVICE_TABLE + 0x20000));
	wr32(a, GITS_CTLR, GITS_CTLR_ENABLED);
	run_ok(a, mapc(0, 3));
	for (uint32_t i = 0; i < ARRAY_SIZE(functions); i++) {
		run_ok(a, mapd(functions[i].devid, ITT_A + i * 0x1000, 1));
		run_ok(a, mapti(functions[i].devid, 1, LPI(i), 0));
	}
	run_skip(a, mapd(0x4000, ITT_X, 1), 0x010801);
	assert_int_equal(ram_get(a, DEVICE_TABLE), DTE(1, ITT_A, 1));
	assert_int_equal(ram_get(a, DEVICE_TABLE + 0xfff8), DTE(1, ITT_A + 0x1000, 1));
	assert_int_equal(ram_get(a, DEVICE_TABLE + 0x10000), DTE(1, ITT_A + 0x2000, 1));
	assert_int_equal(ram_get(a, DEVICE_TABLE + 0x2fff8), DTE(0, ITT_A + 0x3000, 1));
	b = round_trip(a);
	same_worlds(a, b);
	for (uint32_t i = 0; i < ARRAY_SIZE(functions); i++) {
		expect_msi(b, i, 1, LPI(i), 3);
		expect_no_msi(b, i, 0, VITS_MSI_UNMAPPED);
	}
	world_destroy(a);
	world_destroy(b);
}

static void test_mapti_to_an_unmapped_icid_survives_save_and_restore(void **state)
{
	struct world *a = world_create_ready(), *b;

	(void)state;
	run_ok(a, mapti(DEV_A, 0, LPI(0), 9));
	run_ok(a, mapti(DEV_B, 7, LPI(1), 0xffff));
	b = round_trip(a);
	same_worlds(a, b);
	expect_no_more_updates(b);
	run_ok(b, mapc(0xffff, 2));
	run_ok(b, mapc(9, 3));
	expect_msi(b, 0, 0, LPI(0), 3);
	expect_msi(b, 1, 7, LPI(1), 2);
	world_destroy(a);
	world_destroy(b);
}

static void test_movall_takes_what_the_named_vcpu_has_and_no_more(void **state)
{
	struct world *w = world_create_ready();

	(void)state;
	run_ok(w, mapc(2, 2));
	for (uint32_t i = 0; i < 3; i++)
		run_ok(w, mapti(DEV_A, i, LPI(i), i));
	run_ok(w, movall(1, 3));
	expect_msi(w, 0, 0, LPI(0), 0);
	expect_msi(w, 0, 1, LPI(1), 3);
	expect_msi(w, 0, 2, LPI(2), 2);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(w->lpis[i].vcpu, i == 1 ? 3 : i);
	world_destroy(w);
}

/* As kexec does it: a new kernel brings tables of its own. */
static void test_another_baser_between_two_sessions_leaves_no_old_mapping(void **state)
{
	struct world *w = world_create_ready();

	(void)state;
	run_ok(w, mapti(DEV_A, 0, LPI(0), 0));
	run_ok(w, mapti(DEV_B, 0, LPI(1), 1));
	forget_updates(w);
	wr32(w, GITS_CTLR, 0);
	world_set_tables(w);
	wr64(w, GITS_BASER(0), baser_value(SPARE, 8));
	wr64(w, GITS_BASER(1), baser_value(SPARE + 0x100000, 8));
	expect_update(w, VITS_LPI_UNMAP, true, LPI(0), 0);
	expect_update(w, VITS_LPI_UNMAP, true, LPI(1), 1);
	wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
	expect_no_msi(w, 0, 0, VITS_MSI_UNMAPPED);
	expect_no_msi(w, 1, 0, VITS_MSI_UNMAPPED);
	run_skip(w, mapti(DEV_B, 0, LPI(0), 0), 0x010a04);
	run_skip(w, invall(0), 0x010d09);
	/* The old LPIs are free. */
	run_ok(w, mapd(DEV_B, ITT_X, 5));
	run_ok(w, mapc(0, 2));
	run_ok(w, mapti(DEV_B, 3, LPI(0), 0));
	expect_msi(w, 1, 3, LPI(0), 2);
	assert_int_equal(world_stats(w).shadow_differs, 0);
	world_destroy(w);
}

/*
 * QEMU
 */

struct forbidden {
	uint64_t from, to;
};

static void no_read_there(struct world *w, uint64_t gpa, size_t len)
{
	const struct forbidden *forbidden = w->arg;

	if (gpa < forbidden->to && gpa + len > forbidden->from)
		fail_msg("read of %#llx", (unsigned long long)gpa);
}

static const uint8_t event_opcodes[] = { GITS_CMD_MAPTI,   GITS_CMD_MAPI, GITS_CMD_MOVI,
					 GITS_CMD_DISCARD, GITS_CMD_INT,  GITS_CMD_CLEAR,
					 GITS_CMD_INV };

static struct words event_words(uint8_t op, uint32_t devid, uint64_t eventid)
{
	struct words cmd = mapti(devid, (uint32_t)eventid, LPI(1), 0);

	cmd.w[0] = (cmd.w[0] & ~GITS_CMD0_OPCODE) | op;
	return cmd;
}

static void test_ids_out_of_range_are_never_looked_up(void **state)
{
	static const uint32_t devids[] = { 512, 513, 0xffff, 0x10000, 0x80000000, UINT32_MAX };
	static const uint64_t eventids[] = { 8, 9, 0xffff, 0x10000, 0x80000000, UINT32_MAX };
	struct world *w = world_create(NULL);
	struct forbidden itt = { ITT_A, ITT_B };
	uint64_t reads;

	(void)state;
	world_set_tables(w);
	wr64(w, GITS_BASER(0), VALID | DEVICE_TABLE); /* 512 DeviceIDs */
	wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
	run_ok(w, mapc(0, 0));
	run_ok(w, mapd(DEV_A, ITT_A, 3));
	for (size_t op = 0; op < ARRAY_SIZE(event_opcodes); op++) {
		for (size_t i = 0; i < ARRAY_SIZE(devids); i++) {
			reads = w->nr_reads;
			run(w, event_words(event_opcodes[op], devids[i], 0));
			assert_int_equal(w->code & 0xff, 0x01);
			assert_int_equal(w->nr_reads, reads + 1); /* the command */
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(devids); i++) {
		reads = w->nr_reads;
		run_skip(w, mapd(devids[i], ITT_A, 3), 0x010801);
		run_skip(w, mapd_off(devids[i]), 0x010801);
		assert_int_equal(w->nr_reads, reads + 2);
	}
	w->on_read = no_read_there;
	w->arg = &itt;
	for (size_t op = 0; op < ARRAY_SIZE(event_opcodes); op++) {
		for (size_t i = 0; i < ARRAY_SIZE(eventids); i++) {
			run(w, event_words(event_opcodes[op], DEV_A, eventids[i]));
			assert_int_equal(w->code & 0xff, 0x05);
		}
	}
	world_destroy(w);
}

/* All that says what a table is, and some of where it is. */
static void test_all_values_of_baser_are_survived(void **state)
{
	static const uint64_t places[] = { DEVICE_TABLE, RAM_END - 0x1000, 0, MASK64(47, 12) };
	struct world *w = world_create(NULL);

	(void)state;
	for (uint64_t i = 0; i < 1 << 12; i++) {
		/* Type, Entry_Size, Page_Size, Indirect, Valid, place, n */
		uint64_t value = (i & 7) << 56 | (i >> 3 & 1 ? UINT64_C(0x1f) << 48 : 0) |
				 (i >> 4 & 3) << 8 | (i >> 6 & 1) << 62 | (i >> 7 & 1) << 63 |
				 places[i >> 8 & 3] | (i & 1 ? 0xff : 0);

		world_set_tables(w);
		wr64(w, GITS_BASER(0) + (i >> 10) * 8, value);
		wr64(w, GITS_BASER(0) + 7 * 8, value);
		wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
		push(w, mapd((uint32_t)i, ITT_X, 5));
		push(w, mapc((uint32_t)i, 0));
		push(w, mapti((uint32_t)i, 1, LPI(1), (uint32_t)i));
		push(w, intr((uint32_t)i, 1));
		kick(w);
		assert_int_equal(rd64(w, GITS_BASER(0)) & UINT64_C(0x071f000000000000),
				 UINT64_C(0x0107000000000000));
		assert_int_equal(rd64(w, GITS_BASER(0) + 7 * 8), 0);
		vits_reset(w->v);
	}
	world_destroy(w);
}

static void test_creadr_cannot_be_written(void **state)
{
	struct world *w = world_create_on(NULL);

	(void)state;
	run_ok(w, sync_cmd(0));
	for (unsigned on = 0; on < 2; on++) {
		wr64(w, GITS_CREADR, 0x40);
		wr64(w, GITS_CREADR, GITS_CREADR_STALLED);
		wr32(w, GITS_CREADR, 0x60 | GITS_CREADR_STALLED);
		wr32(w, GITS_CREADR + 4, UINT32_MAX);
		assert_int_equal(rd64(w, GITS_CREADR), 0x20);
		assert_int_equal(w->nr_commands, 1);
		wr32(w, GITS_CTLR, 0);
	}
	world_destroy(w);
}

/*
 * Firecracker
 */

static void test_an_its_that_was_never_enabled_is_saved_restored_and_reset(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct world *a = world_create(NULL), *b;

		if (i > 0) /* set up, but never switched on */
			world_set_tables(a);
		if (i > 1) {
			push(a, sync_cmd(0));
			kick(a);
		}
		b = round_trip(a);
		same_worlds(a, b);
		assert_int_equal(b->nr_updates, 0);
		vits_reset(b->v);
		assert_in_reset_state(b);
		/* And it is as good as any. */
		world_set_tables(b);
		wr32(b, GITS_CTLR, GITS_CTLR_ENABLED);
		run_ok(b, mapc(0, 0));
		run_ok(b, mapd(DEV_A, ITT_A, 2));
		run_ok(b, mapti(DEV_A, 0, LPI(0), 0));
		expect_msi(b, 0, 0, LPI(0), 0);
		world_destroy(a);
		world_destroy(b);
	}
}

/*
 * VirtualBox
 */

static void test_commands_run_by_ctlr_enabled_alone(void **state)
{
	struct world *w = world_create(NULL);

	(void)state;
	world_set_tables(w);
	assert_true(rd64(w, GITS_TYPER) & 1);
	push(w, sync_cmd(0));
	kick(w);
	/* Every bit of GITS_CTLR but Enabled, and a write to all other registers. */
	wr32(w, GITS_CTLR, ~(uint32_t)GITS_CTLR_ENABLED);
	for (size_t i = 0; i < vits_nr_regs; i++) {
		if (vits_regs[i].offset != GITS_CTLR && vits_regs[i].offset != GITS_CBASER)
			wr32(w, vits_regs[i].offset, rd32(w, vits_regs[i].offset));
	}
	vits_run(w->v);
	assert_int_equal(w->nr_commands, 0);
	wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
	assert_int_equal(w->nr_commands, 1);
	/* Off again: the bit is looked at each time. */
	wr32(w, GITS_CTLR, 0);
	push(w, sync_cmd(0));
	kick(w);
	vits_run(w->v);
	assert_int_equal(w->nr_commands, 1);
	world_destroy(w);
}

static bool is_register(uint64_t offset)
{
	for (size_t i = 0; i < vits_nr_regs; i++) {
		const struct vits_reg *reg = &vits_regs[i];

		if (offset >= reg->offset &&
		    offset < reg->offset + (uint64_t)reg->count * reg->width)
			return true;
	}
	return false;
}

static void test_a_reserved_offset_ends_nothing(void **state)
{
	struct world *w = world_create_ready();
	uint64_t nr_reserved = 0;

	(void)state;
	run_ok(w, mapti(DEV_A, 0, LPI(0), 0));
	forget_updates(w);
	for (uint64_t offset = 0; offset < GITS_FRAME_SZ; offset += 4) {
		if (is_register(offset))
			continue;
		for (unsigned size = 1; size <= 8; size *= 2) {
			vits_mmio_write(w->v, offset, size, UINT64_MAX);
			assert_int_equal(vits_mmio_read(w->v, offset, size), 0);
			nr_reserved += 2;
		}
	}
	assert_true(nr_reserved > GITS_FRAME_SZ);
	assert_int_equal(world_stats(w).mmio_ignored, nr_reserved);
	expect_no_more_updates(w);
	expect_msi(w, 0, 0, LPI(0), 0);
	run_ok(w, intr(DEV_A, 0));
	world_destroy(w);
}

static void test_a_creadr_reset_follows_each_cbaser_write(void **state)
{
	static const struct {
		uint32_t offset;
		unsigned size;
	} writes[] = { { GITS_CBASER, 8 }, { GITS_CBASER, 4 }, { GITS_CBASER + 4, 4 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(writes); i++) {
		struct world *w = world_create_on(NULL);
		uint64_t same = rd64(w, GITS_CBASER);

		run_ok(w, sync_cmd(0));
		run_ok(w, sync_cmd(0));
		wr32(w, GITS_CTLR, 0);
		assert_int_equal(rd64(w, GITS_CREADR), 64);
		vits_mmio_write(w->v, writes[i].offset, writes[i].size,
				same >> (writes[i].offset - GITS_CBASER) * 8);
		assert_int_equal(rd64(w, GITS_CBASER), same);
		assert_int_equal(rd64(w, GITS_CREADR), 0);
		assert_int_equal(rd64(w, GITS_CWRITER), 0);
		w->tail = 0;
		wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
		assert_int_equal(w->nr_commands, 2);
		run_ok(w, sync_cmd(0));
		world_destroy(w);
	}
}

/*
 * uvmm
 */

static void test_a_cwriter_beyond_the_queue_never_loops(void **state)
{
	struct world *w = world_create(NULL);
	uint64_t before;

	(void)state;
	alarm(60);
	world_set_tables(w);
	w->queue_sz = 4096;
	wr64(w, GITS_CBASER, VALID | QUEUE); /* Size 0: 128 commands */
	wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
	for (uint32_t offset = 0; offset < 1 << 20; offset += 32) {
		before = w->nr_commands;
		wr64(w, GITS_CWRITER, offset);
		wr32(w, GITS_CWRITER, offset | GITS_CWRITER_RETRY);
		assert_true(w->nr_commands - before <= 1);
		assert_int_equal(rd64(w, GITS_CREADR), rd64(w, GITS_CWRITER));
		assert_in_range(rd64(w, GITS_CWRITER), 0, 4096 - 32);
	}
	/* The queue goes on where it was. */
	w->tail = rd32(w, GITS_CWRITER);
	run_ok(w, sync_cmd(0));
	world_destroy(w);
}

static void test_what_is_pending_moves_with_movi_and_goes_with_discard(void **state)
{
	struct world *w = world_create_ready();

	(void)state;
	run_ok(w, mapti(DEV_A, 0, LPI(0), 0));
	run_ok(w, mapti(DEV_X, 0, LPI(1), 0));
	run_ok(w, intr(DEV_A, 0));
	run_ok(w, intr(DEV_X, 0));
	forget_updates(w);
	run_ok(w, movi(DEV_A, 0, 1));
	run_ok(w, movi(DEV_X, 0, 1));
	expect_update(w, VITS_LPI_MOVE, true, LPI(0), 1);
	expect_update(w, VITS_LPI_MOVE, false, LPI(1), 1);
	assert_true(w->lpis[0].pending);
	assert_true(w->lpis[1].pending);
	run_ok(w, discard(DEV_A, 0));
	run_ok(w, discard(DEV_X, 0));
	assert_false(w->lpis[0].pending);
	assert_false(w->lpis[1].pending);
	/* The next event with that LPI finds nothing of it. */
	run_ok(w, mapti(DEV_A, 1, LPI(0), 0));
	assert_false(w->lpis[0].pending);
	world_destroy(w);
}

/*
 * gem5
 */

static void test_all_256_opcodes_are_survived(void **state)
{
	struct dice d = { 1 };

	(void)state;
	for (unsigned policy = 0; policy < 2; policy++) {
		struct vits_config config;
		struct world *w;

		world_default_config(&config);
		config.on_error = policy ? VITS_ON_ERROR_STALL : VITS_ON_ERROR_SKIP;
		w = world_create_on(&config);
		for (unsigned i = 0; i < 8 * 256; i++) {
			uint64_t rest = i < 256 ? 0 : i < 512 ? UINT64_MAX : roll(&d);
			struct words cmd = { { (rest & ~UINT64_C(0xff)) | i % 256, rest,
					       rest ^ (i < 512 ? 0 : roll(&d)), rest } };
			uint32_t at = w->tail;

			push(w, cmd);
			kick(w);
			if (rd64(w, GITS_CREADR) & GITS_CREADR_STALLED) {
				assert_true(policy);
				assert_non_null(vits_command_name((uint8_t)(i % 256)));
				ram_set(w, QUEUE + at, GITS_CMD_SYNC);
				wr32(w, GITS_CWRITER, w->tail | GITS_CWRITER_RETRY);
			}
			assert_int_equal(rd64(w, GITS_CREADR), w->tail);
		}
		run_ok(w, sync_cmd(0));
		world_destroy(w);
	}
}

/*
 * Xen
 */

static void test_invall_of_an_icid_that_was_never_mapped_is_an_error(void **state)
{
	static const uint32_t icids[] = { 0, 1, 4, 511, 0xffff };
	struct world *w = world_create_on(NULL);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(icids); i++) {
		run_skip(w, invall(icids[i]), 0x010d09);
		/* With an event in it, and no longer mapped: the same. */
		run_ok(w, mapd(DEV_A, ITT_A, 2));
		run_ok(w, mapti(DEV_A, 0, LPI(0), icids[i]));
		run_skip(w, invall(icids[i]), 0x010d09);
		run_ok(w, mapc(icids[i], 1));
		run_ok(w, mapc_off(icids[i]));
		run_skip(w, invall(icids[i]), 0x010d09);
		ram_zero(w, ITT_A, 64);
	}
	world_destroy(w);
}

static void test_a_zeroed_table_maps_nothing(void **state)
{
	struct world *w = world_create_on(NULL);

	(void)state;
	/* ITT 0 would be RAM, were a DTE of zeroes one. */
	for (uint32_t devid = 0; devid < 600; devid += 7) {
		run_skip(w, intr(devid, 0), 0x010304);
		run_skip(w, inv(devid, 0), 0x010c04);
		run_skip(w, mapti(devid, 0, LPI(0), 0), 0x010a04);
	}
	for (uint32_t icid = 0; icid < 600; icid += 7)
		run_skip(w, invall(icid), 0x010d09);
	run_ok(w, mapd(DEV_X, ITT_X, 5));
	for (uint32_t event = 0; event < 32; event++) {
		run_skip(w, intr(DEV_X, event), 0x010307);
		run_skip(w, discard(DEV_X, event), 0x010f07);
	}
	expect_no_more_updates(w);
	world_destroy(w);
}

/*
 * hvisor, axvisor
 */

static void test_an_itt_outside_ram_fails_at_mapti_and_not_before(void **state)
{
	static const uint64_t places[] = { 0, RAM_BASE - 0x100, RAM_END, MASK64(51, 8),
					   BIT64(51) | ITT_X };
	struct world *w = world_create_on(NULL);

	(void)state;
	run_ok(w, mapc(0, 0));
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		run_ok(w, mapd(DEV_A, places[i], 2));
		run_ok(w, mapd(DEV_X, places[i], 2));
		run_skip(w, mapti(DEV_A, 0, LPI(0), 0), 0x010a05);
		run_skip(w, mapti(DEV_X, 3, LPI(1), 0), 0x010a05);
		run_skip(w, intr(DEV_X, 0), 0x010305);
		run_skip(w, movi(DEV_X, 0, 0), 0x010105);
		run_skip(w, clear(DEV_X, 0), 0x010505);
		expect_no_msi(w, 0, 0, VITS_MSI_UNMAPPED);
		run_ok(w, mapd_off(DEV_A));
		run_ok(w, mapd_off(DEV_X));
	}
	expect_no_more_updates(w);
	world_destroy(w);
}

static void test_a_queue_that_leaves_ram_runs_as_far_as_ram_goes(void **state)
{
	struct world *w = world_create(NULL);
	const uint64_t queue = RAM_END - 0x10000;
	struct words cmd = sync_cmd(0);

	(void)state;
	world_set_tables(w);
	wr64(w, GITS_CBASER, VALID | queue | 31); /* half of it is RAM */
	for (uint64_t at = 0; at < 0x10000; at += 32)
		ram_set(w, queue + at, cmd.w[0]);
	wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
	wr32(w, GITS_CWRITER, 0x20000 - 32);
	for (unsigned i = 0; i < 32; i++)
		vits_run(w->v);
	assert_int_equal(rd64(w, GITS_CREADR), 0x20000 - 32);
	assert_int_equal(world_stats(w).cmd[GITS_CMD_SYNC].done, 0x10000 / 32);
	assert_int_equal(world_stats(w).cmd_unreadable, 0x10000 / 32 - 1);
	world_destroy(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_msis_during_commands_are_translated_whole_or_not_at_all),
		cmocka_unit_test(test_an_itt_is_saved_after_mapc_v_0),
		cmocka_unit_test(test_a_dte_with_an_out_of_range_size_is_refused_at_restore),
		cmocka_unit_test(test_what_was_unmapped_does_not_come_back_at_restore),
		cmocka_unit_test(test_deviceids_0_1fff_2000_ffff_with_an_indirect_table),
		cmocka_unit_test(test_mapti_to_an_unmapped_icid_survives_save_and_restore),
		cmocka_unit_test(test_movall_takes_what_the_named_vcpu_has_and_no_more),
		cmocka_unit_test(test_another_baser_between_two_sessions_leaves_no_old_mapping),
		cmocka_unit_test(test_ids_out_of_range_are_never_looked_up),
		cmocka_unit_test(test_all_values_of_baser_are_survived),
		cmocka_unit_test(test_creadr_cannot_be_written),
		cmocka_unit_test(test_an_its_that_was_never_enabled_is_saved_restored_and_reset),
		cmocka_unit_test(test_commands_run_by_ctlr_enabled_alone),
		cmocka_unit_test(test_a_reserved_offset_ends_nothing),
		cmocka_unit_test(test_a_creadr_reset_follows_each_cbaser_write),
		cmocka_unit_test(test_a_cwriter_beyond_the_queue_never_loops),
		cmocka_unit_test(test_what_is_pending_moves_with_movi_and_goes_with_discard),
		cmocka_unit_test(test_all_256_opcodes_are_survived),
		cmocka_unit_test(test_invall_of_an_icid_that_was_never_mapped_is_an_error),
		cmocka_unit_test(test_a_zeroed_table_maps_nothing),
		cmocka_unit_test(test_an_itt_outside_ram_fails_at_mapti_and_not_before),
		cmocka_unit_test(test_a_queue_that_leaves_ram_runs_as_far_as_ram_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
