// SPDX-License-Identifier: MIT
/*
 * seal - the kernel's ITS and redistributors, which this guest is not told of, cannot
 * be touched: each access to their frames ends in an abort, the ITS's queue and tables
 * cannot be written, and interrupts go on as before.
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

const char payload_name[] = "seal";

#define LPI    8192u
#define ROUNDS 200u
#define PAGE   4096u
/* Of a redistributor: IHI 0069 12.11. */
#define GICR_FRAMES	0x20000u
#define GICR_ISENABLER0 0x10100u
#define GICR_ICENABLER0 0x10180u
#define GICR_ISPENDR0	0x10200u
#define GICR_ICPENDR0	0x10280u
#define GICR_ISACTIVER0 0x10300u
#define GICR_ICACTIVER0 0x10380u
#define GICR_IPRIORITY	0x10400u

#define SEALED_MEM_SZ 0x120000u /* queue, collections, devices, an ITT: vmm/its/kernel_its.c */

static uint64_t frame_accesses, table_writes;

/* A queue of the guest's own, as an attacker would bring one. */
static uint64_t own_queue(void)
{
	return GITS_BASER_VALID | address_of(memory_alloc(0x10000, 0x10000)) | 0xf;
}

static void expect_aborts(uint64_t before, uint64_t nr, uint64_t at)
{
	uint64_t taken = aborts_taken().external - before;

	CHECK(taken == nr, "0x%lx: %lu accesses, %lu aborts", at, nr, taken);
	frame_accesses += nr;
}

static void poke_register(uint64_t at, uint64_t value)
{
	uint64_t before = aborts_taken().external;
	uint64_t got = read64(at);

	CHECK(got == READ_ABORTED, "0x%lx reads as 0x%lx", at, got);
	CHECK(read32(at) == READ_ABORTED, "0x%lx can be read", at);
	CHECK(read32(at + 4) == READ_ABORTED, "0x%lx can be read", at + 4);
	write64(at, value);
	write32(at, (uint32_t)value);
	write32(at + 4, (uint32_t)(value >> 32));
	expect_aborts(before, 6, at);
}

static void poke_narrow(uint64_t at)
{
	uint64_t before = aborts_taken().external;

	(void)read8(at);
	(void)read16(at);
	write8(at, 0xff);
	write16(at, 0xffff);
	expect_aborts(before, 4, at);
}

static void poke_frame(void)
{
	const struct {
		uint64_t offset, value;
	} pokes[] = {
		{ GITS_CTLR, 0 },
		{ GITS_TYPER, ~UINT64_C(0) },
		{ GITS_CBASER, own_queue() },
		{ GITS_CWRITER, GITS_CMD_SZ },
		{ GITS_CREADR, 0 },
		{ GITS_PIDR2 - 8, 0 },
		{ GITS_TRANSLATER, 0 },
		{ GITS_FRAME_SZ - 8, 0 },
		{ GITS_CTLR, GITS_CTLR_ENABLED },
		{ GITS_CWRITER, 2 * GITS_CMD_SZ },
	};

	for (size_t i = 0; i < ARRAY_SIZE(pokes); i++)
		poke_register(LAYOUT_KERNEL_ITS_FRAME + pokes[i].offset, pokes[i].value);
	for (unsigned n = 0; n < GITS_NR_BASERS; n++)
		poke_register(LAYOUT_KERNEL_ITS_FRAME + GITS_BASER(n), own_queue());
	poke_narrow(LAYOUT_KERNEL_ITS_FRAME + GITS_CTLR);
	poke_narrow(LAYOUT_KERNEL_ITS_FRAME + GITS_TRANSLATER);
}

