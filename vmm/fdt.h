/* SPDX-License-Identifier: MIT */
/*
 * The device tree that describes the machine of vmm/layout.h to the guest.
 */
#ifndef VMM_FDT_H
#define VMM_FDT_H

#include <stddef.h>
#include <stdint.h>

#include "vfio/cleanup.h"

struct fdt_machine {
	uint32_t nr_vcpus;
	const uint64_t *mpidr; /* [nr_vcpus], affinity fields only */
	uint64_t ram, ram_sz;
	uint64_t initrd, initrd_end; /* equal: none */
	const char *cmdline;
	uint64_t seed[8]; /* rng-seed and kaslr-seed */
};

/*
 * Write a tree of at most cap bytes to buf: GICv3 with the vITS, timer, PSCI,
 * UART (stdout-path), ECAM host bridge with msi-map to the vITS. 0, or -ENOSPC.
 */
int fdt_build(const struct fdt_machine *machine, void *buf, size_t cap) _must_check_;

#endif
