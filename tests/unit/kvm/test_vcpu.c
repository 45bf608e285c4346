// SPDX-License-Identifier: MIT
/*
 * The vCPUs on a fake KVM: set-up that fails at any step, and every way out of KVM_RUN.
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

#include "tests/unit/kvm/vcpu_rig.h"

/* ---- what is wrapped ---------------------------------------------------------- */

/* The nth thread from now on cannot be made; 0: all can. */
static unsigned fail_thread_at;

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

/* ---- set-up ------------------------------------------------------------------------ */

static uint32_t feature(unsigned n)
{
	return UINT32_C(1) << n;
}

static void test_the_first_vcpu_is_on_and_the_others_wait_for_psci(void **state)
{
	struct vcpu_rig *rig = vcpu_rig_with(NR_VCPUS);

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
	vcpu_rig_free(rig);
	vcpus_destroy(NULL);
}

static void test_a_vcpu_gets_what_the_host_has(void **state)
{
	struct vcpu_rig *rig = vcpu_rig_new();

	(void)state;
	rig->fake.sve = rig->fake.ptrauth = true;
	assert_int_equal(vcpu_rig_create(rig, 1), 0);
	assert_int_equal(rig->fake.vcpus[0].features,
			 feature(KVM_ARM_VCPU_PSCI_0_2) | feature(KVM_ARM_VCPU_SVE) |
				 feature(KVM_ARM_VCPU_PTRAUTH_ADDRESS) |
				 feature(KVM_ARM_VCPU_PTRAUTH_GENERIC));
	assert_true(rig->fake.vcpus[0].finalised);
	vcpu_rig_free(rig);
}

static void test_more_vcpus_than_the_host_runs_are_refused(void **state)
{
	struct vcpu_rig *rig = vcpu_rig_new();

	(void)state;
	rig->fake.max_vcpus = 2;
	assert_int_equal(vcpu_rig_create(rig, 3), -EINVAL);
	assert_int_equal(rig->failure.status, ITSY_ENVIRONMENT);
	assert_non_null(strstr(rig->failure.cause, "3 asked for, this host runs at most 2"));
	assert_null(rig->vcpus);
	/* A host that does not say is asked for them. */
	rig->fake.max_vcpus = 0;
	assert_int_equal(vcpu_rig_create(rig, 3), 0);
	vcpu_rig_free(rig);
}

static void test_nothing_stays_open_whichever_step_fails(void **state)
{
	unsigned nr;

	(void)state;
	for (nr = 1;; nr++) {
		struct vcpu_rig *rig = vcpu_rig_new();
		int r;

		rig->fake.sve = true;
		rig->fake.fail_at = nr;
		rig->fake.fail_errno = ENOMEM;
		r = vcpu_rig_create(rig, 2);
		if (!rig->fake.failed_call) {
			assert_int_equal(r, 0);
			vcpu_rig_free(rig);
			break;
		}
		assert_int_equal(r, -ENOMEM);
		assert_non_null(strstr(rig->failure.cause, "KVM cannot make 2 vCPUs"));
		assert_non_null(strstr(rig->failure.cure, "memory.max"));
		assert_null(rig->vcpus);
		assert_int_equal(fake_kvm_nr_open(&rig->fake), 3); /* KVM, VM, GIC */
		vcpu_rig_free(rig);
	}
	/* Two calls, then for each: create, initialise, finalise, map, MPIDR. */
	assert_int_equal(nr, 2 + 2 * 5 + 1);
}

static void test_a_guest_enters_at_its_kernel_with_the_device_tree(void **state)
{
	struct vcpu_rig *rig = vcpu_rig_running(2);

	(void)state;
	fake_kvm_wait_idle(&rig->fake, 0);
	fake_kvm_wait_idle(&rig->fake, 1);
	assert_int_equal(rig->fake.vcpus[0].pc, 0x40080000);
	assert_int_equal(rig->fake.vcpus[0].x0, 0x48000000);
	assert_int_equal(rig->fake.vcpus[1].pc, 0);
	vcpu_rig_free(rig);
}

static void expect_no_start(struct vcpu_rig *rig, int error)
{
	assert_int_equal(vcpus_start(rig->vcpus, 1, 2, &vcpu_rig_ops, rig, &rig->failure), -error);
	assert_int_equal(rig->failure.status, ITSY_RUNTIME);
	assert_non_null(strstr(rig->failure.cause, "the vCPUs cannot be started"));
	assert_string_equal(rig->failure.cure, CURE_THREADS);
	/* What has started is stopped. */
	vcpu_rig_free(rig);
}

