// SPDX-License-Identifier: MIT
/*
 * INTx where KVM has to see it active: the pages of the function's BARs are gone before the guest
 * has the interrupt.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <poll.h>
#include <sys/eventfd.h>

#include "tests/unit/vfio/vfio_fake.h"
#include "vmm/irq/irq_line.h"

#define BDF   "0000:00:01.0"
#define INTID 40u

static struct {
	struct fake_vfio fake;
	struct fake_function *fn;
	struct vfio_container *container;
	struct vfio_device *dev;
	struct irq_function f;
	unsigned drops, late;
} w;

static bool is_asserted(void)
{
	struct pollfd line = { .fd = w.f.line.trigger, .events = POLLIN };

	return poll(&line, 1, 0) == 1;
}

static int map_anew(void *ctx, int fd, uint64_t offset, size_t len, void *map)
{
	assert_ptr_equal(ctx, &w.fake);
	(void)fd;
	(void)offset;
	(void)len;
	(void)map;
	w.drops++;
	w.late += is_asserted();
	return 0;
}

static int begin(void **state)
{
	struct failure failure;

	(void)state;
	fake_init(&w.fake);
	w.fake.sys.map_anew = map_anew;
	w.fn = fake_add_edu(&w.fake, BDF, 1);
	w.fn->irqs[VFIO_PCI_INTX_IRQ_INDEX] = 1;
	fake_set_cfgspace(w.fn, PCI_INTERRUPT_PIN, 1, 1);
	fake_publish(&w.fake);
	fake_container(&w.fake, &w.container);
	w.dev = fake_open(&w.fake, w.container, BDF);
	w.f = (struct irq_function){ .name = "edu" };
	assert_int_equal(irq_function_open(&w.f, w.dev, 0, &failure), 0);
	assert_int_not_equal(w.f.line.pin, 0);
	w.f.line.intid = INTID;
	w.drops = w.late = 0;
	return 0;
}

static int end(void **state)
{
	(void)state;
	irq_function_close(&w.f);
	vfio_device_destroy(w.dev);
	vfio_container_destroy(w.container);
	fake_fini(&w.fake);
	return 0;
}

static void interrupt(void)
{
	static const struct msi_message none;
	eventfd_t signals;

	irq_function_released(&w.f, w.f.line.vector, &none);
	assert_true(is_asserted());
	assert_int_equal(eventfd_read(w.f.line.trigger, &signals), 0);
}

static void test_the_handlers_first_access_is_an_exit(void **state)
{
	(void)state;
	w.f.line.needs_exit = true;
	interrupt();
	assert_int_equal(w.drops, 1);
	interrupt();
	assert_int_equal(w.drops, 2);
	assert_int_equal(w.late, 0);
}

static void test_where_kvm_needs_none_the_pages_stay(void **state)
{
	(void)state;
	assert_false(w.f.line.needs_exit);
	interrupt();
	assert_int_equal(w.drops, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_the_handlers_first_access_is_an_exit),
		TEST(test_where_kvm_needs_none_the_pages_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
