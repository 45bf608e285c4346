// SPDX-License-Identifier: MIT
/* Signals that end a command are read from a descriptor, and end nothing by themselves. */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <unistd.h>
#include <cmocka.h>

#include "vmm/base/bits.h"
#include "vmm/base/signals.h"

static void test_each_signal_that_ends_a_command_is_read(void **state)
{
	static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	_cleanup_fd_ int fd = signals_open();
	struct pollfd ready = { .fd = fd, .events = POLLIN };

	(void)state;
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(signals_take(fd), 0);
	for (size_t i = 0; i < ARRAY_SIZE(ending); i++) {
		assert_int_equal(poll(&ready, 1, 0), 0);
		assert_int_equal(raise(ending[i]), 0);
		assert_int_equal(poll(&ready, 1, 10000), 1);
		assert_int_equal(signals_take(fd), ending[i]);
		assert_int_equal(signals_take(fd), 0);
	}
}

static void test_a_reader_that_is_gone_ends_nothing(void **state)
{
	_cleanup_fd_ int fd = signals_open();
	int ends[2];

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(close(ends[0]), 0);
	assert_int_equal(write(ends[1], "x", 1), -1);
	assert_int_equal(close(ends[1]), 0);
	assert_int_equal(signals_take(fd), 0);
}

static void test_a_stop_is_read_and_stops_nobody_by_itself(void **state)
{
	static const int job[] = { SIGTSTP, SIGCONT };
	_cleanup_fd_ int fd = signals_open_job();
	struct sigaction now;

	(void)state;
	assert_true(fd >= 0);
	for (size_t i = 0; i < ARRAY_SIZE(job); i++) {
		assert_int_equal(raise(job[i]), 0);
		assert_int_equal(signals_take(fd), job[i]);
		assert_int_equal(signals_take(fd), 0);
	}
	assert_int_equal(sigaction(SIGTTIN, NULL, &now), 0);
	assert_ptr_equal(now.sa_handler, SIG_IGN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_signal_that_ends_a_command_is_read),
		cmocka_unit_test(test_a_reader_that_is_gone_ends_nothing),
		cmocka_unit_test(test_a_stop_is_read_and_stops_nobody_by_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
