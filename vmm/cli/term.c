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
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "vmm/base/bits.h"

#define CTRL_A 0x01u

static _Atomic(struct term *) term_to_restore;

static const int ending_signals[] = { SIGHUP,  SIGINT,	SIGQUIT, SIGILL,  SIGTRAP,
				      SIGABRT, SIGBUS,	SIGFPE,	 SIGSEGV, SIGTERM,
				      SIGPIPE, SIGALRM, SIGSYS,	 SIGXCPU, SIGXFSZ };

static void restore(void)
{
	struct term *t = atomic_load(&term_to_restore);

	if (t)
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

	/* SIGTTOU too: a job in the background may still put its terminal back. */
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

int term_init(struct term *term)
{
	struct termios raw;

	assert(term);
	assert(!atomic_load(&term_to_restore));

	*term = (struct term){ .is_tty = isatty(STDIN_FILENO) == 1 };
	if (!term->is_tty)
		return 0;
	if (tcgetattr(STDIN_FILENO, &term->saved) < 0)
		return -errno;
	/* Each time: an exit handler cannot be withdrawn, and does nothing without a terminal. */
	if (atexit(restore) != 0)
		return -ENOMEM;
	atomic_store(&term_to_restore, term);
	catch_ending_signals();

	raw = term->saved;
	cfmakeraw(&raw);
	if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) < 0) {
		int error = errno;

		release_ending_signals();
		atomic_store(&term_to_restore, NULL);
		return -error;
	}
	term->raw = true;
	return 0;
}

void term_fini(struct term *term)
{
	assert(term);

	if (!term->raw)
		return;
	restore();
	release_ending_signals();
	atomic_store(&term_to_restore, NULL);
	term->raw = false;
}

static void print_keys(void)
{
	static const char keys[] = "\r\nCtrl-a x       end the guest\r\n"
				   "Ctrl-a a       send Ctrl-a\r\n"
				   "Ctrl-a h       this\r\n";
	ssize_t n = write(STDERR_FILENO, keys, sizeof(keys) - 1);

	(void)n; /* help that cannot be shown is no failure */
}

/* The key after Ctrl-a. Returns true where it stands for a byte to the guest. */
static bool escaped_key(uint8_t key, bool *ret_quit)
{
	switch (key) {
	case 'x':
	case 'X':
		*ret_quit = true;
		return false;
	case 'a':
	case CTRL_A:
		return true;
	case 'h':
	case '?':
		print_keys();
		return false;
	default:
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
			if (escaped_key(bytes[i], ret_quit))
				bytes[kept++] = CTRL_A;
		} else if (bytes[i] == CTRL_A) {
			term->escaped = true;
		} else {
			bytes[kept++] = bytes[i];
		}
	}
	return kept;
}

bool term_remember(struct termios *ret_settings)
{
	return isatty(STDIN_FILENO) == 1 && tcgetattr(STDIN_FILENO, ret_settings) == 0;
}

/* Also from the background. */
void term_put_back(const struct termios *settings)
{
	sigset_t background, before;

	sigemptyset(&background);
	sigaddset(&background, SIGTTOU);
	(void)sigprocmask(SIG_BLOCK, &background, &before);
	(void)tcsetattr(STDIN_FILENO, TCSANOW, settings);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
}
