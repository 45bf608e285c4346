// SPDX-License-Identifier: MIT
/*
 * The kernel ITS over a model of KVM's: every update, mappings that are deferred,
 * scratch events, full queues, hosts that fail while it is made.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/its/kernel_its_world.h"
#include "vmm/kvm/layout.h"

#define LPI(n)	(VITS_LPI_BASE + (n))
#define EVENTS	130u /* of function 0: three devices in the kernel ITS */
#define SCRATCH 256u

/* ---- memory that fails ------------------------------------------------------------- */

/* The nth of them from now on fails; 0: none. */
static unsigned fail_calloc_at, fail_mmap_at;

void *__real_calloc(size_t nr, size_t size);
void *__wrap_calloc(size_t nr, size_t size);
void *__wrap_calloc(size_t nr, size_t size)
{
	if (fail_calloc_at && --fail_calloc_at == 0)
		return NULL;
	return __real_calloc(nr, size);
}

void *__real_mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset)
{
	if (fail_mmap_at && --fail_mmap_at == 0) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	return __real_mmap(at, len, prot, flags, fd, offset);
}

/* ---- the world ------------------------------------------------------------------------ */

static struct world *world_ready(void)
{
	struct world *w = world_new(EVENTS);

	world_set_up_lpis(w);
	for (uint32_t n = 0; n < 600; n++)
		world_configure(w, LPI(n), true);
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

static uint32_t take(struct world *w, uint32_t vcpu)
{
	return kvm_its_model_take(&w->model, vcpu);
}

/* ---- creation --------------------------------------------------------------------------- */

static bool can_touch(const void *at)
{
	uint8_t byte;
	const struct iovec to = { &byte, 1 }, from = { (void *)(uintptr_t)at, 1 };

	return process_vm_readv(getpid(), &to, 1, &from, 1, 0) == 1;
}

static void test_the_frame_is_covered_and_the_tables_are_read_only(void **state)
{
	struct world *w = world_new(EVENTS);
	const struct fake_slot *frame = &w->fake.slots[VM_SLOT_KERNEL_ITS_FRAME];
	const struct fake_slot *mem = &w->fake.slots[VM_SLOT_KERNEL_ITS_MEM];

	(void)state;
	assert_int_equal(w->fake.gits, LAYOUT_KERNEL_ITS_FRAME);
	/* Writable, or the guest's writes would pass the slot; of memory that is not there. */
	assert_int_equal(frame->gpa, w->fake.gits);
	assert_int_equal(frame->size, 0x20000);
	assert_false(frame->readonly);
	for (uint64_t at = 0; at < frame->size; at += 4096)
		assert_false(can_touch(frame->va + at));
	assert_int_equal(mem->gpa, LAYOUT_KERNEL_ITS_MEM);
	assert_true(mem->readonly);
	assert_true(can_touch(mem->va));
	assert_int_equal(w->model.nr_commands, WORLD_VCPUS);
	world_free(w);
	kernel_its_destroy(NULL);
}

static void test_nothing_stays_whichever_call_of_the_host_fails(void **state)
{
	unsigned nr, nr_create = 0;

	(void)state;
	for (nr = 1;; nr++) {
		struct world *w = world_bare(EVENTS);
		int r;

		w->fake.fail_at = nr;
		w->fake.fail_errno = EPERM;
		r = world_create_its(w);
		nr_create += r != 0;
		if (!r)
			r = world_start_its(w);
		if (!w->fake.failed_call) {
			assert_int_equal(r, 0);
			world_free(w);
			break;
		}
		assert_true(r < 0);
		assert_int_equal(w->failure.status, ITSY_ENVIRONMENT);
		/* In a machine the vCPUs are there still when it is destroyed. */
		kernel_its_destroy(w->its);
		w->its = NULL;
		world_free(w);
	}
	assert_int_equal(nr_create, 4); /* the device, its address, two slots */
	assert_int_equal(nr, 4 + 4 + 6 + 1);
}

static void test_no_memory_is_told(void **state)
{
	unsigned nr;

	(void)state;
	for (nr = 1;; nr++) {
		struct world *w = world_bare(EVENTS);
		int r;

		fail_calloc_at = nr;
		r = world_create_its(w);
		if (fail_calloc_at) {
			fail_calloc_at = 0;
			assert_int_equal(r, 0);
			world_free(w);
			break;
		}
		assert_int_equal(r, -ENOMEM);
		assert_null(w->its);
		world_free(w);
	}
	assert_true(nr > 5);
	for (nr = 1; nr <= 2; nr++) {
		struct world *w = world_bare(EVENTS);

		fail_mmap_at = nr;
		assert_int_equal(world_create_its(w), -ENOMEM);
		assert_int_equal(fail_mmap_at, 0);
		world_free(w);
	}
}

static int never_enabled(void *ctx, uint64_t reg, uint64_t *ret_value)
{
	(void)ctx, (void)reg;
	*ret_value = UINT64_C(1) << 31;
	return 0;
}

static void test_an_its_that_does_not_take_its_tables_is_told(void **state)
{
	struct world *w = world_bare(EVENTS);

	(void)state;
	w->fake.its_ops.get = never_enabled;
	assert_int_equal(world_create_its(w), 0);
	assert_int_equal(world_start_its(w), -EIO);
	assert_non_null(strstr(w->failure.cause, "does not take its tables"));
	assert_string_equal(w->failure.cure, CURE_KERNEL_LOG);
	kernel_its_destroy(w->its);
	w->its = NULL;
	world_free(w);
}

/* ---- updates of assigned events ------------------------------------------------------------ */

static void test_a_mapped_events_signal_is_pending_at_its_vcpu(void **state)
{
	struct world *w = world_ready();

	(void)state;
	/* The first and the last event, of different devices, and one of another ITS. */
	world_map(w, 0, 0, LPI(0), 0);
	world_map(w, 0, EVENTS - 1, LPI(1), 1);
	world_map(w, 2, 7, LPI(2), 2);
	commit_and_check(w);
	assert_int_equal(world_signal(w, 0, 0), 1);
	assert_int_equal(world_signal(w, 0, EVENTS - 1), 1);
	assert_int_equal(world_signal(w, 2, 7), 1);
	for (uint32_t i = 0; i < WORLD_VCPUS; i++) {
		assert_int_equal(take(w, i), LPI(i));
		assert_int_equal(take(w, i), 0);
	}
	world_free(w);
}

static void test_an_event_that_is_not_mapped_gets_nothing(void **state)
{
	struct world *w = world_ready();

	(void)state;
	assert_int_equal(world_signal(w, 0, 5), 0);
	world_map(w, 0, 5, LPI(5), 0);
	commit_and_check(w);
	world_enable_lpis(w, 0, false);
	assert_int_equal(world_signal(w, 0, 5), -EBUSY);
	world_update(w, VITS_LPI_UNMAP, 0, 5);
	commit_and_check(w);
	assert_int_equal(world_signal(w, 0, 5), 0);
	world_free(w);
}

static void test_each_update_does_what_its_command_says(void **state)
{
	struct world *w = world_ready();

	(void)state;
	world_map(w, 0, 3, LPI(3), 0);
	world_update(w, VITS_LPI_RAISE, 0, 3);
	commit_and_check(w);
	assert_true(world_pending(w, LPI(3)));
	/* Pending goes along. */
	world_move(w, 0, 3, 1);
	commit_and_check(w);
	assert_int_equal(take(w, 1), LPI(3));
	world_update(w, VITS_LPI_RAISE, 0, 3);
	world_update(w, VITS_LPI_CLEAR, 0, 3);
	commit_and_check(w);
	assert_false(world_pending(w, LPI(3)));
	/* The configuration is read when it is said so. */
	world_configure(w, LPI(3), false);
	assert_int_equal(world_signal(w, 0, 3), 1);
	world_update(w, VITS_LPI_INV, 0, 3);
	commit_and_check(w);
	assert_int_equal(take(w, 1), 0);
	world_configure(w, LPI(3), true);
	world_invall(w, 1);
	commit_and_check(w);
	assert_int_equal(take(w, 1), LPI(3));
	world_free(w);
}

static void test_unmapping_forgets_what_is_pending_and_detaching_does_not(void **state)
{
	struct world *w = world_ready();

	(void)state;
	for (uint32_t i = 0; i < 2; i++)
		world_map(w, 0, i, LPI(i), 0);
	for (uint32_t i = 0; i < 2; i++)
		world_update(w, VITS_LPI_RAISE, 0, i);
	world_update(w, VITS_LPI_UNMAP, 0, 0);
	world_update(w, VITS_LPI_DETACH, 0, 1);
	commit_and_check(w);
	assert_false(world_pending(w, LPI(0)));
	assert_true(world_pending(w, LPI(1)));
	assert_int_equal(world_nr_mapped(w), 0);
	/* Mapped again, it is pending at its new target, with the configuration of now. */
	world_configure(w, LPI(1), false);
	world_map(w, 0, 9, LPI(1), 2);
	commit_and_check(w);
	assert_true(world_pending(w, LPI(1)));
	assert_int_equal(take(w, 2), 0);
	world_configure(w, LPI(1), true);
	world_update(w, VITS_LPI_INV, 0, 9);
	commit_and_check(w);
	assert_int_equal(take(w, 2), LPI(1));
	world_free(w);
}

static void test_movall_moves_what_is_mapped_and_what_is_pending_of_it(void **state)
{
	struct world *w = world_ready();

	(void)state;
	for (uint32_t i = 0; i < 10; i++)
		world_map(w, 0, i, LPI(i), i % 2);
	world_update_other(w, VITS_LPI_RAISE, 1, LPI(20), 0);
	commit_and_check(w);
	for (uint32_t i = 0; i < 10; i++)
		assert_int_equal(world_signal(w, 0, i), 1);
	world_movall(w, 0, 2);
	commit_and_check(w);
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(take(w, 2), LPI(2 * i));
	assert_int_equal(take(w, 2), LPI(20));
	assert_int_equal(take(w, 0), 0);
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(take(w, 1), LPI(2 * i + 1));
	world_free(w);
}

static void test_a_queue_that_is_full_is_run_in_between(void **state)
{
	const uint32_t nr = 3000;
	struct world *w = world_new(nr);

	(void)state;
	world_set_up_lpis(w);
	for (uint32_t i = 0; i < nr; i++)
		world_map(w, 0, i, LPI(i), 0);
	world_movall(w, 0, 1);
	commit_and_check(w);
	assert_int_equal(world_nr_mapped(w), nr);
	assert_true(w->model.most_commands < 64 * KiB / 32);
	assert_true(w->model.nr_batches > 4);
	assert_int_equal(stats_of(w).pauses, 2); /* that of the start, and one for all of it */
	world_free(w);
}

/* ---- deferred mappings ------------------------------------------------------------------------
 */

static void test_a_mapping_waits_for_the_guests_tables(void **state)
{
	struct world *w = world_new(EVENTS);

	(void)state;
	world_map(w, 0, 0, LPI(0), 0);
	commit_and_check(w);
	assert_true(kernel_its_defers(w->its, 0, 0));
	assert_false(kernel_its_defers(w->its, 0, 1));
	assert_false(world_mapped(w, 0, 0));
	assert_int_equal(stats_of(w).deferred, 1);
	assert_int_equal(w->nr_deferred_changed, 1);
	world_set_up_lpis(w);
	/* The next batch, of whatever, makes it. */
	world_map(w, 1, 0, LPI(1), 0);
	commit_and_check(w);
	assert_false(kernel_its_defers(w->its, 0, 0));
	assert_true(world_mapped(w, 0, 0));
	assert_int_equal(w->nr_deferred_changed, 2);
	world_free(w);
}

static void test_an_early_signal_is_kept_until_lpis_are_on(void **state)
{
	struct world *w = world_new(EVENTS);

	(void)state;
	world_configure(w, LPI(0), true);
	world_map(w, 0, 0, LPI(0), 1);
	commit_and_check(w);
	assert_int_equal(world_signal(w, 0, 0), 1);
	/* Tables alone are not enough: the kernel would lose it. */
	world_set_propbaser(w, 16);
	world_set_pendbaser(w, 1, true);
	world_retry(w);
	world_check(w);
	assert_true(kernel_its_defers(w->its, 0, 0));
	world_enable_lpis(w, 1, true);
	world_retry(w);
	world_check(w);
	assert_false(kernel_its_defers(w->its, 0, 0));
	assert_true(world_mapped(w, 0, 0));
	assert_int_equal(take(w, 1), LPI(0));
	/* Until the guest did all that, nobody had to look. */
	assert_int_equal(w->nr_retries_due, 0);
	world_retry(w);
	world_free(w);
}

static void test_a_signal_makes_the_mapping_that_it_needs(void **state)
{
	struct world *w = world_new(EVENTS);

	(void)state;
	for (uint32_t i = 0; i < 4; i++)
		world_map(w, 0, i, LPI(i), 0);
	commit_and_check(w);
	world_set_up_lpis(w);
	assert_int_equal(world_signal(w, 0, 2), 1);
	world_check(w);
	assert_true(world_pending(w, LPI(2)));
	/* Since the vCPUs are paused already, the others as well. */
	assert_int_equal(world_nr_mapped(w), 4);
	world_free(w);
}

static void test_updates_of_a_deferred_mapping_are_kept_with_it(void **state)
{
	struct world *w = world_new(EVENTS);

	(void)state;
	for (uint32_t i = 0; i < 6; i++)
		world_map(w, 0, i, LPI(i), 0);
	world_move(w, 0, 0, 2);
	world_update(w, VITS_LPI_RAISE, 0, 1);
	world_update(w, VITS_LPI_RAISE, 0, 2);
	world_update(w, VITS_LPI_CLEAR, 0, 2);
	world_update(w, VITS_LPI_UNMAP, 0, 3);
	world_update(w, VITS_LPI_DETACH, 0, 4);
	world_update(w, VITS_LPI_INV, 0, 5);
	world_movall(w, 0, 1);
	commit_and_check(w);
	assert_int_equal(world_nr_mapped(w), 0);
	world_set_up_lpis(w);
	world_retry(w);
	world_check(w);
	assert_int_equal(world_nr_mapped(w), 4);
	assert_true(world_pending(w, LPI(1)));
	assert_false(world_pending(w, LPI(2)));
	world_free(w);
}

/* To a vCPU whose LPIs are on, by a batch that does nothing else. */
static void test_an_early_signal_goes_on_where_its_event_is_moved(void **state)
{
	struct world *w = world_new(EVENTS);

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		world_configure(w, LPI(i), true);
		world_map(w, 0, i, LPI(i), 0);
	}
	commit_and_check(w);
	world_set_up_lpis(w);
	world_enable_lpis(w, 0, false);
	assert_int_equal(world_signal(w, 0, 0), 1);
	assert_int_equal(world_signal(w, 0, 1), 1);
	world_nothing_is_owed(w);
	for (unsigned i = 0; i < 2; i++) {
		if (i)
			world_movall(w, 0, 1);
		else
			world_move(w, 0, 0, 1);
		commit_and_check(w);
		assert_int_equal(w->nr_retries_due, i + 1);
		world_retry(w);
		world_check(w);
		assert_int_equal(take(w, 1), LPI(i));
	}
	/* Nothing is left to do. */
	commit_and_check(w);
	assert_int_equal(w->nr_retries_due, 2);
	world_free(w);
}

