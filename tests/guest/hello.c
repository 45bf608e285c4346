// SPDX-License-Identifier: MIT
/*
 * hello - is a guest entered as it should be, and do all its CPUs start?
 */
#include "lib/arch.h"
#include "lib/cpu.h"
#include "lib/gic.h"
#include "lib/payload.h"

const char payload_name[] = "hello";

#define FDT_MAGIC 0xd00dfeedu

static volatile bool seen[MAX_CPUS];

static void check_in(void)
{
	gic_init_cpu();
	seen[cpu_index()] = true;
}

void payload_main(uint64_t fdt)
{
	uint32_t magic = fdt % 8 ? 0 : __builtin_bswap32(*(const volatile uint32_t *)fdt);
	unsigned nr = 1;

	say("fdt_magic 0x%x", magic);
	CHECK(magic == FDT_MAGIC, "no device tree at 0x%lx", fdt);
	fact("el", sysreg_read("CurrentEL") >> 2);

	gic_init();
	for (unsigned cpu = 1; cpu < cpus_present(); cpu++) {
		CHECK(cpu_start(cpu, gic_mpidr(cpu), check_in), "CPU %u does not start", cpu);
		CHECK(seen[cpu], "CPU %u says it is another one", cpu);
		nr++;
	}
	CHECK(!cpu_start(0, gic_mpidr(0), check_in), "CPU 0 was started twice");
	fact("cpus", nr);
}
