// SPDX-License-Identifier: MIT
/*
 * Where the guest's console is: one at a time is there, who is not there holds nothing up and is
 * told when he comes, and what is typed arrives whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>
#include <cmocka.h>

#include "vmm/base/cleanup.h"
#include "vmm/dev/console_history.h"
#include "vmm/dev/console_port.h"

static struct {
	char dir[64], path[96], value[128];
	struct console_port *port;
	struct failure failure;
	int stop;
	uint8_t typed[256];
	size_t nr_typed;
} w;

static int begin(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	(void)signal(SIGPIPE, SIG_IGN);
	w.stop = eventfd(0, EFD_CLOEXEC);
	(void)snprintf(w.dir, sizeof(w.dir), "/tmp/itsy-port-XXXXXX");
	return mkdtemp(w.dir) && w.stop >= 0 ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	console_port_destroy(w.port, true);
	(void)close(w.stop);
	(void)unlink(w.path);
	return rmdir(w.dir);
}

static int create(const char *kind, const char *log)
{
	const struct console_port_config config = { .name = "box", .value = w.value, .log = log };

	(void)snprintf(w.path, sizeof(w.path), "%s/c", w.dir);
	(void)snprintf(w.value, sizeof(w.value), "%s%s", kind, strchr(kind, ':') ? w.path : "");
	return console_port_create(&config, &w.port, &w.failure);
}

static size_t put(const char *text)
{
	return console_port_write(w.port, (const uint8_t *)text, strlen(text), true, w.stop);
}

/* As main does it, until nothing more happens. Returns how often it turned. */
static unsigned serve(size_t room)
{
	struct pollfd fds[CONSOLE_PORT_FDS];
	unsigned turns = 0;

	for (;; turns++) {
		(void)console_port_fds(w.port, w.nr_typed < room, fds);
		if (poll(fds, CONSOLE_PORT_FDS, 20) <= 0 || turns == 100)
			return turns;
		w.nr_typed +=
			console_port_serve(w.port, fds, w.typed + w.nr_typed, room - w.nr_typed);
	}
}

static int come(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, w.path, strlen(w.path));
	assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void expect_text(int fd, const char *text)
{
	char got[256] = "";

	assert_int_equal(read(fd, got, sizeof(got) - 1), strlen(text));
	assert_string_equal(got, text);
}

static void test_one_at_a_time_is_there_and_can_come_again(void **state)
{
	int first, second;

	(void)state;
	assert_int_equal(create("unix:", NULL), 0);
	assert_string_equal(console_port_where(w.port), w.value);
	assert_int_equal(put("nobody"), 6); /* dropped, and nobody waits */
	first = come();
	(void)serve(100);
	assert_int_equal(put("hello"), 5);
	expect_text(first, "nobodyhello");
	second = come();
	(void)serve(100);
	expect_text(second, CONSOLE_REFUSED "box is in use: one at a time can be there\n");
	expect_text(second, "");
	assert_int_equal(write(first, "keys", 4), 4);
	(void)serve(100);
	assert_int_equal(w.nr_typed, 4);
	assert_memory_equal(w.typed, "keys", 4);

	assert_int_equal(close(second), 0);
	assert_int_equal(close(first), 0);
	(void)serve(100);
	assert_int_equal(put("nobody again"), 12);
	first = come();
	(void)serve(100);
	assert_int_equal(put("back"), 4);
	expect_text(first, "nobodyhellonobody againback");
	(void)close(first);
}

/* Who types and goes has typed: as much as there is room for, and the rest when there is. */
static void test_what_was_typed_before_leaving_arrives_whole(void **state)
{
	int fd;

	(void)state;
	assert_int_equal(create("unix:", NULL), 0);
	fd = come();
	assert_int_equal(write(fd, "0123456789", 10), 10);
	assert_int_equal(close(fd), 0);
	assert_true(serve(4) < 100); /* main does not spin meanwhile */
	assert_int_equal(w.nr_typed, 4);
	(void)serve(100);
	assert_int_equal(w.nr_typed, 10);
	assert_memory_equal(w.typed, "0123456789", 10);
	fd = come();
	(void)serve(100);
	assert_int_equal(put("x"), 1);
	expect_text(fd, "x");
	(void)close(fd);
}