static void expect_deferred(struct world *w, uint32_t eventid, uint32_t intid)
{
	world_map(w, 0, eventid, intid, 0);
	commit_and_check(w);
	assert_true(kernel_its_defers(w->its, 0, eventid));
}

static void test_a_mapping_that_kvm_would_refuse_is_deferred(void **state)
{
	struct world *w = world_ready();

	(void)state;
	/* Fewer LPIs than this one. */
	world_set_propbaser(w, 14);
	world_map(w, 0, 0, 16383, 0);
	commit_and_check(w);
	assert_false(kernel_its_defers(w->its, 0, 0));
	expect_deferred(w, 1, 16384);
	/* A table that is not in memory: either of them. */
	world_set_propbaser(w, 16);
	world_set_pendbaser(w, 0, false);
	expect_deferred(w, 2, LPI(2));
	world_set_pendbaser(w, 0, true);
	fake_kvm_set_propbaser(&w->fake, 15);
	expect_deferred(w, 3, LPI(3));
	/* One that begins in memory and ends elsewhere. */
	fake_kvm_set_propbaser(&w->fake, (LAYOUT_RAM + gmem_size(&w->mem) - 4096) | 15);
	expect_deferred(w, 6, LPI(4096));
	world_map(w, 0, 7, LPI(4095), 0);
	commit_and_check(w);
	assert_false(kernel_its_defers(w->its, 0, 7));
	/* The frame is no memory. */
	fake_kvm_set_propbaser(&w->fake, LAYOUT_KERNEL_ITS_FRAME | 15);
	expect_deferred(w, 4, LPI(4));
	world_set_propbaser(w, 16);
	world_commit(w);
	world_map(w, 0, 5, LPI(5), 0);
	commit_and_check(w);
	assert_int_equal(world_nr_mapped(w), 8);
	world_free(w);
}

