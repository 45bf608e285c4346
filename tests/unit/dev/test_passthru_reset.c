// SPDX-License-Identifier: MIT
/*
 * Resets of a function that is passed through: what is told of those that fail.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/base/capture.h"
#include "tests/unit/vfio/vfio_fake.h"
#include "tests/unit/vitsmod/vits_world.h"
#include "vfio/bind.h"
#include "vmm/dev/passthru.h"

#define BDF   "0000:00:01.0"
#define DEVFN 0x12u /* 02.2 */
#define INDEX 2u    /* of the function in the configuration */

static struct {
	struct fake_vfio fake;
	struct fake_function *fn;
	struct vfio_container *container;
	struct config_device config;
	struct passthru p;
	struct failure failure;
} w;

/* ---- what is played -------------------------------------------------------------- */

int vfio_bind_listening(const struct pci_host_fs *fs, const struct pci_bdf *bdf, unsigned flags,
			const struct vfio_listener *listener, struct vfio_failure *ret_failure)
{
	assert_null(listener);
	(void)fs;
	(void)bdf;
	(void)flags;
	(void)ret_failure;
	return 1;
}

int vfio_release(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
		 struct vfio_failure *ret_failure)
{
	(void)fs;
	(void)bdf;
	(void)ret_failure;
	return 0;
}

static int set_slot(void *ctx, unsigned slot, uint64_t gpa, uint64_t size, void *va)
{
	(void)ctx;
	(void)slot;
	(void)gpa;
	(void)size;
	(void)va;
	return 0;
}

static const struct pci_host_ops pci_host_ops = { .set_slot = set_slot };

static int begin(void **state)
{
	static char name[] = "disk";

	(void)state;
	memset(&w, 0, sizeof(w));
	fake_init(&w.fake);
	w.fn = fake_add_nvme(&w.fake, BDF, 1);
	fake_publish(&w.fake);
	fake_container(&w.fake, &w.container);
	w.config = (struct config_device){
		.name = name,
		.bdf = { .dev = 1 },
		.devfn = DEVFN,
		.requester_id = DEVFN,
		.devid = DEVFN,
		.route = ROUTE_SPIN,
		.msi_cpu = -1,
	};
	assert_int_equal(passthru_bind(&w.p, &w.fake.tree.fs, NULL, NULL, &w.config, 0, &w.failure),
			 0);
	return 0;
}

static int end(void **state)
{
	(void)state;
	vfio_container_destroy(w.container);
	fake_fini(&w.fake);
	return 0;
}

static int open_it(void)
{
	return passthru_open(&w.p, &w.config, w.container, &w.failure);
}

static void close_it(void)
{
	passthru_close(&w.p);
}

/* ---- the tests ------------------------------------------------------------------- */

/* A guest that resets its function, which the host cannot, is told of once. */
static void test_a_reset_by_the_guest_that_fails_is_a_warning(void **state)
{
	const struct irq_wiring wiring = { .index = INDEX };
	struct pci_host *pci_host;
	struct capture c;

	(void)state;
	assert_int_equal(open_it(), 0);
	assert_int_equal(passthru_reset_opened(&w.p, 1, &w.failure), 0);
	assert_int_equal(pci_host_create(&pci_host_ops, NULL, &pci_host), 0);
	assert_int_equal(passthru_wire(&w.p, &wiring, pci_host), 0);
	w.fn->reset_errno = EAGAIN;
	w.fn->reset_fails = 100;
	capture_begin(&c);
	for (unsigned i = 0; i < 2; i++)
		vfio_cfgspace_write(w.p.dev, 0x88, 2, 0x8000);
	capture_end(&c);
	assert_non_null(strstr(c.err, "itsy: warning: " BDF ": the host could not reset it, as "));
	assert_non_null(strstr(c.err, ": the guest goes on; "));
	assert_ptr_equal(strchr(c.err, '\n'), c.err + strlen(c.err) - 1);
	passthru_unwire(&w.p);
	pci_host_destroy(pci_host);
	close_it();
}

/* What its slot cannot do, at the start: what can be cured is said, and what failed is a failure.
 */
static void test_a_function_that_is_not_reset_at_the_start_is_told(void **state)
{
	static const struct {
		int error;
		unsigned slot;
		int answer;
		const char *said;
	} cases[] = {
		{ 0, 1, 0, NULL },
		{ 0, 0, 0, NULL }, /* nothing can be done: itsy check says it */
		{ EINVAL, 1, 0, "warning: " BDF ": it has no reset of its own, and its slot " },
		{ EIO, 1, -EIO, NULL },
		{ EBUSY, 1, -EBUSY, NULL },
	};
	struct capture c;

	(void)state;
	w.fn->can_reset = false;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		w.fn->slot = cases[i].slot;
		w.fake.hot_reset_errno = cases[i].error;
		w.fake.hot_reset_fails = cases[i].error ? 100 : 0;
		assert_int_equal(open_it(), 0);
		capture_begin(&c);
		assert_int_equal(passthru_reset_opened(&w.p, 1, &w.failure), cases[i].answer);
		capture_end(&c);
		assert_true(cases[i].said ? !!strstr(c.err, cases[i].said) : !c.err[0]);
		close_it();
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_reset_by_the_guest_that_fails_is_a_warning),
		TEST(test_a_function_that_is_not_reset_at_the_start_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
