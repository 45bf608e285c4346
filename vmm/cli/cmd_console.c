// SPDX-License-Identifier: MIT
/*
 * itsy console: be at the console of a running guest, and leave it again.
 *
 * The guest's process says where its console is. At a socket it lets one in; a pseudo-terminal is
 * taken by flock(2), which others of itsy's respect.
 *
 * No locks.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "vmm/base/bits.h"
#include "vmm/base/signals.h"
#include "vmm/cli/commands.h"
#include "vmm/cli/term.h"
#include "vmm/config/config_console.h"
#include "vmm/control/client.h"
#include "vmm/control/control_socket.h"
#include "vmm/control/json_member.h"
#include "vmm/dev/console_port.h"

struct console_command {
	const char *name;
	char where[160]; /* as the guest says it */
	int fd, signals;
	struct term term;
	struct failure failure;

	/* What came first, as long as that may be a refusal. */
	char first[160];
	size_t nr_first;
	bool is_in; /* it is none */
};

const struct command_line console_line = {
	.name = "console",
	.usage = "itsy console [OPTION]... NAME",
	.about = "Connects this terminal with the console of the running guest NAME; Ctrl-a d\n"
		 "leaves it. That has to be a socket or a pseudo-terminal (itsy run --console).\n",
};

/* ---- getting there ----------------------------------------------------------------------- */

static int ask_where(struct console_command *c)
{
	_cleanup_fd_ int fd = -1;
	json_t *reply;
	int r = client_open(CONTROL_DIR, c->name, &fd, &c->failure);

	if (r == 0)
		r = client_ask(fd, c->name, json_pack("{s:s}", "do", "info"), &reply, &c->failure);
	if (r < 0)
		return r;
	(void)snprintf(c->where, sizeof(c->where), "%s", member_string(reply, "console"));
	json_decref(reply);
	return 0;
}

static int in_use(struct console_command *c)
{
	return failure_set(&c->failure, ITSY_RUNTIME, EBUSY, c->name,
			   "one at a time can be there: leave it there, by Ctrl-a d",
			   "its console is in use");
}

static int cannot_reach(struct console_command *c, const char *path)
{
	return failure_set(&c->failure, ITSY_RUNTIME, errno, c->name,
			   errno == EACCES ? "use sudo, or be the user who runs the guest" : NULL,
			   "its console, %s, cannot be reached (%s)", path, strerror(errno));
}

static int connect_there(struct console_command *c, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return cannot_reach(c, path);
	}
	memcpy(address.sun_path, path, strlen(path));
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return cannot_reach(c, path);
	return 0;
}

static int open_there(struct console_command *c, const char *path)
{
	c->fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (c->fd < 0)
		return cannot_reach(c, path);
	if (flock(c->fd, LOCK_EX | LOCK_NB) < 0)
		return in_use(c);
	c->is_in = true;
	return 0;
}

static int go_there(struct console_command *c)
{
	const char *pty = "pty:", *path;

	/* The name of a pseudo-terminal is the guest's to say, and no value of the key. */
	if (strncmp(c->where, pty, strlen(pty)) == 0)
		return open_there(c, c->where + strlen(pty));
	if (config_console(c->where, &path) == CONSOLE_WISH_UNIX)
		return connect_there(c, path);
	return failure_set(&c->failure, ITSY_USAGE, EINVAL, c->name,
			   "start it with --console unix:PATH, or with --console pty",
			   "its console is %s, where nobody else can be",
			   c->where[0] ? c->where : "stdio");
}

/* ---- being there --------------------------------------------------------------------------- */

static int write_all(int fd, const void *bytes, size_t nr)
{
	for (const char *p = bytes; nr;) {
		ssize_t n = write(fd, p, nr);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		nr -= (size_t)n;
	}
	return 0;
}

