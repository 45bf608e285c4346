/* SPDX-License-Identifier: MIT */
/*
 * The trapped part of the guest's physical address space: which region answers
 * an access that KVM hands to us.
 */
#ifndef VMM_KVM_BUS_H
#define VMM_KVM_BUS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/base/cleanup.h"

#define BUS_MAX_REGIONS 24u

struct bus_region {
	const char *name;
	uint64_t base, size;
	/* offset is below size, len is 1, 2, 4 or 8; any vCPU's thread. */
	uint64_t (*read)(void *ctx, uint64_t offset, unsigned len);
	void (*write)(void *ctx, uint64_t offset, unsigned len, uint64_t value);
	void *ctx; /* borrowed */
};

/* Filled at set-up and constant while vCPUs run; sorted by base. */
struct bus {
	struct bus_region regions[BUS_MAX_REGIONS];
	size_t nr_regions;
	_Atomic uint64_t unclaimed; /* accesses that no region answered */
};

/* 0, -EEXIST where it overlaps another region, -ENOSPC, -EINVAL for size 0 or a wrap. */
int bus_add(struct bus *bus, const struct bus_region *region) _must_check_;

/* Accesses outside every region read as zero and ignore writes, and are counted. */
uint64_t bus_read(struct bus *bus, uint64_t gpa, unsigned len);
void bus_write(struct bus *bus, uint64_t gpa, unsigned len, uint64_t value);

#endif
