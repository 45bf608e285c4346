// SPDX-License-Identifier: MIT
/*
 * pending - interrupts that wait: more of them than a CPU has list registers,
 * with priorities that change while they do, on a device that is taken away
 * under them; and a long queue whose progress can be watched. Needs two CPUs;
 * the device needs 64 events.
 *
 * IHI 0069: 5.1.1 (priority and enable), 5.3 (commands), 12.18 (GITS_CREADR).
 */
#include "lib/arch.h"
#include "lib/cpu.h"
#include "lib/edu.h"
#include "lib/gic.h"
#include "lib/its.h"
#include "lib/payload.h"
#include "vitsmod/bits.h"

const char payload_name[] = "pending";

#define EVENT_BITS 6u
#define EVENTS	   (1u << EVENT_BITS) /* list registers are 16 at the most */
#define DEVID	   0x1234u	      /* that no function has */
#define EDU_LPI	   8192u	      /* of its event 0 */
#define FIRST_LPI  (EDU_LPI + EVENTS) /* of DEVID's */
#define SETTLE_US  100000u
#define LOW	   0xa0u
#define HIGH	   0x60u
#define BETWEEN	   0x80u

static struct edu edu;
static uint64_t edu_itt;

static uint64_t taken_of(uint32_t from, uint32_t nr)
{
	uint64_t total = 0;

	for (uint32_t lpi = from; lpi < from + nr; lpi++)
		total += gic_lpi_total(lpi);
	return total;
}

static void map_edu(void)
{
	its_mapd(edu.devid, edu_itt, EVENT_BITS, true);
	for (uint32_t event = 0; event < EVENTS; event++) {
		gic_lpi_configure(EDU_LPI + event, true);
		its_mapti(edu.devid, event, EDU_LPI + event, 0);
	}
	its_invall(0);
}

/* Long enough that it must have arrived, on most machines. */
static void raise(uint32_t event)
{
	pci_msi_on(&edu.fn, ITS_DOORBELL, (uint16_t)event);
	edu_raise(&edu);
	edu_acknowledge(&edu);
	delay_us(SETTLE_US);
}

/* ---- more than the list registers hold ------------------------------------------- */

static void count_now(uint32_t from, uint64_t *ret_before)
{
	for (uint32_t event = 0; event < EVENTS; event++)
		ret_before[event] = gic_lpi_total(from + event);
}

static void each_arrived(uint32_t from, const uint64_t *before, const char *what)
{
	for (uint32_t event = 0; event < EVENTS; event++)
		CHECK(WAIT_UNTIL(gic_lpi_total(from + event) > before[event], PATIENCE_MS),
		      "%s: LPI %u does not arrive", what, from + event);
	delay_us(SETTLE_US);
	for (uint32_t event = 0; event < EVENTS; event++)
		CHECK(gic_lpi_total(from + event) == before[event] + 1,
		      "%s: LPI %u arrives more than once", what, from + event);
}

static void many_at_once(void)
{
	uint64_t before[EVENTS], total = taken_of(EDU_LPI, EVENTS);

	count_now(EDU_LPI, before);
	irqs_off();
	for (uint32_t event = 0; event < EVENTS; event++)
		its_int(edu.devid, event);
	CHECK(taken_of(EDU_LPI, EVENTS) == total, "taken with interrupts off");
	irqs_on();
	each_arrived(EDU_LPI, before, "many");
}

static volatile bool is_masked, may_unmask;

static void stay_masked(void)
{
	irqs_off();
	is_masked = true;
	while (!may_unmask)
		;
	irqs_on();
}

/* On a CPU that runs, and cannot take them yet; some are called back, some moved away. */
static void many_on_a_cpu_that_runs(void)
{
	uint64_t before[EVENTS], total = taken_of(FIRST_LPI, EVENTS);

	count_now(FIRST_LPI, before);
	is_masked = may_unmask = false;
	CHECK(cpu_run(1, stay_masked), "CPU 1 does not listen");
	CHECK(WAIT_UNTIL(is_masked, PATIENCE_MS), "CPU 1 does not run");
	for (uint32_t event = 0; event < EVENTS; event++)
		its_int(DEVID, event);
	for (uint32_t event = 0; event < EVENTS; event += 8)
		its_clear(DEVID, event);
	for (uint32_t event = 1; event < EVENTS; event += 8)
		its_movi(DEVID, event, 0);
	for (uint32_t event = 0; event < EVENTS; event += 8)
		its_int(DEVID, event);
	CHECK(WAIT_UNTIL(taken_of(FIRST_LPI, EVENTS) == total + EVENTS / 8, PATIENCE_MS),
	      "%u moved to a CPU that takes them, %lu taken", EVENTS / 8,
	      taken_of(FIRST_LPI, EVENTS) - total);
	may_unmask = true;
	CHECK(WAIT_UNTIL(taken_of(FIRST_LPI, EVENTS) == total + EVENTS, PATIENCE_MS),
	      "%u pending, %lu taken", EVENTS, taken_of(FIRST_LPI, EVENTS) - total);
	each_arrived(FIRST_LPI, before, "many on a CPU that runs");
	for (uint32_t event = 1; event < EVENTS; event += 8) {
		CHECK(gic_lpi_count(1, FIRST_LPI + event) == 0, "taken where it was moved from");
		its_movi(DEVID, event, 1);
	}
	CHECK(cpu_is_idle(1), "CPU 1 hangs");
}

/* ---- priorities --------------------------------------------------------------------- */

