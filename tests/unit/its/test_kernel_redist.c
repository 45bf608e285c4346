// SPDX-License-Identifier: MIT
/*
 * The guest's redistributors over KVM's, as KVM has them: what becomes of each access,
 * and that all vCPUs are paused for it.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/kvm/fake_kvm.h"
#include "vgicrmod/gicr.h"
#include "vmm/base/bits.h"
#include "vmm/its/kernel_redist.h"
#include "vmm/kvm/gic.h"
#include "vmm/kvm/layout.h"

#define NR_VCPUS 3u
#define SGI_1	 (UINT32_C(1) << 1)
#define TIMER	 (UINT32_C(1) << 27)
#define PTIMER	 (UINT32_C(1) << 30)
#define PMU	 (UINT32_C(1) << 23)

struct rig {
	struct fake_kvm fake;
	struct vm vm;
	struct bus bus;
	struct vcpus *vcpus;
	int gic;
	struct kernel_redist *redist;
	struct failure failure;
	unsigned nr_switched, nr_failed;
};

static void on_switched(void *ctx)
{
	struct rig *rig = ctx;

	/* Says the header: no lock is held. So this must not hang. */
	vcpus_pause(rig->vcpus);
	vcpus_resume(rig->vcpus);
	rig->nr_switched++;
}

static void on_failed(void *ctx, const char *why)
{
	struct rig *rig = ctx;

	assert_non_null(strstr(why, "redistributors"));
	rig->nr_failed++;
}

static struct rig *rig_bare(void)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	fake_kvm_init(&rig->fake);
	assert_int_equal(vm_init_with(&rig->vm, &rig->fake.sys, &rig->failure), 0);
	assert_int_equal(gic_create(&rig->vm, &rig->gic, &rig->failure), 0);
	assert_int_equal(vcpus_create(&rig->vm, &rig->bus, NR_VCPUS, &rig->vcpus, &rig->failure),
			 0);
	assert_int_equal(gic_start(&rig->vm, rig->gic, NR_VCPUS, &rig->failure), 0);
	return rig;
}

static int rig_create(struct rig *rig)
{
	const struct kernel_redist_config config = {
		.vm = &rig->vm,
		.vcpus = rig->vcpus,
		.gic = rig->gic,
		.nr_vcpus = NR_VCPUS,
		.lpis_switched = on_switched,
		.failed = on_failed,
		.ctx = rig,
	};

	return kernel_redist_create(&config, &rig->redist, &rig->failure);
}

static struct rig *rig_new(void)
{
	struct rig *rig = rig_bare();

	assert_int_equal(rig_create(rig), 0);
	assert_int_equal(kernel_redist_add_to_bus(rig->redist, &rig->bus), 0);
	return rig;
}

static void rig_free(struct rig *rig)
{
	vcpus_destroy(rig->vcpus);
	kernel_redist_destroy(rig->redist);
	close(rig->gic);
	vm_fini(&rig->vm);
	fake_kvm_fini(&rig->fake);
	free(rig);
}

static struct fake_redist *below(struct rig *rig, unsigned vcpu)
{
	return &rig->fake.vcpus[vcpu].redist;
}

static uint32_t rd32(struct rig *rig, unsigned vcpu, uint32_t reg)
{
	return (uint32_t)bus_read(&rig->bus, LAYOUT_GICR + vcpu * LAYOUT_GICR_SZ_VCPU + reg, 4);
}

static void wr(struct rig *rig, unsigned vcpu, uint32_t reg, unsigned len, uint64_t value)
{
	bus_write(&rig->bus, LAYOUT_GICR + vcpu * LAYOUT_GICR_SZ_VCPU + reg, len, value);
}

static void wr32(struct rig *rig, unsigned vcpu, uint32_t reg, uint32_t value)
{
	wr(rig, vcpu, reg, 4, value);
}

static struct kernel_redist_stats stats_of(struct rig *rig)
{
	struct kernel_redist_stats stats;

	kernel_redist_stats_get(rig->redist, &stats);
	return stats;
}

