// SPDX-License-Identifier: MIT
/*
 * vCPU threads. Documentation/virt/kvm/api.rst (KVM_RUN, struct kvm_run).
 *
 * Pausing. The attributes of the kernel's ITS and redistributors answer -EBUSY
 * while any vCPU is inside any vCPU ioctl. So every vCPU says where it is
 * (`inside`), and whoever pauses them sets `paused`, kicks those inside with
 * immediate_exit and a signal, and waits until none is. A vCPU that has a thread is
 * in no ioctl, KVM_RUN or other, without being `inside` (vcpu_ioctl()), but for what is
 * asked for by who has paused all: then nobody else makes any. A pause takes
 * time from vCPUs that did not ask for it, so there is a budget (vmm/kvm/pause_budget.h).
 *
 * To take vCPUs out of KVM and back costs far more than what a pause is for, also of those that
 * sleep there or are off. So a pause may *linger*: those that it held are held for a while longer,
 * and the next pause, which joins it, has to take out only who went in meanwhile: who asks for
 * pauses in a row. Time that a pause lingers counts as paused.
 *
 * A kick does not end a sleep in the kernel that no signal ends, and a pause takes as long. The one
 * that could be long, of a vCPU that touches a BAR while the function is reset, does not happen:
 * the BAR has left the guest's memory before (vfio/access.c).
 *
 * Freezing. A guest that is not to run for a while has its vCPUs kept outside by enter(), where
 * they hold up no pause, and no pause is held up by them; it has no turn and no budget.
 *
 * One lock guards all that changes. Whose turn it is to pause is a flag and no
 * mutex: with several ITSs, the thread that resumes may be another one.
 */
#include "vmm/kvm/vcpu.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "vmm/base/bits.h"
#include "vmm/base/clock.h"
#include "vmm/base/self.h"
#include "vmm/kvm/kvm_arm64.h"
#include "vmm/kvm/vcpu_priv.h"

#define KICK_SIGNAL SIGUSR1

/*
 * How long a pause lingers (vcpus_resume_soon()), and how long a row of pauses may have become
 * for it to linger, or to be joined. The former is enough for a CPU that comes up to go on from
 * an access to its redistributor to the next one: tests/bringup/README.md.
 */
#define LINGER_NS      UINT64_C(50000)
#define LINGER_MOST_NS UINT64_C(1000000)

static void on_kick(int signal)
{
	(void)signal; /* only there to interrupt KVM_RUN */
}

/* ---- in and out ------------------------------------------------------- */

/* Whoever is held looks again. */
static void tell_held_locked(struct vcpus *set)
{
	pthread_cond_broadcast(&set->resume);
	pthread_cond_signal(&set->timer);
}

/* Not paused: those that are held go on. */
static void release_locked(struct vcpus *set)
{
	set->lingers = false;
	if (set->disturbed)
		pause_budget_spend(&set->budget, set->paused_at_ns, clock_ns());
	tell_held_locked(set);
}

/*
 * One of those that are held looks at the time for all of them. It goes on only when all may:
 * so somebody looks as long as one is held that was not told to go on.
 */
static void wait_timed_locked(struct vcpus *set)
{
	const struct timespec until = clock_timespec(set->lingers_until_ns);

	set->timed = true;
	if (set->lingers)
		(void)pthread_cond_timedwait(&set->timer, &set->lock, &until);
	else
		pthread_cond_wait(&set->timer, &set->lock);
	set->timed = false;
	if (set->lingers && clock_ns() >= set->lingers_until_ns)
		release_locked(set);
}

/* paused: hold this one until it is not, and does not linger. */
static void wait_held_locked(struct vcpus *set)
{
	set->disturbed = true;
	set->nr_held++;
	while ((set->paused || set->lingers) && !set->stopping) {
		if (!set->timed)
			wait_timed_locked(set);
		else
			pthread_cond_wait(&set->resume, &set->lock);
	}
	pause_budget_resumed(&set->budget, clock_ns());
	if (!--set->nr_held)
		pthread_cond_broadcast(&set->resumed);
}

