// SPDX-License-Identifier: MIT
/*
 * kexec - LPIs off and on again, on each CPU, with the ITS kept and with the ITS
 * begun anew, as a kernel does that another one started: each interrupt of a
 * device arrives before and after, and none between.
 *
 * IHI 0069: 5.1 (LPI tables), 12.11 (GICR_CTLR.EnableLPIs, GICR_PENDBASER.PTZ),
 * 12.18 (GITS_BASER). Works with one CPU or more; the device needs 8 events,
 * and a second function has to be there, of which only the DeviceID is used.
 */
#include "lib/arch.h"
#include "lib/cpu.h"
#include "lib/edu.h"
#include "lib/gic.h"
#include "lib/its.h"
#include "lib/payload.h"
#include "vitsmod/bits.h"

const char payload_name[] = "kexec";

#define EVENT_BITS 3u
#define EVENTS	   (1u << EVENT_BITS)
#define FIRST_LPI  8192u
#define CLASS_NVME 0x010802u
#define ROUNDS	   3u
#define SETTLE_US  100000u

static struct edu edu;
static uint64_t itt;
static unsigned nr_cpus;
static uint64_t sent_while_off;

/* Which LPI event 0 has; the others follow, round about. */
static uint32_t first;

static uint32_t lpi_of(uint32_t event)
{
	return FIRST_LPI + (first + event) % EVENTS;
}

static unsigned cpu_of(uint32_t event)
{
	return event % nr_cpus;
}

static void on_all_cpus(void (*run)(void))
{
	for (unsigned cpu = 1; cpu < nr_cpus; cpu++) {
		CHECK(cpu_run(cpu, run), "CPU %u does not listen", cpu);
		CHECK(cpu_is_idle(cpu), "CPU %u hangs", cpu);
	}
	run();
}

static uint64_t taken(void)
{
	uint64_t total = 0;

	for (uint32_t event = 0; event < EVENTS; event++)
		total += gic_lpi_total(FIRST_LPI + event);
	return total;
}

static void raise(uint32_t event)
{
	pci_msi_on(&edu.fn, ITS_DOORBELL, (uint16_t)event);
	edu_raise(&edu);
}

/* Each event, on its own CPU, once. */
static void each_arrives(const char *when)
{
	uint64_t total = taken();

	for (uint32_t event = 0; event < ROUNDS * EVENTS; event++) {
		uint32_t e = event % EVENTS;
		uint64_t before = gic_lpi_count(cpu_of(e), lpi_of(e));

		raise(e);
		CHECK(WAIT_UNTIL(gic_lpi_count(cpu_of(e), lpi_of(e)) > before, PATIENCE_MS),
		      "%s: event %u does not come to CPU %u", when, e, cpu_of(e));
		CHECK(gic_lpi_count(cpu_of(e), lpi_of(e)) == before + 1,
		      "%s: event %u comes to CPU %u %lu times", when, e, cpu_of(e),
		      gic_lpi_count(cpu_of(e), lpi_of(e)) - before);
		edu_acknowledge(&edu);
	}
	delay_us(SETTLE_US);
	CHECK(taken() == total + ROUNDS * EVENTS, "%s: %u sent, %lu taken", when, ROUNDS * EVENTS,
	      taken() - total);
}

/* The CPU that an event goes to has its LPIs off: the message is dropped. Some may merge. */
static void none_arrives(const char *when)
{
	uint64_t total = taken();

	for (uint32_t event = 0; event < EVENTS; event++, sent_while_off++) {
		raise(event);
		delay_us(SETTLE_US / 50);
	}
	edu_acknowledge(&edu);
	delay_us(SETTLE_US);
	CHECK(taken() == total, "%s: %lu taken with LPIs off", when, taken() - total);
}

static void configure_all(bool enabled)
{
	for (uint32_t event = 0; event < EVENTS; event++)
		gic_lpi_configure(FIRST_LPI + event, enabled);
}

static void invalidate_all(void)
{
	for (uint32_t cpu = 0; cpu < nr_cpus; cpu++)
		its_invall(cpu);
}

static void map_collections(void)
{
	for (uint32_t cpu = 0; cpu < nr_cpus; cpu++)
		its_mapc(cpu, gic_processor_number(cpu), true);
	invalidate_all();
}

static void map_events(void)
{
	its_mapd(edu.devid, itt, EVENT_BITS, true);
	for (uint32_t event = 0; event < EVENTS; event++)
		its_mapti(edu.devid, event, lpi_of(event), cpu_of(event));
}

/* ---- the ITS is kept ----------------------------------------------------------- */

static void off_and_on(void)
{
	on_all_cpus(gic_lpis_off);
	none_arrives("same tables");
	on_all_cpus(gic_lpis_on);
	delay_us(SETTLE_US);
	each_arrives("same tables");
}

