// SPDX-License-Identifier: MIT
/*
 * A guest that changes between the kinds of interrupts of a function, and what the host has
 * enabled then.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <poll.h>
#include <unistd.h>

#include "tests/unit/vfio/vfio_fake.h"

/* An e1000e: 5 vectors of MSI-X, and MSI with one, 64 bits wide. */
#define BDF	   "0000:00:01.0"
#define MSIX	   0xa0u
#define MSI	   0xd0u
#define TABLE_BAR  3u
#define ADDRESS	   UINT64_C(0x8090040)
#define MSIX_INDEX VFIO_PCI_MSIX_IRQ_INDEX
#define MSI_INDEX  VFIO_PCI_MSI_IRQ_INDEX

struct world {
	struct fake_vfio fake;
	struct fake_function *fn;
	struct vfio_container *container;
	struct vfio_device *dev;
	unsigned nr_released, nr_changed, nr_changed_before, nr_refused, nr_kinds;
	struct msi_message released;
	int eventfds[5];
	/* At the last change that was told: what the vector sends, and what the host has. */
	bool sent_while[5];
	enum vfio_irq_kind refused;
	int error;
};

static void vector_released(void *ctx, unsigned vector, const struct msi_message *message)
{
	struct world *w = ctx;

	(void)vector;
	w->nr_released++;
	w->released = *message;
}

static void vector_changed(void *ctx, unsigned vector)
{
	struct world *w = ctx;
	struct msi_message message;

	w->nr_changed++;
	/* Of whichever kind it is: what is sent is of the kind that the host has. */
	if (vfio_vector_message(w->dev, vector, &message))
		w->sent_while[w->fn->nr_enabled ? w->fn->enabled_index : 0] = true;
}

static void kind_refused(void *ctx, enum vfio_irq_kind kind, int error)
{
	struct world *w = ctx;

	w->nr_refused++;
	w->refused = kind;
	w->error = error;
}

static void kind_changed(void *ctx)
{
	((struct world *)ctx)->nr_kinds++;
}

static const struct vfio_device_ops ops = {
	.kind_changed = kind_changed,
	.vector_released = vector_released,
	.vector_changed = vector_changed,
	.kind_refused = kind_refused,
};

static void open_it(struct world *w)
{
	fake_publish(&w->fake);
	fake_container(&w->fake, &w->container);
	w->dev = fake_open(&w->fake, w->container, BDF);
	vfio_device_set_ops(w->dev, &ops, w);
	for (unsigned v = 0; v < 5; v++)
		w->eventfds[v] = vfio_vector_eventfd(w->dev, v);
}

static void start(struct world *w)
{
	*w = (struct world){ 0 };
	fake_init(&w->fake);
	w->fn = fake_add_e1000e(&w->fake, BDF, 1);
	open_it(w);
}

static void stop(struct world *w)
{
	vfio_device_destroy(w->dev);
	vfio_container_destroy(w->container);
	fake_fini(&w->fake);
}

static void set_msix(struct world *w, bool on)
{
	vfio_cfgspace_write(w->dev, MSIX + PCI_MSIX_FLAGS, 2, on ? PCI_MSIX_FLAGS_ENABLE : 0);
}

static void set_msi(struct world *w, bool on)
{
	vfio_cfgspace_write(w->dev, MSI + PCI_MSI_FLAGS, 2, on ? PCI_MSI_FLAGS_ENABLE : 0);
}

static void program(struct world *w)
{
	for (unsigned v = 0; v < 5; v++) {
		vfio_bar_write(w->dev, TABLE_BAR, 16 * v, 8, ADDRESS);
		vfio_bar_write(w->dev, TABLE_BAR, 16 * v + 8, 8, 100 + v);
	}
	vfio_cfgspace_write(w->dev, MSI + PCI_MSI_ADDRESS_LO, 4, (uint32_t)ADDRESS);
	vfio_cfgspace_write(w->dev, MSI + PCI_MSI_DATA_64, 2, 200);
}

static void expect_host(const struct world *w, unsigned index, unsigned nr)
{
	assert_int_equal(w->fn->nr_enabled, nr);
	assert_int_equal(w->fn->enabled_index, index);
	for (unsigned v = 0; v < nr; v++)
		assert_int_equal(w->fn->eventfds[v], w->eventfds[v]);
}