/* Wait until the guest may run. False: it shall not run any more. */
static bool enter(struct vcpu *vcpu)
{
	struct vcpus *set = vcpu->set;
	bool go;

	pthread_mutex_lock(&set->lock);
	while ((set->paused || set->frozen) && !set->stopping) {
		if (set->paused)
			wait_held_locked(set);
		else
			pthread_cond_wait(&set->resume, &set->lock);
	}
	go = !set->stopping;
	if (go) {
		vcpu->run->immediate_exit = 0;
		vcpu->inside = true;
		set->nr_inside++;
	}
	pthread_mutex_unlock(&set->lock);
	return go;
}

static void leave(struct vcpu *vcpu)
{
	struct vcpus *set = vcpu->set;

	pthread_mutex_lock(&set->lock);
	assert(vcpu->inside);
	vcpu->inside = false;
	set->nr_inside--;
	if (!set->nr_inside && (set->paused || set->frozen || set->stopping))
		pthread_cond_broadcast(&set->all_out);
	pthread_mutex_unlock(&set->lock);
}

/*
 * A kick cannot miss: immediate_exit makes a KVM_RUN that is yet to begin
 * return at once, and the signal ends one that has begun.
 */
static void kick_inside_locked(struct vcpus *set)
{
	for (uint32_t i = 0; i < set->nr; i++) {
		struct vcpu *vcpu = &set->vcpu[i];

		if (!vcpu->inside)
			continue;
		__atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_RELAXED);
		(void)pthread_kill(vcpu->thread, KICK_SIGNAL);
	}
	while (set->nr_inside)
		pthread_cond_wait(&set->all_out, &set->lock);
}

/*
 * Until the vCPUs have had the time that is theirs. Those of the last pause are
 * in first: on a busy host the next one would hold them before they have run.
 */
static void wait_for_turn_locked(struct vcpus *set)
{
	uint64_t next;

	while (!set->stopping && (next = pause_budget_next_ns(&set->budget)) &&
	       (set->nr_held || next > clock_ns())) {
		const struct timespec until = clock_timespec(next);

		if (set->nr_held)
			pthread_cond_wait(&set->resumed, &set->lock);
		else
			(void)pthread_cond_timedwait(&set->resumed, &set->lock, &until);
	}
}

/* A pause that lingers becomes the next one, unless it has become long. */
static bool join_lingering_locked(struct vcpus *set)
{
	if (!set->lingers)
		return false;
	if (clock_ns() - set->row_began_ns >= LINGER_MOST_NS) {
		release_locked(set);
		return false;
	}
	set->lingers = false;
	return true;
}

void vcpus_pause(struct vcpus *set)
{
	bool joined;

	pthread_mutex_lock(&set->lock);
	while (set->claimed)
		pthread_cond_wait(&set->unclaimed, &set->lock);
	set->claimed = true;
	assert(!set->paused);
	joined = join_lingering_locked(set);
	if (!joined) {
		wait_for_turn_locked(set);
		set->paused_at_ns = clock_ns();
		set->disturbed = false;
	}
	set->paused = true;
	set->disturbed |= set->nr_inside;
	kick_inside_locked(set);
	if (!joined)
		set->row_began_ns = clock_ns();
	pthread_mutex_unlock(&set->lock);
}

static void unclaim_locked(struct vcpus *set)
{
	set->claimed = false;
	pthread_cond_signal(&set->unclaimed);
}

void vcpus_resume(struct vcpus *set)
{
	pthread_mutex_lock(&set->lock);
	assert(set->paused);
	set->paused = false;
	release_locked(set);
	unclaim_locked(set);
	pthread_mutex_unlock(&set->lock);
}

