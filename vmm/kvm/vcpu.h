/* SPDX-License-Identifier: MIT */
/*
 * The vCPUs of a guest: one thread each, and a way to hold all of them outside
 * KVM while the kernel's interrupt controller is worked on.
 */
#ifndef VMM_KVM_VCPU_H
#define VMM_KVM_VCPU_H

#include "vmm/base/confine.h"
#include "vmm/base/placement.h"
#include "vmm/kvm/bus.h"
#include "vmm/kvm/vm.h"

struct vcpus;

/* What a vCPU tells of the guest as a whole. */
enum vcpu_event {
	VCPU_EVENT_OFF,	   /* PSCI SYSTEM_OFF */
	VCPU_EVENT_RESET,  /* PSCI SYSTEM_RESET */
	VCPU_EVENT_FAILED, /* the host cannot run it any more */
};

struct vcpu_ops {
	/*
	 * On a vCPU's thread, which runs the guest no more afterwards. why is a
	 * line of text for VCPU_EVENT_FAILED, else NULL.
	 */
	void (*event)(void *ctx, enum vcpu_event event, const char *why);
};

/* Accesses of the guest's that ended in an external abort. */
struct vcpus_stats {
	/*
	 * To memory that KVM cannot reach: the frames of the kernel ITS and of KVM's
	 * redistributors, which nobody may touch (vmm/its/kernel_its.h); a BAR whose function
	 * does not answer; RAM that the host cannot give. KVM_RUN fails with EFAULT for each
	 * of them and tells no address.
	 */
	uint64_t unreachable;
	/* Where accesses trap, by an instruction that KVM tells too little of to emulate it. */
	uint64_t unemulated;
};

/*
 * Make nr vCPUs: 0 runs first, the others wait for PSCI CPU_ON. Everything is
 * borrowed. No thread yet.
 */
int vcpus_create(const struct vm *vm, struct bus *bus, uint32_t nr, struct vcpus **ret_vcpus,
		 struct failure *ret_failure) _must_check_;
/* Stops and joins the threads. NULL is allowed. */
void vcpus_destroy(struct vcpus *vcpus);

/* [nr] values of MPIDR_EL1, affinity fields only; borrowed. */
const uint64_t *vcpus_mpidr(const struct vcpus *vcpus);

/* KVM_SET_DEVICE_ATTR of a vCPU. Before vcpus_start(). */
int vcpus_set_attr(const struct vcpus *vcpus, uint32_t vcpu, unsigned group, uint64_t attr,
		   void *value) _must_check_;

/* Where a vCPU's thread will run; copied. Before vcpus_start(). */
void vcpus_place(struct vcpus *vcpus, uint32_t vcpu, const struct placement *placement);

/* What confines their threads; borrowed. NULL, the default: nothing. Before vcpus_start(). */
void vcpus_confine(struct vcpus *vcpus, const struct confine *confine);

/* Start the threads; vCPU 0 enters at entry with x0 = the device tree's address. */
int vcpus_start(struct vcpus *vcpus, uint64_t entry, uint64_t fdt, const struct vcpu_ops *ops,
		void *ctx, struct failure *ret_failure) _must_check_;

/* Have every vCPU leave the guest for good, and wait until they have. Not on a vCPU's thread. */
void vcpus_stop(struct vcpus *vcpus);

/*
 * Hold all vCPUs outside their ioctls until vcpus_resume(), which another thread
 * may call. One at a time has them paused, others wait. Any thread; a vCPU's own
 * thread counts as outside. Waits first while vCPUs have been held for more than
 * their share (vmm/kvm/pause_budget.h).
 */
void vcpus_pause(struct vcpus *vcpus);
void vcpus_resume(struct vcpus *vcpus);
/*
 * As vcpus_resume(), for pauses that come in rows from one vCPU. Those that were held
 * stay out a twentieth of a millisecond longer, so that the next pause need not kick them
 * again; all others may go in. All in a row take no longer than a millisecond, but for the
 * last one.
 */
void vcpus_resume_soon(struct vcpus *vcpus);

/*
 * Have the guest run no further until vcpus_thaw(), for however long. Others pause and resume the
 * vCPUs meanwhile. Returns when they are outside their ioctls, where a vCPU's thread may still be
 * at work on what it was asked for last. One thread, not a vCPU's.
 */
void vcpus_freeze(struct vcpus *vcpus);
void vcpus_thaw(struct vcpus *vcpus);

/*
 * Have a vCPU run instructions of ours, while it has the vCPUs paused by itself: at
 * EL1, interrupts masked, MMU off, from the guest's physical address pc on, with arg in
 * x0, until they store to a page of pc's that cannot be written. They may use x0 to x3,
 * and go on where the guest was afterwards. A bounded number of instructions.
 *
 * On that vCPU's own thread, in a write that it made: -EPERM on another thread, for
 * what that vCPU is at is not known then. -EIO where they did not come to that
 * store, and other negative errno; then too the vCPU is as it was, if KVM lets it.
 */
int vcpus_detour(struct vcpus *vcpus, uint32_t vcpu, uint64_t pc, uint64_t arg) _must_check_;

/*
 * While the caller has them paused: which PPIs are those of a vCPU's timers that KVM tells
 * of, and which of these have a line that is high now, a bit for each INTID. What KVM's
 * redistributor says of these lines is as old as the last KVM_RUN. Negative errno.
 */
int vcpus_timer_lines(const struct vcpus *vcpus, uint32_t vcpu, uint32_t *ret_timers,
		      uint32_t *ret_high) _must_check_;

/* Any thread. */
void vcpus_stats_get(const struct vcpus *vcpus, struct vcpus_stats *ret_stats);

#endif
