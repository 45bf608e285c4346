// SPDX-License-Identifier: MIT
/*
 * Virtual functions are made for guests and taken away from nobody, on a host that is a folder; the
 * kernel, which makes them, is played by this file, after drivers/pci/iov.c.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/vfio/vfio_tree.h"
#include "vfio/sriov_priv.h"
#include "vitsmod/bits.h"

#define PF     "0000:00:01.0"
#define VF0    "0000:00:01.1"
#define VF1    "0000:00:01.2"
#define PLACE  "sys/devices/pci0000:00/"
#define NR_MAX 2u

static const struct pci_bdf pf = { .dev = 1 };
static const char *const vf_names[NR_MAX] = { VF0, VF1 };

static struct {
	struct host_tree tree;
	struct bind_host host;
	struct vfio_failure failure;
	int refuses;	     /* the errno of sriov_numvfs, 0: it takes a number */
	int keeps_autoprobe; /* the errno of putting autoprobe back */
	int group_errno;     /* of opening a group */
	bool interrupted;    /* a signal comes while virtual functions are made */
	unsigned writes;
	char wrote[128]; /* "sriov_numvfs=2 " */
} w;

static volatile sig_atomic_t nr_signals, writes_before;

static void on_signal(int signo)
{
	(void)signo;
	nr_signals++;
	writes_before = (int)w.writes;
}

static void attr(const char *bdf, const char *name, const char *text)
{
	char path[128];

	(void)snprintf(path, sizeof(path), PLACE "%s/%s", bdf, name);
	tree_write(&w.tree, path, text);
}

static bool attr_is(const char *bdf, const char *name, const char *want)
{
	char path[128], text[32];

	(void)snprintf(path, sizeof(path), PLACE "%s/%s", bdf, name);
	return !strcmp(tree_read(&w.tree, path, text, sizeof(text)), want);
}

static void add_vf(unsigned nr)
{
	const struct tree_function vf = {
		vf_names[nr],
		0x1b36,
		0x0010,
		0x010802,
		attr_is(PF, "sriov_drivers_autoprobe", "1") ? "nvme" : NULL,
		(int)nr + 10,
		NULL,
		0,
		"flr"
	};
	char path[128], target[64];

	tree_add_function(&w.tree, &vf);
	(void)snprintf(path, sizeof(path), PLACE PF "/virtfn%u", nr);
	(void)snprintf(target, sizeof(target), "../%s", vf.bdf);
	tree_link(&w.tree, path, target);
	(void)snprintf(path, sizeof(path), PLACE "%s/physfn", vf.bdf);
	tree_link(&w.tree, path, "../" PF);
}

static void remove_vf(unsigned nr)
{
	char path[128];

	(void)snprintf(path, sizeof(path), PLACE PF "/virtfn%u", nr);
	tree_remove(&w.tree, path);
	(void)snprintf(path, sizeof(path), "sys/bus/pci/devices/%s", vf_names[nr]);
	tree_remove(&w.tree, path);
	(void)snprintf(path, sizeof(path), "sys/kernel/iommu_groups/%u/devices/%s", nr + 10,
		       vf_names[nr]);
	tree_remove(&w.tree, path);
	(void)snprintf(path, sizeof(path), PLACE "%s", vf_names[nr]);
	tree_remove(&w.tree, path);
}

static int set_number(unsigned nr)
{
	char text[8];

	if (w.interrupted)
		(void)raise(SIGTERM);
	if (w.refuses)
		return -w.refuses;
	if (nr && !attr_is(PF, "sriov_numvfs", "0"))
		return -EBUSY;
	for (unsigned i = 0; i < NR_MAX; i++) {
		if (i < nr)
			add_vf(i);
		else if (tree_has(&w.tree, i ? PLACE PF "/virtfn1" : PLACE PF "/virtfn0"))
			remove_vf(i);
	}
	(void)snprintf(text, sizeof(text), "%u\n", nr);
	attr(PF, "sriov_numvfs", text);
	return 0;
}

static int host_write(void *ctx, const char *path, const char *text)
{
	const char *name = strrchr(path, '/') + 1;
	size_t used = strlen(w.wrote);

	assert_ptr_equal(ctx, &w);
	assert_non_null(strstr(path, "/sys/bus/pci/devices/" PF "/"));
	w.writes++;
	(void)snprintf(w.wrote + used, sizeof(w.wrote) - used, "%s=%s ", name, text);
	if (!strcmp(name, "sriov_numvfs"))
		return set_number((unsigned)atoi(text));
	assert_string_equal(name, "sriov_drivers_autoprobe");
	if (w.keeps_autoprobe && !strcmp(text, "1"))
		return -w.keeps_autoprobe;
	attr(PF, name, text);
	return 0;
}