void vcpus_resume_soon(struct vcpus *set)
{
	pthread_mutex_lock(&set->lock);
	assert(set->paused);
	set->paused = false;
	if (set->nr_held && clock_ns() - set->row_began_ns < LINGER_MOST_NS) {
		set->lingers = true;
		set->lingers_until_ns = clock_ns() + LINGER_NS;
		pthread_cond_signal(&set->timer);
	} else {
		release_locked(set);
	}
	unclaim_locked(set);
	pthread_mutex_unlock(&set->lock);
}

void vcpus_freeze(struct vcpus *set)
{
	pthread_mutex_lock(&set->lock);
	set->frozen = true;
	kick_inside_locked(set);
	pthread_mutex_unlock(&set->lock);
}

void vcpus_thaw(struct vcpus *set)
{
	pthread_mutex_lock(&set->lock);
	set->frozen = false;
	pthread_cond_broadcast(&set->resume);
	pthread_mutex_unlock(&set->lock);
}

/* ---- ioctls ------------------------------------------------------------- */

int vcpu_ioctl(const struct vcpu *vcpu, unsigned long request, void *arg)
{
	assert(vcpu->inside || vcpu->set->paused || !vcpu->has_thread);

	return vm_ioctl(vcpu->set->vm, vcpu->fd, request, arg);
}

int vcpu_set_reg(const struct vcpu *vcpu, uint64_t id, uint64_t value)
{
	struct kvm_one_reg reg = { .id = id, .addr = (uintptr_t)&value };

	return vcpu_ioctl(vcpu, KVM_SET_ONE_REG, &reg);
}

int vcpu_get_reg(const struct vcpu *vcpu, uint64_t id, uint64_t *ret_value)
{
	struct kvm_one_reg reg = { .id = id, .addr = (uintptr_t)ret_value };

	return vcpu_ioctl(vcpu, KVM_GET_ONE_REG, &reg);
}

/* ---- exits ------------------------------------------------------------ */

/*
 * The access cannot be emulated: an external abort, as a bus gives one
 * (KVM_SET_VCPU_EVENTS, ext_dabt_pending). KVM keeps the address of the access until
 * the vCPU runs again.
 */
static int inject_abort(struct vcpu *vcpu)
{
	struct kvm_arm64_vcpu_events events = { .exception.ext_dabt_pending = 1 };
	int r = vcpu_ioctl(vcpu, KVM_SET_VCPU_EVENTS, &events);

	if (r < 0)
		vcpu->failed_call = "KVM_SET_VCPU_EVENTS";
	else
		vcpu->abort_due = false;
	return r;
}

static void abort_access(struct vcpu *vcpu, _Atomic uint64_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
	vcpu->abort_due = true;
}

static int exit_mmio(struct vcpu *vcpu)
{
	__typeof__(vcpu->run->mmio) *mmio = &vcpu->run->mmio;
	uint64_t value = 0;

	assert(mmio->len <= sizeof(value));

	/* Guests are little-endian towards devices, as is every arm64 Linux host. */
	if (mmio->is_write) {
		memcpy(&value, mmio->data, mmio->len);
		bus_write(vcpu->set->bus, mmio->phys_addr, mmio->len, value);
	} else {
		value = bus_read(vcpu->set->bus, mmio->phys_addr, mmio->len);
		memcpy(mmio->data, &value, mmio->len);
	}
	return 0;
}

static void tell(struct vcpu *vcpu, enum vcpu_event event, const char *why)
{
	vcpu->set->ops->event(vcpu->set->ctx, event, why);
}

/* 0: go on. 1: this vCPU is done. */
static int exit_system_event(struct vcpu *vcpu)
{
	switch (vcpu->run->system_event.type) {
	case KVM_SYSTEM_EVENT_SHUTDOWN:
		tell(vcpu, VCPU_EVENT_OFF, NULL);
		return 1;
	case KVM_SYSTEM_EVENT_RESET:
		tell(vcpu, VCPU_EVENT_RESET, NULL);
		return 1;
	default:
		/* Suspend and its kin were not enabled; a wake-up needs nothing. */
		return 0;
	}
}

