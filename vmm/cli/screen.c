// SPDX-License-Identifier: MIT
/*
 * A terminal that shows one page of text. No locks: one thread.
 */
#include "vmm/cli/screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "vmm/base/bits.h"

#define ENTER "\033[?1049h\033[?25l"
#define LEAVE "\033[?25h\033[?1049l"
#define HOME  "\033[H\033[J"

#define DEFAULT_ROWS	24
#define DEFAULT_COLUMNS 80

static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

static void put(const char *text)
{
	size_t len = strlen(text);

	while (len) {
		ssize_t n = write(STDOUT_FILENO, text, len);

		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return; /* the terminal is gone: SIGHUP ends the program */
		text += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
}

static void block_signals(int how)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(ending); i++)
		sigaddset(&set, ending[i]);
	(void)sigprocmask(how, &set, NULL);
}

int screen_init(struct screen *screen)
{
	sigset_t set;
	int r;

	*screen = (struct screen){ .signals = -1 };
	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(ending); i++)
		sigaddset(&set, ending[i]);
	block_signals(SIG_BLOCK);
	screen->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	r = screen->signals < 0 ? -errno : term_init(&screen->term);
	if (r < 0) {
		cleanup_fd(&screen->signals);
		block_signals(SIG_UNBLOCK);
		return r;
	}
	put(ENTER);
	screen->on = true;
	return 0;
}

void screen_fini(struct screen *screen)
{
	if (!screen->on)
		return;
	screen->on = false;
	put(LEAVE);
	term_fini(&screen->term);
	cleanup_fd(&screen->signals);
	block_signals(SIG_UNBLOCK);
}

char *screen_cut(const char *text, size_t rows, size_t columns)
{
	char *out = malloc(2 * strlen(text) + 1), *at = out;
	size_t row = 0;

	if (!out)
		return NULL;
	for (; *text && row < rows; row++) {
		size_t len = strcspn(text, "\n"), shown = len < columns ? len : columns;

		if (row) {
			*at++ = '\r';
			*at++ = '\n';
		}
		memcpy(at, text, shown);
		at += shown;
		text += len + (text[len] == '\n');
	}
	*at = '\0';
	return out;
}

void screen_show(const char *text)
{
	struct winsize size = { 0 };
	bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row && size.ws_col;
	_cleanup_free_ char *cut = screen_cut(text, known ? size.ws_row : DEFAULT_ROWS,
					      known ? size.ws_col : DEFAULT_COLUMNS);

	if (!cut)
		return;
	put(HOME);
	put(cut);
}

/* The terminal is in raw mode, where Ctrl-c and Ctrl-d come as bytes. */
static bool is_end(char key)
{
	return key == 'q' || key == 'Q' || key == 'c' - 'a' + 1 || key == 'd' - 'a' + 1;
}

bool screen_wait(struct screen *screen, int timeout_ms)
{
	struct pollfd fds[] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = screen->signals, .events = POLLIN },
	};
	char keys[16];
	ssize_t n;

	if (poll(fds, ARRAY_SIZE(fds), timeout_ms) <= 0)
		return false;
	if (fds[1].revents)
		return true;
	n = read(STDIN_FILENO, keys, sizeof(keys));
	if (n <= 0)
		return n == 0 || errno != EINTR;
	for (ssize_t i = 0; i < n; i++)
		if (is_end(keys[i]))
			return true;
	return false;
}
