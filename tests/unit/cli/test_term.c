// SPDX-License-Identifier: MIT
/*
 * The terminal: raw while the guest runs, as it was afterwards, however the
 * process ends. Each test has a terminal of its own, a process on it, and looks
 * at the settings from the other side.
 */
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "vitsmod/bits.h"
#include "vmm/cli/term.h"

static const int ending[] = { SIGHUP, SIGINT, SIGQUIT, SIGILL,	SIGTRAP, SIGABRT,
			      SIGBUS, SIGFPE, SIGSEGV, SIGTERM, SIGPIPE };

struct pty {
	int master, slave;
	struct termios before;
};

static int make(void **state)
{
	static struct pty p;

	*state = &p;
	if (openpty(&p.master, &p.slave, NULL, NULL, NULL) < 0)
		return -1;
	return tcgetattr(p.slave, &p.before);
}

static int unmake(void **state)
{
	struct pty *p = *state;

	(void)close(p->master);
	(void)close(p->slave);
	return 0;
}

/* In a process of its own, with the terminal as its standard input. Returns its status. */
static int run(const struct pty *p, void (*body)(const struct pty *p, int arg), int arg)
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		(void)setrlimit(RLIMIT_CORE, &(struct rlimit){ 0 });
		(void)dup2(p->slave, STDIN_FILENO);
		/* What a sanitizer catches is not ours to test. */
		for (size_t i = 0; i < ARRAY_SIZE(ending); i++)
			(void)signal(ending[i], SIG_DFL);
		body(p, arg);
		_exit(99);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static bool is_raw(const struct pty *p)
{
	struct termios now;

	return tcgetattr(p->slave, &now) == 0 && !(now.c_lflag & (ICANON | ECHO | ISIG));
}

static void expect_as_before(const struct pty *p)
{
	struct termios now;

	assert_int_equal(tcgetattr(p->slave, &now), 0);
	assert_int_equal(now.c_iflag, p->before.c_iflag);
	assert_int_equal(now.c_oflag, p->before.c_oflag);
	assert_int_equal(now.c_cflag, p->before.c_cflag);
	assert_int_equal(now.c_lflag, p->before.c_lflag);
	assert_memory_equal(now.c_cc, p->before.c_cc, sizeof(now.c_cc));
}

/* Begin, or leave with a status that no test expects. */
static void begin(struct term *t, const struct pty *p)
{
	if (term_init(t) != 0 || !t->is_tty || !t->raw || !is_raw(p))
		_exit(98);
}

static void body_fini(const struct pty *p, int arg)
{
	struct sigaction now;
	struct term t;

	(void)arg;
	begin(&t, p);
	term_fini(&t);
	term_fini(&t);
	if (t.raw || is_raw(p))
		_exit(1);
	for (size_t i = 0; i < ARRAY_SIZE(ending); i++)
		if (sigaction(ending[i], NULL, &now) < 0 || now.sa_handler != SIG_DFL)
			_exit(2);
	/* And once more: for the next guest. */
	begin(&t, p);
	term_fini(&t);
	_exit(0);
}

static void test_terminal_is_raw_between_init_and_fini(void **state)
{
	struct pty *p = *state;

	assert_int_equal(run(p, body_fini, 0), 0);
	expect_as_before(p);
}

static void body_exit(const struct pty *p, int arg)
{
	static struct term t;

	begin(&t, p);
	exit(arg);
}

static void test_exit_puts_the_terminal_back(void **state)
{
	struct pty *p = *state;
	int status = run(p, body_exit, 7);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
	expect_as_before(p);
}

static void body_raise(const struct pty *p, int arg)
{
	struct term t;

	begin(&t, p);
	(void)raise(arg);
}

static void test_ending_signals_put_the_terminal_back_and_end_the_process(void **state)
{
	struct pty *p = *state;

	for (size_t i = 0; i < ARRAY_SIZE(ending); i++) {
		int status;

		print_message("%s\n", strsignal(ending[i]));
		status = run(p, body_raise, ending[i]);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), ending[i]);
		expect_as_before(p);
	}
}

static void body_fault(const struct pty *p, int arg)
{
	volatile char *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct term t;

	(void)arg;
	begin(&t, p);
	*page = 1; /* a real one, not a sent one */
}

static void body_abort(const struct pty *p, int arg)
{
	struct term t;

	(void)arg;
	begin(&t, p);
	abort();
}

static void test_crashes_put_the_terminal_back(void **state)
{
	struct pty *p = *state;
	int status;

	status = run(p, body_fault, 0);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSEGV);
	expect_as_before(p);

	status = run(p, body_abort, 0);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	expect_as_before(p);
}

static void own_handler(int signal)
{
	(void)signal;
}

static void body_own_handler(const struct pty *p, int arg)
{
	struct sigaction now;
	struct term t;

	(void)signal(SIGTERM, own_handler);
	(void)signal(SIGPIPE, SIG_IGN);
	begin(&t, p);
	(void)raise(SIGTERM);
	(void)raise(SIGPIPE);
	if (!is_raw(p))
		_exit(1);
	term_fini(&t);
	if (sigaction(SIGTERM, NULL, &now) < 0 || now.sa_handler != own_handler)
		_exit(2);
	if (sigaction(SIGPIPE, NULL, &now) < 0 || now.sa_handler != SIG_IGN)
		_exit(3);
	_exit(arg);
}

