// SPDX-License-Identifier: MIT
/*
 * Where the guest's console is. Documents: unix(7), pts(4), poll(2).
 *
 * Choice: who is there and does not read holds the guest up, as a slow serial line would, and as
 * standard output always has; where nobody is there, output is dropped. A guest that nobody looks
 * at must not stop, and one that somebody looks at must not lose what he would see.
 *
 * Where people come and go, the last of what was printed is kept (console_history.h), and told to
 * who comes before anything new is: by main, as far as there is room, and by who writes next.
 *
 * A pseudo-terminal does not tell when somebody opens it: it is looked at now and then while nobody
 * has it open (poll(2) says POLLHUP at once, so that it cannot be waited for).
 *
 * Lock: one mutex, over who is there. Who writes has it while he waits for the reader; main takes
 * it to let one in where nobody is, or out who has gone, for whom nobody waits.
 */
#include "vmm/dev/console_port.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "vmm/base/bits.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/output.h"
#include "vmm/dev/console_history.h"

#define LOOK_MS 300

struct console_port {
	struct console_port_config cfg;
	enum console_wish kind;
	char *where; /* owned */
	int log;
	int listener;
	bool in_bytes; /* a write of more than one may wait where poll(2) says that it does not */
	bool deaf;     /* accept(2) failed for good */
	bool mute;     /* who is there types nothing more */

	pthread_mutex_t lock;
	int fd; /* who is there; -1: nobody. Written by main, with the lock; main reads it without
		 */
	/* Guarded by lock. */
	struct console_history *history; /* owned; NULL: nobody can come later */
	bool away;			 /* of a pseudo-terminal: nobody had it open */
};

/* ---- output ----------------------------------------------------------------------------- */

/* 1: it takes bytes; 0: it does not, or need not any more; -1: nobody is there. */
static int is_ready(int fd, bool wait, int stop)
{
	struct pollfd fds[] = {
		{ .fd = fd, .events = POLLOUT },
		{ .fd = wait ? stop : -1, .events = POLLIN },
	};
	int r;

	do {
		r = poll(fds, ARRAY_SIZE(fds), wait ? -1 : 0);
	} while (r < 0 && errno == EINTR);
	if (fds[0].revents & (POLLHUP | POLLERR | POLLNVAL))
		return -1;
	return r > 0 && !fds[1].revents;
}

/* With the lock. */
static size_t write_to_fd(const struct console_port *p, const uint8_t *bytes, size_t nr, bool wait,
			  int stop)
{
	size_t done = 0;
	int ready = 1;

	while (done < nr && (ready = is_ready(p->fd, wait, stop)) > 0) {
		ssize_t n = write(p->fd, bytes + done, p->in_bytes && !wait ? 1 : nr - done);

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return nr; /* he has gone, or the disk is full: a serial line cannot tell */
		done += n > 0 ? (size_t)n : 0;
	}
	return ready < 0 ? nr : done;
}

/* With the lock. What was printed before he came; true: all of it. */
static bool tell_history(struct console_port *p, bool wait, int stop)
{
	const uint8_t *bytes;
	size_t nr, done;

	while (p->history && (nr = console_history_next(p->history, &bytes)) > 0) {
		done = write_to_fd(p, bytes, nr, wait, stop);
		console_history_told(p->history, done);
		if (done < nr)
			return false;
	}
	return true;
}

static bool is_hung_up(int fd)
{
	struct pollfd look = { .fd = fd };

	return poll(&look, 1, 0) > 0 && (look.revents & POLLHUP);
}

/* With the lock. Is somebody there? Who has just opened a pseudo-terminal is told all. */
static bool look_who_is_there(struct console_port *p)
{
	const bool was_away = p->away;

	if (p->kind != CONSOLE_WISH_PTY)
		return p->fd >= 0;
	p->away = is_hung_up(p->fd);
	if (was_away && !p->away)
		console_history_rewind(p->history);
	return !p->away;
}

size_t console_port_write(struct console_port *p, const uint8_t *bytes, size_t nr, bool wait,
			  int stop)
{
	size_t done = nr;
	int r = pthread_mutex_lock(&p->lock);

	assert(r == 0);
	if (look_who_is_there(p))
		done = tell_history(p, wait, stop) ? write_to_fd(p, bytes, nr, wait, stop) : 0;
	/* Who waited waits no more. */
	if (p->history)
		console_history_add(p->history, bytes, wait ? nr : done);
	r = pthread_mutex_unlock(&p->lock);
	assert(r == 0);
	return done;
}

/*
 * By main: tell what is left to be told, as far as there is room. True: there is more. Who has the
 * lock does it himself, and may wait for the reader.
 */
