// SPDX-License-Identifier: MIT
/*
 * onslaught - all CPUs of a guest do hostile acts (lib/acts.h), drawn by chance, at once: on the
 * ITS and its tables, on LPIs, on functions, their BARs, their vectors and their DMA, on PSCI, on
 * the console. After each round everything is set up anew, and the devices interrupt as they
 * should. The guest switches itself off in the middle of a last one.
 *
 * Command line: seconds=N, seed=N. Needs two CPUs, edu with a dma_mask that reaches RAM, and an
 * NVMe function.
 */
#include "lib/acts.h"
#include "lib/arch.h"
#include "lib/fdt.h"
#include "lib/gic.h"
#include "lib/its.h"
#include "lib/odd.h"
#include "lib/payload.h"
#include "vitsmod/bits.h"

const char payload_name[] = "onslaught";

#define ROUND_US    2000000u
#define LAST_US	    300000u
#define SETTLE_US   100000u
#define EDU_ROUNDS  10u
#define DISK_ROUNDS 3u

static struct attacker attackers[MAX_CPUS];
static volatile uint64_t round_ends_us;
static volatile bool speaking; /* the console is CPU 0's */

/* ---- acts on what belongs to the CPU itself ------------------------------------------------- */

/* DEN 0022 5.1, DEN 0028 (others), Linux's vendor calls; with arguments of all kinds. */
static const uint64_t calls[] = {
	0x84000000, 0x84000003, 0xc4000003, 0x84000004, 0xc4000004, 0x84000005, 0xc4000005,
	0x84000006, 0xc4000007, 0x8400000a, 0xc400000b, 0x8400000c, 0x8400000d, 0xc400000f,
	0xc4000010, 0xc4000011, 0x84000013, 0xc4000014, 0x80000000, 0x80000001, 0x80007fff,
	0x80008000, 0x84000050, 0x84000051, 0xc4000053, 0x84000053, 0xc5000020, 0xc5000021,
	0x8600ff01, 0x86000000, 0x86000001, 0xc6000002, 0xbf00ff01, 0x00000000, 0xffffffff,
};

/* 0, what runs already (so CPU_ON starts nobody where there is no code), and what no CPU has. */
static uint64_t any_argument(struct attacker *a)
{
	switch (below(a, 4)) {
	case 0:
		return 0;
	case 1:
		return gic_mpidr(a->cpu);
	case 2:
		return 0xff00 | below(a, 0x10000) << 16;
	default:
		return below(a, ~UINT64_C(0)) | 0xff00;
	}
}

static bool act_psci(struct attacker *a)
{
	uint64_t function = calls[below(a, ARRAY_SIZE(calls))];

	(void)hypercall(function | (below(a, 8) ? 0 : below(a, UINT64_C(1) << 32) << 32),
			any_argument(a), any_argument(a), any_argument(a));
	return true;
}

/* SYSTEM_RESET2 and CPU_SUSPEND that ask for what there is not; other ways to the hypervisor. */
static bool act_psci_refused(struct attacker *a)
{
	int64_t answer = hypercall(0xc4000012, 1 + below(a, 0x7fffffff - 1), any_argument(a), 0);

	CHECK(answer < 0, "SYSTEM_RESET2 answers %ld", answer);
	__asm__ volatile("mov x0, %0\n\thvc #0xbad"
			 :
			 : "r"(any_argument(a) | 0xff)
			 : "x0", "x1", "x2", "x3");
	__asm__ volatile("mov x0, %0\n\tsmc #0"
			 :
			 : "r"(any_argument(a) | 0xff)
			 : "x0", "x1", "x2", "x3");
	return true;
}

/* A standby, whatever state and entry are asked for: until the timer interrupts. */
static bool act_suspend(struct attacker *a)
{
	irqs_off();
	timer_set(counter() + counter_ticks(below(a, 500)));
	(void)hypercall(0xc4000001, below(a, ~UINT64_C(0)), any_argument(a), any_argument(a));
	irqs_on();
	timer_off();
	return true;
}

/* CPU 0 switches it on again (revive()), where it is counted. */
static bool act_off(struct attacker *a)
{
	if (a->cpu == 0)
		return false;
	a->is_off = true;
	cpu_off();
	fail("CPU %u: CPU_OFF returned", a->cpu);
}