static bool is_signalled(struct world *w, unsigned vector)
{
	struct pollfd p = { .fd = vfio_vector_eventfd(w->dev, vector), .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

/* The function interrupts; its router reads the eventfd and takes it. */
static enum vfio_take interrupt(struct world *w, unsigned vector, uint32_t *ret_data)
{
	struct msi_message message = { 0 };
	enum vfio_take take;
	uint64_t signals;

	fake_signal(w->fn, vector);
	assert_int_equal(read(w->eventfds[vector], &signals, sizeof(signals)), sizeof(signals));
	take = vfio_vector_take(w->dev, vector, &message);
	*ret_data = message.data;
	return take;
}

static void expect_sent(struct world *w, unsigned vector, uint32_t data)
{
	uint32_t got;

	assert_int_equal(interrupt(w, vector, &got), VFIO_TAKE_DELIVER);
	assert_int_equal(got, data);
}

static void test_all_kinds_are_shown_and_the_first_is_enabled_at_the_host(void **state)
{
	struct world w;

	(void)state;
	start(&w);
	assert_int_equal(vfio_cfgspace_read(w.dev, MSIX, 1), PCI_CAP_ID_MSIX);
	assert_int_equal(vfio_cfgspace_read(w.dev, MSI, 1), PCI_CAP_ID_MSI);
	assert_int_equal(vfio_cfgspace_read(w.dev, MSI + PCI_MSI_FLAGS, 2), PCI_MSI_FLAGS_64BIT);
	assert_int_equal(vfio_device_nr_vectors(w.dev), 5);
	assert_int_equal(vfio_device_irq_kind(w.dev), VFIO_IRQ_KIND_MSIX);
	assert_int_equal(vfio_device_irqs_epoch(w.dev), 0);
	expect_host(&w, MSIX_INDEX, 5);
	stop(&w);
}

static void test_a_second_kind_that_the_host_has_not_is_hidden(void **state)
{
	struct world w = { 0 };

	(void)state;
	fake_init(&w.fake);
	w.fn = fake_add_e1000e(&w.fake, BDF, 1);
	w.fn->irqs[MSI_INDEX] = 0;
	open_it(&w);
	for (unsigned at = vfio_cfgspace_read(w.dev, PCI_CAPABILITY_LIST, 1); at;
	     at = vfio_cfgspace_read(w.dev, at + 1, 1))
		assert_int_not_equal(vfio_cfgspace_read(w.dev, at, 1), PCI_CAP_ID_MSI);
	program(&w);
	set_msi(&w, true);
	expect_host(&w, MSIX_INDEX, 5);
	stop(&w);
}

static void test_a_guest_changes_from_msix_to_msi_and_back(void **state)
{
	struct world w;
	unsigned epoch;

	(void)state;
	start(&w);
	program(&w);
	for (unsigned i = 0; i < 3; i++) {
		set_msix(&w, true);
		expect_host(&w, MSIX_INDEX, 5);
		for (unsigned v = 0; v < 5; v++)
			expect_sent(&w, v, 100 + v);
		/* While none is enabled, the host keeps what it has. */
		set_msix(&w, false);
		expect_host(&w, MSIX_INDEX, 5);
		epoch = vfio_device_irqs_epoch(w.dev);
		w.nr_kinds = 0;
		set_msi(&w, true);
		expect_host(&w, MSI_INDEX, 1);
		assert_int_equal(w.nr_kinds, 1);
		assert_int_equal(vfio_device_irq_kind(w.dev), VFIO_IRQ_KIND_MSI);
		assert_int_equal(vfio_device_irqs_epoch(w.dev) % 2, 0);
		assert_int_equal(vfio_device_irqs_epoch(w.dev), epoch + 2);
		expect_sent(&w, 0, 200);
		set_msi(&w, false);
		expect_host(&w, MSI_INDEX, 1);
	}
	assert_int_equal(w.nr_refused, 0);
	stop(&w);
}

/* Drivers enable MSI-X more than once, and mask; of one kind, the host hears nothing. */
static void test_of_one_kind_the_host_is_left_alone(void **state)
{
	struct world w;
	unsigned calls;

	(void)state;
	start(&w);
	program(&w);
	set_msix(&w, true);
	calls = w.fake.calls;
	for (unsigned i = 0; i < 100; i++)
		set_msix(&w, i % 2);
	assert_int_equal(w.fake.calls, calls);
	set_msi(&w, true);
	assert_int_equal(w.fake.calls, calls);
	set_msix(&w, false);
	assert_int_equal(w.fake.calls, calls + 2);
	for (unsigned i = 0; i < 100; i++)
		set_msi(&w, i % 2);
	assert_int_equal(w.fake.calls, calls + 2);
	stop(&w);
}

/* A driver waits for nothing; a guest that changes in a loop has fifty changes in a second. */
static void test_a_guest_that_changes_in_a_loop_waits_for_its_turn(void **state)
{
	const uint64_t period = UINT64_C(20000000);
	struct world w;

	(void)state;
	start(&w);
	w.fake.now_ns = 5 * period;
	set_msi(&w, true);
	for (unsigned i = 0; i < 15; i++)
		set_msix(&w, i % 2 == 0);
	assert_true(w.fake.slept_ns == 0);
	for (unsigned i = 0; i < 100; i++) {
		set_msix(&w, i % 2);
		assert_true(w.fake.slept_ns == (i + 1) * period);
	}
	/* What it did not use it has again, but no more than that. */
	w.fake.now_ns += 1000 * period;
	w.fake.slept_ns = 0;
	for (unsigned i = 0; i < 17; i++)
		set_msix(&w, i % 2);
	assert_true(w.fake.slept_ns == period);
	stop(&w);
}

/* Choice: where both are enabled, it is MSI-X. */
static void test_where_both_are_enabled_it_is_msix(void **state)
{
	struct world w;

	(void)state;
	start(&w);
	program(&w);
	set_msi(&w, true);
	expect_sent(&w, 0, 200);
	set_msix(&w, true);
	expect_host(&w, MSIX_INDEX, 5);
	expect_sent(&w, 0, 100);
	set_msix(&w, false);
	expect_host(&w, MSI_INDEX, 1);
	expect_sent(&w, 0, 200);
	stop(&w);
}

static void expect_none_is_sent(void *arg)
{
	struct world *w = arg;
	struct msi_message message;

	for (unsigned v = 0; v < 5; v++)
		assert_false(vfio_vector_message(w->dev, v, &message));
	w->nr_changed_before = w->nr_changed;
}

/* Also where the guest enables the next kind without having disabled the one before. */
static void test_no_vector_is_sent_by_a_kind_that_the_host_has_not(void **state)
{
	struct world w;

	(void)state;
	start(&w);
	program(&w);
	set_msi(&w, true);
	w.sent_while[MSI_INDEX] = false;
	w.nr_changed = 0;
	w.fn->disabling = expect_none_is_sent;
	w.fn->disabling_arg = &w;
	set_msix(&w, true);
	w.fn->disabling = NULL;
	/* It was told before the host changed, and again after it. */
	assert_true(w.nr_changed_before > 0);
	assert_true(w.nr_changed > w.nr_changed_before);
	assert_true(w.sent_while[MSIX_INDEX]);
	assert_false(w.sent_while[MSI_INDEX]);
	assert_false(w.sent_while[0]);
	stop(&w);
}

/* Choice: what waits is the next kind's. */
static void test_what_waits_between_two_kinds_is_the_next_ones(void **state)
{
	struct world w;
	uint32_t data;

	(void)state;
	start(&w);
	program(&w);
	assert_int_equal(interrupt(&w, 0, &data), VFIO_TAKE_OFF);
	assert_int_equal(interrupt(&w, 3, &data), VFIO_TAKE_OFF);
	/* And one that nobody has read. */
	fake_signal(w.fn, 0);
	set_msi(&w, true);
	assert_int_equal(w.nr_released, 1);
	assert_int_equal(w.released.data, 200);
	assert_true(is_signalled(&w, 0));
	set_msi(&w, false);
	set_msix(&w, true);
	assert_int_equal(w.nr_released, 2);
	assert_int_equal(w.released.data, 103);
	stop(&w);
}

static void test_the_table_keeps_what_was_written_while_msi_is_enabled(void **state)
{
	struct world w;

	(void)state;
	start(&w);
	program(&w);
	set_msi(&w, true);
	vfio_bar_write(w.dev, TABLE_BAR, 8, 4, 77);
	expect_sent(&w, 0, 200);
	assert_true(vfio_bar_read(w.dev, TABLE_BAR, 8, 4) == 77);
	assert_true(vfio_bar_read(w.dev, TABLE_BAR, 24, 4) == 101);
	set_msi(&w, false);
	set_msix(&w, true);
	expect_sent(&w, 0, 77);
	expect_sent(&w, 4, 104);
	stop(&w);
}

static void test_a_kind_that_the_host_refuses_is_told_and_can_be_asked_for_again(void **state)
{
	struct msi_message message;
	struct world w;

	(void)state;
	start(&w);
	program(&w);
	set_msix(&w, true);
	set_msix(&w, false);
	w.fn->irqs_errno = ENOSPC;
	set_msi(&w, true);
	assert_int_equal(w.nr_refused, 1);
	assert_int_equal(w.refused, VFIO_IRQ_KIND_MSI);
	assert_int_equal(w.error, ENOSPC);
	assert_int_equal(w.fn->nr_enabled, 0);
	assert_int_equal(vfio_device_irq_kind(w.dev), VFIO_IRQ_KIND_NONE);
	assert_false(vfio_vector_message(w.dev, 0, &message));
	assert_int_equal(vfio_vector_trigger(w.dev, 0), -EINVAL);
	set_msi(&w, false);
	w.fn->irqs_errno = 0;
	set_msi(&w, true);
	assert_int_equal(w.nr_refused, 1);
	expect_sent(&w, 0, 200);
	stop(&w);
}

static void test_a_reset_leaves_the_host_what_it_has_and_the_guest_none(void **state)
{
	enum vfio_reset_step failed;
	struct msi_message message;
	struct world w;

	(void)state;
	start(&w);
	program(&w);
	set_msi(&w, true);
	assert_int_equal(vfio_device_reset(w.dev, &failed), 0);
	expect_host(&w, MSI_INDEX, 1);
	assert_int_equal(vfio_cfgspace_read(w.dev, MSI + PCI_MSI_FLAGS, 2), PCI_MSI_FLAGS_64BIT);
	assert_false(vfio_vector_message(w.dev, 0, &message));
	program(&w);
	set_msix(&w, true);
	expect_host(&w, MSIX_INDEX, 5);
	expect_sent(&w, 2, 102);
	stop(&w);
}

static void test_a_vector_masked_at_the_device_is_so_with_msix_alone(void **state)
{
	struct world w;

	(void)state;
	start(&w);
	program(&w);
	assert_int_equal(vfio_vector_mask_at_device(w.dev, 0, true), 0);
	assert_int_equal(w.fn->eventfds[0], -1);
	set_msi(&w, true);
	expect_host(&w, MSI_INDEX, 1);
	assert_int_equal(vfio_vector_mask_at_device(w.dev, 1, true), -EOPNOTSUPP);
	set_msi(&w, false);
	set_msix(&w, true);
	assert_int_equal(w.fn->eventfds[0], -1);
	set_msix(&w, false);
	set_msi(&w, true);
	/* Unmasked meanwhile: nothing is to be done at the device. */
	assert_int_equal(vfio_vector_mask_at_device(w.dev, 0, false), 0);
	set_msi(&w, false);
	set_msix(&w, true);
	expect_host(&w, MSIX_INDEX, 5);
	stop(&w);
}

static void test_the_kernel_signals_a_vector_of_the_kind_that_is_enabled(void **state)
{
	struct world w;

	(void)state;
	start(&w);
	assert_int_equal(vfio_vector_trigger(w.dev, 4), 0);
	assert_true(is_signalled(&w, 4));
	set_msi(&w, true);
	assert_int_equal(vfio_vector_trigger(w.dev, 1), -EINVAL);
	assert_int_equal(vfio_vector_trigger(w.dev, 0), 0);
	assert_true(is_signalled(&w, 0));
	stop(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_kinds_are_shown_and_the_first_is_enabled_at_the_host),
		cmocka_unit_test(test_a_second_kind_that_the_host_has_not_is_hidden),
		cmocka_unit_test(test_a_guest_changes_from_msix_to_msi_and_back),
		cmocka_unit_test(test_of_one_kind_the_host_is_left_alone),
		cmocka_unit_test(test_a_guest_that_changes_in_a_loop_waits_for_its_turn),
		cmocka_unit_test(test_where_both_are_enabled_it_is_msix),
		cmocka_unit_test(test_no_vector_is_sent_by_a_kind_that_the_host_has_not),
		cmocka_unit_test(test_what_waits_between_two_kinds_is_the_next_ones),
		cmocka_unit_test(test_the_table_keeps_what_was_written_while_msi_is_enabled),
		cmocka_unit_test(
			test_a_kind_that_the_host_refuses_is_told_and_can_be_asked_for_again),
		cmocka_unit_test(test_a_reset_leaves_the_host_what_it_has_and_the_guest_none),
		cmocka_unit_test(test_a_vector_masked_at_the_device_is_so_with_msix_alone),
		cmocka_unit_test(test_the_kernel_signals_a_vector_of_the_kind_that_is_enabled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
