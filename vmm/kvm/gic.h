/* SPDX-License-Identifier: MIT */
/*
 * The in-kernel GICv3: distributor and redistributors.
 * Documentation/virt/kvm/devices/arm-vgic-v3.rst.
 */
#ifndef VMM_KVM_GIC_H
#define VMM_KVM_GIC_H

#include "vmm/kvm/vm.h"

/* Make the device; before the vCPUs. *ret_gic is a descriptor of the caller's. */
int gic_create(const struct vm *vm, int *ret_gic, struct failure *ret_failure) _must_check_;

/* Place it as vmm/kvm/layout.h says and initialise it; after the vCPUs and the kernel ITS exist. */
int gic_start(const struct vm *vm, int gic, uint32_t nr_vcpus,
	      struct failure *ret_failure) _must_check_;

/*
 * A register of the redistributor of the vCPU with this MPIDR, of 32 or of 64 bits,
 * by its offset (GICR_CTLR 0x00; GICR_PROPBASER 0x70, GICR_PENDBASER 0x78). All
 * vCPUs must be out of their ioctls, else -EBUSY.
 */
int gic_redist_read32(const struct vm *vm, int gic, uint64_t mpidr, uint64_t offset,
		      uint32_t *ret_value) _must_check_;
int gic_redist_read64(const struct vm *vm, int gic, uint64_t mpidr, uint64_t offset,
		      uint64_t *ret_value) _must_check_;
int gic_redist_write32(const struct vm *vm, int gic, uint64_t mpidr, uint64_t offset,
		       uint32_t value) _must_check_;
/* The levels of the lines of its PPIs that are level-sensitive, a bit for each INTID. */
int gic_redist_levels(const struct vm *vm, int gic, uint64_t mpidr,
		      uint32_t *ret_levels) _must_check_;

#endif
