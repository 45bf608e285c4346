// SPDX-License-Identifier: MIT
/*
 * unemulated - what KVM cannot emulate, at each kind of place where accesses trap or
 * where nothing is, by four CPUs at once, while commands of the ITS keep pausing them and
 * a device interrupts: each access completes or ends in an external abort at its own
 * address, and every interrupt arrives. Needs four CPUs, edu and an NVMe function.
 *
 * Arm ARM: ESR_EL2.ISS.ISV (which accesses have a syndrome), D1.13 (external aborts).
 */
#include "lib/arch.h"
#include "lib/cpu.h"
#include "lib/edu.h"
#include "lib/gic.h"
#include "lib/its.h"
#include "lib/odd.h"
#include "lib/payload.h"
#include "vitsmod/bits.h"
#include "vmm/kvm/layout.h"

const char payload_name[] = "unemulated";

#define LPI	   8192u
#define CPUS	   4u
#define ROUNDS	   3u
#define MAX_KINDS  64u
#define CLASS_NVME 0x010802u
/* In the window, behind all BARs, however large the host makes them: see last_entry() */
#define NO_BAR	   (LAYOUT_PCI32 + LAYOUT_PCI32_SZ - 0x100000)
#define BEYOND_RAM UINT64_C(0xc0000000)
#define GIB	   (UINT64_C(1) << 30)

/* Registers that no write changes, or that change nothing. */
enum {
	UART_REG,
	GITS_REG,
	GICD_REG,
	GICR_REG,
	CONFIG,
	TABLE_ENTRY,
	FRAME,
	TABLES,
	WINDOW,
	GAP,
	BEYOND
};

static struct place {
	const char *name;
	uint64_t at;
	bool is_hole;
} places[] = {
	[UART_REG] = { "uart", LAYOUT_UART + LAYOUT_UART_SZ - 64, false }, /* no register */
	[GITS_REG] = { "gits", LAYOUT_GITS + GITS_TYPER, false },
	[GICD_REG] = { "gicd", LAYOUT_GICD + 8, false }, /* GICD_IIDR */
	[GICR_REG] = { "gicr", LAYOUT_GICR + 8, false }, /* GICR_TYPER */
	[CONFIG] = { "ecam", LAYOUT_ECAM + 0xf8 * 4096, false },
	[TABLE_ENTRY] = { "msix_table", 0, false }, /* a vector that stays masked */
	[FRAME] = { "kernel_its_frame", LAYOUT_KERNEL_ITS_FRAME + GITS_CBASER, false },
	[TABLES] = { "kernel_its_tables", LAYOUT_KERNEL_ITS_MEM + 64, false },
	[WINDOW] = { "window", NO_BAR, false },
	[GAP] = { "gap", LAYOUT_KERNEL_CODE + LAYOUT_KERNEL_CODE_SZ, true },
	[BEYOND] = { "beyond_ram", BEYOND_RAM, true },
};

/* Ends of accesses. */
enum end { COMPLETED, ABORTED, REFUSED, NR_ENDS };

/* What a CPU saw; it alone writes it. */
static struct seen {
	uint64_t ends[ARRAY_SIZE(places)][MAX_KINDS][NR_ENDS];
	const char *wrong; /* the first thing, if any */
	const char *where, *kind;
	uint64_t address, far;
	volatile bool done;
} seen[CPUS] __attribute__((aligned(64)));

static struct edu edu;
static uint64_t alias; /* of the first GiB, as memory */

/* ---- one access ------------------------------------------------------------------- */

static void wrong(const char *what, const struct place *place, const struct odd_access *kind,
		  uint64_t address)
{
	struct seen *own = &seen[cpu_index()];

	if (own->wrong)
		return;
	own->wrong = what;
	own->where = place->name;
	own->kind = kind->name;
	own->address = address;
	own->far = abort_address_here();
}

