// SPDX-License-Identifier: MIT
/*
 * itsy run, of a guest whose kernel panics: what becomes of it, the exit status, and what is said.
 */
#include <string.h>

#include "tests/unit/cli/run_guest_world.h"

static int make_panicking(void **state)
{
	int r = make(state);

	w.options.quiet = true;
	w.panics = 1;
	return r;
}

#define PANICKING(name) cmocka_unit_test_setup_teardown(name, make_panicking, unmake)

static void test_a_guest_that_panics_is_left_as_it_is_and_that_is_told_once(void **state)
{
	(void)state;
	w.serve_before_end = 10;
	assert_int_equal(run(), ITSY_OK);
	assert_int_equal(w.nr_machine_resets, 0);
	assert_string_equal(w.said.err,
			    "itsy: warning: the guest's kernel has panicked: it is left "
			    "as it is\n");
}

static void test_each_boot_that_panics_is_told_and_followed_by_another(void **state)
{
	static const char told[] = "itsy: warning: the guest's kernel has panicked: it is reset\n";
	char twice[2 * sizeof(told)];

	(void)state;
	w.config.on_panic = PANIC_WISH_RESET;
	w.panics = 2;
	w.serve_before_end = 10;
	w.ends[0] = w.ends[1] = w.ends[2] = MACHINE_OFF;
	assert_int_equal(run(), ITSY_OK);
	assert_int_equal(w.nr_started, 3);
	assert_int_equal(w.nr_machine_resets, 2);
	(void)snprintf(twice, sizeof(twice), "%s%s", told, told);
	assert_string_equal(w.said.err, twice);
}

static void test_a_guest_that_is_to_stop_has_a_status_of_its_own(void **state)
{
	(void)state;
	w.config.on_panic = PANIC_WISH_STOP;
	w.runs_on = true;
	assert_int_equal(run(), ITSY_PANICKED);
	assert_int_equal(w.nr_started, 1);
	assert_int_equal(w.nr_stopped, 1);
	assert_string_equal(w.said.err, "itsy: error: guest: its kernel has panicked: its power is "
					"cut\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PANICKING(test_a_guest_that_panics_is_left_as_it_is_and_that_is_told_once),
		PANICKING(test_each_boot_that_panics_is_told_and_followed_by_another),
		PANICKING(test_a_guest_that_is_to_stop_has_a_status_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
