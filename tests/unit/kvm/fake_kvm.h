/* SPDX-License-Identifier: MIT */
/*
 * KVM without a kernel, behind struct kvm_sys: a VM with vCPUs, memory slots, a
 * GICv3 and an ITS, irqfds and routes, for tests of all that vmm/ does with it. It
 * refuses what KVM on arm64 refuses, makes any call fail that a test picks, and
 * sees what is left open or mapped.
 *
 * KVM_RUN does what the test has scripted for the vCPU, and blocks when that is
 * done, until the thread gets a signal or more is scripted. As in KVM, an ioctl of
 * a vCPU holds its mutex, and registers of the redistributors and of the ITS can be
 * had only while all of these are free, else -EBUSY. Whoever meets that has not paused
 * all vCPUs, or one of them did something in spite of it: fake_kvm_fini() does not
 * let it pass.
 *
 * A test that uses the fake wrongly, or code under test that does what KVM has no
 * answer for, ends in an assert(). All functions may be called by any thread.
 *
 * Lock order:
 *   mutex of each vCPU    (an ioctl of it)
 *       lock              (everything else)
 */
#ifndef TESTS_UNIT_KVM_FAKE_KVM_H
#define TESTS_UNIT_KVM_FAKE_KVM_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "vmm/kvm/kvm_arm64.h"
#include "vmm/kvm/kvm_sys.h"

#define FAKE_KVM_VCPUS	  8u
#define FAKE_KVM_SLOTS	  64u
#define FAKE_KVM_EXITS	  64u /* that can be scripted for a vCPU at a time */
#define FAKE_KVM_FDS	  64u
#define FAKE_KVM_GSIS	  4096u
#define FAKE_KVM_IRQFDS	  4096u
#define FAKE_KVM_NR_LINES 1020u

/* What one KVM_RUN does. */
struct fake_exit {
	int error;	 /* errno it fails with; 0: an exit */
	uint32_t reason; /* KVM_EXIT_... */
	/* KVM_EXIT_MMIO; data of a read is what the code under test left there. */
	uint64_t address;
	uint32_t len;
	bool is_write;
	uint64_t data;
	uint32_t event; /* KVM_EXIT_SYSTEM_EVENT: KVM_SYSTEM_EVENT_... */
};

struct fake_slot {
	uint64_t gpa, size; /* size 0: there is none */
	uint8_t *va;
	bool readonly;
};

enum fake_kvm_kind { FAKE_KVM_DEV, FAKE_KVM_VM, FAKE_KVM_VCPU, FAKE_KVM_GIC, FAKE_KVM_ITS };

struct fake_kvm_fd {
	int fd;
	uint64_t inode; /* tells it from a later file of that number */
	enum fake_kvm_kind kind;
	unsigned number; /* of a vCPU */
};

/* A redistributor's SGIs and PPIs, a bit for each INTID. */
struct fake_redist {
	uint32_t group, enabled, active;
	uint32_t latch; /* pending, whatever the lines are */
	uint32_t level; /* of the lines */
	uint32_t tied;	/* to interrupts of the host's, as the timer's is */
	uint32_t prio[8];
};

struct fake_vcpu {
	pthread_mutex_t mutex; /* KVM's vcpu->mutex */
	struct kvm_run *run;   /* the fake's own mapping */
	int wake;	       /* eventfd: more is scripted */
	_Atomic bool inside;   /* in an ioctl */
	bool created, initialised, finalised;
	uint32_t features;
	uint64_t pc, x0;
	uint64_t x1_to_x3[3], pstate, sctlr;
	uint64_t timer_ctl, ptimer_ctl;
	uint32_t pmu_intid; /* 0: none was given */
	bool pmu_on;
	uint64_t steal_time; /* where KVM tells it; 0: nowhere */
	bool no_ptimer;	     /* as on Linux 6.1 */
	/* Guarded by struct fake_kvm's lock. */
	struct fake_exit exits[FAKE_KVM_EXITS];
	unsigned first, nr_exits;
	unsigned nr_runs;    /* KVM_RUNs that began */
	unsigned nr_done;    /* scripted exits that were taken */
	unsigned nr_aborts;  /* external aborts that were injected */
	uint64_t last_value; /* what the last MMIO read got */
	/* Registers of its redistributor. */
	_Atomic uint32_t gicr_ctlr;
	_Atomic uint64_t pendbaser;
	struct fake_redist redist; /* guarded by struct fake_kvm's lock */
};

/* What an ITS answers; by default its registers keep what was written. */
struct fake_its_ops {
	int (*set)(void *ctx, uint64_t reg, uint64_t value);
	int (*get)(void *ctx, uint64_t reg, uint64_t *ret_value);
	/* 1: pending; 0: not mapped; -EBUSY. */
	int (*msi)(void *ctx, uint32_t devid, uint32_t eventid);
	void *ctx;
};

