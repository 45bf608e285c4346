// SPDX-License-Identifier: MIT
/*
 * Could a guest have a function? Each thing that can stand in its way, and what it is called.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>
#include <linux/pci_regs.h>
#include <string.h>

#include "tests/unit/vfio/vfio_bindhost.h"
#include "vfio/look_priv.h"

#define BDF    "0000:00:01.0"
#define OTHER  "0000:00:01.1"
#define BRIDGE "0000:00:00.1"
#define PLACE  "sys/devices/pci0000:00/" BDF

static const struct pci_bdf bdf = { .dev = 1 }, other = { .dev = 1, .fn = 1 };
static const struct pci_set both = { (const struct pci_bdf[]){ { .dev = 1 }, { 0, 0, 1, 1 } }, 2 };

static int look(struct bindhost *h, const struct pci_set *with, struct vfio_failure *failure)
{
	const struct hostuse_sys sys = bindhost_sys(h);
	struct pci_function fn;
	int r;

	*failure = (struct vfio_failure){ 0 };
	r = vfio_look_with(&sys, &h->tree.fs, &bdf, with, &fn, failure);
	assert_int_equal(h->writes, 0);
	return r;
}

static void add_sibling(struct bindhost *h, const char *driver)
{
	const struct tree_function fn = { OTHER, 1, 2, 0x020000, driver, 0, NULL, 0, NULL };

	tree_add_function(&h->tree, &fn);
}

/* Its place is below that of a bridge. */
static void move_behind(struct bindhost *h, const char *bridge_driver)
{
	const struct tree_function bridge = { BRIDGE, 1,    2, 0x060400, bridge_driver,
					      0,      NULL, 0, NULL };

	tree_add_function(&h->tree, &bridge);
	tree_remove(&h->tree, "sys/bus/pci/devices/" BDF);
	tree_link(&h->tree, "sys/bus/pci/devices/" BDF,
		  "../../../devices/pci0000:00/" BRIDGE "/" BDF);
	tree_link(&h->tree, "sys/devices/pci0000:00/" BRIDGE "/" BDF, "../" BDF);
}

/* ---- what can be in the way -------------------------------------------------------------- */

static void nothing(struct bindhost *h)
{
	(void)h;
}

static void is_gone(struct bindhost *h)
{
	tree_remove(&h->tree, "sys/bus/pci/devices/" BDF);
}

static void is_bridge(struct bindhost *h)
{
	const uint8_t config[64] = { [PCI_HEADER_TYPE] = PCI_HEADER_TYPE_BRIDGE };

	tree_write_bytes(&h->tree, PLACE "/config", config, sizeof(config));
}

static void is_host_bridge(struct bindhost *h)
{
	tree_write(&h->tree, PLACE "/class", "0x060000\n");
}

static void has_no_group(struct bindhost *h)
{
	tree_remove(&h->tree, PLACE "/iommu_group");
}

/* As on a host with a device tree: the group comes with the driver. */
static void was_never_probed(struct bindhost *h)
{
	has_no_group(h);
	tree_set_driver(&h->tree, BDF, NULL);
}

/* Its group will be that of the bridge. */
static void was_never_probed_behind_a_bridge(struct bindhost *h)
{
	was_never_probed(h);
	move_behind(h, "shpchp");
}

static void was_never_probed_behind_a_port(struct bindhost *h)
{
	was_never_probed(h);
	move_behind(h, "pcieport");
}

static void has_no_messages(struct bindhost *h)
{
	const uint8_t config[256] = { 0 };

	tree_write_bytes(&h->tree, PLACE "/config", config, sizeof(config));
}

/* What another user than root can read of it. */
static void has_unknown_messages(struct bindhost *h)
{
	const uint8_t config[64] = { 0 };

	tree_write_bytes(&h->tree, PLACE "/config", config, sizeof(config));
}

static void is_up(struct bindhost *h)
{
	tree_write(&h->tree, PLACE "/net/eth0/operstate", "up\n");
	tree_link(&h->tree, "sys/class/net/eth0", "../../devices/pci0000:00/" BDF "/net/eth0");
}

/* vfio-pci's interfaces are none: sysfs has just not caught up. */
static void is_bound_and_up(struct bindhost *h)
{
	tree_set_driver(&h->tree, BDF, "vfio-pci");
	is_up(h);
}

static void has_sibling(struct bindhost *h)
{
	add_sibling(h, "e1000e");
}

static void is_another_guests(struct bindhost *h)
{
	tree_set_driver(&h->tree, BDF, "vfio-pci");
	h->group_errno = EBUSY;
	tree_link(&h->tree, "proc/12/fd/7", "/dev/vfio/10");
	tree_write(&h->tree, "proc/12/comm", "qemu\n");
	tree_link(&h->tree, "proc/345/fd/3", "/dev/null");
	tree_link(&h->tree, "proc/345/fd/4", "/dev/vfio/0");
	tree_write(&h->tree, "proc/345/comm", "itsy\n");
}