static void test_so_many_deferred_mappings_are_tried_at_a_time(void **state)
{
	const uint32_t nr = 3000;
	struct world *w = world_new(nr);

	(void)state;
	for (uint32_t i = 0; i < nr; i++)
		world_map(w, 0, i, LPI(i), 0);
	world_commit(w);
	assert_int_equal(world_nr_mapped(w), 0);
	world_set_up_lpis(w);
	world_invall(w, 0);
	commit_and_check(w);
	assert_int_equal(world_nr_mapped(w), 1024);
	assert_int_equal(w->nr_retries_due, 0);
	assert_int_equal(world_signal(w, 0, nr - 1), 1);
	while (world_nr_mapped(w) < nr) {
		uint32_t before = world_nr_mapped(w);

		world_invall(w, 0);
		world_commit(w);
		assert_true(world_nr_mapped(w) > before);
	}
	assert_int_equal(w->nr_retries_due, 0);
	world_check(w);
	assert_true(world_pending(w, LPI(nr - 1)));
	world_free(w);
}

/* Those that its turn does not come to are tried by the retry. */
static void test_an_interrupt_that_waits_behind_many_is_not_left(void **state)
{
	const uint32_t nr = 3000, late = 500;
	struct world *w = world_new(nr);

	(void)state;
	for (uint32_t i = 0; i < nr; i++)
		world_map(w, 0, i, LPI(i), 1);
	world_commit(w);
	assert_int_equal(world_signal(w, 0, late), 1);
	/* LPIs are switched on in the middle of a batch, whose commit is to look. */
	world_invall(w, 0);
	world_set_up_lpis(w);
	world_retry(w);
	assert_int_equal(world_nr_mapped(w), 0);
	commit_and_check(w);
	assert_true(kernel_its_defers(w->its, 0, late));
	assert_int_equal(w->nr_retries_due, 1);
	world_retry(w);
	world_check(w);
	assert_true(world_pending(w, LPI(late)));
	world_free(w);
}

