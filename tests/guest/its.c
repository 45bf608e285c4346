// SPDX-License-Identifier: MIT
/*
 * its - a walk over the visible ITS: registers, every command, errors, a queue
 * that wraps around, mappings made before LPIs are on, many LPIs pending at
 * once. Needs three CPUs, and starts two.
 *
 * IHI 0069 5.3 (commands), 12.18 (registers).
 */
#include "lib/its.h"

#include "lib/arch.h"
#include "lib/cpu.h"
#include "lib/edu.h"
#include "lib/gic.h"
#include "lib/payload.h"
#include "vitsmod/bits.h"

const char payload_name[] = "its";

#define EDU_LPI	  8192u
#define DEVID	  0x1234u /* that no function has */
#define FIRST_LPI 8200u	  /* of its event 0 */
#define SETTLE_US 100000u

/* Four times as many as there are list registers at most. */
#define NR_AT_ONCE    64u
#define FIRST_AT_ONCE 32u /* events of DEVID, and LPIs from FIRST_LPI on */

static uint32_t rdbase[2];

/* ---- registers --------------------------------------------------------------- */

static void check_reset_values(void)
{
	uint64_t typer = read64(LAYOUT_GITS + GITS_TYPER);
	unsigned devices = 0, collections = 0;

	CHECK(read32(LAYOUT_GITS + GITS_CTLR) == GITS_CTLR_QUIESCENT, "GITS_CTLR 0x%x",
	      read32(LAYOUT_GITS + GITS_CTLR));
	CHECK(typer & 1, "GITS_TYPER.Physical is 0");
	CHECK(!(typer & 2), "GITS_TYPER.Virtual is 1");
	CHECK(FIELD_GET(MASK64(7, 4), typer) == 7, "ITT_entry_size is not 8 bytes");
	CHECK(!(typer & BIT64(19)), "GITS_TYPER.PTA is 1");
	CHECK(read32(LAYOUT_GITS + GITS_TYPER) == (uint32_t)typer, "GITS_TYPER by halves");
	CHECK(read32(LAYOUT_GITS + GITS_TYPER + 4) == typer >> 32, "GITS_TYPER by halves");
	CHECK((read32(LAYOUT_GITS + GITS_PIDR2) & 0xf0) == 0x30, "GITS_PIDR2 is not GICv3's");
	CHECK(read64(LAYOUT_GITS + GITS_CBASER) == 0, "GITS_CBASER");
	CHECK(read64(LAYOUT_GITS + GITS_CREADR) == 0, "GITS_CREADR");
	CHECK(read64(LAYOUT_GITS + GITS_CWRITER) == 0, "GITS_CWRITER");
	for (unsigned n = 0; n < GITS_NR_BASERS; n++) {
		uint64_t baser = read64(LAYOUT_GITS + GITS_BASER(n));

		CHECK(!(baser & GITS_BASER_VALID), "GITS_BASER%u is valid", n);
		devices += FIELD_GET(GITS_BASER_TYPE, baser) == GITS_TABLE_DEVICES;
		collections += FIELD_GET(GITS_BASER_TYPE, baser) == GITS_TABLE_COLLECTIONS;
	}
	CHECK(devices == 1, "%u device tables", devices);
	CHECK(collections == 1, "%u collection tables", collections);
	say("gits_typer 0x%lx", typer);
}

static void check_component_ids(void)
{
	static const uint8_t cidr[] = { 0x0d, 0xf0, 0x05, 0xb1 };

	for (unsigned i = 0; i < ARRAY_SIZE(cidr); i++)
		CHECK(read32(LAYOUT_GITS + GITS_CIDR0 + 4 * i) == cidr[i], "GITS_CIDR%u", i);
}

static void check_writes_ignored(void)
{
	uint64_t typer = read64(LAYOUT_GITS + GITS_TYPER);

	write64(LAYOUT_GITS + GITS_TYPER, ~typer);
	CHECK(read64(LAYOUT_GITS + GITS_TYPER) == typer, "GITS_TYPER can be written");
	write32(LAYOUT_GITS + GITS_CTLR, GITS_CTLR_ENABLED);
	CHECK(!(read32(LAYOUT_GITS + GITS_CTLR) & GITS_CTLR_ENABLED), "enabled without tables");
	CHECK(read8(LAYOUT_GITS + GITS_TYPER) == 0, "a byte of GITS_TYPER reads");
	CHECK(read64(LAYOUT_GITS + 0x4000) == 0, "a reserved register reads");
	write64(LAYOUT_GITS + 0x4000, ~UINT64_C(0));
	/* A CPU's write is no MSI: it has no DeviceID. */
	write32(LAYOUT_GITS + GITS_TRANSLATER, 0);
}