/* By a file of its own, of a sibling's: the group is as one. */
/* Its keeper has the name, and another guest another one. */
static void is_another_guests_by_name(struct bindhost *h)
{
	is_another_guests(h);
	tree_write(&h->tree, "proc/345/stat", "345 (itsy) S 344 345 345 0\n");
	tree_write(&h->tree, "run/itsy/a.lock", "343\n");
	tree_write(&h->tree, "run/itsy/box.lock", "344\n");
	tree_write(&h->tree, "run/itsy/box.sock", "");
}

static void is_another_guests_by_its_file(struct bindhost *h)
{
	tree_set_driver(&h->tree, BDF, "vfio-pci");
	h->group_errno = EBUSY;
	tree_link(&h->tree, "sys/class/vfio-dev/vfio3/device/iommu_group",
		  "../../../kernel/iommu_groups/10");
	tree_link(&h->tree, "sys/class/vfio-dev/vfio4/device/iommu_group",
		  "../../../kernel/iommu_groups/0");
	tree_link(&h->tree, "proc/12/fd/7", "/dev/vfio/devices/vfio3");
	tree_write(&h->tree, "proc/12/comm", "qemu\n");
	tree_link(&h->tree, "proc/345/fd/4", "/dev/vfio/devices/vfio4");
	tree_write(&h->tree, "proc/345/comm", "itsy\n");
}

static void is_somebodys(struct bindhost *h)
{
	h->group_errno = EBUSY;
	tree_dir(&h->tree, "proc/345");
}

static void is_not_ours_to_open(struct bindhost *h)
{
	h->group_errno = EACCES;
}

static void has_virtual_functions(struct bindhost *h)
{
	tree_write(&h->tree, PLACE "/sriov_totalvfs", "7\n");
	tree_write(&h->tree, PLACE "/sriov_numvfs", "2\n");
}

static void could_have_virtual_functions(struct bindhost *h)
{
	tree_write(&h->tree, PLACE "/sriov_totalvfs", "7\n");
	tree_write(&h->tree, PLACE "/sriov_numvfs", "0\n");
}

/* The other one is not of its group. */
static void is_virtual(struct bindhost *h, const char *driver)
{
	const struct tree_function pf = { OTHER, 1, 2, 0x020000, driver, 1, NULL, 0, NULL };

	tree_add_function(&h->tree, &pf);
	tree_link(&h->tree, PLACE "/physfn", "../" OTHER);
}

static void is_virtual_of_the_host(struct bindhost *h)
{
	is_virtual(h, "e1000e");
}

static void is_virtual_of_vfio(struct bindhost *h)
{
	is_virtual(h, "vfio-pci");
}

