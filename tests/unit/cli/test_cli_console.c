// SPDX-License-Identifier: MIT
/*
 * itsy console, on a terminal of its own in a process of its own; the guest at the other end is
 * played by this file.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "vmm/cli/commands.h"
#include "vmm/control/client.h"
#include "vmm/dev/console_port.h"

#define PATIENCE_MS 60000

static struct {
	char dir[64], where[128];
	int master, slave, listener, guest, error;
	pid_t child;
	struct termios before;
	char said[4096]; /* on its terminal */
	size_t nr_said;
} w;

/* ---- the guest ------------------------------------------------------------------------- */

int client_open(const char *dir, const char *name, int *ret_fd, struct failure *ret_failure)
{
	(void)dir;
	if (strcmp(name, "box") != 0)
		return failure_set(ret_failure, ITSY_USAGE, ENOENT, name, NULL, "no guest");
	*ret_fd = dup(STDERR_FILENO);
	return 0;
}

int client_ask(int fd, const char *name, json_t *request, json_t **ret_reply,
	       struct failure *ret_failure)
{
	(void)fd;
	(void)name;
	(void)ret_failure;
	json_decref(request);
	*ret_reply = json_pack("{s:s}", "console", w.where);
	return 0;
}

static int begin(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)state;
	memset(&w, 0, sizeof(w));
	(void)snprintf(w.dir, sizeof(w.dir), "/tmp/itsy-there-XXXXXX");
	if (!mkdtemp(w.dir) || openpty(&w.master, &w.slave, NULL, NULL, NULL) < 0 ||
	    tcgetattr(w.slave, &w.before) < 0)
		return -1;
	(void)snprintf(w.where, sizeof(w.where), "unix:%s/c", w.dir);
	memcpy(address.sun_path, w.where + 5, strlen(w.where + 5));
	w.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	w.guest = -1;
	if (bind(w.listener, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -1;
	return listen(w.listener, 4);
}

static int end(void **state)
{
	(void)state;
	(void)close(w.master);
	(void)close(w.slave);
	(void)close(w.listener);
	if (w.guest >= 0)
		(void)close(w.guest);
	(void)unlink(strchr(w.where, '/'));
	return rmdir(w.dir);
}

/* ---- whoever is at the terminal --------------------------------------------------------- */

static void start(const char *name)
{
	char command[] = "console", who[16];
	char *argv[] = { command, who, NULL };

	(void)snprintf(who, sizeof(who), "%s", name);
	(void)fflush(NULL);
	w.child = fork();
	assert_true(w.child >= 0);
	if (w.child == 0) {
		(void)dup2(w.slave, STDIN_FILENO);
		(void)dup2(w.slave, STDOUT_FILENO);
		(void)dup2(w.slave, STDERR_FILENO);
		exit((int)cmd_console(2, argv));
	}
}

static void see(const char *text)
{
	while (!strstr(w.said, text)) {
		struct pollfd fd = { .fd = w.master, .events = POLLIN };
		ssize_t n = -1;

		if (poll(&fd, 1, PATIENCE_MS) == 1)
			n = read(w.master, w.said + w.nr_said, sizeof(w.said) - 1 - w.nr_said);
		if (n <= 0)
			fail_msg("'%s' is not in '%s'", text, w.said);
		w.nr_said += (size_t)n;
	}
}

static void type(const char *keys)
{
	assert_int_equal(write(w.master, keys, strlen(keys)), strlen(keys));
}

static void expect_end(int status)
{
	struct termios now;
	int got;

	assert_int_equal(waitpid(w.child, &got, 0), w.child);
	assert_true(WIFEXITED(got));
	assert_int_equal(WEXITSTATUS(got), status);
	assert_int_equal(tcgetattr(w.slave, &now), 0);
	assert_int_equal(now.c_lflag, w.before.c_lflag);
	assert_int_equal(now.c_iflag, w.before.c_iflag);
	assert_int_equal(now.c_oflag, w.before.c_oflag);
}

static void let_in(void)
{
	w.guest = accept4(w.listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(w.guest >= 0);
}

static void expect_typed(const char *keys)
{
	char got[64] = "";
	size_t nr = 0;

	while (nr < strlen(keys)) {
		ssize_t n = read(w.guest, got + nr, sizeof(got) - 1 - nr);

		assert_true(n > 0);
		nr += (size_t)n;
	}
	assert_string_equal(got, keys);
}

static void test_keys_go_there_and_ctrl_a_d_leaves(void **state)
{
	struct termios now;

	(void)state;
	start("box");
	let_in();
	see("itsy: box: this is its console; Ctrl-a d leaves it");
	assert_int_equal(tcgetattr(w.slave, &now), 0);
	assert_false(now.c_lflag & (ICANON | ECHO | ISIG));
	type("ab\x03\x1a\r");
	expect_typed("ab\x03\x1a\r");
	assert_int_equal(write(w.guest, "hi\r\n", 4), 4);
	see("hi\r\n");
	type("\x01x\x01\x01z");
	expect_typed("\x01z");
	type("\x01h");
	see("Ctrl-a d       leave the console");
	type("\x01"
	     "d");
	expect_end(ITSY_OK);
	assert_int_equal(read(w.guest, w.said, 1), 0);
}

static void test_a_second_one_is_told_that_it_is_in_use(void **state)
{
	static const char refusal[] = CONSOLE_REFUSED "box is in use\n";

	(void)state;
	start("box");
	let_in();
	/* Also where it comes in two pieces. */
	assert_int_equal(write(w.guest, refusal, 10), 10);
	(void)usleep(10000);
	assert_int_equal(write(w.guest, refusal + 10, strlen(refusal) - 10), strlen(refusal) - 10);
	(void)shutdown(w.guest, SHUT_RDWR);
	expect_end(ITSY_RUNTIME);
	see("itsy: error: box: its console is in use: one at a time");
}

static void test_a_guest_that_ends_ends_it(void **state)
{
	(void)state;
	start("box");
	let_in();
	assert_int_equal(write(w.guest, "itsy: no refusal", 16), 16);
	see("itsy: no refusal");
	(void)shutdown(w.guest, SHUT_RDWR);
	expect_end(ITSY_OK);
	see("its console is closed: the guest has ended");
}

static void test_a_signal_leaves_it(void **state)
{
	(void)state;
	start("box");
	let_in();
	see("Ctrl-a d leaves it");
	assert_int_equal(kill(w.child, SIGTERM), 0);
	expect_end(ITSY_OK);
}

static void test_a_terminal_of_the_guests_is_for_one(void **state)
{
	int master, slave;
	struct termios raw;
	char name[64];

	(void)state;
	assert_int_equal(openpty(&master, &slave, name, NULL, NULL), 0);
	assert_int_equal(tcgetattr(slave, &raw), 0);
	cfmakeraw(&raw);
	assert_int_equal(tcsetattr(slave, TCSANOW, &raw), 0);
	(void)unlink(strchr(w.where, '/'));
	(void)snprintf(w.where, sizeof(w.where), "pty:%s", name);
	start("box");
	w.guest = master;
	see("Ctrl-a d leaves it");
	type("k");
	expect_typed("k");
	assert_int_equal(flock(slave, LOCK_EX | LOCK_NB), -1);
	type("\x01"
	     "d");
	expect_end(ITSY_OK);
	assert_int_equal(flock(slave, LOCK_EX | LOCK_NB), 0);
	start("box");
	expect_end(ITSY_RUNTIME);
	see("its console is in use");
	(void)close(slave);
	(void)snprintf(w.where, sizeof(w.where), "unix:%s/c", w.dir);
}

static void test_where_nobody_can_be_is_told(void **state)
{
	(void)state;
	(void)unlink(strchr(w.where, '/'));
	(void)snprintf(w.where, sizeof(w.where), "file:/x");
	start("box");
	expect_end(ITSY_USAGE);
	see("its console is file:/x, where nobody else can be: start it with --console unix:PATH");
	start("bix");
	expect_end(ITSY_USAGE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(test_keys_go_there_and_ctrl_a_d_leaves),
		TEST(test_a_second_one_is_told_that_it_is_in_use),
		TEST(test_a_guest_that_ends_ends_it),
		TEST(test_a_signal_leaves_it),
		TEST(test_a_terminal_of_the_guests_is_for_one),
		TEST(test_where_nobody_can_be_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