static void check_locked_while_enabled(void)
{
	uint64_t cbaser = read64(LAYOUT_GITS + GITS_CBASER);
	uint64_t baser = read64(LAYOUT_GITS + GITS_BASER(0));

	write64(LAYOUT_GITS + GITS_CBASER, 0);
	write64(LAYOUT_GITS + GITS_BASER(0), 0);
	CHECK(read64(LAYOUT_GITS + GITS_CBASER) == cbaser, "GITS_CBASER changed while enabled");
	CHECK(read64(LAYOUT_GITS + GITS_BASER(0)) == baser, "GITS_BASER0 changed while enabled");
}

/* ---- before LPIs are on --------------------------------------------------------- */

/* Mapped before there is a configuration table: delivered as soon as there is one. */
static void mapping_before_lpis_are_on(struct edu *edu)
{
	edu_start(edu, EDU_LPI);
	edu_raise(edu);
	delay_us(SETTLE_US);
	edu_acknowledge(edu);

	gic_lpi_configure(EDU_LPI, true);
	gic_lpis_on();
	irqs_on();
	edu_raise(edu);
	CHECK(WAIT_UNTIL(gic_lpi_total(EDU_LPI) > 0, PATIENCE_MS),
	      "a mapping made before LPIs were on delivers nothing");
	edu_acknowledge(edu);
	delay_us(SETTLE_US);
	fact("handled_after_early_mapping", gic_lpi_total(EDU_LPI));
	edu_rounds(edu, 100);
}

/* ---- commands on events of no function ------------------------------------------- */

static void expect_on(unsigned cpu, uint32_t lpi, uint64_t before, const char *what)
{
	CHECK(WAIT_UNTIL(gic_lpi_count(cpu, lpi) == before + 1, PATIENCE_MS),
	      "%s: not taken on CPU %u", what, cpu);
}

static void raise_and_expect(unsigned cpu, uint32_t devid, uint32_t event, uint32_t lpi)
{
	uint64_t before = gic_lpi_count(cpu, lpi), total = gic_lpi_total(lpi);

	its_int(devid, event);
	expect_on(cpu, lpi, before, "INT");
	CHECK(gic_lpi_total(lpi) == total + 1, "INT: taken on another CPU as well");
}

static void disable(uint32_t devid, uint32_t event, uint32_t lpi)
{
	gic_lpi_configure(lpi, false);
	its_inv(devid, event);
}

static void enable(uint32_t devid, uint32_t event, uint32_t lpi)
{
	gic_lpi_configure(lpi, true);
	its_inv(devid, event);
}

static void int_reaches_both_cpus(void)
{
	its_mapd(DEVID, its_itt_alloc(14), 14, true);
	for (uint32_t event = 0; event < 8; event++) {
		gic_lpi_configure(FIRST_LPI + event, true);
		its_mapti(DEVID, event, FIRST_LPI + event, event % 2);
		its_inv(DEVID, event);
		raise_and_expect(event % 2, DEVID, event, FIRST_LPI + event);
	}
	gic_lpi_configure(FIRST_LPI + 20, true);
	its_mapi(DEVID, FIRST_LPI + 20, 1);
	its_inv(DEVID, FIRST_LPI + 20);
	raise_and_expect(1, DEVID, FIRST_LPI + 20, FIRST_LPI + 20);
}

/* Disabled, raised, moved, enabled: taken once, where it was moved to. */
static void movi_takes_pending_along(uint32_t devid, uint32_t event, uint32_t lpi)
{
	uint64_t before0 = gic_lpi_count(0, lpi), before1 = gic_lpi_count(1, lpi);

	its_movi(devid, event, 0);
	disable(devid, event, lpi);
	its_int(devid, event);
	its_movi(devid, event, 1);
	its_sync(rdbase[0]);
	enable(devid, event, lpi);
	expect_on(1, lpi, before1, "MOVI of a pending LPI");
	its_movi(devid, event, 0);
	raise_and_expect(0, devid, event, lpi);
	CHECK(gic_lpi_count(0, lpi) == before0 + 1, "MOVI left the LPI pending on CPU 0");
}