static void test_what_stands_in_the_way_is_found_and_named(void **state)
{
	static const struct {
		const char *why;
		void (*change)(struct bindhost *h);
		int want;
		enum vfio_failure_code code;
		const char *other, *driver;
	} cases[] = {
		{ "nothing", nothing, 0, VFIO_FAILURE_NONE, "", "" },
		{ "not there", is_gone, -ENOENT, VFIO_FAILURE_NO_FUNCTION, "", "" },
		{ "a bridge", is_bridge, -EINVAL, VFIO_FAILURE_BRIDGE, "", "" },
		{ "a host bridge", is_host_bridge, -EINVAL, VFIO_FAILURE_BRIDGE, "", "" },
		{ "no group", has_no_group, -ENODEV, VFIO_FAILURE_NO_GROUP, "", "" },
		{ "no group yet", was_never_probed, 0, VFIO_FAILURE_NONE, "", "" },
		{ "no group yet, behind a bridge with a driver", was_never_probed_behind_a_bridge,
		  -EPERM, VFIO_FAILURE_NOT_VIABLE, BRIDGE, "shpchp" },
		{ "no group yet, behind a port", was_never_probed_behind_a_port, 0,
		  VFIO_FAILURE_NONE, "", "" },
		{ "no interrupts", has_no_messages, 0, VFIO_FAILURE_NONE, "", "" },
		{ "capabilities are hidden", has_unknown_messages, 0, VFIO_FAILURE_NONE, "", "" },
		{ "used", is_up, -EBUSY, VFIO_FAILURE_IN_USE_BY_HOST, "eth0", "" },
		{ "bound already", is_bound_and_up, 0, VFIO_FAILURE_NONE, "", "" },
		{ "a sibling", has_sibling, -EPERM, VFIO_FAILURE_NOT_VIABLE, OTHER, "e1000e" },
		{ "another guest", is_another_guests, -EBUSY, VFIO_FAILURE_BUSY,
		  "itsy, process 345", "" },
		{ "another guest, by name", is_another_guests_by_name, -EBUSY, VFIO_FAILURE_BUSY,
		  "itsy, process 345 (guest box)", "" },
		{ "another guest, by a function's file", is_another_guests_by_its_file, -EBUSY,
		  VFIO_FAILURE_BUSY, "itsy, process 345", "" },
		{ "somebody", is_somebodys, -EBUSY, VFIO_FAILURE_BUSY, "", "" },
		{ "a group that root alone may open", is_not_ours_to_open, 0, VFIO_FAILURE_NONE, "",
		  "" },
		{ "virtual functions of it", has_virtual_functions, -EBUSY, VFIO_FAILURE_HAS_VFS,
		  "", "" },
		{ "none, but they could be", could_have_virtual_functions, 0, VFIO_FAILURE_NONE, "",
		  "" },
		{ "virtual, of the host's", is_virtual_of_the_host, 0, VFIO_FAILURE_NONE, "", "" },
		{ "virtual, of VFIO's", is_virtual_of_vfio, -EACCES, VFIO_FAILURE_PF_IS_VFIOS,
		  OTHER, "vfio-pci" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct vfio_failure failure;
		struct bindhost h;

		print_message("%s\n", cases[i].why);
		bindhost_init(&h, BDF, "nvme");
		cases[i].change(&h);
		assert_int_equal(look(&h, NULL, &failure), cases[i].want);
		assert_int_equal(failure.code, cases[i].code);
		assert_string_equal(failure.object, cases[i].want ? BDF : "");
		assert_string_equal(failure.other, cases[i].other);
		assert_string_equal(failure.driver, cases[i].driver);
		bindhost_fini(&h);
	}
}

static void test_what_the_same_guest_gets_is_not_in_the_way(void **state)
{
	struct vfio_failure failure;
	struct bindhost h;

	(void)state;
	bindhost_init(&h, BDF, "nvme");
	add_sibling(&h, "e1000e");
	assert_true(pci_bdf_equal(&both.bdfs[1], &other));
	assert_int_equal(look(&h, &both, &failure), 0);
	/* A third one is not hidden by the second. */
	tree_link(&h.tree, "sys/devices/platform/a.dma/driver",
		  "../../../bus/platform/drivers/pl330");
	tree_link(&h.tree, "sys/kernel/iommu_groups/0/devices/a.dma",
		  "../../../../devices/platform/a.dma");
	assert_int_equal(look(&h, &both, &failure), -EPERM);
	assert_string_equal(failure.other, "a.dma");
	bindhost_fini(&h);
}

/* The test's own process has a file open, and is not told of itself. */
static void test_an_opener_is_another_process(void **state)
{
	char path[64];
	struct vfio_failure failure;
	struct bindhost h;

	(void)state;
	bindhost_init(&h, BDF, "vfio-pci");
	h.group_errno = EBUSY;
	(void)snprintf(path, sizeof(path), "proc/%d/fd/3", getpid());
	tree_link(&h.tree, path, "/dev/vfio/0");
	assert_int_equal(look(&h, NULL, &failure), -EBUSY);
	assert_string_equal(failure.other, "");
	/* One that has no name is a process all the same; and "self" is none. */
	tree_link(&h.tree, "proc/self/fd/3", "/dev/vfio/0");
	tree_link(&h.tree, "proc/1/fd/3", "/dev/vfio/0");
	assert_int_equal(look(&h, NULL, &failure), -EBUSY);
	assert_string_equal(failure.other, "?, process 1");
	bindhost_fini(&h);
}

/* A guest that starts just then would be refused: it is done where nobody else can be asked. */
static void test_a_group_is_opened_only_where_processes_are_hidden(void **state)
{
	static const struct {
		const char *why, *pid_ns;
		bool sees_first;
		bool has_opener;
		unsigned opens;
	} cases[] = {
		{ "all are seen", "pid:[4026531836]", true, false, 0 },
		{ "all are seen, and one has it", "pid:[4026531836]", true, true, 0 },
		{ "those of others are hidden", "pid:[4026531836]", false, false, 1 },
		{ "those of others are hidden, and one that is not has it", "pid:[4026531836]",
		  false, true, 0 },
		{ "a container", "pid:[4026532201]", true, false, 1 },
		{ "it is not known", NULL, true, false, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct vfio_failure failure;
		struct bindhost h;

		print_message("%s\n", cases[i].why);
		bindhost_init(&h, BDF, "vfio-pci");
		if (cases[i].pid_ns)
			tree_link(&h.tree, "proc/self/ns/pid", cases[i].pid_ns);
		if (cases[i].sees_first)
			tree_link(&h.tree, "proc/1/fd/0", "/dev/null");
		if (cases[i].has_opener)
			tree_link(&h.tree, "proc/345/fd/4", "/dev/vfio/0");
		assert_int_equal(look(&h, NULL, &failure), cases[i].has_opener ? -EBUSY : 0);
		assert_int_equal(h.group_opens, cases[i].opens);
		bindhost_fini(&h);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_stands_in_the_way_is_found_and_named),
		cmocka_unit_test(test_what_the_same_guest_gets_is_not_in_the_way),
		cmocka_unit_test(test_an_opener_is_another_process),
		cmocka_unit_test(test_a_group_is_opened_only_where_processes_are_hidden),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