/* That of the access, or of its second half; or the beginning of the block (DC ZVA). */
static bool is_address(uint64_t far, uint64_t address)
{
	uint64_t block = UINT64_C(4) << (sysreg_read("dczid_el0") & 0xf);

	return (far >= address && far <= address + 8) || far == (address & ~(block - 1));
}

static uint64_t total(const struct abort_counts *counts)
{
	return counts->external + counts->walk + counts->alignment + counts->other;
}

static enum end end_of(const struct place *place, const struct odd_access *kind, uint64_t address)
{
	struct abort_counts before = aborts_taken_here(), after;

	kind->access(address);
	after = aborts_taken_here();
	if (total(&after) == total(&before))
		return COMPLETED;
	if (total(&after) != total(&before) + 1)
		wrong("aborted more than once", place, kind, address);
	if (after.alignment != before.alignment) {
		/* To a device, unaligned or atomic: the CPU does not even try. */
		if (address >= alias)
			wrong("refused by the CPU", place, kind, address);
		return REFUSED;
	}
	if (after.external == before.external)
		wrong("ended in another exception", place, kind, address);
	if (!is_address(abort_address_here(), address))
		wrong("aborted at another address", place, kind, address);
	return ABORTED;
}

static void access(unsigned p, unsigned k, uint64_t address)
{
	const struct odd_access *kind = &odd_accesses[k];
	enum end end = end_of(&places[p], kind, address);

	if (p == FRAME && end == COMPLETED && kind->has_syndrome)
		wrong("reached the kernel's ITS", &places[p], kind, address);
	if (p != FRAME && end == ABORTED && kind->has_syndrome)
		wrong("aborted for no reason", &places[p], kind, address);
	seen[cpu_index()].ends[p][k][end]++;
}

/* ---- all of them ------------------------------------------------------------------------ */

static uint64_t address_in(unsigned p, unsigned mapping)
{
	return mapping && places[p].at < GIB ? alias + places[p].at : places[p].at;
}

/* `between` comes after each place, of which each CPU begins with another one. */
static void sweep(void (*between)(void))
{
	for (unsigned n = 0; n < ROUNDS * 2 * ARRAY_SIZE(places); n++) {
		unsigned p = (n + 3 * cpu_index()) % ARRAY_SIZE(places);
		uint64_t address = address_in(p, n / ARRAY_SIZE(places) % 2);

		for (unsigned k = 0; k < nr_odd_accesses; k++)
			access(p, k, address);
		between();
	}
	seen[cpu_index()].done = true;
	barrier();
}

static bool all_done(void)
{
	for (unsigned cpu = 0; cpu < CPUS; cpu++)
		if (!seen[cpu].done)
			return false;
	return true;
}

static void send_inv(void)
{
	its_inv(edu.devid, 0);
}

/* Sends as long as any of the others goes on. */
static void commands(void)
{
	sweep(send_inv);
	while (!all_done())
		send_inv();
}

static void accesses(void)
{
	sweep(send_inv);
}

static void one_interrupt(void)
{
	edu_rounds(&edu, 1);
}

/* ---- set-up and sums ------------------------------------------------------------------- */

static void init_cpu(void)
{
	gic_init_cpu();
	gic_lpis_on();
}

/* The NVMe function's MSI-X table, which is never switched on. */
static uint64_t last_entry(void)
{
	struct pci_function disk;

	CHECK(pci_find_class(CLASS_NVME, 0, &disk), "no NVMe function");
	pci_set_up(&disk);
	CHECK(disk.msix_nr, "the NVMe function has no MSI-X");
	for (unsigned bar = 0; bar < PCI_BARS; bar++) {
		CHECK(!disk.bar[bar] || NO_BAR < disk.bar[bar] ||
			      NO_BAR >= disk.bar[bar] + disk.bar_sz[bar],
		      "BAR %u is where nothing should be", bar);
		CHECK(!edu.fn.bar[bar] || NO_BAR < edu.fn.bar[bar] ||
			      NO_BAR >= edu.fn.bar[bar] + edu.fn.bar_sz[bar],
		      "edu's BAR %u is where nothing should be", bar);
	}
	return disk.msix_table + 16 * (disk.msix_nr - 1);
}