static void test_kvms_own_ones_are_covered_and_the_guests_lie_elsewhere(void **state)
{
	struct rig *rig = rig_new();
	const struct fake_slot *slot = &rig->fake.slots[VM_SLOT_KERNEL_GICR];

	(void)state;
	assert_int_equal(rig->fake.gicr, LAYOUT_KERNEL_GICR);
	assert_int_equal(slot->gpa, LAYOUT_KERNEL_GICR);
	assert_int_equal(slot->size, NR_VCPUS * LAYOUT_GICR_SZ_VCPU);
	/* A write passes a read-only slot. */
	assert_false(slot->readonly);
	/* Nothing can be read there, and nothing was: the page is not there for write(2) either. */
	assert_int_equal(write(rig->gic, slot->va, 1), -1);
	assert_int_equal(errno, EFAULT);
	assert_int_equal(rig->bus.nr_regions, 1);
	assert_int_equal(rig->bus.regions[0].base, LAYOUT_GICR);
	assert_int_equal(rig->bus.regions[0].size, NR_VCPUS * LAYOUT_GICR_SZ_VCPU);
	rig_free(rig);
}

static void test_each_vcpu_has_its_own(void **state)
{
	struct rig *rig = rig_new();

	(void)state;
	for (unsigned vcpu = 0; vcpu < NR_VCPUS; vcpu++) {
		uint64_t typer = rd32(rig, vcpu, GICR_TYPER);

		assert_int_equal(FIELD_GET(GICR_TYPER_NUMBER, typer), vcpu);
		assert_int_equal(FIELD_GET(GICR_TYPER_LAST, typer), vcpu == NR_VCPUS - 1);
		assert_int_equal(rd32(rig, vcpu, GICR_TYPER + 4), vcpus_mpidr(rig->vcpus)[vcpu]);
	}
	wr32(rig, 1, GICR_ISENABLER0, SGI_1);
	assert_int_equal(below(rig, 0)->enabled, 0);
	assert_int_equal(below(rig, 1)->enabled, SGI_1);
	assert_int_equal(below(rig, 2)->enabled, 0);
	rig_free(rig);
}

static void test_enables_groups_and_priorities_reach_kvm(void **state)
{
	struct rig *rig = rig_new();

	(void)state;
	wr32(rig, 2, GICR_IPRIORITYR(6), 0x40000000);
	wr32(rig, 2, GICR_ISENABLER0, TIMER | SGI_1);
	assert_int_equal(below(rig, 2)->enabled, TIMER | SGI_1);
	assert_int_equal(below(rig, 2)->prio[6], 0x40000000);
	wr32(rig, 2, GICR_ICENABLER0, SGI_1);
	assert_int_equal(below(rig, 2)->enabled, TIMER);
	wr32(rig, 2, GICR_IGROUPR0, ~SGI_1);
	assert_int_equal(below(rig, 2)->group, ~SGI_1);
	rig_free(rig);
}

/* KVM replaces all latches at once, and gives no levels with them. */
static void test_pending_is_latch_and_level_and_each_latch_is_its_own(void **state)
{
	struct rig *rig = rig_new();

	(void)state;
	below(rig, 0)->latch = 0x10;
	below(rig, 0)->level = PMU;
	assert_int_equal(rd32(rig, 0, GICR_ISPENDR0), PMU | 0x10);
	wr32(rig, 0, GICR_ISPENDR0, SGI_1);
	assert_int_equal(below(rig, 0)->latch, SGI_1 | 0x10);
	wr32(rig, 0, GICR_ICPENDR0, PMU | 0x10);
	assert_int_equal(below(rig, 0)->latch, SGI_1);
	assert_int_equal(rd32(rig, 0, GICR_ICPENDR0), PMU | SGI_1);
	rig_free(rig);
}

/* KVM has them as they were when the vCPU began to run. */
static void test_the_timers_lines_are_as_the_timers_are_now(void **state)
{
	struct rig *rig = rig_new();

	(void)state;
	below(rig, 1)->level = TIMER | PTIMER;
	assert_int_equal(rd32(rig, 1, GICR_ISPENDR0), 0);
	rig->fake.vcpus[1].timer_ctl = 5;  /* ISTATUS and ENABLE */
	rig->fake.vcpus[1].ptimer_ctl = 7; /* and IMASK */
	assert_int_equal(rd32(rig, 1, GICR_ISPENDR0), TIMER);
	rig->fake.vcpus[1].timer_ctl = 1;
	rig->fake.vcpus[1].ptimer_ctl = 5;
	below(rig, 1)->level = 0;
	assert_int_equal(rd32(rig, 1, GICR_ISPENDR0), PTIMER);
	assert_int_equal(rd32(rig, 0, GICR_ISPENDR0), 0);
	/* Of one that KVM does not tell of, it has the line itself. */
	rig->fake.vcpus[1].no_ptimer = true;
	below(rig, 1)->level = TIMER;
	assert_int_equal(rd32(rig, 1, GICR_ISPENDR0), 0);
	below(rig, 1)->level = PTIMER;
	assert_int_equal(rd32(rig, 1, GICR_ISPENDR0), PTIMER);
	assert_int_equal(rig->nr_failed, 0);
	rig_free(rig);
}

