// SPDX-License-Identifier: MIT
/*
 * What a vCPU is asked for while all are paused: to run instructions of ours, and how its
 * timers' lines are. No locks: until vcpus_resume() nobody else makes an ioctl of a vCPU.
 */
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#include "vmm/base/bits.h"
#include "vmm/kvm/kvm_arm64.h"
#include "vmm/kvm/vcpu_priv.h"

/* ---- instructions of ours ---------------------------------------------- */

/* What a detour changes, or may. */
static const uint64_t detour_regs[] = {
	KVM_ARM64_REG_PC, KVM_ARM64_REG_PSTATE, KVM_ARM64_REG_SCTLR, KVM_ARM64_REG_X0,
	KVM_ARM64_REG_X1, KVM_ARM64_REG_X2,	KVM_ARM64_REG_X3,
};
#define PSTATE_EL1H_MASKED UINT64_C(0x3c5) /* D, A, I, F; SP_EL1 */
#define SCTLR_MMU	   BIT64(0)
/* Signals may come in between. */
#define DETOUR_TRIES 1000u
/* What an exit's address may be off the first instruction. */
#define DETOUR_PAGE 4096u

/* An access that KVM handed to us is complete, and PC behind it, when KVM_RUN has begun again. */
static int complete_access(struct vcpu *vcpu)
{
	const struct kvm_sys *sys = vcpu->set->vm->sys;
	int r;

	vcpu->run->immediate_exit = 1;
	r = sys->ioctl(sys->ctx, vcpu->fd, KVM_RUN, NULL);
	vcpu->run->immediate_exit = 0;
	return r == -EINTR ? 0 : r < 0 ? r : -EIO;
}

static int run_detour(struct vcpu *vcpu, uint64_t pc)
{
	const struct kvm_sys *sys = vcpu->set->vm->sys;
	const struct kvm_run *run = vcpu->run;
	int r = -EINTR;

	for (unsigned i = 0; r == -EINTR && i < DETOUR_TRIES; i++)
		r = sys->ioctl(sys->ctx, vcpu->fd, KVM_RUN, NULL);
	if (r < 0)
		return r;
	if (run->exit_reason != KVM_EXIT_MMIO || !run->mmio.is_write ||
	    run->mmio.phys_addr - pc >= DETOUR_PAGE)
		return -EIO;
	return complete_access(vcpu);
}

static int detour(struct vcpu *vcpu, uint64_t pc, uint64_t arg)
{
	uint64_t saved[ARRAY_SIZE(detour_regs)];
	int r = complete_access(vcpu), back = 0;

	for (size_t i = 0; !r && i < ARRAY_SIZE(saved); i++)
		r = vcpu_get_reg(vcpu, detour_regs[i], &saved[i]);
	if (r < 0)
		return r;
	r = vcpu_set_reg(vcpu, KVM_ARM64_REG_PC, pc);
	if (!r)
		r = vcpu_set_reg(vcpu, KVM_ARM64_REG_PSTATE, PSTATE_EL1H_MASKED);
	if (!r)
		r = vcpu_set_reg(vcpu, KVM_ARM64_REG_SCTLR, saved[2] & ~SCTLR_MMU);
	if (!r)
		r = vcpu_set_reg(vcpu, KVM_ARM64_REG_X0, arg);
	if (!r)
		r = run_detour(vcpu, pc);
	for (size_t i = 0; i < ARRAY_SIZE(saved); i++)
		back = vcpu_set_reg(vcpu, detour_regs[i], saved[i]) ?: back;
	return r ? r : back;
}

int vcpus_detour(struct vcpus *set, uint32_t index, uint64_t pc, uint64_t arg)
{
	struct vcpu *vcpu = &set->vcpu[index];

	assert(index < set->nr);
	assert(set->paused);

	return vcpu->tid == gettid() ? detour(vcpu, pc, arg) : -EPERM;
}

/* ---- timers -------------------------------------------------------------- */

/* The PPIs that KVM gives them, and what CNT*_CTL_EL0 says. Arm ARM, D19.12. */
static const struct {
	uint32_t intid;
	uint64_t ctl;
} timers[] = {
	{ 27, KVM_ARM64_REG_TIMER_CTL },
	{ 30, KVM_ARM64_REG_PTIMER_CTL },
};
#define TIMER_ENABLE  BIT64(0)
#define TIMER_IMASK   BIT64(1)
#define TIMER_ISTATUS BIT64(2)

int vcpus_timer_lines(const struct vcpus *set, uint32_t index, uint32_t *ret_timers,
		      uint32_t *ret_high)
{
	int r = 0;

	assert(index < set->nr);
	assert(set->paused);

	*ret_timers = *ret_high = 0;
	for (size_t i = 0; !r && i < ARRAY_SIZE(timers); i++) {
		const uint64_t mask = TIMER_ENABLE | TIMER_IMASK | TIMER_ISTATUS;
		uint64_t ctl = 0;

		r = vcpu_get_reg(&set->vcpu[index], timers[i].ctl, &ctl);
		/* Linux 6.1 does not give the physical timer's: is_timer_reg(). */
		if (r == -ENOENT) {
			r = 0;
			continue;
		}
		*ret_timers |= UINT32_C(1) << timers[i].intid;
		if ((ctl & mask) == (TIMER_ENABLE | TIMER_ISTATUS))
			*ret_high |= UINT32_C(1) << timers[i].intid;
	}
	return r;
}
