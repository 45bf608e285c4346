// SPDX-License-Identifier: MIT
/*
 * Places for functions that come while a guest runs, and the right to give one.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/vfio/vfio_fake.h"
#include "vfio/right.h"
#include "vmm/base/cleanup.h"

#define BDF   "0000:00:01.0"
#define OTHER "0000:00:02.0"

struct world {
	struct fake_vfio fake;
	struct fake_function *nvme, *edu;
	struct vfio_container *container;
	struct vfio_device *dev; /* a place */
};

static void start_by(struct world *w, enum vfio_iommu_kind kind, unsigned nr_messages)
{
	struct vfio_failure failure = { 0 };

	fake_init(&w->fake);
	w->fake.kind = kind;
	w->fake.keeps_ioas = true;
	w->nvme = fake_add_nvme(&w->fake, BDF, 1);
	w->edu = fake_add_edu(&w->fake, OTHER, 2);
	fake_publish(&w->fake);
	fake_container(&w->fake, &w->container);
	assert_int_equal(vfio_device_create_vacant(w->container, &w->fake.tree.fs, nr_messages,
						   &w->dev, &failure),
			 0);
}

static void start(struct world *w, unsigned nr_messages)
{
	start_by(w, VFIO_IOMMU_TYPE1, nr_messages);
}

static void stop(struct world *w)
{
	vfio_device_destroy(w->dev);
	vfio_container_destroy(w->container);
	fake_fini(&w->fake);
}

/* Functions are numbered from 0 on, groups from 1. */
static struct vfio_function_file file_of(struct world *w, int group)
{
	const bool own = w->fake.kind == VFIO_IOMMU_IOMMUFD;
	char path[32];

	(void)snprintf(path, sizeof(path), own ? "/dev/vfio/devices/vfio%d" : "/dev/vfio/%d",
		       own ? group - 1 : group);
	return (struct vfio_function_file){ group, w->fake.sys.open(w->fake.sys.ctx, path) };
}

static int adopt(struct world *w, const char *name, int group, struct vfio_failure *ret_failure)
{
	struct vfio_function_file file = file_of(w, group);
	struct pci_bdf bdf;

	assert_int_equal(pci_bdf_parse(name, &bdf), 0);
	*ret_failure = (struct vfio_failure){ 0 };
	return vfio_device_adopt(w->dev, &bdf, &file, ret_failure);
}

static uint8_t memory[2][1 << 16] __attribute__((aligned(1 << 16)));

static void keep_memory(struct world *w)
{
	struct vfio_failure failure = { 0 };

	for (size_t i = 0; i < 2; i++)
		assert_int_equal(vfio_dma_keep(w->container, 0x40000000 * (i + 1),
					       sizeof(memory[i]), memory[i], &failure),
				 0);
}

static void test_any_function_takes_the_place_with_the_eventfds_that_are_there(void **state)
{
	struct pollfd message = { .events = POLLIN }, line = { .events = POLLIN };
	struct vfio_failure failure;
	struct world w;
	unsigned intx;

	(void)state;
	start(&w, 100);
	keep_memory(&w);
	assert_int_equal(vfio_device_nr_vectors(w.dev), 101);
	assert_int_equal(vfio_device_intx(w.dev, &intx), 1);
	assert_int_equal(intx, 100);
	message.fd = vfio_vector_eventfd(w.dev, 3);
	line.fd = vfio_vector_eventfd(w.dev, intx);
	assert_int_equal(adopt(&w, BDF, 1, &failure), 0);
	assert_int_equal(vfio_device_nr_vectors(w.dev), 101);
	assert_int_equal(vfio_vector_eventfd(w.dev, 3), message.fd);
	assert_int_equal(vfio_cfgspace_read(w.dev, PCI_DEVICE_ID, 2), w.nvme->device);
	fake_signal(w.nvme, 3);
	assert_int_equal(poll(&message, 1, 0), 1);
	/* Another one, of INTx among others, whichever pin it has. */
	vfio_device_detach(w.dev);
	assert_int_equal(w.nvme->nr_enabled, 0);
	vfio_device_vacate(w.dev);
	w.edu->cfgspace[PCI_INTERRUPT_PIN] = 3;
	w.edu->irqs[VFIO_PCI_INTX_IRQ_INDEX] = 1;
	assert_int_equal(adopt(&w, OTHER, 2, &failure), 0);
	assert_int_equal(vfio_cfgspace_read(w.dev, PCI_DEVICE_ID, 2), w.edu->device);
	assert_int_equal(vfio_cfgspace_read(w.dev, PCI_INTERRUPT_PIN, 1), 1);
	assert_int_equal(vfio_vector_eventfd(w.dev, intx), line.fd);
	stop(&w);
}