static bool go_on_telling(struct console_port *p)
{
	bool more = false;
	int r;

	if (!p->history || p->fd < 0 || pthread_mutex_trylock(&p->lock) != 0)
		return false;
	if (look_who_is_there(p))
		more = !tell_history(p, false, -1);
	r = pthread_mutex_unlock(&p->lock);
	assert(r == 0);
	return more;
}

void console_port_log(const struct console_port *p, const uint8_t *bytes, size_t nr)
{
	ssize_t n = p->log < 0 ? 0 : write(p->log, bytes, nr);

	(void)n; /* a disk that is full is no reason to end a guest */
}

/* ---- who comes and goes --------------------------------------------------------------- */

static void set_fd(struct console_port *p, int fd)
{
	int r = pthread_mutex_lock(&p->lock);

	assert(r == 0);
	if (p->fd >= 0)
		(void)close(p->fd);
	p->fd = fd;
	p->mute = false;
	if (p->history)
		console_history_rewind(p->history);
	r = pthread_mutex_unlock(&p->lock);
	assert(r == 0);
}

static void refuse(const struct console_port *p, int fd)
{
	char text[160];
	int len =
		snprintf(text, sizeof(text),
			 CONSOLE_REFUSED "%s is in use: one at a time can be there\n", p->cfg.name);
	ssize_t n = send(fd, text, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT);

	(void)n; /* then he sees his connection closed, and no reason */
	(void)close(fd);
}

static void let_in(struct console_port *p)
{
	int fd = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0 && p->fd >= 0)
		refuse(p, fd);
	else if (fd >= 0)
		set_fd(p, fd);
	else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
		p->deaf = true; /* poll() would say so again at once */
}

int console_port_fds(struct console_port *p, bool keys, struct pollfd fds[CONSOLE_PORT_FDS])
{
	const bool has_keys = p->kind == CONSOLE_WISH_UNIX || p->kind == CONSOLE_WISH_PTY;
	const bool more = go_on_telling(p);
	short events = more ? POLLOUT : 0;

	if (keys && !p->mute)
		events |= POLLIN;
	fds[0] = (struct pollfd){ .fd = p->deaf ? -1 : p->listener, .events = POLLIN };
	/* Who has gone has typed before: he is not let out before there was room for it. */
	fds[1] = (struct pollfd){ .fd = has_keys && (keys || p->mute || more) ? p->fd : -1,
				  .events = events };
	if (p->kind != CONSOLE_WISH_PTY || !is_hung_up(p->fd))
		return -1;
	fds[1].fd = -1;
	return LOOK_MS;
}

size_t console_port_serve(struct console_port *p, const struct pollfd fds[CONSOLE_PORT_FDS],
			  uint8_t *bytes, size_t room)
{
	const bool is_read = p->mute || (fds[1].events & POLLIN);
	const bool hung_up = is_read && (fds[1].revents & (POLLHUP | POLLERR));
	ssize_t n = 0;

	if ((fds[1].revents & POLLIN) && room) {
		n = read(p->fd, bytes, room);
		p->mute = n == 0; /* but he may read */
	}
	if (p->kind == CONSOLE_WISH_UNIX && hung_up && n <= 0)
		set_fd(p, -1);
	if (fds[0].revents)
		let_in(p);
	return n > 0 ? (size_t)n : 0;
}

/* ---- set-up --------------------------------------------------------------------------- */

static int open_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0666);

	return fd < 0 ? -errno : fd;
}

static int file_failed(struct failure *ret_failure, const char *path, int r)
{
	return r < 0 ? output_failed(ret_failure, path, -r) : 0;
}

/* Raw from the beginning, and as long as this side of it is open, whoever opens the other one. */
static int open_pty(struct console_port *p)
{
	struct termios raw;
	char name[64];
	_cleanup_fd_ int other = -1;

	p->fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	if (p->fd < 0 || grantpt(p->fd) < 0 || unlockpt(p->fd) < 0 ||
	    ptsname_r(p->fd, name, sizeof(name)) != 0)
		return -errno;
	other = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (other < 0 || tcgetattr(other, &raw) < 0)
		return -errno;
	cfmakeraw(&raw);
	if (tcsetattr(other, TCSANOW, &raw) < 0)
		return -errno;
	return asprintf(&p->where, "pty:%s", name) < 0 ? -ENOMEM : 0;
}

