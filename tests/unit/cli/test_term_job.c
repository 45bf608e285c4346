// SPDX-License-Identifier: MIT
/*
 * The terminal of a job: a shell's, who has it while the job is in the background, and the job's,
 * who has it raw, in the foreground. On a real one, with a session of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "vmm/base/signals.h"
#include "vmm/cli/term.h"

#define PATIENCE_MS 60000

/* What the job does when the shell sends a word; it answers with a word. */
enum word { LOOK = 'l', READ = 'r', FINISH = 'f', YES = 'y', NO = 'n', NOTHING = '0' };

struct shell {
	pid_t job;
	int to, from; /* the job */
};

#define MUST(condition)                            \
	do {                                       \
		if (!(condition)) {                \
			(void)kill(0, SIGKILL);    \
			_exit(__LINE__ % 200 + 1); \
		}                                  \
	} while (0)

static bool is_raw(void)
{
	struct termios now;

	return tcgetattr(STDIN_FILENO, &now) == 0 && !(now.c_lflag & (ICANON | ECHO | ISIG));
}

/* ---- the job --------------------------------------------------------------------------- */

static char answer(struct term *t, char word)
{
	char key;

	switch (word) {
	case LOOK:
		return term_look(t) ? YES : NO;
	case READ:
		return read(STDIN_FILENO, &key, 1) == 1 ? key : errno == EIO ? NOTHING : '?';
	default:
		term_fini(t);
		return YES;
	}
}

static _Noreturn void be_the_job(int in, int out)
{
	int signals = signals_open_job();
	struct term t;
	struct pollfd fds[] = {
		{ .fd = in, .events = POLLIN },
		{ .fd = signals, .events = POLLIN },
	};
	char word = NOTHING;

	if (signals < 0 || term_init_job(&t) != 0 || !t.is_tty || write(out, "b", 1) != 1)
		_exit(97);
	while (word != FINISH) {
		if (poll(fds, 2, PATIENCE_MS) <= 0)
			_exit(96);
		if (fds[1].revents) {
			term_take_signal(&t, signals_take(signals));
			continue;
		}
		if (read(in, &word, 1) != 1)
			_exit(95);
		{
			char said = answer(&t, word);

			if (write(out, &said, 1) != 1)
				_exit(94);
		}
	}
	_exit(0);
}

/* ---- the shell ------------------------------------------------------------------------- */

static char ask(const struct shell *sh, char word)
{
	struct pollfd fd = { .fd = sh->from, .events = POLLIN };
	char said = '?';

	MUST(write(sh->to, &word, 1) == 1);
	MUST(poll(&fd, 1, PATIENCE_MS) == 1);
	MUST(read(sh->from, &said, 1) == 1);
	return said;
}

static void start_job(struct shell *sh, bool in_front)
{
	int to[2], from[2];
	char began;

	MUST(pipe(to) == 0 && pipe(from) == 0);
	sh->job = fork();
	MUST(sh->job >= 0);
	if (sh->job == 0) {
		(void)setpgid(0, 0);
		(void)signal(SIGTTOU, SIG_IGN);
		if (in_front)
			(void)tcsetpgrp(STDIN_FILENO, getpid());
		(void)signal(SIGTTOU, SIG_DFL);
		be_the_job(to[0], from[1]);
	}
	(void)setpgid(sh->job, sh->job);
	sh->to = to[1];
	sh->from = from[0];
	MUST(read(sh->from, &began, 1) == 1);
}

static void give_terminal(pid_t group)
{
	MUST(tcsetpgrp(STDIN_FILENO, group) == 0);
}

static void expect_end(const struct shell *sh)
{
	int status;

	MUST(ask(sh, FINISH) == YES);
	MUST(waitpid(sh->job, &status, 0) == sh->job);
	MUST(status == 0);
}

