/* SPDX-License-Identifier: MIT */
/*
 * Storms: what one write of GITS_CWRITER costs at worst, and so how long a guest can
 * have a vCPU held up by the ITS. A storm is STORM_COMMANDS commands of the dearest
 * kind, announced together while as many events are mapped as can be.
 */
#ifndef TESTS_BENCH_STORM_H
#define TESTS_BENCH_STORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/bench/guest.h"

/* As many as one call runs if they are cheap. */
#define STORM_COMMANDS 256u

enum storm_kind {
	STORM_SYNC,	     /* what commands cost that do nothing */
	STORM_MAPTI_NEAR,    /* of events of one function */
	STORM_MAPTI_FAR,     /* each of another function than the last */
	STORM_MAPC_FEW,	     /* a collection with one event goes back and forth */
	STORM_MAPC_ALL,	     /* the same with all events in it */
	STORM_MAPC_ALL_OFF,  /* the same, to no vCPU and back */
	STORM_MIXED,	     /* as many cheap commands as there can be beside dear ones */
	STORM_MAPD,	     /* functions and all their events are unmapped */
	STORM_MOVALL,	     /* all events go back and forth */
	STORM_MOVALL_NOBODY, /* the same with vCPUs that have none */
	STORM_INVALL,
	NR_STORMS
};

struct storm {
	double instructions; /* of the write */
	double time_us;	     /* of the write, median of all runs */
	uint32_t nr_done;    /* commands that the write ran to their end */
	uint32_t nr_updates; /* LPI updates that it handed to the backend */
	uint32_t nr_calls;   /* of vits_run(), for the rest */
};

const char *storm_name(enum storm_kind kind);

/* A guest with all its events mapped. */
struct guest *storm_guest(void);
/*
 * Have a storm, and clear up after it. The meter is called around the write; storm
 * gets the numbers of commands, LPI updates and calls.
 */
void storm_run(struct guest *g, enum storm_kind kind, const struct guest_meter *meter,
	       struct storm *storm);

/* Fill in times and numbers of all storms. 0; -EINVAL, with a line on stderr, if
 * a command was refused. */
int storm_time(struct storm storms[NR_STORMS]) __attribute__((warn_unused_result));

#endif
