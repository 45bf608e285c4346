// SPDX-License-Identifier: MIT
/*
 * What was left bound, in words; the host is played by this file (tests/unit/vfio/test_vfio_left.c
 * has what finds and gives back).
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/base/capture.h"
#include "tests/unit/vfio/vfio_tree.h"
#include "vfio/left.h"
#include "vmm/cli/left_behind.h"

static struct {
	struct host_tree tree;
	int answer; /* of giving back */
	enum vfio_failure_code code;
	unsigned nr_waits, nr_given;
	struct capture said;
} w;

int vfio_left_list(const struct pci_host_fs *fs, struct vfio_left ret_left[], size_t max)
{
	assert_ptr_equal(fs, &w.tree.fs);
	assert_true(max >= 2);
	ret_left[0] = (struct vfio_left){ { .dev = 1 }, 812 };
	ret_left[1] = (struct vfio_left){ { .dev = 2 }, 813 };
	return 2;
}

int vfio_left_give_back(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
			struct vfio_failure *ret_failure)
{
	assert_ptr_equal(fs, &w.tree.fs);
	w.nr_given++;
	if (w.answer < 0)
		*ret_failure = (struct vfio_failure){ .code = w.code,
						      .error = -w.answer,
						      .other = "itsy, process 9" };
	else
		tree_set_driver(&w.tree, bdf->dev == 1 ? "0000:00:01.0" : "0000:00:02.0",
				bdf->dev == 1 ? "nvme" : NULL);
	return w.answer;
}

void vfio_left_wait(const struct pci_host_fs *fs, const struct pci_bdf *bdf)
{
	assert_ptr_equal(fs, &w.tree.fs);
	assert_int_equal(bdf->dev, 2);
	w.nr_waits++;
}

static int make(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	w.answer = 1;
	tree_init(&w.tree);
	for (unsigned i = 1; i <= 2; i++) {
		const struct tree_function fn = { .bdf = i == 1 ? "0000:00:01.0" : "0000:00:02.0",
						  .vendor = 0x1b36,
						  .device = 0x10,
						  .class_code = 0x010802,
						  .driver = "vfio-pci",
						  .group = (int)i };

		tree_add_function(&w.tree, &fn);
	}
	return 0;
}

static int unmake(void **state)
{
	(void)state;
	tree_fini(&w.tree);
	return 0;
}

static const char *give_back(const struct pci_set *spared)
{
	capture_begin(&w.said);
	left_behind_give_back(&w.tree.fs, spared);
	capture_end(&w.said);
	assert_string_equal(w.said.out, "");
	return w.said.err;
}

static void test_what_was_left_is_given_back_and_told(void **state)
{
	(void)state;
	assert_string_equal(give_back(NULL), "itsy: 0000:00:01.0: itsy (process 812) was killed "
					     "and left it bound: given back to "
					     "nvme\n"
					     "itsy: 0000:00:02.0: itsy (process 813) was killed "
					     "and left it bound: given back\n");
	assert_int_equal(w.nr_waits, 0);
	/* Another process was first: that one tells. */
	w.answer = 0;
	assert_string_equal(give_back(NULL), "");
}

static void test_what_cannot_be_given_back_is_told_with_its_cure(void **state)
{
	(void)state;
	w.answer = -EACCES;
	w.code = VFIO_FAILURE_PERMISSION;
	assert_non_null(
		strstr(give_back(NULL),
		       "itsy: warning: 0000:00:02.0: itsy (process 813) was killed and left "
		       "it bound: sudo itsy release 0000:00:02.0 gives it back\n"));
	w.answer = -EBUSY;
	w.code = VFIO_FAILURE_BUSY;
	assert_non_null(
		strstr(give_back(NULL),
		       "itsy: warning: 0000:00:01.0: itsy (process 812) was killed and left "
		       "it bound, and it cannot be given back: another process has it open: "
		       "itsy, process 9: end the guest that uses it\n"));
}

static void test_what_the_command_is_about_is_left_to_it(void **state)
{
	const struct pci_bdf bdf = { .dev = 2 };
	struct config config = { .nr_devices = 1 };

	(void)state;
	assert_null(strstr(give_back(&(struct pci_set){ &bdf, 1 }), "00:02.0"));
	assert_int_equal(w.nr_waits, 1);
	assert_int_equal(w.nr_given, 1);
	config.devices[0].bdf = bdf;
	left_behind_make_way(&w.tree.fs, &config);
	assert_int_equal(w.nr_waits, 2);
	assert_int_equal(w.nr_given, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_was_left_is_given_back_and_told),
		TEST(test_what_cannot_be_given_back_is_told_with_its_cure),
		TEST(test_what_the_command_is_about_is_left_to_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