/* Other tables: what is enabled there counts, from INVALL on. */
static void off_and_on_with_other_tables(void)
{
	uint64_t before;

	on_all_cpus(gic_lpis_off);
	gic_new_tables();
	configure_all(true);
	gic_lpi_configure(lpi_of(1), false);
	on_all_cpus(gic_lpis_on);
	invalidate_all();
	before = gic_lpi_total(lpi_of(1));
	raise(1);
	delay_us(SETTLE_US);
	CHECK(gic_lpi_total(lpi_of(1)) == before, "the former configuration table is still in use");
	gic_lpi_configure(lpi_of(1), true);
	its_inv(edu.devid, 1);
	CHECK(WAIT_UNTIL(gic_lpi_total(lpi_of(1)) == before + 1, PATIENCE_MS),
	      "an interrupt that came while its LPI was disabled is lost");
	edu_acknowledge(&edu);
	each_arrives("other tables");
}

static void set_pending(uint32_t lpi, unsigned cpu)
{
	gic_pending_table(cpu)[lpi / 8] |= (uint8_t)(1u << lpi % 8);
	barrier();
}

static void on_with_pending_table(void)
{
	gic_lpi_tables(cpu_index(), false);
	write32(gic_redistributor(cpu_index()) + GICR_CTLR, GICR_CTLR_LPIS);
}

/* PTZ 0: what the pending tables hold is pending, once. */
static void on_with_a_pending_table(void)
{
	uint64_t before = taken();

	on_all_cpus(gic_lpis_off);
	for (uint32_t event = 0; event < EVENTS; event += 3)
		set_pending(lpi_of(event), cpu_of(event));
	on_all_cpus(on_with_pending_table);
	CHECK(WAIT_UNTIL(taken() == before + (EVENTS + 2) / 3, PATIENCE_MS),
	      "%u set in the pending tables, %lu taken", (EVENTS + 2) / 3, taken() - before);
	each_arrives("pending tables");
	for (unsigned cpu = 0; cpu < nr_cpus; cpu++)
		memset(gic_pending_table(cpu), 0, 0x2000);
}

/* ---- the ITS begins anew ---------------------------------------------------------- */

/* As Linux: the ITS off and quiescent; LPIs off where they are found on; all tables new. */
static void kexec(const char *name, bool other_memory)
{
	write32(LAYOUT_GITS + GITS_CTLR, 0);
	CHECK(WAIT_UNTIL(read32(LAYOUT_GITS + GITS_CTLR) & GITS_CTLR_QUIESCENT, PATIENCE_MS),
	      "the ITS does not become quiescent");
	none_arrives(name);
	on_all_cpus(gic_lpis_off);
	gic_new_tables();
	configure_all(true);
	if (other_memory)
		its_new_tables();
	its_restart();
	on_all_cpus(gic_lpis_on);
	map_collections();
	/* The same events, and other LPIs for them. */
	first++;
	none_arrives("a device that is not mapped any more");
	map_events();
	each_arrives(name);
}

/* The tables lie where they did, and are empty: nothing of what they held may live on. */
static void kexec_to_the_same_memory(void)
{
	struct pci_function other;
	uint64_t before = gic_lpi_total(FIRST_LPI);

	CHECK(pci_find_class(CLASS_NVME, 0, &other), "no second function");
	its_restart();
	map_collections();
	none_arrives("tables emptied");
	/* An LPI that one of edu's events had. */
	its_mapd(other.devfn, its_itt_alloc(EVENT_BITS), EVENT_BITS, true);
	its_mapti(other.devfn, 0, FIRST_LPI, 0);
	its_int(other.devfn, 0);
	CHECK(WAIT_UNTIL(gic_lpi_total(FIRST_LPI) == before + 1, PATIENCE_MS),
	      "an LPI of the former kernel's cannot be used by another device");
	its_mapd(other.devfn, 0, 1, false);
	map_events();
	each_arrives("same memory");
}

/* A collection table alone: where its events go has to be said again. */
static void collections_emptied(void)
{
	its_restart();
	map_events();
	none_arrives("no collections");
	map_collections();
	each_arrives("collections mapped last");
}

static void second_cpu(void)
{
	gic_init_cpu();
	gic_lpis_on();
}

void payload_main(uint64_t fdt)
{
	(void)fdt;
	gic_init();
	nr_cpus = cpus_present();
	configure_all(true);
	gic_lpis_on();
	for (unsigned cpu = 1; cpu < nr_cpus; cpu++)
		CHECK(cpu_start(cpu, gic_mpidr(cpu), second_cpu), "CPU %u does not start", cpu);
	irqs_on();
	its_init();
	itt = its_itt_alloc(EVENT_BITS);
	map_collections();
	edu_find(&edu);
	map_events();
	each_arrives("at first");

	off_and_on();
	off_and_on_with_other_tables();
	off_and_on();
	on_with_a_pending_table();
	kexec("other memory", true);
	kexec("other memory, again", true);
	kexec("same memory", false);
	kexec_to_the_same_memory();
	collections_emptied();
	off_and_on();

	fact("raised", edu.raised);
	fact("while_off", sent_while_off);
	fact("handled", taken());
	CHECK(gic_strays() == 0, "%lu interrupts that nobody asked for", gic_strays());
}