static void test_vcpus_that_cannot_be_started_leave_nothing_running(void **state)
{
	(void)state;
	for (unsigned nr = 1; nr <= 2; nr++) {
		struct vcpu_rig *rig = vcpu_rig_with(NR_VCPUS);

		rig->fake.fail_at = nr;
		rig->fake.fail_errno = EINVAL;
		expect_no_start(rig, EINVAL);
	}
	for (unsigned nr = 1; nr <= NR_VCPUS; nr++) {
		fail_thread_at = nr;
		expect_no_start(vcpu_rig_with(NR_VCPUS), EAGAIN);
		assert_int_equal(fail_thread_at, 0);
	}
}

static void note_place(struct vcpu_rig *rig)
{
	(void)sched_getaffinity(0, sizeof(rig->cpus), &rig->cpus);
	(void)pthread_getname_np(pthread_self(), rig->name, sizeof(rig->name));
}

static void test_a_vcpus_thread_has_a_name_and_its_place(void **state)
{
	struct vcpu_rig *rig = vcpu_rig_with(2);
	const struct placement place = { .cpu = 0 };

	(void)state;
	rig->on_write = note_place;
	vcpus_place(rig->vcpus, 1, &place);
	vcpu_rig_script_write(rig, 1, DEVICE, 4, 0);
	vcpu_rig_start(rig);
	vcpu_rig_wait_for(&rig->nr_writes, 1);
	assert_string_equal(rig->name, "vcpu1");
	assert_int_equal(CPU_COUNT(&rig->cpus), 1);
	assert_true(CPU_ISSET(0, &rig->cpus));
	vcpu_rig_free(rig);
}

/* ---- exits ----------------------------------------------------------------------------- */

static void test_writes_reach_the_bus_in_every_width(void **state)
{
	const uint64_t value = UINT64_C(0x8877665544332211);
	struct vcpu_rig *rig = vcpu_rig_running(1);

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		unsigned len = 1u << i;

		vcpu_rig_script_write(rig, 0, DEVICE + 8 * i, len, value);
		vcpu_rig_wait_for(&rig->nr_writes, i + 1);
		assert_int_equal(rig->last_offset, 8 * i);
		assert_int_equal(rig->last_len, len);
		assert_int_equal(rig->last_value,
				 len == 8 ? value : value & ((1ull << 8 * len) - 1));
	}
	vcpu_rig_free(rig);
}

static void test_reads_get_what_the_bus_answers_in_every_width(void **state)
{
	const uint64_t value = UINT64_C(0x8877665544332211);
	struct vcpu_rig *rig = vcpu_rig_running(1);

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
	vcpu_rig_free(rig);
}

static void test_an_access_to_nothing_is_counted(void **state)
{
	struct vcpu_rig *rig = vcpu_rig_running(1);

	(void)state;
	vcpu_rig_script_write(rig, 0, NOWHERE, 4, 1);
	vcpu_rig_script_write(rig, 0, DEVICE, 4, 1);
	vcpu_rig_wait_for(&rig->nr_writes, 1);
	assert_int_equal(rig->bus.unclaimed, 1);
	vcpu_rig_free(rig);
}

/* One access that KVM_RUN ends with `exit` for; what is counted of it. */
static struct vcpus_stats abort_of(const struct fake_exit *exit)
{
	struct vcpu_rig *rig = vcpu_rig_running(1);
	struct vcpus_stats stats;

	fake_kvm_script(&rig->fake, 0, exit);
	vcpu_rig_script_write(rig, 0, DEVICE, 4, 1);
	vcpu_rig_wait_for(&rig->nr_writes, 1);
	vcpus_stats_get(rig->vcpus, &stats);
	assert_int_equal(rig->fake.vcpus[0].nr_aborts, 1);
	assert_int_equal(rig->bus.unclaimed, 0);
	vcpu_rig_free(rig);
	return stats;
}

static void test_an_access_without_syndrome_is_aborted_and_counted(void **state)
{
	const struct vcpus_stats stats =
		abort_of(&(struct fake_exit){ .reason = KVM_EXIT_ARM_NISV });

	(void)state;
	assert_int_equal(stats.unemulated, 1);
	assert_int_equal(stats.unreachable, 0);
}

/* There KVM_RUN fails, with the access's address kept as at an exit. */
static void test_without_that_exit_the_access_is_aborted_all_the_same(void **state)
{
	struct vcpu_rig *rig = vcpu_rig_new();
	struct vcpus_stats stats;

	(void)state;
	rig->fake.no_nisv = true;
	assert_int_equal(vcpu_rig_create(rig, 1), 0);
	assert_false(rig->fake.nisv_enabled);
	vcpu_rig_start(rig);
	vcpu_rig_script_error(rig, 0, ENOSYS);
	vcpu_rig_script_write(rig, 0, DEVICE, 4, 1);
	vcpu_rig_wait_for(&rig->nr_writes, 1);
	vcpus_stats_get(rig->vcpus, &stats);
	assert_int_equal(rig->fake.vcpus[0].nr_aborts, 1);
	assert_int_equal(stats.unemulated, 1);
	vcpu_rig_free(rig);
}

