// SPDX-License-Identifier: MIT
/*
 * itsy-kvms-own - itsy whose guests have KVM's redistributors: all else is the same, so
 * that the two can be compared (README.md). Not for guests that are not trusted: see
 * tests/guest/lockup.c.
 *
 * Linked in front of the program by --wrap.
 */
#include <linux/kvm.h>

#include "vmm/base/bits.h"
#include "vmm/its/kernel_redist.h"
#include "vmm/kvm/kvm_arm64.h"
#include "vmm/kvm/layout.h"

int __real_vm_device_set(const struct vm *vm, int device, unsigned group, uint64_t attr,
			 void *value);
int __wrap_vm_device_set(const struct vm *vm, int device, unsigned group, uint64_t attr,
			 void *value);
int __wrap_kernel_redist_create(const struct kernel_redist_config *config,
				struct kernel_redist **ret_redist, struct failure *ret_failure);
void __wrap_kernel_redist_destroy(struct kernel_redist *redist);
int __wrap_kernel_redist_add_to_bus(struct kernel_redist *redist, struct bus *bus);
void __wrap_kernel_redist_stats_get(struct kernel_redist *redist,
				    struct kernel_redist_stats *ret_stats);

/* Where the guest is told that they are. */
int __wrap_vm_device_set(const struct vm *vm, int device, unsigned group, uint64_t attr,
			 void *value)
{
	uint64_t *region = value;

	if (group == KVM_DEV_ARM_VGIC_GRP_ADDR && attr == KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION)
		*region = (*region & MASK64(63, 52)) | LAYOUT_GICR;
	return __real_vm_device_set(vm, device, group, attr, value);
}

int __wrap_kernel_redist_create(const struct kernel_redist_config *config,
				struct kernel_redist **ret_redist, struct failure *ret_failure)
{
	(void)config, (void)ret_failure;
	*ret_redist = NULL;
	return 0;
}

void __wrap_kernel_redist_destroy(struct kernel_redist *redist)
{
	(void)redist;
}

int __wrap_kernel_redist_add_to_bus(struct kernel_redist *redist, struct bus *bus)
{
	(void)redist, (void)bus;
	return 0;
}

void __wrap_kernel_redist_stats_get(struct kernel_redist *redist,
				    struct kernel_redist_stats *ret_stats)
{
	(void)redist;
	*ret_stats = (struct kernel_redist_stats){ 0 };
}
