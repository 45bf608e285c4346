// SPDX-License-Identifier: MIT
/*
 * The vCPUs on a fake KVM: every way out of KVM_RUN, set-up that fails at any step,
 * and pausing, resuming and stopping from several threads.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/kvm/fake_kvm.h"
#include "vmm/kvm/gic.h"
#include "vmm/kvm/layout.h"
#include "vmm/kvm/vcpu.h"

#define DEVICE	  UINT64_C(0x1000)
#define DEVICE_SZ UINT64_C(0x1000)
#define NOWHERE	  UINT64_C(0x9000)
#define NR_VCPUS  3u

/* A hang is a failure: nothing here takes so long on any machine. */
#define HANG_S 300u

struct rig {
	struct fake_kvm fake;
	struct vm vm;
	struct bus bus;
	struct vcpus *vcpus;
	int gic;
	struct failure failure;

	_Atomic unsigned nr_reads, nr_writes, last_len, nr_aborted;
	_Atomic uint64_t last_offset, last_value, answer;
	_Atomic unsigned events[3];
	char why[128];
	void (*on_write)(struct rig *rig);
	cpu_set_t cpus;
	char name[16];
};

/* ---- what is wrapped ---------------------------------------------------------- */

/* The nth thread from now on cannot be made; 0: all can. */
static unsigned fail_thread_at;
/* So much later it is than the clock says. */
static _Atomic int64_t clock_offset_s;

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *),
			  void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *),
			  void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *),
			  void *arg)
{
	if (fail_thread_at && --fail_thread_at == 0)
		return EAGAIN;
	return __real_pthread_create(thread, attr, fn, arg);
}

int __real_clock_gettime(clockid_t id, struct timespec *ret_now);
int __wrap_clock_gettime(clockid_t id, struct timespec *ret_now);
int __wrap_clock_gettime(clockid_t id, struct timespec *ret_now)
{
	int r = __real_clock_gettime(id, ret_now);

	ret_now->tv_sec += clock_offset_s;
	return r;
}

/* ---- the rig --------------------------------------------------------------------- */

static uint64_t device_read(void *ctx, uint64_t offset, unsigned len)
{
	struct rig *rig = ctx;

	rig->last_offset = offset;
	rig->last_len = len;
	rig->nr_reads++;
	return rig->answer;
}

static void device_write(void *ctx, uint64_t offset, unsigned len, uint64_t value)
{
	struct rig *rig = ctx;

	rig->last_offset = offset;
	rig->last_len = len;
	rig->last_value = value;
	if (rig->on_write)
		rig->on_write(rig);
	rig->nr_writes++;
}

static void on_event(void *ctx, enum vcpu_event event, const char *why)
{
	struct rig *rig = ctx;

	if (why)
		(void)snprintf(rig->why, sizeof(rig->why), "%s", why);
	rig->events[event]++;
}

static void on_aborted_access(void *ctx)
{
	struct rig *rig = ctx;

	rig->nr_aborted++;
}

static const struct vcpu_ops ops = { .event = on_event, .aborted_access = on_aborted_access };

static struct rig *rig_new(void)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	const struct bus_region device = { "device",	DEVICE,	      DEVICE_SZ,
					   device_read, device_write, rig };

	assert_non_null(rig);
	fake_kvm_init(&rig->fake);
	assert_int_equal(bus_add(&rig->bus, &device), 0);
	assert_int_equal(vm_init_with(&rig->vm, &rig->fake.sys, &rig->failure), 0);
	assert_int_equal(gic_create(&rig->vm, &rig->gic, &rig->failure), 0);
	return rig;
}

static int rig_create_vcpus(struct rig *rig, unsigned nr)
{
	return vcpus_create(&rig->vm, &rig->bus, nr, &rig->vcpus, &rig->failure);
}

static struct rig *rig_with_vcpus(unsigned nr)
{
	struct rig *rig = rig_new();

	assert_int_equal(rig_create_vcpus(rig, nr), 0);
	return rig;
}