/* Too low to be taken; another byte and `invalidate`, and it is taken. */
static void priority_is_read_again(uint32_t lpi, void (*invalidate)(void), const char *what)
{
	uint64_t before = gic_lpi_total(lpi);

	gic_lpi_prioritise(lpi, LOW, true);
	invalidate();
	gic_priority_mask(BETWEEN);
	raise(lpi - EDU_LPI);
	CHECK(gic_lpi_total(lpi) == before, "%s: taken below the mask", what);
	gic_lpi_prioritise(lpi, HIGH, true);
	delay_us(SETTLE_US);
	CHECK(gic_lpi_total(lpi) == before, "%s: the byte is read without being asked to", what);
	invalidate();
	CHECK(WAIT_UNTIL(gic_lpi_total(lpi) == before + 1, PATIENCE_MS),
	      "%s does not read the priority again", what);
	gic_priority_mask(0xff);
	gic_lpi_configure(lpi, true);
	invalidate();
}

static void inv(void)
{
	its_inv(edu.devid, 5);
}

static void invall(void)
{
	its_invall(0);
}

static uint32_t order[2];
static unsigned nr_taken;

static void note(uint32_t lpi)
{
	if (nr_taken < ARRAY_SIZE(order))
		order[nr_taken] = lpi;
	nr_taken++;
}

/* Raised last, and first to be taken. */
static void higher_priority_comes_first(void)
{
	gic_lpi_prioritise(EDU_LPI + 7, HIGH, true);
	its_inv(edu.devid, 7);
	irqs_off();
	its_int(edu.devid, 6);
	its_int(edu.devid, 7);
	nr_taken = 0;
	gic_on_lpi(note);
	irqs_on();
	CHECK(WAIT_UNTIL(*(volatile unsigned *)&nr_taken == 2, PATIENCE_MS), "%u of 2 taken",
	      nr_taken);
	gic_on_lpi(NULL);
	CHECK(order[0] == EDU_LPI + 7, "LPI %u was taken first", order[0]);
	gic_lpi_configure(EDU_LPI + 7, true);
	its_inv(edu.devid, 7);
}

/* ---- a device that goes away ---------------------------------------------------------- */

/* One disabled, the others on their way, then MAPD with V 0: nothing shows up under the next
 * mapping. */
static void unmapped_device_leaves_nothing(void)
{
	uint64_t before;

	gic_lpi_configure(EDU_LPI + 1, false);
	its_inv(edu.devid, 1);
	irqs_off();
	for (uint32_t event = 0; event < EVENTS; event++)
		its_int(edu.devid, event);
	before = taken_of(EDU_LPI, EVENTS);
	its_mapd(edu.devid, 0, 1, false);
	memset((void *)edu_itt, 0, 8 * EVENTS);
	map_edu();
	irqs_on();
	delay_us(SETTLE_US);
	CHECK(taken_of(EDU_LPI, EVENTS) == before, "%lu of a device that was unmapped",
	      taken_of(EDU_LPI, EVENTS) - before);
	many_at_once();
}

/* ---- a long queue ------------------------------------------------------------------------ */

static volatile bool go;

static void post_a_long_queue(void)
{
	go = true;
	its_run();
}

/* From the other CPU: GITS_CREADR only ever goes forward, and does so on the way. */
static void progress_can_be_watched(void)
{
	const struct gits_cmd inv_all = { .opcode = GITS_CMD_INVALL };
	const unsigned nr = ITS_QUEUE_SZ / GITS_CMD_SZ - 1;
	uint32_t from = its_cwriter(), done = 0, seen = 0;

	for (unsigned i = 0; i < nr; i++)
		its_post(&inv_all);
	CHECK(cpu_run(1, post_a_long_queue), "CPU 1 does not listen");
	CHECK(WAIT_UNTIL(go, PATIENCE_MS), "CPU 1 does not run");
	while (done < nr) {
		uint32_t creadr = (uint32_t)read64(LAYOUT_GITS + GITS_CREADR);
		uint32_t now = (creadr - from) % ITS_QUEUE_SZ / GITS_CMD_SZ;

		CHECK(now >= done, "GITS_CREADR went back from %u to %u", done, now);
		seen += now != done && now != nr;
		done = now;
	}
	CHECK(cpu_is_idle(1), "CPU 1 hangs");
	fact("places_seen", seen);
	CHECK(seen > 0, "GITS_CREADR was seen nowhere on its way");
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
	CHECK(cpus_present() >= 2, "two CPUs are needed");
	gic_lpis_on();
	its_init();
	CHECK(cpu_start(1, gic_mpidr(1), second_cpu), "CPU 1 does not start");
	irqs_on();
	its_mapc(0, gic_processor_number(0), true);
	its_mapc(1, gic_processor_number(1), true);
	edu_find(&edu);
	edu_itt = its_itt_alloc(EVENT_BITS);
	map_edu();
	its_mapd(DEVID, its_itt_alloc(EVENT_BITS), EVENT_BITS, true);
	for (uint32_t event = 0; event < EVENTS; event++) {
		gic_lpi_configure(FIRST_LPI + event, true);
		its_mapti(DEVID, event, FIRST_LPI + event, 1);
	}

	many_at_once();
	many_on_a_cpu_that_runs();
	priority_is_read_again(EDU_LPI + 5, inv, "INV");
	priority_is_read_again(EDU_LPI + 5, invall, "INVALL");
	higher_priority_comes_first();
	unmapped_device_leaves_nothing();
	progress_can_be_watched();

	fact("handled", taken_of(EDU_LPI, EVENTS));
	CHECK(gic_strays() == 0, "%lu interrupts that nobody asked for", gic_strays());
}
