/* SPDX-License-Identifier: MIT */
/*
 * vCPUs on a fake KVM, with a device on the bus that notes what reaches it.
 */
#ifndef TESTS_UNIT_KVM_VCPU_RIG_H
#define TESTS_UNIT_KVM_VCPU_RIG_H

#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/unit/kvm/fake_kvm.h"
#include "vmm/kvm/vcpu.h"

#define DEVICE	  UINT64_C(0x1000)
#define DEVICE_SZ UINT64_C(0x1000)
#define NOWHERE	  UINT64_C(0x9000)
#define NR_VCPUS  3u

/* A hang is a failure: nothing here takes so long on any machine. */
#define HANG_S 300u

struct vcpu_rig {
	struct fake_kvm fake;
	struct vm vm;
	struct bus bus;
	struct vcpus *vcpus;
	int gic;
	struct failure failure;

	_Atomic unsigned nr_reads, nr_writes, last_len;
	_Atomic uint64_t last_offset, last_value, answer;
	_Atomic unsigned events[3];
	char why[128];
	void (*on_write)(struct vcpu_rig *rig);
	cpu_set_t cpus;
	char name[16];
};

extern const struct vcpu_ops vcpu_rig_ops;

/* A VM with a GIC and no vCPUs. */
struct vcpu_rig *vcpu_rig_new(void);
int vcpu_rig_create(struct vcpu_rig *rig, unsigned nr);
/* And with vCPUs; and with vCPUs that run. */
struct vcpu_rig *vcpu_rig_with(unsigned nr);
void vcpu_rig_start(struct vcpu_rig *rig);
struct vcpu_rig *vcpu_rig_running(unsigned nr);
void vcpu_rig_free(struct vcpu_rig *rig);
/* What a vCPU's next KVM_RUN does. */
void vcpu_rig_script_write(struct vcpu_rig *rig, unsigned vcpu, uint64_t at, unsigned len,
			   uint64_t data);
void vcpu_rig_script_event(struct vcpu_rig *rig, unsigned vcpu, uint32_t event);
void vcpu_rig_script_error(struct vcpu_rig *rig, unsigned vcpu, int error);
void vcpu_rig_script_reason(struct vcpu_rig *rig, unsigned vcpu, uint32_t reason);
void vcpu_rig_nap(void);
/* Wait until a counter is so high. */
void vcpu_rig_wait_for(const _Atomic unsigned *counter, unsigned nr);
/* -EBUSY while any vCPU is in KVM. */
int vcpu_rig_read_redist(struct vcpu_rig *rig);

#endif
