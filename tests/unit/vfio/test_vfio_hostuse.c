// SPDX-License-Identifier: MIT
/*
 * Functions that the host itself uses: file systems, swap and network interfaces
 * on them are found through partitions, volumes and multipath.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "tests/unit/vfio/vfio_bindhost.h"
#include "vfio/hostuse.h"

#define BDF   "0000:00:01.0"
#define PLACE "sys/devices/pci0000:00/" BDF

static const struct pci_bdf bdf = { .dev = 1 };

static int uses(struct bindhost *h, char what[HOST_USE_STRLEN])
{
	const struct hostuse_sys sys = bindhost_sys(h);

	return host_uses(&sys, &h->tree.fs, &bdf, what);
}

/* A block device: its directory, its link in the class, its number. */
static void add_block(const struct host_tree *tree, const char *dir, const char *dev)
{
	const char *name = strrchr(dir, '/') + 1;
	char path[256], target[256];

	(void)snprintf(path, sizeof(path), "%s/dev", dir);
	tree_write(tree, path, dev);
	(void)snprintf(path, sizeof(path), "sys/class/block/%s", name);
	(void)snprintf(target, sizeof(target), "../../%s", dir + strlen("sys/"));
	tree_link(tree, path, target);
}

/* nvme0n1 with two partitions; beside it, other disks. */
static void add_disks(const struct host_tree *tree)
{
	add_block(tree, PLACE "/nvme/nvme0/nvme0n1", "259:0\n");
	add_block(tree, PLACE "/nvme/nvme0/nvme0n1/nvme0n1p1", "259:1\n");
	tree_write(tree, PLACE "/nvme/nvme0/nvme0n1/nvme0n1p1/partition", "1\n");
	add_block(tree, PLACE "/nvme/nvme0/nvme0n1/nvme0n1p2", "259:2\n");
	tree_write(tree, PLACE "/nvme/nvme0/nvme0n1/nvme0n1p2/partition", "2\n");
	add_block(tree, "sys/devices/pci0000:00/0000:00:01.1/ata1/sda", "8:0\n");
	add_block(tree, "sys/devices/pci0000:00/0000:00:01.0x/sdb", "8:16\n");
}

/* On the second partition a volume, and one on that. */
static void add_volumes(const struct host_tree *tree)
{
	add_block(tree, "sys/devices/virtual/block/dm-3", "253:3\n");
	tree_write(tree, "sys/devices/virtual/block/dm-3/dm/name", "vg-root\n");
	tree_link(tree, PLACE "/nvme/nvme0/nvme0n1/nvme0n1p2/holders/dm-3",
		  "../../../../../../../virtual/block/dm-3");
	add_block(tree, "sys/devices/virtual/block/dm-4", "253:4\n");
	tree_link(tree, "sys/devices/virtual/block/dm-3/holders/dm-4", "../../dm-4");
}