/* ---- events of no function ----------------------------------------------------------------------
 */

static void test_an_event_of_no_function_raises_its_lpi(void **state)
{
	struct world *w = world_ready();

	(void)state;
	world_update_other(w, VITS_LPI_RAISE, 0, LPI(7), 1);
	commit_and_check(w);
	assert_int_equal(take(w, 1), LPI(7));
	/* Its collection has another target since. */
	world_update_other(w, VITS_LPI_RAISE, 0, LPI(7), 2);
	commit_and_check(w);
	assert_int_equal(take(w, 2), LPI(7));
	world_update_other(w, VITS_LPI_RAISE, 0, LPI(7), 2);
	world_update_other(w, VITS_LPI_MOVE, 0, LPI(7), 0);
	commit_and_check(w);
	assert_true(world_pending(w, LPI(7)));
	world_update_other(w, VITS_LPI_CLEAR, 0, LPI(7), 0);
	commit_and_check(w);
	assert_false(world_pending(w, LPI(7)));
	world_configure(w, LPI(7), false);
	world_update_other(w, VITS_LPI_INV, 0, LPI(7), 0);
	world_update_other(w, VITS_LPI_RAISE, 0, LPI(7), 0);
	commit_and_check(w);
	assert_int_equal(take(w, 0), 0);
	assert_int_equal(world_nr_mapped(w), 1);
	world_update_other(w, VITS_LPI_UNMAP, 0, LPI(7), 0);
	commit_and_check(w);
	assert_int_equal(world_nr_mapped(w), 0);
	assert_false(world_pending(w, LPI(7)));
	world_free(w);
}

