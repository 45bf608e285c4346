// SPDX-License-Identifier: MIT
/*
 * What else a function's group needs: other functions and drivers of bridges are taken, told,
 * recorded, and given back with the function.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include <string.h>

#include "tests/unit/vfio/vfio_bindhost.h"
#include "vfio/group_priv.h"
#include "vfio/record.h"

#define BDF    "0000:00:01.0"
#define NIC    "0000:00:01.1"
#define BRIDGE "0000:00:00.1"
#define PLACE  "sys/devices/pci0000:00/"

static const struct pci_bdf bdf = { .dev = 1 };

static struct {
	struct bindhost h;
	struct vfio_failure failure;
	char took[128]; /* "0000:00:01.1 e1000e; " */
} w;

static void took(void *ctx, const struct pci_function *was)
{
	char name[PCI_BDF_STRLEN];

	assert_ptr_equal(ctx, &w);
	strcat(w.took, pci_bdf_format(&was->bdf, name));
	strcat(w.took, " ");
	strcat(w.took, was->driver);
	strcat(w.took, "; ");
}

static int make(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	bindhost_init(&w.h, BDF, "nvme");
	bindhost_add(&w.h, NIC, "e1000e", false);
	bindhost_add(&w.h, BRIDGE, "shpchp", true);
	tree_dir(&w.h.tree, "sys/bus/pci/drivers/e1000e");
	assert_int_equal(vfio_bind_with(&w.h.host, &w.h.tree.fs, &bdf, 0, &w.failure), 1);
	w.h.writes = 0;
	return 0;
}

static int unmake(void **state)
{
	(void)state;
	bindhost_fini(&w.h);
	return 0;
}

static int take(void)
{
	const struct vfio_group_ops ops = { took, &w };

	w.failure = (struct vfio_failure){ 0 };
	w.took[0] = '\0';
	w.h.writes = 0;
	return vfio_group_take_with(&w.h.host, &w.h.tree.fs, &bdf, &ops, &w.failure);
}

static int release(void)
{
	w.failure = (struct vfio_failure){ 0 };
	w.h.writes = 0;
	return vfio_release_with(&w.h.host, &w.h.tree.fs, &bdf, &w.failure);
}

static void expect(const char *name, const char *driver, bool recorded)
{
	char is[PCI_DRIVER_STRLEN], path[64];

	assert_string_equal(bindhost_driver_of(&w.h, name, is), driver);
	(void)snprintf(path, sizeof(path), "run/itsy/bound/%s", name);
	assert_int_equal(tree_has(&w.h.tree, path), recorded);
}

static void expect_untaken(void)
{
	expect(NIC, "e1000e", false);
	expect(BRIDGE, "shpchp", false);
	assert_string_equal(w.took, "");
}

static void test_what_is_in_the_way_is_taken_told_and_given_back(void **state)
{
	static const struct pci_bdf bridge = { 0, 0, 0, 1 };
	struct bind_record record;

	(void)state;
	assert_int_equal(take(), 0);
	assert_string_equal(w.took, BRIDGE " shpchp; " NIC " e1000e; ");
	expect(NIC, "vfio-pci", true);
	expect(BRIDGE, "", true);
	assert_int_equal(record_read(&w.h.tree.fs, &bridge, &record), 0);
	assert_string_equal(record.driver, "shpchp");
	assert_string_equal(record.override, "");
	assert_string_equal(record.taken_for, BDF);
	/* Once is enough. */
	assert_int_equal(take(), 0);
	assert_string_equal(w.took, "");
	assert_int_equal(w.h.writes, 0);

	assert_int_equal(release(), 0);
	expect(BDF, "nvme", false);
	expect(NIC, "e1000e", false);
	expect(BRIDGE, "shpchp", false);
}

/* Another process gives back what this one took, for its records say so. */
static void test_what_was_taken_before_a_crash_is_given_back(void **state)
{
	(void)state;
	w.h.die_at = 0;
	tree_write(&w.h.tree, "run/itsy/bound/" BRIDGE,
		   "driver=shpchp\ndriver_override=\ntaken_for=" BDF "\n");
	tree_set_driver(&w.h.tree, BRIDGE, NULL);
	/* That of another function is not this one's. */
	tree_write(&w.h.tree, "run/itsy/bound/" NIC,
		   "driver=e1000e\ndriver_override=\ntaken_for=0000:00:07.0\n");
	assert_int_equal(release(), 0);
	expect(BRIDGE, "shpchp", false);
	expect(NIC, "e1000e", true);
}

static void test_nothing_of_a_group_is_taken_where_the_host_uses_a_part(void **state)
{
	(void)state;
	tree_write(&w.h.tree, PLACE NIC "/net/eth0/operstate", "up\n");
	tree_link(&w.h.tree, "sys/class/net/eth0", "../../devices/pci0000:00/" NIC "/net/eth0");
	assert_int_equal(take(), -EBUSY);
	assert_int_equal(w.failure.code, VFIO_FAILURE_GROUP_IN_USE);
	assert_string_equal(w.failure.object, BDF);
	assert_string_equal(w.failure.other, NIC " (eth0)");
	assert_int_equal(w.h.writes, 0);
	expect_untaken();
}

static void test_nothing_of_a_group_is_taken_where_a_part_is_no_pci_function(void **state)
{
	(void)state;
	tree_link(&w.h.tree, "sys/devices/platform/a.dma/driver",
		  "../../../bus/platform/drivers/pl330");
	tree_link(&w.h.tree, "sys/kernel/iommu_groups/0/devices/a.dma",
		  "../../../../devices/platform/a.dma");
	assert_int_equal(take(), -EPERM);
	assert_int_equal(w.failure.code, VFIO_FAILURE_NOT_VIABLE);
	assert_string_equal(w.failure.other, "a.dma");
	assert_string_equal(w.failure.driver, "pl330");
	expect_untaken();
}

/* One step after the other fails, and what was taken before goes back. */
static void test_a_part_that_fails_has_the_others_given_back(void **state)
{
	(void)state;
	for (unsigned nth = 1;; nth++) {
		w.h.fail_at = nth;
		w.h.failed = false;
		if (take() == 0)
			break;
		assert_true(w.h.failed);
		expect(NIC, "e1000e", false);
		expect(BRIDGE, "shpchp", false);
		expect(BDF, "vfio-pci", true);
		w.h.fail_at = 0;
	}
	assert_in_range(w.h.fail_at, 4, 12);
	expect(BRIDGE, "", true);
}

static void test_a_group_that_is_whole_is_left_alone(void **state)
{
	(void)state;
	tree_set_driver(&w.h.tree, NIC, NULL);
	tree_set_driver(&w.h.tree, BRIDGE, "pcieport");
	assert_int_equal(take(), 0);
	assert_string_equal(w.took, "");
	assert_int_equal(w.h.writes, 0);
	expect(BRIDGE, "pcieport", false);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_is_in_the_way_is_taken_told_and_given_back),
		TEST(test_what_was_taken_before_a_crash_is_given_back),
		TEST(test_nothing_of_a_group_is_taken_where_the_host_uses_a_part),
		TEST(test_nothing_of_a_group_is_taken_where_a_part_is_no_pci_function),
		TEST(test_a_part_that_fails_has_the_others_given_back),
		TEST(test_a_group_that_is_whole_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
