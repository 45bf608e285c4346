// SPDX-License-Identifier: MIT
/*
 * Pausing, resuming and stopping the vCPUs from several threads, on a fake KVM.
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
#include "vmm/base/clock.h"

/* ---- what is wrapped ---------------------------------------------------------- */

/* So much later it is than the clock says. */
static _Atomic int64_t clock_offset_s;
/* And it stands still at this time, if it is not 0. */
static _Atomic int64_t clock_stands_ns;

int __real_clock_gettime(clockid_t id, struct timespec *ret_now);
int __wrap_clock_gettime(clockid_t id, struct timespec *ret_now);
int __wrap_clock_gettime(clockid_t id, struct timespec *ret_now)
{
	int r = __real_clock_gettime(id, ret_now);

	ret_now->tv_sec += clock_offset_s;
	if (clock_stands_ns) {
		ret_now->tv_sec = clock_stands_ns / 1000000000;
		ret_now->tv_nsec = clock_stands_ns % 1000000000;
	}
	return r;
}

/* ---- pausing ------------------------------------------------------------------------------ */

static void test_paused_vcpus_are_out_of_kvm_and_come_back(void **state)
{
	struct vcpu_rig *rig = vcpu_rig_running(NR_VCPUS);

	(void)state;
	for (unsigned i = 0; i < NR_VCPUS; i++)
		fake_kvm_wait_idle(&rig->fake, i);
	assert_int_equal(vcpu_rig_read_redist(rig), -EBUSY);
	rig->fake.nr_met = 0;
	for (unsigned round = 0; round < 5; round++) {
		vcpus_pause(rig->vcpus);
		for (unsigned i = 0; i < NR_VCPUS; i++)
			assert_false(fake_kvm_inside(&rig->fake, i));
		assert_int_equal(vcpu_rig_read_redist(rig), 0);
		vcpus_resume(rig->vcpus);
		for (unsigned i = 0; i < NR_VCPUS; i++)
			fake_kvm_wait_idle(&rig->fake, i);
	}
	vcpu_rig_free(rig);
}

static void test_a_paused_guest_runs_nothing(void **state)
{
	struct vcpu_rig *rig = vcpu_rig_running(1);

	(void)state;
	fake_kvm_wait_idle(&rig->fake, 0);
	vcpus_pause(rig->vcpus);
	vcpu_rig_script_write(rig, 0, DEVICE, 4, 1);
	vcpu_rig_nap(); /* gives a vCPU that is not held the time to do it */
	assert_int_equal(rig->nr_writes, 0);
	assert_false(fake_kvm_inside(&rig->fake, 0));
	vcpus_resume(rig->vcpus);
	vcpu_rig_wait_for(&rig->nr_writes, 1);
	vcpu_rig_free(rig);
}

static void test_vcpus_can_be_paused_before_they_are_started(void **state)
{
	struct vcpu_rig *rig = vcpu_rig_with(NR_VCPUS);

	(void)state;
	vcpus_pause(rig->vcpus);
	assert_int_equal(vcpu_rig_read_redist(rig), 0);
	vcpus_resume(rig->vcpus);
	vcpu_rig_free(rig);
}

/* A vCPU in KVM_RUN that has not looked at immediate_exit yet, until it was kicked. */
static void wait_for_kick(void *arg, unsigned n)
{
	struct vcpu_rig *rig = arg;
	struct kvm_run *run = rig->fake.vcpus[n].run;

	while (!__atomic_load_n(&run->immediate_exit, __ATOMIC_RELAXED))
		vcpu_rig_nap();
	/* The signal comes after immediate_exit, and its handler has nothing to end. */
	vcpu_rig_nap();
}

static void test_a_kick_that_comes_too_early_is_not_missed(void **state)
{
	struct vcpu_rig *rig = vcpu_rig_with(2);

	(void)state;
	rig->fake.entering = wait_for_kick;
	rig->fake.entering_arg = rig;
	vcpu_rig_start(rig);
	while (!fake_kvm_inside(&rig->fake, 0) || !fake_kvm_inside(&rig->fake, 1))
		vcpu_rig_nap();
	for (unsigned round = 0; round < 3; round++) {
		vcpus_pause(rig->vcpus);
		assert_int_equal(vcpu_rig_read_redist(rig), 0);
		vcpus_resume(rig->vcpus);
	}
	vcpus_stop(rig->vcpus);
	vcpu_rig_free(rig);
}

