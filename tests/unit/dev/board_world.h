/* SPDX-License-Identifier: MIT */
/*
 * What a device of the board stands on in its tests: a bus, the clock and KVM's interrupt line,
 * which are played here. For one file of a test program each, which wraps clock_gettime.
 */
#ifndef TESTS_UNIT_DEV_BOARD_WORLD_H
#define TESTS_UNIT_DEV_BOARD_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "vmm/kvm/bus.h"
#include "vmm/kvm/vm.h"

#define BOARD_START_S 1700000000u /* the clock at the start */

static struct {
	struct vm vm;
	struct bus bus;
	clockid_t clock;
	uint64_t now_ms; /* since the start */
	unsigned wake_ups;
	/* The interrupt line that there is. */
	unsigned intid, nr_changes;
	bool line;
} w;

int __wrap_clock_gettime(clockid_t clock, struct timespec *ret);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret)
{
	assert_int_equal(clock, w.clock);
	*ret = (struct timespec){ .tv_sec = (time_t)(BOARD_START_S + w.now_ms / 1000),
				  .tv_nsec = (long)(w.now_ms % 1000) * 1000000 };
	return 0;
}

int vm_irq_line(const struct vm *vm, unsigned intid, bool level)
{
	assert_ptr_equal(vm, &w.vm);
	assert_int_equal(intid, w.intid);
	assert_true(level != w.line);
	w.line = level;
	w.nr_changes++;
	return 0;
}

static void on_wake_up(void *ctx)
{
	assert_ptr_equal(ctx, &w);
	w.wake_ups++;
}

static void board_world_begin(clockid_t clock, unsigned intid)
{
	memset(&w, 0, sizeof(w));
	w.clock = clock;
	w.intid = intid;
}

#endif