static void test_memory_that_kvm_cannot_reach_aborts_the_access(void **state)
{
	const struct vcpus_stats stats = abort_of(&(struct fake_exit){ .error = EFAULT });

	(void)state;
	assert_int_equal(stats.unreachable, 1);
	assert_int_equal(stats.unemulated, 0);
}

static void test_interruptions_do_not_stop_a_vcpu(void **state)
{
	struct vcpu_rig *rig = vcpu_rig_running(1);

	(void)state;
	vcpu_rig_script_error(rig, 0, EINTR);
	vcpu_rig_script_error(rig, 0, EAGAIN);
	vcpu_rig_script_reason(rig, 0, KVM_EXIT_INTR);
	vcpu_rig_script_event(rig, 0, KVM_SYSTEM_EVENT_WAKEUP);
	vcpu_rig_script_write(rig, 0, DEVICE, 4, 1);
	vcpu_rig_wait_for(&rig->nr_writes, 1);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(rig->events[i], 0);
	vcpu_rig_free(rig);
}

static void expect_end(uint32_t system_event, enum vcpu_event told)
{
	struct vcpu_rig *rig = vcpu_rig_running(2);
	unsigned nr_runs;

	vcpu_rig_script_event(rig, 1, system_event);
	vcpu_rig_wait_for(&rig->events[told], 1);
	vcpus_stop(rig->vcpus);
	nr_runs = rig->fake.vcpus[1].nr_runs;
	assert_int_equal(nr_runs, 1); /* the guest runs no more */
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(rig->events[i], i == told);
	assert_string_equal(rig->why, "");
	vcpu_rig_free(rig);
}

static void test_power_off_and_reset_are_told(void **state)
{
	(void)state;
	expect_end(KVM_SYSTEM_EVENT_SHUTDOWN, VCPU_EVENT_OFF);
	expect_end(KVM_SYSTEM_EVENT_RESET, VCPU_EVENT_RESET);
}

static void expect_failure(const struct fake_exit *exit, unsigned fail_at, const char *why)
{
	struct vcpu_rig *rig = vcpu_rig_running(1);

	fake_kvm_wait_idle(&rig->fake, 0);
	rig->fake.fail_errno = EIO;
	rig->fake.fail_at = fail_at;
	fake_kvm_script(&rig->fake, 0, exit);
	vcpu_rig_wait_for(&rig->events[VCPU_EVENT_FAILED], 1);
	vcpus_stop(rig->vcpus);
	if (!strstr(rig->why, why))
		fail_msg("\"%s\" says nothing of \"%s\"", rig->why, why);
	assert_int_equal(rig->events[VCPU_EVENT_FAILED], 1);
	vcpu_rig_free(rig);
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
	expect_failure(&untouchable, 1, "vCPU 0: KVM_SET_VCPU_EVENTS: Input/output error");
	expect_failure(&no_syndrome, 1, "vCPU 0: KVM_SET_VCPU_EVENTS: Input/output error");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_first_vcpu_is_on_and_the_others_wait_for_psci),
		cmocka_unit_test(test_a_vcpu_gets_what_the_host_has),
		cmocka_unit_test(test_more_vcpus_than_the_host_runs_are_refused),
		cmocka_unit_test(test_nothing_stays_open_whichever_step_fails),
		cmocka_unit_test(test_a_guest_enters_at_its_kernel_with_the_device_tree),
		cmocka_unit_test(test_vcpus_that_cannot_be_started_leave_nothing_running),
		cmocka_unit_test(test_a_vcpus_thread_has_a_name_and_its_place),
		cmocka_unit_test(test_writes_reach_the_bus_in_every_width),
		cmocka_unit_test(test_reads_get_what_the_bus_answers_in_every_width),
		cmocka_unit_test(test_an_access_to_nothing_is_counted),
		cmocka_unit_test(test_an_access_without_syndrome_is_aborted_and_counted),
		cmocka_unit_test(test_without_that_exit_the_access_is_aborted_all_the_same),
		cmocka_unit_test(test_memory_that_kvm_cannot_reach_aborts_the_access),
		cmocka_unit_test(test_interruptions_do_not_stop_a_vcpu),
		cmocka_unit_test(test_power_off_and_reset_are_told),
		cmocka_unit_test(test_a_host_that_cannot_go_on_is_told_with_the_reason),
	};

	alarm(HANG_S);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