struct fake_kvm {
	struct kvm_sys sys;
	pthread_mutex_t lock;

	/* What the host is like: before it is used. */
	int open_errno; /* of /dev/kvm; 0: it opens */
	int api_version;
	int ipa_bits; /* 0: no such capability */
	int max_vcpus;
	int run_size; /* what KVM_GET_VCPU_MMAP_SIZE answers, or a negative errno */
	bool sve, ptrauth, pmu, steal_time, no_nisv, no_gic;
	unsigned lacks; /* this KVM_CAP_..., too; UINT_MAX: none */
	struct fake_its_ops its_ops;
	/* Called on a vCPU's thread when KVM_RUN has begun but has not looked at immediate_exit. */
	void (*entering)(void *arg, unsigned vcpu);
	/* The same of any other ioctl of a vCPU that has run, whose mutex is held. */
	void (*in_ioctl)(void *arg, unsigned vcpu, unsigned long request);
	void *entering_arg; /* of both */

	/*
	 * The nth call from now on fails (1: the next), 0: none does; KVM_RUN and
	 * KVM_CHECK_EXTENSION, whose errors are answers, do not count.
	 */
	unsigned fail_at;
	int fail_errno;
	unsigned calls;
	const char *failed_call; /* NULL: none has failed so far */
	/* So many accesses to registers find the vCPUs busy, with something of the host's own. */
	_Atomic unsigned busy_for;
	/*
	 * Times that registers and an ioctl of a vCPU met. A test that reads registers of a
	 * guest that runs sets it to 0 again.
	 */
	_Atomic unsigned nr_met;

	/* The VM. */
	uint64_t vm_type;
	bool nisv_enabled, gic_initialised, has_its;
	uint64_t gicd, gicr, gits; /* 0: not placed */
	unsigned gicr_count;
	uint32_t nr_irqs;
	_Atomic uint64_t propbaser;
	uint64_t its_regs[64]; /* of 8 bytes each, from offset 0 on */
	struct fake_vcpu vcpus[FAKE_KVM_VCPUS];
	unsigned nr_vcpus;
	_Atomic bool serving; /* registers, with the mutexes of all vCPUs */
	struct fake_slot slots[FAKE_KVM_SLOTS];
	bool lines[FAKE_KVM_NR_LINES];
	unsigned nr_line_changes;
	struct kvm_irq_routing_entry routes[FAKE_KVM_GSIS];
	unsigned nr_routes;
	struct {
		int fd; /* -1: free */
		unsigned gsi;
		int resample; /* -1: it is no level */
	} irqfds[FAKE_KVM_IRQFDS];
	unsigned nr_irqfds;
	_Atomic unsigned nr_msis;

	struct fake_kvm_fd fds[FAKE_KVM_FDS]; /* all that were ever given */
	unsigned nr_fds;
};

void fake_kvm_init(struct fake_kvm *fake);
/* Ends in an assert() when anything is still open or mapped. */
void fake_kvm_fini(struct fake_kvm *fake);

/* How many descriptors are open, and vCPUs mapped. */
unsigned fake_kvm_nr_open(struct fake_kvm *fake);
unsigned fake_kvm_nr_mapped(struct fake_kvm *fake);

/* Have the vCPU's next KVM_RUN after those scripted so far do this. */
void fake_kvm_script(struct fake_kvm *fake, unsigned vcpu, const struct fake_exit *exit);
/*
 * Script vCPU 0 to give a vCPU's LPIs their tables and to switch them on, as a guest does that is
 * told of its redistributors at LAYOUT_GICR. How many exits that is.
 */
unsigned fake_kvm_script_lpis(struct fake_kvm *fake, unsigned vcpu, uint64_t propbaser,
			      uint64_t pendbaser);
/* Wait until nr of the vCPU's scripted exits were taken in all. */
void fake_kvm_wait_done(struct fake_kvm *fake, unsigned vcpu, unsigned nr);
/* Wait until the vCPU's thread is inside KVM_RUN with nothing to do: as a guest that waits. */
void fake_kvm_wait_idle(struct fake_kvm *fake, unsigned vcpu);
/* Is the vCPU in any ioctl? */
bool fake_kvm_inside(struct fake_kvm *fake, unsigned vcpu);

/* What the guest's writes to its redistributors leave. */
void fake_kvm_set_propbaser(struct fake_kvm *fake, uint64_t value);
void fake_kvm_set_pendbaser(struct fake_kvm *fake, unsigned vcpu, uint64_t value);
void fake_kvm_set_gicr_ctlr(struct fake_kvm *fake, unsigned vcpu, uint32_t value);

/* Guest memory as KVM sees it: where a slot has [gpa, gpa + len), else NULL. */
uint8_t *fake_kvm_memory(struct fake_kvm *fake, uint64_t gpa, uint64_t len, bool to_write);

#endif
