// SPDX-License-Identifier: MIT
/*
 * The vCPUs' performance counters. KVM sets the level of the overflow's line at each exit and
 * entry (kvm_pmu_update_state()): what a redistributor says of it while vCPUs are paused is
 * as it is.
 *
 * No locks.
 */
#include "vmm/kvm/pmu.h"

#include <string.h>

#include "vmm/kvm/kvm_arm64.h"

bool pmu_is_there(const struct vm *vm)
{
	return vm_extension(vm, KVM_CAP_ARM_PMU_V3);
}

int pmu_start(const struct vm *vm, const struct vcpus *vcpus, uint32_t nr,
	      struct failure *ret_failure)
{
	int r = 0, intid = PMU_INTID;

	if (!pmu_is_there(vm))
		return 0;
	for (uint32_t i = 0; !r && i < nr; i++) {
		r = vcpus_set_attr(vcpus, i, KVM_ARM_VCPU_PMU_V3_CTRL, KVM_ARM_VCPU_PMU_V3_IRQ,
				   &intid);
		if (!r)
			r = vcpus_set_attr(vcpus, i, KVM_ARM_VCPU_PMU_V3_CTRL,
					   KVM_ARM_VCPU_PMU_V3_INIT, NULL);
	}
	return r < 0 ? failure_set(ret_failure, ITSY_ENVIRONMENT, -r, "performance counters",
				   failure_cure(-r, CURE_KERNEL_LOG),
				   "KVM has them and refused them (%s)", strerror(-r))
		     : 0;
}
