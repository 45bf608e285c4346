/* SPDX-License-Identifier: MIT */
/*
 * The device tree that describes the machine of vmm/kvm/layout.h to the guest.
 */
#ifndef VMM_MACHINE_FDT_H
#define VMM_MACHINE_FDT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/base/cleanup.h"
#include "vmm/kvm/gmem.h"
#include "vmm/machine/guest_topology.h"

/* Where the MSIs of a function go. */
struct fdt_function {
	uint32_t requester_id; /* behind a root port: with the number that guests mostly give its
				  bus */
	size_t its;	       /* index */
	uint32_t devid;	       /* its DeviceID there */
	bool behind;	       /* a root port, which has this device number on bus 0 */
	uint32_t port;
};

struct fdt_machine {
	size_t nr_its;			      /* at least 1; number n lies at LAYOUT_GITS_OF(n) */
	const struct fdt_function *functions; /* [nr_functions] */
	size_t nr_functions;
	uint32_t root_ports; /* bit n: device n of bus 0 is one */
	uint32_t nr_vcpus;
	const uint64_t *mpidr; /* [nr_vcpus], affinity fields only */
	bool pmu;	       /* they have performance counters, as vmm/kvm/pmu.h */
	const struct guest_topology *topology; /* of nr_vcpus; NULL: not known */
	const struct gmem_range *ram;	       /* [nr_ram], 1 to GMEM_MAX_BANKS, ascending */
	size_t nr_ram;
	uint64_t initrd, initrd_end; /* equal: none */
	const char *cmdline;
	bool pl011;	  /* there is one beside the 16550A, and it is the console */
	uint64_t seed[8]; /* rng-seed and kaslr-seed */
};

/*
 * Write a tree of at most cap bytes to buf: GICv3 with the vITSs, timer, PMU, PSCI,
 * UARTs (stdout-path), GPIO controller with power button and panic light, real-time clock, ECAM
 * host bridge with msi-map to them and interrupt-map to the GIC, and its root ports with such maps
 * of their own. 0, or -ENOSPC.
 */
int fdt_build(const struct fdt_machine *machine, void *buf, size_t cap) _must_check_;

#endif
