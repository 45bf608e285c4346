// SPDX-License-Identifier: MIT
/*
 * The control socket: requests are checked, answers are lines, and no client
 * holds the server up or brings it down. The server runs on its poll loop in a
 * process of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "vitsmod/bits.h"
#include "vmm/control/client.h"
#include "vmm/control/control_socket.h"

/* ---- verbs ------------------------------------------------------------------------ */

/* Says back what it was given. */
static json_t *echo(void *ctx, const struct control_request *request, char error[CONTROL_ERROR_MAX])
{
	unsigned *calls = ctx;
	const char *text = control_string(request, "text");

	++*calls;
	if (text && strcmp(text, "no") == 0) {
		(void)snprintf(error, CONTROL_ERROR_MAX, "no: \x01\xff");
		return NULL;
	}
	return json_pack("{s:s*, s:I, s:b, s:I}", "text", text, "number",
			 (json_int_t)control_number(request, "number", 77), "flag",
			 control_bool(request, "flag"), "calls", (json_int_t)*calls);
}

static json_t *big(void *ctx, const struct control_request *request, char error[CONTROL_ERROR_MAX])
{
	size_t len = control_number(request, "size", 0);
	char *text = malloc(len + 1);
	json_t *reply;

	(void)ctx;
	(void)error;
	memset(text, 'x', len);
	text[len] = '\0';
	reply = json_pack("{s:s}", "text", text);
	free(text);
	return reply;
}

/* 0 to 9, four at a time. */
static json_t *count(void *ctx, const struct control_request *request,
		     char error[CONTROL_ERROR_MAX])
{
	unsigned long long at = control_number(request, "skip", 0), end = at + 4;
	json_t *list = json_array();

	(void)ctx;
	(void)error;
	for (; at < end && at < 10; at++)
		(void)json_array_append_new(list, json_integer((json_int_t)at));
	return json_pack("{s:o, s:b}", "numbers", list, "more", at < 10);
}

static const char *colour(unsigned index)
{
	static const char *const colours[] = { "red", "green", "blue" };

	return colours[index];
}

/* Which of the words; the number of words for none. */
static json_t *paint(void *ctx, const struct control_request *request,
		     char error[CONTROL_ERROR_MAX])
{
	(void)ctx;
	(void)error;
	return json_pack("{s:i, s:i}", "colour", (int)control_word(request, "colour", 3), "base",
			 (int)control_word(request, "base", 3));
}

static const struct control_verb verbs[] = {
	{ .name = "echo",
	  .arguments = { { .name = "text", .type = CONTROL_STRING },
			 { .name = "number", .type = CONTROL_NUMBER },
			 { .name = "flag", .type = CONTROL_BOOL } },
	  .run = echo },
	{ .name = "big",
	  .arguments = { { .name = "size", .type = CONTROL_NUMBER, .required = true } },
	  .run = big },
	{ .name = "count",
	  .arguments = { { .name = "skip", .type = CONTROL_NUMBER } },
	  .run = count },
	{ .name = "paint",
	  .arguments = { { .name = "colour", .type = CONTROL_WORD, .word = colour, .nr_words = 3 },
			 { .name = "base", .type = CONTROL_WORD, .word = colour, .nr_words = 3 } },
	  .run = paint },
};

/* ---- without a socket ----------------------------------------------------------------- */

static void expect_answer(const char *line, const char *want)
{
	unsigned calls = 0;
	size_t len = 0;
	char *text = control_answer(line, strlen(line), verbs, ARRAY_SIZE(verbs), &calls, &len);

	assert_non_null(text);
	assert_int_equal(text[len - 1], '\n');
	text[len - 1] = '\0';
	assert_int_equal(strlen(text), len - 1);
	if (!strstr(text, want))
		fail_msg("'%s' answers '%s', not '%s'", line, text, want);
	free(text);
}

