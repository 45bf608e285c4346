// SPDX-License-Identifier: MIT
/*
 * The GICv3: placed as the layout says, refused with words, its redistributors read
 * by affinity.
 */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/kvm/fake_kvm.h"
#include "vmm/base/clock.h"
#include "vmm/kvm/gic.h"
#include "vmm/kvm/layout.h"
#include "vmm/kvm/vcpu.h"

#define NR_VCPUS 3u

struct rig {
	struct fake_kvm fake;
	struct vm vm;
	struct bus bus;
	struct vcpus *vcpus;
	int gic;
	struct failure failure;
};

static struct rig *rig_new(void)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	fake_kvm_init(&rig->fake);
	rig->gic = -1;
	assert_int_equal(vm_init_with(&rig->vm, &rig->fake.sys, &rig->failure), 0);
	return rig;
}

/* As far as a machine is when it starts the GIC. */
static struct rig *rig_with_vcpus(void)
{
	struct rig *rig = rig_new();

	assert_int_equal(gic_create(&rig->vm, &rig->gic, &rig->failure), 0);
	assert_int_equal(vcpus_create(&rig->vm, &rig->bus, NR_VCPUS, &rig->vcpus, &rig->failure),
			 0);
	return rig;
}

static void rig_free(struct rig *rig)
{
	vcpus_destroy(rig->vcpus);
	if (rig->gic >= 0)
		close(rig->gic);
	vm_fini(&rig->vm);
	fake_kvm_fini(&rig->fake);
	free(rig);
}

static void test_a_gic_lies_where_the_layout_says(void **state)
{
	struct rig *rig = rig_with_vcpus();

	(void)state;
	assert_int_equal(gic_start(&rig->vm, rig->gic, NR_VCPUS, &rig->failure), 0);
	assert_int_equal(rig->fake.gicd, LAYOUT_GICD);
	assert_int_equal(rig->fake.gicr, LAYOUT_KERNEL_GICR);
	assert_int_equal(rig->fake.gicr_count, NR_VCPUS);
	assert_int_equal(rig->fake.nr_irqs, 64);
	assert_true(LAYOUT_UART_INTID < rig->fake.nr_irqs);
	assert_true(rig->fake.gic_initialised);
	rig_free(rig);
}

static void test_a_host_without_gicv3_is_told(void **state)
{
	struct rig *rig = rig_new();

	(void)state;
	rig->fake.no_gic = true;
	assert_int_equal(gic_create(&rig->vm, &rig->gic, &rig->failure), -ENODEV);
	assert_int_equal(rig->failure.status, ITSY_ENVIRONMENT);
	assert_non_null(strstr(rig->failure.cause, "no GICv3"));
	assert_int_equal(rig->gic, -1);
	rig_free(rig);
}

static void test_each_step_that_kvm_refuses_is_named(void **state)
{
	static const char *const steps[] = { "the number of interrupts",
					     "the distributor's address",
					     "the redistributors' address", "initialisation" };

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct rig *rig = rig_with_vcpus();

		rig->fake.fail_at = i + 1;
		rig->fake.fail_errno = EINVAL;
		assert_int_equal(gic_start(&rig->vm, rig->gic, NR_VCPUS, &rig->failure), -EINVAL);
		assert_non_null(strstr(rig->failure.cause, steps[i]));
		assert_true(rig->failure.cure[0]);
		rig_free(rig);
	}
}

static void test_redistributors_are_found_by_affinity(void **state)
{
	struct rig *rig = rig_with_vcpus();
	const uint64_t *mpidr = vcpus_mpidr(rig->vcpus);
	uint64_t value;
	uint32_t ctlr;

	(void)state;
	fake_kvm_set_propbaser(&rig->fake, UINT64_C(0x0123456789abc00f));
	for (unsigned i = 0; i < NR_VCPUS; i++) {
		fake_kvm_set_pendbaser(&rig->fake, i, UINT64_C(0x4000000000010000) * (i + 1));
		fake_kvm_set_gicr_ctlr(&rig->fake, i, i & 1);
	}
	for (unsigned i = 0; i < NR_VCPUS; i++) {
		assert_int_equal(gic_redist_read32(&rig->vm, rig->gic, mpidr[i], 0, &ctlr), 0);
		assert_int_equal(ctlr, i & 1);
		assert_int_equal(gic_redist_read64(&rig->vm, rig->gic, mpidr[i], 0x70, &value), 0);
		assert_int_equal(value, UINT64_C(0x0123456789abc00f));
		assert_int_equal(gic_redist_read64(&rig->vm, rig->gic, mpidr[i], 0x78, &value), 0);
		assert_int_equal(value, UINT64_C(0x4000000000010000) * (i + 1));
	}
	/* There is none of affinity 0.0.0.9; nor of one in level 3. */
	assert_int_equal(gic_redist_read32(&rig->vm, rig->gic, 9, 0, &ctlr), -EINVAL);
	assert_int_equal(gic_redist_read64(&rig->vm, rig->gic, UINT64_C(1) << 32, 0x78, &value),
			 -EINVAL);
	rig_free(rig);
}

static void test_either_half_of_a_register_can_fail(void **state)
{
	struct rig *rig = rig_with_vcpus();
	uint64_t value = 42;

	(void)state;
	for (unsigned i = 1; i <= 2; i++) {
		rig->fake.fail_at = i;
		rig->fake.fail_errno = EIO;
		assert_int_equal(gic_redist_read64(&rig->vm, rig->gic, 0, 0x78, &value), -EIO);
		assert_int_equal(value, 42);
	}
	rig_free(rig);
}

static void test_a_host_that_is_busy_is_waited_for_and_not_for_ever(void **state)
{
	struct rig *rig = rig_with_vcpus();
	uint64_t value = 42, begin = clock_ns();

	(void)state;
	fake_kvm_set_pendbaser(&rig->fake, 0, 0x10000);
	rig->fake.busy_for = 3;
	assert_int_equal(gic_redist_read64(&rig->vm, rig->gic, 0, 0x78, &value), 0);
	assert_int_equal(value, 0x10000);
	assert_int_equal(rig->fake.busy_for, 0);

	rig->fake.busy_for = UINT_MAX;
	begin = clock_ns();
	assert_int_equal(gic_redist_read64(&rig->vm, rig->gic, 0, 0x78, &value), -EBUSY);
	assert_true(clock_ns() - begin >= VM_BUSY_MAX_MS * UINT64_C(1000000));
	rig->fake.busy_for = 0;
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_gic_lies_where_the_layout_says),
		cmocka_unit_test(test_a_host_without_gicv3_is_told),
		cmocka_unit_test(test_each_step_that_kvm_refuses_is_named),
		cmocka_unit_test(test_redistributors_are_found_by_affinity),
		cmocka_unit_test(test_either_half_of_a_register_can_fail),
		cmocka_unit_test(test_a_host_that_is_busy_is_waited_for_and_not_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
