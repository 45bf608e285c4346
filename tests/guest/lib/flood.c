// SPDX-License-Identifier: MIT
/*
 * Commands in bulk. For one CPU at a time: no locks.
 */
#include "lib/flood.h"

#include "lib/arch.h"
#include "lib/cpu.h"
#include "lib/payload.h"

#define PAGE_64K 0x10000u

static struct {
	uint8_t *queue;
	uint32_t cwriter;
	unsigned waiting; /* posted, and not run yet */
	uint64_t posted;
} flood;

void flood_begin(void)
{
	if (!flood.queue)
		flood.queue = memory_alloc(FLOOD_QUEUE_SZ, PAGE_64K);
	flood.cwriter = 0;
	flood.waiting = 0;
	flood.posted = 0;
	its_off();
	its_init_disabled();
	write64(LAYOUT_GITS + GITS_CBASER, GITS_CBASER_VALID | address_of(flood.queue) |
						   (FLOOD_QUEUE_SZ / GITS_CBASER_PAGE_SZ - 1));
	write32(LAYOUT_GITS + GITS_CTLR, GITS_CTLR_ENABLED);
	CHECK(read32(LAYOUT_GITS + GITS_CTLR) & GITS_CTLR_ENABLED, "GITS_CTLR.Enabled stays 0");
}

static void put(uint32_t offset, const struct gits_cmd *command)
{
	cmd_encode(command, (uint64_t *)(void *)(flood.queue + offset));
}

void flood_fill(const struct gits_cmd commands[], unsigned nr)
{
	for (uint32_t n = 0; n < FLOOD_QUEUE_SZ / GITS_CMD_SZ; n++)
		put(n * GITS_CMD_SZ, &commands[n % nr]);
	barrier();
}

void flood_post(struct gits_cmd command)
{
	put(flood.cwriter, &command);
	flood.cwriter = (flood.cwriter + GITS_CMD_SZ) % FLOOD_QUEUE_SZ;
	flood.posted++;
	if (++flood.waiting == FLOOD_MAX)
		flood_run();
}

void flood_run(void)
{
	uint64_t creadr = ~UINT64_C(0), end = 0;

	barrier();
	write64(LAYOUT_GITS + GITS_CWRITER, flood.cwriter);
	while (true) {
		uint64_t now = read64(LAYOUT_GITS + GITS_CREADR);

		CHECK(!(now & GITS_CREADR_STALLED), "the ITS stalled: GITS_CREADR 0x%lx", now);
		if (now == flood.cwriter)
			break;
		if (now != creadr)
			end = now_us() + PATIENCE_MS * 1000;
		creadr = now;
		CHECK(now_us() < end, "the ITS hangs: GITS_CREADR 0x%lx on the way to 0x%x", now,
		      flood.cwriter);
	}
	flood.waiting = 0;
}

uint64_t flood_posted(void)
{
	return flood.posted;
}
