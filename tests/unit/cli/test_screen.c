// SPDX-License-Identifier: MIT
/*
 * A screen on a pseudo-terminal: it shows, it ends by a key or a signal, and the
 * terminal is afterwards what it was.
 */
#include <errno.h>
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
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <cmocka.h>

#include "vmm/cli/screen.h"

#define PATIENCE_MS 300000 /* a hang takes longer, and nothing else does */

struct tty {
	int master, slave;
	pid_t child;
	char seen[8192]; /* what came out */
	size_t nr_seen;
};

static int step_ms; /* between two pages */

/* Three lines of 20 columns; 0 where it was ended, 9 where it waited in vain. */
static void child(void)
{
	struct screen screen;
	enum screen_event event = SCREEN_TIME;

	if (screen_init(&screen) < 0)
		_exit(1);
	for (int i = 0; event != SCREEN_END && i < PATIENCE_MS / step_ms; i++) {
		screen_show("first line\nsecond line, which is too long\nthird\nfourth\n");
		event = screen_wait(&screen, step_ms);
		i -= event == SCREEN_RESIZED;
	}
	screen_fini(&screen);
	exit(event == SCREEN_END ? 0 : 9); /* tells the coverage */
}

static void start(struct tty *tty)
{
	const struct winsize size = { .ws_row = 3, .ws_col = 20 };

	*tty = (struct tty){ 0 };
	assert_int_equal(openpty(&tty->master, &tty->slave, NULL, NULL, &size), 0);
	(void)fflush(NULL); /* or the child prints it again */
	tty->child = fork();
	assert_true(tty->child >= 0);
	if (tty->child)
		return;
	(void)setsid();
	(void)dup2(tty->slave, STDIN_FILENO);
	(void)dup2(tty->slave, STDOUT_FILENO);
	(void)close(tty->master);
	child();
}

/* Read what comes out until it contains a text. */
static bool shows(struct tty *tty, const char *text)
{
	struct pollfd fd = { .fd = tty->master, .events = POLLIN };

	while (!strstr(tty->seen, text)) {
		ssize_t n;

		if (tty->nr_seen == sizeof(tty->seen) - 1 || poll(&fd, 1, PATIENCE_MS) <= 0)
			return false;
		n = read(tty->master, tty->seen + tty->nr_seen,
			 sizeof(tty->seen) - 1 - tty->nr_seen);
		if (n <= 0)
			return false;
		tty->nr_seen += (size_t)n;
		tty->seen[tty->nr_seen] = '\0';
	}
	return true;
}

