// SPDX-License-Identifier: MIT
/*
 * The terminal of the console.
 *
 * Documents: termios(3), signal-safety(7): tcsetattr() may be called by a handler.
 *
 * A handler has no argument for a context. One of the two variables that this
 * program has outside of functions is therefore here (vmm/base/log.c has the other): where
 * the settings are that must be put back. It is written before handlers are installed and cleared
 * after they are gone.
 *
 * Signals that somebody else handles already (an orderly end on SIGTERM) stay
 * theirs; SIGKILL and SIGSTOP cannot be helped.
 *
 * No locks: one terminal, one owner thread.
 */
#include "vmm/cli/term.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "vmm/base/bits.h"

#define CTRL_A 0x01u

static _Atomic(struct term *) term_to_restore;

static const int ending_signals[] = { SIGHUP,  SIGINT,	SIGQUIT, SIGILL,  SIGTRAP,
				      SIGABRT, SIGBUS,	SIGFPE,	 SIGSEGV, SIGTERM,
				      SIGPIPE, SIGALRM, SIGSYS,	 SIGXCPU, SIGXFSZ };

/* A terminal that controls nobody, or other sessions than ours, has no foreground for us. */
static bool is_in_front(pid_t group)
{
	pid_t front = tcgetpgrp(STDIN_FILENO);

	return front < 0 || front == group;
}

static void restore(void)
{
	struct term *t = atomic_load(&term_to_restore);

	if (t && t->raw && is_in_front(t->group))
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &t->saved);
}

/* SA_RESETHAND has put the default action back: raised again, the signal takes it. */
static void on_ending_signal(int signal)
{
	restore();
	(void)raise(signal);
}

static void catch_ending_signals(void)
{
	struct sigaction ours = { .sa_handler = on_ending_signal,
				  .sa_flags = (int)SA_RESETHAND | SA_NODEFER };

	/* SIGTTOU too: what goes to the background in this moment does not stop in its end. */
	(void)sigfillset(&ours.sa_mask);
	for (size_t i = 0; i < ARRAY_SIZE(ending_signals); i++) {
		struct sigaction old;

		(void)sigdelset(&ours.sa_mask, ending_signals[i]);
		if (sigaction(ending_signals[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
			(void)sigaction(ending_signals[i], &ours, NULL);
		(void)sigaddset(&ours.sa_mask, ending_signals[i]);
	}
}

static void release_ending_signals(void)
{
	const struct sigaction theirs = { .sa_handler = SIG_DFL };

	for (size_t i = 0; i < ARRAY_SIZE(ending_signals); i++) {
		struct sigaction now;

		if (sigaction(ending_signals[i], NULL, &now) == 0 &&
		    now.sa_handler == on_ending_signal)
			(void)sigaction(ending_signals[i], &theirs, NULL);
	}
}

/* Raw, as this program has it? Who continues a process that ran has changed nothing. */
static bool is_raw(const struct termios *now)
{
	struct termios raw = *now;

	cfmakeraw(&raw);
	return raw.c_iflag == now->c_iflag && raw.c_oflag == now->c_oflag &&
	       raw.c_cflag == now->c_cflag && raw.c_lflag == now->c_lflag;
}

static int make_raw(struct term *term)
{
	struct termios now, raw;

	if (tcgetattr(STDIN_FILENO, &now) < 0)
		return -errno;
	raw = now;
	cfmakeraw(&raw);
	if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) < 0)
		return -errno;
	if (!is_raw(&now))
		term->saved = now;
	term->raw = true;
	return 0;
}

static int hold(struct term *term)
{
	assert(term);
	assert(!atomic_load(&term_to_restore));

	*term = (struct term){ .is_tty = isatty(STDIN_FILENO) == 1, .group = getpgrp() };
	if (!term->is_tty)
		return 0;
	if (tcgetattr(STDIN_FILENO, &term->saved) < 0)
		return -errno;
	/* Each time: an exit handler cannot be withdrawn, and does nothing without a terminal. */
	if (atexit(restore) != 0)
		return -ENOMEM;
	atomic_store(&term_to_restore, term);
	catch_ending_signals();
	term->is_held = true;
	return 0;
}

int term_init(struct term *term)
{
	int r = hold(term);

	if (r == 0 && term->is_tty)
		r = make_raw(term);
	if (r < 0)
		term_fini(term);
	return r;
}

int term_init_job(struct term *term)
{
	int r = hold(term);

	if (r == 0 && term->is_tty && is_in_front(term->group))
		r = make_raw(term);
	if (r < 0)
		term_fini(term);
	return r;
}

void term_fini(struct term *term)
{
	assert(term);

	if (!term->is_held)
		return;
	restore();
	release_ending_signals();
	atomic_store(&term_to_restore, NULL);
	term->raw = false;
	term->is_held = false;
}

bool term_look(struct term *term)
{
	if (!term->is_tty)
		return true;
	if (!is_in_front(term->group))
		term->raw = false; /* who has it now has set it for himself */
	else if (!term->raw && make_raw(term) < 0)
		return false;
	return term->raw;
}

void term_take_signal(struct term *term, int signal)
{
	if (!term->is_held)
		return;
	if (signal == SIGTSTP)
		restore();
	term->raw = false;
	if (signal == SIGTSTP)
		(void)raise(SIGSTOP);
	(void)term_look(term);
}

static void print_keys(bool leaves)
{
	static const char *const keys[] = {
		"\r\nCtrl-a x       end the guest\r\n"
		"Ctrl-a a       send Ctrl-a\r\n"
		"Ctrl-a h       this\r\n",
		"\r\nCtrl-a d       leave the console\r\n"
		"Ctrl-a a       send Ctrl-a\r\n"
		"Ctrl-a h       this\r\n",
	};
	ssize_t n = write(STDERR_FILENO, keys[leaves], strlen(keys[leaves]));

	(void)n; /* help that cannot be shown is no failure */
}

/* The key after Ctrl-a. Returns true where it stands for a byte to the guest. */
static bool escaped_key(const struct term *term, uint8_t key, bool *ret_quit)
{
	const char quit = term->quit_key ? term->quit_key : 'x';

	switch (key) {
	case 'a':
	case CTRL_A:
		return true;
	case 'h':
	case '?':
		print_keys(quit != 'x');
		return false;
	default:
		*ret_quit |= tolower(key) == quit;
		return false;
	}
}

size_t term_filter(struct term *term, uint8_t *bytes, size_t nr, bool *ret_quit)
{
	size_t kept = 0;

	if (!term->is_tty)
		return nr;
	for (size_t i = 0; i < nr; i++) {
		if (term->escaped) {
			term->escaped = false;
			if (escaped_key(term, bytes[i], ret_quit))
				bytes[kept++] = CTRL_A;
		} else if (bytes[i] == CTRL_A) {
			term->escaped = true;
		} else {
			bytes[kept++] = bytes[i];
		}
	}
	return kept;
}

bool term_remember(struct term_settings *ret_settings)
{
	ret_settings->group = getpgrp();
	return isatty(STDIN_FILENO) == 1 && is_in_front(ret_settings->group) &&
	       tcgetattr(STDIN_FILENO, &ret_settings->settings) == 0;
}

void term_put_back(const struct term_settings *settings)
{
	if (is_in_front(settings->group))
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &settings->settings);
}