/* 0: go on. 1: this vCPU is done. Negative: the host failed. */
static int handle_exit(struct vcpu *vcpu)
{
	switch (vcpu->run->exit_reason) {
	case KVM_EXIT_MMIO:
		return exit_mmio(vcpu);
	case KVM_EXIT_SYSTEM_EVENT:
		return exit_system_event(vcpu);
	case KVM_EXIT_ARM_NISV:
		/* A load or store without a syndrome (pairs, write-back) to a trapped page. */
		abort_access(vcpu, &vcpu->set->unemulated);
		return 0;
	case KVM_EXIT_INTR:
		return 0;
	default:
		return -EIO;
	}
}

/* Between enter() and leave(). */
static int run_inside(struct vcpu *vcpu)
{
	const struct kvm_sys *sys = vcpu->set->vm->sys;
	int r = vcpu->abort_due ? inject_abort(vcpu) : 0;

	return r < 0 ? r : sys->ioctl(sys->ctx, vcpu->fd, KVM_RUN, NULL);
}

static int run_once(struct vcpu *vcpu)
{
	int r;

	if (!enter(vcpu))
		return 1;
	r = run_inside(vcpu);
	leave(vcpu);
	if (vcpu->abort_due)
		return r;

	switch (r) {
	case 0:
		return handle_exit(vcpu);
	case -EINTR:
	case -EAGAIN:
		return 0;
	case -ENOSYS:
		/* By io_mem_abort() of linux arch/arm64/kvm/mmio.c: as KVM_EXIT_ARM_NISV. */
		abort_access(vcpu, &vcpu->set->unemulated);
		return 0;
	case -EFAULT:
		/* By user_mem_abort() of linux arch/arm64/kvm/mmu.c, which does not tell where. */
		abort_access(vcpu, &vcpu->set->unreachable);
		return 0;
	default:
		return r;
	}
}

static void *vcpu_thread(void *arg)
{
	struct vcpu *vcpu = arg;
	char name[16], why[96];
	int confined, r = 0;

	self_leave_rseq();
	vcpu->tid = gettid();
	(void)snprintf(name, sizeof(name), "vcpu%u", vcpu->index % 1000);
	(void)pthread_setname_np(pthread_self(), name);
	placement_apply(&vcpu->placement, name);

	confined = confine_thread(vcpu->set->confine, THREAD_VCPU);
	while (!confined && !r)
		r = run_once(vcpu);

	if (confined < 0) {
		(void)snprintf(why, sizeof(why), "vCPU %u: its filter of system calls: %s",
			       vcpu->index, strerror(-confined));
		tell(vcpu, VCPU_EVENT_FAILED, why);
	} else if (r < 0) {
		(void)snprintf(why, sizeof(why), "vCPU %u: %s: %s (exit reason %u)", vcpu->index,
			       vcpu->failed_call, strerror(-r), vcpu->run->exit_reason);
		tell(vcpu, VCPU_EVENT_FAILED, why);
	}
	return NULL;
}

/* ---- set-up ----------------------------------------------------------- */

/* What a vCPU gets where the host has it. KVM_ARM_VCPU_INIT. */
static const struct {
	unsigned cap, feature;
	bool finalize;
} optional_features[] = {
	{ KVM_CAP_ARM_PMU_V3, KVM_ARM_VCPU_PMU_V3, false },
	{ KVM_CAP_ARM_SVE, KVM_ARM_VCPU_SVE, true },
	{ KVM_CAP_ARM_PTRAUTH_ADDRESS, KVM_ARM_VCPU_PTRAUTH_ADDRESS, false },
	{ KVM_CAP_ARM_PTRAUTH_GENERIC, KVM_ARM_VCPU_PTRAUTH_GENERIC, false },
};

static void add_feature(struct kvm_vcpu_init *init, unsigned feature)
{
	init->features[feature / 32] |= UINT32_C(1) << (feature % 32);
}

