/* SPDX-License-Identifier: MIT */
/* itsy check without the checks that try KVM: for one file of a test program each. */
#ifndef TESTS_UNIT_CHECK_NO_KVM_H
#define TESTS_UNIT_CHECK_NO_KVM_H

#include "vmm/check/check.h"

#define NEVER(name)                                                        \
	void name(const struct check_host *host, struct check_result *ret) \
	{                                                                  \
		(void)host;                                                \
		(void)ret;                                                 \
	}

NEVER(check_kvm)
NEVER(check_kvm_extensions)
NEVER(check_kvm_gic)
NEVER(check_kvm_its)
NEVER(check_kvm_pmu)
NEVER(check_kvm_steal_time)

#endif