/* KVM's redistributors, of each CPU: the guest's own ones lie elsewhere. */
static void poke_redistributors(void)
{
	static const uint64_t offsets[] = {
		GICR_CTLR,	 GICR_PROPBASER,  GICR_PENDBASER,  GICR_INVLPIR,    GICR_INVALLR,
		GICR_SYNCR,	 GICR_ISENABLER0, GICR_ICENABLER0, GICR_ISPENDR0,   GICR_ICPENDR0,
		GICR_ISACTIVER0, GICR_ICACTIVER0, GICR_IPRIORITY,  GICR_FRAMES - 8,
	};

	for (unsigned cpu = 0; cpu < gic_nr_cpus(); cpu++) {
		uint64_t base = LAYOUT_KERNEL_GICR + cpu * LAYOUT_GICR_SZ_VCPU;
		uint32_t ctlr = read32(gic_redistributor(cpu) + GICR_CTLR);

		for (size_t i = 0; i < ARRAY_SIZE(offsets); i++)
			poke_register(base + offsets[i], ~UINT64_C(0));
		poke_narrow(base + GICR_IPRIORITY);
		poke_register(base + GICR_CTLR, 0);
		CHECK(read32(gic_redistributor(cpu) + GICR_CTLR) == ctlr,
		      "CPU %u's LPIs were switched", cpu);
	}
}

/* By instruction fetch, by a page table walk, and by instructions without a syndrome. */
static void poke_frame_oddly(void)
{
	struct abort_counts before = aborts_taken();
	struct abort_counts after;
	uint64_t alias = mmu_alias(MMU_BLOCK_DEVICE_EXEC);

	((void (*)(void))(alias + LAYOUT_KERNEL_ITS_FRAME))();
	CHECK(aborts_taken().external > before.external, "the frame can be executed");
	alias = mmu_alias(MMU_TABLE | LAYOUT_KERNEL_ITS_FRAME);
	(void)read64(alias);
	after = aborts_taken();
	CHECK(after.external + after.walk > before.external + before.walk + 1,
	      "the frame serves as a page table");
	alias = mmu_alias(MMU_BLOCK_MEMORY);
	odd_access_all(alias + LAYOUT_KERNEL_ITS_FRAME + GITS_CBASER);
	(void)mmu_alias(0);
}

/* A sum that a change of any word changes. */
static uint64_t checksum_tables(void)
{
	uint64_t sum = 0;

	for (uint64_t at = 0; at < SEALED_MEM_SZ; at += 8)
		sum = (sum << 1 | sum >> 63) + read64(LAYOUT_KERNEL_ITS_MEM + at);
	return sum;
}

static void poke_tables(void)
{
	uint64_t before = checksum_tables();
	uint64_t alias;

	for (uint64_t page = 0; page < SEALED_MEM_SZ; page += PAGE) {
		write64(LAYOUT_KERNEL_ITS_MEM + page, ~UINT64_C(0));
		write32(LAYOUT_KERNEL_ITS_MEM + page + PAGE - 4, 0xdeadbeef);
		table_writes += 2;
	}
	for (uint64_t at = 0; at < 16 * GITS_CMD_SZ; at += 8, table_writes++)
		write64(LAYOUT_KERNEL_ITS_MEM + at, 0);
	for (unsigned len = 0; len < 4; len++, table_writes += 2) {
		write8(LAYOUT_KERNEL_ITS_MEM + len, 0xff);
		write16(LAYOUT_KERNEL_ITS_MEM + 2 * len, 0xffff);
	}
	CHECK(checksum_tables() == before, "the tables can be written");

	alias = mmu_alias(MMU_BLOCK_MEMORY);
	odd_access_all(alias + LAYOUT_KERNEL_ITS_MEM);
	(void)mmu_alias(0);
	CHECK(checksum_tables() == before, "the tables can be written without a syndrome");
}

void payload_main(uint64_t fdt)
{
	struct edu edu;

	(void)fdt;
	edu_bring_up(&edu, LPI);
	edu_rounds(&edu, ROUNDS);
	fact("handled_before", gic_lpi_total(LPI));

	aborts_allow(true);
	poke_frame();
	poke_redistributors();
	fact("frame_accesses", frame_accesses);
	fact("frame_aborts", aborts_taken().external);
	poke_tables();
	fact("table_writes", table_writes);
	poke_frame_oddly();
	aborts_allow(false);

	edu_rounds(&edu, ROUNDS);
	fact("handled", gic_lpi_total(LPI));
	fact("raised", edu.raised);
}
