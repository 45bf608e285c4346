/* SPDX-License-Identifier: MIT */
/*
 * How the host's CPUs lie that vCPUs are pinned to: cores, clusters, packages, caches. The guest's
 * device tree says the same of its CPUs.
 */
#ifndef VMM_MACHINE_GUEST_TOPOLOGY_H
#define VMM_MACHINE_GUEST_TOPOLOGY_H

#include <stddef.h>
#include <stdint.h>

#include "vfio/host.h"
#include "vmm/base/report.h"
#include "vmm/config/config.h"

#define GUEST_TOPOLOGY_MAX_LEVEL 4u /* of caches */

struct guest_cache {
	uint32_t level;	     /* from 1 */
	uint32_t size;	     /* bytes; 0: there is none, or the host does not say */
	uint32_t line, sets; /* bytes, how many; 0: the host does not say */
	int next;	     /* index of the cache behind it; -1: none is known */
};

enum guest_depth { GUEST_PACKAGE, GUEST_CLUSTER, GUEST_CORE, GUEST_NR_DEPTHS };

struct guest_cpu {
	/* Numbers from 0 on, without gaps, each inside of the one before. */
	uint32_t at[GUEST_NR_DEPTHS];
	uint32_t thread, nr_threads; /* of the core, as far as vCPUs have them */
	struct guest_cache l1d, l1i;
	int next; /* index of the cache behind these; -1: none is known */
};

struct guest_topology {
	uint32_t nr_cpus; /* the guest's */
	uint32_t nr_packages;
	struct guest_cpu *cpus; /* [nr_cpus] */
	struct guest_cache *caches;
	size_t nr_caches;
};

/*
 * *ret_topology is the caller's; NULL where nothing is known: vCPUs that are not pinned may be
 * anywhere, two that are pinned to one CPU are like nothing that there is, and a host may not
 * say. While files can be opened. 0, or -ENOMEM.
 */
int guest_topology_read(const struct config *config, const struct pci_host_fs *host,
			struct guest_topology **ret_topology,
			struct failure *ret_failure) _must_check_;
/* NULL is allowed. */
void guest_topology_free(struct guest_topology *topology);

#endif
