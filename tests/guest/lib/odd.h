/* SPDX-License-Identifier: MIT */
/*
 * Accesses that a hypervisor gets no syndrome for, or that no device expects:
 * pairs, SIMD, atomics, write-back, cache maintenance.
 */
#ifndef GUEST_LIB_ODD_H
#define GUEST_LIB_ODD_H

#include <stdint.h>

struct odd_access {
	void (*access)(uint64_t address);
	const char *name;
	uint64_t has_syndrome; /* 1: KVM tells what it is; 0: it does not */
};

extern const struct odd_access odd_accesses[];
extern const uint64_t nr_odd_accesses;

/* All of them at an address, one after the other. Call with aborts allowed. */
static inline void odd_access_all(uint64_t address)
{
	for (uint64_t i = 0; i < nr_odd_accesses; i++)
		odd_accesses[i].access(address);
}

#endif