static void test_one_with_more_messages_is_told_and_leaves_the_place(void **state)
{
	struct vfio_failure failure;
	struct world w;

	(void)state;
	start(&w, 1);
	keep_memory(&w);
	assert_int_equal(adopt(&w, BDF, 1, &failure), -ENOSPC);
	assert_int_equal(failure.code, VFIO_FAILURE_VECTORS);
	assert_int_equal(failure.have, 1);
	assert_int_equal(w.nvme->nr_enabled, 0);
	assert_int_equal(w.fake.nr_groups_joined, 0);
	assert_int_equal(adopt(&w, OTHER, 2, &failure), 0);
	stop(&w);
}

static void test_the_only_function_finds_the_guests_memory_mapped(void **state)
{
	struct vfio_failure failure;
	struct world w;

	(void)state;
	start(&w, 100);
	assert_true(adopt(&w, BDF, 1, &failure) < 0);
	assert_int_equal(failure.code, VFIO_FAILURE_UNMAPPED);
	keep_memory(&w);
	assert_int_equal(w.fake.nr_maps, 0);
	assert_int_equal(adopt(&w, BDF, 1, &failure), 0);
	assert_int_equal(w.fake.nr_dma, 2);
	/* And again, for they are gone with it. */
	vfio_device_detach(w.dev);
	assert_int_equal(w.fake.nr_dma, 0);
	vfio_device_vacate(w.dev);
	w.fake.map_errno = ENOMEM;
	assert_int_equal(adopt(&w, BDF, 1, &failure), -ENOMEM);
	assert_int_equal(w.fake.nr_groups_joined, 0);
	w.fake.map_errno = 0;
	assert_int_equal(adopt(&w, BDF, 1, &failure), 0);
	assert_int_equal(w.fake.nr_dma, 2);
	stop(&w);
}

/* Its process can map nothing then, and need not. */
static void test_by_iommufd_it_finds_what_was_mapped_before_the_guest_ran(void **state)
{
	struct vfio_failure failure;
	struct world w;

	(void)state;
	start_by(&w, VFIO_IOMMU_IOMMUFD, 100);
	assert_true(adopt(&w, BDF, 1, &failure) < 0);
	assert_int_equal(failure.code, VFIO_FAILURE_UNMAPPED);
	keep_memory(&w);
	assert_int_equal(w.fake.nr_dma, 2);
	w.fake.map_errno = EPERM;
	assert_int_equal(adopt(&w, BDF, 1, &failure), 0);
	assert_int_equal(w.fake.nr_attached, 1);
	/* And again, for they stay. */
	vfio_device_detach(w.dev);
	assert_int_equal(w.fake.nr_attached, 0);
	assert_int_equal(w.fake.nr_dma, 2);
	vfio_device_vacate(w.dev);
	assert_int_equal(adopt(&w, OTHER, 2, &failure), 0);
	assert_int_equal(w.fake.nr_attached, 1);
	stop(&w);
}

static void test_by_iommufd_who_lets_nothing_be_pinned_is_told(void **state)
{
	struct vfio_failure failure;
	struct rlimit before, limit;
	struct world w;

	(void)state;
	start_by(&w, VFIO_IOMMU_IOMMUFD, 100);
	keep_memory(&w);
	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &before), 0);
	limit = (struct rlimit){ sizeof(memory) - 1, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
	w.fake.attach_errno = ENOMEM;
	assert_int_equal(adopt(&w, BDF, 1, &failure), -ENOMEM);
	assert_int_equal(failure.code, VFIO_FAILURE_MEMLOCK);
	assert_int_equal(failure.have, sizeof(memory) - 1);
	assert_int_equal(failure.want, sizeof(memory));
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &before), 0);
	w.fake.attach_errno = EADDRINUSE;
	assert_int_equal(adopt(&w, BDF, 1, &failure), -EADDRINUSE);
	assert_int_equal(failure.code, VFIO_FAILURE_OTHER);
	/* Its file did not come with it. */
	w.fake.attach_errno = 0;
	assert_int_equal(vfio_device_adopt(w.dev, &(struct pci_bdf){ .dev = 1 },
					   &(struct vfio_function_file){ 1, -1 }, &failure),
			 -EBUSY);
	assert_int_equal(adopt(&w, BDF, 1, &failure), 0);
	stop(&w);
}

