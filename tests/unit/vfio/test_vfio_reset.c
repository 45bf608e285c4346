// SPDX-License-Identifier: MIT
/*
 * Resets that fail: what is told, and what the function may still do.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <linux/pci_regs.h>

#include "tests/unit/vfio/vfio_fake.h"

#define BDF "0000:00:01.0"

struct world {
	struct fake_vfio fake;
	struct fake_function *fn;
	struct vfio_container *container;
	struct vfio_device *dev;
};

/* A function that the guest lets write to memory. */
static void start(struct world *w, bool can_reset)
{
	fake_init(&w->fake);
	w->fn = fake_add_nvme(&w->fake, BDF, 1);
	w->fn->can_reset = can_reset;
	fake_publish(&w->fake);
	fake_container(&w->fake, &w->container);
	w->dev = fake_open(&w->fake, w->container, BDF);
	vfio_cfgspace_write(w->dev, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

static void stop(struct world *w)
{
	vfio_device_destroy(w->dev);
	vfio_container_destroy(w->container);
	fake_fini(&w->fake);
}

static uint32_t command_of(const struct world *w)
{
	return fake_cfgspace(w->fn, PCI_COMMAND, 2);
}

/* What becomes of a reset whose nth call of the host fails. */
static int reset_that_fails_at(unsigned nr, enum vfio_reset_step *ret_failed)
{
	struct world w;
	int r;

	start(&w, true);
	w.fake.fail_at = nr;
	w.fake.fail_errno = ENODEV; /* which is not tried again */
	r = vfio_device_reset(w.dev, ret_failed);
	assert_true(w.fake.failed);
	assert_true(r == 0 || r == -w.fake.fail_errno);
	assert_int_equal(vfio_cfgspace_read(w.dev, PCI_COMMAND, 2), 0);
	if (nr == 1)
		w.fn->mastering_at_reset = false; /* it could not be switched off */
	if (*ret_failed != VFIO_RESET_STEP_QUIET)
		assert_false(command_of(&w) & PCI_COMMAND_MASTER);
	stop(&w);
	return r;
}

static void test_a_reset_that_the_host_refuses_leaves_a_quiet_function(void **state)
{
	enum vfio_reset_step failed;

	(void)state;
	assert_true(reset_that_fails_at(2, &failed) < 0);
	assert_int_equal(failed, VFIO_RESET_STEP_RESET);
	/* That bus mastering is off in the end is what counts. */
	assert_int_equal(reset_that_fails_at(1, &failed), 0);
	assert_int_equal(failed, VFIO_RESET_STEP_NONE);
}

static void test_a_function_that_may_go_on_writing_is_told(void **state)
{
	enum vfio_reset_step failed;
	struct world w;

	(void)state;
	/* It cannot be told to stop; nobody can look whether it has; or it has not. */
	for (unsigned nr = 3; nr <= 4; nr++) {
		assert_true(reset_that_fails_at(nr, &failed) < 0);
		assert_int_equal(failed, VFIO_RESET_STEP_QUIET);
	}
	start(&w, false);
	w.fn->writable[PCI_COMMAND] = 0;
	assert_int_equal(vfio_device_reset(w.dev, &failed), -EIO);
	assert_int_equal(failed, VFIO_RESET_STEP_QUIET);
	fake_set_cfgspace(w.fn, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	stop(&w);
}

static void test_a_function_that_does_not_answer_writes_nowhere(void **state)
{
	enum vfio_reset_step failed;
	struct world w;

	(void)state;
	start(&w, false);
	fake_set_cfgspace(w.fn, PCI_COMMAND, 2, 0xffff);
	w.fn->writable[PCI_COMMAND] = w.fn->writable[PCI_COMMAND + 1] = 0;
	assert_int_equal(vfio_device_reset(w.dev, &failed), -ENOTTY);
	assert_int_equal(failed, VFIO_RESET_STEP_RESET);
	fake_set_cfgspace(w.fn, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	stop(&w);
}

/* What the guest sees of it: configuration space as after a reset, and its registers as before. */
static void test_a_function_that_could_not_be_reset_still_answers(void **state)
{
	enum vfio_reset_step failed;
	struct world w;

	(void)state;
	start(&w, true);
	vfio_bar_write(w.dev, 0, 0x2800, 4, 0x12345678);
	w.fn->reset_errno = EIO;
	w.fn->reset_fails = 100;
	assert_int_equal(vfio_device_reset(w.dev, &failed), -EIO);
	assert_int_equal(failed, VFIO_RESET_STEP_RESET);
	assert_int_equal(vfio_cfgspace_read(w.dev, PCI_VENDOR_ID, 4), 0x00101b36);
	assert_int_equal(vfio_cfgspace_read(w.dev, PCI_COMMAND, 2), 0);
	assert_int_equal(vfio_bar_read(w.dev, 0, 0x2800, 4), 0x12345678);
	vfio_cfgspace_write(w.dev, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	assert_true(command_of(&w) & PCI_COMMAND_MASTER);
	stop(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_reset_that_the_host_refuses_leaves_a_quiet_function),
		cmocka_unit_test(test_a_function_that_may_go_on_writing_is_told),
		cmocka_unit_test(test_a_function_that_does_not_answer_writes_nowhere),
		cmocka_unit_test(test_a_function_that_could_not_be_reset_still_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
