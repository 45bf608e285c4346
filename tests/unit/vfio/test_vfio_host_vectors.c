// SPDX-License-Identifier: MIT
/*
 * What is done with a function's vectors at the host once they are enabled: masking
 * one at the device, and triggering one without the function.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/vfio/vfio_fake.h"

#define BDF "0000:00:01.0"

struct world {
	struct fake_vfio fake;
	struct fake_function *fn;
	struct vfio_container *container;
	struct vfio_device *dev;
};

typedef struct fake_function *(*add_fn)(struct fake_vfio *fake, const char *bdf, int group);

static void start(struct world *w, add_fn add)
{
	fake_init(&w->fake);
	w->fn = add(&w->fake, BDF, 1);
	fake_publish(&w->fake);
	fake_container(&w->fake, &w->container);
	w->dev = fake_open(&w->fake, w->container, BDF);
}

static void stop(struct world *w)
{
	vfio_device_destroy(w->dev);
	vfio_container_destroy(w->container);
	fake_fini(&w->fake);
}

static bool readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

static void test_a_vector_masked_at_the_device_is_silent_and_fires_afterwards(void **state)
{
	struct world w;
	uint64_t count;

	(void)state;
	start(&w, fake_add_nvme);
	assert_int_equal(vfio_vector_mask_at_device(w.dev, 3, true), 0);
	assert_int_equal(w.fn->eventfds[3], -1);
	fake_signal(w.fn, 3);
	fake_signal(w.fn, 3);
	assert_false(readable(vfio_vector_eventfd(w.dev, 3)));
	/* The others are as they were. */
	fake_signal(w.fn, 2);
	fake_signal(w.fn, 4);
	assert_true(readable(vfio_vector_eventfd(w.dev, 2)));
	assert_true(readable(vfio_vector_eventfd(w.dev, 4)));
	assert_int_equal(w.fn->nr_enabled, vfio_device_nr_vectors(w.dev));

	assert_int_equal(vfio_vector_mask_at_device(w.dev, 3, false), 0);
	assert_int_equal(read(vfio_vector_eventfd(w.dev, 3), &count, sizeof(count)), sizeof(count));
	assert_int_equal(count, 1);
	fake_signal(w.fn, 3);
	assert_true(readable(vfio_vector_eventfd(w.dev, 3)));
	stop(&w);
}

static void test_the_last_vector_can_be_masked_at_the_device_which_may_end_so(void **state)
{
	enum vfio_reset_step failed;
	struct world w;

	(void)state;
	start(&w, fake_add_nvme);
	assert_int_equal(vfio_vector_mask_at_device(w.dev, vfio_device_nr_vectors(w.dev) - 1, true),
			 0);
	assert_int_equal(vfio_vector_mask_at_device(w.dev, 0, true), 0);
	/* Again is no mistake. */
	assert_int_equal(vfio_vector_mask_at_device(w.dev, 0, true), 0);
	assert_int_equal(vfio_device_reset(w.dev, &failed), 0);
	stop(&w);
}

static void test_what_the_kernel_says_to_masking_at_the_device_is_told(void **state)
{
	struct world w;

	(void)state;
	start(&w, fake_add_nvme);
	w.fake.fail_at = 1;
	w.fake.fail_errno = ENOMEM;
	assert_int_equal(vfio_vector_mask_at_device(w.dev, 1, true), -ENOMEM);
	fake_signal(w.fn, 1);
	assert_true(readable(vfio_vector_eventfd(w.dev, 1)));
	stop(&w);
}

static void test_msi_is_not_masked_at_the_device(void **state)
{
	struct world w;

	(void)state;
	start(&w, fake_add_edu);
	assert_int_equal(vfio_vector_mask_at_device(w.dev, 0, true), -EOPNOTSUPP);
	fake_signal(w.fn, 0);
	assert_true(readable(vfio_vector_eventfd(w.dev, 0)));
	stop(&w);
	start(&w, fake_add_full);
	assert_int_equal(vfio_vector_mask_at_device(w.dev, 7, true), -EOPNOTSUPP);
	stop(&w);
}

static void test_the_kernel_signals_a_vector_that_is_triggered(void **state)
{
	struct world w;

	(void)state;
	start(&w, fake_add_nvme);
	assert_int_equal(vfio_vector_trigger(w.dev, 64), 0);
	for (unsigned i = 0; i < 65; i++)
		assert_int_equal(readable(vfio_vector_eventfd(w.dev, i)), i == 64);
	w.fake.fail_at = 1;
	w.fake.fail_errno = EIO;
	assert_int_equal(vfio_vector_trigger(w.dev, 0), -EIO);
	assert_false(readable(vfio_vector_eventfd(w.dev, 0)));
	stop(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_vector_masked_at_the_device_is_silent_and_fires_afterwards),
		cmocka_unit_test(test_the_last_vector_can_be_masked_at_the_device_which_may_end_so),
		cmocka_unit_test(test_what_the_kernel_says_to_masking_at_the_device_is_told),
		cmocka_unit_test(test_msi_is_not_masked_at_the_device),
		cmocka_unit_test(test_the_kernel_signals_a_vector_that_is_triggered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
