/* SPDX-License-Identifier: MIT */
/*
 * A guest for measuring: memory, tables and a command queue for one vITS, and an
 * backend that does nothing.
 *
 * Every guest has the same machine, whatever is mapped: as many functions as a
 * vITS takes, all with an ITT, and further devices that live in the guest's
 * tables only. What is measured goes the guest's way: commands are written to the
 * queue in its memory, then GITS_CWRITER is.
 */
#ifndef TESTS_BENCH_GUEST_H
#define TESTS_BENCH_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vitsmod/vits.h"

#define GUEST_RAM_SZ	 UINT64_C(0x00a00000)
#define GUEST_VCPUS	 16u
#define GUEST_FUNCTIONS	 VITS_MAX_FUNCTIONS
#define GUEST_PER	 216u		  /* events of each function that get mapped */
#define GUEST_NR_EVENTS	 (GUEST_PER + 1u) /* and one that never does */
#define GUEST_MAX_NAMED	 (GUEST_FUNCTIONS * GUEST_PER)
#define GUEST_OTHERS	 16u /* devices that no function is behind */
#define GUEST_MAX_OTHERS (GUEST_OTHERS * 65536u)

/* Events stand in groups: neighbours of one function, and the most in one write. */
#define GUEST_GROUP 8u

_Static_assert(GUEST_MAX_NAMED < VITS_MAX_LPIS,
	       "each assigned event has an LPI, others have some too");
_Static_assert(GUEST_PER % GUEST_GROUP == 0, "groups lie within a function");

enum guest_kind {
	GUEST_NAMED,  /* events of functions: the shadow has them */
	GUEST_UNNAMED /* events of other devices: only the guest's tables have them */
};

enum guest_op { OP_HIT, OP_MISS, OP_MAPTI, OP_MOVI, OP_INV, OP_DISCARD, NR_GUEST_OPS };

struct guest_config {
	enum guest_kind kind;  /* of the events that are measured */
	uint32_t nr_mapped;    /* events in all; named ones first, as many as there can be */
	uint32_t per_write;    /* commands in each write of GITS_CWRITER: divides GUEST_GROUP */
	bool apart;	       /* the events of a group are far apart: of different functions */
	uint32_t nr_functions; /* 0: GUEST_FUNCTIONS */
	uint32_t nr_lpis;      /* 0: VITS_MAX_LPIS */
};

struct guest {
	struct guest_config config;
	struct vits *v;
	uint8_t *ram;
	uint32_t tail; /* the next GITS_CWRITER */
	uint32_t nr_named;
	uint32_t nr_others;
	uint64_t nr_pushed;
	uint64_t nr_updates;
	uint64_t nr_commits;
};

/* Make one with its events mapped. Ends the program where memory is short. */
struct guest *guest_create(const struct guest_config *config);
/* The same in two steps: the guest's own memory, then all that is the host's. */
struct guest *guest_alloc(const struct guest_config *config);
void guest_start(struct guest *g);
void guest_destroy(struct guest *g);

/* Any command into the queue, and all of them announced. */
void guest_push(struct guest *g, const uint64_t cmd[4]);
void guest_kick(struct guest *g);
/* How many were announced that the ITS has not done yet. */
uint32_t guest_nr_waiting(const struct guest *g);
/* Collections on vCPUs, one on each, and all devices. */
void guest_map_devices(struct guest *g);

/* Has the ITS done every command, as it was meant to? */
bool guest_is_sound(struct guest *g);

/* Groups of measured events that there are. At least one. */
uint32_t guest_nr_groups(const struct guest *g);

/* Called around what is measured. */
struct guest_meter {
	void (*begin)(void *ctx);
	void (*end)(void *ctx);
	void *ctx;
};

/*
 * Do op once for each event of the groups [first, first + nr), modulo their number.
 * A group must be mapped, or after OP_DISCARD unmapped and mapped by OP_MAPTI
 * again. Commands: begin() and end() are called around each write of GITS_CWRITER.
 * Translation (named events only): around each group, which is translated
 * GUEST_TRANSLATIONS times.
 */
#define GUEST_TRANSLATIONS 16u
void guest_do(struct guest *g, enum guest_op op, uint32_t first, uint32_t nr,
	      const struct guest_meter *meter);
/* How many operations that measures. */
uint64_t guest_nr_ops(enum guest_op op, uint32_t nr_groups);

#endif
