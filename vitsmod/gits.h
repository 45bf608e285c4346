/* SPDX-License-Identifier: MIT */
/*
 * What software and an ITS say to each other, bit by bit: the GITS_* registers
 * (IHI 0069 12.18) and the commands (IHI 0069 5.3). Numbers only, for whoever
 * plays either part: the model, drivers, tests. All of it is in this header and
 * needs no library.
 *
 * Not here: entries of the tables, whose layout is the ITS's own (tables.h).
 */
#ifndef VITSMOD_GITS_H
#define VITSMOD_GITS_H

#include <stdbool.h>
#include <stdint.h>

#include "bits.h"

/*
 * Registers, IHI 0069 12.18: offsets in the ITS's frames, then fields.
 */

/* Bytes in the control frame and the translation frame behind it. */
#define GITS_FRAME_SZ 0x20000u

#define GITS_CTLR	0x00000u
#define GITS_IIDR	0x00004u
#define GITS_TYPER	0x00008u
#define GITS_MPAMIDR	0x00010u
#define GITS_PARTIDR	0x00014u
#define GITS_MPIDR	0x00018u
#define GITS_STATUSR	0x00040u
#define GITS_UMSIR	0x00048u
#define GITS_CBASER	0x00080u
#define GITS_CWRITER	0x00088u
#define GITS_CREADR	0x00090u
#define GITS_BASER(n)	(0x00100u + 8u * (n)) /* n below GITS_NR_BASERS */
#define GITS_PIDR4	0x0ffd0u
#define GITS_PIDR5	0x0ffd4u
#define GITS_PIDR6	0x0ffd8u
#define GITS_PIDR7	0x0ffdcu
#define GITS_PIDR0	0x0ffe0u
#define GITS_PIDR1	0x0ffe4u
#define GITS_PIDR2	0x0ffe8u
#define GITS_PIDR3	0x0ffecu
#define GITS_CIDR0	0x0fff0u
#define GITS_CIDR1	0x0fff4u
#define GITS_CIDR2	0x0fff8u
#define GITS_CIDR3	0x0fffcu
#define GITS_TRANSLATER 0x10040u /* what a function writes its EventID to */

#define GITS_NR_BASERS 8u

#define GITS_CTLR_ENABLED   BIT64(0)
#define GITS_CTLR_QUIESCENT BIT64(31)

#define GITS_TYPER_PHYSICAL  BIT64(0)
#define GITS_TYPER_ITT_ENTRY MASK64(7, 4)   /* bytes in an ITE - 1 */
#define GITS_TYPER_ID_BITS   MASK64(12, 8)  /* EventID bits - 1 */
#define GITS_TYPER_DEVBITS   MASK64(17, 13) /* DeviceID bits - 1 */

#define GITS_CBASER_VALID	BIT64(63)
#define GITS_CBASER_INNER_CACHE MASK64(61, 59)
#define GITS_CBASER_OUTER_CACHE MASK64(55, 53)
#define GITS_CBASER_PA		MASK64(51, 16) /* bits 15:12 are RES0: aligned to 64K */
#define GITS_CBASER_SHARE	MASK64(11, 10)
#define GITS_CBASER_SIZE	MASK64(7, 0) /* pages of GITS_CBASER_PAGE_SZ - 1 */
#define GITS_CBASER_PAGE_SZ	4096u

#define GITS_CWRITER_RETRY  BIT64(0)
#define GITS_CREADR_STALLED BIT64(0)
/* Of both: where in the queue, in bytes. */
#define GITS_QUEUE_OFFSET MASK64(19, 5)

#define GITS_BASER_VALID       BIT64(63)
#define GITS_BASER_INDIRECT    BIT64(62)
#define GITS_BASER_INNER_CACHE MASK64(61, 59)
#define GITS_BASER_TYPE	       MASK64(58, 56)
#define GITS_BASER_OUTER_CACHE MASK64(55, 53)
#define GITS_BASER_ENTRY_SIZE  MASK64(52, 48) /* bytes - 1 */
#define GITS_BASER_PA	       MASK64(47, 12)
#define GITS_BASER_PA_51_48    MASK64(15, 12) /* of a table of 64K pages */
#define GITS_BASER_SHARE       MASK64(11, 10)
#define GITS_BASER_PAGE_SIZE   MASK64(9, 8)
#define GITS_BASER_SIZE	       MASK64(7, 0) /* pages - 1 */

/* GITS_BASER<n>.Page_Size; 3 is reserved, and treated as 64K. */
enum gits_page_size { GITS_PAGE_4K, GITS_PAGE_16K, GITS_PAGE_64K };
/* GITS_BASER<n>.Type */
enum gits_table_type {
	GITS_TABLE_NONE = 0,
	GITS_TABLE_DEVICES = 1,
	GITS_TABLE_COLLECTIONS = 4,
};

/* GITS_CBASER and GITS_BASER<n>: InnerCache, and Shareability. */
#define GITS_CACHE_RAWAWB UINT64_C(7) /* read-allocate, write-allocate, write-back */
#define GITS_SHARE_INNER  UINT64_C(1)

