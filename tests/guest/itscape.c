// SPDX-License-Identifier: MIT
/*
 * itscape - everything at once that has raced in a kernel's ITS: all CPUs switch
 * their LPIs off and on (each for itself, and together at one moment), invalidate
 * through the redistributors, send commands on events that interrupt
 * meanwhile, switch the ITS off and on and begin it anew, and have the device
 * send messages. No CPU stops making progress; and when all is quiet, each
 * interrupt arrives once, where it belongs.
 *
 * Command line: seconds=N, seed=N; others=1 for CPUs that switch off each other's
 * LPIs as well, which hosts do not survive (lockup.c). Needs two CPUs; the
 * device needs 64 events.
 * CVE-2026-46316 (cached translations dropped by several CPUs at a time),
 * CVE-2024-26598 (a lookup of one that is being dropped).
 */
#include "lib/arch.h"
#include "lib/cpu.h"
#include "lib/edu.h"
#include "lib/fdt.h"
#include "lib/gic.h"
#include "lib/its.h"
#include "lib/payload.h"
#include "vitsmod/bits.h"

const char payload_name[] = "itscape";

#define EVENT_BITS   6u
#define EVENTS	     (1u << EVENT_BITS)
#define EDU_LPI	     GIC_FIRST_LPI
#define SCRATCH	     0x1234u /* a DeviceID that no function has */
#define SCRATCH_LPI  (EDU_LPI + EVENTS)
#define NOBODY	     0x4321u /* and one that is never mapped */
#define LPIS	     (2 * EVENTS)
#define MAX_COMMANDS 16u
#define TOGETHER_US  256u
#define SLOT_US	     200000u
#define SETTLE_US    100000u

/* What one CPU remembers; only that CPU writes it. */
struct actor {
	unsigned cpu;
	uint64_t random;
	struct edu edu; /* a copy: it counts what was raised */
	volatile uint64_t rounds;
	uint64_t commands, full;
};

static struct {
	struct actor actors[MAX_CPUS];
	unsigned nr_cpus;
	uint64_t edu_itt, scratch_itt;
	uint64_t end_us;
	bool others;
} world;

static uint64_t below(struct actor *a, uint64_t n)
{
	a->random ^= a->random << 13;
	a->random ^= a->random >> 7;
	a->random ^= a->random << 17;
	return a->random % n;
}

/* ---- LPIs off and on ------------------------------------------------------------ */

static void lpis(unsigned cpu, bool on)
{
	write32(gic_redistributor(cpu) + GICR_CTLR, on ? GICR_CTLR_LPIS : 0);
}

static void toggle(struct actor *a, unsigned cpu)
{
	lpis(cpu, false);
	if (below(a, 4) == 0)
		gic_lpi_tables(cpu, below(a, 2));
	if (below(a, 4) == 0)
		delay_us(below(a, 200));
	lpis(cpu, true);
}

static void toggle_own(struct actor *a)
{
	toggle(a, a->cpu);
}

static void toggle_any(struct actor *a)
{
	toggle(a, world.others ? (unsigned)below(a, world.nr_cpus) : a->cpu);
}

/* CPUs that are here in the same TOGETHER_US leave at the same moment. */
static void toggle_together(struct actor *a)
{
	uint64_t slot = now_us() / TOGETHER_US;

	while (now_us() / TOGETHER_US == slot)
		;
	lpis(a->cpu, false);
	lpis(a->cpu, true);
}

static void invalidate(struct actor *a)
{
	uint64_t at = gic_redistributor((unsigned)below(a, world.nr_cpus));

	gic_lpi_configure(EDU_LPI + (uint32_t)below(a, LPIS), below(a, 8) != 0);
	if (below(a, 4) == 0)
		write64(at + GICR_INVALLR, 0);
	else
		write64(at + GICR_INVLPIR, EDU_LPI + below(a, LPIS + 2));
	(void)read32(at + GICR_SYNCR);
}

/* ---- commands -------------------------------------------------------------------- */

static const uint8_t opcodes[] = {
	GITS_CMD_MAPTI,	 GITS_CMD_MAPTI, GITS_CMD_MAPTI,   GITS_CMD_MAPTI,   GITS_CMD_INT,
	GITS_CMD_INT,	 GITS_CMD_INT,	 GITS_CMD_INT,	   GITS_CMD_MOVI,    GITS_CMD_MOVI,
	GITS_CMD_MOVI,	 GITS_CMD_INV,	 GITS_CMD_INV,	   GITS_CMD_DISCARD, GITS_CMD_DISCARD,
	GITS_CMD_CLEAR,	 GITS_CMD_MAPD,	 GITS_CMD_DISCARD, GITS_CMD_MAPC,    GITS_CMD_INVALL,
	GITS_CMD_MOVALL, GITS_CMD_SYNC,
};

