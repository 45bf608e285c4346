/* SPDX-License-Identifier: MIT */
/*
 * The guest that plays a script: a driver that writes commands, tables and
 * registers as IHI 0069 5.3 and 12.18 have it, on any ITS that it is given
 * through struct port.
 *
 * It is an orderly driver in three things, so that what a script means does not
 * hang on what happened to be in memory: a table that the ITS is to take is
 * zeroed before (IHI 0069 12.18); nothing is put into a queue that is full; and
 * a stalled queue is got going by putting SYNC in the place of the command.
 *
 * Areas of memory, as the arguments of steps name them:
 *
 *	itt=   0..7 in RAM, 8 with ITT_SHORT_EVENTS entries in RAM and the rest
 *	       outside, 9 outside, 10 at the highest address that there is
 *	area=  of tables: 0 and 1 in RAM, 2 with 64 KiB in RAM and the rest
 *	       outside, 3 outside; of the queue: 0 and 1 in RAM, 3 outside
 *
 * second-level= has two bits for each first-level entry of an indirect table,
 * by its number modulo 4: 0 and 1 a page in RAM, 2 not valid, 3 outside RAM.
 */
#ifndef TESTS_ORACLE_GUEST_H
#define TESTS_ORACLE_GUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/oracle/ram.h"
#include "tests/oracle/script.h"
#include "vitsmod/gits.h"

#define ITT_AREAS	 8u
#define ITT_SHORT	 8u
#define ITT_OUTSIDE	 9u
#define ITT_HIGHEST	 10u
#define ITT_SHORT_EVENTS 32u

enum { AREA_0, AREA_1, AREA_SHORT, AREA_OUTSIDE };
enum { L2_IN_RAM, L2_IN_RAM_TOO, L2_INVALID, L2_OUTSIDE };

#define QUEUE_PAGE_COMMANDS 128u

/* A script's, and those of its probe. */
#define MSIS_MAX (2 * SCRIPT_STEPS)

enum msi_outcome { MSI_DELIVERED, MSI_UNMAPPED, MSI_DISABLED, MSI_BEYOND };

/* An ITS, seen from the guest and from its functions. */
struct port {
	uint64_t (*read)(void *ctx, uint32_t offset);
	void (*write)(void *ctx, uint32_t offset, uint64_t value);
	enum msi_outcome (*msi)(void *ctx, uint32_t devid, uint32_t eventid);
	void (*reset)(void *ctx);
	void (*save)(void *ctx); /* NULL: the step does nothing */
};

enum { TABLE_DEVICES_STEP, TABLE_COLLECTIONS_STEP, NR_GUEST_TABLES };

struct guest {
	const struct port *port;
	void *ctx;
	struct ram *ram;
	const struct script *script;
	const struct universe *universe;

	bool enabled;
	uint64_t table[NR_GUEST_TABLES];    /* identities */
	struct step shape[NR_GUEST_TABLES]; /* and the steps that made them */
	bool has_queue;
	uint64_t queue;	  /* guest physical address */
	uint32_t entries; /* of the queue */
	uint32_t tail;
	uint32_t waiting; /* commands that the ITS has not taken */

	/* What MSIs came to. */
	enum msi_outcome msis[MSIS_MAX];
	size_t nr_msis;
};

/* A guest that has just booted, in memory that is all zero. The ITS is in reset state. */
void guest_begin(struct guest *guest, const struct script *script, const struct universe *universe);
/* Take a step. Commands wait until guest_kick(), which must come before any other step. */
void guest_step(struct guest *guest, const struct step *step);
void guest_kick(struct guest *guest);

/* The 32 bytes of a command. */
void guest_encode(const struct step *step, uint64_t ret_words[GITS_CMD_NR_WORDS]);
/* Where an ITT lies, and how many of its entries are in RAM. */
uint64_t guest_itt(uint64_t area);
uint64_t guest_itt_events(uint64_t area);
/* What is written to GITS_BASER<n> or GITS_CBASER. */
uint64_t guest_baser(const struct step *step);
uint64_t guest_cbaser(const struct step *step);
/* The same for two tables that are the same table, however it is written. */
uint64_t guest_table_identity(const struct step *step);
/* Does a table of this shape reach so far? */
bool guest_table_reaches(const struct step *step, unsigned id_bits, uint64_t id);
/* Is all of it in RAM, second-level pages included? */
bool guest_table_is_whole(const struct step *step);
/* May this offset be written to GITS_CWRITER, as one beyond the queue? */
bool guest_beyond(uint32_t entries, uint64_t value, uint64_t *ret_offset);

#define NEXT_ANY UINT32_MAX

/*
 * Entries of tables, as Linux documents them (arm-vgic-its.rst, ITS table ABI
 * revision 0), found through the value of GITS_BASER<n>.
 */
struct dte {
	bool valid;
	unsigned size; /* EventID bits - 1 */
	uint64_t itt;
	uint32_t next; /* distance to the next one, or less; 0: there is none */
};

struct ite {
	uint32_t intid; /* 0: none */
	uint32_t icid;
	uint32_t next; /* as of a device; NEXT_ANY: not known */
};

struct cte {
	bool valid;
	uint32_t icid;
	uint64_t rdbase;
};

/* False: the table does not reach so far, or has no RAM there. */
bool abi_slot(const struct ram *ram, uint64_t baser, uint64_t id, uint64_t *ret_gpa);
struct dte abi_dte(uint64_t raw);
struct ite abi_ite(uint64_t raw);
struct cte abi_cte(uint64_t raw);

#endif