static int init_one(struct vcpu *vcpu, const struct kvm_vcpu_init *preferred)
{
	const struct vm *vm = vcpu->set->vm;
	struct kvm_vcpu_init init = *preferred;
	struct kvm_one_reg mpidr = {
		.id = KVM_ARM64_REG_MPIDR,
		.addr = (uintptr_t)&vcpu->set->mpidr[vcpu->index],
	};
	void *run;
	int r;

	vcpu->fd = vm_ioctl(vm, vm->fd, KVM_CREATE_VCPU, (void *)(uintptr_t)vcpu->index);
	if (vcpu->fd < 0)
		return vcpu->fd;

	add_feature(&init, KVM_ARM_VCPU_PSCI_0_2);
	if (vcpu->index)
		add_feature(&init, KVM_ARM_VCPU_POWER_OFF);
	for (size_t i = 0; i < ARRAY_SIZE(optional_features); i++)
		if (vm_extension(vm, optional_features[i].cap))
			add_feature(&init, optional_features[i].feature);
	r = vcpu_ioctl(vcpu, KVM_ARM_VCPU_INIT, &init);
	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(optional_features); i++) {
		int feature = (int)optional_features[i].feature;

		if (!optional_features[i].finalize || !vm_extension(vm, optional_features[i].cap))
			continue;
		r = vcpu_ioctl(vcpu, KVM_ARM_VCPU_FINALIZE, &feature);
		if (r < 0)
			return r;
	}

	r = vm->sys->mmap(vm->sys->ctx, vcpu->fd, vm->run_sz, &run);
	if (r < 0)
		return r;
	vcpu->run = run;
	r = vcpu_ioctl(vcpu, KVM_GET_ONE_REG, &mpidr);
	if (r < 0)
		return r;
	vcpu->set->mpidr[vcpu->index] &= MASK64(39, 32) | MASK64(23, 0);
	return 0;
}

/* A condition that can be waited for until a time of CLOCK_MONOTONIC. */
static void init_monotonic(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attr);
	(void)pthread_condattr_destroy(&attr);
}

static struct vcpus *alloc_set(const struct vm *vm, struct bus *bus, uint32_t nr)
{
	struct vcpus *set = calloc(1, sizeof(*set) + nr * sizeof(set->vcpu[0]));

	if (!set)
		return NULL;
	set->vm = vm;
	set->bus = bus;
	set->nr = nr;
	pthread_mutex_init(&set->lock, NULL);
	pthread_cond_init(&set->unclaimed, NULL);
	pthread_cond_init(&set->all_out, NULL);
	pthread_cond_init(&set->resume, NULL);
	init_monotonic(&set->timer);
	init_monotonic(&set->resumed);
	for (uint32_t i = 0; i < nr; i++)
		set->vcpu[i] =
			(struct vcpu){ .set = set, .index = i, .fd = -1, .failed_call = "KVM_RUN" };
	set->mpidr = calloc(nr, sizeof(*set->mpidr));
	if (!set->mpidr) {
		vcpus_destroy(set);
		return NULL;
	}
	return set;
}

static void vcpus_destroyp(struct vcpus **set)
{
	vcpus_destroy(*set);
}

int vcpus_create(const struct vm *vm, struct bus *bus, uint32_t nr, struct vcpus **ret_vcpus,
		 struct failure *ret_failure)
{
	_cleanup_(vcpus_destroyp) struct vcpus *set = NULL;
	struct kvm_vcpu_init preferred;
	int r, max = vm_extension(vm, KVM_CAP_MAX_VCPUS);

	assert(nr > 0);