/* A refusal is one line, and the connection's end behind it. */
static int show(struct console_command *c, const char *bytes, size_t nr)
{
	const size_t len = strlen(CONSOLE_REFUSED);
	size_t nr_new = nr < sizeof(c->first) - c->nr_first ? nr : sizeof(c->first) - c->nr_first;

	if (c->is_in)
		return write_all(STDOUT_FILENO, bytes, nr);
	memcpy(c->first + c->nr_first, bytes, nr_new);
	c->nr_first += nr_new;
	if (strncmp(c->first, CONSOLE_REFUSED, c->nr_first < len ? c->nr_first : len) == 0 &&
	    c->nr_first < sizeof(c->first))
		return 0;
	c->is_in = true;
	return write_all(STDOUT_FILENO, c->first, c->nr_first) < 0
		       ? -EIO
		       : write_all(STDOUT_FILENO, bytes + nr_new, nr - nr_new);
}

/* 1: it is over. */
static int take_output(struct console_command *c)
{
	char bytes[4096];
	ssize_t n = read(c->fd, bytes, sizeof(bytes));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n > 0)
		return show(c, bytes, (size_t)n) < 0;
	if (!c->is_in && c->nr_first >= strlen(CONSOLE_REFUSED))
		return in_use(c);
	report_notice("%s: its console is closed: the guest has ended", c->name);
	return 1;
}

static int take_keys(struct console_command *c, bool *ret_ended)
{
	uint8_t keys[256];
	ssize_t n = read(STDIN_FILENO, keys, sizeof(keys));
	bool leave = false;
	size_t nr;

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n <= 0) {
		*ret_ended = true; /* what the guest prints is shown all the same */
		return 0;
	}
	nr = term_filter(&c->term, keys, (size_t)n, &leave);
	if (write_all(c->fd, keys, nr) < 0)
		return 0; /* reading says what has become of it */
	return leave;
}

/* Until it is left, or over. */
static int be_there(struct console_command *c)
{
	bool ended = false;
	int r = 0;

	while (r == 0) {
		struct pollfd fds[] = {
			{ .fd = c->fd, .events = POLLIN },
			{ .fd = ended ? -1 : STDIN_FILENO, .events = POLLIN },
			{ .fd = c->signals, .events = POLLIN },
		};

		if (poll(fds, ARRAY_SIZE(fds), -1) < 0)
			continue;
		if (fds[2].revents && signals_take(c->signals))
			r = 1;
		if (r == 0 && fds[0].revents)
			r = take_output(c);
		if (r == 0 && fds[1].revents)
			r = take_keys(c, &ended);
	}
	return r < 0 ? r : 0;
}

static int run(struct console_command *c)
{
	int r = ask_where(c);

	if (r == 0)
		r = go_there(c);
	if (r < 0)
		return r;
	c->signals = signals_open();
	r = term_init(&c->term);
	if (r < 0)
		return failure_set(&c->failure, ITSY_RUNTIME, -r, "terminal", NULL,
				   "cannot be set up (%s)", strerror(-r));
	c->term.quit_key = 'd';
	report_notice("%s: this is its console; Ctrl-a d leaves it, Ctrl-a h helps", c->name);
	r = be_there(c);
	term_fini(&c->term);
	return r;
}

enum exit_status cmd_console(int argc, char **argv)
{
	struct console_command c = { .fd = -1, .signals = -1 };
	struct words words;
	int r = options_parse(&console_line, argc, argv, &c, &words);

	if (r == 0 && words.nr != 1)
		r = words.nr ? option_error(&console_line, "it takes one guest, and '%s' is more",
					    words.list[1])
			     : option_error(&console_line,
					    "no guest is named (itsy list lists them)");
	if (r)
		return r < 0 ? ITSY_USAGE : ITSY_OK;
	c.name = words.list[0];
	r = run(&c);
	cleanup_fd(&c.signals);
	cleanup_fd(&c.fd);
	return r < 0 ? report_failure(&c.failure) : ITSY_OK;
}