static void pause_here(struct vcpu_rig *rig)
{
	vcpus_pause(rig->vcpus);
	if (vcpu_rig_read_redist(rig))
		abort();
	vcpus_resume(rig->vcpus);
}

static void test_a_vcpu_can_pause_all_of_them_itself(void **state)
{
	struct vcpu_rig *rig = vcpu_rig_with(NR_VCPUS);

	(void)state;
	rig->on_write = pause_here;
	for (unsigned i = 0; i < NR_VCPUS; i++)
		for (unsigned n = 0; n < 20; n++)
			vcpu_rig_script_write(rig, i, DEVICE, 4, 1);
	vcpu_rig_start(rig);
	vcpu_rig_wait_for(&rig->nr_writes, 20 * NR_VCPUS);
	vcpu_rig_free(rig);
}

struct pausers {
	struct vcpu_rig *rig;
	_Atomic unsigned holders, wrong;
	_Atomic bool done;
};

static void *pause_again_and_again(void *arg)
{
	struct pausers *p = arg;

	for (unsigned i = 0; i < 100; i++) {
		vcpus_pause(p->rig->vcpus);
		if (++p->holders != 1 || vcpu_rig_read_redist(p->rig))
			p->wrong++;
		p->holders--;
		vcpus_resume(p->rig->vcpus);
	}
	return NULL;
}

static void test_one_at_a_time_has_them_paused(void **state)
{
	struct vcpu_rig *rig = vcpu_rig_running(NR_VCPUS);
	struct pausers p = { .rig = rig };
	pthread_t threads[4];

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, pause_again_and_again, &p), 0);
	for (unsigned i = 0; i < 20; i++)
		for (unsigned n = 0; n < NR_VCPUS; n++) {
			vcpu_rig_script_write(rig, n, DEVICE, 4, i);
			vcpu_rig_script_reason(rig, n, KVM_EXIT_ARM_NISV);
			vcpu_rig_script_error(rig, n, EFAULT);
		}
	for (unsigned i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	vcpu_rig_wait_for(&rig->nr_writes, 20 * NR_VCPUS);
	assert_int_equal(p.wrong, 0);
	vcpu_rig_free(rig);
}

static void *resume_elsewhere(void *arg)
{
	struct vcpu_rig *rig = arg;

	vcpus_resume(rig->vcpus);
	return NULL;
}

/* As the batches of two ITSs do, of which one ends within the other. */
static void test_another_thread_may_resume(void **state)
{
	struct vcpu_rig *rig = vcpu_rig_running(NR_VCPUS);
	pthread_t thread;

	(void)state;
	for (unsigned round = 0; round < 3; round++) {
		vcpus_pause(rig->vcpus);
		assert_int_equal(pthread_create(&thread, NULL, resume_elsewhere, rig), 0);
		pthread_join(thread, NULL);
	}
	for (unsigned i = 0; i < NR_VCPUS; i++)
		fake_kvm_wait_idle(&rig->fake, i);
	vcpu_rig_free(rig);
}

struct meeting {
	struct vcpu_rig *rig;
	_Atomic unsigned nr_in_ioctl;
	_Atomic bool over;
};

/* On a host that is slow: until a pause wants the vCPU out, or has come without asking. */
static void take_long(void *arg, unsigned n, unsigned long request)
{
	struct meeting *m = arg;
	struct kvm_run *run = m->rig->fake.vcpus[n].run;

	if (request != KVM_SET_VCPU_EVENTS)
		abort();
	m->nr_in_ioctl++;
	while (!__atomic_load_n(&run->immediate_exit, __ATOMIC_RELAXED) && !m->over)
		vcpu_rig_nap();
}