static bool act_wake(struct attacker *a)
{
	gic_wake((unsigned)below(a, field.nr_cpus));
	return true;
}

/* What KVM has no syndrome for, wherever accesses trap or nothing is. */
static bool act_odd(struct attacker *a)
{
	static const uint64_t places[] = {
		LAYOUT_GITS + GITS_TYPER,
		LAYOUT_GITS + GITS_FRAME_SZ,
		LAYOUT_GICD + 8,
		LAYOUT_GICR + 8,
		LAYOUT_UART + LAYOUT_UART_SZ - 64,
		LAYOUT_ECAM + LAYOUT_ECAM_SZ - 16,
		LAYOUT_KERNEL_ITS_FRAME,
		LAYOUT_KERNEL_ITS_MEM,
		LAYOUT_RAM - 16,
		BEYOND_RAM,
		0,
	};
	uint64_t at = places[below(a, ARRAY_SIZE(places))];

	odd_accesses[below(a, nr_odd_accesses)].access(
		at < LAYOUT_RAM && below(a, 2) ? field.alias + at : at);
	(void)read32(LAYOUT_KERNEL_ITS_FRAME + below(a, 0x8000) * 4);
	return true;
}

/* Everything but the transmitter, which would say it. */
static bool act_uart(struct attacker *a)
{
	if (speaking)
		return false;
	write8(LAYOUT_UART + 1 + below(a, 7), (uint8_t)below(a, 256));
	(void)read8(LAYOUT_UART + below(a, 8));
	(void)read32(LAYOUT_UART + 4 * below(a, 3));
	(void)read16(LAYOUT_UART + LAYOUT_UART_SZ - 2 * below(a, 2));
	return true;
}

static const struct act acts[] = {
	{ "cwriter", act_cwriter, 40 },
	{ "forge_queue", act_forge_queue, 30 },
	{ "commands", act_commands, 20 },
	{ "rewrite_tables", act_rewrite_tables, 20 },
	{ "its_off", act_its_off, 4 },
	{ "move_tables", act_move_tables, 2 },
	{ "its_anew", act_its_anew, 2 },
	{ "its_frame", act_its_frame, 20 },
	{ "toggle_lpis", act_toggle_lpis, 10 },
	{ "lpi_tables", act_lpi_tables, 4 },
	{ "invalidate", act_invalidate, 10 },
	{ "config", act_config, 10 },
	{ "ecam_edges", act_ecam_edges, 15 },
	{ "bar_edges", act_bar_edges, 15 },
	{ "move_bar", act_move_bar, 10 },
	{ "put_back", act_put_back, 10 },
	{ "decoding", act_decoding, 3 },
	{ "msi", act_msi, 5 },
	{ "raise", act_raise, 30 },
	{ "fire", act_fire, 40 },
	{ "msix_entry", act_msix_entry, 25 },
	{ "msix_control", act_msix_control, 5 },
	{ "dma", act_dma, 10 },
	{ "psci", act_psci, 10 },
	{ "psci_refused", act_psci_refused, 3 },
	{ "suspend", act_suspend, 3 },
	{ "off", act_off, 2 },
	{ "wake", act_wake, 5 },
	{ "odd", act_odd, 10 },
	{ "uart", act_uart, 10 },
};
_Static_assert(ARRAY_SIZE(acts) <= ACTS_MAX, "all acts are counted");

/* ---- rounds --------------------------------------------------------------------------------- */

static void act_once(struct attacker *a)
{
	uint64_t total = 0, n;
	unsigned i = 0;

	for (unsigned k = 0; k < ARRAY_SIZE(acts); k++)
		total += acts[k].weight;
	n = below(a, total);
	while (n >= acts[i].weight)
		n -= acts[i++].weight;
	a->doing = i;
	if (acts[i].act(a))
		a->done[i]++;
}

/* A CPU that was switched off begins here again. */
static void attack(void)
{
	struct attacker *a = &attackers[cpu_index()];

	if (a->is_off) {
		a->is_off = false;
		a->done[a->doing]++;
		gic_init_cpu();
		irqs_on();
	}
	while (now_us() < round_ends_us)
		act_once(a);
	barrier();
	a->is_through = true;
}