static void test_a_mapping_of_no_function_is_the_guests_alone(void **state)
{
	struct world *w = world_ready();

	(void)state;
	world_update_other(w, VITS_LPI_DETACH, 0, LPI(7), 1);
	commit_and_check(w);
	assert_false(world_pending(w, LPI(7)));
	world_free(w);
}

static void test_the_kernel_keeps_a_bounded_number_of_lpis_of_no_function(void **state)
{
	struct world *w = world_ready();
	uint32_t nr_pending = 0;

	(void)state;
	for (uint32_t i = 0; i < 2 * SCRATCH; i++)
		world_update_other(w, VITS_LPI_RAISE, 0, LPI(i), i % WORLD_VCPUS);
	commit_and_check(w);
	for (uint32_t i = 0; i < 2 * SCRATCH; i++)
		nr_pending += world_pending(w, LPI(i));
	assert_int_equal(nr_pending, SCRATCH);
	assert_int_equal(world_nr_mapped(w), SCRATCH);
	/* The later ones are those that are there. */
	assert_true(world_pending(w, LPI(SCRATCH)));
	assert_false(world_pending(w, LPI(0)));
	/* One that was forgotten, of vCPU 0, takes nothing of its successor's along. */
	assert_int_equal(kvm_its_model_lpi(&w->model, LPI(SCRATCH))->vcpu, 1);
	world_movall(w, 0, 2);
	commit_and_check(w);
	assert_int_equal(kvm_its_model_lpi(&w->model, LPI(SCRATCH))->vcpu, 1);
	world_free(w);
}