static struct gits_cmd map_device(uint32_t devid, bool valid)
{
	return (struct gits_cmd){
		.opcode = GITS_CMD_MAPD,
		.devid = devid,
		.size = EVENT_BITS - 1,
		.itt = devid == SCRATCH ? world.scratch_itt : world.edu_itt,
		.valid = valid,
	};
}

static struct gits_cmd map_collection(uint32_t icid, uint64_t cpu, bool valid)
{
	return (struct gits_cmd){
		.opcode = GITS_CMD_MAPC, .icid = icid, .rdbase = cpu, .valid = valid
	};
}

static struct gits_cmd map_event(uint32_t devid, uint64_t event, uint64_t icid)
{
	return (struct gits_cmd){
		.opcode = GITS_CMD_MAPTI,
		.devid = devid,
		.eventid = (uint32_t)event,
		.pintid = (devid == SCRATCH ? SCRATCH_LPI : EDU_LPI) + (uint32_t)event,
		.icid = (uint32_t)icid,
	};
}

static struct gits_cmd raise_event(uint32_t devid, uint64_t event)
{
	return (struct gits_cmd){ .opcode = GITS_CMD_INT,
				  .devid = devid,
				  .eventid = (uint32_t)event };
}

static struct gits_cmd random_command(struct actor *a)
{
	static const uint32_t strange[] = { NOBODY, 0xffff };
	uint8_t opcode = opcodes[below(a, sizeof(opcodes))];
	uint32_t devid = below(a, 2) ? SCRATCH : a->edu.devid;
	uint64_t event = below(a, EVENTS);

	if (below(a, 32) == 0)
		devid = strange[below(a, ARRAY_SIZE(strange))];
	switch (opcode) {
	case GITS_CMD_MAPD:
		return map_device(devid, below(a, 2));
	case GITS_CMD_MAPTI:
		return map_event(devid, event, below(a, world.nr_cpus));
	case GITS_CMD_MAPC:
		return map_collection((uint32_t)below(a, world.nr_cpus), below(a, world.nr_cpus),
				      below(a, 8));
	case GITS_CMD_MOVALL:
		return (struct gits_cmd){
			.opcode = opcode,
			.rdbase = below(a, world.nr_cpus),
			.rdbase2 = below(a, world.nr_cpus),
		};
	default:
		return (struct gits_cmd){
			.opcode = opcode,
			.devid = devid,
			.eventid = (uint32_t)event,
			.icid = (uint32_t)below(a, world.nr_cpus),
		};
	}
}

static void send(struct actor *a, const struct gits_cmd *commands, unsigned nr)
{
	if (its_try(commands, nr))
		a->commands += nr;
	else
		a->full++;
}

static void commands(struct actor *a)
{
	struct gits_cmd list[MAX_COMMANDS];
	unsigned nr = 1 + (unsigned)below(a, MAX_COMMANDS);

	for (unsigned i = 0; i < nr; i++)
		list[i] = random_command(a);
	send(a, list, nr);
}

/* Chance alone would have most events unmapped, and then nothing is cached. */
static void map_again(struct actor *a)
{
	struct gits_cmd list[MAX_COMMANDS];
	uint32_t devid = below(a, 4) ? a->edu.devid : SCRATCH;
	unsigned nr = 1;

	list[0] = map_device(devid, true);
	for (uint64_t cpu = 0; cpu < world.nr_cpus && nr < MAX_COMMANDS; cpu++, nr++)
		list[nr] = map_collection((uint32_t)cpu, cpu, true);
	for (; nr < MAX_COMMANDS; nr++)
		list[nr] = map_event(devid, below(a, EVENTS), below(a, world.nr_cpus));
	send(a, list, nr);
}

static void map_more(struct actor *a)
{
	struct gits_cmd list[MAX_COMMANDS];

	for (unsigned i = 0; i < MAX_COMMANDS; i += 2) {
		uint64_t event = below(a, EVENTS);

		list[i] = map_event(a->edu.devid, event, below(a, world.nr_cpus));
		list[i + 1] = raise_event(a->edu.devid, event);
	}
	send(a, list, MAX_COMMANDS);
}

static void its_off_and_on(struct actor *a)
{
	write32(LAYOUT_GITS + GITS_CTLR, 0);
	if (below(a, 2))
		delay_us(below(a, 100));
	write32(LAYOUT_GITS + GITS_CTLR, GITS_CTLR_ENABLED);
}

static void its_anew(struct actor *a)
{
	its_restart();
	map_again(a);
}

/* ---- the device -------------------------------------------------------------------- */