static uint64_t sum(unsigned p, unsigned k, enum end end)
{
	uint64_t nr = 0;

	for (unsigned cpu = 0; cpu < CPUS; cpu++)
		nr += seen[cpu].ends[p][k][end];
	return nr;
}

static void say_kinds(void)
{
	for (unsigned k = 0; k < nr_odd_accesses; k++) {
		uint64_t nr[NR_ENDS] = { 0 };

		for (unsigned p = 0; p < ARRAY_SIZE(places); p++)
			for (enum end end = 0; end < NR_ENDS; end++)
				nr[end] += sum(p, k, end);
		say("kind %s completed %lu aborted %lu refused %lu", odd_accesses[k].name,
		    nr[COMPLETED], nr[ABORTED], nr[REFUSED]);
	}
}

static void say_places(void)
{
	uint64_t aborted = 0, frame = 0, holes = 0;

	for (unsigned p = 0; p < ARRAY_SIZE(places); p++) {
		uint64_t nr[NR_ENDS] = { 0 };

		for (unsigned k = 0; k < nr_odd_accesses; k++) {
			for (enum end end = 0; end < NR_ENDS; end++)
				nr[end] += sum(p, k, end);
			if (places[p].is_hole && odd_accesses[k].has_syndrome)
				holes += sum(p, k, COMPLETED);
		}
		say("place %s completed %lu aborted %lu refused %lu", places[p].name, nr[COMPLETED],
		    nr[ABORTED], nr[REFUSED]);
		aborted += nr[ABORTED];
		if (p == FRAME)
			frame = nr[ABORTED];
	}
	CHECK(aborted == aborts_taken().external, "%lu accesses aborted, %lu aborts came", aborted,
	      aborts_taken().external);
	fact("frame_aborts", frame);
	fact("other_aborts", aborted - frame);
	fact("hole_accesses", holes);
}

void payload_main(uint64_t fdt)
{
	(void)fdt;
	CHECK(nr_odd_accesses <= MAX_KINDS, "%lu kinds of accesses", nr_odd_accesses);
	edu_bring_up(&edu, LPI);
	CHECK(cpus_present() >= CPUS, "%u CPUs are needed", CPUS);
	for (unsigned cpu = 1; cpu < CPUS; cpu++)
		CHECK(cpu_start(cpu, gic_mpidr(cpu), init_cpu), "CPU %u does not start", cpu);
	places[TABLE_ENTRY].at = last_entry();
	alias = mmu_alias(MMU_BLOCK_MEMORY);
	edu_rounds(&edu, 10);

	aborts_allow(true);
	CHECK(cpu_run(1, commands), "CPU 1 does not listen");
	for (unsigned cpu = 2; cpu < CPUS; cpu++)
		CHECK(cpu_run(cpu, accesses), "CPU %u does not listen", cpu);
	sweep(one_interrupt);
	while (!all_done())
		one_interrupt();
	for (unsigned cpu = 1; cpu < CPUS; cpu++)
		CHECK(cpu_is_idle(cpu), "CPU %u hangs", cpu);
	aborts_allow(false);
	edu_rounds(&edu, 10);

	say_kinds();
	for (unsigned cpu = 0; cpu < CPUS; cpu++)
		CHECK(!seen[cpu].wrong, "CPU %u: %s at %s, 0x%lx: %s (FAR 0x%lx)", cpu,
		      seen[cpu].kind, seen[cpu].where, seen[cpu].address, seen[cpu].wrong,
		      seen[cpu].far);
	say_places();
	fact("handled", gic_lpi_total(LPI));
	fact("raised", edu.raised);
	CHECK(gic_strays() == 0, "%lu interrupts that nobody asked for", gic_strays());
}
