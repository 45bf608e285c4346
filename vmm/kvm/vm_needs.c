// SPDX-License-Identifier: MIT
/*
 * Capabilities of KVM. Documentation/virt/kvm/api.rst. No locks.
 */
#include "vmm/kvm/vm_needs.h"

#include <errno.h>
#include <stdio.h>

#include "vmm/base/bits.h"
#include "vmm/kvm/kvm_arm64.h"

/*
 * Without an optional one itsy does something slower or less exact. KVM_CAP_MSI_DEVID is
 * not here: a VM has it once it has an ITS.
 */
static const struct {
	unsigned cap;
	const char *name;
	bool optional;
} needs[] = {
	{ KVM_CAP_ONE_REG, "ONE_REG", false },
	{ KVM_CAP_USER_MEMORY, "USER_MEMORY", false },
	{ KVM_CAP_READONLY_MEM, "READONLY_MEM", false },
	{ KVM_CAP_DEVICE_CTRL, "DEVICE_CTRL", false },
	{ KVM_CAP_IRQCHIP, "IRQCHIP", false },
	{ KVM_CAP_IRQFD, "IRQFD", false },
	{ KVM_CAP_IRQFD_RESAMPLE, "IRQFD_RESAMPLE", false },
	{ KVM_CAP_IRQ_ROUTING, "IRQ_ROUTING", false },
	{ KVM_CAP_SIGNAL_MSI, "SIGNAL_MSI", false },
	{ KVM_CAP_ARM_PSCI_0_2, "ARM_PSCI_0_2", false },
	{ KVM_CAP_IMMEDIATE_EXIT, "IMMEDIATE_EXIT", false },
	/* External aborts: without them an access that cannot be answered ends the guest. */
	{ KVM_CAP_VCPU_EVENTS, "VCPU_EVENTS", false },
	{ KVM_CAP_ARM_INJECT_EXT_DABT, "ARM_INJECT_EXT_DABT", false },
	/* 40 bits then (vm.c). */
	{ KVM_CAP_ARM_VM_IPA_SIZE, "ARM_VM_IPA_SIZE", true },
	/* KVM_RUN fails then, which is as good, and leaves lines in the host's log (vcpu.c). */
	{ KVM_CAP_ARM_NISV_TO_USER, "ARM_NISV_TO_USER", true },
};

size_t vm_needs_nr(void)
{
	return ARRAY_SIZE(needs);
}

static void list_missing(const struct vm *vm, bool optional, char *out, size_t cap)
{
	size_t at = 0;

	out[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(needs) && at < cap; i++)
		if (needs[i].optional == optional && !vm_extension(vm, needs[i].cap))
			at += (size_t)snprintf(out + at, cap - at, "%sKVM_CAP_%s", at ? ", " : "",
					       needs[i].name);
}

int vm_needs_met(const struct vm *vm, struct failure *ret_failure)
{
	char missing[200];

	list_missing(vm, false, missing, sizeof(missing));
	if (!missing[0])
		return 0;
	return failure_set(ret_failure, ITSY_ENVIRONMENT, ENOTSUP, "KVM extensions",
			   "use a newer kernel, 6.1 or later", "missing: %s", missing);
}

void vm_needs_unmet_options(const struct vm *vm, char *ret_names, size_t cap)
{
	list_missing(vm, true, ret_names, cap);
}