static void test_without_tables_an_update_of_no_function_is_dropped_and_counted(void **state)
{
	struct world *w = world_new(EVENTS);

	(void)state;
	world_update_other(w, VITS_LPI_RAISE, 0, LPI(7), 1);
	commit_and_check(w);
	assert_int_equal(stats_of(w).not_ready, 1);
	assert_int_equal(world_nr_mapped(w), 0);
	world_free(w);
}

static void test_an_lpi_is_given_up_to_the_event_that_maps_it(void **state)
{
	struct world *w = world_ready();

	(void)state;
	world_update_other(w, VITS_LPI_RAISE, 0, LPI(7), 1);
	commit_and_check(w);
	world_map(w, 0, 0, LPI(7), 2);
	commit_and_check(w);
	assert_int_equal(world_nr_mapped(w), 1);
	assert_true(world_pending(w, LPI(7)));
	/* An entry of another ITS that says so too is of no account. */
	world_update_other(w, VITS_LPI_CLEAR, 1, LPI(7), 0);
	world_update_other(w, VITS_LPI_UNMAP, 1, LPI(7), 0);
	commit_and_check(w);
	assert_int_equal(take(w, 2), LPI(7));
	/* The scratch event is free: for another LPI, and for this one when it is. */
	world_update_other(w, VITS_LPI_RAISE, 0, LPI(7 + SCRATCH), 1);
	world_update(w, VITS_LPI_UNMAP, 0, 0);
	world_update_other(w, VITS_LPI_RAISE, 0, LPI(7), 1);
	commit_and_check(w);
	assert_int_equal(take(w, 1), LPI(7));
	world_free(w);
}

