/* SPDX-License-Identifier: MIT */
/*
 * The counters of a machine, by name: what --stats-json, its notes for people, and metrics are
 * made of. Those of vectors are in vmm/irq/counters.h.
 */
#ifndef VMM_CONTROL_MACHINE_COUNTERS_H
#define VMM_CONTROL_MACHINE_COUNTERS_H

#include <stddef.h>
#include <stdint.h>

#include "vmm/machine/machine.h"

struct machine_counter_row {
	const char *object; /* in which it is in JSON; NULL: in none */
	const char *name;   /* itsy(1) defines each */
	size_t at;	    /* of a uint64_t in struct machine_stats */
	const char *note;   /* below the table, where it is not 0; NULL: none */
	const char *help;   /* of its metric, without a full stop */
};
extern const struct machine_counter_row machine_counters[];
extern const size_t nr_machine_counters;

/* i < nr_machine_counters. */
uint64_t machine_counter_get(const struct machine_stats *stats, size_t i);

/* Its metric's name without prefix and suffix: "kernel_its_pauses". */
#define MACHINE_COUNTER_NAME_SZ 48u
const char *machine_counter_name(size_t i, char name[MACHINE_COUNTER_NAME_SZ]);

#endif