static void test_active_is_set_and_cleared_and_what_stays_is_counted(void **state)
{
	struct rig *rig = rig_new();

	(void)state;
	wr32(rig, 0, GICR_ISACTIVER0, SGI_1);
	assert_int_equal(below(rig, 0)->active, SGI_1);
	wr32(rig, 0, GICR_ICACTIVER0, SGI_1);
	assert_int_equal(below(rig, 0)->active, 0);
	assert_int_equal(stats_of(rig).still_active, 0);
	/* The timer's is tied to the host's. */
	wr32(rig, 0, GICR_ISENABLER0, TIMER);
	below(rig, 0)->tied = TIMER;
	below(rig, 0)->active = TIMER;
	assert_int_equal(rd32(rig, 0, GICR_ISACTIVER0), TIMER);
	wr32(rig, 0, GICR_ICACTIVER0, TIMER);
	assert_int_equal(stats_of(rig).still_active, 1);
	rig_free(rig);
}

/* ---- a vCPU deactivates what is tied to the host's ------------------------------------ */

static void on_event(void *ctx, enum vcpu_event event, const char *why)
{
	(void)ctx, (void)event, (void)why;
	abort();
}

static const struct vcpu_ops vcpu_ops = { .event = on_event };

/* The vCPU runs what is in the page of instructions: its one interrupt is not active any more. */
static void run_code(void *arg, unsigned vcpu)
{
	struct rig *rig = arg;
	struct fake_vcpu *fake = &rig->fake.vcpus[vcpu];

	if (fake->pc != LAYOUT_KERNEL_CODE || fake->run->immediate_exit)
		return;
	below(rig, vcpu)->active &= ~(UINT32_C(1) << fake->x0);
}

static void test_a_vcpu_deactivates_its_own_timer_and_goes_on(void **state)
{
	const struct fake_exit guest = {
		.reason = KVM_EXIT_MMIO,
		.address = LAYOUT_GICR + 2 * LAYOUT_GICR_SZ_VCPU + GICR_ICACTIVER0,
		.len = 4,
		.is_write = true,
		.data = TIMER | SGI_1,
	};
	const struct fake_exit code = {
		.reason = KVM_EXIT_MMIO, .address = LAYOUT_KERNEL_CODE, .len = 4, .is_write = true
	};
	struct rig *rig = rig_new();

	(void)state;
	wr32(rig, 2, GICR_ISENABLER0, TIMER | SGI_1);
	below(rig, 2)->tied = TIMER;
	below(rig, 2)->active = TIMER | SGI_1;
	rig->fake.vcpus[2].pc = 0x1234;
	rig->fake.vcpus[2].x0 = 0x5678;
	rig->fake.entering = run_code;
	rig->fake.entering_arg = rig;
	fake_kvm_script(&rig->fake, 2, &guest);
	fake_kvm_script(&rig->fake, 2, &code);
	assert_int_equal(vcpus_start(rig->vcpus, 0, 0, &vcpu_ops, rig, &rig->failure), 0);
	fake_kvm_wait_done(&rig->fake, 2, 2);
	fake_kvm_wait_idle(&rig->fake, 2);
	vcpus_stop(rig->vcpus);
	assert_int_equal(below(rig, 2)->active, 0);
	assert_int_equal(stats_of(rig).still_active, 0);
	assert_int_equal(rig->fake.vcpus[2].pc, 0x1234);
	assert_int_equal(rig->fake.vcpus[2].x0, 0x5678);
	rig_free(rig);
}