/* CPU_ON is refused where the CPU is on its way off still; then it is the next time. */
static bool all_are_through(void)
{
	bool all = true;

	for (unsigned cpu = 1; cpu < field.nr_cpus; cpu++) {
		if (attackers[cpu].is_off)
			(void)cpu_on_again(cpu, gic_mpidr(cpu));
		all = all && attackers[cpu].is_through;
	}
	return all;
}

static void begin_round(uint64_t us)
{
	round_ends_us = now_us() + us;
	for (unsigned cpu = 1; cpu < field.nr_cpus; cpu++) {
		attackers[cpu].is_through = false;
		CHECK(cpu_run(cpu, attack), "CPU %u does not listen", cpu);
	}
}

static void attack_on_cpu_0(void)
{
	while (now_us() < round_ends_us) {
		act_once(&attackers[0]);
		(void)all_are_through();
	}
	CHECK(WAIT_UNTIL(all_are_through(), PATIENCE_MS),
	      "a CPU hangs in the act '%s' (or in '%s', '%s')", acts[attackers[1].doing].name,
	      acts[attackers[2 % field.nr_cpus].doing].name,
	      acts[attackers[3 % field.nr_cpus].doing].name);
	for (unsigned cpu = 1; cpu < field.nr_cpus; cpu++)
		CHECK(cpu_is_idle(cpu), "CPU %u does not come back", cpu);
}

/* ---- in order again -------------------------------------------------------------------------- */

static void lpis_anew(void)
{
	gic_lpis_off();
	gic_lpis_on();
}

static void its_in_order(void)
{
	its_off();
	its_init();
	lpis_anew();
	for (unsigned cpu = 1; cpu < field.nr_cpus; cpu++) {
		CHECK(cpu_run(cpu, lpis_anew), "CPU %u does not listen", cpu);
		CHECK(cpu_is_idle(cpu), "CPU %u hangs", cpu);
	}
	for (uint32_t lpi = EDU_LPI; lpi < EDU_LPI + LPIS; lpi++)
		gic_lpi_configure(lpi, true);
	for (unsigned cpu = 0; cpu < field.nr_cpus; cpu++) {
		its_mapc(cpu, gic_processor_number(cpu), true);
		its_invall(cpu);
	}
	its_mapd(field.edu.devid, field.edu_itt, EVENT_BITS, true);
	its_mapti(field.edu.devid, 0, EDU_LPI, 0);
	its_mapd(field.disk.fn.devfn, field.disk_itt, EVENT_BITS, true);
	for (unsigned v = 0; v < DISK_VECTORS; v++)
		its_mapti(field.disk.fn.devfn, v, DISK_LPI + v, v % field.nr_cpus);
}

static void devices_in_order(void)
{
	const struct pci_function *disk = &field.disk.fn;

	pci_msix_off(disk);
	pci_msi_off(&field.edu.fn);
	pci_put_back(&field.edu.fn);
	pci_put_back(disk);
	wait_for_dma();
	nvme_start(&field.disk, DISK_VECTORS);
	for (unsigned v = 0; v < disk->msix_nr; v++) {
		pci_msix_write(disk, v, ITS_DOORBELL, v);
		pci_msix_mask(disk, v, v >= DISK_VECTORS);
	}
	pci_msix_on(disk);
	pci_msi_on(&field.edu.fn, ITS_DOORBELL, 0);
}

static uint64_t all_taken(void)
{
	uint64_t total = 0;

	for (uint32_t lpi = EDU_LPI; lpi < EDU_LPI + LPIS; lpi++)
		total += gic_lpi_total(lpi);
	return total;
}

/* What is still on its way comes first. */
static void settle(void)
{
	uint64_t seen;

	do {
		seen = all_taken();
		delay_us(SETTLE_US);
	} while (all_taken() != seen);
	edu_acknowledge(&field.edu);
}

static void each_interrupts(void)
{
	field.edu.lpi = EDU_LPI;
	edu_rounds(&field.edu, EDU_ROUNDS);
	for (unsigned n = 0; n < DISK_ROUNDS * DISK_VECTORS; n++) {
		unsigned v = n % DISK_VECTORS;
		uint64_t before = gic_lpi_total(DISK_LPI + v);

		nvme_work(&field.disk, v);
		CHECK(WAIT_UNTIL(gic_lpi_total(DISK_LPI + v) > before, PATIENCE_MS),
		      "the disk's vector %u does not interrupt", v);
		CHECK(gic_lpi_total(DISK_LPI + v) == before + 1, "vector %u: %lu interrupts", v,
		      gic_lpi_total(DISK_LPI + v) - before);
		nvme_reap(&field.disk, v);
	}
}

