// SPDX-License-Identifier: MIT
/*
 * The control socket, unix(7).
 *
 * Beside NAME.sock lies NAME.lock. A process holds it (flock(2)) as long as it serves
 * that name, and writes its process ID there, and what it is at. So the socket of a process that
 * died, which lies there still, can be told from one that is served, and of two processes that
 * start at the same time one gets the name.
 *
 * No mutex: all is done by one thread. Requests are read and answered in
 * vmm/control/control_proto.c.
 */
#include "vmm/control/control_socket.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "vmm/base/bits.h"

#define PATH_SZ (sizeof(((struct sockaddr_un *)NULL)->sun_path))

struct client {
	int fd; /* -1: free */
	char in[CONTROL_LINE_MAX];
	size_t nr_in;
	struct control_files files; /* owned: that came since the last request */
	char *out;		    /* owned: an answer that is not all sent yet; NULL: none */
	size_t out_len, out_at;
	bool last; /* the connection is closed after this answer */
};

struct control_socket {
	struct control_socket_config cfg; /* dir and name are not used after creation */
	char socket_path[PATH_SZ], lock_path[PATH_SZ];
	int lock;     /* NAME.lock, flock()ed */
	int pid;      /* of the process that made it */
	int listener; /* -1: not bound */
	bool deaf;    /* accept() failed for good: no more clients */
	struct client clients[CONTROL_MAX_CLIENTS];
};

/* ---- clients --------------------------------------------------------------------- */

static void drop_files(struct client *client)
{
	for (size_t i = 0; i < CONTROL_MAX_FILES; i++)
		cleanup_fd(&client->files.fd[i]);
}

/* Nothing is in it yet, and 0 is a file. */
static void make_free(struct client *client)
{
	*client = (struct client){ .fd = -1 };
	for (size_t i = 0; i < CONTROL_MAX_FILES; i++)
		client->files.fd[i] = -1;
}

static void let_go(struct client *client)
{
	cleanup_fd(&client->fd);
	drop_files(client);
	free(client->out);
	make_free(client);
}

static const char *end_of_line(const struct client *client)
{
	return memchr(client->in, '\n', client->nr_in);
}

/* Send as much of the answer as the socket takes; the rest when poll() says so. */
static void send_answer(struct client *client)
{
	ssize_t n = send(client->fd, client->out + client->out_at, client->out_len - client->out_at,
			 MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		let_go(client);
		return;
	}
	client->out_at += (size_t)n;
	if (client->out_at < client->out_len)
		return;
	free(client->out);
	client->out = NULL;
	if (client->last)
		let_go(client);
}

static void begin_answer(struct client *client, char *answer, size_t len)
{
	if (!answer) {
		let_go(client);
		return;
	}
	client->out = answer;
	client->out_len = len;
	client->out_at = 0;
	send_answer(client);
}

/* Answer the first request that has come as a whole, if one has. */
static void run_line(const struct control_socket *control, struct client *client)
{
	const char *end = end_of_line(client);
	size_t len, answer_len = 0;
	char *answer;

	if (!end)
		return;
	len = (size_t)(end - client->in);
	answer = control_answer_with(client->in, len, &client->files, control->cfg.verbs,
				     control->cfg.nr_verbs, control->cfg.ctx, &answer_len);
	drop_files(client);
	client->nr_in -= len + 1;
	memmove(client->in, client->in + len + 1, client->nr_in);
	begin_answer(client, answer, answer_len);
}

/* What came with bytes of a request is that request's; those before it are forgotten. */
static void take_files(struct client *client, const struct cmsghdr *header)
{
	size_t size;

	if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
		return;
	size = header->cmsg_len - CMSG_LEN(0);
	assert(size <= sizeof(client->files.fd)); /* there was no room for more */
	drop_files(client);
	memcpy(client->files.fd, CMSG_DATA(header), size);
}

static ssize_t receive(struct client *client)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(client->files.fd))];
	} control = { 0 };
	struct iovec iov = { client->in + client->nr_in, sizeof(client->in) - client->nr_in };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = CMSG_LEN(sizeof(client->files.fd)) };
	ssize_t n = recvmsg(client->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n > 0)
		take_files(client, CMSG_FIRSTHDR(&message));
	return n;
}

static void read_lines(struct client *client)
{
	ssize_t n = receive(client);
	size_t len = 0;
	char *refusal;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		let_go(client);
		return;
	}
	client->nr_in += (size_t)n;
	if (end_of_line(client) || client->nr_in < sizeof(client->in))
		return;
	client->last = true;
	refusal = control_refusal("a request has at most 4095 bytes", &len);
	begin_answer(client, refusal, len);
}

