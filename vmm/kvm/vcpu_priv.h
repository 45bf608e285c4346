/* SPDX-License-Identifier: MIT */
/* The vCPUs, for what is done with one while all are paused. vcpu.c says how they are paused. */
#ifndef VMM_KVM_VCPU_PRIV_H
#define VMM_KVM_VCPU_PRIV_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "vmm/base/confine.h"
#include "vmm/base/placement.h"
#include "vmm/kvm/bus.h"
#include "vmm/kvm/pause_budget.h"
#include "vmm/kvm/vcpu.h"
#include "vmm/kvm/vm.h"

struct vcpu {
	struct vcpus *set;
	uint32_t index;
	int fd;
	struct kvm_run *run;
	pthread_t thread;
	bool has_thread;
	struct placement placement;
	bool inside;	/* may be in an ioctl; guarded by set->lock, written by its thread */
	bool abort_due; /* its thread's own: to be injected before it runs again */
	const char *failed_call; /* the same: what the host refused */
	_Atomic pid_t tid;
};

struct vcpus {
	const struct vm *vm;
	struct bus *bus;
	const struct vcpu_ops *ops;
	void *ctx;
	uint64_t *mpidr;
	const struct confine *confine;
	_Atomic uint64_t unreachable, unemulated; /* struct vcpus_stats */

	pthread_mutex_t lock;
	pthread_cond_t unclaimed; /* claimed ended */
	pthread_cond_t all_out;	  /* the last vCPU went outside while they are to be */
	pthread_cond_t resume;	/* paused or frozen ended, and nothing lingers; or stopping began */
	pthread_cond_t timer;	/* the same, and a pause began to linger; one waits at the most */
	pthread_cond_t resumed; /* none is held any more, or stopping began */
	bool claimed;		/* somebody has paused the vCPUs, or waits to do so next */
	bool paused, frozen, stopping;
	bool lingers;	/* not paused any more; those that were held are, until lingers_until_ns */
	bool timed;	/* one of them waits for that time, or for a time to wait for */
	bool disturbed; /* the pause took time from a vCPU */
	uint32_t nr_inside, nr_held;
	uint64_t paused_at_ns;
	uint64_t row_began_ns; /* when all were out, for the first of pauses in a row */
	uint64_t lingers_until_ns;
	struct pause_budget budget;

	uint32_t nr;
	struct vcpu vcpu[];
};

/*
 * Any ioctl of a vCPU but KVM_RUN, on its thread, if it has one, or by who has paused all.
 * Negative errno.
 */
int vcpu_ioctl(const struct vcpu *vcpu, unsigned long request, void *arg);
/* The same, of its registers (KVM_ARM64_REG_*). */
int vcpu_get_reg(const struct vcpu *vcpu, uint64_t id, uint64_t *ret_value);
int vcpu_set_reg(const struct vcpu *vcpu, uint64_t id, uint64_t value);

#endif
