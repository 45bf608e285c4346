// SPDX-License-Identifier: MIT
/*
 * Function Level Reset by one vCPU while another one goes on: the function's BARs have left the
 * guest's memory before it begins, and nobody puts them back until it is over.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <cmocka.h>
#include <linux/pci_regs.h>

#include "tests/unit/vfio/vfio_fake.h"

#define BDF   "0000:00:01.0"
#define PLACE UINT64_C(0x40000000)

struct world {
	struct fake_vfio fake;
	struct fake_function *fn;
	struct vfio_container *container;
	struct vfio_device *dev;
	/* Of BAR 0, as the one who maps it was told, so often. */
	_Atomic bool decoded;
	_Atomic unsigned tellings;
	unsigned look_at; /* the telling after which the other vCPU writes; 0: none */
	/* Another vCPU, which gives the BAR its place again. */
	pthread_t other;
	bool has_other, decoded_before, ended_before;
	_Atomic bool other_began, other_ended;
};

static void place(struct world *w)
{
	vfio_cfgspace_write(w->dev, PCI_BASE_ADDRESS_0, 4, PLACE);
	vfio_cfgspace_write(w->dev, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
}

static void *other_vcpu(void *arg)
{
	struct world *w = arg;

	w->other_began = true;
	place(w);
	w->other_ended = true;
	return NULL;
}

/* Is the BAR away, and does who writes now wait? */
static void look(void *arg)
{
	const struct timespec a_while = { .tv_nsec = 20000000 };
	struct world *w = arg;

	w->decoded_before = w->decoded;
	assert_int_equal(pthread_create(&w->other, NULL, other_vcpu, w), 0);
	w->has_other = true;
	while (!w->other_began)
		sched_yield();
	(void)nanosleep(&a_while, NULL);
	w->ended_before = w->other_ended;
}

static void bars_changed(void *ctx)
{
	struct world *w = ctx;
	struct vfio_bar bar;

	vfio_device_bar(w->dev, 0, &bar);
	w->decoded = bar.decoded;
	if (++w->tellings == w->look_at)
		look(w);
}

static const struct vfio_device_ops ops = { .bars_changed = bars_changed };

static void start(struct world *w)
{
	fake_init(&w->fake);
	w->fn = fake_add_full(&w->fake, BDF, 1);
	fake_publish(&w->fake);
	fake_container(&w->fake, &w->container);
	w->dev = fake_open(&w->fake, w->container, BDF);
	vfio_device_set_ops(w->dev, &ops, w);
	place(w);
	assert_true(w->decoded);
	assert_int_equal(w->tellings, 1);
}

static void ask_reset(struct world *w)
{
	unsigned before = w->fn->resets;

	vfio_cfgspace_write(w->dev, FULL_AF + PCI_AF_CTRL, 1, PCI_AF_CTRL_FLR);
	assert_int_equal(w->fn->resets, before + 1);
}

/* What was written meanwhile has its effect, and no reset takes it away. */
static void expect_the_other_afterwards(struct world *w)
{
	assert_true(w->has_other);
	assert_false(w->decoded_before);
	assert_false(w->ended_before);
	assert_int_equal(pthread_join(w->other, NULL), 0);
	assert_true(w->decoded);
	assert_int_equal(vfio_cfgspace_read(w->dev, PCI_BASE_ADDRESS_0, 4) & ~0xfu, PLACE);
}

static void stop(struct world *w)
{
	w->fn->resetting = NULL;
	vfio_device_destroy(w->dev);
	vfio_container_destroy(w->container);
	fake_fini(&w->fake);
}

static void test_bars_are_away_while_the_function_is_reset(void **state)
{
	struct world w = { 0 };

	(void)state;
	start(&w);
	w.fn->resetting = look;
	w.fn->resetting_arg = &w;
	ask_reset(&w);
	expect_the_other_afterwards(&w);
	stop(&w);
}

static void test_nobody_puts_them_back_before_the_reset_begins(void **state)
{
	struct world w = { 0 };

	(void)state;
	start(&w);
	w.look_at = 2;
	ask_reset(&w);
	expect_the_other_afterwards(&w);
	stop(&w);
}

static void test_a_function_that_decodes_nothing_has_nothing_to_be_told(void **state)
{
	struct world w = { 0 };

	(void)state;
	start(&w);
	vfio_cfgspace_write(w.dev, PCI_COMMAND, 2, 0);
	assert_int_equal(w.tellings, 2);
	ask_reset(&w);
	assert_int_equal(w.tellings, 2);
	place(&w);
	assert_true(w.decoded);
	stop(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bars_are_away_while_the_function_is_reset),
		cmocka_unit_test(test_nobody_puts_them_back_before_the_reset_begins),
		cmocka_unit_test(test_a_function_that_decodes_nothing_has_nothing_to_be_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
