// SPDX-License-Identifier: MIT
/*
 * What a user who is not root is told of a function that cannot be bound or opened.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/vfio/vfio_fake.h"
#include "vfio/bind.h"
#include "vmm/dev/passthru.h"

#define BDF "0000:00:01.0"

static struct {
	struct fake_vfio fake;
	struct vfio_container *container;
	struct config_device config;
	struct passthru p;
	struct vfio_failure bind_failure; /* without an error: it is bound */
	struct failure failure;
} w;

int vfio_bind_listening(const struct pci_host_fs *fs, const struct pci_bdf *bdf, unsigned flags,
			const struct vfio_listener *listener, struct vfio_failure *ret_failure)
{
	assert_null(listener);
	(void)fs;
	(void)bdf;
	(void)flags;
	*ret_failure = w.bind_failure;
	return w.bind_failure.error ? -w.bind_failure.error : 1;
}

int vfio_release(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
		 struct vfio_failure *ret_failure)
{
	(void)fs;
	(void)bdf;
	(void)ret_failure;
	return 0;
}

static int make(void **state)
{
	static char name[] = "disk";

	(void)state;
	memset(&w, 0, sizeof(w));
	fake_init(&w.fake);
	(void)fake_add_nvme(&w.fake, BDF, 1);
	fake_publish(&w.fake);
	fake_container(&w.fake, &w.container);
	w.config = (struct config_device){ .name = name, .bdf = { .dev = 1 }, .msi_cpu = -1 };
	return 0;
}

static int unmake(void **state)
{
	(void)state;
	passthru_close(&w.p);
	passthru_give_back(&w.p);
	vfio_container_destroy(w.container);
	fake_fini(&w.fake);
	return 0;
}

static int bind_it(void)
{
	return passthru_bind(&w.p, &w.fake.tree.fs, NULL, NULL, &w.config, 0, &w.failure);
}

static int open_it(void)
{
	return passthru_open(&w.p, &w.config, w.container, &w.failure);
}

static void deny(enum vfio_failure_code code, int error, const char *object)
{
	w.bind_failure = (struct vfio_failure){ .code = code, .error = error };
	(void)snprintf(w.bind_failure.object, sizeof(w.bind_failure.object), "%s", object);
}

/* Root has to bind it, and to give the group away. */
static void test_who_is_not_root_is_told_by_whom_it_can_be_bound(void **state)
{
	(void)state;
	deny(VFIO_FAILURE_PERMISSION, EACCES, "/run/itsy/bound/" BDF);
	assert_int_equal(bind_it(), -EACCES);
	assert_int_equal(w.failure.status, ITSY_ENVIRONMENT);
	assert_string_equal(w.failure.object, BDF " (disk)");
	assert_string_equal(w.failure.cause,
			    "only root can bind it to vfio-pci (Permission denied)");
	assert_string_equal(w.failure.cure, "sudo itsy bind " BDF ", and access for this user to "
					    "/dev/vfio/1; or run itsy as root");
}

/* Whatever else it fails at, whose failure it is stays in sight. */
static void test_what_else_cannot_be_bound_is_told_by_its_function(void **state)
{
	(void)state;
	deny(VFIO_FAILURE_STATE, ENOSPC, "/run/itsy/bound");
	assert_int_equal(bind_it(), -ENOSPC);
	assert_string_equal(w.failure.object, BDF " (disk)");
	assert_string_equal(w.failure.cause, "/run/itsy/bound: the record of what binding changes "
					     "cannot be kept: No space left on device");
	deny(VFIO_FAILURE_BUSY, EBUSY, BDF);
	assert_int_equal(bind_it(), -EBUSY);
	assert_string_equal(w.failure.object, BDF);
	assert_string_equal(w.failure.cause, "another process has it open");
}

static void test_a_group_that_this_user_may_not_use_is_told_by_its_function(void **state)
{
	(void)state;
	assert_int_equal(bind_it(), 0);
	w.fake.group_errno = EACCES;
	assert_int_equal(open_it(), -EACCES);
	assert_string_equal(w.failure.object, BDF " (disk)");
	assert_string_equal(w.failure.cause, "this user may not use it (Permission denied)");
	if (!strstr(w.failure.cure, "chown $USER ") || !strstr(w.failure.cure, "/dev/vfio/1"))
		fail_msg("'%s' does not tell which file", w.failure.cure);
	w.fake.group_errno = ENOENT;
	assert_int_equal(open_it(), -ENOENT);
	assert_string_equal(w.failure.object, BDF " (disk)");
	assert_non_null(strstr(w.failure.cause, "/dev/vfio/"));
	w.fake.group_errno = 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_who_is_not_root_is_told_by_whom_it_can_be_bound),
		TEST(test_what_else_cannot_be_bound_is_told_by_its_function),
		TEST(test_a_group_that_this_user_may_not_use_is_told_by_its_function),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