static void rig_start(struct rig *rig)
{
	assert_int_equal(vcpus_start(rig->vcpus, 0x40080000, 0x48000000, &ops, rig, &rig->failure),
			 0);
}

static struct rig *rig_running(unsigned nr)
{
	struct rig *rig = rig_with_vcpus(nr);

	rig_start(rig);
	return rig;
}

static void rig_free(struct rig *rig)
{
	vcpus_destroy(rig->vcpus);
	close(rig->gic);
	vm_fini(&rig->vm);
	fake_kvm_fini(&rig->fake);
	free(rig);
}

static void script_write(struct rig *rig, unsigned vcpu, uint64_t at, unsigned len, uint64_t data)
{
	const struct fake_exit write = {
		.reason = KVM_EXIT_MMIO, .address = at, .len = len, .is_write = true, .data = data
	};

	fake_kvm_script(&rig->fake, vcpu, &write);
}

static void script_event(struct rig *rig, unsigned vcpu, uint32_t event)
{
	const struct fake_exit exit = { .reason = KVM_EXIT_SYSTEM_EVENT, .event = event };

	fake_kvm_script(&rig->fake, vcpu, &exit);
}

static void script_error(struct rig *rig, unsigned vcpu, int error)
{
	const struct fake_exit exit = { .error = error };

	fake_kvm_script(&rig->fake, vcpu, &exit);
}

static void script_reason(struct rig *rig, unsigned vcpu, uint32_t reason)
{
	const struct fake_exit exit = { .reason = reason };

	fake_kvm_script(&rig->fake, vcpu, &exit);
}

static void nap(void)
{
	const struct timespec short_time = { .tv_nsec = 100000 };

	(void)nanosleep(&short_time, NULL);
}

static void wait_for(const _Atomic unsigned *counter, unsigned nr)
{
	while (*counter < nr)
		nap();
}

static int read_redist(struct rig *rig)
{
	uint32_t ctlr;

	return gic_redist_read32(&rig->vm, rig->gic, vcpus_mpidr(rig->vcpus)[0], 0, &ctlr);
}

/* ---- set-up ------------------------------------------------------------------------ */

static uint32_t feature(unsigned n)
{
	return UINT32_C(1) << n;
}

static void test_the_first_vcpu_is_on_and_the_others_wait_for_psci(void **state)
{
	struct rig *rig = rig_with_vcpus(NR_VCPUS);

	(void)state;
	for (unsigned i = 0; i < NR_VCPUS; i++) {
		uint32_t features = rig->fake.vcpus[i].features;

		assert_int_equal(features, feature(KVM_ARM_VCPU_PSCI_0_2) |
						   (i ? feature(KVM_ARM_VCPU_POWER_OFF) : 0));
		/* Affinities alone: no bit 31. */
		assert_int_equal(vcpus_mpidr(rig->vcpus)[i], i);
	}
	assert_true(rig->fake.nisv_enabled);
	assert_int_equal(fake_kvm_nr_mapped(&rig->fake), NR_VCPUS);
	rig_free(rig);
	vcpus_destroy(NULL);
}

static void test_a_vcpu_gets_what_the_host_has(void **state)
{
	struct rig *rig = rig_new();

	(void)state;
	rig->fake.sve = rig->fake.ptrauth = true;
	assert_int_equal(rig_create_vcpus(rig, 1), 0);
	assert_int_equal(rig->fake.vcpus[0].features,
			 feature(KVM_ARM_VCPU_PSCI_0_2) | feature(KVM_ARM_VCPU_SVE) |
				 feature(KVM_ARM_VCPU_PTRAUTH_ADDRESS) |
				 feature(KVM_ARM_VCPU_PTRAUTH_GENERIC));
	assert_true(rig->fake.vcpus[0].finalised);
	rig_free(rig);
}

static void test_more_vcpus_than_the_host_runs_are_refused(void **state)
{
	struct rig *rig = rig_new();

	(void)state;
	rig->fake.max_vcpus = 2;
	assert_int_equal(rig_create_vcpus(rig, 3), -EINVAL);
	assert_int_equal(rig->failure.status, ITSY_ENVIRONMENT);
	assert_non_null(strstr(rig->failure.cause, "3 asked for, this host runs at most 2"));
	assert_null(rig->vcpus);
	/* A host that does not say is asked for them. */
	rig->fake.max_vcpus = 0;
	assert_int_equal(rig_create_vcpus(rig, 3), 0);
	rig_free(rig);
}

