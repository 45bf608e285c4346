// SPDX-License-Identifier: MIT
/* What a service manager hears, and that it need not be there. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "vmm/base/service.h"

static struct {
	char name[64]; /* as NOTIFY_SOCKET has it */
	int manager;
} w;

static void listen_at(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));

	(void)snprintf(w.name, sizeof(w.name), "%s", name);
	memcpy(address.sun_path, name, strlen(name));
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	w.manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(w.manager, (const struct sockaddr *)&address, len), 0);
}

static void expect_heard(const char *want)
{
	char text[128] = "";
	ssize_t n = recv(w.manager, text, sizeof(text) - 1, 0);

	assert_int_equal(n, (ssize_t)strlen(want));
	assert_string_equal(text, want);
}

static void tell_all(void)
{
	int fd;

	assert_int_equal(setenv("NOTIFY_SOCKET", w.name, 1), 0);
	fd = service_open();
	assert_true(fd >= 0);
	assert_null(getenv("NOTIFY_SOCKET"));
	service_tell(fd, SERVICE_SETS_UP);
	expect_heard("STATUS=the guest is set up");
	service_tell(fd, SERVICE_RUNS);
	expect_heard("READY=1\nSTATUS=the guest runs");
	service_tell(fd, SERVICE_STOPS);
	expect_heard("STOPPING=1\nSTATUS=the guest stops");
	/* A manager that does not listen holds up nobody, nor does one that has gone. */
	for (unsigned i = 0; i < 1000; i++)
		service_tell(fd, SERVICE_RUNS);
	(void)close(w.manager);
	service_tell(fd, SERVICE_STOPS);
	(void)close(fd);
}

static void test_a_manager_hears_each_state_by_a_path(void **state)
{
	char dir[] = "/tmp/itsy-service.XXXXXX", path[64];

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/notify", dir);
	listen_at(path);
	tell_all();
	(void)unlink(path);
	(void)rmdir(dir);
}

static void test_a_manager_hears_each_state_by_a_name_that_is_no_file(void **state)
{
	char name[64];

	(void)state;
	(void)snprintf(name, sizeof(name), "@itsy-service-%d", (int)getpid());
	listen_at(name);
	tell_all();
}

static void test_without_a_manager_nobody_is_told(void **state)
{
	static const char *const wrong[] = { "", "relative", "/nowhere/notify", "vsock:2:1" };
	char longest[300];

	(void)state;
	(void)unsetenv("NOTIFY_SOCKET");
	assert_int_equal(service_open(), -1);
	service_tell(-1, SERVICE_RUNS);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(setenv("NOTIFY_SOCKET", wrong[i], 1), 0);
		assert_int_equal(service_open(), -1);
		assert_null(getenv("NOTIFY_SOCKET"));
	}
	memset(longest, '/', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(setenv("NOTIFY_SOCKET", longest, 1), 0);
	assert_int_equal(service_open(), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_manager_hears_each_state_by_a_path),
		cmocka_unit_test(test_a_manager_hears_each_state_by_a_name_that_is_no_file),
		cmocka_unit_test(test_without_a_manager_nobody_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
