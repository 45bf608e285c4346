// SPDX-License-Identifier: MIT
/*
 * A vCPU that runs instructions of ours in between, and goes on as if nothing was.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/kvm/vcpu_rig.h"
#include "vmm/base/bits.h"

#define CODE UINT64_C(0x20000)
#define ARG  UINT64_C(27)

/* What the guest has, and what it may not notice. */
#define GUEST_PC     UINT64_C(0xffff800080001000)
#define GUEST_PSTATE UINT64_C(0x60000005)
#define GUEST_SCTLR  UINT64_C(0x30d0198d)
#define GUEST_X(n)   (UINT64_C(0x1111000) + (n))

static struct seen {
	uint64_t pc, pstate, sctlr, x0;
	unsigned nr;
	int r;
} seen;

/* In KVM_RUN, on the vCPU's thread: the instructions use up registers. */
static void on_entering(void *arg, unsigned n)
{
	struct vcpu_rig *rig = arg;
	struct fake_vcpu *vcpu = &rig->fake.vcpus[n];

	if (vcpu->pc < CODE || vcpu->pc >= CODE + 0x1000 || vcpu->run->immediate_exit)
		return;
	seen.pc = vcpu->pc;
	seen.pstate = vcpu->pstate;
	seen.sctlr = vcpu->sctlr;
	seen.x0 = vcpu->x0;
	seen.nr++;
	vcpu->pc += 0x20;
	vcpu->x0 = vcpu->x1_to_x3[0] = vcpu->x1_to_x3[1] = vcpu->x1_to_x3[2] = 0xbad;
}

/* The guest's write: on its thread. */
static void take_detour(struct vcpu_rig *rig)
{
	vcpus_pause(rig->vcpus);
	seen.r = vcpus_detour(rig->vcpus, 1, CODE, ARG);
	vcpus_resume(rig->vcpus);
}

static struct vcpu_rig *rig_new(void)
{
	struct vcpu_rig *rig = vcpu_rig_with(2);
	struct fake_vcpu *vcpu = &rig->fake.vcpus[1];

	seen = (struct seen){ 0 };
	vcpu->pc = GUEST_PC;
	vcpu->pstate = GUEST_PSTATE;
	vcpu->sctlr = GUEST_SCTLR;
	vcpu->x0 = GUEST_X(0);
	for (unsigned i = 0; i < 3; i++)
		vcpu->x1_to_x3[i] = GUEST_X(i + 1);
	rig->fake.entering = on_entering;
	rig->fake.entering_arg = rig;
	rig->on_write = take_detour;
	return rig;
}

static void expect_guest_as_it_was(struct vcpu_rig *rig)
{
	const struct fake_vcpu *vcpu = &rig->fake.vcpus[1];

	assert_int_equal(vcpu->pc, GUEST_PC);
	assert_int_equal(vcpu->pstate, GUEST_PSTATE);
	assert_int_equal(vcpu->sctlr, GUEST_SCTLR);
	assert_int_equal(vcpu->x0, GUEST_X(0));
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(vcpu->x1_to_x3[i], GUEST_X(i + 1));
}

/* Runs it, with what has been scripted after the guest's write. */
static void run(struct vcpu_rig *rig, unsigned nr_exits)
{
	vcpu_rig_start(rig);
	fake_kvm_wait_done(&rig->fake, 1, nr_exits);
	fake_kvm_wait_idle(&rig->fake, 1);
	vcpus_stop(rig->vcpus);
}

