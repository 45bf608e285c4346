/* SPDX-License-Identifier: MIT */
/*
 * Two worlds (vits_world.h) that should be alike: an ITS that was saved, and
 * one that was restored from it.
 */
#ifndef TESTS_UNIT_VITS_TWINS_H
#define TESTS_UNIT_VITS_TWINS_H

#include "tests/unit/vitsmod/vits_world.h"

#define DTE_SLOT(devid)	     (DEVICE_TABLE + (devid)*8)
#define CTE_SLOT(icid)	     (COLL_TABLE + (icid)*8)
#define ITE_SLOT(itt, event) ((itt) + (event)*8)

#define DTE(next, itt, bits)   (VALID | (uint64_t)(next) << 49 | (itt) >> 3 | ((bits)-1))
#define CTE(icid, vcpu)	       (VALID | (uint64_t)(vcpu) << 16 | (icid))
#define ITE(next, intid, icid) ((uint64_t)(next) << 48 | (uint64_t)(intid) << 16 | (icid))

/* A world with another one's memory and pending state, and an ITS in its reset state. */
struct world *world_next(const struct world *from, const struct vits_config *config);
/* The same, with that ITS restored from the other one. */
struct world *round_trip(struct world *from);
/* Assigned and other events, in all tables. */
struct world *world_with_events(void);

/* Registers, translations, steps taken, pending state and memory are the same. */
void same_worlds(struct world *a, struct world *b);
/* Both can be saved, and the states are the same. */
void same_states(struct world *a, struct world *b);
/* As at power-on, and the backend has been told nothing. */
void assert_in_reset_state(struct world *w);

/* For vits_audit(): the tables say what the shadow says, or the test fails. */
void no_difference(void *arg, const struct vits_difference *difference);

/* Numbers. */
struct dice {
	uint64_t s;
};

uint64_t roll(struct dice *d);
uint32_t below(struct dice *d, uint32_t n);
bool one_in(struct dice *d, uint32_t n);

#endif