static void recover(void)
{
	console_in_order();
	speaking = true;
	devices_in_order();
	its_in_order();
	settle();
	each_interrupts();
}

/* ---- set-up and words ----------------------------------------------------------------------- */

static uint64_t done_by_all(unsigned act)
{
	uint64_t done = 0;

	for (unsigned cpu = 0; cpu < field.nr_cpus; cpu++)
		done += attackers[cpu].done[act];
	return done;
}

/* A slow machine takes longer to draw all there is. */
static bool all_acts_happened(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(acts); i++)
		if (!done_by_all(i))
			return false;
	return all_places_happened();
}

static void say_facts(void)
{
	uint64_t all = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(acts); i++) {
		say("act %s %lu", acts[i].name, done_by_all(i));
		all += done_by_all(i);
	}
	say_pci_facts();
	fact("acts", all);
	fact("taken", all_taken());
	fact("aborts", aborts_taken().external);
	fact("alignment_faults", aborts_taken().alignment);
	fact("other_exceptions", aborts_taken().other);
}

static void other_cpu(void)
{
	gic_init_cpu();
	gic_timer_on();
	gic_lpis_on();
}

static uint64_t table_of(uint64_t type)
{
	for (unsigned n = 0; n < GITS_NR_BASERS; n++) {
		uint64_t baser = read64(LAYOUT_GITS + GITS_BASER(n));

		if (FIELD_GET(GITS_BASER_TYPE, baser) == type)
			return baser & MASK64(47, 16);
	}
	fail("no table of type %lu", type);
}

/* Tables first, and behind them as much as the greatest ITT or table that is led there. */
static void set_up_field(void)
{
	gic_init();
	gic_timer_on();
	gic_lpis_on();
	its_init();
	(void)memory_alloc(GROUND_ITT_SZ, 0x10000);
	field.devices = table_of(GITS_TABLE_DEVICES);
	field.collections = table_of(GITS_TABLE_COLLECTIONS);
	field.ram_end = platform()->ram_end;
	field.ground = field.ram_end - GROUND_SZ;
	field.edu_itt = field.ground;
	field.disk_itt = field.ground + GROUND_ITT_SZ;
	field.scratch_itt = field.ground + 2 * GROUND_ITT_SZ;
	field.alias = mmu_alias(MMU_BLOCK_MEMORY);
	nvme_find(&field.disk);
	edu_find(&field.edu);
	place_targets();
	CHECK(field.disk.fn.msix_nr >= DISK_VECTORS, "the disk has %u vectors",
	      field.disk.fn.msix_nr);
}

static void set_up_cpus(uint64_t seed)
{
	field.nr_cpus = cpus_present();
	CHECK(field.nr_cpus >= 2, "two CPUs are needed");
	for (unsigned cpu = 0; cpu < field.nr_cpus; cpu++) {
		attackers[cpu].cpu = cpu;
		attackers[cpu].random = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15) + cpu * 0x51ed27;
		if (cpu)
			CHECK(cpu_start(cpu, gic_mpidr(cpu), other_cpu), "CPU %u does not start",
			      cpu);
	}
}

void payload_main(uint64_t fdt)
{
	uint64_t seconds = fdt_number(fdt, "seconds", 10), seed = fdt_number(fdt, "seed", 1);
	uint64_t end, rounds = 0;

	set_up_field();
	irqs_on();
	set_up_cpus(seed);
	fact("seed", seed);
	aborts_allow(true);
	recover();
	end = now_us() + seconds * 1000000;
	while (now_us() < end || (!all_acts_happened() && now_us() < end + PATIENCE_MS * 1000)) {
		say("round %lu", ++rounds);
		speaking = false;
		begin_round(ROUND_US);
		attack_on_cpu_0();
		recover();
	}
	fact("rounds", rounds);
	say_facts();
	/* The others go on until there is no machine any more. */
	begin_round(PATIENCE_MS * 1000);
	delay_us(LAST_US);
}
