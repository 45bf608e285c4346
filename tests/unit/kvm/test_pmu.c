// SPDX-License-Identifier: MIT
/*
 * Performance counters, on a fake KVM that has them, that has none, and that refuses them.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/kvm/vcpu_rig.h"
#include "vmm/kvm/gic.h"
#include "vmm/kvm/pmu.h"

static struct vcpu_rig *rig_of_host(bool pmu)
{
	struct vcpu_rig *rig = vcpu_rig_new();

	rig->fake.pmu = pmu;
	assert_int_equal(vcpu_rig_create(rig, NR_VCPUS), 0);
	return rig;
}

static bool has_feature(const struct vcpu_rig *rig, unsigned vcpu)
{
	return rig->fake.vcpus[vcpu].features >> KVM_ARM_VCPU_PMU_V3 & 1;
}

static void test_each_vcpu_has_counters_where_the_host_has_them(void **state)
{
	struct vcpu_rig *rig = rig_of_host(true);

	(void)state;
	assert_true(pmu_is_there(&rig->vm));
	assert_int_equal(gic_start(&rig->vm, rig->gic, NR_VCPUS, &rig->failure), 0);
	assert_int_equal(pmu_start(&rig->vm, rig->vcpus, NR_VCPUS, &rig->failure), 0);
	for (unsigned i = 0; i < NR_VCPUS; i++) {
		assert_true(has_feature(rig, i));
		assert_int_equal(rig->fake.vcpus[i].pmu_intid, PMU_INTID);
		assert_true(rig->fake.vcpus[i].pmu_on);
	}
	vcpu_rig_free(rig);
}

static void test_a_host_without_counters_is_asked_for_none(void **state)
{
	struct vcpu_rig *rig = rig_of_host(false);

	(void)state;
	assert_false(pmu_is_there(&rig->vm));
	assert_int_equal(gic_start(&rig->vm, rig->gic, NR_VCPUS, &rig->failure), 0);
	assert_int_equal(pmu_start(&rig->vm, rig->vcpus, NR_VCPUS, &rig->failure), 0);
	for (unsigned i = 0; i < NR_VCPUS; i++) {
		assert_false(has_feature(rig, i));
		assert_int_equal(rig->fake.vcpus[i].pmu_intid, 0);
	}
	vcpu_rig_free(rig);
}

static void test_a_host_that_refuses_them_is_told_of(void **state)
{
	struct vcpu_rig *rig = rig_of_host(true);

	(void)state;
	/* Too early: the interrupt controller is not there. */
	assert_int_equal(pmu_start(&rig->vm, rig->vcpus, NR_VCPUS, &rig->failure), -ENODEV);
	assert_int_equal(rig->failure.status, ITSY_ENVIRONMENT);
	assert_string_equal(rig->failure.object, "performance counters");
	assert_non_null(strstr(rig->failure.cause, "No such device"));
	assert_string_equal(rig->failure.cure, CURE_KERNEL_LOG);
	vcpu_rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_vcpu_has_counters_where_the_host_has_them),
		cmocka_unit_test(test_a_host_without_counters_is_asked_for_none),
		cmocka_unit_test(test_a_host_that_refuses_them_is_told_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
