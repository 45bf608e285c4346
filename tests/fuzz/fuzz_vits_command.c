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

/* In GITS_CBASER, in GITS_BASER<n>, and in entries of tables. */
#define VALID GITS_BASER_VALID

static uint64_t table(uint64_t gpa, unsigned shape)
{
	return VALID | FIELD_PREP(GITS_BASER_INDIRECT, shape & 1) |
	       FIELD_PREP(GITS_BASER_PAGE_SIZE, (shape >> 1 & 3) % 3) | gpa;
}

static void set_up_tables(struct its_world *w, unsigned shape)
{
	const uint64_t devices = VALID | LEVEL2, collections = VALID | (LEVEL2 + 0x10000);

	if (shape & 1) {
		(void)its_mem_write(w, DEVICE_TABLE, &devices, sizeof(devices));
		(void)its_mem_write(w, COLL_TABLE, &collections, sizeof(collections));
	}
	its_write(w, GITS_CBASER, 8, VALID | QUEUE);
	its_write(w, GITS_BASER(0), 8, table(DEVICE_TABLE, shape));
	its_write(w, GITS_BASER(1), 8, table(COLL_TABLE, shape));
	its_write(w, GITS_CTLR, 4, GITS_CTLR_ENABLED);
	assert(its_read(w, GITS_CTLR, 4) == (GITS_CTLR_ENABLED | GITS_CTLR_QUIESCENT));
}

/* One command; one that stalls the queue is passed by. */
static void run(struct its_world *w, uint32_t *tail, const uint64_t cmd[GITS_CMD_NR_WORDS])
{
	bool in_ram = its_put_command(w, *tail, cmd);
	uint64_t sync[GITS_CMD_NR_WORDS];

	assert(in_ram);
	*tail = (*tail + GITS_CMD_SZ) % 4096;
	its_write(w, GITS_CWRITER, 8, *tail);
	if (!(its_read(w, GITS_CREADR, 8) & GITS_CREADR_STALLED)) {
		assert(its_read(w, GITS_CREADR, 8) == *tail);
		return;
	}
	/* Stalled at it: software puts a SYNC in its place, and retries. */
	cmd_encode(&(struct gits_cmd){ .opcode = GITS_CMD_SYNC }, sync);
	(void)its_put_command(w, (*tail - GITS_CMD_SZ) % 4096, sync);
	its_write(w, GITS_CWRITER, 8, *tail | GITS_CWRITER_RETRY);
	assert(its_read(w, GITS_CREADR, 8) == *tail);
}

static void run_fields(struct its_world *w, uint32_t *tail, const struct gits_cmd *cmd)
{
	uint64_t words[GITS_CMD_NR_WORDS];

	cmd_encode(cmd, words);
	run(w, tail, words);
}

static void set_up_device(struct its_world *w, uint32_t *tail, uint32_t devid, unsigned number)
{
	unsigned bits = w->config.eventid_bits < 6 ? w->config.eventid_bits : 6;

	run_fields(w, tail,
		   &(struct gits_cmd){
			   .opcode = GITS_CMD_MAPD,
			   .devid = devid,
			   .size = bits - 1,
			   .itt = ITTS + number * ITT_SZ,
			   .valid = true,
		   });
	run_fields(w, tail,
		   &(struct gits_cmd){
			   .opcode = GITS_CMD_MAPTI,
			   .devid = devid,
			   .pintid = VITS_LPI_BASE + number,
			   .icid = number % 4,
		   });
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };
	struct its_world *w = its_world_create(&in);
	uint32_t tail = 0;
	unsigned number = 0;

	set_up_tables(w, input_u8(&in));
	for (uint32_t icid = 0; icid < 4; icid++)
		run_fields(w, &tail,
			   &(struct gits_cmd){
				   .opcode = GITS_CMD_MAPC,
				   .icid = icid,
				   .rdbase = icid % w->config.nr_vcpus,
				   .valid = true,
			   });
	for (; number < w->config.nr_functions; number++)
		set_up_device(w, &tail, w->functions[number].devid, number);
	set_up_device(w, &tail, STRANGER, number);

	while (input_left(&in)) {
		uint64_t cmd[GITS_CMD_NR_WORDS];

		for (unsigned i = 0; i < GITS_CMD_NR_WORDS; i++)
			cmd[i] = input_u64(&in);
		run(w, &tail, cmd);
	}
	its_write(w, GITS_CTLR, 4, 0);
	its_world_destroy(w);
	return 0;
}
