// SPDX-License-Identifier: MIT
/*
 * flr - CPU 0 resets a function (FLR), again and again, while CPU 1 reads its BAR all the time and
 * CPU 2 has commands run. Neither waits for the reset: CPU 1 reads all ones, and CPU 2's
 * commands go on. Needs three CPUs and an NVMe function.
 *
 * PCI Express Base 5.0, 6.6.2 (Function Level Reset), 7.5.3.4 (Initiate FLR).
 */
#include "lib/arch.h"
#include "lib/cpu.h"
#include "lib/gic.h"
#include "lib/its.h"
#include "lib/nvme.h"
#include "lib/payload.h"

const char payload_name[] = "flr";

#define LPI	   8192u
#define ROUNDS	   5u
#define EVENT_BITS 5u
#define READER	   1u
#define COMMANDER  2u

#define CAPABILITIES   0x34u
#define CAP_EXPRESS    0x10u
#define DEVICE_CAP     4u
#define DEVICE_CAP_FLR (1u << 28)
#define DEVICE_CONTROL 8u
#define INITIATE_FLR   0x8000u

#define NVME_VS 0x08u /* the version, which is neither 0 nor all ones */

static struct nvme disk;
static volatile bool ends, in_reset;
/* Of CPU 1 and CPU 2, in all; those in resets began and ended in one. */
static volatile uint64_t answers, ones_in_resets, commands_in_resets;

static void read_bar(void)
{
	while (!ends) {
		bool before = in_reset;

		if (read32(disk.fn.bar[0] + NVME_VS) != ~0u)
			answers++;
		else if (before && in_reset)
			ones_in_resets++;
	}
}

static void have_commands_run(void)
{
	while (!ends) {
		bool before = in_reset;

		its_inv(disk.fn.devfn, 0);
		if (before && in_reset)
			commands_in_resets++;
	}
}

static unsigned express_capability(void)
{
	unsigned at = pci_read32(disk.fn.devfn, CAPABILITIES) & 0xfc;

	while (at && (pci_read32(disk.fn.devfn, at) & 0xff) != CAP_EXPRESS)
		at = pci_read32(disk.fn.devfn, at) >> 8 & 0xfc;
	CHECK(at, "no PCI Express capability");
	CHECK(pci_read32(disk.fn.devfn, at + DEVICE_CAP) & DEVICE_CAP_FLR, "no FLR");
	return at;
}

/* The BAR where it was. */
static void place_again(void)
{
	pci_write32(disk.fn.devfn, PCI_BAR(0), (uint32_t)disk.fn.bar[0]);
	pci_write32(disk.fn.devfn, PCI_BAR(1), (uint32_t)(disk.fn.bar[0] >> 32));
	pci_write16(disk.fn.devfn, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

/* How long it took, in microseconds. */
static uint64_t reset(unsigned express)
{
	uint64_t before = answers, begin;

	CHECK(WAIT_UNTIL(answers > before + 10, PATIENCE_MS), "CPU 1 gets no answer");
	in_reset = true;
	barrier();
	begin = now_us();
	pci_write16(disk.fn.devfn, express + DEVICE_CONTROL, INITIATE_FLR);
	begin = now_us() - begin;
	in_reset = false;
	CHECK(!(pci_read16(disk.fn.devfn, PCI_COMMAND) & PCI_COMMAND_MEMORY),
	      "the function decodes after a reset");
	return begin;
}

void payload_main(uint64_t fdt)
{
	unsigned express;
	uint64_t us = 0;

	(void)fdt;
	gic_init();
	gic_lpis_on();
	its_init();
	its_mapc(0, gic_processor_number(0), true);
	nvme_find(&disk);
	express = express_capability();
	its_mapd(disk.fn.devfn, its_itt_alloc(EVENT_BITS), EVENT_BITS, true);
	its_mapti(disk.fn.devfn, 0, LPI, 0);
	for (unsigned cpu = READER; cpu <= COMMANDER; cpu++)
		CHECK(cpu_start(cpu, gic_mpidr(cpu), gic_init_cpu), "CPU %u does not start", cpu);
	CHECK(cpu_run(READER, read_bar), "CPU 1 does not listen");
	CHECK(cpu_run(COMMANDER, have_commands_run), "CPU 2 does not listen");
	for (unsigned n = 0; n < ROUNDS; n++) {
		us += reset(express);
		place_again();
	}
	ends = true;
	CHECK(cpu_is_idle(READER), "CPU 1 hangs");
	CHECK(cpu_is_idle(COMMANDER), "CPU 2 hangs");
	fact("rounds", ROUNDS);
	fact("us_in_resets", us);
	fact("ones_in_resets", ones_in_resets);
	fact("commands_in_resets", commands_in_resets);
}
