/* SPDX-License-Identifier: MIT */
/*
 * What the guest's redistributors say of its LPI tables: IHI 0069 5.1 (the tables),
 * 12.11 (GICR_PROPBASER, GICR_PENDBASER, GICR_CTLR.EnableLPIs).
 *
 * All but making one is for who has the vCPUs paused (vmm/kvm/vcpu.h).
 */
#ifndef VMM_ITS_LPI_TABLES_H
#define VMM_ITS_LPI_TABLES_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/base/cleanup.h"
#include "vmm/kvm/gmem.h"
#include "vmm/kvm/vm.h"

struct redist {
	bool known;
	bool lpis_on;
	uint64_t pend;
};

struct lpi_tables {
	const struct vm *vm; /* all borrowed */
	const struct gmem *mem;
	int gic;
	const uint64_t *mpidr; /* [nr_vcpus] */
	uint32_t nr_vcpus;
	/* What has been read. */
	struct redist *redists; /* [nr_vcpus]; owned */
	bool has_prop;
	uint64_t prop;	  /* PROPBASER, which is one for the whole VM in KVM */
	uint32_t refused; /* the vCPU whose redistributor KVM did not tell of, if it did not */
};

/* Members up to nr_vcpus are given. 0 or -ENOMEM. */
int lpi_tables_init(struct lpi_tables *tables) _must_check_;
/* Also of zeros. */
void lpi_tables_fini(struct lpi_tables *tables);

/* The guest has run since: everything is to be read anew. */
void lpi_tables_forget(struct lpi_tables *tables);

/*
 * Will KVM be able to read the LPI's configuration byte, and its pending bit at that
 * vCPU? 1, 0, or what KVM says (negative errno) where it does not tell what a
 * redistributor holds, which is a failure of the host's. No vCPU is asked twice.
 */
int lpi_tables_ready(struct lpi_tables *tables, uint32_t intid, uint32_t vcpu) _must_check_;
/* GICR_CTLR.EnableLPIs of a vCPU that was asked for with success. */
bool lpi_tables_on(const struct lpi_tables *tables, uint32_t vcpu);

#endif
