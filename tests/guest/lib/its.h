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
#include "vitsmod/gits.h"
#include "vmm/kvm/layout.h"

/* Where a function writes its EventID to. */
#define ITS_DOORBELL (platform()->gits + GITS_TRANSLATER)

#define ITS_QUEUE_SZ 0x10000u

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
void its_post(const struct gits_cmd *command);
/* The same for words that need not be a command. */
void its_post_words(const uint64_t words[GITS_CMD_NR_WORDS]);
/* Let the ITS run what was posted, and wait until it has. Fails when it hangs or stalls. */
void its_run(void);
/* Once around: all but one of the entries, whatever is in them now. */
void its_run_ring(void);
/*
 * Write nr commands into the queue and GITS_CWRITER, and wait for nothing: for
 * payloads whose ITS may be off. False, and nothing written: there is no room.
 */
bool its_try(const struct gits_cmd *commands, unsigned nr);
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
