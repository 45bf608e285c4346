// SPDX-License-Identifier: MIT
/*
 * itsy check: what it says of hosts with KVM, with an old one, with half of one, and
 * with none; by a KVM without a kernel.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/kvm/fake_kvm.h"
#include "vmm/check/check.h"

static check_fn *const checks[] = { check_kvm,	   check_kvm_extensions, check_kvm_gic,
				    check_kvm_its, check_kvm_pmu,	 check_kvm_steal_time };
enum { KVM, EXTENSIONS, GIC, ITS, PMU, STEAL_TIME };

struct world {
	struct fake_kvm fake;
	struct check_host host;
	struct check_result result;
	/* What this KVM has not got. */
	unsigned missing[2];
	int (*ioctl)(void *ctx, int fd, unsigned long request, void *arg);
};

static struct world *w;

/* As the fake, which knows few capabilities, but with all of them but those. */
static int ioctl_without(void *ctx, int fd, unsigned long request, void *arg)
{
	int r;

	for (size_t i = 0; i < 2; i++)
		if (request == KVM_CHECK_EXTENSION && w->missing[i] &&
		    (uintptr_t)arg == w->missing[i])
			return 0;
	r = w->ioctl(ctx, fd, request, arg);
	return request == KVM_CHECK_EXTENSION && r == 0 ? 1 : r;
}

static int make(void **state)
{
	(void)state;
	w = calloc(1, sizeof(*w));
	assert_non_null(w);
	fake_kvm_init(&w->fake);
	w->ioctl = w->fake.sys.ioctl;
	w->fake.sys.ioctl = ioctl_without;
	w->host.kvm = &w->fake.sys;
	return 0;
}

static int unmake(void **state)
{
	(void)state;
	fake_kvm_fini(&w->fake);
	free(w);
	return 0;
}

/* Nothing that was made for a check outlives it. */
static void expect(int check, enum verdict verdict, const char *text, const char *cure)
{
	w->result = (struct check_result){ 0 };
	checks[check](&w->host, &w->result);
	assert_int_equal(fake_kvm_nr_open(&w->fake), 0);
	if (w->result.verdict != verdict)
		fail_msg("verdict %d: %s", w->result.verdict, w->result.text);
	if (verdict == VERDICT_NONE)
		return;
	if (!strstr(w->result.text, text))
		fail_msg("'%s' does not say '%s'", w->result.text, text);
	if (!strstr(w->result.cure, cure))
		fail_msg("'%s' does not say '%s'", w->result.cure, cure);
}

static void test_a_host_without_kvm_is_told_once(void **state)
{
	(void)state;
	w->fake.open_errno = ENOENT;
	expect(KVM, VERDICT_FAIL, "/dev/kvm: the host has no KVM", "");
	assert_true(w->result.cure[0]);
	for (int check = EXTENSIONS; check <= STEAL_TIME; check++)
		expect(check, VERDICT_NONE, NULL, NULL);
}

static void test_a_host_with_all_of_it_passes(void **state)
{
	(void)state;
	expect(KVM, VERDICT_PASS, "API version 12, up to ", "");
	expect(EXTENSIONS, VERDICT_PASS, "all 15 are there", "");
	expect(GIC, VERDICT_PASS, "in the kernel", "");
}

static void test_what_guests_have_or_do_without_is_told(void **state)
{
	(void)state;
	w->fake.pmu = w->fake.steal_time = true;
	expect(PMU, VERDICT_INFO, "guests have performance counters", "");
	expect(STEAL_TIME, VERDICT_INFO, "guests see how long", "");
	w->missing[0] = KVM_CAP_ARM_PMU_V3;
	w->missing[1] = KVM_CAP_STEAL_TIME;
	expect(PMU, VERDICT_INFO, "guests have no performance counters: KVM offers none", "");
	expect(STEAL_TIME, VERDICT_INFO, "guests do not see how long", "");
}

static void test_an_its_is_made_and_thrown_away(void **state)
{
	(void)state;
	expect(ITS, VERDICT_PASS, "in the kernel", "");
}

static void test_extensions_that_are_missing_are_named(void **state)
{
	(void)state;
	w->missing[0] = KVM_CAP_ARM_NISV_TO_USER;
	expect(EXTENSIONS, VERDICT_WARN, "missing: KVM_CAP_ARM_NISV_TO_USER", "guests run");
	w->missing[1] = KVM_CAP_SIGNAL_MSI;
	expect(EXTENSIONS, VERDICT_FAIL, "missing: KVM_CAP_SIGNAL_MSI", "use a newer kernel");
	assert_null(strstr(w->result.text, "NISV"));
}

static void test_a_host_without_a_gicv3_has_no_its_to_speak_of(void **state)
{
	(void)state;
	w->fake.no_gic = true;
	expect(GIC, VERDICT_FAIL, "KVM makes no GICv3 here", "use a host with a GICv3");
	expect(ITS, VERDICT_NONE, NULL, NULL);
}

static void test_a_host_that_makes_no_its_is_told(void **state)
{
	(void)state;
	/* Opening it, its version, the size of a vCPU, the VM, the GIC: until it is the ITS. */
	for (unsigned n = 1; w->result.verdict != VERDICT_FAIL && n < 16; n++) {
		w->fake.fail_at = n;
		w->fake.fail_errno = ENODEV;
		w->result = (struct check_result){ 0 };
		check_kvm_its(&w->host, &w->result);
		assert_int_equal(fake_kvm_nr_open(&w->fake), 0);
		assert_int_not_equal(w->result.verdict, VERDICT_PASS);
	}
	assert_int_equal(w->result.verdict, VERDICT_FAIL);
	assert_non_null(strstr(w->result.text, "KVM makes no ITS here: No such device"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_host_without_kvm_is_told_once, make, unmake),
		cmocka_unit_test_setup_teardown(test_a_host_with_all_of_it_passes, make, unmake),
		cmocka_unit_test_setup_teardown(test_what_guests_have_or_do_without_is_told, make,
						unmake),
		cmocka_unit_test_setup_teardown(test_an_its_is_made_and_thrown_away, make, unmake),
		cmocka_unit_test_setup_teardown(test_extensions_that_are_missing_are_named, make,
						unmake),
		cmocka_unit_test_setup_teardown(test_a_host_without_a_gicv3_has_no_its_to_speak_of,
						make, unmake),
		cmocka_unit_test_setup_teardown(test_a_host_that_makes_no_its_is_told, make,
						unmake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