static void raise_some(struct actor *a)
{
	pci_msi_on(&a->edu.fn, ITS_DOORBELL, (uint16_t)below(a, EVENTS));
	for (uint64_t i = below(a, 4); i < 4; i++)
		edu_raise(&a->edu);
}

static void mask(struct actor *a)
{
	pci_msi_off(&a->edu.fn);
	edu_raise(&a->edu);
	edu_acknowledge(&a->edu);
	pci_msi_on(&a->edu.fn, ITS_DOORBELL, (uint16_t)below(a, EVENTS));
}

/* ---- all at once --------------------------------------------------------------------- */

/* Sixteen events of the device on this very CPU. */
static void map_here(struct actor *a)
{
	struct gits_cmd list[MAX_COMMANDS];

	lpis(a->cpu, true);
	list[0] = map_device(a->edu.devid, true);
	list[1] = map_collection(a->cpu, a->cpu, true);
	for (uint64_t event = 0; event < MAX_COMMANDS - 2; event++)
		list[event + 2] = map_event(a->edu.devid, event, a->cpu);
	send(a, list, MAX_COMMANDS);
}

/* All of them at once: the kernel keeps their translations, and the other CPUs go on together. */
static void interrupt_here(struct actor *a)
{
	struct gits_cmd list[MAX_COMMANDS];

	for (uint64_t event = 0; event < MAX_COMMANDS; event++)
		list[event] = raise_event(a->edu.devid, event);
	send(a, list, MAX_COMMANDS);
}

struct move {
	void (*act)(struct actor *a);
	unsigned weight;
};

static const struct move anything[] = {
	{ toggle_own, 6 }, { toggle_any, 6 },  { toggle_together, 12 },
	{ invalidate, 8 }, { commands, 10 },   { map_again, 3 },
	{ map_more, 8 },   { raise_some, 40 }, { its_off_and_on, 2 },
	{ its_anew, 1 },   { mask, 2 },	       { NULL, 0 },
};

/* One CPU fills the cache of translations that the others empty all the time. */
static const struct move fills[] = {
	{ map_here, 1 }, { interrupt_here, 12 }, { raise_some, 6 }, { NULL, 0 }
};
static const struct move empties[] = {
	{ toggle_own, 8 }, { toggle_together, 4 }, { invalidate, 1 }, { NULL, 0 }
};

/* Turns of SLOT_US: anything, then each CPU in its turn fills and the others empty. */
static const struct move *moves_now(const struct actor *a)
{
	uint64_t slot = now_us() / SLOT_US;

	if (slot % 2)
		return anything;
	return slot / 2 % world.nr_cpus == a->cpu ? fills : empties;
}

static void act(struct actor *a)
{
	const struct move *moves = moves_now(a);
	uint64_t total = 0, n;

	for (const struct move *m = moves; m->act; m++)
		total += m->weight;
	n = below(a, total);
	while (n >= moves->weight)
		n -= moves++->weight;
	moves->act(a);
	a->rounds++;
}

static void act_till_the_end(void)
{
	struct actor *a = &world.actors[cpu_index()];

	while (now_us() < world.end_us)
		act(a);
}

/* On CPU 0, between what it does itself. */
static void watch_the_others(void)
{
	static uint64_t seen[MAX_CPUS], since_us[MAX_CPUS];

	for (unsigned cpu = 1; cpu < world.nr_cpus; cpu++) {
		uint64_t rounds = world.actors[cpu].rounds, now = now_us();

		if (rounds != seen[cpu] || !since_us[cpu]) {
			seen[cpu] = rounds;
			since_us[cpu] = now;
		}
		CHECK(now - since_us[cpu] < PATIENCE_MS * 1000,
		      "CPU %u does not get on: %lu rounds", cpu, rounds);
	}
}

static void race(void)
{
	uint64_t raised = 0, commands_sent = 0, full = 0, rounds = 0, least = ~UINT64_C(0);

	for (unsigned cpu = 1; cpu < world.nr_cpus; cpu++)
		CHECK(cpu_run(cpu, act_till_the_end), "CPU %u does not listen", cpu);
	while (now_us() < world.end_us) {
		act(&world.actors[0]);
		watch_the_others();
	}
	for (unsigned cpu = 0; cpu < world.nr_cpus; cpu++) {
		const struct actor *a = &world.actors[cpu];

		CHECK(!cpu || cpu_is_idle(cpu), "CPU %u hangs", cpu);
		rounds += a->rounds;
		least = a->rounds < least ? a->rounds : least;
		raised += a->edu.raised;
		commands_sent += a->commands;
		full += a->full;
	}
	fact("rounds", rounds);
	fact("rounds_of_the_slowest_cpu", least);
	fact("commands", commands_sent);
	fact("queue_was_full", full);
	fact("raised", raised);
}