static void test_who_types_nothing_more_can_still_read(void **state)
{
	int fd;

	(void)state;
	assert_int_equal(create("unix:", NULL), 0);
	fd = come();
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	assert_true(serve(100) < 100);
	assert_int_equal(put("x"), 1);
	expect_text(fd, "x");
	(void)close(fd);
}

static void *write_much(void *ctx)
{
	static uint8_t much[1 << 20];
	size_t *done = ctx;

	*done = console_port_write(w.port, much, sizeof(much), true, w.stop);
	return NULL;
}

/* A slow reader holds the writer; one that goes, or the stop, ends that. */
static void test_who_is_there_and_does_not_read_is_waited_for(void **state)
{
	static uint8_t much[1 << 20];
	pthread_t thread;
	size_t done = 0;
	int fd;

	(void)state;
	assert_int_equal(create("unix:", NULL), 0);
	fd = come();
	(void)serve(100);
	assert_true(console_port_write(w.port, much, sizeof(much), false, -1) < sizeof(much));
	assert_int_equal(pthread_create(&thread, NULL, write_much, &done), 0);
	assert_int_equal(close(fd), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(done, 1 << 20); /* nobody is there */
	(void)serve(100);

	fd = come();
	(void)serve(100);
	assert_int_equal(pthread_create(&thread, NULL, write_much, &done), 0);
	assert_int_equal(eventfd_write(w.stop, 1), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(done < 1 << 20);
	(void)close(fd);
}

static void test_a_socket_is_its_owners_alone_and_goes_at_the_end(void **state)
{
	struct console_port *first;
	struct stat st;

	(void)state;
	assert_int_equal(create("unix:", NULL), 0);
	assert_int_equal(stat(w.path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	/* It is served: another one is refused, and takes nothing away. */
	first = w.port;
	assert_int_equal(create("unix:", NULL), -EADDRINUSE);
	assert_int_equal(w.failure.status, ITSY_ENVIRONMENT);
	assert_int_equal(stat(w.path, &st), 0);
	/* The process that has its guest leaves it to who made it. */
	console_port_destroy(first, false);
	assert_int_equal(stat(w.path, &st), 0);
	/* Now nobody serves it. */
	assert_int_equal(create("unix:", NULL), 0);
	console_port_destroy(w.port, true);
	assert_int_equal(stat(w.path, &st), -1);
	/* What is no socket stays. */
	assert_int_equal(close(open(w.path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)), 0);
	w.port = NULL;
	assert_int_equal(create("unix:", NULL), -EEXIST);
}

static void test_a_terminal_is_raw_and_can_be_left_and_come_back_to(void **state)
{
	struct termios now;
	const char *name;

	(void)state;
	assert_int_equal(create("pty", NULL), 0);
	assert_int_equal(strncmp(console_port_where(w.port), "pty:/dev/pts/", 13), 0);
	name = console_port_where(w.port) + 4;
	for (int i = 0; i < 2; i++) {
		struct pollfd fds[CONSOLE_PORT_FDS];
		int fd;

		assert_int_equal(put("nobody"), 6);
		assert_true(console_port_fds(w.port, true, fds) > 0); /* it is to be looked at */
		assert_true(serve(100) < 100);
		fd = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
		assert_true(fd >= 0);
		assert_int_equal(tcgetattr(fd, &now), 0);
		assert_false(now.c_lflag & (ICANON | ECHO | ISIG));
		assert_int_equal(console_port_fds(w.port, true, fds), -1);
		assert_int_equal(put("a\nb"), 3);
		expect_text(fd, i ? "nobodya\nbnobodya\nb" : "nobodya\nb");
		assert_int_equal(write(fd, "\x03k", 2), 2);
		w.nr_typed = 0;
		(void)serve(100);
		assert_int_equal(w.nr_typed, 2);
		assert_memory_equal(w.typed, "\x03k", 2);
		assert_int_equal(close(fd), 0);
	}
}

/* A terminal has room for a part: the rest follows as it is read, though nothing more is printed.
 */
static void test_who_comes_is_told_what_was_printed_before(void **state)
{
	static char printed[2 * CONSOLE_HISTORY_SZ], got[2 * CONSOLE_HISTORY_SZ];
	size_t nr = 0, nr_got = 0;
	_cleanup_fd_ int fd = -1;

	(void)state;
	assert_int_equal(create("pty", NULL), 0);
	for (unsigned i = 0; nr + 32 < sizeof(printed); i++) {
		char line[32];

		nr += (size_t)snprintf(printed + nr, 32, "line %u\n", i);
		(void)snprintf(line, sizeof(line), "line %u\n", i);
		assert_int_equal(put(line), strlen(line));
	}
	fd = open(console_port_where(w.port) + 4, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	assert_true(fd >= 0);
	for (unsigned silent = 0; silent < 3; silent++) {
		ssize_t n;

		(void)serve(0);
		while ((n = read(fd, got + nr_got, sizeof(got) - nr_got)) > 0) {
			nr_got += (size_t)n;
			silent = 0;
		}
	}
	assert_in_range(nr_got, CONSOLE_HISTORY_SZ - 32, CONSOLE_HISTORY_SZ);
	assert_memory_equal(got, printed + nr - nr_got, nr_got);
	assert_memory_equal(got, "line ", 5);
	/* What comes now comes once. */
	assert_int_equal(put("new\n"), 4);
	expect_text(fd, "new\n");
}

static void test_files_are_appended_to_and_told_where_they_cannot_be(void **state)
{
	char log[96], text[64] = "";
	_cleanup_fd_ int fd = -1;

	(void)state;
	(void)snprintf(log, sizeof(log), "%s/log", w.dir);
	assert_int_equal(create("file:", log), 0);
	assert_int_equal(put("one\n"), 4);
	console_port_log(w.port, (const uint8_t *)"logged\n", 7);
	console_port_destroy(w.port, true);
	assert_int_equal(create("file:", log), 0);
	assert_int_equal(put("two\n"), 4);
	console_port_log(w.port, (const uint8_t *)"again\n", 6);
	fd = open(w.path, O_RDONLY | O_CLOEXEC);
	expect_text(fd, "one\ntwo\n");
	assert_int_equal(read(fd, text, 1), 0);
	(void)close(fd);
	fd = open(log, O_RDONLY | O_CLOEXEC);
	expect_text(fd, "logged\nagain\n");
	assert_int_equal(unlink(log), 0);
	console_port_destroy(w.port, true);

	w.port = NULL;
	assert_true(create("none", "/nowhere/log") < 0);
	assert_string_equal(w.failure.object, "/nowhere/log");
	assert_int_equal(create("none", NULL), 0);
	assert_int_equal(put("dropped"), 7);
	assert_int_equal(serve(100), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(test_one_at_a_time_is_there_and_can_come_again),
		TEST(test_what_was_typed_before_leaving_arrives_whole),
		TEST(test_who_types_nothing_more_can_still_read),
		TEST(test_who_is_there_and_does_not_read_is_waited_for),
		TEST(test_a_socket_is_its_owners_alone_and_goes_at_the_end),
		TEST(test_a_terminal_is_raw_and_can_be_left_and_come_back_to),
		TEST(test_who_comes_is_told_what_was_printed_before),
		TEST(test_files_are_appended_to_and_told_where_they_cannot_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
