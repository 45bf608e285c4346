// SPDX-License-Identifier: MIT
/*
 * The kernel ITS and its host: registers that cannot be had, vCPUs that are paused
 * for it, signals that come while mappings are made, what is sealed.
 */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/its/kernel_its_world.h"
#include "vitsmod/gits.h"
#include "vmm/kvm/layout.h"

#define LPI(n) (VITS_LPI_BASE + (n))

static struct world *world_ready(void)
{
	struct world *w = world_new(130);

	world_set_up_lpis(w);
	return w;
}

static void commit_and_check(struct world *w)
{
	world_commit(w);
	world_check(w);
}

static struct kernel_its_stats stats_of(struct world *w)
{
	struct kernel_its_stats stats;

	kernel_its_stats_get(w->its, &stats);
	return stats;
}

/* ---- a host that fails ------------------------------------------------------------------- */

/* Nothing that a guest does has such an end: it would wait for its interrupts for ever. */
static void test_registers_that_cannot_be_read_end_it_with_words(void **state)
{
	(void)state;
	/* Two halves of PROPBASER, two of PENDBASER, CTLR. */
	for (unsigned nr = 1; nr <= 5; nr++) {
		struct world *w = world_ready();

		w->fake.fail_errno = EIO;
		w->fake.fail_at = nr;
		world_map(w, 0, 0, LPI(0), 2);
		assert_non_null(w->fake.failed_call);
		world_map(w, 0, 1, LPI(1), 1);
		world_commit(w);
		assert_int_equal(w->nr_failed, 1);
		assert_string_equal(w->why, nr <= 2 ? "KVM does not tell what the redistributor of "
						      "vCPU 0 holds (Input/output error)"
						    : "KVM does not tell what the redistributor of "
						      "vCPU 2 holds (Input/output error)");
		assert_int_equal(world_nr_mapped(w), 0);
		world_free(w);
	}
}

static void test_a_host_that_is_busy_for_a_while_is_waited_for(void **state)
{
	struct world *w = world_ready();

	(void)state;
	/* Registers of redistributors, then of the ITS. */
	w->fake.busy_for = 3;
	world_map(w, 0, 0, LPI(0), 0);
	assert_int_equal(w->fake.busy_for, 0);
	w->fake.busy_for = 3;
	commit_and_check(w);
	assert_int_equal(w->fake.busy_for, 0);
	assert_int_equal(w->nr_failed, 0);
	assert_true(world_mapped(w, 0, 0));
	assert_int_equal(stats_of(w).deferred, 0);
	world_free(w);
}

static void test_a_host_that_stays_busy_ends_it_with_words(void **state)
{
	struct world *w = world_ready();

	(void)state;
	w->fake.busy_for = UINT_MAX;
	world_map(w, 0, 0, LPI(0), 0);
	world_map(w, 0, 1, LPI(1), 1);
	world_commit(w);
	assert_int_equal(w->nr_failed, 1);
	assert_non_null(strstr(w->why, "redistributor of vCPU 0 holds (Device or resource busy)"));
	world_free(w);

	w = world_ready();
	world_map(w, 0, 0, LPI(0), 0);
	w->fake.busy_for = UINT_MAX;
	world_commit(w);
	assert_int_equal(w->nr_failed, 1);
	assert_string_equal(w->why, "the kernel's ITS refused commands (Device or resource busy)");
	world_free(w);
}

static void test_a_host_that_refuses_commands_ends_it_once(void **state)
{
	struct world *w = world_ready();
	uint32_t nr_commands;

	(void)state;
	world_map(w, 0, 0, LPI(0), 0);
	commit_and_check(w);
	nr_commands = w->model.nr_commands;
	world_update(w, VITS_LPI_INV, 0, 0);
	w->fake.fail_at = 1;
	w->fake.fail_errno = EIO;
	world_commit(w);
	assert_int_equal(w->nr_failed, 1);
	/* Nothing is sent any more, however much is asked for. */
	for (uint32_t i = 0; i < 5000; i++)
		world_update(w, VITS_LPI_RAISE, 0, 0);
	world_commit(w);
	assert_int_equal(w->model.nr_commands, nr_commands);
	assert_int_equal(w->nr_failed, 1);
	assert_int_equal(world_signal(w, 0, 0), 1);
	world_free(w);
}

/* ---- the vCPUs ----------------------------------------------------------------------------------
 */

static void on_event(void *ctx, enum vcpu_event event, const char *why)
{
	(void)ctx, (void)event, (void)why;
	abort();
}

static const struct vcpu_ops ops = { .event = on_event };

/* The fake answers -EBUSY, and the model is not asked, while a vCPU is in KVM. */
static void test_commands_run_while_all_vcpus_are_paused(void **state)
{
	struct world *w = world_ready();

	(void)state;
	assert_int_equal(vcpus_start(w->vcpus, 0, 0, &ops, w, &w->failure), 0);
	for (uint32_t i = 0; i < 40; i++) {
		for (uint32_t n = 0; n < WORLD_VCPUS; n++)
			fake_kvm_wait_idle(&w->fake, n);
		world_map(w, 0, i, LPI(i), i % WORLD_VCPUS);
		commit_and_check(w);
		assert_int_equal(world_signal(w, 0, i), 1);
	}
	assert_int_equal(w->nr_failed, 0);
	assert_int_equal(world_nr_mapped(w), 40);
	world_free(w);
}

