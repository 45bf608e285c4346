/* SPDX-License-Identifier: MIT */
/*
 * Attacks: what a payload does to its VMM while another CPU of the guest
 * watches whether it still gets its time.
 *
 * Needs three CPUs and QEMU's edu device; a disk (NVMe) makes it worse. CPU 0
 * attacks and speaks, CPU 1 helps, CPU 2 is the witness (lib/witness.h).
 * Words of the command line:
 *
 *	attack=NAME	only that one; without it, all in turn
 *	ms=N		how long those last that have no end of their own (default 1000)
 *	lpis=N		how many are made pending at once (default 4096)
 *	paced=1		wait for a key before and after each attack, for one who measures
 *
 * What is said of each attack:
 *
 *	attack NAME: ready
 *	attack NAME: over	facts in between; "gap_us" is the witness's longest
 *	attack NAME: recovered	the device interrupts as before, with tables made anew
 */
#ifndef GUEST_LIB_ATTACK_H
#define GUEST_LIB_ATTACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/edu.h"

#define ATTACK_HELPER  1u
#define ATTACK_WITNESS 2u

/* What is free for the attacks to use; collections 0 to 2 are CPUs 0 to 2. */
#define EDU_LPI	       8192u
#define DISK_LPI       8200u /* of the disk's event 0, if attack_map_disk() maps it */
#define STRANGER_DEVID 0x4321u
#define STRANGER_LPI   8400u

struct attack {
	const char *name;
	void (*run)(void);
};

struct attack_world {
	struct edu edu;
	bool has_disk;
	uint32_t disk_devid;
	unsigned disk_events;
	uint64_t ram_end;
	uint64_t ms, lpis;
	uint32_t rdbase[3];
};

/* Set up, run the attacks that the command line wants, say what came of it. */
void attack_main(uint64_t fdt, const struct attack attacks[], size_t nr);

const struct attack_world *attack_world(void);
struct edu *attack_edu(void);

/* All of the ITS as after a reset, collections and edu mapped again. */
void attack_restore(void);
/* The disk's events on collection `icid`, through the current queue. */
void attack_map_disk(uint32_t icid);

/* Is there time left of an attack that began at `begin` (now_us())? */
bool attack_goes_on(uint64_t begin);
uint64_t attack_random(void);

#endif
