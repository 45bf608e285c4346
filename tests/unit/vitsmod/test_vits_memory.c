// SPDX-License-Identifier: MIT
/*
 * Memory runs out: each allocation that vits_create() and vits_save() make
 * fails in turn. Linked with --wrap for calloc and aligned_alloc (Makefile).
 * What is not freed then, LeakSanitizer reports when the program ends.
 */
#include <errno.h>
#include <stdlib.h>

#include "tests/unit/vitsmod/vits_world.h"

/* The allocation that fails, counted from 1; 0: none does. */
static struct {
	unsigned nr;
	unsigned fails;
} allocations;

void *__real_calloc(size_t nr, size_t sz);
void *__real_aligned_alloc(size_t align, size_t sz);
void *__wrap_calloc(size_t nr, size_t sz);
void *__wrap_aligned_alloc(size_t align, size_t sz);

static bool fails(void)
{
	return ++allocations.nr == allocations.fails;
}

void *__wrap_calloc(size_t nr, size_t sz)
{
	return fails() ? NULL : __real_calloc(nr, sz);
}

void *__wrap_aligned_alloc(size_t align, size_t sz)
{
	return fails() ? NULL : __real_aligned_alloc(align, sz);
}

static void fail_at(unsigned n)
{
	allocations.nr = 0;
	allocations.fails = n;
}

static int no_mem(void *ctx, uint64_t gpa, void *buf, size_t len)
{
	(void)ctx;
	(void)gpa;
	(void)buf;
	(void)len;
	return -EFAULT;
}

static int no_mem_write(void *ctx, uint64_t gpa, const void *buf, size_t len)
{
	(void)ctx;
	(void)gpa;
	(void)buf;
	(void)len;
	return -EFAULT;
}

static void no_update(void *ctx, const struct vits_lpi_update *update)
{
	(void)ctx;
	(void)update;
}

static void no_call(void *ctx)
{
	(void)ctx;
}

static void test_create_says_that_memory_ran_out_wherever_it_does(void **state)
{
	static const struct vits_ops ops = {
		.mem_read = no_mem,
		.mem_write = no_mem_write,
		.update = no_update,
		.commit = no_call,
		.more = no_call,
	};
	const struct vits_function functions[] = { { 1, 4 }, { 2, 300 } };
	const struct vits_config config = {
		.nr_vcpus = 2,
		.devid_bits = 16,
		.eventid_bits = 16,
		.nr_lpis = 64,
		.functions = functions,
		.nr_functions = ARRAY_SIZE(functions),
	};
	struct vits *v = NULL;
	unsigned n = 1;
	int r;

	(void)state;
	for (;; n++) {
		fail_at(n);
		r = vits_create(&config, &ops, NULL, &v);
		fail_at(0);
		if (r == 0)
			break;
		assert_int_equal(r, -ENOMEM);
		assert_null(v);
	}
	assert_true(n > 3); /* itself, and what its shadow is made of */
	vits_destroy(v);
}

static void test_save_without_memory_changes_nothing(void **state)
{
	struct world *w = world_create_ready();
	struct vits_state saved = { 0 };

	(void)state;
	run_ok(w, mapti(DEV_A, 1, LPI(1), 0));
	run_ok(w, movall(0, 2)); /* what no table says */
	fail_at(1);
	assert_int_equal(vits_save(w->v, &saved), -ENOMEM);
	fail_at(0);
	assert_null(saved.places);
	expect_msi(w, 0, 1, LPI(1), 2);

	assert_int_equal(vits_save(w->v, &saved), 0);
	assert_int_equal(saved.nr_places, 1);
	vits_state_fini(&saved);
	world_destroy(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_create_says_that_memory_ran_out_wherever_it_does),
		cmocka_unit_test(test_save_without_memory_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