	if (max > 0 && nr > (uint32_t)max)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, EINVAL, "vcpus",
				   "ask for fewer in the configuration",
				   "%u asked for, this host runs at most %d in a guest", nr, max);
	set = alloc_set(vm, bus, nr);
	if (!set)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, ENOMEM, "vcpus", NULL,
				   "out of memory");

	/* KVM_EXIT_ARM_NISV instead of a KVM_RUN that fails: one line less in the host's log. */
	r = vm_extension(vm, KVM_CAP_ARM_NISV_TO_USER) ? vm_enable(vm, KVM_CAP_ARM_NISV_TO_USER)
						       : 0;
	if (!r)
		r = vm_ioctl(vm, vm->fd, KVM_ARM_PREFERRED_TARGET, &preferred);
	for (uint32_t i = 0; !r && i < nr; i++)
		r = init_one(&set->vcpu[i], &preferred);
	if (r < 0)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, -r, "vcpus",
				   failure_cure(-r, CURE_KERNEL_LOG),
				   "KVM cannot make %u vCPUs (%s)", nr, strerror(-r));

	*ret_vcpus = TAKE_PTR(set);
	return 0;
}

void vcpus_destroy(struct vcpus *set)
{
	if (!set)
		return;
	vcpus_stop(set);
	for (uint32_t i = 0; i < set->nr; i++) {
		if (set->vcpu[i].run)
			(void)munmap(set->vcpu[i].run, set->vm->run_sz);
		cleanup_fd(&set->vcpu[i].fd);
	}
	pthread_cond_destroy(&set->resumed);
	pthread_cond_destroy(&set->timer);
	pthread_cond_destroy(&set->resume);
	pthread_cond_destroy(&set->all_out);
	pthread_cond_destroy(&set->unclaimed);
	pthread_mutex_destroy(&set->lock);
	free(set->mpidr);
	free(set);
}

void vcpus_stats_get(const struct vcpus *set, struct vcpus_stats *ret_stats)
{
	*ret_stats = (struct vcpus_stats){ set->unreachable, set->unemulated };
}

int vcpus_set_attr(const struct vcpus *set, uint32_t vcpu, unsigned group, uint64_t attr,
		   void *value)
{
	assert(vcpu < set->nr);
	assert(!set->vcpu[vcpu].has_thread);

	return vm_device_set(set->vm, set->vcpu[vcpu].fd, group, attr, value);
}

const uint64_t *vcpus_mpidr(const struct vcpus *set)
{
	return set->mpidr;
}

void vcpus_place(struct vcpus *set, uint32_t vcpu, const struct placement *placement)
{
	assert(vcpu < set->nr);

	set->vcpu[vcpu].placement = *placement;
}

void vcpus_confine(struct vcpus *set, const struct confine *confine)
{
	set->confine = confine;
}

int vcpus_start(struct vcpus *set, uint64_t entry, uint64_t fdt, const struct vcpu_ops *ops,
		void *ctx, struct failure *ret_failure)
{
	struct sigaction kick = { .sa_handler = on_kick };
	int r;

	assert(ops);

	set->ops = ops;
	set->ctx = ctx;
	sigemptyset(&kick.sa_mask);
	r = sigaction(KICK_SIGNAL, &kick, NULL) < 0 ? -errno : 0;
	if (!r)
		r = vcpu_set_reg(&set->vcpu[0], KVM_ARM64_REG_PC, entry);
	if (!r)
		r = vcpu_set_reg(&set->vcpu[0], KVM_ARM64_REG_X0, fdt);
	for (uint32_t i = 0; !r && i < set->nr; i++) {
		r = -pthread_create(&set->vcpu[i].thread, NULL, vcpu_thread, &set->vcpu[i]);
		set->vcpu[i].has_thread = !r;
	}
	if (r < 0)
		return failure_set(ret_failure, ITSY_RUNTIME, -r, "vcpus", CURE_THREADS,
				   "the vCPUs cannot be started (%s)", strerror(-r));
	return 0;
}

void vcpus_stop(struct vcpus *set)
{
	pthread_mutex_lock(&set->lock);
	set->stopping = true;
	tell_held_locked(set);
	pthread_cond_broadcast(&set->resumed);
	kick_inside_locked(set);
	pthread_mutex_unlock(&set->lock);

	for (uint32_t i = 0; i < set->nr; i++) {
		if (!set->vcpu[i].has_thread)
			continue;
		(void)pthread_join(set->vcpu[i].thread, NULL);
		set->vcpu[i].has_thread = false;
	}
}