static void test_a_host_without_nisv_is_refused(void **state)
{
	struct rig *rig = rig_new();

	(void)state;
	rig->fake.no_nisv = true;
	assert_int_equal(rig_create_vcpus(rig, 1), -EINVAL);
	assert_non_null(strstr(rig->failure.cause, "KVM cannot make 1 vCPUs"));
	rig_free(rig);
}

static void test_nothing_stays_open_whichever_step_fails(void **state)
{
	unsigned nr;

	(void)state;
	for (nr = 1;; nr++) {
		struct rig *rig = rig_new();
		int r;

		rig->fake.sve = true;
		rig->fake.fail_at = nr;
		rig->fake.fail_errno = ENOMEM;
		r = rig_create_vcpus(rig, 2);
		if (!rig->fake.failed_call) {
			assert_int_equal(r, 0);
			rig_free(rig);
			break;
		}
		assert_int_equal(r, -ENOMEM);
		assert_non_null(strstr(rig->failure.cause, "KVM cannot make 2 vCPUs"));
		assert_null(rig->vcpus);
		assert_int_equal(fake_kvm_nr_open(&rig->fake), 3); /* KVM, VM, GIC */
		rig_free(rig);
	}
	/* Two calls, then for each: create, initialise, finalise, map, MPIDR. */
	assert_int_equal(nr, 2 + 2 * 5 + 1);
}

static void test_a_guest_enters_at_its_kernel_with_the_device_tree(void **state)
{
	struct rig *rig = rig_running(2);

	(void)state;
	fake_kvm_wait_idle(&rig->fake, 0);
	fake_kvm_wait_idle(&rig->fake, 1);
	assert_int_equal(rig->fake.vcpus[0].pc, 0x40080000);
	assert_int_equal(rig->fake.vcpus[0].x0, 0x48000000);
	assert_int_equal(rig->fake.vcpus[1].pc, 0);
	rig_free(rig);
}

static void expect_no_start(struct rig *rig, int error)
{
	assert_int_equal(vcpus_start(rig->vcpus, 1, 2, &ops, rig, &rig->failure), -error);
	assert_int_equal(rig->failure.status, ITSY_RUNTIME);
	assert_non_null(strstr(rig->failure.cause, "the vCPUs cannot be started"));
	/* What has started is stopped. */
	rig_free(rig);
}

static void test_vcpus_that_cannot_be_started_leave_nothing_running(void **state)
{
	(void)state;
	for (unsigned nr = 1; nr <= 2; nr++) {
		struct rig *rig = rig_with_vcpus(NR_VCPUS);

		rig->fake.fail_at = nr;
		rig->fake.fail_errno = EINVAL;
		expect_no_start(rig, EINVAL);
	}
	for (unsigned nr = 1; nr <= NR_VCPUS; nr++) {
		fail_thread_at = nr;
		expect_no_start(rig_with_vcpus(NR_VCPUS), EAGAIN);
		assert_int_equal(fail_thread_at, 0);
	}
}

static void note_place(struct rig *rig)
{
	(void)sched_getaffinity(0, sizeof(rig->cpus), &rig->cpus);
	(void)pthread_getname_np(pthread_self(), rig->name, sizeof(rig->name));
}

static void test_a_vcpus_thread_has_a_name_and_its_place(void **state)
{
	struct rig *rig = rig_with_vcpus(2);
	const struct placement place = { .cpu = 0 };

	(void)state;
	rig->on_write = note_place;
	vcpus_place(rig->vcpus, 1, &place);
	script_write(rig, 1, DEVICE, 4, 0);
	rig_start(rig);
	wait_for(&rig->nr_writes, 1);
	assert_string_equal(rig->name, "vcpu1");
	assert_int_equal(CPU_COUNT(&rig->cpus), 1);
	assert_true(CPU_ISSET(0, &rig->cpus));
	rig_free(rig);
}

