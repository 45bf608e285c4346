// SPDX-License-Identifier: MIT
/*
 * What itsy needs of KVM: what is told, what guests are refused without, and that they
 * run without the rest.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/kvm/vcpu_rig.h"
#include "vmm/kvm/vm_needs.h"

/* Capabilities are numbered from 0 on, and newer ones are beyond all that itsy asks for. */
#define SOME_CAPS 300u

static void test_each_is_needed_or_an_option_and_named_when_it_is_missing(void **state)
{
	struct vcpu_rig *rig = vcpu_rig_new();
	size_t nr_needed = 0, nr_options = 0;

	(void)state;
	assert_int_equal(vm_needs_met(&rig->vm, &rig->failure), 0);
	for (unsigned cap = 0; cap < SOME_CAPS; cap++) {
		char names[200];
		int r;

		rig->fake.lacks = cap;
		rig->fake.no_nisv = cap == KVM_CAP_ARM_NISV_TO_USER;
		rig->fake.ipa_bits = cap == KVM_CAP_ARM_VM_IPA_SIZE ? 0 : 44;
		r = vm_needs_met(&rig->vm, &rig->failure);
		vm_needs_unmet_options(&rig->vm, names, sizeof(names));
		nr_options += names[0] != 0;
		if (!r)
			continue;
		nr_needed++;
		assert_int_equal(r, -ENOTSUP);
		assert_string_equal(names, "");
		assert_int_equal(rig->failure.status, ITSY_ENVIRONMENT);
		assert_memory_equal(rig->failure.cause, "missing: KVM_CAP_", 17);
		assert_non_null(strstr(rig->failure.cure, "kernel"));
	}
	assert_int_equal(nr_options, 2);
	assert_int_equal(nr_needed + nr_options, vm_needs_nr());
	vcpu_rig_free(rig);
}

static void test_what_aborts_take_is_needed(void **state)
{
	struct vcpu_rig *rig = vcpu_rig_new();

	(void)state;
	rig->fake.lacks = KVM_CAP_ARM_INJECT_EXT_DABT;
	assert_int_equal(vm_needs_met(&rig->vm, &rig->failure), -ENOTSUP);
	assert_string_equal(rig->failure.cause, "missing: KVM_CAP_ARM_INJECT_EXT_DABT");
	vcpu_rig_free(rig);
}

static void test_vcpus_are_made_without_any_option(void **state)
{
	struct vcpu_rig *rig = vcpu_rig_new();
	char names[200];

	(void)state;
	rig->fake.no_nisv = true;
	rig->fake.ipa_bits = 0;
	vm_needs_unmet_options(&rig->vm, names, sizeof(names));
	assert_string_equal(names, "KVM_CAP_ARM_VM_IPA_SIZE, KVM_CAP_ARM_NISV_TO_USER");
	assert_int_equal(vcpu_rig_create(rig, 2), 0);
	vcpu_rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_is_needed_or_an_option_and_named_when_it_is_missing),
		cmocka_unit_test(test_what_aborts_take_is_needed),
		cmocka_unit_test(test_vcpus_are_made_without_any_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