static void test_signals_that_others_handle_stay_theirs(void **state)
{
	struct pty *p = *state;

	assert_int_equal(run(p, body_own_handler, 0), 0);
	expect_as_before(p);
}

static void body_no_terminal(const struct pty *p, int arg)
{
	struct sigaction now;
	struct term t;
	int null = open("/dev/null", O_RDONLY);

	(void)arg;
	(void)dup2(null, STDIN_FILENO);
	if (term_init(&t) != 0 || t.is_tty || t.raw || is_raw(p))
		_exit(1);
	if (sigaction(SIGTERM, NULL, &now) < 0 || now.sa_handler != SIG_DFL)
		_exit(2);
	term_fini(&t);
	_exit(0);
}

static void test_what_is_no_terminal_is_left_alone(void **state)
{
	struct pty *p = *state;

	assert_int_equal(run(p, body_no_terminal, 0), 0);
	expect_as_before(p);
}

static void body_raw_bytes(const struct pty *p, int arg)
{
	uint8_t byte;
	struct term t;

	(void)arg;
	begin(&t, p);
	/* Ctrl-c, Ctrl-z, Ctrl-s and return arrive as what they are, at once, unechoed. */
	if (write(p->master, "\x03\x1a\x13\r", 4) != 4)
		_exit(1);
	for (size_t i = 0; i < 4; i++)
		if (read(STDIN_FILENO, &byte, 1) != 1 || byte != (uint8_t) "\x03\x1a\x13\r"[i])
			_exit(2);
	(void)fcntl(p->master, F_SETFL, O_NONBLOCK);
	if (read(p->master, &byte, 1) != -1 || errno != EAGAIN)
		_exit(3);
	/* What the guest prints arrives unchanged. */
	if (write(p->slave, "a\nb", 3) != 3)
		_exit(4);
	for (size_t i = 0; i < 3; i++)
		if (read(p->master, &byte, 1) != 1 || byte != (uint8_t) "a\nb"[i])
			_exit(5);
	term_fini(&t);
	_exit(0);
}

static void test_keys_and_output_pass_unchanged(void **state)
{
	struct pty *p = *state;

	assert_int_equal(run(p, body_raw_bytes, 0), 0);
}

static void test_filter_takes_its_own_keys_out(void **state)
{
	static const struct {
		const char *typed, *kept;
		bool quit;
	} cases[] = {
		{ "ls\r", "ls\r", false },
		{ "", "", false },
		{ "\x01x", "", true },
		{ "\x01X", "", true },
		{ "a\x01xb", "ab", true },
		{ "\x01"
		  "a",
		  "\x01", false },
		{ "\x01\x01", "\x01", false },
		{ "\x01\x01x", "\x01x", false },
		{ "\x01\x01\x01x", "\x01", true },
		{ "\x01q", "", false },
		{ "x\x01qx", "xx", false },
		{ "\x02\x03", "\x02\x03", false },
		{ "\x01", "", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		/* Typed at once, and key by key. */
		for (size_t chunk = 1; chunk <= 8; chunk += 7) {
			struct term t = { .is_tty = true };
			size_t len = strlen(cases[i].typed), nr = 0;
			uint8_t kept[16];
			bool quit = false;

			for (size_t at = 0; at < len; at += chunk) {
				size_t n = len - at < chunk ? len - at : chunk;

				memcpy(kept + nr, cases[i].typed + at, n);
				nr += term_filter(&t, kept + nr, n, &quit);
			}
			assert_int_equal(nr, strlen(cases[i].kept));
			assert_memory_equal(kept, cases[i].kept, nr);
			assert_int_equal(quit, cases[i].quit);
		}
	}
}

static void test_filter_passes_everything_without_a_terminal(void **state)
{
	uint8_t bytes[] = { 0x01, 'x', 0x01, 0x01 };
	struct term t = { 0 };
	bool quit = false;

	(void)state;
	assert_int_equal(term_filter(&t, bytes, sizeof(bytes), &quit), sizeof(bytes));
	assert_memory_equal(bytes, "\x01x\x01\x01", 4);
	assert_false(quit);
}

static void test_help_is_printed_on_request(void **state)
{
	uint8_t bytes[] = { 0x01, 'h' };
	struct term t = { .is_tty = true };
	char said[256] = { 0 };
	bool quit = false;
	int pipes[2], saved = dup(STDERR_FILENO);

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	(void)dup2(pipes[1], STDERR_FILENO);
	assert_int_equal(term_filter(&t, bytes, sizeof(bytes), &quit), 0);
	(void)dup2(saved, STDERR_FILENO);
	assert_true(read(pipes[0], said, sizeof(said) - 1) > 0);
	assert_non_null(strstr(said, "Ctrl-a x"));
	assert_false(quit);
	(void)close(pipes[0]);
	(void)close(pipes[1]);
	(void)close(saved);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make, unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_terminal_is_raw_between_init_and_fini),
		TEST(test_exit_puts_the_terminal_back),
		TEST(test_ending_signals_put_the_terminal_back_and_end_the_process),
		TEST(test_crashes_put_the_terminal_back),
		TEST(test_signals_that_others_handle_stay_theirs),
		TEST(test_what_is_no_terminal_is_left_alone),
		TEST(test_keys_and_output_pass_unchanged),
		cmocka_unit_test(test_filter_takes_its_own_keys_out),
		cmocka_unit_test(test_filter_passes_everything_without_a_terminal),
		cmocka_unit_test(test_help_is_printed_on_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