/* Somebody serves it: -EADDRINUSE. The socket of one who has died goes. */
static int make_room(const struct sockaddr_un *address)
{
	_cleanup_fd_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;

	if (lstat(address->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
	    errno != ECONNREFUSED)
		return -EADDRINUSE;
	return unlink(address->sun_path) < 0 ? -errno : 0;
}

static int listen_at(struct console_port *p, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_fd_ int fd = -1;
	int r;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	r = make_room(&address);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* bind(2) makes the file with the descriptor's mode: nobody else can connect, ever. */
	if (fd < 0 || fchmod(fd, 0600) < 0 ||
	    bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	p->listener = TAKE_FD(fd); /* from here on the file is ours to take away */
	return listen(p->listener, 4) < 0 ? -errno : 0;
}

static int open_kind(struct console_port *p, const char *path, struct failure *ret_failure)
{
	int r = 0;

	switch (p->kind) {
	case CONSOLE_WISH_STDIO:
		p->fd = STDOUT_FILENO;
		break;
	case CONSOLE_WISH_FILE:
		p->fd = open_file(path);
		return file_failed(ret_failure, path, p->fd);
	case CONSOLE_WISH_PTY:
		r = open_pty(p);
		if (r < 0)
			return failure_set(ret_failure, ITSY_ENVIRONMENT, -r, "console",
					   "mount /dev/pts, or use console = \"unix:PATH\"",
					   "no pseudo-terminal can be made (%s)", strerror(-r));
		break;
	case CONSOLE_WISH_UNIX:
		r = listen_at(p, path);
		if (r < 0)
			return failure_set(
				ret_failure, ITSY_ENVIRONMENT, -r, path,
				r == -EADDRINUSE ? "name another path, or end who serves it"
						 : "name another path",
				"no socket for the console can be made there (%s)", strerror(-r));
		break;
	default:
		break;
	}
	return 0;
}

/*
 * Where a pipe can be written to, it takes a page (pipe(7)), and a file always does; a terminal or
 * a socket that is not ours may have room for one byte alone.
 */
static bool is_narrow(int fd)
{
	struct stat st;

	return isatty(fd) == 1 || (fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode));
}

int console_port_of(int fd, struct console_port **ret_port)
{
	struct console_port *p = calloc(1, sizeof(*p));

	if (!p || pthread_mutex_init(&p->lock, NULL) != 0) {
		free(p);
		return -ENOMEM;
	}
	p->fd = fd;
	p->listener = p->log = -1;
	p->in_bytes = is_narrow(fd);
	*ret_port = p;
	return 0;
}

static void console_port_destroyp(struct console_port **p)
{
	console_port_destroy(*p, true);
}

int console_port_create(const struct console_port_config *config, struct console_port **ret_port,
			struct failure *ret_failure)
{
	_cleanup_(console_port_destroyp) struct console_port *p = calloc(1, sizeof(*p));
	const char *path;
	int r;

	if (!p || pthread_mutex_init(&p->lock, NULL) != 0)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, ENOMEM, "console", NULL,
				   "out of memory");
	p->cfg = *config;
	p->fd = p->listener = p->log = -1;
	p->kind = config_console(config->value, &path);
	if (config->log) {
		p->log = open_file(config->log);
		if (p->log < 0)
			return file_failed(ret_failure, config->log, p->log);
	}
	r = open_kind(p, path, ret_failure);
	if (r < 0)
		return r;
	p->away = p->kind == CONSOLE_WISH_PTY;
	if (p->kind == CONSOLE_WISH_UNIX || p->kind == CONSOLE_WISH_PTY)
		r = console_history_create(&p->history);
	if (r < 0)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, ENOMEM, "console", NULL,
				   "out of memory");
	if (!p->where)
		p->where = strdup(config->value ? config->value : "stdio");
	if (!p->where)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, ENOMEM, "console", NULL,
				   "out of memory");
	p->in_bytes = p->kind == CONSOLE_WISH_STDIO && is_narrow(p->fd);
	*ret_port = TAKE_PTR(p);
	return 0;
}

void console_port_destroy(struct console_port *p, bool is_ours)
{
	const char *path;

	if (!p)
		return;
	if (is_ours && p->listener >= 0 && config_console(p->cfg.value, &path) == CONSOLE_WISH_UNIX)
		(void)unlink(path);
	if (p->kind != CONSOLE_WISH_STDIO)
		cleanup_fd(&p->fd);
	cleanup_fd(&p->listener);
	cleanup_fd(&p->log);
	console_history_destroy(p->history);
	(void)pthread_mutex_destroy(&p->lock);
	free(p->where);
	free(p);
}

enum console_wish console_port_kind(const struct console_port *p)
{
	return p->kind;
}

const char *console_port_where(const struct console_port *p)
{
	return p->where;
}