static void test_the_instructions_are_there_to_read_and_run_only(void **state)
{
	struct rig *rig = rig_new();
	const struct fake_slot *slot = &rig->fake.slots[VM_SLOT_KERNEL_CODE];
	uint32_t first;

	(void)state;
	assert_int_equal(slot->gpa, LAYOUT_KERNEL_CODE);
	assert_true(slot->readonly);
	memcpy(&first, slot->va, sizeof(first));
	assert_int_equal(first, 0xd538cc81); /* mrs x1, ICC_CTLR_EL1 */
	rig_free(rig);
}

static void test_lpi_tables_reach_kvm_with_enablelpis(void **state)
{
	const uint64_t prop = UINT64_C(0x070123456789a78f), pend = UINT64_C(0x0701234567890780);
	struct rig *rig = rig_new();

	(void)state;
	wr(rig, 1, GICR_PROPBASER, 8, prop);
	wr(rig, 1, GICR_PENDBASER, 8, pend | GICR_PENDBASER_PTZ);
	assert_int_equal(rig->fake.propbaser, 0);
	wr32(rig, 1, GICR_CTLR, 1);
	assert_int_equal(rig->fake.propbaser, prop);
	assert_int_equal(rig->fake.vcpus[1].pendbaser, pend | GICR_PENDBASER_PTZ);
	assert_int_equal(rig->fake.vcpus[1].gicr_ctlr, 1);
	assert_int_equal(rig->nr_switched, 1);
	wr32(rig, 1, GICR_CTLR, 0);
	assert_int_equal(rig->fake.vcpus[1].gicr_ctlr, 0);
	assert_int_equal(rig->nr_switched, 2);
	rig_free(rig);
}

static void test_sgis_are_disabled_in_kvm_too_before_the_guest_runs(void **state)
{
	struct rig *rig = rig_bare();

	(void)state;
	assert_int_equal(below(rig, 2)->enabled, 0xffff);
	assert_int_equal(rig_create(rig), 0);
	assert_int_equal(below(rig, 2)->enabled, 0);
	rig_free(rig);
}

static void test_a_register_that_the_host_refuses_ends_the_guest_and_is_told_once(void **state)
{
	struct rig *rig = rig_new();

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		rig->fake.fail_at = 1;
		rig->fake.fail_errno = EIO;
		wr32(rig, 0, GICR_ISENABLER0, 1u << i);
		assert_non_null(rig->fake.failed_call);
		assert_int_equal(rig->nr_failed, 1);
	}
	rig_free(rig);
}

static void test_nothing_stays_whichever_call_of_the_host_fails(void **state)
{
	unsigned nr;

	(void)state;
	for (nr = 1;; nr++) {
		struct rig *rig = rig_bare();
		bool failed;
		int r;

		rig->fake.fail_at = nr;
		rig->fake.fail_errno = EPERM;
		r = rig_create(rig);
		failed = rig->fake.failed_call;
		assert_int_equal(r, failed ? -EPERM : 0);
		assert_int_equal(rig->failure.status, failed ? ITSY_ENVIRONMENT : 0);
		assert_string_equal(rig->failure.cure, failed ? CURE_KERNEL_LOG : "");
		rig_free(rig);
		if (!failed)
			break;
	}
	/* The slots, and a register of each vCPU. */
	assert_int_equal(nr, 2 + NR_VCPUS + 1);
	kernel_redist_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kvms_own_ones_are_covered_and_the_guests_lie_elsewhere),
		cmocka_unit_test(test_each_vcpu_has_its_own),
		cmocka_unit_test(test_enables_groups_and_priorities_reach_kvm),
		cmocka_unit_test(test_pending_is_latch_and_level_and_each_latch_is_its_own),
		cmocka_unit_test(test_the_timers_lines_are_as_the_timers_are_now),
		cmocka_unit_test(test_active_is_set_and_cleared_and_what_stays_is_counted),
		cmocka_unit_test(test_a_vcpu_deactivates_its_own_timer_and_goes_on),
		cmocka_unit_test(test_the_instructions_are_there_to_read_and_run_only),
		cmocka_unit_test(test_lpi_tables_reach_kvm_with_enablelpis),
		cmocka_unit_test(test_sgis_are_disabled_in_kvm_too_before_the_guest_runs),
		cmocka_unit_test(
			test_a_register_that_the_host_refuses_ends_the_guest_and_is_told_once),
		cmocka_unit_test(test_nothing_stays_whichever_call_of_the_host_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
