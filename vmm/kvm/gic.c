// SPDX-License-Identifier: MIT
/*
 * The in-kernel GICv3. Documentation/virt/kvm/devices/arm-vgic-v3.rst.
 */
#include "vmm/kvm/gic.h"

#include <errno.h>
#include <string.h>

#include "vmm/base/bits.h"
#include "vmm/kvm/kvm_arm64.h"
#include "vmm/kvm/layout.h"

/* 32 private interrupts and 32 shared ones, of which console and INTx use some (layout.h). */
#define GIC_NR_IRQS 64u

int gic_create(const struct vm *vm, int *ret_gic, struct failure *ret_failure)
{
	int fd = vm_create_device(vm, KVM_DEV_TYPE_ARM_VGIC_V3);

	if (fd < 0)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, -fd, "GICv3",
				   "use a host with a GICv3 or later, or one that can emulate it",
				   "KVM offers guests no GICv3 here (%s)", strerror(-fd));
	*ret_gic = fd;
	return 0;
}

int gic_start(const struct vm *vm, int gic, uint32_t nr_vcpus, struct failure *ret_failure)
{
	uint64_t dist = LAYOUT_GICD;
	/* Region 0, "count << 52 | base". */
	uint64_t redist = (uint64_t)nr_vcpus << 52 | LAYOUT_KERNEL_GICR;
	uint32_t nr_irqs = GIC_NR_IRQS;
	struct {
		const char *what;
		unsigned group;
		uint64_t attr;
		void *value;
	} steps[] = {
		{ "the number of interrupts", KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &nr_irqs },
		{ "the distributor's address", KVM_DEV_ARM_VGIC_GRP_ADDR,
		  KVM_VGIC_V3_ADDR_TYPE_DIST, &dist },
		{ "the redistributors' address", KVM_DEV_ARM_VGIC_GRP_ADDR,
		  KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION, &redist },
		{ "initialisation", KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		int r = vm_device_set(vm, gic, steps[i].group, steps[i].attr, steps[i].value);

		if (r < 0)
			return failure_set(ret_failure, ITSY_ENVIRONMENT, -r, "GICv3",
					   failure_cure(-r, CURE_KERNEL_LOG), "KVM refused %s (%s)",
					   steps[i].what, strerror(-r));
	}
	return 0;
}

/* Affinity 3.2.1.0 of an MPIDR in bits [63:32] of the attribute. */
static uint64_t redist_attr(uint64_t mpidr, uint64_t offset)
{
	uint64_t affinity =
		FIELD_GET(MASK64(39, 32), mpidr) << 24 | FIELD_GET(MASK64(23, 0), mpidr);

	return affinity << 32 | offset;
}

int gic_redist_read32(const struct vm *vm, int gic, uint64_t mpidr, uint64_t offset,
		      uint32_t *ret_value)
{
	return vm_device_get(vm, gic, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, redist_attr(mpidr, offset),
			     ret_value);
}

int gic_redist_read64(const struct vm *vm, int gic, uint64_t mpidr, uint64_t offset,
		      uint64_t *ret_value)
{
	uint32_t half[2];

	for (unsigned i = 0; i < 2; i++) {
		int r = gic_redist_read32(vm, gic, mpidr, offset + 4 * i, &half[i]);

		if (r < 0)
			return r;
	}
	*ret_value = (uint64_t)half[1] << 32 | half[0];
	return 0;
}

int gic_redist_write32(const struct vm *vm, int gic, uint64_t mpidr, uint64_t offset,
		       uint32_t value)
{
	return vm_device_set(vm, gic, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, redist_attr(mpidr, offset),
			     &value);
}

int gic_redist_levels(const struct vm *vm, int gic, uint64_t mpidr, uint32_t *ret_levels)
{
	/* Bits [31:10] are what is asked for, [9:0] the INTID of bit 0. */
	const uint64_t what = (uint64_t)VGIC_LEVEL_INFO_LINE_LEVEL
			      << KVM_DEV_ARM_VGIC_LINE_LEVEL_INFO_SHIFT;

	return vm_device_get(vm, gic, KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO, redist_attr(mpidr, what),
			     ret_levels);
}
