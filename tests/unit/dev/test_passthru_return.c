// SPDX-License-Identifier: MIT
/*
 * Functions that were removed from a running guest and come back, on the fake VFIO. Who opens files
 * for the guest's process is played here.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/base/capture.h"
#include "tests/unit/vfio/vfio_fake.h"
#include "vmm/dev/passthru.h"

/* Two go, and come back; the last one stays, and keeps the guest's memory mapped. */
#define NR   3u
#define GOES 2u

static struct {
	struct fake_vfio fake;
	struct fake_function *fns[NR];
	struct vfio_container *container;
	struct passthru functions[NR];
	struct keeper_client keeper;
	unsigned refused; /* a device's number; NR: none */
	struct failure failure;
} w;

/* ---- the keeper ------------------------------------------------------------------ */

int keeper_open(const struct keeper_client *keeper, unsigned device,
		struct vfio_group_file *ret_file, struct vfio_failure *ret_failure)
{
	char path[32];

	assert_ptr_equal(keeper, &w.keeper);
	if (device == w.refused) {
		*ret_failure = (struct vfio_failure){ .code = VFIO_FAILURE_NO_FUNCTION,
						      .error = ENOENT,
						      .object = "0000:00:02.0" };
		return -ENOENT;
	}
	(void)snprintf(path, sizeof(path), "/dev/vfio/%u", device + 1);
	*ret_file =
		(struct vfio_group_file){ (int)device + 1, w.fake.sys.open(w.fake.sys.ctx, path) };
	return 0;
}

int keeper_bind(const struct keeper_client *keeper, unsigned device,
		struct vfio_failure *ret_failure)
{
	(void)keeper;
	(void)device;
	(void)ret_failure;
	return -EPERM;
}

int keeper_move(const struct keeper_client *keeper, unsigned device, unsigned *ret_left,
		struct vfio_failure *ret_failure)
{
	(void)keeper;
	(void)device;
	(void)ret_left;
	(void)ret_failure;
	return -EPERM;
}

void keeper_unmove(const struct keeper_client *keeper, unsigned device)
{
	(void)keeper;
	(void)device;
}

int keeper_count(const struct keeper_client *keeper, unsigned device, unsigned nr_vectors,
		 struct vfio_irq_counts **ret_counts)
{
	(void)keeper;
	(void)device;
	(void)nr_vectors;
	(void)ret_counts;
	return -EPERM;
}

/* ---- the guest ------------------------------------------------------------------- */

static int begin(void **state)
{
	static const char *const names[NR] = { "0000:00:01.0", "0000:00:02.0", "0000:00:03.0" };

	(void)state;
	memset(&w, 0, sizeof(w));
	w.refused = NR;
	fake_init(&w.fake);
	for (unsigned i = 0; i < NR; i++)
		w.fns[i] = fake_add_nvme(&w.fake, names[i], (int)i + 1);
	fake_publish(&w.fake);
	fake_container(&w.fake, &w.container);
	for (unsigned i = 0; i < NR; i++) {
		w.functions[i].bdf.dev = (uint8_t)(i + 1);
		w.functions[i].irq.name = "disk";
		w.functions[i].keeper = &w.keeper;
		w.functions[i].index = i;
		w.functions[i].dev = fake_open(&w.fake, w.container, names[i]);
	}
	return 0;
}

static int end(void **state)
{
	(void)state;
	for (unsigned i = 0; i < NR; i++)
		vfio_device_destroy(w.functions[i].dev);
	vfio_container_destroy(w.container);
	fake_fini(&w.fake);
	return 0;
}

static void remove_them(void)
{
	for (unsigned i = 0; i < GOES; i++) {
		w.functions[i].wanted_back = w.functions[i].noticed[0] = true;
		passthru_remove(&w.functions[i]);
		assert_int_equal(w.fns[i]->nr_enabled, 0);
	}
}

static int return_them(void)
{
	struct passthru *const functions[GOES] = { &w.functions[0], &w.functions[1] };

	return passthru_return(functions, GOES, &w.failure);
}

static void expect_there(bool there)
{
	for (unsigned i = 0; i < GOES; i++) {
		assert_int_equal(w.functions[i].removed, !there);
		assert_int_equal(w.fns[i]->nr_enabled > 0, there);
	}
}

/* ---- the tests ------------------------------------------------------------------- */

static void test_what_was_removed_comes_back_reset(void **state)
{
	unsigned resets;

	(void)state;
	remove_them();
	resets = w.fns[0]->resets;
	assert_int_equal(return_them(), 0);
	expect_there(true);
	assert_true(w.fns[0]->resets > resets);
	/* What the host says of it counts anew. */
	assert_false(w.functions[0].wanted_back);
	assert_false(w.functions[0].noticed[0]);
	/* And again. */
	remove_them();
	assert_int_equal(return_them(), 0);
	expect_there(true);
}

static void test_several_come_back_together_or_not_at_all(void **state)
{
	const unsigned before = w.fake.nr_fds;
	unsigned removed;

	(void)state;
	remove_them();
	removed = w.fake.nr_fds;
	w.refused = 1;
	assert_int_equal(return_them(), -ENOENT);
	assert_string_equal(w.failure.object, "0000:00:02.0");
	expect_there(false);
	assert_int_equal(w.fake.nr_fds, removed);
	w.refused = NR;
	assert_int_equal(return_them(), 0);
	expect_there(true);
	assert_int_equal(w.fake.nr_fds, before);
}

/* As at a guest's start: a reset that fails, though there is one, is a failure. */
static void test_what_the_host_cannot_reset_does_not_come_back(void **state)
{
	(void)state;
	remove_them();
	w.fns[1]->reset_errno = EAGAIN;
	w.fns[1]->reset_fails = 100;
	assert_true(return_them() < 0);
	expect_there(false);
	w.fns[1]->reset_fails = 0;
	assert_int_equal(return_them(), 0);
	expect_there(true);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(test_what_was_removed_comes_back_reset),
		TEST(test_several_come_back_together_or_not_at_all),
		TEST(test_what_the_host_cannot_reset_does_not_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
