// SPDX-License-Identifier: MIT
/*
 * attack_flood - more commands than any guest needs: every DeviceID with the
 * largest ITT, every LPI mapped, collections that move all the time, queues
 * that are written to by all CPUs at once, interrupts that nobody takes.
 *
 * IHI 0069 5.3 (commands), 12.18 (GITS_CWRITER).
 */
#include "lib/arch.h"
#include "lib/attack.h"
#include "lib/cpu.h"
#include "lib/flood.h"
#include "lib/gic.h"
#include "lib/its.h"
#include "lib/payload.h"
#include "lib/witness.h"
#include "vitsmod/bits.h"

const char payload_name[] = "attack_flood";

#define NR_DEVICES 0x10000u
#define FIRST_LPI  8192u
#define NR_LPIS	   57344u /* as many as KVM's ITS knows */
#define LARGEST	   16u	  /* EventID bits */
#define MIN_WRITES 10u	  /* of each CPU, or it starves */

static uint64_t itt; /* of 2^16 events: 512 KiB */

/* The ITS anew, with an ITT in which nothing is mapped. */
static void begin_flood(void)
{
	if (!itt)
		itt = its_itt_alloc(LARGEST);
	flood_begin();
	memset((void *)itt, 0, 8 << LARGEST);
	for (uint32_t cpu = 0; cpu < 3; cpu++)
		flood_post(cmd_mapc(cpu, attack_world()->rdbase[cpu], true));
}

static void map_disk(uint32_t icid)
{
	const struct attack_world *w = attack_world();

	if (!w->has_disk)
		return;
	flood_post(cmd_mapd(w->disk_devid, itt, 8));
	for (unsigned event = 0; event < w->disk_events; event++)
		flood_post(cmd_mapti(w->disk_devid, event, DISK_LPI + event, icid));
}

/* ---- mappings ------------------------------------------------------------------- */

/* Each DeviceID that there is, the functions' too, and the last event of some. */
static void mapd(void)
{
	begin_flood();
	for (uint32_t devid = 0; devid < NR_DEVICES; devid++)
		flood_post(cmd_mapd(devid, itt, LARGEST));
	for (uint32_t devid = 0; devid < NR_DEVICES; devid += 0x1000)
		flood_post(cmd_mapti(devid, 0xffff - devid / 0x1000, STRANGER_LPI, 0));
	flood_run();
	fact("posted", flood_posted());
}

/* Each LPI on an event of a stranger; and a function's events, on and off. */
static void mapti(void)
{
	const struct attack_world *w = attack_world();
	uint64_t begin;

	begin_flood();
	flood_post(cmd_mapd(STRANGER_DEVID, itt, LARGEST));
	for (uint32_t n = 0; n < NR_DEVICES; n++)
		flood_post(cmd_mapti(STRANGER_DEVID, n, FIRST_LPI + n % NR_LPIS, n % 3));
	flood_run();
	if (w->has_disk)
		flood_post(cmd_mapd(w->disk_devid, its_itt_alloc(8), 8));
	begin = now_us();
	do {
		for (uint32_t event = 0; event < w->disk_events; event++)
			flood_post(cmd_mapti(w->disk_devid, event, DISK_LPI + event, event % 3));
		for (uint32_t event = 0; event < w->disk_events; event++)
			flood_post(cmd_discard(w->disk_devid, event));
		flood_run();
	} while (attack_goes_on(begin) && w->has_disk);
	fact("posted", flood_posted());
}

/* All events of the disk move with their collection, each time; or lose it. */
static void mapc(void)
{
	const struct attack_world *w = attack_world();
	uint64_t begin;

	begin_flood();
	map_disk(7);
	flood_run();
	begin = now_us();
	do {
		for (unsigned n = 0; n < 64; n++)
			flood_post(cmd_mapc(7, w->rdbase[n % 2], true));
		for (unsigned n = 0; n < 8; n++)
			flood_post(cmd_mapc(7, w->rdbase[n % 3], n % 2));
		flood_run();
	} while (attack_goes_on(begin));
	fact("posted", flood_posted());
}

/* ---- CWRITER --------------------------------------------------------------------- */

static volatile bool ends;
static volatile uint64_t writes[MAX_CPUS];

/*
 * Any offset, each write: backwards, forwards, beyond the queue, with Retry. The
 * queue is full of what costs most: INTs, whose every visit stops all CPUs.
 */
static void write_cwriter(void)
{
	unsigned cpu = cpu_index();
	uint64_t value = UINT64_C(0x2545f4914f6cdd1d) * (cpu + 1);

	witness_begin();
	while (!ends) {
		value = value * UINT64_C(6364136223846793005) + 1;
		write64(LAYOUT_GITS + GITS_CWRITER, value >> 44);
		writes[cpu]++;
		witness_look();
	}
}

