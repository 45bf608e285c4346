// SPDX-License-Identifier: MIT
/*
 * MSI-X tables on hosts with large pages: registers are mapped, and the guest has the table
 * elsewhere.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <linux/pci_regs.h>
#include <string.h>

#include "tests/unit/vfio/vfio_fake.h"

#define BDF    "0000:00:01.0"
#define PARAM  "sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts"
#define CAP    0x40u /* nvme's, of MSI-X */
#define MADE   2u    /* its BAR 0 has two registers */
#define PAGE_L 0x4000u

struct world {
	struct fake_vfio fake;
	struct fake_function *fn;
	struct vfio_container *container;
	struct vfio_device *dev;
};

static void make(struct world *w, size_t page)
{
	fake_init(&w->fake);
	w->fake.sys.page_size = page;
	w->fn = fake_add_nvme(&w->fake, BDF, 1);
	w->fn->bars[0].msix_mappable = true;
}

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

static bool is_mapped(struct world *w, unsigned bar)
{
	struct vfio_bar shape;

	vfio_device_bar(w->dev, bar, &shape);
	assert_true(shape.present);
	return shape.nr_pieces == 1 && shape.pieces[0].map;
}

static bool is_present(struct world *w, unsigned bar)
{
	struct vfio_bar shape;

	vfio_device_bar(w->dev, bar, &shape);
	return shape.present;
}