static void test_a_detour_is_at_el1_masked_without_mmu_and_leaves_no_trace(void **state)
{
	struct vcpu_rig *rig = rig_new();

	(void)state;
	vcpu_rig_script_write(rig, 1, DEVICE, 4, 0);
	vcpu_rig_script_write(rig, 1, CODE + 0x20, 4, 0);
	run(rig, 2);
	assert_int_equal(seen.r, 0);
	assert_int_equal(seen.nr, 1);
	assert_int_equal(seen.pc, CODE);
	assert_int_equal(seen.pstate, 0x3c5);
	assert_int_equal(seen.sctlr, GUEST_SCTLR & ~UINT64_C(1));
	assert_int_equal(seen.x0, ARG);
	expect_guest_as_it_was(rig);
	/* Its store was not taken for the guest's. */
	assert_int_equal(rig->nr_writes, 1);
	assert_int_equal(rig->bus.unclaimed, 0);
	vcpu_rig_free(rig);
}

static void test_signals_do_not_end_a_detour(void **state)
{
	struct vcpu_rig *rig = rig_new();

	(void)state;
	vcpu_rig_script_write(rig, 1, DEVICE, 4, 0);
	for (unsigned i = 0; i < 5; i++)
		vcpu_rig_script_error(rig, 1, EINTR);
	vcpu_rig_script_write(rig, 1, CODE + 0x20, 4, 0);
	run(rig, 7);
	assert_int_equal(seen.r, 0);
	expect_guest_as_it_was(rig);
	vcpu_rig_free(rig);
}

static void test_a_detour_that_ends_elsewhere_is_told_and_leaves_no_trace(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct vcpu_rig *rig = rig_new();

		vcpu_rig_script_write(rig, 1, DEVICE, 4, 0);
		if (i == 0)
			vcpu_rig_script_write(rig, 1, CODE + 0x1000, 4, 0);
		if (i == 1)
			vcpu_rig_script_event(rig, 1, KVM_SYSTEM_EVENT_SHUTDOWN);
		if (i == 2)
			vcpu_rig_script_error(rig, 1, EFAULT);
		run(rig, 2);
		assert_int_equal(seen.r, i == 2 ? -EFAULT : -EIO);
		expect_guest_as_it_was(rig);
		assert_int_equal(rig->events[VCPU_EVENT_OFF], 0);
		vcpu_rig_free(rig);
	}
}

static void test_a_detour_on_another_thread_is_refused(void **state)
{
	struct vcpu_rig *rig = rig_new();

	(void)state;
	vcpu_rig_start(rig);
	fake_kvm_wait_idle(&rig->fake, 1);
	take_detour(rig);
	assert_int_equal(seen.r, -EPERM);
	assert_int_equal(seen.nr, 0);
	fake_kvm_wait_idle(&rig->fake, 1);
	vcpus_stop(rig->vcpus);
	expect_guest_as_it_was(rig);
	vcpu_rig_free(rig);
}

/* On the vCPU's thread, so that nobody else's call is in between. */
static void take_detour_that_fails(struct vcpu_rig *rig)
{
	vcpus_pause(rig->vcpus);
	rig->fake.fail_at = rig->fake.fail_errno == ENOMEM ? 1 : 9;
	seen.r = vcpus_detour(rig->vcpus, 1, CODE, ARG);
	vcpus_resume(rig->vcpus);
}

static void test_a_register_that_kvm_refuses_is_told(void **state)
{
	static const int errnos[] = { ENOMEM, EIO }; /* reading one, and writing one */

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(errnos); i++) {
		struct vcpu_rig *rig = rig_new();

		rig->on_write = take_detour_that_fails;
		rig->fake.fail_errno = errnos[i];
		vcpu_rig_script_write(rig, 1, DEVICE, 4, 0);
		run(rig, 1);
		assert_int_equal(seen.r, -errnos[i]);
		assert_int_equal(seen.nr, 0);
		expect_guest_as_it_was(rig);
		vcpu_rig_free(rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_detour_is_at_el1_masked_without_mmu_and_leaves_no_trace),
		cmocka_unit_test(test_signals_do_not_end_a_detour),
		cmocka_unit_test(test_a_detour_that_ends_elsewhere_is_told_and_leaves_no_trace),
		cmocka_unit_test(test_a_detour_on_another_thread_is_refused),
		cmocka_unit_test(test_a_register_that_kvm_refuses_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