static void prepare_storm(void)
{
	const struct gits_cmd costly[] = {
		cmd_int(STRANGER_DEVID, 0), cmd_inv(STRANGER_DEVID, 1),
		cmd_inv(attack_world()->disk_devid, 0),
		cmd_int(STRANGER_DEVID, 7), /* which is not mapped */
	};

	begin_flood();
	map_disk(0);
	flood_post(cmd_mapd(STRANGER_DEVID, itt + 0x1000, 8));
	for (uint32_t event = 0; event < 2; event++)
		flood_post(cmd_mapti(STRANGER_DEVID, event, STRANGER_LPI + event, 0));
	flood_run();
	flood_fill(costly, ARRAY_SIZE(costly));
	for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
		writes[cpu] = 0;
	witness_forget();
	ends = false;
	barrier();
}

/* CPU 0's part: until the time is over, and each of the first nr CPUs has got on. */
static void storm(unsigned nr)
{
	uint64_t begin = now_us();
	unsigned done;

	do {
		write64(LAYOUT_GITS + GITS_CWRITER, attack_random() >> 44);
		writes[0]++;
		for (done = 0; done < nr && writes[done] >= MIN_WRITES; done++)
			;
		CHECK(done == nr || now_us() < begin + PATIENCE_MS * 1000, "CPU %u wrote %lu times",
		      done, writes[done]);
	} while (attack_goes_on(begin) || done < nr);
	ends = true;
}

static void cwriter(void)
{
	prepare_storm();
	CHECK(cpu_run(ATTACK_HELPER, write_cwriter), "CPU 1 does not listen");
	storm(2);
	CHECK(cpu_is_idle(ATTACK_HELPER), "CPU 1 hangs");
	fact("writes_cpu0", writes[0]);
	fact("writes_cpu1", writes[1]);
}

/* The same from all CPUs; the witness looks at the clock between its writes. */
static void cwriter_all(void)
{
	prepare_storm();
	witness_stop(ATTACK_WITNESS);
	CHECK(cpu_run(ATTACK_HELPER, write_cwriter), "CPU 1 does not listen");
	CHECK(cpu_run(ATTACK_WITNESS, write_cwriter), "CPU 2 does not listen");
	storm(3);
	CHECK(cpu_is_idle(ATTACK_HELPER), "CPU 1 hangs");
	CHECK(cpu_is_idle(ATTACK_WITNESS), "CPU 2 hangs");
	for (unsigned cpu = 0; cpu < 3; cpu++)
		say("writes_cpu%u %lu", cpu, writes[cpu]);
	witness_start(ATTACK_WITNESS);
}

/* ---- interrupts ------------------------------------------------------------------- */

/* One command, one visit, as often as a CPU can. */
static void int_one(void)
{
	uint64_t begin = now_us(), before, nr = 0;

	attack_restore();
	its_mapd(STRANGER_DEVID, its_itt_alloc(5), 5, true);
	gic_lpi_configure(STRANGER_LPI, true);
	its_mapti(STRANGER_DEVID, 0, STRANGER_LPI, 1);
	before = gic_lpi_total(STRANGER_LPI);
	while (attack_goes_on(begin)) {
		its_int(STRANGER_DEVID, 0);
		nr++;
	}
	delay_us(50000);
	fact("posted", nr);
	fact("taken", gic_lpi_total(STRANGER_LPI) - before);
	CHECK(gic_lpi_total(STRANGER_LPI) > before, "no INT was taken");
	CHECK(gic_lpi_total(STRANGER_LPI) - before <= nr, "more interrupts than INTs");
}

static void enable_all_lpis(void)
{
	for (uint32_t n = 0; n < NR_LPIS; n++)
		gic_lpi_configure(FIRST_LPI + n, true);
	barrier();
}

static void disable_all_lpis(void)
{
	for (uint32_t n = 0; n < NR_LPIS; n++)
		gic_lpi_configure(FIRST_LPI + n, false);
	gic_lpi_configure(EDU_LPI, true);
}

/* Every LPI pending at a CPU that takes none: what does the host keep of them? */
static void int_all(void)
{
	uint64_t strays = gic_strays(), nr = attack_world()->lpis;

	CHECK(nr <= NR_LPIS, "%lu LPIs", nr);
	enable_all_lpis();
	begin_flood();
	flood_post(cmd_mapd(STRANGER_DEVID, itt, LARGEST));
	for (uint32_t n = 0; n < nr; n++)
		flood_post(cmd_mapti(STRANGER_DEVID, n, FIRST_LPI + n, 0));
	flood_run();
	irqs_off();
	for (uint32_t n = 0; n < nr; n++)
		flood_post(cmd_int(STRANGER_DEVID, n));
	flood_run();
	fact("posted", flood_posted());
	/* A few exits while they wait. */
	for (unsigned n = 0; n < 100; n++)
		(void)read32(LAYOUT_GITS + GITS_CTLR);
	irqs_on();
	delay_us(100000);
	fact("taken_at_last", gic_strays() - strays);
	disable_all_lpis();
}

void payload_main(uint64_t fdt)
{
	static const struct attack attacks[] = {
		{ "mapd", mapd },
		{ "mapti", mapti },
		{ "mapc", mapc },
		{ "cwriter", cwriter },
		{ "cwriter_all", cwriter_all },
		{ "int_one", int_one },
		{ "int_all", int_all },
	};

	attack_main(fdt, attacks, ARRAY_SIZE(attacks));
}
