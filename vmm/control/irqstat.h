/* SPDX-License-Identifier: MIT */
/*
 * The statistics at the end of a run: a table for people, and --stats-json.
 */
#ifndef VMM_CONTROL_IRQSTAT_H
#define VMM_CONTROL_IRQSTAT_H

#include <jansson.h>
#include <stdio.h>

#include "vmm/machine/machine.h"

/*
 * One line for each vector that took an interrupt: vector; DeviceID/EventID, LPI and
 * vCPU of the last one; the counters that have a column. Then what the guest did wrong,
 * if anything. For a terminal of so many columns (0: any number) what matters least is left out.
 */
void irqstat_print(FILE *out, size_t columns, const struct passthru *functions, size_t nr_functions,
		   const struct machine_stats *stats);

/*
 * All counters of all vectors, and those of the machine, as one JSON object ("schema": 1,
 * itsy(1)), written to out and flushed. 0, or negative errno.
 */
int irqstat_write_json(FILE *out, const struct passthru *functions, size_t nr_functions,
		       const struct machine_stats *stats, unsigned boots) _must_check_;

/*
 * An object, the caller's, with a member for each command that the guest gave, by its
 * name: how often it was done, skipped and stalled. NULL: no memory.
 */
json_t *irqstat_commands_json(const struct vits_stats *stats);

#endif
