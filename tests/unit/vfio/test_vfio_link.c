// SPDX-License-Identifier: MIT
/*
 * A function that the guest has behind a root port: PCI Express Base 5.0, 7.5.3; and one that is
 * taken out of its slot.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
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

/* ---- and back again ------------------------------------------------------------------- */

#define NEIGHBOUR  "0000:00:02.0"
#define NVME_TABLE 0x2000u /* of MSI-X, in BAR 0 */

static struct {
	unsigned changed, kinds;
} told;

static void vector_changed(void *ctx, unsigned vector)
{
	(void)ctx;
	(void)vector;
	told.changed++;
}

static void kind_changed(void *ctx)
{
	(void)ctx;
	told.kinds++;
}

static const struct vfio_device_ops told_ops = {
	.vector_changed = vector_changed,
	.kind_changed = kind_changed,
};

/* Another one keeps the guest's memory mapped. */
static void start_by_with_neighbour(struct world *w, enum vfio_iommu_kind kind,
				    struct vfio_device **ret_neighbour)
{
	fake_init(&w->fake);
	w->fake.kind = kind;
	w->fn = fake_add_nvme(&w->fake, BDF, 1);
	(void)fake_add_edu(&w->fake, NEIGHBOUR, 2);
	open_it(w);
	*ret_neighbour = fake_open(&w->fake, w->container, NEIGHBOUR);
	memset(&told, 0, sizeof(told));
	vfio_device_set_ops(w->dev, &told_ops, NULL);
}

static void start_with_neighbour(struct world *w, struct vfio_device **ret_neighbour)
{
	start_by_with_neighbour(w, VFIO_IOMMU_TYPE1, ret_neighbour);
}

static struct vfio_function_file file_of(struct world *w, int group)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "/dev/vfio/%d", group);
	return (struct vfio_function_file){ group, w->fake.sys.open(w->fake.sys.ctx, path) };
}