/* ---- afterwards ------------------------------------------------------------------------ */

static void lpis_anew(void)
{
	gic_lpis_off();
	gic_lpis_on();
}

/* Everything from the beginning, as a driver would do it. */
static void put_in_order(struct edu *edu)
{
	lpis_anew();
	for (unsigned cpu = 1; cpu < world.nr_cpus; cpu++) {
		CHECK(cpu_run(cpu, lpis_anew), "CPU %u does not listen", cpu);
		CHECK(cpu_is_idle(cpu), "CPU %u hangs", cpu);
	}
	its_restart();
	for (uint32_t cpu = 0; cpu < world.nr_cpus; cpu++) {
		its_mapc(cpu, gic_processor_number(cpu), true);
		its_invall(cpu);
	}
	pci_msi_off(&edu->fn);
	edu_acknowledge(edu);
	its_mapd(edu->devid, world.edu_itt, EVENT_BITS, true);
	for (uint32_t event = 0; event < EVENTS; event++) {
		gic_lpi_configure(EDU_LPI + event, true);
		its_mapti(edu->devid, event, EDU_LPI + event, event % world.nr_cpus);
		its_inv(edu->devid, event);
	}
	delay_us(SETTLE_US);
}

static void raise_and_expect(struct edu *edu, uint32_t event, unsigned cpu)
{
	uint32_t lpi = EDU_LPI + event;
	uint64_t before = gic_lpi_count(cpu, lpi), total = gic_lpi_total(lpi);

	pci_msi_on(&edu->fn, ITS_DOORBELL, (uint16_t)event);
	edu_raise(edu);
	CHECK(WAIT_UNTIL(gic_lpi_count(cpu, lpi) > before, PATIENCE_MS),
	      "afterwards, event %u does not come to CPU %u", event, cpu);
	CHECK(gic_lpi_total(lpi) == total + 1, "afterwards, event %u came %lu times", event,
	      gic_lpi_total(lpi) - total);
	edu_acknowledge(edu);
}

static uint64_t all_taken(void)
{
	uint64_t total = 0;

	for (uint32_t lpi = EDU_LPI; lpi < EDU_LPI + LPIS; lpi++)
		total += gic_lpi_total(lpi);
	return total;
}

static void each_arrives(struct edu *edu)
{
	uint64_t taken = all_taken();
	uint64_t raised = edu->raised;

	for (unsigned turn = 0; turn < 2 * world.nr_cpus; turn++)
		for (uint32_t event = 0; event < EVENTS; event++) {
			unsigned cpu = (event + turn) % world.nr_cpus;

			its_movi(edu->devid, event, cpu);
			raise_and_expect(edu, event, cpu);
		}
	delay_us(SETTLE_US);
	CHECK(all_taken() - taken == edu->raised - raised, "%lu raised, %lu taken",
	      edu->raised - raised, all_taken() - taken);
	fact("exact", edu->raised - raised);
}

static void second_cpu(void)
{
	gic_init_cpu();
	gic_lpis_on();
}

static void begin(struct edu *edu, uint64_t seed)
{
	world.nr_cpus = cpus_present();
	CHECK(world.nr_cpus >= 2, "two CPUs are needed");
	world.edu_itt = its_itt_alloc(EVENT_BITS);
	world.scratch_itt = its_itt_alloc(EVENT_BITS);
	for (unsigned cpu = 1; cpu < world.nr_cpus; cpu++)
		CHECK(cpu_start(cpu, gic_mpidr(cpu), second_cpu), "CPU %u does not start", cpu);
	for (uint32_t lpi = EDU_LPI; lpi < EDU_LPI + LPIS; lpi++)
		gic_lpi_configure(lpi, true);
	for (unsigned cpu = 0; cpu < world.nr_cpus; cpu++)
		world.actors[cpu] = (struct actor){
			.cpu = cpu,
			.random = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15) + cpu * 0x51ed27,
			.edu = *edu,
		};
}

void payload_main(uint64_t fdt)
{
	uint64_t seconds = fdt_number(fdt, "seconds", 10);
	uint64_t seed = fdt_number(fdt, "seed", 1);
	struct edu edu;

	world.others = fdt_number(fdt, "others", 0);
	edu_bring_up(&edu, EDU_LPI);
	edu_rounds(&edu, 10);
	begin(&edu, seed);
	fact("seed", seed);
	world.end_us = now_us() + seconds * 1000000;
	race();
	fact("taken", all_taken());
	put_in_order(&edu);
	each_arrives(&edu);
	CHECK(gic_strays() == 0, "%lu interrupts that nobody asked for", gic_strays());
}
