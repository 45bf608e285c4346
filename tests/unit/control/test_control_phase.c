// SPDX-License-Identifier: MIT
/* What the process of a guest is at can be seen by who lists guests, without an answer of it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "vmm/base/bits.h"
#include "vmm/control/client.h"
#include "vmm/control/control_socket.h"

static char dir[64];
static struct control_socket *control;

static int begin(void **state)
{
	const struct control_socket_config config = { .dir = dir, .name = "box" };
	struct failure failure;

	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/itsy-phase-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	return control_socket_create(&config, &control, &failure);
}

static int end(void **state)
{
	(void)state;
	control_socket_destroy(control);
	return rmdir(dir);
}

static void test_a_guest_is_in_set_up_until_it_says_otherwise(void **state)
{
	enum control_phase phase;
	int pid;

	(void)state;
	assert_int_equal(client_look(dir, "box", &phase, &pid), 0);
	assert_int_equal(phase, CONTROL_SET_UP);
	assert_int_equal(pid, getpid());
	for (enum control_phase told = 0; told < NR_CONTROL_PHASES; told++) {
		control_socket_tell(control, told);
		assert_int_equal(client_look(dir, "box", &phase, &pid), 0);
		assert_int_equal(phase, told);
		assert_int_equal(pid, getpid());
	}
	control_socket_tell(NULL, CONTROL_RUNNING);
	assert_int_equal(client_look(dir, "bix", &phase, &pid), -ENOENT);
}

/* Of an itsy that did not say it yet. */
static void test_one_that_says_nothing_counts_as_running(void **state)
{
	enum control_phase phase;
	char path[96];
	FILE *file;
	int pid;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/old.lock", dir);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs("42\n", file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(client_look(dir, "old", &phase, &pid), 0);
	assert_int_equal(phase, CONTROL_RUNNING);
	assert_int_equal(pid, 42);
	assert_int_equal(unlink(path), 0);
}

/* Nobody looks at its socket: it is listed as often as one asks, and an answer is waited for once.
 */
static void test_one_that_never_looks_is_listed_and_holds_up_nobody(void **state)
{
	struct failure failure = { 0 };
	int fd = -1, r = 0;

	(void)state;
	for (int i = 0; i < 30; i++) {
		struct client_names names;

		assert_int_equal(client_list(dir, &names), 0);
		assert_int_equal(names.nr, 1);
	}
	r = client_open_for(dir, "box", 1, &fd, &failure);
	assert_int_equal(r, -ETIMEDOUT);
	assert_int_equal(failure.status, ITSY_RUNTIME);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(test_a_guest_is_in_set_up_until_it_says_otherwise),
		TEST(test_one_that_says_nothing_counts_as_running),
		TEST(test_one_that_never_looks_is_listed_and_holds_up_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
