// SPDX-License-Identifier: MIT
/*
 * itsy check: KVM, tried on a virtual machine that is thrown away.
 *
 * Document: Documentation/virt/kvm/api.rst, devices/arm-vgic-v3.rst and
 * devices/arm-vgic-its.rst.
 *
 * Each check makes its own VM: they do not depend on each other's order, and a
 * row after a failed one says so of itself. No locks.
 */
#include "vmm/check/check.h"

#include <linux/kvm.h>
#include <string.h>

#include "vmm/kvm/pmu.h"
#include "vmm/kvm/steal_time.h"
#include "vmm/kvm/vm.h"
#include "vmm/kvm/vm_needs.h"

/* A VM, or the result says why not. */
static bool make_vm(const struct check_host *host, struct vm *vm, struct check_result *ret)
{
	struct failure failure = { 0 };

	if (vm_init_with(vm, host->kvm, &failure) == 0)
		return true;
	check_say(ret, VERDICT_FAIL, failure.cure[0] ? failure.cure : "see the host's kernel log",
		  "%s: %s", failure.object, failure.cause);
	return false;
}

/* For all checks but the first, which has already said why there is no VM. */
static bool have_vm(const struct check_host *host, struct vm *vm, struct check_result *ret)
{
	if (make_vm(host, vm, ret))
		return true;
	ret->verdict = VERDICT_NONE;
	return false;
}

void check_kvm(const struct check_host *host, struct check_result *ret)
{
	_cleanup_(vm_fini) struct vm vm = { .kvm = -1, .fd = -1 };

	if (make_vm(host, &vm, ret))
		check_say(ret, VERDICT_PASS, NULL, "API version %d, up to %d vCPUs",
			  KVM_API_VERSION, vm_extension(&vm, KVM_CAP_MAX_VCPUS));
}

void check_kvm_extensions(const struct check_host *host, struct check_result *ret)
{
	_cleanup_(vm_fini) struct vm vm = { .kvm = -1, .fd = -1 };
	struct failure failure = { 0 };
	char missing[200];

	if (!have_vm(host, &vm, ret))
		return;
	/* What a guest would be refused with. */
	if (vm_needs_met(&vm, &failure) < 0) {
		check_say(ret, VERDICT_FAIL, failure.cure, "%s", failure.cause);
		return;
	}
	vm_needs_unmet_options(&vm, missing, sizeof(missing));
	if (missing[0])
		check_say(ret, VERDICT_WARN,
			  "guests run without; use a newer kernel, which has them", "missing: %s",
			  missing);
	else
		check_say(ret, VERDICT_PASS, NULL, "all %zu are there", vm_needs_nr());
}

void check_kvm_gic(const struct check_host *host, struct check_result *ret)
{
	_cleanup_(vm_fini) struct vm vm = { .kvm = -1, .fd = -1 };
	_cleanup_fd_ int gic = -1;

	if (!have_vm(host, &vm, ret))
		return;
	gic = vm_create_device(&vm, KVM_DEV_TYPE_ARM_VGIC_V3);
	if (gic < 0)
		check_say(ret, VERDICT_FAIL, "use a host with a GICv3 or later",
			  "KVM makes no GICv3 here: %s", strerror(-gic));
	else
		check_say(ret, VERDICT_PASS, NULL, "in the kernel");
}

void check_kvm_its(const struct check_host *host, struct check_result *ret)
{
	_cleanup_(vm_fini) struct vm vm = { .kvm = -1, .fd = -1 };
	_cleanup_fd_ int gic = -1, its = -1;

	if (!have_vm(host, &vm, ret))
		return;
	gic = vm_create_device(&vm, KVM_DEV_TYPE_ARM_VGIC_V3);
	if (gic < 0) {
		ret->verdict = VERDICT_NONE;
		return;
	}
	its = vm_create_device(&vm, KVM_DEV_TYPE_ARM_VGIC_ITS);
	if (its < 0)
		check_say(ret, VERDICT_FAIL,
			  "use a kernel that has it; some container runtimes block it by seccomp",
			  "KVM makes no ITS here: %s", strerror(-its));
	else
		check_say(ret, VERDICT_PASS, NULL, "in the kernel, to be sealed");
}

void check_kvm_pmu(const struct check_host *host, struct check_result *ret)
{
	_cleanup_(vm_fini) struct vm vm = { .kvm = -1, .fd = -1 };

	if (!have_vm(host, &vm, ret))
		return;
	check_say(ret, VERDICT_INFO, NULL,
		  pmu_is_there(&vm) ? "guests have performance counters"
				    : "guests have no performance counters: KVM offers none here");
}

void check_kvm_steal_time(const struct check_host *host, struct check_result *ret)
{
	_cleanup_(vm_fini) struct vm vm = { .kvm = -1, .fd = -1 };

	if (!have_vm(host, &vm, ret))
		return;
	check_say(ret, VERDICT_INFO, NULL,
		  steal_time_is_there(&vm)
			  ? "guests see how long their vCPUs wait for a CPU"
			  : "guests do not see how long their vCPUs wait: KVM does not tell");
}
