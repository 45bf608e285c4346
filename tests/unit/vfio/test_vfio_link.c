// SPDX-License-Identifier: MIT
/*
 * A function that the guest has behind a root port: PCI Express Base 5.0, 7.5.3; and one that is
 * taken out of its slot.
 */
#include <linux/pci_regs.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/vfio/vfio_fake.h"
#include "vfio/cfgspace.h"

#define BDF "0000:00:01.0"

struct world {
	struct fake_vfio fake;
	struct fake_function *fn;
	struct vfio_container *container;
	struct vfio_device *dev;
};

static void start(struct world *w,
		  struct fake_function *(*add)(struct fake_vfio *fake, const char *bdf, int group))
{
	fake_init(&w->fake);
	w->fn = add(&w->fake, BDF, 1);
}

static void open_it(struct world *w)
{
	fake_publish(&w->fake);
	fake_container(&w->fake, &w->container);
	w->dev = fake_open(&w->fake, w->container, BDF);
	w->fn->nr_writes = 0;
}

static void stop(struct world *w)
{
	vfio_device_destroy(w->dev);
	vfio_container_destroy(w->container);
	fake_fini(&w->fake);
}

static uint32_t rd(struct world *w, unsigned offset, unsigned len)
{
	return vfio_cfgspace_read(w->dev, offset, len);
}

static void wr(struct world *w, unsigned offset, unsigned len, uint32_t value)
{
	vfio_cfgspace_write(w->dev, offset, len, value);
}

/* How fast and wide the host's link is; ASPM, and all that is written, are the host's alone. */
static void test_behind_a_port_it_is_an_endpoint_with_the_hosts_link(void **state)
{
	struct world w;

	(void)state;
	start(&w, fake_add_full);
	fake_set_cfgspace(w.fn, FULL_EXP + PCI_EXP_LNKCAP, 4, 0x01475c83);
	fake_set_cfgspace(w.fn, FULL_EXP + PCI_EXP_LNKSTA, 2, 0x7042);
	open_it(&w);
	vfio_device_show_link(w.dev);
	assert_int_equal(rd(&w, FULL_EXP + PCI_EXP_FLAGS, 2), 0x0002);
	assert_int_equal(rd(&w, FULL_EXP + PCI_EXP_DEVCAP, 4), 0x10008027);
	assert_int_equal(rd(&w, FULL_EXP + PCI_EXP_LNKCAP, 4), 0x00000083);
	assert_int_equal(rd(&w, FULL_EXP + PCI_EXP_LNKSTA, 2), 0x0042);
	wr(&w, FULL_EXP + PCI_EXP_LNKCAP, 4, 0xffffffff);
	wr(&w, FULL_EXP + PCI_EXP_LNKCTL, 2, 0xffff);
	wr(&w, FULL_EXP + PCI_EXP_LNKSTA, 2, 0xffff);
	assert_int_equal(w.fn->nr_writes, 0);
	assert_int_equal(rd(&w, FULL_EXP + PCI_EXP_LNKCAP, 4), 0x00000083);
	/* It is so after a reset, too. */
	wr(&w, FULL_EXP + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_BCR_FLR);
	assert_int_equal(rd(&w, FULL_EXP + PCI_EXP_FLAGS, 2), 0x0002);
	assert_int_equal(rd(&w, FULL_EXP + PCI_EXP_LNKSTA, 2), 0x0042);
	stop(&w);
}

/* Conventional PCI has no type, and no link. */
static void test_what_is_no_pcie_shows_no_link(void **state)
{
	uint32_t before[64];
	struct world w;

	(void)state;
	start(&w, fake_add_edu);
	open_it(&w);
	for (unsigned i = 0; i < 64; i++)
		before[i] = rd(&w, 4 * i, 4);
	vfio_device_show_link(w.dev);
	for (unsigned i = 0; i < 64; i++)
		assert_int_equal(rd(&w, 4 * i, 4), before[i]);
	stop(&w);
}

/* One that the host has integrated in its root complex has none to show. */
static void test_an_integrated_function_has_a_link_of_zeroes(void **state)
{
	struct world w;

	(void)state;
	start(&w, fake_add_full);
	fake_set_cfgspace(w.fn, FULL_EXP + PCI_EXP_LNKCAP, 4, 0);
	fake_set_cfgspace(w.fn, FULL_EXP + PCI_EXP_LNKSTA, 2, 0);
	open_it(&w);
	vfio_device_show_link(w.dev);
	assert_int_equal(rd(&w, FULL_EXP + PCI_EXP_FLAGS, 2), 0x0002);
	assert_int_equal(rd(&w, FULL_EXP + PCI_EXP_LNKCAP, 4), 0);
	assert_int_equal(rd(&w, FULL_EXP + PCI_EXP_LNKSTA, 2), 0);
	stop(&w);
}

/* ---- taken out ----------------------------------------------------------------------- */

static void test_what_is_detached_is_the_hosts_and_its_vectors_stay(void **state)
{
	struct pollfd look = { .events = POLLIN };
	struct world w;

	(void)state;
	start(&w, fake_add_nvme);
	open_it(&w);
	assert_true(w.fn->nr_enabled > 0);
	look.fd = vfio_vector_eventfd(w.dev, 3);
	vfio_device_detach(w.dev);
	assert_int_equal(w.fn->nr_enabled, 0);
	assert_false(fake_cfgspace(w.fn, PCI_COMMAND, 2) & PCI_COMMAND_MASTER);
	assert_int_equal(vfio_device_notice(w.dev, VFIO_NOTICE_REQUEST), -1);
	/* Still an eventfd, and silent. */
	assert_int_equal(vfio_vector_eventfd(w.dev, 3), look.fd);
	assert_int_equal(poll(&look, 1, 0), 0);
	assert_int_equal(look.revents, 0);
	/* What would ask the host fails. */
	assert_true(vfio_vector_trigger(w.dev, 3) < 0);
	assert_true(vfio_vector_mask_at_device(w.dev, 3, true) < 0);
	assert_int_equal(vfio_device_settle(w.dev, 1), 0);
	/* It can be opened by somebody else. */
	{
		struct vfio_device *again = fake_open(&w.fake, w.container, BDF);

		assert_true(w.fn->nr_enabled > 0);
		vfio_device_destroy(again);
	}
	/* Twice is once; and it is closed as any other one. */
	vfio_device_detach(w.dev);
	stop(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_behind_a_port_it_is_an_endpoint_with_the_hosts_link),
		cmocka_unit_test(test_what_is_no_pcie_shows_no_link),
		cmocka_unit_test(test_an_integrated_function_has_a_link_of_zeroes),
		cmocka_unit_test(test_what_is_detached_is_the_hosts_and_its_vectors_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