static void whichever_call_fails_the_place_stays(enum vfio_iommu_kind kind)
{
	struct vfio_failure failure;
	unsigned at = 0, nr_fds;
	struct world w;
	int r = -1;

	start_by(&w, kind, 100);
	keep_memory(&w);
	nr_fds = w.fake.nr_fds;
	while (r < 0) {
		w.fake.failed = false;
		w.fake.fail_at = ++at + 1; /* after the group's file */
		w.fake.fail_errno = EIO;
		r = adopt(&w, BDF, 1, &failure);
		if (r >= 0 && w.fake.failed) {
			/* It did without, as by a reset that is due. */
			vfio_device_detach(w.dev);
			vfio_device_vacate(w.dev);
			r = -1;
		}
		if (r < 0) {
			assert_int_equal(w.fake.nr_fds, nr_fds);
			assert_int_equal(w.fake.nr_groups_joined, 0);
			assert_int_equal(w.fake.nr_attached, 0);
			assert_true(at < 200);
		}
	}
	assert_true(at > 10);
	stop(&w);
}

static void test_whichever_call_fails_the_place_stays_and_nothing_is_open(void **state)
{
	(void)state;
	whichever_call_fails_the_place_stays(VFIO_IOMMU_TYPE1);
	whichever_call_fails_the_place_stays(VFIO_IOMMU_IOMMUFD);
}

/* Only who may write driver_override can have it open so. */
static void test_the_right_to_a_function_is_that_file_and_no_other(void **state)
{
	_cleanup_fd_ int right = -1, other = -1, reading = -1;
	struct pci_bdf bdf, second;
	struct host_tree tree;
	char path[256];

	(void)state;
	tree_init(&tree);
	tree_write(&tree, "/sys/bus/pci/devices/" BDF "/driver_override", "(null)\n");
	tree_write(&tree, "/sys/bus/pci/devices/" OTHER "/driver_override", "(null)\n");
	assert_int_equal(pci_bdf_parse(BDF, &bdf), 0);
	assert_int_equal(pci_bdf_parse(OTHER, &second), 0);
	right = vfio_right_open(&tree.fs, &bdf);
	other = vfio_right_open(&tree.fs, &second);
	assert_true(right >= 0 && other >= 0);
	assert_true(vfio_right_is(&tree.fs, &bdf, right));
	assert_false(vfio_right_is(&tree.fs, &bdf, other));
	assert_false(vfio_right_is(&tree.fs, &second, right));
	assert_false(vfio_right_is(&tree.fs, &bdf, -1));
	(void)snprintf(path, sizeof(path), "%s/sys/bus/pci/devices/" BDF "/driver_override",
		       tree.fs.root);
	reading = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(reading >= 0);
	assert_false(vfio_right_is(&tree.fs, &bdf, reading));
	second.dev = 9;
	assert_int_equal(vfio_right_open(&tree.fs, &second), -ENOENT);
	tree_fini(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_any_function_takes_the_place_with_the_eventfds_that_are_there),
		cmocka_unit_test(test_one_with_more_messages_is_told_and_leaves_the_place),
		cmocka_unit_test(test_the_only_function_finds_the_guests_memory_mapped),
		cmocka_unit_test(test_by_iommufd_it_finds_what_was_mapped_before_the_guest_ran),
		cmocka_unit_test(test_by_iommufd_who_lets_nothing_be_pinned_is_told),
		cmocka_unit_test(test_whichever_call_fails_the_place_stays_and_nothing_is_open),
		cmocka_unit_test(test_the_right_to_a_function_is_that_file_and_no_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