static void test_uses_of_block_devices_are_found_and_named(void **state)
{
	static const struct {
		const char *why, *mountinfo, *swaps, *want;
		bool volumes;
	} cases[] = {
		{ "nothing mounted", "", "", NULL, false },
		{ "a volume that nobody uses", "", "", "vg-root (nvme0n1p2)", true },
		{ "another disk", "36 35 8:0 / / rw - ext4 /dev/sda rw\n", "", NULL, false },
		{ "a place whose name only begins like it",
		  "36 35 8:16 / /b rw - ext4 /dev/sdb rw\n", "", NULL, false },
		{ "the disk itself", "36 35 259:0 / /data rw shared:1 - xfs /dev/nvme0n1 rw\n", "",
		  "/data (nvme0n1)", false },
		{ "a partition",
		  "22 1 8:0 / / rw - ext4 /dev/sda rw\n"
		  "36 35 259:1 / /boot rw - vfat /dev/nvme0n1p1 rw\n",
		  "", "/boot (nvme0n1p1)", false },
		{ "a volume on a partition", "36 35 253:3 / / rw - ext4 /dev/mapper/vg-root rw\n",
		  "", "/ (dm-3)", true },
		{ "a volume on the volume", "36 35 253:4 / /x rw - ext4 /dev/dm-4 rw\n", "",
		  "/x (dm-4)", true },
		{ "btrfs has a number of its own, a partition as source",
		  "36 35 0:31 /sub /home rw - btrfs /dev/nvme0n1p1 rw\n", "", "/home (nvme0n1p1)",
		  false },
		{ "a volume by its name as source",
		  "36 35 0:32 / /srv rw - btrfs /dev/mapper/vg-root rw\n", "", "/srv (dm-3)",
		  true },
		{ "a name that only begins like it",
		  "36 35 0:32 / /srv rw - btrfs /dev/nvme0n1p11 rw\n", "", NULL, false },
		{ "no block device as source", "36 35 0:5 / /tmp rw - tmpfs nvme0n1 rw\n", "", NULL,
		  false },
		{ "swap on a partition", "",
		  "Filename\tType\tSize\tUsed\tPriority\n/dev/nvme0n1p1 partition 1 0 -2\n",
		  "swap (nvme0n1p1)", false },
		{ "swap on a volume", "", "Filename\n/dev/dm-3 partition 1 0 -2\n", "swap (dm-3)",
		  true },
		{ "swap elsewhere", "", "Filename\n/dev/sda2 partition 1 0 -2\n", NULL, false },
		{ "lines that are none", "garbage\n\n36 35\n36 35 259:1\n - \n", "\n", NULL,
		  false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char what[HOST_USE_STRLEN] = "";
		struct bindhost h;
		int r;

		print_message("%s\n", cases[i].why);
		bindhost_init(&h, BDF, "nvme");
		add_disks(&h.tree);
		if (cases[i].volumes)
			add_volumes(&h.tree);
		tree_write(&h.tree, "proc/self/mountinfo", cases[i].mountinfo);
		tree_write(&h.tree, "proc/swaps", cases[i].swaps);
		r = uses(&h, what);
		assert_int_equal(r, cases[i].want != NULL);
		assert_string_equal(what, cases[i].want ? cases[i].want : "");
		bindhost_fini(&h);
	}
}

static void test_mounted_btrfs_of_many_disks_names_each(void **state)
{
	char what[HOST_USE_STRLEN] = "";
	struct bindhost h;

	(void)state;
	bindhost_init(&h, BDF, "nvme");
	add_disks(&h.tree);
	tree_write(&h.tree, "proc/self/mountinfo", "36 35 0:31 / / rw - btrfs /dev/sda rw\n");
	tree_write(&h.tree, "sys/fs/btrfs/features/x", "");
	assert_int_equal(uses(&h, what), 0);
	tree_write(&h.tree, "sys/fs/btrfs/0a-1b/devices/nvme0n1p1", "");
	assert_int_equal(uses(&h, what), 1);
	assert_string_equal(what, "btrfs (nvme0n1p1)");
	bindhost_fini(&h);
}

/* A source that is another name of the device: what counts is its number. */
static void test_device_node_of_any_name_is_known_by_its_number(void **state)
{
	char what[HOST_USE_STRLEN] = "", path[256];
	struct bindhost h;

	(void)state;
	bindhost_init(&h, BDF, "nvme");
	add_disks(&h.tree);
	tree_link(&h.tree, "dev/disk/by-label/root", "../../the-node");
	tree_write(&h.tree, "proc/swaps", "Filename\n/dev/disk/by-label/root partition 1 0 -2\n");
	assert_int_equal(uses(&h, what), 0);
	(void)snprintf(path, sizeof(path), "%s/dev/the-node", h.tree.fs.root);
	if (mknod(path, S_IFBLK | 0600, makedev(259, 2)) < 0) {
		bindhost_fini(&h);
		skip();
	}
	assert_int_equal(uses(&h, what), 1);
	assert_string_equal(what, "swap (nvme0n1p2)");
	bindhost_fini(&h);
}

/* Native multipath: the disk lies below the subsystem, not below the function. */
static void test_multipath_disk_is_found_through_its_subsystem(void **state)
{
	char what[HOST_USE_STRLEN] = "";
	struct bindhost h;

	(void)state;
	bindhost_init(&h, BDF, "nvme");
	tree_dir(&h.tree, PLACE "/nvme/nvme4/nvme4c4n1");
	tree_link(&h.tree, "sys/class/block/nvme4c4n1",
		  "../../devices/pci0000:00/" BDF "/nvme/nvme4/nvme4c4n1");
	tree_link(&h.tree, "sys/class/nvme/nvme4", "../../devices/pci0000:00/" BDF "/nvme/nvme4");
	tree_link(&h.tree, "sys/class/nvme/nvme1",
		  "../../devices/pci0000:00/0000:00:07.0/nvme/nvme1");
	tree_link(&h.tree, "sys/devices/virtual/nvme-subsystem/nvme-subsys4/nvme4",
		  "../../../pci0000:00/" BDF "/nvme/nvme4");
	tree_link(&h.tree, "sys/class/nvme-subsystem/nvme-subsys4",
		  "../../devices/virtual/nvme-subsystem/nvme-subsys4");
	tree_dir(&h.tree, "sys/devices/virtual/nvme-subsystem/nvme-subsys1");
	tree_link(&h.tree, "sys/class/nvme-subsystem/nvme-subsys1",
		  "../../devices/virtual/nvme-subsystem/nvme-subsys1");
	add_block(&h.tree, "sys/devices/virtual/nvme-subsystem/nvme-subsys4/nvme4n1", "259:7\n");
	add_block(&h.tree, "sys/devices/virtual/nvme-subsystem/nvme-subsys1/nvme1n1", "259:8\n");
	tree_write(&h.tree, "proc/self/mountinfo", "36 35 259:8 / /b rw - ext4 /dev/nvme1n1 rw\n");
	assert_int_equal(uses(&h, what), 0);
	tree_write(&h.tree, "proc/self/mountinfo", "36 35 259:7 / /a rw - ext4 /dev/nvme4n1 rw\n");
	assert_int_equal(uses(&h, what), 1);
	assert_string_equal(what, "/a (nvme4n1)");
	bindhost_fini(&h);
}

static void test_who_takes_the_default_route_is_told(void **state)
{
	static const char place[] = "../../devices/pci0000:00/" BDF "/net/eth0";
	const struct hostuse_sys *sys;
	struct hostuse_sys played;
	char what[HOST_USE_STRLEN] = "";
	struct bindhost h;

	(void)state;
	bindhost_init(&h, BDF, "e1000e");
	played = bindhost_sys(&h);
	sys = &played;
	tree_link(&h.tree, "sys/class/net/eth0", place);
	tree_write(&h.tree, "sys/devices/pci0000:00/" BDF "/net/eth0/operstate", "up\n");
	tree_write(&h.tree, "proc/net/route",
		   "Iface\tDestination\tGateway\neth1\t00000000\t0102A8C0\n"
		   "eth0\t0002A8C0\t00000000\n");
	assert_int_equal(host_uses(sys, &h.tree.fs, &bdf, what), 1);
	assert_string_equal(what, "eth0");
	tree_write(&h.tree, "proc/net/route",
		   "Iface\tDestination\tGateway\neth0\t00000000\t0102A8C0\n");
	assert_int_equal(host_uses(sys, &h.tree.fs, &bdf, what), 1);
	assert_string_equal(what, "eth0, the default route");
	h.addresses = "192.0.2.7, 2001:db8::7 and 3 more";
	assert_int_equal(host_uses(sys, &h.tree.fs, &bdf, what), 1);
	assert_string_equal(what, "eth0, the default route, 192.0.2.7, 2001:db8::7 and 3 more");
	tree_write(&h.tree, "proc/net/route", "");
	assert_int_equal(host_uses(sys, &h.tree.fs, &bdf, what), 1);
	assert_string_equal(what, "eth0, 192.0.2.7, 2001:db8::7 and 3 more");
	bindhost_fini(&h);
}

/* Of a partition, of a volume, and of what the device itself has made up. */
static void test_the_model_of_a_disk_is_told(void **state)
{
	static const char model[] = PLACE "/nvme/nvme0/model";
	static const char mounted[] = "36 35 259:1 / /boot rw - vfat /dev/nvme0n1p1 rw\n";
	char what[HOST_USE_STRLEN] = "";
	struct bindhost h;

	(void)state;
	bindhost_init(&h, BDF, "nvme");
	add_disks(&h.tree);
	add_volumes(&h.tree);
	tree_link(&h.tree, PLACE "/nvme/nvme0/nvme0n1/device", "../../nvme0");
	tree_write(&h.tree, model, "Some SSD 980 PRO 1TB                    \n");
	assert_int_equal(uses(&h, what), 1);
	assert_string_equal(what, "vg-root (nvme0n1p2, Some SSD 980 PRO 1TB)");
	tree_write(&h.tree, "proc/self/mountinfo", "36 35 253:4 / /x rw - ext4 /dev/dm-4 rw\n");
	assert_int_equal(uses(&h, what), 1);
	assert_string_equal(what, "/x (dm-4, Some SSD 980 PRO 1TB)");
	tree_write(&h.tree, "proc/self/mountinfo", mounted);
	assert_int_equal(uses(&h, what), 1);
	assert_string_equal(what, "/boot (nvme0n1p1, Some SSD 980 PRO 1TB)");
	tree_write(&h.tree, model, "\033[2Jall\tis\xffwell\n");
	assert_int_equal(uses(&h, what), 1);
	assert_string_equal(what, "/boot (nvme0n1p1, ?[2Jall?is?well)");
	tree_write(&h.tree, model, "                                        \n");
	assert_int_equal(uses(&h, what), 1);
	assert_string_equal(what, "/boot (nvme0n1p1)");
	bindhost_fini(&h);
}

static void test_interfaces_count_when_they_are_up_with_a_carrier(void **state)
{
	static const struct {
		const char *why, *place, *operstate, *carrier;
		int want;
	} cases[] = {
		{ "up", BDF "/net/eth0", "up\n", "1\n", 1 },
		{ "below a virtio device", BDF "/virtio0/net/eth0", "up\n", "1\n", 1 },
		{ "down", BDF "/net/eth0", "down\n", NULL, 0 },
		{ "up without a carrier", BDF "/net/eth0", "down\n", "0\n", 0 },
		{ "a driver that never says, with a carrier", BDF "/net/eth0", "unknown\n", "1\n",
		  1 },
		{ "a driver that never says, without", BDF "/net/eth0", "unknown\n", "0\n", 0 },
		{ "another function's", "0000:00:01.1/net/eth0", "up\n", "1\n", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char what[HOST_USE_STRLEN] = "", path[256];
		struct vfio_failure failure = { 0 };
		struct bindhost h;
		int r;

		print_message("%s\n", cases[i].why);
		bindhost_init(&h, BDF, "nvme");
		tree_write(&h.tree, "sys/class/net/bonding_masters", "\n");
		(void)snprintf(path, sizeof(path), "../../devices/pci0000:00/%s", cases[i].place);
		tree_link(&h.tree, "sys/class/net/eth0", path);
		(void)snprintf(path, sizeof(path), "sys/devices/pci0000:00/%s/operstate",
			       cases[i].place);
		tree_write(&h.tree, path, cases[i].operstate);
		(void)snprintf(path, sizeof(path), "sys/devices/pci0000:00/%s/carrier",
			       cases[i].place);
		if (cases[i].carrier)
			tree_write(&h.tree, path, cases[i].carrier);
		assert_int_equal(uses(&h, what), cases[i].want);
		assert_string_equal(what, cases[i].want ? "eth0" : "");

		r = vfio_bind_with(&h.host, &h.tree.fs, &bdf, 0, &failure);
		assert_int_equal(r, cases[i].want ? -EBUSY : 1);
		if (cases[i].want) {
			assert_int_equal(failure.code, VFIO_FAILURE_IN_USE_BY_HOST);
			assert_string_equal(failure.object, BDF);
			assert_string_equal(failure.other, "eth0");
			assert_int_equal(h.writes, 0);
			assert_false(bindhost_recorded(&h));
			/* Who insists gets it. */
			assert_int_equal(vfio_bind_with(&h.host, &h.tree.fs, &bdf, VFIO_BIND_FORCE,
							&failure),
					 1);
		}
		bindhost_fini(&h);
	}
}

/* Rather too careful than sorry: what cannot be looked through counts as used. */
static void test_more_disks_than_can_be_looked_at_count_as_used(void **state)
{
	char what[HOST_USE_STRLEN] = "";
	struct bindhost h;

	(void)state;
	bindhost_init(&h, BDF, "nvme");
	for (unsigned i = 0; i < 520; i++) {
		char dir[128], dev[32];

		(void)snprintf(dir, sizeof(dir), PLACE "/disk%u", i);
		(void)snprintf(dev, sizeof(dev), "7:%u\n", i);
		add_block(&h.tree, dir, dev);
	}
	assert_int_equal(uses(&h, what), 1);
	assert_non_null(strstr(what, "disk"));
	bindhost_fini(&h);
}

static void test_volumes_that_hold_each_other_in_a_circle_end(void **state)
{
	char what[HOST_USE_STRLEN] = "";
	struct bindhost h;

	(void)state;
	bindhost_init(&h, BDF, "nvme");
	add_block(&h.tree, PLACE "/nvme/nvme0/nvme0n1", "259:0\n");
	add_block(&h.tree, "sys/devices/virtual/block/dm-0", "253:0\n");
	tree_link(&h.tree, PLACE "/nvme/nvme0/nvme0n1/holders/dm-0", "x");
	tree_link(&h.tree, "sys/devices/virtual/block/dm-0/holders/nvme0n1", "x");
	tree_link(&h.tree, "sys/devices/virtual/block/dm-0/holders/dm-0", "x");
	assert_int_equal(uses(&h, what), 1);
	assert_string_equal(what, "dm-0 (nvme0n1)");
	bindhost_fini(&h);
}

/* A file system of any name, a log, a member of an array that no list knows: they claim. */
static void test_whoever_claims_a_disk_uses_it(void **state)
{
	static const struct {
		const char *why, *claimed, *want;
	} cases[] = {
		{ "the disk", "nvme0n1", "a file system, volume or swap (nvme0n1)" },
		{ "a partition, and so the disk", "nvme0n1 nvme0n1p2",
		  "a file system, volume or swap (nvme0n1p2)" },
		{ "another disk", "sda", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char what[HOST_USE_STRLEN] = "";
		struct bindhost h;

		print_message("%s\n", cases[i].why);
		bindhost_init(&h, BDF, "nvme");
		add_disks(&h.tree);
		h.claimed = cases[i].claimed;
		assert_int_equal(uses(&h, what), cases[i].want != NULL);
		assert_string_equal(what, cases[i].want ? cases[i].want : "");
		bindhost_fini(&h);
	}
}

static void test_a_slash_in_the_name_of_a_disk_is_one(void **state)
{
	char what[HOST_USE_STRLEN] = "";
	struct bindhost h;

	(void)state;
	bindhost_init(&h, BDF, "cciss");
	add_block(&h.tree, PLACE "/cciss0/cciss!c0d0", "104:0\n");
	h.claimed = "cciss/c0d0";
	assert_int_equal(uses(&h, what), 1);
	bindhost_fini(&h);
}

static void test_a_program_that_has_a_disk_open_uses_it(void **state)
{
	char what[HOST_USE_STRLEN] = "";
	struct bindhost h;

	(void)state;
	bindhost_init(&h, BDF, "nvme");
	add_disks(&h.tree);
	tree_link(&h.tree, "proc/12/fd/3", "/dev/sda");
	tree_write(&h.tree, "proc/12/comm", "cat\n");
	assert_int_equal(uses(&h, what), 0);
	assert_int_equal(h.naps, 0);
	tree_link(&h.tree, "proc/34/fd/5", "/dev/nvme0n1p1");
	tree_write(&h.tree, "proc/34/comm", "dd\n");
	assert_int_equal(uses(&h, what), 1);
	assert_string_equal(what, "dd, process 34 (nvme0n1p1)");
	/* With a claim, too. */
	h.claimed = "nvme0n1 nvme0n1p1";
	assert_int_equal(uses(&h, what), 1);
	assert_string_equal(what, "dd, process 34 (nvme0n1p1)");
	bindhost_fini(&h);
}

static void close_it(struct bindhost *h)
{
	if (h->naps == 2)
		tree_remove(&h->tree, "proc/34");
}

/* As daemons do it with disks that have just come. */
static void test_a_program_that_has_a_disk_open_for_a_moment_does_not_use_it(void **state)
{
	char what[HOST_USE_STRLEN] = "";
	struct bindhost h;

	(void)state;
	bindhost_init(&h, BDF, "nvme");
	add_disks(&h.tree);
	tree_link(&h.tree, "proc/34/fd/5", "/dev/nvme0n1");
	h.on_nap = close_it;
	assert_int_equal(uses(&h, what), 0);
	assert_int_equal(h.naps, 2);
	bindhost_fini(&h);
}

static void test_a_loop_device_uses_what_it_is_made_of(void **state)
{
	char what[HOST_USE_STRLEN] = "";
	struct bindhost h;

	(void)state;
	bindhost_init(&h, BDF, "nvme");
	add_disks(&h.tree);
	add_block(&h.tree, "sys/devices/virtual/block/loop0", "7:0\n");
	add_block(&h.tree, "sys/devices/virtual/block/loop1", "7:1\n");
	tree_write(&h.tree, "sys/devices/virtual/block/loop1/loop/backing_file", "/var/x.img\n");
	assert_int_equal(uses(&h, what), 0);
	tree_write(&h.tree, "sys/devices/virtual/block/loop1/loop/backing_file",
		   "/dev/nvme0n1p1\n");
	assert_int_equal(uses(&h, what), 1);
	assert_string_equal(what, "loop1 (nvme0n1p1)");
	/* What is mounted of it is a better name. */
	tree_write(&h.tree, "proc/self/mountinfo", "36 35 7:1 / /l rw - ext4 /dev/loop1 rw\n");
	assert_int_equal(uses(&h, what), 1);
	assert_string_equal(what, "/l (loop1)");
	bindhost_fini(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_uses_of_block_devices_are_found_and_named),
		cmocka_unit_test(test_mounted_btrfs_of_many_disks_names_each),
		cmocka_unit_test(test_device_node_of_any_name_is_known_by_its_number),
		cmocka_unit_test(test_multipath_disk_is_found_through_its_subsystem),
		cmocka_unit_test(test_who_takes_the_default_route_is_told),
		cmocka_unit_test(test_the_model_of_a_disk_is_told),
		cmocka_unit_test(test_interfaces_count_when_they_are_up_with_a_carrier),
		cmocka_unit_test(test_more_disks_than_can_be_looked_at_count_as_used),
		cmocka_unit_test(test_volumes_that_hold_each_other_in_a_circle_end),
		cmocka_unit_test(test_whoever_claims_a_disk_uses_it),
		cmocka_unit_test(test_a_slash_in_the_name_of_a_disk_is_one),
		cmocka_unit_test(test_a_program_that_has_a_disk_open_uses_it),
		cmocka_unit_test(test_a_program_that_has_a_disk_open_for_a_moment_does_not_use_it),
		cmocka_unit_test(test_a_loop_device_uses_what_it_is_made_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
