/* SPDX-License-Identifier: MIT */
/*
 * The counters of a vector, by name: what JSON, tables and itsy-control(7) are made of.
 */
#ifndef VMM_IRQ_COUNTERS_H
#define VMM_IRQ_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/irq/irq_function.h"

/* The rows of vector_counters[]. */
enum vector_counter {
	COUNTER_TAKEN,	  /* by itsy's threads, and COUNTER_TIED */
	COUNTER_INJECTED, /* likewise */
	COUNTER_HELD,
	COUNTER_RELEASED,
	COUNTER_DROPPED,
	COUNTER_TIED, /* of COUNTER_TAKEN, those that KVM took by itself */
	COUNTER_TIES,
	COUNTER_STORMS,
	COUNTER_STORM_MERGED,
	COUNTER_STORM_MASKED,
	COUNTER_STORM_RELEASED,
	COUNTER_COALESCED,
	NR_VECTOR_COUNTERS
};

struct vector_counter_row {
	const char *name;    /* in JSON and in itsy-control(7) */
	size_t offset;	     /* of an _Atomic uint64_t in struct vector_counts */
	const char *heading; /* of its column in tables for people; NULL: it has none */
	const char *note;    /* below its vector's line where it is not 0; NULL: none */
	const char *help;    /* of its metric, without a full stop */
};
extern const struct vector_counter_row vector_counters[NR_VECTOR_COUNTERS];

/* Any thread. Several that are read one after the other may be an interrupt apart. */
uint64_t vector_counter_get(const struct vector_counts *counts, enum vector_counter counter);

/* The word for COUNTER_TIED where it is not all: "direct", "unknown"; NULL: it is exact. Any
 * thread. */
const char *vector_tied_word(const struct vector_counts *counts);

/* Where the last interrupt of a vector went. */
struct vector_last {
	uint32_t lpi, vcpu, eventid;
};
/* False: there was none yet. Any thread. */
bool vector_last_get(const struct vector_counts *counts, struct vector_last *ret_last);

#endif
