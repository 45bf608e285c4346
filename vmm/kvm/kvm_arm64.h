/* SPDX-License-Identifier: MIT */
/*
 * KVM's names for arm64, for every machine that this is compiled on: <linux/kvm.h>
 * takes its second half from <asm/kvm.h>, which is another one elsewhere. So the code
 * that talks to KVM compiles, and is tested, on the machine that builds it.
 *
 * The values are part of the kernel's interface and never change: they are those of
 * arch/arm64/include/uapi/asm/kvm.h, explained in Documentation/virt/kvm/api.rst,
 * devices/arm-vgic-v3.rst, devices/arm-vgic-its.rst and devices/vcpu.rst. A build for arm64 holds
 * them to the real header.
 */
#ifndef VMM_KVM_KVM_ARM64_H
#define VMM_KVM_KVM_ARM64_H

#include <linux/kvm.h>
#include <stddef.h>
#include <stdint.h>

#define KVM_ARM64_CONSTANTS(ROW)                        \
	ROW(KVM_ARM_VCPU_POWER_OFF, 0)                  \
	ROW(KVM_ARM_VCPU_PSCI_0_2, 2)                   \
	ROW(KVM_ARM_VCPU_PMU_V3, 3)                     \
	ROW(KVM_ARM_VCPU_SVE, 4)                        \
	ROW(KVM_ARM_VCPU_PTRAUTH_ADDRESS, 5)            \
	ROW(KVM_ARM_VCPU_PTRAUTH_GENERIC, 6)            \
	ROW(KVM_ARM_IRQ_TYPE_SPI, 1)                    \
	ROW(KVM_ARM_IRQ_TYPE_SHIFT, 24)                 \
	ROW(KVM_VGIC_V3_ADDR_TYPE_DIST, 2)              \
	ROW(KVM_VGIC_ITS_ADDR_TYPE, 4)                  \
	ROW(KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION, 5)     \
	ROW(KVM_DEV_ARM_VGIC_GRP_ADDR, 0)               \
	ROW(KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 3)            \
	ROW(KVM_DEV_ARM_VGIC_GRP_CTRL, 4)               \
	ROW(KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, 5)        \
	ROW(KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO, 7)         \
	ROW(KVM_DEV_ARM_VGIC_GRP_ITS_REGS, 8)           \
	ROW(KVM_DEV_ARM_VGIC_LINE_LEVEL_INFO_SHIFT, 10) \
	ROW(VGIC_LEVEL_INFO_LINE_LEVEL, 0)              \
	ROW(KVM_DEV_ARM_VGIC_CTRL_INIT, 0)              \
	ROW(KVM_ARM_VCPU_PMU_V3_CTRL, 0)                \
	ROW(KVM_ARM_VCPU_PMU_V3_IRQ, 0)                 \
	ROW(KVM_ARM_VCPU_PMU_V3_INIT, 1)                \
	ROW(KVM_ARM_VCPU_PVTIME_CTRL, 2)                \
	ROW(KVM_ARM_VCPU_PVTIME_IPA, 0)

/* Registers of a vCPU, for KVM_GET_ONE_REG and KVM_SET_ONE_REG. */
#define KVM_ARM64_REG_X0     UINT64_C(0x6030000000100000) /* regs.regs[0] of struct kvm_regs */
#define KVM_ARM64_REG_X1     UINT64_C(0x6030000000100002)
#define KVM_ARM64_REG_X2     UINT64_C(0x6030000000100004)
#define KVM_ARM64_REG_X3     UINT64_C(0x6030000000100006)
#define KVM_ARM64_REG_PC     UINT64_C(0x6030000000100040) /* regs.pc */
#define KVM_ARM64_REG_PSTATE UINT64_C(0x6030000000100042) /* regs.pstate */
/* KVM_REG_ARM_TIMER_CTL and KVM_REG_ARM_PTIMER_CTL: CNTV_CTL_EL0 and CNTP_CTL_EL0. */
#define KVM_ARM64_REG_TIMER_CTL	 UINT64_C(0x603000000013df19)
#define KVM_ARM64_REG_PTIMER_CTL UINT64_C(0x603000000013df11)
#define KVM_ARM64_REG_MPIDR	 UINT64_C(0x603000000013c005) /* MPIDR_EL1: 3, 0, c0, c0, 5 */
#define KVM_ARM64_REG_SCTLR	 UINT64_C(0x603000000013c080) /* SCTLR_EL1: 3, 0, c1, c0, 0 */

/* What KVM_SET_VCPU_EVENTS takes. Elsewhere a struct of that name has another content. */
struct kvm_arm64_vcpu_events {
	struct {
		uint8_t serror_pending;
		uint8_t serror_has_esr;
		uint8_t ext_dabt_pending;
		uint8_t pad[5];
		uint64_t serror_esr;
	} exception;
	uint32_t reserved[12];
};

#ifdef __aarch64__

#define KVM_ARM64_AS_HERE(name, value) _Static_assert((name) == (value), #name);
KVM_ARM64_CONSTANTS(KVM_ARM64_AS_HERE)
#undef KVM_ARM64_AS_HERE

#define KVM_ARM64_CORE(field) \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(field))
_Static_assert(KVM_ARM64_REG_X0 == KVM_ARM64_CORE(regs.regs[0]), "x0");
_Static_assert(KVM_ARM64_REG_X1 == KVM_ARM64_CORE(regs.regs[1]), "x1");
_Static_assert(KVM_ARM64_REG_X2 == KVM_ARM64_CORE(regs.regs[2]), "x2");
_Static_assert(KVM_ARM64_REG_X3 == KVM_ARM64_CORE(regs.regs[3]), "x3");
_Static_assert(KVM_ARM64_REG_PC == KVM_ARM64_CORE(regs.pc), "pc");
_Static_assert(KVM_ARM64_REG_PSTATE == KVM_ARM64_CORE(regs.pstate), "pstate");
_Static_assert(KVM_ARM64_REG_TIMER_CTL == KVM_REG_ARM_TIMER_CTL, "CNTV_CTL_EL0");
_Static_assert(KVM_ARM64_REG_PTIMER_CTL == KVM_REG_ARM_PTIMER_CTL, "CNTP_CTL_EL0");
_Static_assert(KVM_ARM64_REG_MPIDR == ARM64_SYS_REG(3, 0, 0, 0, 5), "MPIDR_EL1");
_Static_assert(KVM_ARM64_REG_SCTLR == ARM64_SYS_REG(3, 0, 1, 0, 0), "SCTLR_EL1");
#undef KVM_ARM64_CORE

_Static_assert(offsetof(struct kvm_arm64_vcpu_events, exception.ext_dabt_pending) ==
		       offsetof(struct kvm_vcpu_events, exception.ext_dabt_pending),
	       "ext_dabt_pending");

#else

#define KVM_ARM64_NAME(name, value) name = (value),
enum { KVM_ARM64_CONSTANTS(KVM_ARM64_NAME) };
#undef KVM_ARM64_NAME

struct kvm_vcpu_init {
	uint32_t target;
	uint32_t features[7];
};

#endif

/* The number of an ioctl() has the size of its argument in it. */
_Static_assert(sizeof(struct kvm_vcpu_init) == 32, "KVM_ARM_VCPU_INIT");
_Static_assert(sizeof(struct kvm_arm64_vcpu_events) == sizeof(struct kvm_vcpu_events),
	       "KVM_SET_VCPU_EVENTS");

#endif
