// SPDX-License-Identifier: MIT
/*
 * A terminal that shows one page of text. No locks: one thread.
 */
#include "vmm/cli/screen.h"

#include <assert.h>
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
#define COLUMNS_MAX	9999u

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
	sigaddset(&set, SIGWINCH);
	(void)sigprocmask(how, &set, NULL);
}

/* They are blocked. */
static int open_signals(struct screen *screen)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGWINCH);
	screen->resized = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (screen->resized < 0)
		return -errno;
	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(ending); i++)
		sigaddset(&set, ending[i]);
	screen->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return screen->signals < 0 ? -errno : 0;
}

static void close_signals(struct screen *screen)
{
	cleanup_fd(&screen->signals);
	cleanup_fd(&screen->resized);
	block_signals(SIG_UNBLOCK);
}

int screen_init(struct screen *screen)
{
	int r;

	*screen = (struct screen){ .signals = -1, .resized = -1 };
	block_signals(SIG_BLOCK);
	r = open_signals(screen);
	if (r == 0)
		r = term_init(&screen->term);
	if (r < 0) {
		close_signals(screen);
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
	close_signals(screen);
}

/* How much of a line of len bytes, which has a blank or an end behind each word, is shown. */
static size_t whole_words(const char *line, size_t len, size_t columns)
{
	size_t shown = columns - 1; /* one is for the '>' */

	assert(len > columns);
	while (shown && line[shown - 1] != ' ')
		shown--;
	return shown;
}

char *screen_cut(const char *text, size_t rows, size_t columns)
{
	char *out = malloc(2 * strlen(text) + 1), *at = out;
	size_t row = 0;

	if (!out)
		return NULL;
	for (; *text && row < rows; row++) {
		size_t len = strcspn(text, "\n");
		bool fits = len <= columns;
		size_t shown = fits ? len : columns ? whole_words(text, len, columns) : 0;

		if (row) {
			*at++ = '\r';
			*at++ = '\n';
		}
		memcpy(at, text, shown);
		at += shown;
		if (!fits && columns)
			*at++ = '>';
		text += len + (text[len] == '\n');
	}
	*at = '\0';
	return out;
}

/* False: fd is no terminal. */
static bool size_of(int fd, size_t *ret_rows, size_t *ret_columns)
{
	struct winsize size = { 0 };
	bool is_terminal = ioctl(fd, TIOCGWINSZ, &size) == 0;

	*ret_rows = size.ws_row ? size.ws_row : DEFAULT_ROWS;
	*ret_columns = size.ws_col ? size.ws_col : DEFAULT_COLUMNS;
	return is_terminal;
}

static size_t columns_of_environment(void)
{
	const char *text = getenv("COLUMNS");
	char *end = NULL;
	unsigned long columns = text ? strtoul(text, &end, 10) : 0;

	return text && end != text && !*end && columns <= COLUMNS_MAX ? columns : 0;
}

size_t screen_columns(int fd)
{
	size_t rows, columns;

	return size_of(fd, &rows, &columns) ? columns : columns_of_environment();
}

void screen_print_folded(const struct screen_fold *fold, const char *text, FILE *out)
{
	size_t at = fold->at;
	bool is_first = true;

	while (*text) {
		size_t len = strcspn(text, " ");

		if (!is_first && fold->columns && at + 1 + len > fold->columns) {
			(void)fprintf(out, "\n%*s", (int)fold->indent, "");
			at = fold->indent;
		} else if (!is_first) {
			(void)fputc(' ', out);
			at++;
		}
		(void)fwrite(text, 1, len, out);
		at += len;
		text += len + (text[len] == ' ');
		is_first = false;
	}
	(void)fputc('\n', out);
}

void screen_show(const char *text)
{
	_cleanup_free_ char *cut = NULL;
	size_t rows, columns;

	(void)size_of(STDOUT_FILENO, &rows, &columns);
	cut = screen_cut(text, rows, columns);
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

static bool is_resized(struct screen *screen)
{
	struct signalfd_siginfo info;

	return read(screen->resized, &info, sizeof(info)) == sizeof(info);
}

/* Has the user typed that this is the end, or is nobody there any more? */
static bool is_ended_by_key(void)
{
	char keys[16];
	ssize_t n = read(STDIN_FILENO, keys, sizeof(keys));

	if (n <= 0)
		return n == 0 || errno != EINTR;
	for (ssize_t i = 0; i < n; i++)
		if (is_end(keys[i]))
			return true;
	return false;
}

enum screen_event screen_wait(struct screen *screen, int timeout_ms)
{
	struct pollfd fds[] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = screen->signals, .events = POLLIN },
		{ .fd = screen->resized, .events = POLLIN },
	};

	if (poll(fds, ARRAY_SIZE(fds), timeout_ms) <= 0)
		return SCREEN_TIME;
	if (fds[1].revents || (fds[0].revents && is_ended_by_key()))
		return SCREEN_END;
	return fds[2].revents && is_resized(screen) ? SCREEN_RESIZED : SCREEN_TIME;
}
