/* SPDX-License-Identifier: MIT */
/*
 * Commands in bulk: a queue as large as a queue can be, filled first and run
 * then. IHI 0069 5.3 (commands), 12.18 (GITS_CBASER).
 */
#ifndef GUEST_LIB_FLOOD_H
#define GUEST_LIB_FLOOD_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/its.h"

#define FLOOD_QUEUE_SZ 0x100000u
/* What fits in at once: one entry stays free. */
#define FLOOD_MAX (FLOOD_QUEUE_SZ / GITS_CMD_SZ - 1)

static inline struct gits_cmd cmd_event(uint8_t opcode, uint32_t devid, uint32_t eventid)
{
	return (struct gits_cmd){ .opcode = opcode, .devid = devid, .eventid = eventid };
}

static inline struct gits_cmd cmd_mapd(uint32_t devid, uint64_t itt, unsigned bits)
{
	return (struct gits_cmd){
		.opcode = GITS_CMD_MAPD,
		.devid = devid,
		.size = bits - 1,
		.itt = itt,
		.valid = true,
	};
}

static inline struct gits_cmd cmd_mapc(uint32_t icid, uint32_t rdbase, bool valid)
{
	return (struct gits_cmd){
		.opcode = GITS_CMD_MAPC, .icid = icid, .rdbase = rdbase, .valid = valid
	};
}

static inline struct gits_cmd cmd_mapti(uint32_t devid, uint32_t eventid, uint32_t pintid,
					uint32_t icid)
{
	return (struct gits_cmd){
		.opcode = GITS_CMD_MAPTI,
		.devid = devid,
		.eventid = eventid,
		.pintid = pintid,
		.icid = icid,
	};
}

static inline struct gits_cmd cmd_int(uint32_t devid, uint32_t eventid)
{
	return cmd_event(GITS_CMD_INT, devid, eventid);
}

static inline struct gits_cmd cmd_inv(uint32_t devid, uint32_t eventid)
{
	return cmd_event(GITS_CMD_INV, devid, eventid);
}

static inline struct gits_cmd cmd_discard(uint32_t devid, uint32_t eventid)
{
	return cmd_event(GITS_CMD_DISCARD, devid, eventid);
}

/*
 * Switch the ITS off, and on again with fresh tables (as its_init() has them)
 * and the large queue, which is empty. lib/its.h's commands come to nothing
 * until its_init() is called for a disabled ITS.
 */
void flood_begin(void);
/* Put a command into the queue; runs those before it when the queue is full. */
void flood_post(struct gits_cmd command);
/* Have the ITS run what was posted, and wait until it has. Fails when it hangs or stalls. */
void flood_run(void);
/* The whole queue full of these, over and over. None runs before GITS_CWRITER is written. */
void flood_fill(const struct gits_cmd commands[], unsigned nr);
/* Posted since flood_begin(). */
uint64_t flood_posted(void);

#endif
