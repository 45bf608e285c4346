/* SPDX-License-Identifier: MIT */
/*
 * A driver for the visible ITS: tables, queue, commands.
 * Arm IHI 0069: 5.2 (tables), 5.3 (commands), 12.18 (GITS_*).
 */
#ifndef GUEST_LIB_ITS_H
#define GUEST_LIB_ITS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/platform.h"
#include "vmm/kvm/layout.h"

/* Registers, as offsets in the control frame. */
#define GITS_CTLR	0x00000u
#define GITS_IIDR	0x00004u
#define GITS_TYPER	0x00008u
#define GITS_CBASER	0x00080u
#define GITS_CWRITER	0x00088u
#define GITS_CREADR	0x00090u
#define GITS_BASER(n)	(0x00100u + 8u * (n))
#define GITS_PIDR4	0x0ffd0u
#define GITS_PIDR2	0x0ffe8u
#define GITS_CIDR0	0x0fff0u
#define GITS_TRANSLATER 0x10040u
#define GITS_FRAME_SZ	0x20000u
#define GITS_BASERS	8u

#define GITS_CTLR_ENABLED     (UINT64_C(1) << 0)
#define GITS_CTLR_QUIESCENT   (UINT64_C(1) << 31)
#define GITS_VALID	      (UINT64_C(1) << 63)
#define GITS_BASER_TYPE(v)    ((v) >> 56 & 7)
#define GITS_TYPE_DEVICES     1u
#define GITS_TYPE_COLLECTIONS 4u
#define GITS_CREADR_STALLED   (UINT64_C(1) << 0)
#define GITS_CWRITER_RETRY    (UINT64_C(1) << 0)

/* Where a function writes its EventID to. */
#define ITS_DOORBELL (platform()->gits + GITS_TRANSLATER)

#define ITS_QUEUE_SZ   0x10000u
#define ITS_COMMAND_SZ 32u

enum its_opcode {
	ITS_MOVI = 0x01,
	ITS_INT = 0x03,
	ITS_CLEAR = 0x04,
	ITS_SYNC = 0x05,
	ITS_MAPD = 0x08,
	ITS_MAPC = 0x09,
	ITS_MAPTI = 0x0a,
	ITS_MAPI = 0x0b,
	ITS_INV = 0x0c,
	ITS_INVALL = 0x0d,
	ITS_MOVALL = 0x0e,
	ITS_DISCARD = 0x0f,
};

/* Tables for DeviceIDs of 16 bits and ICIDs of 12 bits, a queue of 64 KiB; then enabled. */
void its_init(void);
/* Only the tables and the queue; for payloads that enable on their own. */
void its_init_disabled(void);
/* Switch it off, and wait until it is quiescent. */
void its_off(void);
/*
 * Off, its_init(). Other CPUs may post meanwhile; where they write GITS_CTLR
 * themselves nothing is promised, for the ITS may have been on at the wrong time.
 */
void its_restart(void);
/* Leave tables and queue where they are: its_init() and its_restart() make new ones. */
void its_new_tables(void);

/* Memory for an ITT of 2^bits events; its address. */
uint64_t its_itt_alloc(unsigned bits);

/* Write a command into the queue; nothing happens before its_run(). */
void its_post(const uint64_t command[4]);
/* Let the ITS run what was posted, and wait until it has. Fails when it hangs or stalls. */
void its_run(void);
/* Once around: all but one of the entries, whatever is in them now. */
void its_run_ring(void);
/*
 * Write nr commands into the queue and GITS_CWRITER, and wait for nothing: for
 * payloads whose ITS may be off. False, and nothing written: there is no room.
 */
bool its_try(const uint64_t (*commands)[4], unsigned nr);
/* Offset of the next command in the queue, and the queue itself. */
uint32_t its_cwriter(void);
uint64_t its_queue(void);

/* Post one command, run it, wait. Arguments as IHI 0069 5.3 names them. */
void its_mapd(uint32_t devid, uint64_t itt, unsigned eventid_bits, bool valid);
void its_mapc(uint32_t icid, uint32_t rdbase, bool valid);
void its_mapti(uint32_t devid, uint32_t eventid, uint32_t pintid, uint32_t icid);
void its_mapi(uint32_t devid, uint32_t eventid, uint32_t icid);
void its_movi(uint32_t devid, uint32_t eventid, uint32_t icid);
void its_movall(uint32_t rdbase, uint32_t rdbase2);
void its_discard(uint32_t devid, uint32_t eventid);
void its_inv(uint32_t devid, uint32_t eventid);
void its_invall(uint32_t icid);
void its_int(uint32_t devid, uint32_t eventid);
void its_clear(uint32_t devid, uint32_t eventid);
void its_sync(uint32_t rdbase);

#endif