static void host_addresses(void *ctx, const struct pci_host_fs *fs, const char *interface,
			   char ret_text[ADDRESSES_STRLEN])
{
	(void)ctx;
	(void)fs;
	(void)interface;
	ret_text[0] = '\0';
}

static int host_try_open(void *ctx, const char *path, int flags)
{
	(void)ctx;
	(void)path;
	(void)flags;
	return -w.group_errno;
}

static void host_nap(void *ctx, unsigned ms)
{
	(void)ctx;
	(void)ms;
}

static int make(void **state)
{
	const struct tree_function fn = { PF, 0x1b36, 0x0010, 0x010802, "nvme", 1, NULL, 0, "flr" };

	(void)state;
	memset(&w, 0, sizeof(w));
	w.host = (struct bind_host){ .ctx = &w,
				     .write = host_write,
				     .try_open = host_try_open,
				     .nap = host_nap,
				     .addresses = host_addresses };
	tree_init(&w.tree);
	tree_dir(&w.tree, "run");
	tree_add_function(&w.tree, &fn);
	attr(PF, "sriov_totalvfs", "2\n");
	attr(PF, "sriov_numvfs", "0\n");
	attr(PF, "sriov_drivers_autoprobe", "1\n");
	return 0;
}

static int unmake(void **state)
{
	(void)state;
	tree_fini(&w.tree);
	return 0;
}

static int set(uint32_t nr)
{
	w.failure = (struct vfio_failure){ 0 };
	w.writes = 0;
	w.wrote[0] = '\0';
	return vfio_vfs_set_with(&w.host, &w.tree.fs, &pf, nr, &w.failure);
}

static void expect_refusal(uint32_t nr, enum vfio_failure_code code, const char *object)
{
	int r = set(nr);

	assert_int_equal(w.failure.code, code);
	assert_int_equal(r, -w.failure.error);
	assert_in_range(w.failure.error, 1, 200);
	assert_string_equal(w.failure.object, object);
}

static void test_no_driver_of_the_hosts_takes_what_is_made(void **state)
{
	struct pci_function fn;
	struct pci_bdf vf;

	(void)state;
	assert_int_equal(set(2), 1);
	assert_string_equal(w.wrote, "sriov_drivers_autoprobe=0 sriov_numvfs=2 "
				     "sriov_drivers_autoprobe=1 ");
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(pci_vf_get(&w.tree.fs, &pf, i, &vf), 0);
		assert_int_equal(pci_function_get(&w.tree.fs, &vf, &fn), 0);
		assert_int_equal(vf.fn, i + 1);
		assert_string_equal(fn.driver, "");
		assert_true(fn.is_vf);
		assert_true(pci_bdf_equal(&fn.pf, &pf));
	}
	assert_int_equal(pci_vf_get(&w.tree.fs, &pf, 2, &vf), -ENOENT);
	assert_int_equal(pci_function_get(&w.tree.fs, &pf, &fn), 0);
	assert_int_equal(fn.vfs, 2);
	assert_int_equal(fn.vfs_max, 2);
	assert_false(fn.is_vf);
}

static void test_a_setting_that_keeps_drivers_away_stays(void **state)
{
	(void)state;
	attr(PF, "sriov_drivers_autoprobe", "0\n");
	assert_int_equal(set(1), 1);
	assert_string_equal(w.wrote, "sriov_numvfs=1 ");
}

static void test_a_signal_waits_until_the_setting_is_as_it_was(void **state)
{
	struct sigaction action = { .sa_handler = on_signal }, before;

	(void)state;
	assert_int_equal(sigaction(SIGTERM, &action, &before), 0);
	nr_signals = 0;
	w.interrupted = true;
	/* The one that comes while a number is refused does, too. */
	for (int round = 0; round < 2; round++) {
		w.refuses = round ? 0 : ENOMEM;
		assert_int_equal(set(1), round ? 1 : -ENOMEM);
		assert_true(attr_is(PF, "sriov_drivers_autoprobe", "1"));
		assert_int_equal(nr_signals, round + 1);
		assert_int_equal(writes_before, 3);
	}
	assert_int_equal(sigaction(SIGTERM, &before, NULL), 0);
	assert_true(attr_is(VF0, "vendor", "0x1b36"));
}

static void test_so_many_as_there_are_is_no_change(void **state)
{
	(void)state;
	assert_int_equal(set(0), 0);
	assert_int_equal(set(2), 1);
	assert_int_equal(set(2), 0);
	assert_int_equal(w.writes, 0);
}

