/* SPDX-License-Identifier: MIT */
/*
 * A world for the fuzzers of the ITS: sparse guest memory, a backend that judges
 * every step, and what must hold before and after each call into the model
 * (vitsmod/vits.h is the contract; IHI 0069 5.2, 5.3, 12.18).
 *
 * Anything that must never happen ends the process by assert().
 */
#ifndef TESTS_FUZZ_ITS_WORLD_H
#define TESTS_FUZZ_ITS_WORLD_H

#include "tests/fuzz/input.h"
#include "vitsmod/bits.h"
#include "vitsmod/gits.h"
#include "vitsmod/vits.h"

/*
 * Guest memory. The first island ends in the middle of a page and of a 64K page;
 * the second needs addresses of 52 bits. All else is not RAM.
 */
#define ITS_RAM	    UINT64_C(0x40000000)
#define ITS_RAM_SZ  UINT64_C(0x61010)
#define ITS_HIGH    UINT64_C(0xf000040000000)
#define ITS_HIGH_SZ UINT64_C(0x10000)

#define ITS_MAX_FUNCTIONS 4u
#define ITS_MAX_EVENTS	  64u /* of one function */
#define ITS_MAX_LPIS	  256u

/* What the backend knows of an assigned event. */
struct its_targeted {
	bool targeted;
	bool settled; /* a commit() came after the MAP */
	uint32_t intid;
	uint32_t vcpu;
};

/* What a call into the model did. */
struct its_call {
	uint64_t effects, uncommitted, commands, consumed, accesses;
	uint64_t cbaser, creadr, baser[2]; /* before it */
};

struct its_world {
	struct vits *v;
	struct vits_config config;
	struct vits_function functions[ITS_MAX_FUNCTIONS];
	uint8_t ram[ITS_RAM_SZ];
	uint8_t high[ITS_HIGH_SZ];

	/* Addresses in [bad, bad_end) are no RAM at this time. */
	uint64_t bad, bad_end;

	struct its_targeted events[ITS_MAX_FUNCTIONS][ITS_MAX_EVENTS];
	bool lpi_taken[ITS_MAX_LPIS]; /* some event of events[] has it */

	/* A machine with several ITSs: the LPIs that are this one's, and another's. */
	bool several;
	bool claimed[ITS_MAX_LPIS];
	struct its_call call;
	uint64_t nr_commands; /* ever */
	bool run_is_due;      /* the model asked for vits_run() */
	bool may_stall;	      /* errors do, or a state that was restored has */

	/*
	 * Runs inside the model's callbacks, at the countdown's end: another
	 * vCPU, or a device, in the middle of a command.
	 */
	unsigned countdown; /* 0: not armed */
	bool inside;	    /* the hook runs */
	void (*hook)(struct its_world *w);
	void *hook_arg;
};

/* A machine of a few shapes, chosen by input. The ITS is in its reset state. */
struct its_world *its_world_create(struct input *in);
/* Resets the ITS: nothing may be left in the backend. Then gives all back. */
void its_world_destroy(struct its_world *w);

/* A guest's or a device's access to memory; false outside of RAM. */
bool its_mem_read(struct its_world *w, uint64_t gpa, void *buf, size_t len);
bool its_mem_write(struct its_world *w, uint64_t gpa, const void *buf, size_t len);

/*
 * Calls into the model, judged. Inside the hook only what may be judged then.
 */
uint64_t its_read(struct its_world *w, uint64_t offset, unsigned size);
void its_write(struct its_world *w, uint64_t offset, unsigned size, uint64_t value);
void its_run(struct its_world *w);
void its_reset(struct its_world *w);
void its_audit(struct its_world *w);
/* An MSI of this function. */
void its_signal(struct its_world *w, size_t function, uint32_t eventid);
/*
 * Save, reset, let damage change the state (or memory), restore. What was not
 * damaged is there again; else the ITS is as it was, or in its reset state.
 * damage returns false where it left all as it was.
 */
void its_save_restore(struct its_world *w,
		      bool (*damage)(struct its_world *w, struct vits_state *s));
/* Counters add up. */
void its_check_stats(struct its_world *w);

/* Put an entry into the queue at this offset; false where it is not RAM. */
bool its_put_command(struct its_world *w, uint64_t offset, const uint64_t cmd[GITS_CMD_NR_WORDS]);

#endif
