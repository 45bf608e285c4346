// SPDX-License-Identifier: MIT
/*
 * KVM without a kernel: the vCPUs. A KVM_RUN that waits does so as the kernel does:
 * a signal that comes before it waits, but after it has looked at immediate_exit, is
 * not lost (Documentation/virt/kvm/api.rst, "immediate_exit").
 */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/kvm/fake_kvm_priv.h"

int fake_kvm_create_vcpu(struct fake_kvm *fake, uintptr_t id)
{
	struct fake_vcpu *vcpu = &fake->vcpus[id];
	int fd, r;

	if (id >= FAKE_KVM_VCPUS)
		return -EINVAL;
	if (fake->gic_initialised)
		return -EBUSY;
	if (vcpu->created)
		return -EEXIST;
	assert(id == fake->nr_vcpus);
	fd = fake_kvm_new_fd(fake, FAKE_KVM_VCPU, (unsigned)id);
	r = ftruncate(fd, fake->run_size);
	assert(r == 0);
	vcpu->run = mmap(NULL, (size_t)fake->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert(vcpu->run != MAP_FAILED);
	fake_kvm_redist_init(&vcpu->redist);
	vcpu->created = true;
	fake->nr_vcpus++;
	return fd;
}

static uint32_t bit(unsigned n)
{
	return UINT32_C(1) << n;
}

static int init(const struct fake_kvm *fake, struct fake_vcpu *vcpu,
		const struct kvm_vcpu_init *init)
{
	uint32_t known = bit(KVM_ARM_VCPU_POWER_OFF) | bit(KVM_ARM_VCPU_PSCI_0_2);

	if (fake->sve)
		known |= bit(KVM_ARM_VCPU_SVE);
	if (fake->pmu)
		known |= bit(KVM_ARM_VCPU_PMU_V3);
	if (fake->ptrauth)
		known |= bit(KVM_ARM_VCPU_PTRAUTH_ADDRESS) | bit(KVM_ARM_VCPU_PTRAUTH_GENERIC);
	if (init->target != 5 || init->features[0] & ~known)
		return -EINVAL;
	vcpu->features = init->features[0];
	vcpu->initialised = true;
	vcpu->finalised = !(vcpu->features & bit(KVM_ARM_VCPU_SVE));
	return 0;
}

static int finalize(struct fake_vcpu *vcpu, const int *feature)
{
	if (*feature != KVM_ARM_VCPU_SVE || vcpu->finalised)
		return -EINVAL;
	vcpu->finalised = true;
	return 0;
}

/* MPIDR_EL1 of vCPU n: RES1 in bit 31, affinities n[3:0] and n[11:4]. */
static uint64_t mpidr_of(unsigned n)
{
	return UINT64_C(1) << 31 | (n & 0xf) | (uint64_t)(n >> 4) << 8;
}

/* Those that can be written. */
static uint64_t *register_of(struct fake_vcpu *vcpu, uint64_t id)
{
	switch (id) {
	case KVM_ARM64_REG_PC:
		return &vcpu->pc;
	case KVM_ARM64_REG_PSTATE:
		return &vcpu->pstate;
	case KVM_ARM64_REG_SCTLR:
		return &vcpu->sctlr;
	case KVM_ARM64_REG_TIMER_CTL:
		return &vcpu->timer_ctl;
	case KVM_ARM64_REG_PTIMER_CTL:
		return vcpu->no_ptimer ? NULL : &vcpu->ptimer_ctl;
	case KVM_ARM64_REG_X0:
		return &vcpu->x0;
	case KVM_ARM64_REG_X1:
	case KVM_ARM64_REG_X2:
	case KVM_ARM64_REG_X3:
		return &vcpu->x1_to_x3[(id - KVM_ARM64_REG_X1) / 2];
	default:
		return NULL;
	}
}

static int get_one_reg(struct fake_vcpu *vcpu, unsigned n, const struct kvm_one_reg *reg)
{
	uint64_t mpidr = mpidr_of(n);
	const uint64_t *value =
		reg->id == KVM_ARM64_REG_MPIDR ? &mpidr : register_of(vcpu, reg->id);

	if (!value)
		return -ENOENT;
	memcpy((void *)(uintptr_t)reg->addr, value, sizeof(*value));
	return 0;
}

static int set_one_reg(struct fake_vcpu *vcpu, const struct kvm_one_reg *reg)
{
	uint64_t *value = register_of(vcpu, reg->id);

	if (!value)
		return -ENOENT;
	memcpy(value, (const void *)(uintptr_t)reg->addr, sizeof(*value));
	return 0;
}

static int set_events(struct fake_kvm *fake, struct fake_vcpu *vcpu,
		      const struct kvm_arm64_vcpu_events *events)
{
	static const struct kvm_arm64_vcpu_events abort = { .exception.ext_dabt_pending = 1 };

	if (memcmp(events, &abort, sizeof(abort)))
		return -EINVAL;
	pthread_mutex_lock(&fake->lock);
	vcpu->nr_aborts++;
	pthread_mutex_unlock(&fake->lock);
	return 0;
}

/* arch/arm64/kvm/pmu-emul.c: kvm_arm_pmu_v3_set_attr(), once each and in this order. */
static int set_pmu_attr(struct fake_kvm *fake, struct fake_vcpu *vcpu,
			const struct kvm_device_attr *attr)
{
	int intid;

	if (!(vcpu->features & bit(KVM_ARM_VCPU_PMU_V3)))
		return -ENODEV;
	if (attr->attr == KVM_ARM_VCPU_PMU_V3_INIT) {
		if (!fake->gic_initialised)
			return -ENODEV;
		if (!vcpu->pmu_intid)
			return -ENXIO;
		vcpu->pmu_on = true;
		return 0;
	}
	memcpy(&intid, (const void *)(uintptr_t)attr->addr, sizeof(intid));
	if (intid < 16 || intid >= 32)
		return -EINVAL;
	if (vcpu->pmu_intid)
		return -EBUSY;
	vcpu->pmu_intid = (uint32_t)intid;
	return 0;
}

/* arch/arm64/kvm/pvtime.c: kvm_arm_pvtime_set_attr() */
static int set_pvtime_attr(struct fake_kvm *fake, struct fake_vcpu *vcpu,
			   const struct kvm_device_attr *attr)
{
	uint64_t ipa;

	if (!fake->steal_time || attr->attr != KVM_ARM_VCPU_PVTIME_IPA)
		return -ENXIO;
	memcpy(&ipa, (const void *)(uintptr_t)attr->addr, sizeof(ipa));
	if (vcpu->steal_time)
		return -EEXIST;
	if (ipa % 64 || !fake_kvm_memory(fake, ipa, 64, true))
		return -EINVAL;
	vcpu->steal_time = ipa;
	return 0;
}

static int set_attr(struct fake_kvm *fake, struct fake_vcpu *vcpu,
		    const struct kvm_device_attr *attr)
{
	if (attr->group == KVM_ARM_VCPU_PMU_V3_CTRL)
		return set_pmu_attr(fake, vcpu, attr);
	if (attr->group == KVM_ARM_VCPU_PVTIME_CTRL)
		return set_pvtime_attr(fake, vcpu, attr);
	return -ENXIO;
}

/* ---- KVM_RUN ----------------------------------------------------------------- */

/* The MMIO read that the last exit asked for is complete when KVM_RUN comes again. */
static void complete_locked(struct fake_vcpu *vcpu)
{
	const struct kvm_run *run = vcpu->run;

	if (run->exit_reason != KVM_EXIT_MMIO || run->mmio.is_write)
		return;
	vcpu->last_value = 0;
	memcpy(&vcpu->last_value, run->mmio.data, run->mmio.len);
}

static int take_exit_locked(struct fake_vcpu *vcpu)
{
	const struct fake_exit *exit = &vcpu->exits[vcpu->first % FAKE_KVM_EXITS];
	struct kvm_run *run = vcpu->run;

	vcpu->first++;
	vcpu->nr_exits--;
	vcpu->nr_done++;
	run->exit_reason = exit->reason;
	if (exit->error)
		return -exit->error;
	if (exit->reason == KVM_EXIT_MMIO) {
		run->mmio.phys_addr = exit->address;
		run->mmio.len = exit->len;
		run->mmio.is_write = exit->is_write;
		memset(run->mmio.data, 0x55, sizeof(run->mmio.data));
		if (exit->is_write)
			memcpy(run->mmio.data, &exit->data, exit->len);
	}
	if (exit->reason == KVM_EXIT_SYSTEM_EVENT)
		run->system_event.type = exit->event;
	return 0;
}

/* 1: nothing is scripted. */
static int try_exit(struct fake_kvm *fake, struct fake_vcpu *vcpu)
{
	int r = 1;

	pthread_mutex_lock(&fake->lock);
	if (vcpu->nr_exits)
		r = take_exit_locked(vcpu);
	pthread_mutex_unlock(&fake->lock);
	return r;
}

/* In the guest, signals held but while it waits. */
static int run_masked(struct fake_kvm *fake, struct fake_vcpu *vcpu, const sigset_t *unmasked)
{
	struct pollfd fd = { .fd = vcpu->wake, .events = POLLIN };
	int r;

	if (__atomic_load_n(&vcpu->run->immediate_exit, __ATOMIC_RELAXED)) {
		vcpu->run->exit_reason = KVM_EXIT_INTR;
		return -EINTR;
	}
	while ((r = try_exit(fake, vcpu)) == 1) {
		eventfd_t nr;

		if (ppoll(&fd, 1, NULL, unmasked) < 0) {
			vcpu->run->exit_reason = KVM_EXIT_INTR;
			return -EINTR;
		}
		(void)eventfd_read(vcpu->wake, &nr);
	}
	return r;
}

static int run(struct fake_kvm *fake, unsigned n)
{
	struct fake_vcpu *vcpu = &fake->vcpus[n];
	sigset_t all, old;
	int r;

	if (!vcpu->initialised)
		return -ENOEXEC;
	if (!vcpu->finalised)
		return -EPERM;
	pthread_mutex_lock(&fake->lock);
	complete_locked(vcpu);
	vcpu->run->exit_reason = KVM_EXIT_UNKNOWN;
	vcpu->nr_runs++;
	pthread_mutex_unlock(&fake->lock);
	if (fake->entering)
		fake->entering(fake->entering_arg, n);
	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	r = run_masked(fake, vcpu, &old);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return r;
}

int fake_kvm_vcpu_ioctl(struct fake_kvm *fake, unsigned n, unsigned long request, void *arg)
{
	struct fake_vcpu *vcpu = &fake->vcpus[n];
	int r = -ENOTTY;

	fake->nr_met += fake->serving;
	pthread_mutex_lock(&vcpu->mutex);
	vcpu->inside = true;
	if (request != KVM_RUN && vcpu->nr_runs && fake->in_ioctl)
		fake->in_ioctl(fake->entering_arg, n, request);
	if (request == KVM_RUN)
		r = run(fake, n);
	else if (request == KVM_ARM_VCPU_INIT)
		r = init(fake, vcpu, arg);
	else if (!vcpu->initialised)
		r = -ENOEXEC;
	else if (request == KVM_ARM_VCPU_FINALIZE)
		r = finalize(vcpu, arg);
	else if (request == KVM_GET_ONE_REG)
		r = get_one_reg(vcpu, n, arg);
	else if (request == KVM_SET_ONE_REG)
		r = set_one_reg(vcpu, arg);
	else if (request == KVM_SET_VCPU_EVENTS)
		r = set_events(fake, vcpu, arg);
	else if (request == KVM_SET_DEVICE_ATTR)
		r = set_attr(fake, vcpu, arg);
	vcpu->inside = false;
	pthread_mutex_unlock(&vcpu->mutex);
	return r;
}

/* ---- what tests do -------------------------------------------------------------- */

void fake_kvm_script(struct fake_kvm *fake, unsigned n, const struct fake_exit *exit)
{
	struct fake_vcpu *vcpu = &fake->vcpus[n];

	pthread_mutex_lock(&fake->lock);
	assert(vcpu->nr_exits < FAKE_KVM_EXITS);
	vcpu->exits[(vcpu->first + vcpu->nr_exits) % FAKE_KVM_EXITS] = *exit;
	vcpu->nr_exits++;
	pthread_mutex_unlock(&fake->lock);
	(void)eventfd_write(vcpu->wake, 1);
}

bool fake_kvm_inside(struct fake_kvm *fake, unsigned n)
{
	return fake->vcpus[n].inside;
}

static void nap(void)
{
	const struct timespec short_time = { .tv_nsec = 100000 };

	(void)nanosleep(&short_time, NULL);
}

void fake_kvm_wait_done(struct fake_kvm *fake, unsigned n, unsigned nr)
{
	bool done = false;

	while (!done) {
		pthread_mutex_lock(&fake->lock);
		done = fake->vcpus[n].nr_done >= nr;
		pthread_mutex_unlock(&fake->lock);
		if (!done)
			nap();
	}
}

void fake_kvm_wait_idle(struct fake_kvm *fake, unsigned n)
{
	bool idle = false;

	while (!idle) {
		pthread_mutex_lock(&fake->lock);
		idle = !fake->vcpus[n].nr_exits;
		pthread_mutex_unlock(&fake->lock);
		idle = idle && fake_kvm_inside(fake, n);
		if (!idle)
			nap();
	}
}
