/* SPDX-License-Identifier: MIT */
/*
 * The guest's redistributors, and KVM's behind them.
 *
 * KVM's own ones bring SGIs, PPIs and LPIs to vCPUs, and are out of the guest's reach:
 * they lie under a read-write memory slot, which arm64 KVM finds before its MMIO bus,
 * backed by PROT_NONE, as the kernel ITS's frame does (vmm/its/kernel_its.h). What the
 * guest sees is vgicrmod/, whose backend is KVM's redistributors by their attributes,
 * with all vCPUs paused. So no access of the guest's runs KVM's code for LPIs, and
 * itsy sees all that the guest does with them.
 */
#ifndef VMM_ITS_KERNEL_REDIST_H
#define VMM_ITS_KERNEL_REDIST_H

#include "vgicrmod/vgicr.h"
#include "vmm/kvm/vcpu.h"

struct kernel_redist;

struct kernel_redist_config {
	const struct vm *vm; /* all borrowed */
	struct vcpus *vcpus;
	int gic;
	uint32_t nr_vcpus;
	/* A vCPU's LPIs were switched on or off. On a vCPU's thread, with no lock held. */
	void (*lpis_switched)(void *ctx);
	/* The host failed to read or write a register: the guest cannot go on. Any thread. */
	void (*failed)(void *ctx, const char *why);
	void *ctx;
};

/* After gic_start() and before the vCPUs run. */
int kernel_redist_create(const struct kernel_redist_config *config,
			 struct kernel_redist **ret_redist,
			 struct failure *ret_failure) _must_check_;
/* After the vCPUs have stopped. NULL is allowed. */
void kernel_redist_destroy(struct kernel_redist *redist);

/* The bus region of the guest's redistributors, at LAYOUT_GICR. */
int kernel_redist_add_to_bus(struct kernel_redist *redist, struct bus *bus) _must_check_;

struct kernel_redist_stats {
	struct vgicr_stats vgicr;
	uint64_t still_active; /* times that an interrupt was to be deactivated, and was not */
};

void kernel_redist_stats_get(struct kernel_redist *redist, struct kernel_redist_stats *ret_stats);

#endif