static void test_what_cannot_be_is_refused_and_changes_nothing(void **state)
{
	(void)state;
	expect_refusal(3, VFIO_FAILURE_TOO_MANY_VFS, PF);
	assert_int_equal(w.failure.have, 2);
	assert_int_equal(w.failure.want, 3);
	tree_set_driver(&w.tree, PF, NULL);
	expect_refusal(1, VFIO_FAILURE_NO_VFS_BY_DRIVER, PF);
	assert_string_equal(w.failure.driver, "");
	tree_set_driver(&w.tree, PF, "vfio-pci");
	expect_refusal(1, VFIO_FAILURE_NO_VFS_BY_DRIVER, PF);
	assert_string_equal(w.failure.driver, "vfio-pci");
	tree_remove(&w.tree, PLACE PF "/sriov_totalvfs");
	expect_refusal(1, VFIO_FAILURE_NO_SRIOV, PF);
	tree_remove(&w.tree, "sys/bus/pci/devices/" PF);
	expect_refusal(1, VFIO_FAILURE_NO_FUNCTION, PF);
	assert_int_equal(w.writes, 0);
}

/* The kernel takes a number only where there are none. */
static void test_another_number_is_refused_until_they_are_taken_away(void **state)
{
	(void)state;
	assert_int_equal(set(1), 1);
	expect_refusal(2, VFIO_FAILURE_HAS_VFS, PF);
	assert_int_equal(w.failure.have, 1);
	assert_int_equal(w.writes, 0);
	assert_int_equal(set(0), 1);
	assert_int_equal(set(2), 1);
}

static void test_what_the_kernel_refuses_is_told(void **state)
{
	static const struct {
		int error;
		enum vfio_failure_code code;
	} cases[] = {
		{ ENOENT, VFIO_FAILURE_NO_VFS_BY_DRIVER },
		{ EACCES, VFIO_FAILURE_PERMISSION },
		{ ENOMEM, VFIO_FAILURE_NO_VFS },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		w.refuses = cases[i].error;
		expect_refusal(1, cases[i].code, PF);
		assert_true(attr_is(PF, "sriov_drivers_autoprobe", "1"));
	}
	w.refuses = 0;
	w.keeps_autoprobe = EIO;
	expect_refusal(1, VFIO_FAILURE_OTHER, PF ": sriov_drivers_autoprobe");
}

static void test_they_are_taken_away_where_nobody_has_them(void **state)
{
	struct pci_bdf vf;

	(void)state;
	assert_int_equal(set(2), 1);
	/* vfio-pci has one, and nobody has that open. */
	tree_set_driver(&w.tree, VF1, "vfio-pci");
	assert_int_equal(set(0), 1);
	assert_string_equal(w.wrote, "sriov_numvfs=0 ");
	assert_int_equal(pci_vf_get(&w.tree.fs, &pf, 0, &vf), -ENOENT);
}

static void test_who_has_one_keeps_it(void **state)
{
	(void)state;
	assert_int_equal(set(2), 1);
	tree_write(&w.tree, PLACE VF0 "/net/eth7/operstate", "up\n");
	tree_link(&w.tree, "sys/class/net/eth7", "../../devices/pci0000:00/" VF0 "/net/eth7");
	expect_refusal(0, VFIO_FAILURE_IN_USE_BY_HOST, VF0);
	assert_string_equal(w.failure.other, "eth7");
	tree_remove(&w.tree, "sys/class/net/eth7");

	tree_set_driver(&w.tree, VF1, "vfio-pci");
	tree_write(&w.tree, "dev/vfio/11", "");
	w.group_errno = EBUSY;
	expect_refusal(0, VFIO_FAILURE_BUSY, VF1);
	w.group_errno = 0;
	tree_write(&w.tree, "run/itsy/bound/" VF1, "driver=\ndriver_override=\ntaken_for=\n");
	expect_refusal(0, VFIO_FAILURE_TAKEN, VF1);
	assert_int_equal(w.writes, 0);
	/* A record of one that is not bound any more is nobody's. */
	tree_set_driver(&w.tree, VF1, NULL);
	assert_int_equal(set(0), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_no_driver_of_the_hosts_takes_what_is_made),
		TEST(test_a_setting_that_keeps_drivers_away_stays),
		TEST(test_a_signal_waits_until_the_setting_is_as_it_was),
		TEST(test_so_many_as_there_are_is_no_change),
		TEST(test_what_cannot_be_is_refused_and_changes_nothing),
		TEST(test_another_number_is_refused_until_they_are_taken_away),
		TEST(test_what_the_kernel_refuses_is_told),
		TEST(test_they_are_taken_away_where_nobody_has_them),
		TEST(test_who_has_one_keeps_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
