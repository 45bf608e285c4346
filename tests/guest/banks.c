// SPDX-License-Identifier: MIT
/*
 * banks - a device's DMA reaches the first and the last bytes of each range of RAM that the device
 * tree has, both ways. Needs edu with a dma_mask that reaches them, and RAM in the first GiB.
 */
#include "lib/arch.h"
#include "lib/cpu.h"
#include "lib/edu.h"
#include "lib/fdt.h"
#include "lib/payload.h"

const char payload_name[] = "banks";

#define WORDS	   64u
#define BYTES	   (8u * WORDS)
#define BANK_CELLS 4u

static volatile uint64_t leaving[WORDS] __attribute__((aligned(8)));
static volatile uint64_t landing[WORDS] __attribute__((aligned(8)));

static uint64_t word(uint64_t at, unsigned i)
{
	return (at + i) * UINT64_C(0x9e3779b97f4a7c15);
}

static void is_written(const struct edu *edu, uint64_t at)
{
	for (unsigned i = 0; i < WORDS; i++) {
		leaving[i] = word(at, i);
		write64(at + 8 * i, 0);
	}
	edu_dma_load(edu, address_of(leaving), BYTES);
	edu_dma_store(edu, at, BYTES);
	for (unsigned i = 0; i < WORDS; i++)
		CHECK(read64(at + 8 * i) == word(at, i), "0x%lx is at 0x%lx", read64(at + 8 * i),
		      at + 8 * i);
}

static void is_read(const struct edu *edu, uint64_t at)
{
	for (unsigned i = 0; i < WORDS; i++) {
		landing[i] = 0;
		write64(at + 8 * i, ~word(at, i));
	}
	edu_dma_load(edu, at, BYTES);
	edu_dma_store(edu, address_of(landing), BYTES);
	for (unsigned i = 0; i < WORDS; i++)
		CHECK(landing[i] == ~word(at, i), "0x%lx came of 0x%lx", landing[i], at + 8 * i);
}

void payload_main(uint64_t fdt)
{
	struct fdt_cells memory = fdt_cells(fdt, fdt_child(fdt, "memory@"), "reg");
	struct edu edu;

	edu_find(&edu);
	for (unsigned n = 0; n < memory.nr; n += BANK_CELLS) {
		const uint64_t base = fdt_cell64(&memory, n), size = fdt_cell64(&memory, n + 2);

		/* The payload lies 512 KiB above the start of one, and nothing at the end. */
		say("bank 0x%lx 0x%lx\n", base, base + size - 1);
		is_written(&edu, base);
		is_read(&edu, base);
		is_written(&edu, base + size - BYTES);
		is_read(&edu, base + size - BYTES);
	}
	fact("banks", memory.nr / BANK_CELLS);
}