/* ---- exits ----------------------------------------------------------------------------- */

static void test_writes_reach_the_bus_in_every_width(void **state)
{
	const uint64_t value = UINT64_C(0x8877665544332211);
	struct rig *rig = rig_running(1);

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		unsigned len = 1u << i;

		script_write(rig, 0, DEVICE + 8 * i, len, value);
		wait_for(&rig->nr_writes, i + 1);
		assert_int_equal(rig->last_offset, 8 * i);
		assert_int_equal(rig->last_len, len);
		assert_int_equal(rig->last_value,
				 len == 8 ? value : value & ((1ull << 8 * len) - 1));
	}
	rig_free(rig);
}

static void test_reads_get_what_the_bus_answers_in_every_width(void **state)
{
	const uint64_t value = UINT64_C(0x8877665544332211);
	struct rig *rig = rig_running(1);

	(void)state;
	rig->answer = value;
	for (unsigned i = 0; i < 4; i++) {
		unsigned len = 1u << i;
		const struct fake_exit read = { .reason = KVM_EXIT_MMIO,
						.address = DEVICE + 16,
						.len = len };

		fake_kvm_script(&rig->fake, 0, &read);
		fake_kvm_wait_done(&rig->fake, 0, i + 1);
		vcpus_pause(rig->vcpus);
		vcpus_resume(rig->vcpus);
		fake_kvm_wait_idle(&rig->fake, 0);
		pthread_mutex_lock(&rig->fake.lock);
		assert_int_equal(rig->fake.vcpus[0].last_value,
				 len == 8 ? value : value & ((1ull << 8 * len) - 1));
		pthread_mutex_unlock(&rig->fake.lock);
	}
	assert_int_equal(rig->nr_reads, 4);
	rig_free(rig);
}

static void test_an_access_to_nothing_is_counted(void **state)
{
	struct rig *rig = rig_running(1);

	(void)state;
	script_write(rig, 0, NOWHERE, 4, 1);
	script_write(rig, 0, DEVICE, 4, 1);
	wait_for(&rig->nr_writes, 1);
	assert_int_equal(rig->bus.unclaimed, 1);
	rig_free(rig);
}

static void test_an_access_without_syndrome_is_aborted_and_counted(void **state)
{
	struct rig *rig = rig_running(1);

	(void)state;
	script_reason(rig, 0, KVM_EXIT_ARM_NISV);
	script_write(rig, 0, DEVICE, 4, 1);
	wait_for(&rig->nr_writes, 1);
	assert_int_equal(rig->bus.unclaimed, 1);
	assert_int_equal(rig->fake.vcpus[0].nr_aborts, 1);
	assert_int_equal(rig->nr_aborted, 0);
	rig_free(rig);
}

static void test_memory_that_nobody_may_touch_aborts_the_access(void **state)
{
	struct rig *rig = rig_running(1);

	(void)state;
	script_error(rig, 0, EFAULT);
	script_write(rig, 0, DEVICE, 4, 1);
	wait_for(&rig->nr_writes, 1);
	assert_int_equal(rig->nr_aborted, 1);
	assert_int_equal(rig->fake.vcpus[0].nr_aborts, 1);
	assert_int_equal(rig->bus.unclaimed, 0);
	rig_free(rig);
}

static void test_interruptions_do_not_stop_a_vcpu(void **state)
{
	struct rig *rig = rig_running(1);

	(void)state;
	script_error(rig, 0, EINTR);
	script_error(rig, 0, EAGAIN);
	script_reason(rig, 0, KVM_EXIT_INTR);
	script_event(rig, 0, KVM_SYSTEM_EVENT_WAKEUP);
	script_write(rig, 0, DEVICE, 4, 1);
	wait_for(&rig->nr_writes, 1);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(rig->events[i], 0);
	rig_free(rig);
}