static void test_an_abort_is_injected_where_a_pause_waits_for_it(void **state)
{
	static const struct fake_exit exits[] = {
		{ .reason = KVM_EXIT_ARM_NISV },
		{ .error = EFAULT },
		{ .error = ENOSYS },
	};
	struct vcpu_rig *rig = vcpu_rig_with(NR_VCPUS);
	struct meeting m = { .rig = rig };

	(void)state;
	rig->fake.in_ioctl = take_long;
	rig->fake.entering_arg = &m;
	vcpu_rig_start(rig);
	for (unsigned i = 0; i < 3; i++) {
		int r;

		fake_kvm_script(&rig->fake, 1, &exits[i]);
		vcpu_rig_wait_for(&m.nr_in_ioctl, i + 1);
		vcpus_pause(rig->vcpus);
		r = vcpu_rig_read_redist(rig);
		m.over = true;
		vcpus_resume(rig->vcpus);
		assert_int_equal(r, 0);
		fake_kvm_wait_idle(&rig->fake, 1);
		pthread_mutex_lock(&rig->fake.lock);
		assert_int_equal(rig->fake.vcpus[1].nr_aborts, i + 1);
		pthread_mutex_unlock(&rig->fake.lock);
		m.over = false;
	}
	vcpu_rig_free(rig);
}

