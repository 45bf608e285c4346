/* SPDX-License-Identifier: MIT */
/*
 * A guest's memory: whether the host has it, and at which of the guest's addresses it lies. For
 * those who are about to start it, and for those who say what would happen then.
 */
#ifndef VMM_MACHINE_GUEST_MEMORY_H
#define VMM_MACHINE_GUEST_MEMORY_H

#include <stdio.h>

#include "vfio/container.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/report.h"
#include "vmm/config/config.h"
#include "vmm/machine/ram_plan.h"

enum guest_memory {
	GUEST_MEMORY_FREE,  /* the host has it */
	GUEST_MEMORY_SHORT, /* not free, but it need not be: it is taken as the guest touches it */
};

/*
 * Reads /proc and /sys below root, "" for this host: what is free, and what this process's cgroups
 * leave of it (memory.max), less what the host needs beside the guest's. An enum guest_memory,
 * GUEST_MEMORY_SHORT with why and what to do in ret_failure; or -ENOMEM with the cause: devices
 * have all of it locked at once (DMA), the host does not have so much at all, or too few huge pages
 * are free.
 */
int guest_memory_find(const struct config *config, const char *root,
		      struct failure *ret_failure) _must_check_;
/* May it be locked for devices, by who may lock limit bytes (self_lock_limit())? 0, or -ENOMEM. */
int guest_memory_lock(const struct config *config, uint64_t limit,
		      struct failure *ret_failure) _must_check_;

/* Where it lies, and what it keeps out of. */
struct guest_memory_map {
	struct ram_plan ram;
	struct vfio_holes holes; /* of all devices: those that are in the way and others */
};

/*
 * Place it, around what devices do not reach memory at. Without devices it is one bank from
 * LAYOUT_RAM on. container: with the devices' groups, or NULL before they are open, when what the
 * IOMMU maps is known from sysfs alone. Devices that are not there have nothing in the way. 0; or
 * -ENOSPC, with what is in the way in ret_map all the same; -E2BIG; or what sysfs answered.
 */
int guest_memory_place(const struct config *config, const struct pci_host_fs *host,
		       const struct vfio_container *container, struct guest_memory_map *ret_map,
		       struct failure *ret_failure) _must_check_;

/*
 * Place it, and make it there, in what the configuration has as its backing. Memory that is there
 * already, for less was known of the devices, stays where nothing has changed; else it is made
 * anew, and what was in it is gone. What of the host cannot be known is warned of once devices are
 * open. 0, or -errno as above, or of gmem_init_banks(); then *mem is as it was, or empty.
 */
int guest_memory_make(const struct config *config, const struct pci_host_fs *host,
		      const struct vfio_container *container, struct gmem *mem,
		      struct failure *ret_failure) _must_check_;
/* Warn of what of the host could not be looked at, if there is any. */
void guest_memory_warn(const struct guest_memory_map *map);

/* Bytes of it that devices of 32 bits reach. */
uint64_t guest_memory_below_4g(const struct guest_memory_map *map);

/* What the hole is, in words, such as "window of the host's PCI bridge pci0000:00". */
#define GUEST_MEMORY_WHY_SZ 96u
const char *guest_memory_why(const struct vfio_hole *hole, char ret_text[GUEST_MEMORY_WHY_SZ]);

/* The guest's addresses as a table: what lies where, and why RAM leaves out what it does. */
int guest_memory_print(const struct config *config, const struct guest_memory_map *map,
		       FILE *out) _must_check_;

#endif
