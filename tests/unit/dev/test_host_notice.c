// SPDX-License-Identifier: MIT
/*
 * What the host says of functions, on the fake VFIO: it ends the guest, or is told once, as the
 * configuration has it.
 */
#include <errno.h>
#include <poll.h>

#include "tests/unit/base/capture.h"
#include "tests/unit/dev/nvme_world.h"
#include "vmm/dev/host_notice.h"

#define NR 2u

static struct capture said;

static int begin(void **state)
{
	(void)state;
	nvme_world_make(NR);
	w.functions[0].irq.name = "root";
	w.functions[1].irq.name = "data";
	return 0;
}

/* As the main thread does it. */
static int look(void)
{
	struct pollfd fds[HOST_NOTICE_MAX_FDS];
	size_t nr = host_notice_fds(w.functions, NR, fds);
	int r;

	assert_int_equal(nr, NR_VFIO_NOTICES * NR);
	assert_true(poll(fds, nr, 0) >= 0);
	capture_begin(&said);
	r = host_notice_take(w.functions, NR, fds, &w.failure);
	capture_end(&said);
	return r;
}

static void has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' does not contain '%s'", text, part);
}

static void test_what_the_host_says_ends_the_guest_or_is_a_warning_once(void **state)
{
	static const struct {
		enum vfio_notice notice;
		const char *what, *stops, *goes_on;
	} cases[] = {
		{ VFIO_NOTICE_REQUEST, "the host asks for it back",
		  "the guest was ended, as on-request = \"stop\" of device data says",
		  "it waits until the guest ends, as on-request = \"ignore\" of device data says" },
		{ VFIO_NOTICE_ERROR, "the host reports an error of it on the bus",
		  "the guest was ended, as on-error = \"stop\" of device data says",
		  "the guest goes on with it, as on-error = \"ignore\" of device data says" },
	};

	(void)state;
	assert_int_equal(look(), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fake_notify(w.fns[1], cases[i].notice);
		assert_int_equal(look(), -ECANCELED);
		assert_int_equal(w.failure.status, ITSY_TAKEN);
		assert_string_equal(w.failure.object, "0000:00:02.0");
		has(w.failure.cause, cases[i].what);
		has(w.failure.cause, cases[i].stops);
		assert_true(w.failure.cure[0]);
		assert_string_equal(said.err, "");
		/* It was taken: the next look finds nothing. */
		assert_int_equal(look(), 0);

		/* The host repeats itself; itsy does not. */
		w.functions[1].goes_on[cases[i].notice] = true;
		for (unsigned nr = 0; nr < 3; nr++) {
			fake_notify(w.fns[1], cases[i].notice);
			assert_int_equal(look(), 0);
			if (nr) {
				assert_string_equal(said.err, "");
				continue;
			}
			has(said.err, "itsy: warning: 0000:00:02.0: ");
			has(said.err, cases[i].what);
			has(said.err, cases[i].goes_on);
		}
	}
}

/* A device that goes on does not hide one that ends the guest. */
static void test_each_device_has_its_own_answer(void **state)
{
	(void)state;
	w.functions[0].goes_on[VFIO_NOTICE_REQUEST] = true;
	fake_notify(w.fns[0], VFIO_NOTICE_REQUEST);
	fake_notify(w.fns[1], VFIO_NOTICE_REQUEST);
	assert_int_equal(look(), -ECANCELED);
	assert_string_equal(w.failure.object, "0000:00:02.0");
	has(said.err, "itsy: warning: 0000:00:01.0: ");
}

/* Whoever has the machine takes it out; an error is another matter. */
static void test_what_the_guest_goes_on_without_is_marked(void **state)
{
	(void)state;
	w.functions[1].goes_without = true;
	fake_notify(w.fns[1], VFIO_NOTICE_REQUEST);
	assert_int_equal(look(), 0);
	assert_true(w.functions[1].wanted_back);
	assert_false(w.functions[0].wanted_back);
	has(said.err, "itsy: warning: 0000:00:02.0: the host asks for it back ");
	has(said.err,
	    "the guest goes on without it, as on-request = \"remove\" of device data says");
	passthru_remove(&w.functions[1]);
	assert_int_equal(look(), 0);
	fake_notify(w.fns[0], VFIO_NOTICE_ERROR);
	assert_int_equal(look(), -ECANCELED);
}

static void test_a_bare_function_says_nothing(void **state)
{
	const struct passthru bare = { .dev = NULL };
	struct pollfd fds[NR_VFIO_NOTICES];

	(void)state;
	assert_int_equal(host_notice_fds(&bare, 1, fds), NR_VFIO_NOTICES);
	assert_int_equal(fds[0].fd, -1);
	assert_int_equal(fds[1].fd, -1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, nvme_world_unmake)
	const struct CMUnitTest tests[] = {
		TEST(test_what_the_host_says_ends_the_guest_or_is_a_warning_once),
		TEST(test_each_device_has_its_own_answer),
		TEST(test_what_the_guest_goes_on_without_is_marked),
		TEST(test_a_bare_function_says_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