static void test_requests_get_their_arguments(void **state)
{
	(void)state;
	expect_answer("{\"itsy\":1,\"do\":\"echo\"}",
		      "{\"itsy\":1,\"ok\":true,\"number\":77,\"flag\":false,\"calls\":1}");
	expect_answer(" {\"do\":\"echo\", \"number\": 0, \"flag\":true, \"text\":\"a\\u00e9\", "
		      "\"itsy\":1 } ",
		      "{\"itsy\":1,\"ok\":true,\"text\":\"a\303\251\",\"number\":0,\"flag\":true,"
		      "\"calls\":1}");
	expect_answer("{\"itsy\":1,\"do\":\"echo\",\"number\":9007199254740991}",
		      "\"number\":9007199254740991");
	expect_answer("{\"itsy\":1,\"do\":\"paint\",\"colour\":\"blue\"}",
		      "\"colour\":2,\"base\":3");
	expect_answer("{\"itsy\":1,\"do\":\"paint\",\"base\":\"red\"}", "\"colour\":3,\"base\":0");
}

static void test_wrong_requests_are_refused_with_a_reason(void **state)
{
	static const struct {
		const char *line, *error;
	} cases[] = {
		{ "", "not JSON" },
		{ "hello", "not JSON" },
		{ "{", "not JSON" },
		{ "{\"itsy\":1,\"do\":\"echo\"} x", "not JSON" },
		{ "{\"itsy\":1,\"itsy\":1,\"do\":\"echo\"}", "not JSON" },
		{ "{\"itsy\":1,\"do\":\"echo\",\"text\":\"\xff\"}", "not JSON" },
		{ "{\"itsy\":1,\"do\":\"echo\",\"text\":\"\\u0000\"}", "not JSON" },
		{ "[]", "not a JSON object" },
		{ "{}", "version, is missing" },
		{ "{\"itsy\":\"1\",\"do\":\"echo\"}", "version, is missing" },
		{ "{\"itsy\":2,\"do\":\"echo\"}", "protocol 2: this is protocol 1" },
		{ "{\"itsy\":1}", "'do' is missing" },
		{ "{\"itsy\":1,\"do\":5}", "'do' is missing" },
		{ "{\"itsy\":1,\"do\":\"ecko\"}", "cannot do 'ecko': did you mean 'echo'?" },
		{ "{\"itsy\":1,\"do\":\"shutdown\"}", "cannot do 'shutdown'\"" },
		{ "{\"itsy\":1,\"do\":\"echo\",\"colour\":1}", "'echo' has no argument 'colour'" },
		{ "{\"itsy\":1,\"do\":\"echo\",\"text\":1}", "'text' is a string" },
		{ "{\"itsy\":1,\"do\":\"echo\",\"flag\":1}", "'flag' is true or false" },
		{ "{\"itsy\":1,\"do\":\"echo\",\"number\":-1}", "'number' is a number from 0" },
		{ "{\"itsy\":1,\"do\":\"echo\",\"number\":9007199254740992}",
		  "'number' is a number from 0" },
		{ "{\"itsy\":1,\"do\":\"echo\",\"number\":1.5}", "'number' is a number from 0" },
		{ "{\"itsy\":1,\"do\":\"echo\",\"number\":null}", "'number' is a number from 0" },
		{ "{\"itsy\":1,\"do\":\"big\"}", "'big' needs 'size'" },
		{ "{\"itsy\":1,\"do\":\"paint\",\"colour\":\"pink\"}",
		  "'colour' is \\\"red\\\", \\\"green\\\" or \\\"blue\\\", not 'pink'" },
		{ "{\"itsy\":1,\"do\":\"paint\",\"colour\":2}", "'colour' is a string" },
		{ "{\"itsy\":1,\"do\":\"echo\",\"text\":\"no\"}", "\"error\":\"no: ??\"" },
		{ "{\"itsy\":1,\"do\":\"big\",\"size\":1048576}", "the answer is too long" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		expect_answer(cases[i].line, "{\"itsy\":1,\"ok\":false,\"error\":\"");
		expect_answer(cases[i].line, cases[i].error);
	}
}

static void test_deep_nesting_is_refused(void **state)
{
	static char line[CONTROL_LINE_MAX];

	(void)state;
	memset(line, '[', sizeof(line) - 1);
	expect_answer(line, "not JSON");
}

/* ---- with one --------------------------------------------------------------------------- */

static char dir[64];

struct server {
	pid_t pid;
};

static struct control_socket *make(const char *name, unsigned *calls, struct failure *failure)
{
	const struct control_socket_config config = { .dir = dir,
						      .name = name,
						      .verbs = verbs,
						      .nr_verbs = ARRAY_SIZE(verbs),
						      .ctx = calls };
	struct control_socket *control = NULL;

	return control_socket_create(&config, &control, failure) == 0 ? control : NULL;
}

static void serve(int ready, int stop)
{
	unsigned calls = 0;
	struct failure failure;
	struct control_socket *control = make("box", &calls, &failure);

	if (write(ready, control ? "y" : "n", 1) != 1 || !control)
		_exit(1);
	for (;;) {
		struct pollfd fds[1 + CONTROL_MAX_FDS] = { { .fd = stop, .events = POLLIN } };
		size_t nr = control_socket_fds(control, fds + 1);

		if (poll(fds, 1 + nr, -1) < 0)
			continue;
		if (fds[0].revents)
			break;
		control_socket_serve(control, fds + 1, nr);
	}
	control_socket_destroy(control);
	exit(0); /* looks for leaks, and tells the coverage */
}

static int stop_pipe[2];

static void start(struct server *server)
{
	int ready[2];
	char yes = 0;

	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(stop_pipe), 0);
	(void)fflush(NULL); /* or the child prints it again */
	server->pid = fork();
	assert_true(server->pid >= 0);
	if (!server->pid) {
		(void)close(stop_pipe[1]);
		serve(ready[1], stop_pipe[0]);
	}
	(void)close(stop_pipe[0]);
	(void)close(ready[1]);
	assert_int_equal(read(ready[0], &yes, 1), 1);
	assert_int_equal(yes, 'y');
	(void)close(ready[0]);
}

