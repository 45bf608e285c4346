/* SPDX-License-Identifier: MIT */
/*
 * Whether the host has the memory that a guest is to have. For those who are about to start it, and
 * for those who say what would happen then.
 */
#ifndef VMM_MACHINE_GUEST_MEMORY_H
#define VMM_MACHINE_GUEST_MEMORY_H

#include "vmm/base/cleanup.h"
#include "vmm/base/report.h"
#include "vmm/config/config.h"

enum guest_memory {
	GUEST_MEMORY_FREE,  /* the host has it */
	GUEST_MEMORY_SHORT, /* not free, but it need not be: it is taken as the guest touches it */
};

/*
 * Reads /proc/meminfo and /sys below root, "" for this host. An enum guest_memory; or -ENOMEM with
 * the cause: devices have all of it locked at once (DMA), or too few huge pages are free.
 */
int guest_memory_find(const struct config *config, const char *root,
		      struct failure *ret_failure) _must_check_;

#endif