/* First-level entry of a table with GITS_BASER<n>.Indirect; the address of a page of that size. */
#define GITS_L1_VALID BIT64(63)
#define GITS_L1_PA    MASK64(51, 12)

/*
 * Commands, IHI 0069 5.3
 */

/* Bytes, and 64-bit words (little-endian in memory), in an entry of the command queue. */
#define GITS_CMD_SZ	  32u
#define GITS_CMD_NR_WORDS 4u

enum gits_opcode {
	GITS_CMD_MOVI = 0x01,
	GITS_CMD_INT = 0x03,
	GITS_CMD_CLEAR = 0x04,
	GITS_CMD_SYNC = 0x05,
	GITS_CMD_MAPD = 0x08,
	GITS_CMD_MAPC = 0x09,
	GITS_CMD_MAPTI = 0x0a,
	GITS_CMD_MAPI = 0x0b,
	GITS_CMD_INV = 0x0c,
	GITS_CMD_INVALL = 0x0d,
	GITS_CMD_MOVALL = 0x0e,
	GITS_CMD_DISCARD = 0x0f,
};

/* Where the fields are; the digit is the word. Those at one place are of different commands. */
#define GITS_CMD0_OPCODE  MASK64(7, 0)
#define GITS_CMD0_DEVID	  MASK64(63, 32)
#define GITS_CMD1_EVENTID MASK64(31, 0)
#define GITS_CMD1_PINTID  MASK64(63, 32)
#define GITS_CMD1_SIZE	  MASK64(4, 0)
#define GITS_CMD2_ITT	  MASK64(51, 8)
#define GITS_CMD2_ICID	  MASK64(15, 0)
#define GITS_CMD2_RDBASE  MASK64(50, 16)
#define GITS_CMD2_VALID	  BIT64(63)
#define GITS_CMD3_RDBASE2 MASK64(50, 16)

/* A command, with its fields named as IHI 0069 5.3 names them. */
struct gits_cmd {
	uint8_t opcode;
	uint32_t devid;
	uint32_t eventid;
	uint32_t pintid;
	unsigned size; /* MAPD: EventID bits - 1 */
	uint64_t itt;  /* MAPD: guest physical address, aligned to 256 bytes */
	uint32_t icid;
	uint64_t rdbase;  /* a redistributor, as GITS_TYPER.PTA has it; MOVALL: the source */
	uint64_t rdbase2; /* MOVALL: the destination */
	bool valid;	  /* MAPD, MAPC: V */
};

/*
 * Take a command apart. Pure: looks at the words only. Each field is read at its
 * place whatever the opcode says, and one that the command does not have holds
 * something of another; RES0 bits are ignored.
 */
static inline void cmd_decode(const uint64_t words[GITS_CMD_NR_WORDS], struct gits_cmd *ret_cmd)
{
	*ret_cmd = (struct gits_cmd){
		.opcode = (uint8_t)FIELD_GET(GITS_CMD0_OPCODE, words[0]),
		.devid = (uint32_t)FIELD_GET(GITS_CMD0_DEVID, words[0]),
		.eventid = (uint32_t)FIELD_GET(GITS_CMD1_EVENTID, words[1]),
		.pintid = (uint32_t)FIELD_GET(GITS_CMD1_PINTID, words[1]),
		.size = (unsigned)FIELD_GET(GITS_CMD1_SIZE, words[1]),
		.itt = words[2] & GITS_CMD2_ITT,
		.icid = (uint32_t)FIELD_GET(GITS_CMD2_ICID, words[2]),
		.rdbase = FIELD_GET(GITS_CMD2_RDBASE, words[2]),
		.rdbase2 = FIELD_GET(GITS_CMD3_RDBASE2, words[3]),
		.valid = words[2] & GITS_CMD2_VALID,
	};
}

/*
 * Put a command together; fields that it does not have must be 0. Pure. Excess bits
 * of a value are cut, RES0 bits are 0.
 */
static inline void cmd_encode(const struct gits_cmd *cmd, uint64_t ret_words[GITS_CMD_NR_WORDS])
{
	ret_words[0] =
		FIELD_PREP(GITS_CMD0_OPCODE, cmd->opcode) | FIELD_PREP(GITS_CMD0_DEVID, cmd->devid);
	ret_words[1] = FIELD_PREP(GITS_CMD1_EVENTID, cmd->eventid) |
		       FIELD_PREP(GITS_CMD1_PINTID, cmd->pintid) |
		       FIELD_PREP(GITS_CMD1_SIZE, cmd->size);
	ret_words[2] = (cmd->itt & GITS_CMD2_ITT) | FIELD_PREP(GITS_CMD2_ICID, cmd->icid) |
		       FIELD_PREP(GITS_CMD2_RDBASE, cmd->rdbase) |
		       (cmd->valid ? GITS_CMD2_VALID : 0);
	ret_words[3] = FIELD_PREP(GITS_CMD3_RDBASE2, cmd->rdbase2);
}

/* The opcode alone. */
static inline uint8_t cmd_opcode(const uint64_t words[GITS_CMD_NR_WORDS])
{
	return (uint8_t)FIELD_GET(GITS_CMD0_OPCODE, words[0]);
}

#endif
