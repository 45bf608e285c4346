/* SPDX-License-Identifier: MIT */
/*
 * A script: what a guest does to an ITS, step by step. Commands of IHI 0069
 * 5.3 in symbolic form, MSIs of functions, writes to GITS_* registers and to
 * the LPI configuration table.
 *
 * A script has a text form, one line per step, so that a case can be printed,
 * kept and read back:
 *
 *	config vcpus=2 devid-bits=16 eventid-bits=16 lpis=8192 batch=1
 *	function dev=0x8 events=4
 *	queue v=1 pages=1
 *	...
 *	mapti dev=0x8 event=0x1 intid=0x2000
 *	msi dev=0x8 event=0x1
 *
 * A value that is not written is 0. Lines that begin with # are comments.
 */
#ifndef TESTS_ORACLE_SCRIPT_H
#define TESTS_ORACLE_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum step_kind {
	/* Commands, put into the queue. */
	STEP_MAPD,
	STEP_MAPC,
	STEP_MAPTI,
	STEP_MAPI,
	STEP_MOVI,
	STEP_DISCARD,
	STEP_INT,
	STEP_CLEAR,
	STEP_INV,
	STEP_INVALL,
	STEP_MOVALL,
	STEP_SYNC,
	STEP_OPCODE, /* no command of GICv3: value= is the opcode */
	NR_COMMANDS,

	STEP_MSI = NR_COMMANDS, /* a function signals an event */
	STEP_BYTE,		/* the guest writes value= to the configuration byte of intid= */
	STEP_ZERO,		/* the guest zeroes the memory of itt= */
	STEP_CTLR,		/* GITS_CTLR := value= */
	STEP_DEVICES,		/* GITS_BASER(0), a table of a given shape */
	STEP_COLLECTIONS,	/* GITS_BASER(1) */
	STEP_QUEUE,		/* GITS_CBASER */
	STEP_BEYOND, /* GITS_CWRITER := an offset value= entries beyond the queue's end */
	STEP_RETRY,  /* GITS_CWRITER := as it was, with Retry */
	STEP_RESET,  /* the machine reboots */
	STEP_SAVE,   /* the machine is saved and goes on as another one */
	NR_STEP_KINDS
};

enum step_arg {
	ARG_DEV,
	ARG_EVENT,
	ARG_INTID,
	ARG_ICID,
	ARG_SIZE, /* EventID bits - 1 */
	ARG_ITT,  /* which area of memory: guest.h */
	ARG_RD,	  /* RDbase; MOVALL: from */
	ARG_RD2,  /* MOVALL: to */
	ARG_V,
	ARG_COUNT, /* SYNC: how many of them, less one */
	ARG_VALUE,
	ARG_AREA, /* of a table or queue: guest.h */
	ARG_PAGES,
	ARG_PAGE, /* size of a page as in GITS_BASER<n>.Page_Size */
	ARG_INDIRECT,
	ARG_L1,	   /* which second-level pages there are: guest.h */
	ARG_NOISE, /* not 0: a seed for what is written to bits that have no meaning */
	NR_ARGS
};

struct step {
	enum step_kind kind;
	uint64_t arg[NR_ARGS];
};

enum config_arg {
	CFG_VCPUS,
	CFG_DEVID_BITS,
	CFG_EVENTID_BITS,
	CFG_LPIS,
	CFG_STALL,	  /* errors stall the queue */
	CFG_BATCH,	  /* commands per write to GITS_CWRITER */
	CFG_GROUP,	  /* GICD_CTLR.EnableGrp1: what is pending and enabled gets listed by KVM */
	CFG_NO_PROPBASER, /* GICR_PROPBASER is not set up */
	CFG_FOREIGN,	  /* an LPI that another ITS has; 0: none */
	NR_CFG
};

#define SCRIPT_FUNCTIONS 4u
#define SCRIPT_STEPS	 1024u

struct script_function {
	uint32_t devid;
	uint32_t nr_events;
};

struct script {
	uint64_t cfg[NR_CFG];
	struct script_function functions[SCRIPT_FUNCTIONS];
	size_t nr_functions;
	struct step steps[SCRIPT_STEPS];
	size_t nr_steps;
};

/* "mapti" for STEP_MAPTI. */
const char *step_name(enum step_kind kind);
/* Does a step of this kind look at the argument? */
bool step_has(enum step_kind kind, enum step_arg arg);

static inline bool step_is_command(const struct step *step)
{
	return step->kind < NR_COMMANDS;
}

/* Add a step. False: the script is full. */
bool script_add(struct script *script, const struct step *step);

/* One line, without the end of line. */
void step_print(const struct step *step, FILE *to);
void script_print(const struct script *script, FILE *to);

/*
 * Read a script. 0, or -EINVAL with *ret_line the line that makes no sense (or
 * is one too many).
 */
int script_read(FILE *from, struct script *ret_script, unsigned *ret_line)
	__attribute__((warn_unused_result));

/*
 * All numbers that a script names, without repetition: what there is to be
 * looked at when two ITSs that ran it are compared.
 */
#define UNIVERSE_MAX 32u

struct numbers {
	uint64_t at[UNIVERSE_MAX];
	size_t nr;
};

struct universe {
	struct numbers devids;
	struct numbers eventids;
	struct numbers icids;
	struct numbers intids;
	struct numbers itts;
};

/* False: the script names more than UNIVERSE_MAX of a kind. */
bool universe_of(const struct script *script, struct universe *ret_universe);

/* The function with this DeviceID, or -1. */
int script_function(const struct script *script, uint32_t devid);

/*
 * Steps that show what is mapped: each event that the universe has is signalled
 * once, by an MSI where a function can send it, else by INT. False: no room.
 */
bool script_probe(const struct script *script, const struct universe *universe,
		  struct script *ret_probe);

#endif
