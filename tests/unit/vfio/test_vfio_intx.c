// SPDX-License-Identifier: MIT
/*
 * INTx: what the guest sees of it, how the kernel's mask follows, and when the host has it enabled
 * of a function that has MSI or MSI-X too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <unistd.h>

#include "tests/unit/vfio/vfio_fake.h"

#define BDF	   "0000:00:01.0"
#define MSI	   0x40u /* of the edu */
#define MSIX	   0xa0u /* of the e1000e */
#define INTX_INDEX VFIO_PCI_INTX_IRQ_INDEX
#define MS	   UINT64_C(1000000)

struct world {
	struct fake_vfio fake;
	struct fake_function *fn;
	struct vfio_container *container;
	struct vfio_device *dev;
	unsigned vector, pin, nr_released, nr_unsettled, nr_refused;
};

static void vector_released(void *ctx, unsigned vector, const struct msi_message *message)
{
	struct world *w = ctx;

	assert_true(message->address == 0 || vector != w->vector);
	w->nr_released += vector == w->vector;
}

static void unsettled(void *ctx)
{
	((struct world *)ctx)->nr_unsettled++;
}

static void kind_refused(void *ctx, enum vfio_irq_kind kind, int error)
{
	assert_int_equal(kind, VFIO_IRQ_KIND_INTX);
	assert_int_equal(error, ENODEV);
	((struct world *)ctx)->nr_refused++;
}

static const struct vfio_device_ops ops = {
	.kind_refused = kind_refused,
	.vector_released = vector_released,
	.unsettled = unsettled,
};

typedef struct fake_function *(*add_fn)(struct fake_vfio *fake, const char *bdf, int group);

static void make(struct world *w, add_fn add)
{
	*w = (struct world){ 0 };
	fake_init(&w->fake);
	w->fn = add(&w->fake, BDF, 1);
	w->fn->irqs[INTX_INDEX] = 1;
}

static void open_it(struct world *w)
{
	fake_publish(&w->fake);
	fake_container(&w->fake, &w->container);
	w->dev = fake_open(&w->fake, w->container, BDF);
	vfio_device_set_ops(w->dev, &ops, w);
	w->pin = vfio_device_intx(w->dev, &w->vector);
}

/* As rtl8139, e1000 and others are: INTx, and nothing else. */
static struct fake_function *add_plain(struct fake_vfio *fake, const char *bdf, int group)
{
	struct fake_function *fn = fake_add_edu(fake, bdf, group);

	fake_set_cfgspace(fn, PCI_STATUS, 2, 0);
	fn->irqs[VFIO_PCI_MSI_IRQ_INDEX] = 0;
	return fn;
}

static void start(struct world *w, add_fn add)
{
	make(w, add);
	open_it(w);
}

static void stop(struct world *w)
{
	vfio_device_destroy(w->dev);
	vfio_container_destroy(w->container);
	fake_fini(&w->fake);
}

static void command(struct world *w, uint32_t value)
{
	vfio_cfgspace_write(w->dev, PCI_COMMAND, 2, value);
}

/* The router reads the vector's eventfd; false: nothing was signalled. */
static bool was_signalled(struct world *w)
{
	uint64_t signals;

	return read(vfio_vector_eventfd(w->dev, w->vector), &signals, sizeof(signals)) ==
	       sizeof(signals);
}

static enum vfio_take take(struct world *w)
{
	struct msi_message message = { 1, 1 };
	enum vfio_take take = vfio_vector_take(w->dev, w->vector, &message);

	if (take == VFIO_TAKE_DELIVER)
		assert_true(message.address == 0 && message.data == 0);
	return take;
}

/* What the interrupt controller does at the end of an interrupt. */
static void resample(struct world *w)
{
	uint64_t one = 1;

	assert_int_equal(write(vfio_intx_unmask_eventfd(w->dev), &one, sizeof(one)), sizeof(one));
	assert_true(fake_intx_unmask(w->fn));
}

static void test_a_function_with_intx_alone_is_taken_and_has_one_vector(void **state)
{
	struct world w;

	(void)state;
	start(&w, add_plain);
	assert_int_equal(vfio_device_irq_kind(w.dev), VFIO_IRQ_KIND_INTX);
	assert_int_equal(vfio_device_nr_vectors(w.dev), 1);
	assert_int_equal(w.pin, 1);
	assert_int_equal(w.vector, 0);
	assert_int_equal(w.fn->nr_enabled, 1);
	assert_int_equal(w.fn->enabled_index, INTX_INDEX);
	assert_int_equal(w.fn->intx_unmask, vfio_intx_unmask_eventfd(w.dev));
	assert_int_equal(vfio_cfgspace_read(w.dev, PCI_INTERRUPT_PIN, 1), 1);
	stop(&w);
}