static void expect_stop(const struct shell *sh)
{
	int status;

	MUST(waitpid(sh->job, &status, WUNTRACED) == sh->job);
	MUST(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
}

/* A session of its own on a new terminal, whose other end nobody reads. */
static void run_shell(void (*body)(int master))
{
	int master, slave, status;
	pid_t child;

	assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		MUST(setsid() >= 0);
		MUST(ioctl(slave, TIOCSCTTY, 0) == 0);
		MUST(dup2(slave, STDIN_FILENO) == STDIN_FILENO);
		(void)signal(SIGTTOU, SIG_IGN); /* as shells do */
		body(master);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	(void)close(master);
	(void)close(slave);
}

/* itsy run &, fg, and its end */
static void body_background(int master)
{
	struct shell sh;

	start_job(&sh, false);
	MUST(!is_raw());
	MUST(ask(&sh, LOOK) == NO);
	MUST(!is_raw());
	/* What is typed is the shell's, also where the job would read. */
	MUST(write(master, "k", 1) == 1);
	MUST(ask(&sh, READ) == NOTHING);
	give_terminal(sh.job);
	MUST(ask(&sh, LOOK) == YES);
	MUST(is_raw());
	expect_end(&sh);
	MUST(!is_raw());
}

static void test_a_job_in_the_background_leaves_the_terminal_alone_until_fg(void **state)
{
	(void)state;
	run_shell(body_background);
}

/* kill -TSTP, bg, fg */
static void body_stop(int master)
{
	struct shell sh;

	(void)master;
	start_job(&sh, true);
	MUST(is_raw());
	MUST(kill(sh.job, SIGTSTP) == 0);
	expect_stop(&sh);
	MUST(!is_raw());
	give_terminal(getpgrp());
	MUST(kill(sh.job, SIGCONT) == 0);
	MUST(ask(&sh, LOOK) == NO);
	MUST(!is_raw());
	give_terminal(sh.job);
	MUST(ask(&sh, LOOK) == YES);
	MUST(is_raw());
	give_terminal(getpgrp());
	MUST(ask(&sh, LOOK) == NO);
	expect_end(&sh);
}

static void test_a_job_that_is_stopped_puts_the_terminal_back_and_takes_it_again(void **state)
{
	(void)state;
	run_shell(body_stop);
}

/* kill -STOP, of which nobody hears: the shell sets the terminal for itself. */
static void body_hard_stop(int master)
{
	struct termios mine;
	struct shell sh;
	int status;

	(void)master;
	MUST(tcgetattr(STDIN_FILENO, &mine) == 0);
	start_job(&sh, true);
	MUST(kill(sh.job, SIGSTOP) == 0);
	MUST(waitpid(sh.job, &status, WUNTRACED) == sh.job);
	give_terminal(getpgrp());
	mine.c_cc[VINTR] = 7;
	MUST(tcsetattr(STDIN_FILENO, TCSANOW, &mine) == 0);
	give_terminal(sh.job);
	MUST(kill(sh.job, SIGCONT) == 0);
	MUST(ask(&sh, LOOK) == YES);
	MUST(is_raw());
	/* One that was not stopped changes nothing by SIGCONT. */
	MUST(kill(sh.job, SIGCONT) == 0);
	MUST(ask(&sh, LOOK) == YES);
	MUST(is_raw());
	expect_end(&sh);
	MUST(!is_raw());
	MUST(tcgetattr(STDIN_FILENO, &mine) == 0);
	MUST(mine.c_cc[VINTR] == 7);
}

static void test_what_others_set_meanwhile_is_what_comes_back(void **state)
{
	(void)state;
	run_shell(body_hard_stop);
}

/* Its end in the background is none of the terminal's business, nor a crash there. */
static void body_end_behind(int master)
{
	struct termios raw, mine;
	struct shell sh;
	int status;

	(void)master;
	MUST(tcgetattr(STDIN_FILENO, &mine) == 0);
	start_job(&sh, true);
	give_terminal(getpgrp());
	raw = mine;
	raw.c_lflag &= ~(tcflag_t)ICANON; /* a shell edits a line */
	MUST(tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0);
	MUST(kill(sh.job, SIGTERM) == 0);
	MUST(waitpid(sh.job, &status, 0) == sh.job);
	MUST(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	MUST(tcgetattr(STDIN_FILENO, &mine) == 0);
	MUST(!(mine.c_lflag & ICANON));
}

static void test_an_end_in_the_background_leaves_the_terminal_alone(void **state)
{
	(void)state;
	run_shell(body_end_behind);
}

/* A keeper that was started in front, and ends behind. */
static void body_keeper(int master)
{
	struct term_settings settings;
	struct termios now;

	(void)master;
	MUST(term_remember(&settings));
	MUST(tcgetattr(STDIN_FILENO, &now) == 0);
	now.c_lflag &= ~(tcflag_t)ECHO;
	MUST(tcsetattr(STDIN_FILENO, TCSANOW, &now) == 0);
	settings.group++; /* not the one in front */
	term_put_back(&settings);
	MUST(tcgetattr(STDIN_FILENO, &now) == 0 && !(now.c_lflag & ECHO));
	settings.group--;
	term_put_back(&settings);
	MUST(tcgetattr(STDIN_FILENO, &now) == 0 && (now.c_lflag & ECHO));
}

static void test_a_keeper_puts_back_what_is_its_own(void **state)
{
	(void)state;
	run_shell(body_keeper);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_job_in_the_background_leaves_the_terminal_alone_until_fg),
		cmocka_unit_test(
			test_a_job_that_is_stopped_puts_the_terminal_back_and_takes_it_again),
		cmocka_unit_test(test_what_others_set_meanwhile_is_what_comes_back),
		cmocka_unit_test(test_an_end_in_the_background_leaves_the_terminal_alone),
		cmocka_unit_test(test_a_keeper_puts_back_what_is_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