static void test_a_table_that_is_in_a_page_with_registers_moves(void **state)
{
	struct vfio_bar made;
	struct world w;

	(void)state;
	make(&w, PAGE_L);
	open_it(&w);
	assert_true(is_mapped(&w, 0));
	vfio_device_bar(w.dev, MADE, &made);
	assert_true(made.present);
	assert_false(made.is_io || made.is_64bit || made.prefetchable);
	assert_int_equal(made.size, 0x2000);
	assert_int_equal(made.nr_pieces, 1);
	assert_null(made.pieces[0].map);
	/* The capability tells the guest, and the BAR's register has its size. */
	assert_int_equal(vfio_cfgspace_read(w.dev, CAP + PCI_MSIX_TABLE, 4), MADE);
	assert_int_equal(vfio_cfgspace_read(w.dev, CAP + PCI_MSIX_PBA, 4), 0x1000 | MADE);
	vfio_cfgspace_write(w.dev, PCI_BASE_ADDRESS_0 + 4 * MADE, 4, 0xffffffff);
	assert_int_equal(vfio_cfgspace_read(w.dev, PCI_BASE_ADDRESS_0 + 4 * MADE, 4), 0xffffe000);
	vfio_cfgspace_write(w.dev, PCI_BASE_ADDRESS_0 + 4 * MADE, 4, 0x40000000);
	vfio_cfgspace_write(w.dev, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	vfio_device_bar(w.dev, MADE, &made);
	assert_true(made.decoded);
	assert_int_equal(made.address, 0x40000000);
	stop(&w);
}

static void test_the_moved_table_works_as_the_own_one(void **state)
{
	const uint64_t entry = 5 * PCI_MSIX_ENTRY_SIZE;
	struct msi_message message;
	struct world w;

	(void)state;
	make(&w, PAGE_L);
	open_it(&w);
	vfio_bar_write(w.dev, MADE, entry, 8, UINT64_C(0x1122334455667788));
	vfio_bar_write(w.dev, MADE, entry + PCI_MSIX_ENTRY_DATA, 4, 42);
	assert_true(vfio_bar_read(w.dev, MADE, entry, 8) == UINT64_C(0x1122334455667788));
	vfio_cfgspace_write(w.dev, CAP + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE);
	assert_false(vfio_vector_message(w.dev, 5, &message));
	assert_int_equal(vfio_vector_take(w.dev, 5, &message), VFIO_TAKE_HELD);
	assert_int_equal(vfio_bar_read(w.dev, MADE, 0x1000, 4), 1u << 5);
	vfio_bar_write(w.dev, MADE, entry + PCI_MSIX_ENTRY_VECTOR_CTRL, 4, 0);
	assert_true(vfio_vector_message(w.dev, 5, &message));
	assert_int_equal(message.data, 42);
	assert_int_equal(vfio_bar_read(w.dev, MADE, 0x1000, 4), 0);
	/* What is not of the two is nothing, and reaches no function. */
	vfio_bar_write(w.dev, 0, 0x410, 4, 9);
	vfio_bar_write(w.dev, MADE, 0x410, 4, 0xffffffff);
	vfio_bar_write(w.dev, MADE, 0x1800, 8, 0xffffffff);
	vfio_bar_write(w.dev, MADE, 0x1000, 4, 0xffffffff);
	assert_int_equal(vfio_bar_read(w.dev, MADE, 0x410, 4), 0);
	assert_int_equal(vfio_bar_read(w.dev, MADE, 0x1800, 8), 0);
	assert_int_equal(vfio_bar_read(w.dev, MADE, 0x1000, 4), 0);
	/* Where it was are registers as any others. */
	vfio_bar_write(w.dev, 0, 0x1000, 4, 7);
	vfio_bar_write(w.dev, 0, 0x2050, 4, 8);
	assert_int_equal(fake_memory(w.fn, 0, 0x410), 9);
	assert_int_equal(fake_memory(w.fn, 0, 0x1000), 7);
	assert_int_equal(fake_memory(w.fn, 0, 0x2050), 8);
	assert_true(vfio_bar_read(w.dev, MADE, entry, 8) == UINT64_C(0x1122334455667788));
	stop(&w);
}

/* e1000e has all its BARs' registers but two. */
static void test_any_register_that_is_free_will_do(void **state)
{
	struct world w;

	(void)state;
	fake_init(&w.fake);
	w.fake.sys.page_size = PAGE_L;
	w.fn = fake_add_e1000e(&w.fake, BDF, 1);
	w.fn->bars[3].msix_mappable = true;
	open_it(&w);
	assert_true(is_mapped(&w, 3));
	assert_int_equal(vfio_cfgspace_read(w.dev, 0xa0 + PCI_MSIX_TABLE, 4), 4);
	assert_true(is_present(&w, 4));
	assert_false(is_present(&w, 5));
	stop(&w);
}

/* As it is mapped there where nothing else is in its page, it is in the way there, too. */
static void test_it_moves_out_of_a_bar_that_is_smaller_than_a_page(void **state)
{
	struct vfio_bar own;
	struct world w;

	(void)state;
	make(&w, 0x10000);
	open_it(&w);
	assert_true(is_mapped(&w, 0));
	vfio_device_bar(w.dev, 0, &own);
	assert_int_equal(own.size, 0x10000);
	assert_true(is_present(&w, MADE));
	assert_int_equal(vfio_cfgspace_read(w.dev, CAP + PCI_MSIX_TABLE, 4), MADE);
	stop(&w);
}

static void have_pages_of_4_kib(struct world *w)
{
	w->fake.sys.page_size = 0x1000;
}

static void have_an_old_kernel(struct world *w)
{
	w->fn->bars[0].msix_mappable = false;
}

static void map_nothing(struct world *w)
{
	w->fn->bars[0].mmap = false;
}

static void have_no_register_free(struct world *w)
{
	for (unsigned i = 2; i < VFIO_DEVICE_BARS; i++)
		w->fn->bars[i].size = 0x4000;
}

static void allow_unsafe_interrupts(struct world *w)
{
	tree_write(&w->fake.tree, PARAM, "Y\n");
}

static void allow_them_with_iommufd(struct world *w)
{
	tree_write(&w->fake.tree, "sys/module/iommufd/parameters/allow_unsafe_interrupts", "Y\n");
}

static void hide_whether_interrupts_are_safe(struct world *w)
{
	tree_remove(&w->fake.tree, PARAM);
}

static void test_a_table_stays_where_nothing_is_gained_or_it_is_not_safe(void **state)
{
	static const struct {
		void (*change)(struct world *w);
		bool late; /* when the tree is there */
	} cases[] = {
		{ have_pages_of_4_kib, false },
		{ have_an_old_kernel, false },
		{ map_nothing, false },
		{ have_no_register_free, false },
		{ allow_unsafe_interrupts, true },
		{ allow_them_with_iommufd, true },
		{ hide_whether_interrupts_are_safe, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t table;
		struct world w;

		make(&w, PAGE_L);
		if (!cases[i].late)
			cases[i].change(&w);
		table = fake_cfgspace(w.fn, CAP + PCI_MSIX_TABLE, 4);
		fake_publish(&w.fake);
		if (cases[i].late)
			cases[i].change(&w);
		fake_container(&w.fake, &w.container);
		w.dev = fake_open(&w.fake, w.container, BDF);
		assert_int_equal(vfio_cfgspace_read(w.dev, CAP + PCI_MSIX_TABLE, 4), table);
		assert_false(is_mapped(&w, 0));
		stop(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_table_that_is_in_a_page_with_registers_moves),
		cmocka_unit_test(test_the_moved_table_works_as_the_own_one),
		cmocka_unit_test(test_any_register_that_is_free_will_do),
		cmocka_unit_test(test_it_moves_out_of_a_bar_that_is_smaller_than_a_page),
		cmocka_unit_test(test_a_table_stays_where_nothing_is_gained_or_it_is_not_safe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
