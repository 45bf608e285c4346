// SPDX-License-Identifier: MIT
/*
 * The course of an attack.
 */
#include "lib/attack.h"

#include "lib/arch.h"
#include "lib/cpu.h"
#include "lib/fdt.h"
#include "lib/gic.h"
#include "lib/its.h"
#include "lib/payload.h"
#include "lib/platform.h"
#include "lib/witness.h"

#define NVME_CLASS    0x010802u
#define DISK_ITT_BITS 8u
#define DEFAULT_MS    1000u
#define DEFAULT_LPIS  4096u
#define QUIET_US      300000u
#define SETTLE_US     50000u
#define ROUNDS	      20u
#define NAME_MAX      32u

static struct attack_world world;
static bool paced;

const struct attack_world *attack_world(void)
{
	return &world;
}

struct edu *attack_edu(void)
{
	return &world.edu;
}

bool attack_goes_on(uint64_t begin)
{
	return now_us() < begin + world.ms * 1000;
}

uint64_t attack_random(void)
{
	static uint64_t state = 0x9e3779b97f4a7c15;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

void attack_restore(void)
{
	uint64_t seen;

	its_off();
	its_init();
	for (unsigned cpu = 0; cpu < 3; cpu++)
		its_mapc(cpu, world.rdbase[cpu], true);
	edu_start(&world.edu, EDU_LPI);
	/* What is still on its way comes first. */
	do {
		seen = gic_lpi_total(EDU_LPI);
		delay_us(SETTLE_US);
	} while (gic_lpi_total(EDU_LPI) != seen);
	edu_acknowledge(&world.edu);
}

void attack_map_disk(uint32_t icid)
{
	static uint64_t itt;

	if (!world.has_disk)
		return;
	if (!itt)
		itt = its_itt_alloc(DISK_ITT_BITS);
	its_mapd(world.disk_devid, itt, DISK_ITT_BITS, true);
	for (unsigned event = 0; event < world.disk_events; event++)
		its_mapti(world.disk_devid, event, DISK_LPI + event, icid);
}

/* ---- the course ------------------------------------------------------------- */

static void wait_for_key(void)
{
	char key;

	while (paced && !heard(&key))
		;
}

static void run_attack(const struct attack *attack)
{
	uint64_t begin;

	say("attack %s: ready", attack->name);
	wait_for_key();
	witness_forget();
	begin = now_us();
	attack->run();
	fact("lasted_ms", (now_us() - begin) / 1000);
	fact("gap_us", witness_gap_us(ATTACK_WITNESS));
	fact("looks_per_ms", witness_looks_per_ms(ATTACK_WITNESS));
	say("attack %s: over", attack->name);
	wait_for_key();
	attack_restore();
	edu_rounds(&world.edu, ROUNDS);
	say("attack %s: recovered", attack->name);
}

static bool same(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

static void other_cpu(void)
{
	gic_init_cpu();
	gic_lpis_on();
}

static void set_up(uint64_t fdt)
{
	struct pci_function disk;

	world.ms = fdt_number(fdt, "ms", DEFAULT_MS);
	world.lpis = fdt_number(fdt, "lpis", DEFAULT_LPIS);
	paced = fdt_number(fdt, "paced", 0);
	world.ram_end = platform()->ram_end;

	edu_bring_up(&world.edu, EDU_LPI);
	CHECK(cpus_present() >= 3, "three CPUs are needed");
	for (unsigned cpu = 0; cpu < 3; cpu++) {
		world.rdbase[cpu] = gic_processor_number(cpu);
		if (cpu)
			CHECK(cpu_start(cpu, gic_mpidr(cpu), other_cpu), "CPU %u does not start",
			      cpu);
		its_mapc(cpu, world.rdbase[cpu], true);
	}
	world.has_disk = pci_find_class(NVME_CLASS, 0, &disk);
	if (world.has_disk) {
		world.disk_devid = disk.devfn;
		world.disk_events = disk.msix_nr;
		CHECK(DISK_LPI + world.disk_events <= STRANGER_LPI, "%u vectors", disk.msix_nr);
	}
	edu_rounds(&world.edu, ROUNDS);
}

void attack_main(uint64_t fdt, const struct attack attacks[], size_t nr)
{
	char only[NAME_MAX] = "";
	unsigned done = 0;

	(void)fdt_word(fdt, "attack", only, sizeof(only));
	set_up(fdt);
	fact("ram_end", world.ram_end);
	witness_start(ATTACK_WITNESS);
	witness_forget();
	delay_us(QUIET_US);
	fact("quiet_gap_us", witness_gap_us(ATTACK_WITNESS));
	fact("quiet_looks_per_ms", witness_looks_per_ms(ATTACK_WITNESS));

	for (size_t i = 0; i < nr; i++) {
		if (*only && !same(only, attacks[i].name))
			continue;
		run_attack(&attacks[i]);
		done++;
	}
	CHECK(done, "no attack is called %s", only);
	witness_stop(ATTACK_WITNESS);
}
