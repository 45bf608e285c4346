// SPDX-License-Identifier: MIT
/*
 * The vCPUs' stolen time. A guest that writes there deceives itself: KVM counts on from what it
 * finds.
 *
 * No locks.
 */
#include "vmm/kvm/steal_time.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "vmm/kvm/kvm_arm64.h"
#include "vmm/kvm/layout.h"

/* DEN 0057, 3.2.2: at most 64 bytes, aligned to that. */
#define STRUCTURE_SZ 64u
_Static_assert(LAYOUT_MAX_VCPUS *STRUCTURE_SZ <= LAYOUT_STEAL_TIME_SZ, "all vCPUs have one");

struct steal_time {
	void *mem; /* LAYOUT_STEAL_TIME_SZ; NULL: none yet */
};

static void steal_time_destroyp(struct steal_time **steal_time)
{
	steal_time_destroy(*steal_time);
}

bool steal_time_is_there(const struct vm *vm)
{
	return vm_extension(vm, KVM_CAP_STEAL_TIME);
}

static int place(struct steal_time *s, const struct vm *vm)
{
	void *mem = mmap(NULL, LAYOUT_STEAL_TIME_SZ, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED)
		return -errno;
	s->mem = mem;
	return vm_set_slot(vm, VM_SLOT_STEAL_TIME, LAYOUT_STEAL_TIME, LAYOUT_STEAL_TIME_SZ, mem,
			   false);
}

int steal_time_create(const struct vm *vm, const struct vcpus *vcpus, uint32_t nr,
		      struct steal_time **ret_steal_time, struct failure *ret_failure)
{
	_cleanup_(steal_time_destroyp) struct steal_time *s = NULL;
	int r;

	*ret_steal_time = NULL;
	if (!steal_time_is_there(vm))
		return 0;
	s = calloc(1, sizeof(*s));
	r = s ? place(s, vm) : -ENOMEM;
	for (uint32_t i = 0; !r && i < nr; i++) {
		uint64_t at = LAYOUT_STEAL_TIME + i * (uint64_t)STRUCTURE_SZ;

		r = vcpus_set_attr(vcpus, i, KVM_ARM_VCPU_PVTIME_CTRL, KVM_ARM_VCPU_PVTIME_IPA,
				   &at);
	}
	if (r < 0)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, -r, "stolen time",
				   failure_cure(-r, CURE_KERNEL_LOG),
				   "KVM can tell it and does not (%s)", strerror(-r));
	*ret_steal_time = TAKE_PTR(s);
	return 0;
}

void steal_time_destroy(struct steal_time *s)
{
	if (!s)
		return;
	if (s->mem)
		(void)munmap(s->mem, LAYOUT_STEAL_TIME_SZ);
	free(s);
}