static void expect_end(uint32_t system_event, enum vcpu_event told)
{
	struct rig *rig = rig_running(2);
	unsigned nr_runs;

	script_event(rig, 1, system_event);
	wait_for(&rig->events[told], 1);
	vcpus_stop(rig->vcpus);
	nr_runs = rig->fake.vcpus[1].nr_runs;
	assert_int_equal(nr_runs, 1); /* the guest runs no more */
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(rig->events[i], i == told);
	assert_string_equal(rig->why, "");
	rig_free(rig);
}

static void test_power_off_and_reset_are_told(void **state)
{
	(void)state;
	expect_end(KVM_SYSTEM_EVENT_SHUTDOWN, VCPU_EVENT_OFF);
	expect_end(KVM_SYSTEM_EVENT_RESET, VCPU_EVENT_RESET);
}

static void expect_failure(const struct fake_exit *exit, unsigned fail_at, const char *why)
{
	struct rig *rig = rig_running(1);

	fake_kvm_wait_idle(&rig->fake, 0);
	rig->fake.fail_errno = EIO;
	rig->fake.fail_at = fail_at;
	fake_kvm_script(&rig->fake, 0, exit);
	wait_for(&rig->events[VCPU_EVENT_FAILED], 1);
	vcpus_stop(rig->vcpus);
	if (!strstr(rig->why, why))
		fail_msg("\"%s\" says nothing of \"%s\"", rig->why, why);
	assert_int_equal(rig->events[VCPU_EVENT_FAILED], 1);
	rig_free(rig);
}

static void test_a_host_that_cannot_go_on_is_told_with_the_reason(void **state)
{
	static const struct fake_exit unknown = { .reason = KVM_EXIT_INTERNAL_ERROR };
	static const struct fake_exit refused = { .error = ENOEXEC };
	static const struct fake_exit untouchable = { .error = EFAULT };
	static const struct fake_exit no_syndrome = { .reason = KVM_EXIT_ARM_NISV };

	(void)state;
	expect_failure(&unknown, 0, "vCPU 0: KVM_RUN: Input/output error (exit reason 17)");
	expect_failure(&refused, 0, "vCPU 0: KVM_RUN: Exec format error");
	/* The abort cannot be injected. */
	expect_failure(&untouchable, 1, "Input/output error");
	expect_failure(&no_syndrome, 1, "Input/output error");
}

/* ---- pausing ------------------------------------------------------------------------------ */

static void test_paused_vcpus_are_out_of_kvm_and_come_back(void **state)
{
	struct rig *rig = rig_running(NR_VCPUS);

	(void)state;
	for (unsigned i = 0; i < NR_VCPUS; i++)
		fake_kvm_wait_idle(&rig->fake, i);
	assert_int_equal(read_redist(rig), -EBUSY);
	for (unsigned round = 0; round < 5; round++) {
		vcpus_pause(rig->vcpus);
		for (unsigned i = 0; i < NR_VCPUS; i++)
			assert_false(fake_kvm_inside(&rig->fake, i));
		assert_int_equal(read_redist(rig), 0);
		vcpus_resume(rig->vcpus);
		for (unsigned i = 0; i < NR_VCPUS; i++)
			fake_kvm_wait_idle(&rig->fake, i);
	}
	rig_free(rig);
}

static void test_a_paused_guest_runs_nothing(void **state)
{
	struct rig *rig = rig_running(1);

	(void)state;
	fake_kvm_wait_idle(&rig->fake, 0);
	vcpus_pause(rig->vcpus);
	script_write(rig, 0, DEVICE, 4, 1);
	nap(); /* gives a vCPU that is not held the time to do it */
	assert_int_equal(rig->nr_writes, 0);
	assert_false(fake_kvm_inside(&rig->fake, 0));
	vcpus_resume(rig->vcpus);
	wait_for(&rig->nr_writes, 1);
	rig_free(rig);
}

static void test_vcpus_can_be_paused_before_they_are_started(void **state)
{
	struct rig *rig = rig_with_vcpus(NR_VCPUS);

	(void)state;
	vcpus_pause(rig->vcpus);
	assert_int_equal(read_redist(rig), 0);
	vcpus_resume(rig->vcpus);
	rig_free(rig);
}

