/* SPDX-License-Identifier: MIT */
/*
 * The commands of a GICv3 ITS, IHI 0069 5.3: decode, check, act.
 */
#ifndef VITSMOD_CMD_H
#define VITSMOD_CMD_H

#include <stdbool.h>
#include <stdint.h>

#include "vits.h"

/* Bytes, and 64-bit words, in an entry of the command queue. */
#define CMD_SZ	     32u
#define CMD_NR_WORDS 4u

/*
 * A decoded command. Each field is at its place in the entry whatever the
 * opcode says; a command that does not have the field does not look at it.
 */
struct vits_cmd {
	uint8_t opcode;
	uint32_t devid;
	uint32_t eventid;
	uint32_t pintid;
	unsigned size; /* EventID bits - 1 */
	uint64_t itt;  /* guest physical address */
	uint32_t icid;
	uint64_t rdbase;  /* a vCPU's index: GITS_TYPER.PTA is 0 */
	uint64_t rdbase2; /* MOVALL: the destination */
	bool valid;	  /* V */
};

/* Pure: looks at the words only. RES0 bits are ignored. */
void cmd_decode(const uint64_t words[CMD_NR_WORDS], struct vits_cmd *ret_cmd);

/*
 * Check a command and take it. ret_code is the architecture's error number if
 * the result is not VITS_DONE, or 0 where it has none. Owner.
 */
enum vits_result vits_cmd_run(struct vits *v, const struct vits_cmd *cmd, uint32_t *ret_code);

#endif