static void test_an_lpi_is_kept_by_no_function_while_its_mapping_is_deferred(void **state)
{
	struct world *w = world_ready();

	(void)state;
	world_update_other(w, VITS_LPI_RAISE, 0, LPI(7), 1);
	commit_and_check(w);
	world_set_pendbaser(w, 2, false);
	world_map(w, 0, 0, LPI(7), 2);
	commit_and_check(w);
	assert_true(kernel_its_defers(w->its, 0, 0));
	/* Another LPI needs the slot. */
	world_update_other(w, VITS_LPI_RAISE, 0, LPI(7 + SCRATCH), 1);
	commit_and_check(w);
	world_set_pendbaser(w, 2, true);
	world_invall(w, 0);
	commit_and_check(w);
	assert_true(world_mapped(w, 0, 0));
	world_free(w);
}

/* ---- pauses --------------------------------------------------------------------------- */

static void test_a_commit_without_updates_disturbs_nobody(void **state)
{
	struct world *w = world_ready();
	uint64_t before = stats_of(w).pauses;

	(void)state;
	commit_and_check(w);
	world_retry(w);
	assert_int_equal(stats_of(w).pauses, before);
	world_map(w, 0, 0, LPI(0), 0);
	world_map(w, 0, 1, LPI(1), 0);
	commit_and_check(w);
	assert_int_equal(stats_of(w).pauses, before + 1);
	/* A signal of what is mapped neither. */
	assert_int_equal(world_signal(w, 0, 0), 1);
	assert_int_equal(stats_of(w).pauses, before + 1);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_frame_is_covered_and_the_tables_are_read_only),
		cmocka_unit_test(test_nothing_stays_whichever_call_of_the_host_fails),
		cmocka_unit_test(test_no_memory_is_told),
		cmocka_unit_test(test_an_its_that_does_not_take_its_tables_is_told),
		cmocka_unit_test(test_a_mapped_events_signal_is_pending_at_its_vcpu),
		cmocka_unit_test(test_an_event_that_is_not_mapped_gets_nothing),
		cmocka_unit_test(test_each_update_does_what_its_command_says),
		cmocka_unit_test(test_unmapping_forgets_what_is_pending_and_detaching_does_not),
		cmocka_unit_test(test_movall_moves_what_is_mapped_and_what_is_pending_of_it),
		cmocka_unit_test(test_a_queue_that_is_full_is_run_in_between),
		cmocka_unit_test(test_a_mapping_waits_for_the_guests_tables),
		cmocka_unit_test(test_an_early_signal_is_kept_until_lpis_are_on),
		cmocka_unit_test(test_a_signal_makes_the_mapping_that_it_needs),
		cmocka_unit_test(test_updates_of_a_deferred_mapping_are_kept_with_it),
		cmocka_unit_test(test_a_mapping_that_kvm_would_refuse_is_deferred),
		cmocka_unit_test(test_an_early_signal_goes_on_where_its_event_is_moved),
		cmocka_unit_test(test_so_many_deferred_mappings_are_tried_at_a_time),
		cmocka_unit_test(test_an_interrupt_that_waits_behind_many_is_not_left),
		cmocka_unit_test(test_an_event_of_no_function_raises_its_lpi),
		cmocka_unit_test(test_a_mapping_of_no_function_is_the_guests_alone),
		cmocka_unit_test(test_the_kernel_keeps_a_bounded_number_of_lpis_of_no_function),
		cmocka_unit_test(
			test_without_tables_an_update_of_no_function_is_dropped_and_counted),
		cmocka_unit_test(test_an_lpi_is_given_up_to_the_event_that_maps_it),
		cmocka_unit_test(test_an_lpi_is_kept_by_no_function_while_its_mapping_is_deferred),
		cmocka_unit_test(test_a_commit_without_updates_disturbs_nobody),
	};

	alarm(300);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