/* A vCPU in KVM_RUN that has not looked at immediate_exit yet, until it was kicked. */
static void wait_for_kick(void *arg, unsigned n)
{
	struct rig *rig = arg;
	struct kvm_run *run = rig->fake.vcpus[n].run;

	while (!__atomic_load_n(&run->immediate_exit, __ATOMIC_RELAXED))
		nap();
	/* The signal comes after immediate_exit, and its handler has nothing to end. */
	nap();
}

static void test_a_kick_that_comes_too_early_is_not_missed(void **state)
{
	struct rig *rig = rig_with_vcpus(2);

	(void)state;
	rig->fake.entering = wait_for_kick;
	rig->fake.entering_arg = rig;
	rig_start(rig);
	while (!fake_kvm_inside(&rig->fake, 0) || !fake_kvm_inside(&rig->fake, 1))
		nap();
	for (unsigned round = 0; round < 3; round++) {
		vcpus_pause(rig->vcpus);
		assert_int_equal(read_redist(rig), 0);
		vcpus_resume(rig->vcpus);
	}
	vcpus_stop(rig->vcpus);
	rig_free(rig);
}

static void pause_here(struct rig *rig)
{
	vcpus_pause(rig->vcpus);
	if (read_redist(rig))
		abort();
	vcpus_resume(rig->vcpus);
}

static void test_a_vcpu_can_pause_all_of_them_itself(void **state)
{
	struct rig *rig = rig_with_vcpus(NR_VCPUS);

	(void)state;
	rig->on_write = pause_here;
	for (unsigned i = 0; i < NR_VCPUS; i++)
		for (unsigned n = 0; n < 20; n++)
			script_write(rig, i, DEVICE, 4, 1);
	rig_start(rig);
	wait_for(&rig->nr_writes, 20 * NR_VCPUS);
	rig_free(rig);
}

struct pausers {
	struct rig *rig;
	_Atomic unsigned holders, wrong;
	_Atomic bool done;
};

static void *pause_again_and_again(void *arg)
{
	struct pausers *p = arg;

	for (unsigned i = 0; i < 100; i++) {
		vcpus_pause(p->rig->vcpus);
		if (++p->holders != 1 || read_redist(p->rig))
			p->wrong++;
		p->holders--;
		vcpus_resume(p->rig->vcpus);
	}
	return NULL;
}

static void test_one_at_a_time_has_them_paused(void **state)
{
	struct rig *rig = rig_running(NR_VCPUS);
	struct pausers p = { .rig = rig };
	pthread_t threads[4];

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, pause_again_and_again, &p), 0);
	for (unsigned i = 0; i < 50; i++)
		for (unsigned n = 0; n < NR_VCPUS; n++)
			script_write(rig, n, DEVICE, 4, i);
	for (unsigned i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	wait_for(&rig->nr_writes, 50 * NR_VCPUS);
	assert_int_equal(p.wrong, 0);
	rig_free(rig);
}

static void *resume_elsewhere(void *arg)
{
	struct rig *rig = arg;

	vcpus_resume(rig->vcpus);
	return NULL;
}

/* As the batches of two ITSs do, of which one ends within the other. */
static void test_another_thread_may_resume(void **state)
{
	struct rig *rig = rig_running(NR_VCPUS);
	pthread_t thread;

	(void)state;
	for (unsigned round = 0; round < 3; round++) {
		vcpus_pause(rig->vcpus);
		assert_int_equal(pthread_create(&thread, NULL, resume_elsewhere, rig), 0);
		pthread_join(thread, NULL);
	}
	for (unsigned i = 0; i < NR_VCPUS; i++)
		fake_kvm_wait_idle(&rig->fake, i);
	rig_free(rig);
}

/* ---- stopping ------------------------------------------------------------------------------- */

