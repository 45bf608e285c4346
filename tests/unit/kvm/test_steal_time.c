// SPDX-License-Identifier: MIT
/*
 * Stolen time, on a fake KVM that tells it, that does not, and that refuses to.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/kvm/vcpu_rig.h"
#include "vmm/kvm/layout.h"
#include "vmm/kvm/steal_time.h"

static struct vcpu_rig *rig_of_host(bool steal_time)
{
	struct vcpu_rig *rig = vcpu_rig_new();

	rig->fake.steal_time = steal_time;
	assert_int_equal(vcpu_rig_create(rig, NR_VCPUS), 0);
	return rig;
}

static void test_each_vcpu_has_a_place_of_its_own_outside_of_ram(void **state)
{
	struct vcpu_rig *rig = rig_of_host(true);
	const struct fake_slot *slot = &rig->fake.slots[VM_SLOT_STEAL_TIME];
	struct steal_time *steal_time = NULL;

	(void)state;
	assert_int_equal(
		steal_time_create(&rig->vm, rig->vcpus, NR_VCPUS, &steal_time, &rig->failure), 0);
	assert_non_null(steal_time);
	for (unsigned i = 0; i < NR_VCPUS; i++)
		assert_int_equal(rig->fake.vcpus[i].steal_time, LAYOUT_STEAL_TIME + 64 * i);
	assert_int_equal(slot->gpa, LAYOUT_STEAL_TIME);
	assert_int_equal(slot->size, LAYOUT_STEAL_TIME_SZ);
	assert_false(slot->readonly); /* KVM writes as the guest does */
	assert_true(slot->gpa + slot->size <= LAYOUT_RAM);
	/* Of pages of any size that hosts have. */
	assert_int_equal((slot->gpa | slot->size) % (64 * KiB), 0);
	for (size_t i = 0; i < slot->size; i++)
		assert_int_equal(slot->va[i], 0);
	steal_time_destroy(steal_time);
	vcpu_rig_free(rig);
}

static void test_a_host_that_does_not_tell_is_not_asked(void **state)
{
	struct vcpu_rig *rig = rig_of_host(false);
	struct steal_time *steal_time;

	(void)state;
	assert_false(steal_time_is_there(&rig->vm));
	assert_int_equal(
		steal_time_create(&rig->vm, rig->vcpus, NR_VCPUS, &steal_time, &rig->failure), 0);
	assert_null(steal_time);
	assert_int_equal(rig->fake.slots[VM_SLOT_STEAL_TIME].size, 0);
	steal_time_destroy(steal_time);
	vcpu_rig_free(rig);
}

static void test_whichever_call_fails_it_is_told_and_nothing_stays(void **state)
{
	(void)state;
	for (unsigned nr = 1; nr <= 1 + NR_VCPUS; nr++) {
		struct vcpu_rig *rig = rig_of_host(true);
		struct steal_time *steal_time;

		rig->fake.fail_at = nr;
		rig->fake.fail_errno = EPERM;
		assert_int_equal(steal_time_create(&rig->vm, rig->vcpus, NR_VCPUS, &steal_time,
						   &rig->failure),
				 -EPERM);
		assert_null(steal_time);
		assert_int_equal(rig->failure.status, ITSY_ENVIRONMENT);
		assert_string_equal(rig->failure.object, "stolen time");
		assert_true(rig->failure.cure[0]);
		vcpu_rig_free(rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_vcpu_has_a_place_of_its_own_outside_of_ram),
		cmocka_unit_test(test_a_host_that_does_not_tell_is_not_asked),
		cmocka_unit_test(test_whichever_call_fails_it_is_told_and_nothing_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
