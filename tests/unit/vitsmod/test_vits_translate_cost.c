// SPDX-License-Identifier: MIT
/*
 * What the interrupt path must not do: wait for a lock, or allocate. IHI 0069 5.2.
 *
 * Documents: sanitizer/allocator_interface.h. In builds without a sanitizer the
 * tests of allocation are skipped. How many instructions there are is for
 * tests/bench.
 */
#include "tests/unit/vitsmod/vits_world.h"

#include <stdlib.h>
#include <unistd.h>

#include "vitsmod/vits_priv.h"

/* A deadlock ends the test. */
#define PATIENCE_S 300u

/* The sanitizers' hooks have no argument of ours. */
static _Atomic unsigned nr_allocated;
static bool hooked;

#pragma weak __sanitizer_install_malloc_and_free_hooks
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
					      void (*on_free)(const volatile void *));

static void on_malloc(const volatile void *p, size_t sz)
{
	(void)p;
	(void)sz;
	nr_allocated++;
}

static void on_free(const volatile void *p)
{
	(void)p;
}

static int install_hooks(void **state)
{
	(void)state;
	if (__sanitizer_install_malloc_and_free_hooks)
		hooked = __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free) != 0;
	return 0;
}

static void require_hooks(void)
{
	unsigned before = nr_allocated;
	void *p;

	if (!hooked)
		skip();
	p = malloc(1);
	assert_non_null(p);
	free(p);
	assert_int_equal(nr_allocated, before + 1);
}

static struct world *world_with_event(void)
{
	struct world *w = world_create_ready();

	run_ok(w, mapti(DEV_A, 0, LPI(0), 0));
	return w;
}

static void expect_every_outcome(struct world *w)
{
	expect_msi(w, 0, 0, LPI(0), 0);
	expect_no_msi(w, 0, 1, VITS_MSI_UNMAPPED);
	expect_no_msi(w, 0, DEV_A_EVENTS, VITS_MSI_BEYOND_SHADOW);
}

static void test_translation_goes_on_while_the_lock_is_held(void **state)
{
	struct world *w = world_with_event();

	(void)state;
	(void)alarm(PATIENCE_S);
	vits_lock(w->v);
	expect_every_outcome(w);
	vits_unlock(w->v);
	(void)alarm(0);
	world_destroy(w);
}

static void translate_inside(struct world *w)
{
	expect_every_outcome(w);
}

static void test_translation_goes_on_while_commands_run(void **state)
{
	struct world *w = world_with_event();
	uint64_t commits = w->nr_commits;

	(void)state;
	(void)alarm(PATIENCE_S);
	w->on_commit = translate_inside;
	run_ok(w, inv(DEV_A, 0));
	assert_int_equal(w->nr_commits, commits + 1);
	(void)alarm(0);
	world_destroy(w);
}

static void test_translation_allocates_nothing(void **state)
{
	struct world *w;
	unsigned before;

	(void)state;
	require_hooks();
	w = world_with_event();
	before = nr_allocated;
	expect_every_outcome(w);
	wr32(w, GITS_CTLR, 0);
	expect_no_msi(w, 0, 0, VITS_MSI_DISABLED);
	assert_int_equal(nr_allocated, before);
	world_destroy(w);
}

static void test_commands_allocate_nothing(void **state)
{
	struct world *w;
	const struct words commands[] = {
		mapti(DEV_B, 31, LPI(1), 1),
		mapi(DEV_B, 9000, 0),
		movi(DEV_A, 0, 1),
		intr(DEV_A, 0),
		clear(DEV_A, 0),
		inv(DEV_A, 0),
		invall(1),
		movall(0, 1),
		mapc(1, 2),
		discard(DEV_A, 0),
		mapc_off(1),
		mapd_off(DEV_B),
		mapd(DEV_B, ITT_B, 5),
		sync_cmd(0),
		opcode(0xff),
	};
	unsigned before;

	(void)state;
	require_hooks();
	w = world_with_event();
	before = nr_allocated;
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		(void)run(w, commands[i]);
	vits_reset(w->v);
	world_set_tables(w);
	wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
	assert_int_equal(nr_allocated, before);
	world_destroy(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_translation_goes_on_while_the_lock_is_held),
		cmocka_unit_test(test_translation_goes_on_while_commands_run),
		cmocka_unit_test(test_translation_allocates_nothing),
		cmocka_unit_test(test_commands_allocate_nothing),
	};

	return cmocka_run_group_tests(tests, install_hooks, NULL);
}