struct pauser {
	struct vcpu_rig *rig;
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

/* ---- pauses in a row ------------------------------------------------------------------------ */

static void nap_times(unsigned nr)
{
	while (nr--)
		vcpu_rig_nap();
}

static bool any_inside(struct vcpu_rig *rig)
{
	for (unsigned i = 0; i < NR_VCPUS; i++)
		if (fake_kvm_inside(&rig->fake, i))
			return true;
	return false;
}

/*
 * A pause that lingers for an hour: all that it took out of KVM are held when it ends. The clock
 * stands still, so that however slow the machine is the pause was a short one.
 */
static struct vcpu_rig *rig_lingering(void)
{
	clock_offset_s += 3600;
	clock_stands_ns = (int64_t)clock_ns();
	for (;;) {
		struct vcpu_rig *rig = vcpu_rig_running(NR_VCPUS);

		for (unsigned i = 0; i < NR_VCPUS; i++)
			fake_kvm_wait_idle(&rig->fake, i);
		vcpus_pause(rig->vcpus);
		nap_times(20);
		vcpus_resume_soon(rig->vcpus);
		nap_times(5);
		if (!any_inside(rig))
			return rig;
		/* On a slow machine some were not on their way back yet. */
		vcpu_rig_free(rig);
	}
}

static void rig_free_lingering(struct vcpu_rig *rig)
{
	clock_stands_ns = 0;
	clock_offset_s -= 3600;
	vcpu_rig_free(rig);
}

static void test_the_next_pause_finds_out_of_kvm_whom_the_last_one_held(void **state)
{
	struct vcpu_rig *rig = rig_lingering();

	(void)state;
	for (unsigned i = 0; i < NR_VCPUS; i++)
		rig->fake.vcpus[i].run->immediate_exit = 0;
	vcpus_pause(rig->vcpus);
	assert_int_equal(vcpu_rig_read_redist(rig), 0);
	/* Nobody was kicked for it. */
	for (unsigned i = 0; i < NR_VCPUS; i++)
		assert_int_equal(rig->fake.vcpus[i].run->immediate_exit, 0);
	vcpus_resume(rig->vcpus);
	for (unsigned i = 0; i < NR_VCPUS; i++)
		fake_kvm_wait_idle(&rig->fake, i);
	rig_free_lingering(rig);
}

static void test_who_was_held_is_back_when_no_pause_follows(void **state)
{
	struct vcpu_rig *rig = vcpu_rig_running(NR_VCPUS);

	(void)state;
	for (unsigned round = 0; round < 5; round++) {
		vcpus_pause(rig->vcpus);
		nap_times(5);
		vcpus_resume_soon(rig->vcpus);
		for (unsigned i = 0; i < NR_VCPUS; i++)
			fake_kvm_wait_idle(&rig->fake, i);
	}
	vcpu_rig_free(rig);
}

/* Whichever of the two is over first. */
static void test_a_guest_is_frozen_while_a_pause_lingers(void **state)
{
	struct vcpu_rig *rig = vcpu_rig_running(NR_VCPUS);

	(void)state;
	for (unsigned round = 0; round < 5; round++) {
		vcpus_pause(rig->vcpus);
		nap_times(5);
		vcpus_resume_soon(rig->vcpus);
		vcpus_freeze(rig->vcpus);
		nap_times(round);
		assert_int_equal(vcpu_rig_read_redist(rig), 0);
		vcpus_thaw(rig->vcpus);
		for (unsigned i = 0; i < NR_VCPUS; i++)
			fake_kvm_wait_idle(&rig->fake, i);
	}
	vcpu_rig_free(rig);
}

static void test_pauses_in_a_row_have_an_end(void **state)
{
	struct vcpu_rig *rig = rig_lingering();
	struct pauser p = { .rig = rig };
	pthread_t thread;

	(void)state;
	/* Longer than all of a row may be: the next one has to wait, as after any long pause. */
	clock_stands_ns += 1000000000;
	assert_int_equal(pthread_create(&thread, NULL, pause_once, &p), 0);
	for (unsigned i = 0; i < NR_VCPUS; i++)
		fake_kvm_wait_idle(&rig->fake, i);
	assert_int_equal(p.has, 0);
	vcpus_stop(rig->vcpus);
	pthread_join(thread, NULL);
	assert_int_equal(p.has, 1);
	rig_free_lingering(rig);
}

static void test_stopping_ends_a_pause_that_lingers(void **state)
{
	struct vcpu_rig *rig = rig_lingering();

	(void)state;
	vcpus_stop(rig->vcpus);
	rig_free_lingering(rig);
}

/* ---- freezing ------------------------------------------------------------------------------- */

static void test_a_frozen_guest_runs_nothing_and_can_be_paused(void **state)
{
	struct vcpu_rig *rig = vcpu_rig_running(NR_VCPUS);

	(void)state;
	for (unsigned round = 1; round <= 3; round++) {
		for (unsigned i = 0; i < NR_VCPUS; i++)
			fake_kvm_wait_idle(&rig->fake, i);
		vcpus_freeze(rig->vcpus);
		vcpus_freeze(rig->vcpus);
		assert_int_equal(vcpu_rig_read_redist(rig), 0);
		vcpu_rig_script_write(rig, 0, DEVICE, 4, 1);
		pause_here(rig);
		/* Neither the end of a pause has them run, nor a pause around the freeze. */
		vcpus_pause(rig->vcpus);
		vcpus_thaw(rig->vcpus);
		vcpus_freeze(rig->vcpus);
		vcpus_resume(rig->vcpus);
		vcpu_rig_nap(); /* gives a vCPU that is not held the time to do it */
		assert_int_equal(rig->nr_writes, round - 1);
		assert_int_equal(vcpu_rig_read_redist(rig), 0);
		vcpus_thaw(rig->vcpus);
		vcpu_rig_wait_for(&rig->nr_writes, round);
	}
	vcpu_rig_free(rig);
}

/* It has no turn: what was paused for long may be frozen at once. */
static void test_a_freeze_waits_for_no_budget_and_takes_none(void **state)
{
	struct vcpu_rig *rig = vcpu_rig_running(1);

	(void)state;
	fake_kvm_wait_idle(&rig->fake, 0);
	vcpus_freeze(rig->vcpus);
	clock_offset_s += 3600;
	vcpus_thaw(rig->vcpus);
	pause_here(rig);
	fake_kvm_wait_idle(&rig->fake, 0);
	vcpus_pause(rig->vcpus);
	clock_offset_s += 3600;
	vcpus_resume(rig->vcpus);
	vcpus_freeze(rig->vcpus);
	assert_int_equal(vcpu_rig_read_redist(rig), 0);
	vcpus_thaw(rig->vcpus);
	vcpu_rig_free(rig);
	clock_offset_s = 0;
}

static void test_stopping_ends_vcpus_that_are_frozen(void **state)
{
	struct vcpu_rig *rig = vcpu_rig_running(NR_VCPUS);

	(void)state;
	vcpus_freeze(rig->vcpus);
	vcpus_stop(rig->vcpus);
	vcpu_rig_free(rig);
}

/* ---- stopping ------------------------------------------------------------------------------- */

static void test_stopping_ends_vcpus_that_are_paused(void **state)
{
	struct vcpu_rig *rig = vcpu_rig_running(NR_VCPUS);

	(void)state;
	for (unsigned i = 0; i < NR_VCPUS; i++)
		fake_kvm_wait_idle(&rig->fake, i);
	vcpus_pause(rig->vcpus);
	vcpus_stop(rig->vcpus);
	vcpus_resume(rig->vcpus);
	/* Nobody is left to be paused. */
	vcpus_pause(rig->vcpus);
	assert_int_equal(vcpu_rig_read_redist(rig), 0);
	vcpus_resume(rig->vcpus);
	vcpus_stop(rig->vcpus);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(rig->events[i], 0);
	vcpu_rig_free(rig);
}

static void test_destroying_stops_what_runs(void **state)
{
	struct vcpu_rig *rig = vcpu_rig_running(NR_VCPUS);

	(void)state;
	fake_kvm_wait_idle(&rig->fake, 0);
	vcpu_rig_free(rig);
}

static void test_a_pause_waits_for_its_turn_and_stopping_ends_the_wait(void **state)
{
	struct vcpu_rig *rig = vcpu_rig_running(1);
	struct pauser p = { .rig = rig };
	pthread_t thread;

	(void)state;
	fake_kvm_wait_idle(&rig->fake, 0);
	/* A pause of an hour: the next has to wait as long. */
	vcpus_pause(rig->vcpus);
	clock_offset_s += 3600;
	vcpus_resume(rig->vcpus);
	assert_int_equal(pthread_create(&thread, NULL, pause_once, &p), 0);
	vcpu_rig_wait_for(&p.begins, 1);
	for (unsigned i = 0; i < 20; i++)
		vcpu_rig_nap();
	assert_int_equal(p.has, 0);
	fake_kvm_wait_idle(&rig->fake, 0);
	vcpus_stop(rig->vcpus);
	pthread_join(thread, NULL);
	assert_int_equal(p.has, 1);
	clock_offset_s -= 3600;
	vcpu_rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paused_vcpus_are_out_of_kvm_and_come_back),
		cmocka_unit_test(test_a_paused_guest_runs_nothing),
		cmocka_unit_test(test_vcpus_can_be_paused_before_they_are_started),
		cmocka_unit_test(test_a_kick_that_comes_too_early_is_not_missed),
		cmocka_unit_test(test_a_vcpu_can_pause_all_of_them_itself),
		cmocka_unit_test(test_one_at_a_time_has_them_paused),
		cmocka_unit_test(test_another_thread_may_resume),
		cmocka_unit_test(test_an_abort_is_injected_where_a_pause_waits_for_it),
		cmocka_unit_test(test_the_next_pause_finds_out_of_kvm_whom_the_last_one_held),
		cmocka_unit_test(test_who_was_held_is_back_when_no_pause_follows),
		cmocka_unit_test(test_a_guest_is_frozen_while_a_pause_lingers),
		cmocka_unit_test(test_pauses_in_a_row_have_an_end),
		cmocka_unit_test(test_stopping_ends_a_pause_that_lingers),
		cmocka_unit_test(test_a_frozen_guest_runs_nothing_and_can_be_paused),
		cmocka_unit_test(test_a_freeze_waits_for_no_budget_and_takes_none),
		cmocka_unit_test(test_stopping_ends_vcpus_that_are_frozen),
		cmocka_unit_test(test_stopping_ends_vcpus_that_are_paused),
		cmocka_unit_test(test_destroying_stops_what_runs),
		cmocka_unit_test(test_a_pause_waits_for_its_turn_and_stopping_ends_the_wait),
	};

	alarm(HANG_S);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
