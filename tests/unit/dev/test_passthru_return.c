// SPDX-License-Identifier: MIT
/*
 * Functions that were removed from a running guest and come back, on the fake VFIO. Who opens files
 * for the guest's process is played here.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdio.h>

#include "tests/unit/base/capture.h"
#include "tests/unit/dev/nvme_world.h"

/* Two go, and come back; the last one stays, and keeps the guest's memory mapped. */
#define NR   3u
#define GOES 2u

static struct keeper_client to_keeper;
static unsigned refused; /* a device's number; NR: none */

/* ---- the keeper ------------------------------------------------------------------ */

int keeper_open(const struct keeper_client *keeper, unsigned device, enum vfio_iommu_kind kind,
		struct vfio_function_file *ret_file, struct vfio_failure *ret_failure)
{
	char path[32];

	assert_ptr_equal(keeper, &to_keeper);
	assert_int_equal(kind, VFIO_IOMMU_TYPE1);
	if (device == refused) {
		*ret_failure = (struct vfio_failure){ .code = VFIO_FAILURE_NO_FUNCTION,
						      .error = ENOENT,
						      .object = "0000:00:02.0" };
		return -ENOENT;
	}
	(void)snprintf(path, sizeof(path), "/dev/vfio/%u", device + 1);
	*ret_file = (struct vfio_function_file){ (int)device + 1,
						 w.fake.sys.open(w.fake.sys.ctx, path) };
	return 0;
}

/* What it was told. */
static struct {
	struct pci_bdf adopted;
	unsigned nr_adopted, nr_released;
	int adopt_r, release_r;
} kept;

int keeper_adopt(const struct keeper_client *keeper, unsigned device, const struct pci_bdf *bdf,
		 bool bound, int right)
{
	(void)keeper;
	(void)device;
	(void)right;
	assert_true(bound);
	kept.adopted = *bdf;
	kept.nr_adopted++;
	return kept.adopt_r;
}

int keeper_release(const struct keeper_client *keeper, unsigned device,
		   struct vfio_failure *ret_failure)
{
	(void)keeper;
	(void)device;
	*ret_failure = (struct vfio_failure){ .code = VFIO_FAILURE_BUSY, .error = EBUSY };
	kept.nr_released++;
	return kept.release_r;
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
	(void)state;
	nvme_world_make(NR);
	refused = NR;
	for (unsigned i = 0; i < NR; i++)
		w.functions[i].keeper = &to_keeper;
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
	refused = 1;
	assert_int_equal(return_them(), -ENOENT);
	assert_string_equal(w.failure.object, "0000:00:02.0");
	expect_there(false);
	assert_int_equal(w.fake.nr_fds, removed);
	refused = NR;
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

static int adopt(struct passthru *p, uint8_t dev)
{
	struct passthru_offer offer = { .bdf = { .dev = dev },
					.bound = true,
					.right = 900,
					.has_route = true,
					.route = ROUTE_IRQFD };
	char path[32];
	int r;

	(void)snprintf(path, sizeof(path), "/dev/vfio/%u", dev);
	offer.file = (struct vfio_function_file){ dev, w.fake.sys.open(w.fake.sys.ctx, path) };
	r = passthru_adopt(p, &offer, &w.failure);
	if (offer.file.fd >= 0)
		w.fake.sys.close(w.fake.sys.ctx, offer.file.fd);
	return r;
}

/* The first two functions are nobody's, and the third keeps the guest's memory mapped. */
static void test_a_place_takes_any_function_and_is_free_again_without_it(void **state)
{
	struct config_device config = { .name = "hotplug0", .root_port = true, .msi_cpu = -1 };
	struct passthru place;
	struct capture said;

	(void)state;
	memset(&kept, 0, sizeof(kept));
	for (unsigned i = 0; i < GOES; i++) {
		vfio_device_destroy(w.functions[i].dev);
		w.functions[i].dev = NULL;
	}
	passthru_init(&place, &w.fake.tree.fs, &to_keeper, &config, 3);
	assert_int_equal(passthru_open_vacant(&place, &config, w.container, 100, &w.failure), 0);
	assert_true(place.removed && place.vacant && !passthru_is_known(&place));
	/* Who has not the right to it gets nothing done. */
	kept.adopt_r = -EPERM;
	assert_true(adopt(&place, 1) < 0);
	assert_int_equal(w.fns[0]->nr_enabled, 0);
	kept.adopt_r = 0;
	assert_int_equal(adopt(&place, 1), 0);
	assert_int_equal(kept.adopted.dev, 1);
	assert_true(w.fns[0]->nr_enabled > 0);
	assert_int_equal(place.bdf.dev, 1);
	assert_int_equal(place.irq.vectors[3].route, ROUTE_IRQFD);
	assert_true(!place.removed && !place.vacant && passthru_is_known(&place));
	/* It goes back to its driver. What does not is told, and keeps the place. */
	passthru_remove(&place);
	kept.release_r = -EBUSY;
	capture_begin(&said);
	passthru_give_back_removed(&place);
	capture_end(&said);
	assert_non_null(strstr(said.err, "0000:00:01.0: not given back"));
	assert_false(place.vacant);
	kept.release_r = 0;
	passthru_give_back_removed(&place);
	assert_true(place.vacant && passthru_is_known(&place));
	assert_int_equal(kept.nr_released, 2);
	/* Another one; one that cannot be reset is not taken. */
	w.fns[1]->reset_errno = EAGAIN;
	w.fns[1]->reset_fails = 100;
	assert_true(adopt(&place, 2) < 0);
	assert_true(place.removed);
	passthru_give_back_removed(&place);
	w.fns[1]->reset_fails = 0;
	assert_int_equal(adopt(&place, 2), 0);
	assert_true(w.fns[1]->nr_enabled > 0);
	passthru_close(&place);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, nvme_world_unmake)
	const struct CMUnitTest tests[] = {
		TEST(test_what_was_removed_comes_back_reset),
		TEST(test_several_come_back_together_or_not_at_all),
		TEST(test_what_the_host_cannot_reset_does_not_come_back),
		TEST(test_a_place_takes_any_function_and_is_free_again_without_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
