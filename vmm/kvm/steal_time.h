/* SPDX-License-Identifier: MIT */
/*
 * How long each vCPU has waited for a CPU of the host's, which KVM writes where the guest can read
 * it. Arm DEN 0057 (Paravirtualized Time for Arm-based Systems);
 * Documentation/virt/kvm/arm/pvtime.rst.
 */
#ifndef VMM_KVM_STEAL_TIME_H
#define VMM_KVM_STEAL_TIME_H

#include "vmm/kvm/vcpu.h"
#include "vmm/kvm/vm.h"

struct steal_time;

/* Can the host tell? */
bool steal_time_is_there(const struct vm *vm);

/*
 * Where it can: a page of memory at LAYOUT_STEAL_TIME, which is no RAM and which no device's DMA
 * reaches, with a structure for each of nr vCPUs. Guests ask by SMCCC where theirs is. Before
 * vcpus_start(). *ret_steal_time is NULL where the host has no such thing.
 */
int steal_time_create(const struct vm *vm, const struct vcpus *vcpus, uint32_t nr,
		      struct steal_time **ret_steal_time, struct failure *ret_failure) _must_check_;
/* After the vCPUs were destroyed. NULL is allowed. */
void steal_time_destroy(struct steal_time *steal_time);

#endif