static void test_stopping_ends_vcpus_that_are_paused(void **state)
{
	struct rig *rig = rig_running(NR_VCPUS);

	(void)state;
	for (unsigned i = 0; i < NR_VCPUS; i++)
		fake_kvm_wait_idle(&rig->fake, i);
	vcpus_pause(rig->vcpus);
	vcpus_stop(rig->vcpus);
	vcpus_resume(rig->vcpus);
	/* Nobody is left to be paused. */
	vcpus_pause(rig->vcpus);
	assert_int_equal(read_redist(rig), 0);
	vcpus_resume(rig->vcpus);
	vcpus_stop(rig->vcpus);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(rig->events[i], 0);
	rig_free(rig);
}

static void test_destroying_stops_what_runs(void **state)
{
	struct rig *rig = rig_running(NR_VCPUS);

	(void)state;
	fake_kvm_wait_idle(&rig->fake, 0);
	rig_free(rig);
}

struct pauser {
	struct rig *rig;
	_Atomic unsigned begins, has;
};

static void *pause_once(void *arg)
{
	struct pauser *p = arg;

	p->begins++;
	vcpus_pause(p->rig->vcpus);
	p->has++;
	vcpus_resume(p->rig->vcpus);
	return NULL;
}

static void test_a_pause_waits_for_its_turn_and_stopping_ends_the_wait(void **state)
{
	struct rig *rig = rig_running(1);
	struct pauser p = { .rig = rig };
	pthread_t thread;

	(void)state;
	fake_kvm_wait_idle(&rig->fake, 0);
	/* A pause of an hour: the next has to wait as long. */
	vcpus_pause(rig->vcpus);
	clock_offset_s += 3600;
	vcpus_resume(rig->vcpus);
	assert_int_equal(pthread_create(&thread, NULL, pause_once, &p), 0);
	wait_for(&p.begins, 1);
	for (unsigned i = 0; i < 20; i++)
		nap();
	assert_int_equal(p.has, 0);
	fake_kvm_wait_idle(&rig->fake, 0);
	vcpus_stop(rig->vcpus);
	pthread_join(thread, NULL);
	assert_int_equal(p.has, 1);
	clock_offset_s -= 3600;
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_first_vcpu_is_on_and_the_others_wait_for_psci),
		cmocka_unit_test(test_a_vcpu_gets_what_the_host_has),
		cmocka_unit_test(test_more_vcpus_than_the_host_runs_are_refused),
		cmocka_unit_test(test_a_host_without_nisv_is_refused),
		cmocka_unit_test(test_nothing_stays_open_whichever_step_fails),
		cmocka_unit_test(test_a_guest_enters_at_its_kernel_with_the_device_tree),
		cmocka_unit_test(test_vcpus_that_cannot_be_started_leave_nothing_running),
		cmocka_unit_test(test_a_vcpus_thread_has_a_name_and_its_place),
		cmocka_unit_test(test_writes_reach_the_bus_in_every_width),
		cmocka_unit_test(test_reads_get_what_the_bus_answers_in_every_width),
		cmocka_unit_test(test_an_access_to_nothing_is_counted),
		cmocka_unit_test(test_an_access_without_syndrome_is_aborted_and_counted),
		cmocka_unit_test(test_memory_that_nobody_may_touch_aborts_the_access),
		cmocka_unit_test(test_interruptions_do_not_stop_a_vcpu),
		cmocka_unit_test(test_power_off_and_reset_are_told),
		cmocka_unit_test(test_a_host_that_cannot_go_on_is_told_with_the_reason),
		cmocka_unit_test(test_paused_vcpus_are_out_of_kvm_and_come_back),
		cmocka_unit_test(test_a_paused_guest_runs_nothing),
		cmocka_unit_test(test_vcpus_can_be_paused_before_they_are_started),
		cmocka_unit_test(test_a_kick_that_comes_too_early_is_not_missed),
		cmocka_unit_test(test_a_vcpu_can_pause_all_of_them_itself),
		cmocka_unit_test(test_one_at_a_time_has_them_paused),
		cmocka_unit_test(test_another_thread_may_resume),
		cmocka_unit_test(test_stopping_ends_vcpus_that_are_paused),
		cmocka_unit_test(test_destroying_stops_what_runs),
		cmocka_unit_test(test_a_pause_waits_for_its_turn_and_stopping_ends_the_wait),
	};

	alarm(HANG_S);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
