// SPDX-License-Identifier: MIT
/*
 * itsy run, told to end: what becomes of the guest, the exit status, and what is said.
 */
#include <signal.h>
#include <string.h>

#include "tests/unit/cli/run_guest_world.h"

static int make_stoppable(void **state)
{
	int r = make(state);

	w.config.stop_timeout = 30;
	w.options.quiet = true;
	w.runs_on = w.listens = true;
	return r;
}

#define STOPPABLE(name) cmocka_unit_test_setup_teardown(name, make_stoppable, unmake)

static void test_a_guest_that_powers_off_when_asked_is_a_success(void **state)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };

	(void)state;
	w.presses_to_end = 1;
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		w.raise = signals[i];
		assert_int_equal(run(), ITSY_OK);
		assert_int_equal(w.nr_presses, 1);
		assert_string_equal(w.said.err, "itsy: asked the guest to power off: its power is "
						"cut after 30 s, or by a second signal\n");
	}
}

static void test_a_guest_that_does_not_is_cut_in_time(void **state)
{
	(void)state;
	w.config.stop_timeout = 1;
	w.raise = SIGTERM;
	assert_int_equal(run(), 128 + SIGTERM);
	assert_int_equal(w.nr_presses, 1);
	has(w.said.err, "itsy: warning: the guest has not powered off in 1 s: its power is cut\n");
}

static void test_a_guest_that_nobody_listens_in_is_cut_at_once(void **state)
{
	(void)state;
	w.listens = false;
	w.config.stop_timeout = 3600;
	w.raise = SIGTERM;
	assert_int_equal(run(), 128 + SIGTERM);
	assert_int_equal(w.nr_presses, 0);
	assert_string_equal(w.said.err,
			    "itsy: nobody in the guest listens to its power button (Linux "
			    "needs gpio-pl061 and gpio-keys): its power is cut\n");
}

static void test_sigquit_asks_nobody(void **state)
{
	(void)state;
	w.raise = SIGQUIT;
	assert_int_equal(run(), 128 + SIGQUIT);
	assert_int_equal(w.nr_presses, 0);
	assert_string_equal(w.said.err, "");
}

static void test_without_a_time_the_first_signal_cuts(void **state)
{
	(void)state;
	w.config.stop_timeout = 0;
	w.raise = SIGTERM;
	assert_int_equal(run(), 128 + SIGTERM);
	assert_int_equal(w.nr_presses, 0);
}

static void test_a_guest_that_resets_itself_when_asked_to_power_off_is_not_started_again(
	void **state)
{
	(void)state;
	w.ends[0] = MACHINE_RESET;
	w.ends[1] = MACHINE_OFF;
	w.presses_to_end = 1;
	w.raise = SIGTERM;
	assert_int_equal(run(), ITSY_OK);
	assert_int_equal(w.nr_started, 1);
	has(w.said.err, "itsy: the guest has reset itself, and is not started again, as it was "
			"asked to power off\n");
}

static void test_a_host_that_fails_meanwhile_is_told(void **state)
{
	(void)state;
	w.ends[0] = MACHINE_FAILED;
	w.presses_to_end = 1;
	w.raise = SIGTERM;
	assert_int_equal(run(), ITSY_RUNTIME);
	has(w.said.err, "itsy: error: guest: vCPU 0: KVM_RUN fails: ");
}

static void test_what_the_process_is_at_is_told(void **state)
{
	(void)state;
	w.presses_to_end = 1;
	w.raise = SIGTERM;
	w.nr_phases = 0;
	assert_int_equal(run(), ITSY_OK);
	assert_int_equal(w.nr_phases, 2);
	assert_int_equal(w.phases[0], CONTROL_RUNNING);
	assert_int_equal(w.phases[1], CONTROL_ENDING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STOPPABLE(test_a_guest_that_powers_off_when_asked_is_a_success),
		STOPPABLE(test_a_guest_that_does_not_is_cut_in_time),
		STOPPABLE(test_a_guest_that_nobody_listens_in_is_cut_at_once),
		STOPPABLE(test_sigquit_asks_nobody),
		STOPPABLE(test_without_a_time_the_first_signal_cuts),
		STOPPABLE(
			test_a_guest_that_resets_itself_when_asked_to_power_off_is_not_started_again),
		STOPPABLE(test_a_host_that_fails_meanwhile_is_told),
		STOPPABLE(test_what_the_process_is_at_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
