/* SPDX-License-Identifier: MIT */
/*
 * The vCPUs' performance counters, which KVM keeps with the host's.
 * Documentation/virt/kvm/devices/vcpu.rst, KVM_ARM_VCPU_PMU_V3_CTRL.
 */
#ifndef VMM_KVM_PMU_H
#define VMM_KVM_PMU_H

#include "vmm/kvm/vcpu.h"
#include "vmm/kvm/vm.h"

/* Their overflow, as SBSA has it: a private interrupt, a level. */
#define PMU_INTID 23u

/* Has the host counters that guests can use? vcpus_create() asks for them then. */
bool pmu_is_there(const struct vm *vm);

/* Where it has: switch them on in all nr vCPUs. After gic_start(), before vcpus_start(). */
int pmu_start(const struct vm *vm, const struct vcpus *vcpus, uint32_t nr,
	      struct failure *ret_failure) _must_check_;

#endif