static void serve_client(const struct control_socket *control, struct client *client)
{
	if (client->out)
		send_answer(client);
	else if (!end_of_line(client))
		read_lines(client);
	if (client->fd >= 0 && !client->out)
		run_line(control, client);
}

static struct client *free_client(struct control_socket *control)
{
	for (size_t i = 0; i < CONTROL_MAX_CLIENTS; i++)
		if (control->clients[i].fd < 0)
			return &control->clients[i];
	return NULL;
}

static void turn_away(int fd)
{
	size_t len = 0;
	char *text = control_refusal("too many clients: try again later", &len);

	if (text && send(fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		len = 0; /* then the client sees its connection closed, and no reason */
	free(text);
	(void)close(fd);
}

/* One client: where more wait, poll() says so again. */
static void accept_client(struct control_socket *control)
{
	struct client *client = free_client(control);
	int fd = accept4(control->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0 && client)
		client->fd = fd;
	else if (fd >= 0)
		turn_away(fd);
	else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
		/* poll() would say so again at once, and this thread would spin. */
		control->deaf = true;
		report_warning("control socket: no more clients (%s)", strerror(errno));
	}
}

size_t control_socket_fds(const struct control_socket *control, struct pollfd fds[CONTROL_MAX_FDS])
{
	if (!control)
		return 0;
	fds[0] = (struct pollfd){ .fd = control->deaf ? -1 : control->listener, .events = POLLIN };
	for (size_t i = 0; i < CONTROL_MAX_CLIENTS; i++) {
		const struct client *client = &control->clients[i];
		/*
		 * With an answer to send, or a request that has come already, the next turn
		 * is wanted as soon as the client can take bytes. No poll() would tell of a
		 * request that was received earlier, together with the one before it.
		 */
		bool now = client->out || (client->fd >= 0 && end_of_line(client));

		fds[1 + i] = (struct pollfd){ .fd = client->fd, .events = now ? POLLOUT : POLLIN };
	}
	return CONTROL_MAX_FDS;
}

void control_socket_serve(struct control_socket *control, const struct pollfd fds[], size_t nr)
{
	if (!control)
		return;
	assert(nr == CONTROL_MAX_FDS);

	for (size_t i = 0; i < CONTROL_MAX_CLIENTS; i++)
		if (fds[1 + i].revents && control->clients[i].fd >= 0)
			serve_client(control, &control->clients[i]);
	if (fds[0].revents)
		accept_client(control);
}

/* ---- set-up ------------------------------------------------------------------------ */

static int path_of(char path[PATH_SZ], const struct control_socket_config *config,
		   const char *suffix)
{
	int n = snprintf(path, PATH_SZ, "%s/%s%s", config->dir, config->name, suffix);

	return n < 0 || (size_t)n >= PATH_SZ ? -ENAMETOOLONG : 0;
}

/*
 * Open and lock the file. 0; 1 where its last holder removed it in between, so that it is
 * no longer the file of this name: try again; or negative errno.
 */
static int try_lock(struct control_socket *control)
{
	struct stat held, named;

	cleanup_fd(&control->lock);
	control->lock = open(control->lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (control->lock < 0)
		return -errno;
	if (flock(control->lock, LOCK_EX | LOCK_NB) < 0)
		return -errno;
	if (fstat(control->lock, &held) < 0)
		return -errno;
	if (stat(control->lock_path, &named) < 0)
		return errno == ENOENT ? 1 : -errno;
	return held.st_ino != named.st_ino || held.st_dev != named.st_dev;
}

const char *control_phase_word(enum control_phase phase)
{
	static const char *const words[NR_CONTROL_PHASES] = {
		[CONTROL_SET_UP] = "set-up",
		[CONTROL_RUNNING] = "running",
		[CONTROL_ENDING] = "ending",
	};

	return words[phase];
}

/* Always as long as the last time, in one write: who reads it finds one or the other. */
static int write_phase(const struct control_socket *control, enum control_phase phase)
{
	char text[32];
	int len =
		snprintf(text, sizeof(text), "%d\n%-8s\n", control->pid, control_phase_word(phase));

	return pwrite(control->lock, text, (size_t)len, 0) == len ? 0 : errno ? -errno : -EIO;
}

void control_socket_tell(struct control_socket *control, enum control_phase phase)
{
	if (control)
		(void)write_phase(control, phase); /* it could be written at the beginning */
}

static int take_lock(struct control_socket *control)
{
	int r;

	do {
		r = try_lock(control);
	} while (r == 1);
	if (r < 0)
		return r;
	control->pid = (int)getpid();
	if (ftruncate(control->lock, 0) < 0)
		return -errno;
	return write_phase(control, CONTROL_SET_UP);
}

/* The process ID that the holder of the lock wrote there; 0: it has not yet. */
static int holder(const struct control_socket *control)
{
	char text[16] = "";

	if (pread(control->lock, text, sizeof(text) - 1, 0) <= 0)
		return 0;
	return atoi(text);
}

static int listen_there(struct control_socket *control)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	static_assert(sizeof(address.sun_path) == sizeof(control->socket_path), "same");
	memcpy(address.sun_path, control->socket_path, sizeof(address.sun_path));
	if (unlink(control->socket_path) < 0 && errno != ENOENT)
		return -errno;
	control->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (control->listener < 0)
		return -errno;
	/* bind(2) makes the file with the descriptor's mode: nobody else can connect, ever. */
	if (fchmod(control->listener, 0600) < 0 ||
	    bind(control->listener, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(control->listener, (int)CONTROL_MAX_CLIENTS) < 0)
		return -errno;
	return 0;
}

static int set_up(struct control_socket *control)
{
	const struct control_socket_config *config = &control->cfg;
	int r = path_of(control->socket_path, config, ".sock");

	if (r == 0)
		r = path_of(control->lock_path, config, ".lock");
	if (r < 0)
		return r;
	if (mkdir(config->dir, 0755) < 0 && errno != EEXIST)
		return -errno;
	r = take_lock(control);
	return r < 0 ? r : listen_there(control);
}

static const char *cure_of(int error)
{
	static const struct {
		int error;
		const char *cure;
	} cures[] = {
		{ EACCES, "run itsy as root, or give this user that folder" },
		{ EPERM, "run itsy as root, or give this user that folder" },
		{ EROFS, "mount a tmpfs on /run" },
		{ ENOENT, "mount a tmpfs on /run" },
		{ ENOSPC, "make room in /run (df /run)" },
		{ ENOTDIR, "move away what is there, and is no folder" },
		{ EISDIR, "move away the folder that has the name of a socket there" },
		{ ENAMETOOLONG, "give the guest a shorter name (--name)" },
		{ ELOOP, "move away the link that has the name of a lock there" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cures); i++)
		if (cures[i].error == error)
			return cures[i].cure;
	return NULL; /* that of this error, wherever it comes from, if there is one */
}

static void control_socket_destroyp(struct control_socket **control)
{
	control_socket_destroy(*control);
}

int control_socket_create(const struct control_socket_config *config,
			  struct control_socket **ret_control, struct failure *ret_failure)
{
	_cleanup_(control_socket_destroyp) struct control_socket *control =
		calloc(1, sizeof(*control));
	int r;

	if (!control)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, ENOMEM, "control socket", NULL,
				   "out of memory");
	control->cfg = *config;
	control->lock = control->listener = -1;
	for (size_t i = 0; i < CONTROL_MAX_CLIENTS; i++)
		make_free(&control->clients[i]);

	r = set_up(control);
	if (r == -EWOULDBLOCK) {
		int pid = holder(control);

		cleanup_fd(&control->lock); /* the lock file is the other guest's:
					       control_socket_destroy() leaves it */
		return failure_set(ret_failure, ITSY_ENVIRONMENT, EBUSY, config->name,
				   CONTROL_CURE_TAKEN,
				   "a guest of this name runs already: process %d", pid);
	}
	if (r < 0)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, -r, config->dir, cure_of(-r),
				   "no control socket can be made there (%s)", strerror(-r));
	*ret_control = TAKE_PTR(control);
	return 0;
}

void control_socket_leave(struct control_socket *control)
{
	if (!control)
		return;
	for (size_t i = 0; i < CONTROL_MAX_CLIENTS; i++)
		let_go(&control->clients[i]);
	cleanup_fd(&control->listener);
	cleanup_fd(&control->lock);
	free(control);
}

void control_socket_destroy(struct control_socket *control)
{
	if (!control)
		return;
	for (size_t i = 0; i < CONTROL_MAX_CLIENTS; i++)
		let_go(&control->clients[i]);
	if (control->listener >= 0)
		(void)unlink(control->socket_path);
	cleanup_fd(&control->listener);
	/* Removed while it is locked: who opened it before finds in try_lock() that it is gone. */
	if (control->lock >= 0)
		(void)unlink(control->lock_path);
	cleanup_fd(&control->lock);
	free(control);
}
