// SPDX-License-Identifier: MIT
/*
 * Fuzzes the command decoder and all commands (IHI 0069 5.3) on an ITS that a
 * driver has set up: collections 0 to 3 are mapped, each function and one device
 * that is no function's has an ITT, and each function's event 0 is mapped.
 *
 * Input: the machine (its_world.h), u8 (bit 0: indirect tables, bits 2:1: their
 * page size), then commands, 32 bytes each as they stand in the queue.
 */
#include "tests/fuzz/its_world.h"

#define DEVICE_TABLE ITS_RAM
#define COLL_TABLE   (ITS_RAM + 0x10000)
#define QUEUE	     (ITS_RAM + 0x20000)
#define LEVEL2	     (ITS_RAM + 0x30000) /* of devices; of collections 64K above */
#define ITTS	     (ITS_RAM + 0x50000)
#define ITT_SZ	     0x1000u
#define STRANGER     0x20u /* a device that is no function's */

#define VALID BIT64(63)

static uint64_t table(uint64_t gpa, unsigned shape)
{
	return VALID | (uint64_t)(shape & 1) << 62 | (uint64_t)((shape >> 1 & 3) % 3) << 8 | gpa;
}

static void set_up_tables(struct its_world *w, unsigned shape)
{
	const uint64_t devices = VALID | LEVEL2, collections = VALID | (LEVEL2 + 0x10000);

	if (shape & 1) {
		(void)its_mem_write(w, DEVICE_TABLE, &devices, sizeof(devices));
		(void)its_mem_write(w, COLL_TABLE, &collections, sizeof(collections));
	}
	its_write(w, GITS_CBASER, 8, VALID | QUEUE);
	its_write(w, GITS_BASER0, 8, table(DEVICE_TABLE, shape));
	its_write(w, GITS_BASER1, 8, table(COLL_TABLE, shape));
	its_write(w, GITS_CTLR, 4, CTLR_ENABLED);
	assert(its_read(w, GITS_CTLR, 4) == (CTLR_ENABLED | CTLR_QUIESCENT));
}

/* One command; one that stalls the queue is passed by. */
static void run(struct its_world *w, uint32_t *tail, const uint64_t cmd[4])
{
	bool in_ram = its_put_command(w, *tail, cmd);

	assert(in_ram);
	*tail = (*tail + COMMAND_SZ) % 4096;
	its_write(w, GITS_CWRITER, 8, *tail);
	if (!(its_read(w, GITS_CREADR, 8) & CREADR_STALLED)) {
		assert(its_read(w, GITS_CREADR, 8) == *tail);
		return;
	}
	/* Stalled at it: software puts a SYNC in its place, and retries. */
	(void)its_put_command(w, (*tail - COMMAND_SZ) % 4096, (uint64_t[4]){ 0x05 });
	its_write(w, GITS_CWRITER, 8, *tail | 1);
	assert(its_read(w, GITS_CREADR, 8) == *tail);
}

static void set_up_device(struct its_world *w, uint32_t *tail, uint32_t devid, unsigned number)
{
	uint64_t itt = ITTS + number * ITT_SZ, id = (uint64_t)devid << 32;
	uint64_t bits = w->config.eventid_bits < 6 ? w->config.eventid_bits : 6;

	run(w, tail, (uint64_t[4]){ id | 0x08, bits - 1, VALID | itt });
	run(w, tail,
	    (uint64_t[4]){ id | 0x0a, (uint64_t)(VITS_LPI_BASE + number) << 32, number % 4 });
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };
	struct its_world *w = its_world_create(&in);
	uint32_t tail = 0;
	unsigned number = 0;

	set_up_tables(w, input_u8(&in));
	for (uint64_t icid = 0; icid < 4; icid++)
		run(w, &tail,
		    (uint64_t[4]){ 0x09, 0, VALID | icid % w->config.nr_vcpus << 16 | icid });
	for (; number < w->config.nr_functions; number++)
		set_up_device(w, &tail, w->functions[number].devid, number);
	set_up_device(w, &tail, STRANGER, number);

	while (input_left(&in)) {
		uint64_t cmd[4];

		for (unsigned i = 0; i < 4; i++)
			cmd[i] = input_u64(&in);
		run(w, &tail, cmd);
	}
	its_write(w, GITS_CTLR, 4, 0);
	its_world_destroy(w);
	return 0;
}