static void clear_and_discard_forget(void)
{
	uint64_t before = gic_lpi_total(FIRST_LPI);

	disable(DEVID, 0, FIRST_LPI);
	its_int(DEVID, 0);
	its_clear(DEVID, 0);
	enable(DEVID, 0, FIRST_LPI);
	delay_us(SETTLE_US);
	CHECK(gic_lpi_total(FIRST_LPI) == before, "CLEAR left the LPI pending");

	disable(DEVID, 0, FIRST_LPI);
	its_int(DEVID, 0);
	its_discard(DEVID, 0);
	gic_lpi_configure(FIRST_LPI, true);
	its_mapti(DEVID, 0, FIRST_LPI, 0);
	its_inv(DEVID, 0);
	delay_us(SETTLE_US);
	CHECK(gic_lpi_total(FIRST_LPI) == before, "DISCARD left the LPI pending");
	raise_and_expect(0, DEVID, 0, FIRST_LPI);
}

/* Pending, enabled, and kept off the CPU by PSTATE alone: CLEAR and DISCARD still take it back. */
static void what_waits_for_the_cpu_is_forgotten(uint32_t devid, uint32_t event, uint32_t lpi)
{
	uint64_t before = gic_lpi_total(lpi);

	irqs_off();
	its_int(devid, event);
	its_clear(devid, event);
	irqs_on();
	delay_us(SETTLE_US);
	CHECK(gic_lpi_total(lpi) == before, "CLEAR left an LPI on its way");

	irqs_off();
	its_int(devid, event);
	its_discard(devid, event);
	irqs_on();
	delay_us(SETTLE_US);
	CHECK(gic_lpi_total(lpi) == before, "DISCARD left an LPI on its way");
	its_mapti(devid, event, lpi, 0);
	its_inv(devid, event);
	raise_and_expect(0, devid, event, lpi);
}

/* As software moves all of a CPU's interrupts away: MAPC elsewhere, MOVALL, INVALL. */
static void movall_takes_pending_along(void)
{
	uint32_t lpi = FIRST_LPI + 2; /* event 2, collection 0 */
	uint64_t before = gic_lpi_count(1, lpi);

	disable(DEVID, 2, lpi);
	its_int(DEVID, 2);
	its_mapc(0, rdbase[1], true);
	its_movall(rdbase[0], rdbase[1]);
	gic_lpi_configure(lpi, true);
	its_invall(0);
	expect_on(1, lpi, before, "MOVALL of a pending LPI");
	raise_and_expect(1, DEVID, 2, lpi);

	its_mapc(0, rdbase[0], true);
	its_movall(rdbase[1], rdbase[0]);
	raise_and_expect(0, DEVID, 2, lpi);
}

/* What MOVALL takes from one CPU to another is not on a third one. */
static void movall_leaves_other_cpus_alone(struct edu *edu)
{
	uint64_t before = gic_lpi_count(0, EDU_LPI);

	its_movall(gic_processor_number(2), rdbase[1]);
	edu_raise(edu);
	expect_on(0, EDU_LPI, before, "MOVALL of another CPU's LPIs");
	edu_acknowledge(edu);
	raise_and_expect(0, DEVID, 4, FIRST_LPI + 4);
}

/*
 * All pending before the CPU takes the first. A hypervisor can show a guest 16
 * at a time at most (ICH_LR<n>_EL2): none may get lost between two lots.
 */
static void more_than_16_pending_lpis_all_arrive(void)
{
	uint64_t before[NR_AT_ONCE];

	for (uint32_t i = 0; i < NR_AT_ONCE; i++) {
		gic_lpi_configure(FIRST_LPI + FIRST_AT_ONCE + i, true);
		its_mapti(DEVID, FIRST_AT_ONCE + i, FIRST_LPI + FIRST_AT_ONCE + i, 0);
	}
	its_invall(0);
	for (unsigned round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < NR_AT_ONCE; i++)
			before[i] = gic_lpi_count(0, FIRST_LPI + FIRST_AT_ONCE + i);
		irqs_off();
		for (uint32_t i = 0; i < NR_AT_ONCE; i++)
			its_int(DEVID, FIRST_AT_ONCE + i);
		irqs_on();
		for (uint32_t i = 0; i < NR_AT_ONCE; i++)
			expect_on(0, FIRST_LPI + FIRST_AT_ONCE + i, before[i], "one of many LPIs");
	}
	delay_us(SETTLE_US);
	for (uint32_t i = 0; i < NR_AT_ONCE; i++) {
		CHECK(gic_lpi_count(0, FIRST_LPI + FIRST_AT_ONCE + i) == before[i] + 1,
		      "one of many LPIs was taken twice");
		its_discard(DEVID, FIRST_AT_ONCE + i);
	}
	fact("pending_at_once", NR_AT_ONCE);
}