static void test_what_was_detached_comes_back_as_after_power_on(void **state)
{
	struct pollfd look = { .events = POLLIN };
	struct vfio_failure failure = { 0 };
	struct vfio_device *neighbour;
	struct vfio_function_file file;
	struct world w;
	unsigned epoch;

	(void)state;
	start_with_neighbour(&w, &neighbour);
	look.fd = vfio_vector_eventfd(w.dev, 3);
	epoch = vfio_device_irqs_epoch(w.dev);
	wr(&w, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	wr(&w, PCI_BASE_ADDRESS_0, 4, 0x10000000);
	vfio_bar_write(w.dev, 0, NVME_TABLE + PCI_MSIX_ENTRY_DATA, 4, 3);
	vfio_bar_write(w.dev, 0, NVME_TABLE + PCI_MSIX_ENTRY_VECTOR_CTRL, 4, 0);
	vfio_device_detach(w.dev);
	file = file_of(&w, 1);
	assert_true(file.fd >= 0);
	assert_int_equal(vfio_device_reattach(w.dev, &file, &failure), 0);
	assert_int_equal(file.fd, -1);
	assert_int_equal(rd(&w, PCI_COMMAND, 2), 0);
	assert_int_equal(rd(&w, PCI_BASE_ADDRESS_0, 4) & ~0xfu, 0);
	assert_int_not_equal(rd(&w, PCI_VENDOR_ID, 4), UINT32_MAX);
	assert_int_equal(vfio_bar_read(w.dev, 0, NVME_TABLE + PCI_MSIX_ENTRY_DATA, 4), 0);
	assert_int_equal(vfio_bar_read(w.dev, 0, NVME_TABLE + PCI_MSIX_ENTRY_VECTOR_CTRL, 4),
			 PCI_MSIX_ENTRY_CTRL_MASKBIT);
	assert_true(vfio_device_notice(w.dev, VFIO_NOTICE_REQUEST) >= 0);
	/* Whoever reads its eventfds goes on, and looks at all of them; the host counts anew. */
	assert_int_equal(vfio_vector_eventfd(w.dev, 3), look.fd);
	assert_true(w.fn->nr_enabled > 3);
	assert_int_equal(told.kinds, 1);
	assert_true(told.changed >= vfio_device_nr_vectors(w.dev));
	assert_int_equal(vfio_device_irqs_epoch(w.dev), epoch + 2);
	fake_signal(w.fn, 3);
	assert_int_equal(poll(&look, 1, 0), 1);
	/* And once more. */
	vfio_device_detach(w.dev);
	assert_int_equal(w.fn->nr_enabled, 0);
	file = file_of(&w, 1);
	assert_int_equal(vfio_device_reattach(w.dev, &file, &failure), 0);
	vfio_device_destroy(neighbour);
	stop(&w);
}

static void test_what_does_not_come_back_stays_detached(void **state)
{
	struct vfio_failure failure = { 0 };
	struct vfio_device *neighbour;
	struct vfio_function_file file = { 1, -1 };
	struct world w;

	(void)state;
	start_with_neighbour(&w, &neighbour);
	vfio_device_detach(w.dev);
	/* Somebody has its group open. */
	assert_int_equal(vfio_device_reattach(w.dev, &file, &failure), -EBUSY);
	assert_int_equal(failure.code, VFIO_FAILURE_BUSY);
	/* Another device is in its place. */
	w.fn->cfgspace[PCI_DEVICE_ID] ^= 1;
	file = file_of(&w, 1);
	assert_int_equal(vfio_device_reattach(w.dev, &file, &failure), -ENODEV);
	assert_int_equal(failure.code, VFIO_FAILURE_REPLACED);
	w.fn->cfgspace[PCI_DEVICE_ID] ^= 1;
	assert_int_equal(w.fn->nr_enabled, 0);
	assert_int_equal(file.fd, -1);
	/* Nobody has kept the guest's memory mapped. */
	vfio_device_detach(neighbour);
	file = file_of(&w, 1);
	assert_true(vfio_device_reattach(w.dev, &file, &failure) < 0);
	assert_int_equal(failure.code, VFIO_FAILURE_UNMAPPED);
	assert_int_equal(file.fd, -1);
	vfio_device_destroy(neighbour);
	stop(&w);
}

/* Whichever call of the host fails, nothing stays open, and the next time it comes back. */
static void test_whichever_call_fails_it_can_come_back_later(void **state)
{
	struct vfio_device *neighbour;
	unsigned nr_fds, at = 0;
	struct world w;
	int r = -1;

	(void)state;
	start_with_neighbour(&w, &neighbour);
	while (r < 0) {
		struct vfio_failure failure = { 0 };
		struct vfio_function_file file;

		vfio_device_detach(w.dev);
		nr_fds = w.fake.nr_fds;
		file = file_of(&w, 1);
		w.fake.failed = false;
		w.fake.fail_at = ++at;
		r = vfio_device_reattach(w.dev, &file, &failure);
		w.fake.fail_at = 0;
		if (r < 0) {
			assert_int_equal(w.fake.nr_fds, nr_fds);
			assert_int_equal(w.fn->nr_enabled, 0);
			assert_int_not_equal(failure.code, VFIO_FAILURE_NONE);
		} else if (w.fake.failed) {
			r = -1; /* one that it can do without */
		}
		assert_true(at < 500);
	}
	assert_true(at > 20);
	vfio_device_destroy(neighbour);
	stop(&w);
}

/* Beside another function, with what that one has mapped. */
static void test_with_iommufd_it_comes_back_by_its_own_file(void **state)
{
	struct vfio_failure failure = { 0 };
	struct vfio_device *neighbour;
	struct vfio_function_file file = { 1, -1 };
	struct world w;

	(void)state;
	start_by_with_neighbour(&w, VFIO_IOMMU_IOMMUFD, &neighbour);
	assert_int_equal(vfio_device_iommu(w.dev), VFIO_IOMMU_IOMMUFD);
	vfio_device_detach(w.dev);
	/* Without the file it does not. */
	assert_int_equal(vfio_device_reattach(w.dev, &file, &failure), -EBUSY);
	assert_int_equal(failure.code, VFIO_FAILURE_BUSY);
	file.fd = w.fake.sys.open(w.fake.sys.ctx, "/dev/vfio/devices/vfio0");
	assert_int_equal(vfio_device_reattach(w.dev, &file, &failure), 0);
	assert_int_equal(file.fd, -1);
	assert_int_equal(w.fake.nr_attached, 2);
	assert_true(w.fn->nr_enabled > 3);
	vfio_device_destroy(neighbour);
	stop(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_behind_a_port_it_is_an_endpoint_with_the_hosts_link),
		cmocka_unit_test(test_what_is_no_pcie_shows_no_link),
		cmocka_unit_test(test_an_integrated_function_has_a_link_of_zeroes),
		cmocka_unit_test(test_what_is_detached_is_the_hosts_and_its_vectors_stay),
		cmocka_unit_test(test_what_was_detached_comes_back_as_after_power_on),
		cmocka_unit_test(test_what_does_not_come_back_stays_detached),
		cmocka_unit_test(test_whichever_call_fails_it_can_come_back_later),
		cmocka_unit_test(test_with_iommufd_it_comes_back_by_its_own_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
