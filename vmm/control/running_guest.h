/* SPDX-License-Identifier: MIT */
/*
 * What the verbs of the control socket work on: a guest that runs. They do so on the
 * thread that owns its machine.
 */
#ifndef VMM_CONTROL_RUNNING_GUEST_H
#define VMM_CONTROL_RUNNING_GUEST_H

#include "vmm/config/config.h"
#include "vmm/dev/passthru.h"

struct machine;
struct stop;

struct running_guest {
	const struct config *config; /* all borrowed */
	struct passthru *functions;
	size_t nr_functions;
	struct machine *machine;
	struct stop *stop;
	const char *console; /* where its console is: console_port_where() */
	const char *iommu;   /* by what DMA goes: vfio_iommu_kind_name(); NULL: of no device */
	int pid;	     /* of the process that was started for it */
	unsigned boots;
	uint64_t since_ns; /* CLOCK_MONOTONIC, of the last boot */
};

#endif