/* Refused, and the queue goes on. What they are called is for the host to check. */
static void errors_are_skipped(void)
{
	uint64_t before = gic_lpi_total(FIRST_LPI + 6), strays = gic_strays();

	its_mapti(DEVID, 6, 100, 0);	     /* INTID below 8192 */
	its_mapti(DEVID, 1u << 14, 9000, 0); /* beyond the ITT */
	its_mapti(DEVID + 1, 0, 9000, 0);    /* device not mapped */
	its_mapti(DEVID, 30, 9000, 0xfff0);  /* a collection beyond the table */
	its_int(DEVID, 40);		     /* event not mapped */
	its_discard(DEVID, 40);
	its_movi(DEVID, 6, 77);	 /* collection not mapped */
	its_mapc(5, 4000, true); /* no such CPU */
	its_movall(4000, 0);
	its_invall(77);
	its_mapd(DEVID + 2, its_itt_alloc(5), 31, true); /* more EventID bits than there are */
	its_post(&(struct gits_cmd){ .opcode = 0x29 });	 /* VMAPP: GICv4's */
	its_post_words((const uint64_t[4]){ 0xff, ~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0) });
	its_run();
	delay_us(SETTLE_US);
	CHECK(gic_lpi_total(FIRST_LPI + 6) == before, "an event in error was delivered");
	CHECK(gic_strays() == strays, "a command in error was delivered");
	raise_and_expect(0, DEVID, 6, FIRST_LPI + 6);
}

/* Three times around the queue, most of it full at once, while another device interrupts. */
static void full_queue_wraps(struct edu *edu)
{
	const struct gits_cmd sync = { .opcode = GITS_CMD_SYNC, .rdbase = rdbase[0] };
	const unsigned batch = ITS_QUEUE_SZ / GITS_CMD_SZ - 1;

	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < batch; i++)
			its_post(&sync);
		edu_raise(edu);
		its_run();
		edu_acknowledge(edu);
		raise_and_expect(round % 2, DEVID, round % 2, FIRST_LPI + round % 2);
	}
	fact("queue_commands", 3 * batch);
}

static void unmapped_device_is_silent(void)
{
	uint64_t before = gic_lpi_total(FIRST_LPI);

	its_mapd(DEVID, 0, 1, false);
	its_int(DEVID, 0);
	delay_us(SETTLE_US);
	CHECK(gic_lpi_total(FIRST_LPI) == before, "an event of an unmapped device was delivered");
}

static void second_cpu(void)
{
	gic_init_cpu();
	gic_lpis_on();
}

void payload_main(uint64_t fdt)
{
	struct edu edu;

	(void)fdt;
	gic_init();
	CHECK(cpus_present() >= 3, "three CPUs are needed");
	rdbase[0] = gic_processor_number(0);
	rdbase[1] = gic_processor_number(1);
	check_reset_values();
	check_component_ids();
	check_writes_ignored();

	its_init();
	check_locked_while_enabled();
	its_mapc(0, rdbase[0], true);
	edu_find(&edu);
	mapping_before_lpis_are_on(&edu);
	CHECK(cpu_start(1, gic_mpidr(1), second_cpu), "CPU 1 does not start");
	its_mapc(1, rdbase[1], true);

	int_reaches_both_cpus();
	movi_takes_pending_along(DEVID, 4, FIRST_LPI + 4);
	movi_takes_pending_along(edu.devid, 0, EDU_LPI);
	clear_and_discard_forget();
	what_waits_for_the_cpu_is_forgotten(DEVID, 0, FIRST_LPI);
	what_waits_for_the_cpu_is_forgotten(edu.devid, 0, EDU_LPI);
	movall_takes_pending_along();
	movall_leaves_other_cpus_alone(&edu);
	more_than_16_pending_lpis_all_arrive();
	errors_are_skipped();
	full_queue_wraps(&edu);
	unmapped_device_is_silent();
	edu_rounds(&edu, 100);

	fact("handled_cpu0", gic_lpi_count(0, EDU_LPI));
	fact("handled_cpu1", gic_lpi_count(1, EDU_LPI));
	CHECK(gic_strays() == 0, "%lu interrupts that nobody asked for", gic_strays());
}
