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
#define FLOOD_MAX (FLOOD_QUEUE_SZ / ITS_COMMAND_SZ - 1)

struct its_command {
	uint64_t dw[4];
};

static inline struct its_command cmd_event(uint64_t opcode, uint32_t devid, uint32_t eventid)
{
	return (struct its_command){ { (uint64_t)devid << 32 | opcode, eventid, 0, 0 } };
}

static inline struct its_command cmd_mapd(uint32_t devid, uint64_t itt, unsigned bits)
{
	return (struct its_command){ { (uint64_t)devid << 32 | 0x08, bits - 1, GITS_VALID | itt,
				       0 } };
}

static inline struct its_command cmd_mapc(uint32_t icid, uint32_t rdbase, bool valid)
{
	return (struct its_command){
		{ 0x09, 0, (uint64_t)rdbase << 16 | icid | (valid ? GITS_VALID : 0), 0 }
	};
}

static inline struct its_command cmd_mapti(uint32_t devid, uint32_t eventid, uint32_t pintid,
					   uint32_t icid)
{
	return (struct its_command){ { (uint64_t)devid << 32 | 0x0a,
				       (uint64_t)pintid << 32 | eventid, icid, 0 } };
}

static inline struct its_command cmd_int(uint32_t devid, uint32_t eventid)
{
	return cmd_event(0x03, devid, eventid);
}

static inline struct its_command cmd_inv(uint32_t devid, uint32_t eventid)
{
	return cmd_event(0x0c, devid, eventid);
}

static inline struct its_command cmd_discard(uint32_t devid, uint32_t eventid)
{
	return cmd_event(0x0f, devid, eventid);
}

/*
 * Switch the ITS off, and on again with fresh tables (as its_init() has them)
 * and the large queue, which is empty. lib/its.h's commands come to nothing
 * until its_init() is called for a disabled ITS.
 */
void flood_begin(void);
/* Put a command into the queue; runs those before it when the queue is full. */
void flood_post(struct its_command command);
/* Have the ITS run what was posted, and wait until it has. Fails when it hangs or stalls. */
void flood_run(void);
/* The whole queue full of these, over and over. None runs before GITS_CWRITER is written. */
void flood_fill(const struct its_command commands[], unsigned nr);
/* Posted since flood_begin(). */
uint64_t flood_posted(void);

#endif
