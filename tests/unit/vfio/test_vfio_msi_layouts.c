// SPDX-License-Identifier: MIT
/*
 * What capabilities MSI and MSI-X may look like: the four layouts of MSI wherever they fit,
 * and MSI-X whose pending bits are nowhere.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>

#include "tests/unit/vfio/vfio_fake.h"

#define BDF "0000:00:01.0"

struct world {
	struct fake_vfio fake;
	struct fake_function *fn;
	struct vfio_container *container;
	struct vfio_device *dev;
};

static void open_it(struct world *w)
{
	fake_publish(&w->fake);
	fake_container(&w->fake, &w->container);
	w->dev = fake_open(&w->fake, w->container, BDF);
}

static void stop(struct world *w)
{
	vfio_device_destroy(w->dev);
	vfio_container_destroy(w->container);
	fake_fini(&w->fake);
}

struct layout {
	const char *why;
	uint16_t flags;
	uint8_t last; /* the last place where it fits */
	unsigned data;
};

static const struct layout layouts[] = {
	{ "32 bits", 0, 0xf4, PCI_MSI_DATA_32 },
	{ "64 bits", PCI_MSI_FLAGS_64BIT, 0xf0, PCI_MSI_DATA_64 },
	{ "32 bits, masks", PCI_MSI_FLAGS_MASKBIT, 0xec, PCI_MSI_DATA_32 },
	{ "64 bits, masks", PCI_MSI_FLAGS_64BIT | PCI_MSI_FLAGS_MASKBIT, 0xe8, PCI_MSI_DATA_64 },
};

/* An edu with an MSI of these flags at this place. */
static void make(struct world *w, unsigned at, uint32_t flags)
{
	fake_init(&w->fake);
	w->fn = fake_add_edu(&w->fake, BDF, 1);
	fake_set_cfgspace(w->fn, PCI_CAPABILITY_LIST, 1, at);
	fake_set_cfgspace(w->fn, at, 4, PCI_CAP_ID_MSI | flags << 16);
}

static void check_layout(const struct layout *layout, unsigned order)
{
	unsigned at = layout->last, data = at + layout->data;
	struct msi_message message = { 0 };
	struct world w;

	make(&w, at, layout->flags | order << 1);
	w.fn->irqs[VFIO_PCI_MSI_IRQ_INDEX] = 1u << order;
	open_it(&w);
	assert_int_equal(vfio_device_nr_vectors(w.dev), 1u << order);
	vfio_cfgspace_write(w.dev, at + PCI_MSI_ADDRESS_LO, 4, 0x8090040);
	vfio_cfgspace_write(w.dev, data, 2, 0x1220);
	vfio_cfgspace_write(w.dev, at + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_ENABLE | order << 4);
	for (unsigned v = 0; v < 1u << order; v++) {
		assert_int_equal(vfio_vector_take(w.dev, v, &message), VFIO_TAKE_DELIVER);
		assert_true(message.address == 0x8090040);
		assert_int_equal(message.data, 0x1220 | v);
	}
	if (layout->flags & PCI_MSI_FLAGS_MASKBIT) {
		vfio_cfgspace_write(w.dev, data + 4, 4, 1);
		assert_int_equal(vfio_vector_take(w.dev, 0, &message), VFIO_TAKE_HELD);
		assert_int_equal(vfio_cfgspace_read(w.dev, data + 8, 4), 1);
	}
	stop(&w);
}

static void test_msi_of_each_layout_may_end_with_configuration_space(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
		for (unsigned order = 0; order <= 5; order++) {
			print_message("%s, %u vectors\n", layouts[i].why, 1u << order);
			check_layout(&layouts[i], order);
		}
	}
}

/* The function has no other interrupts, and is taken without. */
static void expect_none(unsigned at, uint32_t flags)
{
	struct world w;

	make(&w, at, flags);
	open_it(&w);
	assert_int_equal(vfio_device_irq_kind(w.dev), VFIO_IRQ_KIND_NONE);
	assert_int_equal(vfio_device_nr_vectors(w.dev), 0);
	stop(&w);
}

static void test_msi_that_does_not_fit_is_none(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++)
		expect_none(layouts[i].last + 4u, layouts[i].flags);
	/* Reserved numbers of vectors. */
	expect_none(0x40, 6 << 1);
	expect_none(0x40, 7 << 1);
}

/* Choice: only the table needs a place. */
static void test_msix_needs_no_pba(void **state)
{
	static const struct {
		const char *why;
		uint32_t pba;
	} cases[] = {
		{ "beyond the BAR", 0x00004003 },   { "in a BAR of I/O ports", 0x00000002 },
		{ "in no BAR", 0x00000004 },	    { "reserved BAR number", 0x00000007 },
		{ "inside the table", 0x00000043 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct msi_message message;
		struct world w;

		print_message("%s\n", cases[i].why);
		fake_init(&w.fake);
		w.fn = fake_add_e1000e(&w.fake, BDF, 1);
		fake_set_cfgspace(w.fn, 0xa8, 4, cases[i].pba);
		open_it(&w);
		assert_int_equal(vfio_device_irq_kind(w.dev), VFIO_IRQ_KIND_MSIX);
		assert_int_equal(vfio_device_nr_vectors(w.dev), 5);
		/* The function shows what it has, and the whole table works. */
		assert_int_equal(vfio_cfgspace_read(w.dev, 0xa8, 4), cases[i].pba);
		assert_int_equal(vfio_vector_take(w.dev, 4, &message), VFIO_TAKE_OFF);
		for (unsigned v = 0; v < 5; v++) {
			vfio_bar_write(w.dev, 3, 16 * v + 8, 4, 100 + v);
			assert_true(vfio_bar_read(w.dev, 3, 16 * v + 8, 4) == 100 + v);
		}
		stop(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_msi_of_each_layout_may_end_with_configuration_space),
		cmocka_unit_test(test_msi_that_does_not_fit_is_none),
		cmocka_unit_test(test_msix_needs_no_pba),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