/* As QEMU's pci-testdev is: a driver polls it. */
static void test_a_function_without_interrupts_is_taken_and_has_no_vectors(void **state)
{
	enum vfio_reset_step failed;
	struct world w;

	(void)state;
	make(&w, add_plain);
	w.fn->irqs[INTX_INDEX] = 0;
	fake_set_cfgspace(w.fn, PCI_INTERRUPT_PIN, 1, 0);
	open_it(&w);
	assert_int_equal(vfio_device_irq_kind(w.dev), VFIO_IRQ_KIND_NONE);
	assert_int_equal(vfio_device_nr_vectors(w.dev), 0);
	assert_int_equal(w.pin, 0);
	assert_int_equal(w.fn->nr_enabled, 0);
	command(&w, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	assert_int_equal(w.nr_unsettled, 0);
	assert_true(fake_cfgspace(w.fn, PCI_COMMAND, 2) & PCI_COMMAND_MASTER);
	assert_int_equal(vfio_device_reset(w.dev, &failed), -ENOTTY); /* it has none, either */
	stop(&w);
}

/* A level: signalled once until it is looked at again, and then as long as it is asserted. */
static void test_a_level_is_signalled_again_until_it_is_gone(void **state)
{
	struct world w;

	(void)state;
	start(&w, add_plain);
	assert_false(was_signalled(&w));
	fake_intx(w.fn, true);
	for (unsigned i = 0; i < 3; i++) {
		assert_true(was_signalled(&w));
		assert_int_equal(take(&w), VFIO_TAKE_DELIVER);
		assert_false(was_signalled(&w));
		resample(&w);
	}
	assert_true(was_signalled(&w));
	fake_intx(w.fn, false);
	resample(&w);
	assert_false(was_signalled(&w));
	fake_intx(w.fn, true);
	assert_true(was_signalled(&w));
	stop(&w);
}

static void test_intx_disable_reaches_the_kernel_and_no_other_bit_does(void **state)
{
	struct world w;

	(void)state;
	start(&w, add_plain);
	assert_false(fake_cfgspace(w.fn, PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE);
	command(&w, PCI_COMMAND_INTX_DISABLE);
	assert_true(fake_cfgspace(w.fn, PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE);
	fake_intx(w.fn, true);
	assert_false(was_signalled(&w));
	assert_int_equal(take(&w), VFIO_TAKE_OFF);
	command(&w, PCI_COMMAND_INTX_DISABLE | PCI_COMMAND_MASTER);
	assert_true(fake_cfgspace(w.fn, PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE);
	/* One that was taken just before it was disabled is not lost. */
	command(&w, PCI_COMMAND_MASTER);
	assert_int_equal(w.nr_released, 1);
	assert_false(fake_cfgspace(w.fn, PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE);
	assert_true(was_signalled(&w));
	assert_int_equal(take(&w), VFIO_TAKE_DELIVER);
	stop(&w);
}

static void test_interrupt_status_is_the_functions_own(void **state)
{
	struct world w;

	(void)state;
	start(&w, add_plain);
	assert_false(vfio_cfgspace_read(w.dev, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
	fake_set_cfgspace(w.fn, PCI_STATUS, 2, PCI_STATUS_INTERRUPT);
	assert_true(vfio_cfgspace_read(w.dev, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
	vfio_cfgspace_write(w.dev, PCI_STATUS, 2, 0xffff);
	assert_true(vfio_cfgspace_read(w.dev, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
	stop(&w);
}

/* Choice: a pin beyond INTD is INTA. */
static void test_the_pin_is_the_functions_own(void **state)
{
	static const struct {
		uint8_t has, shown;
		unsigned given; /* by the host */
	} cases[] = { { 1, 1, 1 },   { 2, 2, 1 }, { 4, 4, 1 }, { 5, 1, 1 },
		      { 255, 1, 1 }, { 0, 0, 1 }, { 1, 0, 0 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world w;

		make(&w, fake_add_edu);
		w.fn->irqs[INTX_INDEX] = cases[i].given;
		fake_set_cfgspace(w.fn, PCI_INTERRUPT_PIN, 1, cases[i].has);
		open_it(&w);
		assert_int_equal(w.pin, cases[i].shown);
		assert_int_equal(vfio_cfgspace_read(w.dev, PCI_INTERRUPT_PIN, 1), cases[i].shown);
		assert_int_equal(vfio_device_nr_vectors(w.dev), 1 + (cases[i].shown > 0));
		stop(&w);
	}
}

/* The edu has MSI, which is enabled at the host when it is opened. */
static void test_intx_follows_where_a_guest_stays_without_msi(void **state)
{
	struct world w;

	(void)state;
	start(&w, fake_add_edu);
	assert_int_equal(w.fn->enabled_index, VFIO_PCI_MSI_IRQ_INDEX);
	assert_true(vfio_device_settle(w.dev, 1 * MS) == 0);
	fake_intx(w.fn, true);
	command(&w, PCI_COMMAND_MASTER);
	assert_int_equal(w.nr_unsettled, 1);
	assert_true(vfio_device_settle(w.dev, 100 * MS) == VFIO_INTX_GRACE_NS);
	assert_true(vfio_device_settle(w.dev, 300 * MS) == VFIO_INTX_GRACE_NS - 200 * MS);
	assert_int_equal(w.fn->enabled_index, VFIO_PCI_MSI_IRQ_INDEX);
	assert_true(vfio_device_settle(w.dev, 350 * MS) == 0);
	assert_int_equal(w.fn->enabled_index, INTX_INDEX);
	assert_int_equal(vfio_device_irq_kind(w.dev), VFIO_IRQ_KIND_INTX);
	assert_true(was_signalled(&w));
	assert_int_equal(take(&w), VFIO_TAKE_DELIVER);
	assert_true(vfio_device_settle(w.dev, 1000 * MS) == 0);
	stop(&w);
}

/* As a driver begins: bus mastering, then MSI. The host hears nothing of it. */
static void test_a_driver_that_enables_msi_in_time_leaves_the_host_alone(void **state)
{
	struct world w;

	(void)state;
	start(&w, fake_add_edu);
	for (unsigned i = 0; i < 10; i++) {
		uint64_t now = (1000 + 1000 * i) * MS;

		command(&w, PCI_COMMAND_MASTER);
		assert_true(vfio_device_settle(w.dev, now) > 0);
		vfio_cfgspace_write(w.dev, MSI + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_ENABLE);
		assert_true(vfio_device_settle(w.dev, now + 500 * MS) == 0);
		vfio_cfgspace_write(w.dev, MSI + PCI_MSI_FLAGS, 2, 0);
		assert_true(vfio_device_settle(w.dev, now + 600 * MS) > 0);
		command(&w, 0);
		assert_true(vfio_device_settle(w.dev, now + 900 * MS) == 0);
	}
	assert_int_equal(w.fn->enabled_index, VFIO_PCI_MSI_IRQ_INDEX);
	assert_int_equal(vfio_device_irqs_epoch(w.dev), 0);
	stop(&w);
}

static void settle(struct world *w)
{
	static uint64_t now = MS;

	while (vfio_device_settle(w->dev, now += VFIO_INTX_GRACE_NS))
		;
}

static void test_a_guest_changes_from_intx_to_msi_to_msix_and_back(void **state)
{
	struct world w;

	(void)state;
	start(&w, fake_add_e1000e);
	assert_int_equal(w.vector, 5);
	for (unsigned i = 0; i < 3; i++) {
		command(&w, PCI_COMMAND_MASTER);
		settle(&w);
		assert_int_equal(w.fn->enabled_index, INTX_INDEX);
		fake_intx(w.fn, true);
		assert_true(was_signalled(&w));
		assert_int_equal(take(&w), VFIO_TAKE_DELIVER);
		/* Nobody has ended it: the kernel has it masked when the kind changes. */
		command(&w, PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE);
		vfio_cfgspace_write(w.dev, 0xd0 + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_ENABLE);
		assert_int_equal(w.fn->enabled_index, VFIO_PCI_MSI_IRQ_INDEX);
		assert_int_equal(take(&w), VFIO_TAKE_OFF);
		assert_true(fake_cfgspace(w.fn, PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE);
		vfio_cfgspace_write(w.dev, 0xd0 + PCI_MSI_FLAGS, 2, 0);
		vfio_cfgspace_write(w.dev, MSIX + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE);
		assert_int_equal(w.fn->enabled_index, VFIO_PCI_MSIX_IRQ_INDEX);
		vfio_cfgspace_write(w.dev, MSIX + PCI_MSIX_FLAGS, 2, 0);
		/* Disabled is disabled, however long it lasts. */
		settle(&w);
		assert_int_equal(w.fn->enabled_index, VFIO_PCI_MSIX_IRQ_INDEX);
		fake_intx(w.fn, false);
	}
	stop(&w);
}

/* As Linux does it: INTx is disabled first, the message is there before MSI is enabled. */
static void test_msi_after_intx_is_sent(void **state)
{
	struct msi_message message;
	struct world w;

	(void)state;
	start(&w, fake_add_e1000e);
	for (unsigned i = 0; i < 2; i++) {
		command(&w, PCI_COMMAND_MASTER);
		settle(&w);
		vfio_cfgspace_write(w.dev, 0xd0 + PCI_MSI_ADDRESS_LO, 4, 0x8090040);
		vfio_cfgspace_write(w.dev, 0xd0 + PCI_MSI_DATA_64, 2, 7);
		command(&w, PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE);
		vfio_cfgspace_write(w.dev, 0xd0 + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_ENABLE);
		assert_int_equal(vfio_vector_take(w.dev, 0, &message), VFIO_TAKE_DELIVER);
		assert_int_equal(message.data, 7);
		vfio_cfgspace_write(w.dev, 0xd0 + PCI_MSI_FLAGS, 2, 0);
		assert_int_equal(vfio_vector_take(w.dev, 0, &message), VFIO_TAKE_OFF);
	}
	stop(&w);
}

/* The function has interrupted by message before it could by INTx, and does not say it twice. */
static void test_what_came_as_a_message_meanwhile_comes_by_intx(void **state)
{
	struct msi_message message;
	struct world w;

	(void)state;
	start(&w, fake_add_e1000e);
	command(&w, PCI_COMMAND_MASTER);
	assert_int_equal(vfio_vector_take(w.dev, 2, &message), VFIO_TAKE_OFF);
	settle(&w);
	assert_true(was_signalled(&w));
	assert_int_equal(take(&w), VFIO_TAKE_DELIVER);
	/* And is not sent as a message afterwards. */
	vfio_bar_write(w.dev, 3, 16 * 2 + 12, 4, 0);
	vfio_cfgspace_write(w.dev, MSIX + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE);
	assert_false(vfio_bar_read(w.dev, 3, 0x2000, 4) & 4);
	vfio_cfgspace_write(w.dev, MSIX + PCI_MSIX_FLAGS, 2, 0);
	settle(&w);
	assert_false(was_signalled(&w));
	stop(&w);
}

/* A host may have no line for it, and does not say so before. */
static void test_where_intx_is_refused_the_host_keeps_what_it_had(void **state)
{
	struct world w;

	(void)state;
	start(&w, fake_add_e1000e);
	w.fn->irqs_errno = ENODEV;
	w.fn->no_intx = true;
	command(&w, PCI_COMMAND_MASTER);
	settle(&w);
	assert_int_equal(w.nr_refused, 1);
	assert_int_equal(w.fn->enabled_index, VFIO_PCI_MSIX_IRQ_INDEX);
	assert_int_equal(w.fn->nr_enabled, 5);
	assert_int_equal(take(&w), VFIO_TAKE_OFF);
	settle(&w);
	assert_int_equal(w.nr_refused, 1);
	stop(&w);
}

static void test_a_reset_unmasks_what_nobody_would_end(void **state)
{
	enum vfio_reset_step failed;
	struct world w;

	(void)state;
	make(&w, add_plain);
	w.fn->can_reset = true;
	open_it(&w);
	fake_intx(w.fn, true);
	assert_true(was_signalled(&w));
	assert_true(w.fn->intx_masked);
	fake_intx(w.fn, false);
	assert_int_equal(vfio_device_reset(w.dev, &failed), 0);
	assert_false(w.fn->intx_masked);
	fake_intx(w.fn, true);
	assert_true(was_signalled(&w));
	assert_int_equal(take(&w), VFIO_TAKE_DELIVER);
	stop(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_function_with_intx_alone_is_taken_and_has_one_vector),
		cmocka_unit_test(test_a_function_without_interrupts_is_taken_and_has_no_vectors),
		cmocka_unit_test(test_a_level_is_signalled_again_until_it_is_gone),
		cmocka_unit_test(test_intx_disable_reaches_the_kernel_and_no_other_bit_does),
		cmocka_unit_test(test_interrupt_status_is_the_functions_own),
		cmocka_unit_test(test_the_pin_is_the_functions_own),
		cmocka_unit_test(test_intx_follows_where_a_guest_stays_without_msi),
		cmocka_unit_test(test_a_driver_that_enables_msi_in_time_leaves_the_host_alone),
		cmocka_unit_test(test_a_guest_changes_from_intx_to_msi_to_msix_and_back),
		cmocka_unit_test(test_msi_after_intx_is_sent),
		cmocka_unit_test(test_what_came_as_a_message_meanwhile_comes_by_intx),
		cmocka_unit_test(test_where_intx_is_refused_the_host_keeps_what_it_had),
		cmocka_unit_test(test_a_reset_unmasks_what_nobody_would_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