/* ---- while a deferred mapping is made ------------------------------------------------------ */

static struct {
	struct fake_its_ops model;
	struct world *world;
	pthread_t asker;
	bool did; /* once */
	_Atomic bool asks, has_asked;
	_Atomic bool ran; /* KVM has run the commands */
	bool defers, had_run;
} meanwhile;

/* Event 0 is deferred, the only one, and need not be any more. */
static struct world *world_deferring(void)
{
	struct world *w = world_new(130);

	world_map(w, 0, 0, LPI(0), 0);
	commit_and_check(w);
	assert_true(kernel_its_defers(w->its, 0, 0));
	world_set_up_lpis(w);
	memset(&meanwhile, 0, sizeof(meanwhile));
	meanwhile.model = w->fake.its_ops;
	meanwhile.world = w;
	return w;
}

static void run_a_batch(struct world *w)
{
	world_map(w, 0, 1, LPI(1), 0);
	commit_and_check(w);
}

/* KVM has not found the event, and before its answer is there another thread has it mapped. */
static int not_found_but_mapped_then(void *ctx, uint32_t devid, uint32_t eventid)
{
	int r = meanwhile.model.msi(ctx, devid, eventid);

	if (r == 0 && !meanwhile.did) {
		meanwhile.did = true;
		run_a_batch(meanwhile.world);
	}
	return r;
}

static void test_a_signal_that_has_just_missed_its_mapping_comes(void **state)
{
	struct world *w = world_deferring();

	(void)state;
	w->fake.its_ops.msi = not_found_but_mapped_then;
	assert_int_equal(kernel_its_signal(w->its, 0, 0), 1);
	assert_true(meanwhile.did);
	assert_true(world_mapped(w, 0, 0));
	assert_true(world_pending(w, LPI(0)));
	world_free(w);
}

static void *ask(void *arg)
{
	meanwhile.asks = true;
	meanwhile.defers = kernel_its_defers(((struct world *)arg)->its, 0, 0);
	meanwhile.had_run = meanwhile.ran;
	meanwhile.has_asked = true;
	return NULL;
}

/* Between staging and running its commands another thread asks for the mapping. */
static int ask_and_run(void *ctx, uint64_t reg, uint64_t value)
{
	int r;

	if (reg != GITS_CWRITER || meanwhile.did)
		return meanwhile.model.set(ctx, reg, value);
	meanwhile.did = true;
	assert_int_equal(pthread_create(&meanwhile.asker, NULL, ask, meanwhile.world), 0);
	while (!meanwhile.asks)
		(void)usleep(1000);
	/* It may have to wait for the answer until this is over. */
	for (unsigned i = 0; i < 20 && !meanwhile.has_asked; i++)
		(void)usleep(1000);
	r = meanwhile.model.set(ctx, reg, value);
	meanwhile.ran = true;
	return r;
}

static void test_a_mapping_is_deferred_until_the_kernel_has_it(void **state)
{
	struct world *w = world_deferring();

	(void)state;
	w->fake.its_ops.set = ask_and_run;
	run_a_batch(w);
	assert_true(meanwhile.did);
	assert_int_equal(pthread_join(meanwhile.asker, NULL), 0);
	assert_true(meanwhile.defers || meanwhile.had_run);
	assert_false(kernel_its_defers(w->its, 0, 0));
	assert_true(world_mapped(w, 0, 0));
	world_free(w);
}

/* ---- what is sealed ------------------------------------------------------------------------ */

static void test_writes_to_what_is_sealed_are_counted(void **state)
{
	struct world *w = world_ready();

	(void)state;
	assert_int_equal(kernel_its_add_to_bus(w->its, &w->bus), 0);
	bus_write(&w->bus, LAYOUT_KERNEL_ITS_MEM, 8, 1);
	bus_write(&w->bus, LAYOUT_KERNEL_ITS_MEM + 128 * KiB, 4, 1);
	assert_int_equal(bus_read(&w->bus, LAYOUT_KERNEL_ITS_MEM, 8), 0);
	assert_int_equal(stats_of(w).table_writes, 2);
	assert_int_equal(w->bus.unclaimed, 0);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_registers_that_cannot_be_read_end_it_with_words),
		cmocka_unit_test(test_a_host_that_is_busy_for_a_while_is_waited_for),
		cmocka_unit_test(test_a_host_that_stays_busy_ends_it_with_words),
		cmocka_unit_test(test_commands_run_while_all_vcpus_are_paused),
		cmocka_unit_test(test_a_host_that_refuses_commands_ends_it_once),
		cmocka_unit_test(test_a_signal_that_has_just_missed_its_mapping_comes),
		cmocka_unit_test(test_a_mapping_is_deferred_until_the_kernel_has_it),
		cmocka_unit_test(test_writes_to_what_is_sealed_are_counted),
	};

	alarm(300);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