/* Its exit status, as a shell says it. */
static int ended(struct tty *tty)
{
	int status;

	assert_int_equal(waitpid(tty->child, &status, 0), tty->child);
	(void)close(tty->master);
	(void)close(tty->slave);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void expect_same(const struct termios *a, const struct termios *b)
{
	assert_int_equal(a->c_iflag, b->c_iflag);
	assert_int_equal(a->c_oflag, b->c_oflag);
	assert_int_equal(a->c_lflag, b->c_lflag);
	assert_int_equal(a->c_cflag, b->c_cflag);
	assert_memory_equal(a->c_cc, b->c_cc, sizeof(a->c_cc));
}

/* key 0: the signal instead. */
static void end_by(char key, int signal)
{
	struct termios before, during, after;
	struct tty tty;

	start(&tty);
	assert_true(shows(&tty, "third"));
	assert_int_equal(tcgetattr(tty.slave, &during), 0);
	assert_int_equal(during.c_lflag & (ICANON | ECHO | ISIG), 0);
	assert_non_null(strstr(tty.seen, "\033[?1049h\033[?25l"));
	assert_non_null(strstr(tty.seen, "first line\r\nsecond line, which >\r\nthird"));
	assert_null(strstr(tty.seen, "fourth"));
	assert_null(strstr(tty.seen, "third\r\n"));
	if (key)
		assert_int_equal(write(tty.master, &key, 1), 1);
	else
		assert_int_equal(kill(tty.child, signal), 0);
	assert_true(shows(&tty, "\033[?25h\033[?1049l"));
	/* A fresh pair has the modes that this one had. */
	{
		int m, s;

		assert_int_equal(openpty(&m, &s, NULL, NULL, NULL), 0);
		assert_int_equal(tcgetattr(s, &before), 0);
		(void)close(m);
		(void)close(s);
	}
	for (int i = 0; i < PATIENCE_MS / 5; i++) {
		assert_int_equal(tcgetattr(tty.slave, &after), 0);
		if (after.c_lflag == before.c_lflag)
			break;
		(void)usleep(5000);
	}
	expect_same(&before, &after);
	assert_int_equal(ended(&tty), key ? 0 : 128 + signal);
}

static void test_q_ends_it_and_the_terminal_is_as_it_was(void **state)
{
	(void)state;
	end_by('q', 0);
}

static void test_ctrl_c_ends_it(void **state)
{
	(void)state;
	end_by('\003', 0);
}

static void test_a_signal_ends_it_when_the_terminal_is_as_it_was(void **state)
{
	(void)state;
	end_by(0, SIGTERM);
	end_by(0, SIGINT);
	end_by(0, SIGHUP);
}

static void test_other_keys_do_not(void **state)
{
	struct tty tty;

	(void)state;
	start(&tty);
	assert_true(shows(&tty, "third"));
	assert_int_equal(write(tty.master, "x\r \033", 4), 4);
	tty.nr_seen = 0;
	tty.seen[0] = '\0';
	assert_true(shows(&tty, "third"));
	assert_int_equal(waitpid(tty.child, NULL, WNOHANG), 0);
	assert_int_equal(write(tty.master, "aq", 2), 2);
	assert_true(shows(&tty, "\033[?1049l"));
	assert_int_equal(ended(&tty), 0);
}

/* At once, and not with the next page. */
static void test_a_terminal_of_another_size_is_filled_anew(void **state)
{
	const struct winsize wider = { .ws_row = 3, .ws_col = 40 };
	struct tty tty;

	(void)state;
	step_ms = PATIENCE_MS;
	start(&tty);
	assert_true(shows(&tty, "third"));
	assert_null(strstr(tty.seen, "too long"));
	assert_int_equal(ioctl(tty.master, TIOCSWINSZ, &wider), 0);
	/* The kernel tells the terminal's foreground processes, which this one is not. */
	assert_int_equal(kill(tty.child, SIGWINCH), 0);
	assert_true(shows(&tty, "second line, which is too long\r\nthird"));
	assert_int_equal(write(tty.master, "q", 1), 1);
	assert_true(shows(&tty, "\033[?1049l"));
	assert_int_equal(ended(&tty), 0);
}

static void test_only_a_terminal_has_columns(void **state)
{
	static const struct {
		const char *text;
		size_t columns;
	} given[] = {
		{ "100", 100 }, { "", 0 },   { "wide", 0 },
		{ "80x", 0 },	{ "-1", 0 }, { "99999999999999999999", 0 },
	};
	const struct winsize size = { .ws_row = 3, .ws_col = 20 };
	int master, slave, fds[2];

	(void)state;
	assert_int_equal(unsetenv("COLUMNS"), 0);
	assert_int_equal(openpty(&master, &slave, NULL, NULL, &size), 0);
	assert_int_equal(screen_columns(slave), 20);
	(void)close(master);
	(void)close(slave);
	/* One that does not say. */
	assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
	assert_int_equal(screen_columns(slave), 80);
	(void)close(master);
	(void)close(slave);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(screen_columns(fds[1]), 0);
	/* It is somebody's who shows it: watch(1) says so. */
	for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++) {
		assert_int_equal(setenv("COLUMNS", given[i].text, 1), 0);
		assert_int_equal(screen_columns(fds[1]), given[i].columns);
	}
	assert_int_equal(unsetenv("COLUMNS"), 0);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

static void test_text_is_folded_between_words(void **state)
{
	static const struct {
		struct screen_fold fold;
		const char *text, *want;
	} cases[] = {
		{ { 0, 5, 5 }, "one two three four", "one two three four\n" },
		{ { 12, 4, 4 }, "one two three four", "one two\n    three\n    four\n" },
		{ { 12, 8, 2 }, "one two three four", "one\n  two three\n  four\n" },
		{ { 6, 0, 2 }, "a longwordhere b", "a\n  longwordhere\n  b\n" },
		{ { 12, 4, 4 }, "", "\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char got[64] = "";
		FILE *out = fmemopen(got, sizeof(got), "w");

		screen_print_folded(&cases[i].fold, cases[i].text, out);
		assert_int_equal(fclose(out), 0);
		assert_string_equal(got, cases[i].want);
	}
}

static int make(void **state)
{
	(void)state;
	step_ms = 50;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_q_ends_it_and_the_terminal_is_as_it_was, make),
		cmocka_unit_test_setup(test_ctrl_c_ends_it, make),
		cmocka_unit_test_setup(test_a_signal_ends_it_when_the_terminal_is_as_it_was, make),
		cmocka_unit_test_setup(test_other_keys_do_not, make),
		cmocka_unit_test_setup(test_a_terminal_of_another_size_is_filled_anew, make),
		cmocka_unit_test(test_only_a_terminal_has_columns),
		cmocka_unit_test(test_text_is_folded_between_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
