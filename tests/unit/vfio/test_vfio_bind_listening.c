// SPDX-License-Identifier: MIT
/*
 * Binding for who may be told to end meanwhile: whenever that is, all is as it was.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/vfio/vfio_bindhost.h"

#define BDF "0000:00:01.0"

static const struct pci_bdf bdf = { .dev = 1 };

static struct {
	struct bindhost h;
	unsigned asked, last; /* so often it goes on */
} w;

static bool go_on(void *ctx)
{
	assert_ptr_equal(ctx, &w);
	return ++w.asked <= w.last;
}

static const struct vfio_listener listener = { go_on, &w };

static int interrupted_modprobe(void *ctx, const char *module)
{
	(void)ctx;
	(void)module;
	w.h.modprobes++;
	return -EINTR;
}

static int bind(struct vfio_failure *failure)
{
	*failure = (struct vfio_failure){ 0 };
	return vfio_bind_with(&w.h.host, &w.h.tree.fs, &bdf, 0, failure);
}

/* As before: the driver, no override, no record. */
static void expect_untouched(void)
{
	char text[64];

	assert_string_equal(bindhost_driver(&w.h, text), "nvme");
	assert_string_equal(bindhost_override(&w.h, text), "");
	assert_false(bindhost_recorded(&w.h));
}

static void test_whenever_it_is_told_to_end_all_is_as_it_was(void **state)
{
	struct vfio_failure failure;
	unsigned refused = 0;
	int r = -EINTR;

	(void)state;
	for (unsigned last = 0; r == -EINTR; last++) {
		memset(&w, 0, sizeof(w));
		w.last = last;
		bindhost_init(&w.h, BDF, "nvme");
		w.h.host.listener = &listener;
		w.h.late = 20; /* drivers take their time, to come back, too */
		tree_write(&w.h.tree, "sys/devices/pci0000:00/" BDF "/nvme/nvme0/state",
			   "connecting\n");
		w.h.nvme_up_at = 5;
		r = bind(&failure);
		if (r == -EINTR) {
			refused++;
			expect_untouched();
			assert_int_equal(failure.error, EINTR);
		}
		bindhost_fini(&w.h);
	}
	assert_int_equal(r, 1);
	assert_in_range(refused, 10, 100);
}

static void test_a_module_that_is_not_waited_for_ends_it(void **state)
{
	struct vfio_failure failure;

	(void)state;
	memset(&w, 0, sizeof(w));
	bindhost_init(&w.h, BDF, "nvme");
	w.h.host.listener = &listener;
	w.h.host.modprobe = interrupted_modprobe;
	w.last = UINT32_MAX;
	tree_remove(&w.h.tree, "dev/vfio/vfio");
	assert_int_equal(bind(&failure), -EINTR);
	assert_int_equal(failure.error, EINTR);
	assert_int_equal(w.h.modprobes, 1);
	expect_untouched();
	bindhost_fini(&w.h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whenever_it_is_told_to_end_all_is_as_it_was),
		cmocka_unit_test(test_a_module_that_is_not_waited_for_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
