/* SPDX-License-Identifier: MIT */
/*
 * What became of the interrupts, for people (a table) and programs (JSON).
 */
#ifndef VMM_CONTROL_IRQSTAT_H
#define VMM_CONTROL_IRQSTAT_H

#include <jansson.h>
#include <stdio.h>

#include "vmm/machine/machine.h"

/*
 * One line for each vector that took an interrupt: vector, DeviceID/EventID, LPI,
 * vCPU of the last one, and the counts; then what the guest did wrong, if it did.
 */
void irqstat_print(FILE *out, const struct passthru *functions, size_t nr_functions,
		   const struct machine_stats *stats);

/* The same, all vectors, as one JSON object ("schema": 1). 0, or negative errno. */
int irqstat_write_json(const char *path, const struct passthru *functions, size_t nr_functions,
		       const struct machine_stats *stats, unsigned boots) _must_check_;

/* Of each command that the guest gave: done, skipped, stalled, by its name. NULL: no memory. */
json_t *irqstat_commands_json(const struct vits_stats *stats);

#endif