/* By its own decision, with all that it had put away. */
static void end(struct server *server)
{
	int status;

	(void)close(stop_pipe[1]);
	assert_int_equal(waitpid(server->pid, &status, 0), server->pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int begin(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/itsy-control-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int finish(void **state)
{
	(void)state;
	return rmdir(dir); /* fails where anything is left */
}

static int connected(void)
{
	struct failure failure = { 0 };
	int fd = -1;

	if (client_open(dir, "box", &fd, &failure) < 0)
		fail_msg("%s: %s", failure.object, failure.cause);
	return fd;
}

static json_t *ask(int fd, const char *request)
{
	json_t *reply = NULL;
	struct failure failure = { 0 };

	if (client_ask(fd, "box", json_loads(request, 0, NULL), &reply, &failure) < 0)
		fail_msg("%s: %s", request, failure.cause);
	return reply;
}

static void expect_alive(void)
{
	int fd = connected();
	json_t *reply = ask(fd, "{\"do\":\"echo\",\"text\":\"hello\"}");

	assert_string_equal(json_string_value(json_object_get(reply, "text")), "hello");
	json_decref(reply);
	(void)close(fd);
}

static void put(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* The rest of what comes, up to the end of the connection. */
static size_t read_all(int fd, char *out, size_t cap)
{
	size_t len = 0;
	ssize_t n;

	while (len < cap - 1 && (n = recv(fd, out + len, cap - 1 - len, 0)) > 0)
		len += (size_t)n;
	out[len] = '\0';
	return len;
}

static void test_the_socket_is_its_owners_alone_and_goes_at_the_end(void **state)
{
	struct server server;
	struct stat st;
	char path[128];

	(void)state;
	start(&server);
	(void)snprintf(path, sizeof(path), "%s/box.sock", dir);
	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0600);
	expect_alive();
	end(&server);
	assert_int_equal(stat(path, &st), -1);
	assert_int_equal(errno, ENOENT);
}

static void test_one_connection_serves_many_requests(void **state)
{
	struct server server;
	int fd;

	(void)state;
	start(&server);
	fd = connected();
	for (int i = 1; i <= 100; i++) {
		json_t *reply = ask(fd, "{\"do\":\"echo\"}");

		assert_int_equal(json_integer_value(json_object_get(reply, "calls")), i);
		json_decref(reply);
	}
	(void)close(fd);
	end(&server);
}

static void test_lists_come_in_parts(void **state)
{
	struct failure failure = { 0 };
	struct server server;
	json_t *reply, *list;
	int fd;

	(void)state;
	start(&server);
	fd = connected();
	assert_int_equal(client_ask_all(fd, "box", json_pack("{s:s}", "do", "count"), "numbers",
					&reply, &failure),
			 0);
	list = json_object_get(reply, "numbers");
	assert_int_equal(json_array_size(list), 10);
	for (size_t i = 0; i < 10; i++)
		assert_int_equal(json_integer_value(json_array_get(list, i)), i);
	json_decref(reply);
	(void)close(fd);
	end(&server);
}

static void test_requests_sent_at_once_and_in_pieces_are_answered_in_turn(void **state)
{
	static const char line[] = "{\"itsy\":1,\"do\":\"echo\"}\n";
	static char all[65536];
	struct server server;
	unsigned lines = 0;
	int fd;

	(void)state;
	start(&server);
	fd = connected();
	for (int i = 0; i < 20; i++)
		put(fd, line);
	for (size_t i = 0; i < sizeof(line) - 1; i++) {
		put(fd, (char[]){ line[i], '\0' });
		(void)usleep(200);
	}
	(void)shutdown(fd, SHUT_WR);
	(void)read_all(fd, all, sizeof(all));
	for (const char *p = all; (p = strchr(p, '\n')); p++)
		lines++;
	assert_int_equal(lines, 21);
	assert_non_null(strstr(all, "\"calls\":21}"));
	(void)close(fd);
	end(&server);
}

static void test_garbage_harms_nobody(void **state)
{
	static const char *const garbage[] = { "\n",
					       "{}\n",
					       "\x01\x02\xff\n",
					       "[[[[[[\n",
					       "GET / HTTP/1.1\r\n\r\n",
					       "{\"itsy\":1,\"do\":\"ec" };
	static char text[65536];
	struct server server;

	(void)state;
	start(&server);
	for (size_t i = 0; i < ARRAY_SIZE(garbage); i++) {
		int fd = connected();

		put(fd, garbage[i]);
		(void)shutdown(fd, SHUT_WR);
		(void)read_all(fd, text, sizeof(text));
		if (strchr(garbage[i], '\n'))
			assert_non_null(strstr(text, "\"ok\":false"));
		else
			assert_string_equal(text, "");
		(void)close(fd);
	}
	/* Also one that goes away before its answer comes. */
	for (int i = 0; i < 50; i++) {
		int fd = connected();

		put(fd, "{\"itsy\":1,\"do\":\"big\",\"size\":900000}\n");
		(void)close(fd);
	}
	expect_alive();
	end(&server);
}

static void test_a_request_without_an_end_is_told_so(void **state)
{
	static char text[CONTROL_LINE_MAX + 1], answer[65536];
	struct server server;
	int fd;

	(void)state;
	memset(text, ' ', CONTROL_LINE_MAX);
	start(&server);
	fd = connected();
	put(fd, text);
	(void)read_all(fd, answer, sizeof(answer));
	assert_non_null(strstr(answer, "a request has at most 4095 bytes"));
	(void)close(fd);
	/* One byte less and its end is a request. */
	memcpy(text, "{\"itsy\":1,\"do\":\"echo\"}", 22);
	text[CONTROL_LINE_MAX - 1] = '\n';
	fd = connected();
	put(fd, text);
	(void)shutdown(fd, SHUT_WR);
	(void)read_all(fd, answer, sizeof(answer));
	assert_non_null(strstr(answer, "\"ok\":true"));
	(void)close(fd);
	end(&server);
}

static void test_one_that_does_not_read_holds_up_nobody(void **state)
{
	static char text[2 << 20];
	struct server server;
	int slow;

	(void)state;
	start(&server);
	slow = connected();
	put(slow, "{\"itsy\":1,\"do\":\"big\",\"size\":900000}\n{\"itsy\":1,\"do\":\"echo\"}\n");
	for (int i = 0; i < 20; i++)
		expect_alive();
	/* And gets all of it when it does. */
	(void)shutdown(slow, SHUT_WR);
	assert_in_range(read_all(slow, text, sizeof(text)), 900000, 901000);
	assert_non_null(strstr(text, "xxx\"}\n{\"itsy\":1,\"ok\":true,\"number\":77"));
	(void)close(slow);
	end(&server);
}

static void test_clients_beyond_the_limit_are_turned_away(void **state)
{
	int fds[CONTROL_MAX_CLIENTS], fd;
	struct server server;
	char text[256];

	(void)state;
	start(&server);
	for (size_t i = 0; i < CONTROL_MAX_CLIENTS; i++) {
		fds[i] = connected();
		json_decref(ask(fds[i], "{\"do\":\"echo\"}"));
	}
	fd = connected();
	(void)read_all(fd, text, sizeof(text));
	assert_non_null(strstr(text, "too many clients"));
	(void)close(fd);
	(void)close(fds[0]);
	/* There is room again, as soon as the server has seen that. */
	for (int i = 0;; i++) {
		struct failure failure = { 0 };
		json_t *reply = NULL;
		int r;

		fd = connected();
		r = client_ask(fd, "box", json_pack("{s:s}", "do", "echo"), &reply, &failure);
		json_decref(reply);
		(void)close(fd);
		if (r == 0)
			break;
		assert_in_range(i, 0, 100000);
		(void)usleep(2000);
	}
	for (size_t i = 1; i < CONTROL_MAX_CLIENTS; i++)
		(void)close(fds[i]);
	end(&server);
}

static void test_a_second_of_the_same_name_is_told_who_has_it(void **state)
{
	struct server server;
	struct failure failure = { 0 };
	char pid[32];

	(void)state;
	start(&server);
	assert_null(make("box", NULL, &failure));
	assert_int_equal(failure.status, ITSY_ENVIRONMENT);
	assert_string_equal(failure.object, "box");
	(void)snprintf(pid, sizeof(pid), "process %d", (int)server.pid);
	assert_non_null(strstr(failure.cause, pid));
	expect_alive();
	end(&server);
}

static void test_what_a_killed_one_left_is_replaced(void **state)
{
	struct client_names names;
	struct server server;
	struct failure failure = { 0 };
	char path[128];
	int fd;

	(void)state;
	start(&server);
	(void)kill(server.pid, SIGKILL);
	(void)waitpid(server.pid, NULL, 0);
	(void)close(stop_pipe[1]);
	(void)snprintf(path, sizeof(path), "%s/box.sock", dir);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(client_list(dir, &names), 0);
	assert_int_equal(names.nr, 0);
	assert_int_equal(client_open(dir, "box", &fd, &failure), -ENOENT);
	assert_int_equal(failure.status, ITSY_USAGE);
	start(&server);
	expect_alive();
	end(&server);
}

static bool is_readable(int fd, int ms)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };

	return poll(&pollfd, 1, ms) == 1 && (pollfd.revents & POLLIN);
}

static void test_the_end_of_a_guests_process_can_be_waited_for(void **state)
{
	struct failure failure = { 0 };
	struct server server;
	int fd, fds[2], process = -1;

	(void)state;
	start(&server);
	fd = connected();
	assert_int_equal(client_process(fd, "box", &process, &failure), 0);
	assert_false(is_readable(process, 0));
	end(&server);
	assert_true(is_readable(process, -1));
	(void)close(process);
	(void)close(fd);
	/* What is no socket has no other end. */
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(client_process(fds[0], "box", &process, &failure), -EIO);
	assert_string_equal(failure.cure, "leave out --wait");
	(void)close(fds[0]);
	(void)close(fds[1]);
}

static void test_an_unknown_name_gets_a_suggestion_and_the_list(void **state)
{
	struct client_names names;
	struct server server;
	struct failure failure = { 0 };
	int fd;

	(void)state;
	assert_int_equal(client_open(dir, "bix", &fd, &failure), -ENOENT);
	assert_string_equal(failure.cause, "no guest runs");
	assert_string_equal(failure.cure, "itsy run CONFIG starts one");
	start(&server);
	assert_int_equal(client_open(dir, "bix", &fd, &failure), -ENOENT);
	assert_string_equal(failure.cure, "did you mean 'box'? these run: box");
	assert_int_equal(client_open(dir, "somewhere/else", &fd, &failure), -ENOENT);
	assert_string_equal(failure.cure, "these run: box");
	assert_int_equal(client_list(dir, &names), 0);
	assert_int_equal(names.nr, 1);
	assert_string_equal(names.list[0], "box");
	end(&server);
}

static void test_a_guest_that_ends_is_told_from_one_that_refuses(void **state)
{
	struct server server;
	struct failure failure = { 0 };
	json_t *reply = NULL;
	int fd;

	(void)state;
	start(&server);
	fd = connected();
	assert_int_equal(
		client_ask(fd, "box", json_pack("{s:s}", "do", "nothing"), &reply, &failure),
		-EINVAL);
	assert_int_equal(failure.status, ITSY_USAGE);
	assert_string_equal(failure.cause, "cannot do 'nothing'");
	end(&server);
	assert_int_equal(client_ask(fd, "box", json_pack("{s:s}", "do", "echo"), &reply, &failure),
			 -ECONNRESET);
	assert_int_equal(failure.status, ITSY_RUNTIME);
	(void)close(fd);
}

/* Standard input has the number that all of a structure that is zero has. */
static void test_nobody_elses_files_are_closed(void **state)
{
	int input = dup(STDIN_FILENO), null, r;
	struct failure failure = { 0 };
	struct control_socket *control;
	unsigned calls = 0;

	(void)state;
	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_true(null >= 0);
	assert_int_equal(dup2(null, STDIN_FILENO), STDIN_FILENO);
	control = make("box", &calls, &failure);
	assert_non_null(control);
	r = fcntl(STDIN_FILENO, F_GETFD);
	control_socket_destroy(control);
	assert_true(r >= 0);
	assert_true(fcntl(STDIN_FILENO, F_GETFD) >= 0);
	assert_int_equal(dup2(input, STDIN_FILENO), STDIN_FILENO);
	(void)close(null);
	(void)close(input);
}

static void test_a_directory_that_cannot_be_made_is_a_failure(void **state)
{
	char path[128];
	struct failure failure = { 0 };
	struct control_socket *control = NULL;
	struct control_socket_config config = { .dir = path, .name = "box" };

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/not/there", dir);
	assert_int_equal(control_socket_create(&config, &control, &failure), -ENOENT);
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(control_socket_create(&config, &control, &failure), -ENAMETOOLONG);
	assert_int_equal(failure.status, ITSY_ENVIRONMENT);
}

#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, begin, finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests_get_their_arguments),
		cmocka_unit_test(test_wrong_requests_are_refused_with_a_reason),
		cmocka_unit_test(test_deep_nesting_is_refused),
		WITH_DIR(test_the_socket_is_its_owners_alone_and_goes_at_the_end),
		WITH_DIR(test_nobody_elses_files_are_closed),
		WITH_DIR(test_one_connection_serves_many_requests),
		WITH_DIR(test_lists_come_in_parts),
		WITH_DIR(test_requests_sent_at_once_and_in_pieces_are_answered_in_turn),
		WITH_DIR(test_garbage_harms_nobody),
		WITH_DIR(test_a_request_without_an_end_is_told_so),
		WITH_DIR(test_one_that_does_not_read_holds_up_nobody),
		WITH_DIR(test_clients_beyond_the_limit_are_turned_away),
		WITH_DIR(test_a_second_of_the_same_name_is_told_who_has_it),
		WITH_DIR(test_what_a_killed_one_left_is_replaced),
		WITH_DIR(test_the_end_of_a_guests_process_can_be_waited_for),
		WITH_DIR(test_an_unknown_name_gets_a_suggestion_and_the_list),
		WITH_DIR(test_a_guest_that_ends_is_told_from_one_that_refuses),
		WITH_DIR(test_a_directory_that_cannot_be_made_is_a_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
