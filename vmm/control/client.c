// SPDX-License-Identifier: MIT
/*
 * Asking a running guest, itsy-control(7). No locks.
 *
 * A guest is another process, and maybe another version of itsy: what is used of an
 * answer is checked, and no answer is waited for longer than CLIENT_PATIENCE_S.
 */
#include "vmm/control/client.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "vmm/base/suggest.h"
#include "vmm/control/control_proto.h"
#include "vmm/control/control_socket.h"

#define SUFFIX ".sock"
/* Of a list: more than a guest has, which are 65536 vectors at most, 512 in a part. */
#define MAX_PARTS 4096u

/*
 * A connection, or negative errno. -ENOENT: there is no such socket, or nobody serves it. -EAGAIN:
 * somebody does, and has not looked at it for long. 0 seconds: nothing is waited for.
 */
static int connect_to(const char *dir, const char *name, unsigned seconds)
{
	const struct timeval patience = { .tv_sec = (time_t)seconds };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_fd_ int fd =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | (seconds ? 0 : SOCK_NONBLOCK), 0);
	int n = snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s" SUFFIX, dir, name);

	if (fd < 0)
		return -errno;
	if (n < 0 || (size_t)n >= sizeof(address.sun_path) || strchr(name, '/'))
		return -ENOENT;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return errno == ECONNREFUSED ? -ENOENT : -errno;
	return TAKE_FD(fd);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int broken(const char *name, int error, struct failure *ret_failure)
{
	if (error == EAGAIN)
		return failure_set(ret_failure, ITSY_RUNTIME, ETIMEDOUT, name,
				   "ask again; a process that was stopped (SIGSTOP) answers none",
				   "it has not answered for %d s", CLIENT_PATIENCE_S);
	if (error == EPIPE || error == ECONNRESET)
		return failure_set(ret_failure, ITSY_RUNTIME, ECONNRESET, name, NULL,
				   "the guest has ended");
	return failure_set(ret_failure, ITSY_RUNTIME, error, name, NULL,
			   "its control socket failed: %s", strerror(error));
}

/* The name of the guest whose socket a file is. False: the file is no such socket. */
static bool name_in(const char *file, char name[CONFIG_NAME_MAX + 1])
{
	size_t len = strlen(file), suffix = strlen(SUFFIX);

	if (len <= suffix || len - suffix > CONFIG_NAME_MAX ||
	    strcmp(file + len - suffix, SUFFIX) != 0)
		return false;
	memcpy(name, file, len - suffix);
	name[len - suffix] = '\0';
	return true;
}

int client_list(const char *dir, struct client_names *ret_names)
{
	_cleanup_dir_ DIR *d = opendir(dir);
	const struct dirent *entry;

	ret_names->nr = 0;
	if (!d)
		return errno == ENOENT ? 0 : -errno;
	while ((entry = readdir(d)) && ret_names->nr < CLIENT_MAX_GUESTS) {
		char *name = ret_names->list[ret_names->nr];
		int fd;

		if (!name_in(entry->d_name, name))
			continue;
		fd = connect_to(dir, name, 0);
		/* EACCES: another user's guest, which runs all the same. */
		if (fd >= 0 || fd == -EACCES || fd == -EAGAIN)
			ret_names->nr++;
		if (fd >= 0)
			(void)close(fd);
	}
	qsort(ret_names->list, ret_names->nr, sizeof(ret_names->list[0]), by_name);
	return 0;
}

int client_name_is_free(const char *dir, const char *name, struct failure *ret_failure)
{
	_cleanup_fd_ int fd = connect_to(dir, name, 0);

	/* EACCES: another user's. */
	if (fd < 0 && fd != -EACCES && fd != -EAGAIN)
		return 0;
	return failure_set(ret_failure, ITSY_ENVIRONMENT, EBUSY, name, CONTROL_CURE_TAKEN,
			   "a guest of this name runs already");
}

/* "these run: a, b, c", cut where it does not fit. */
static void tell_running(const struct client_names *names, char *out, size_t cap)
{
	size_t at = (size_t)snprintf(out, cap, "these run: ");

	for (size_t i = 0; i < names->nr && at < cap; i++)
		at += (size_t)snprintf(out + at, cap - at, "%s%s", i ? ", " : "", names->list[i]);
}

static int no_such_guest(const char *dir, const char *name, struct failure *ret_failure)
{
	_cleanup_free_ struct client_names *names = calloc(1, sizeof(*names));
	const char *all[CLIENT_MAX_GUESTS], *near;
	char running[160], cure[224];

	if (!names || client_list(dir, names) < 0)
		return failure_set(ret_failure, ITSY_USAGE, ENOENT, name,
				   "itsy ctl lists those that run", "no guest of this name runs");
	if (!names->nr)
		return failure_set(ret_failure, ITSY_USAGE, ENOENT, name,
				   "itsy run CONFIG starts one", "no guest runs");
	for (size_t i = 0; i < names->nr; i++)
		all[i] = names->list[i];
	near = suggest(name, all, names->nr);
	tell_running(names, running, sizeof(running));
	(void)snprintf(cure, sizeof(cure), "%s%s%s%s", near ? "did you mean '" : "",
		       near ? near : "", near ? "'? " : "", running);
	return failure_set(ret_failure, ITSY_USAGE, ENOENT, name, cure,
			   "no guest of this name runs");
}

int client_open(const char *dir, const char *name, int *ret_fd, struct failure *ret_failure)
{
	return client_open_for(dir, name, CLIENT_PATIENCE_S, ret_fd, ret_failure);
}

int client_look(const char *dir, const char *name, enum control_phase *ret_phase, int *ret_pid)
{
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)], text[32] = "";
	int n = snprintf(path, sizeof(path), "%s/%s.lock", dir, name);
	_cleanup_fd_ int fd = -1;
	const char *word;

	if (n < 0 || (size_t)n >= sizeof(path))
		return -ENOENT;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || pread(fd, text, sizeof(text) - 1, 0) < 0)
		return -errno;
	*ret_pid = atoi(text);
	*ret_phase = CONTROL_RUNNING;
	word = strchr(text, '\n');
	for (enum control_phase p = 0; word && p < NR_CONTROL_PHASES; p++)
		if (strncmp(word + 1, control_phase_word(p), strlen(control_phase_word(p))) == 0)
			*ret_phase = p;
	return 0;
}

int client_open_for(const char *dir, const char *name, unsigned seconds, int *ret_fd,
		    struct failure *ret_failure)
{
	int fd = connect_to(dir, name, seconds);

	if (fd == -ENOENT)
		return no_such_guest(dir, name, ret_failure);
	if (fd == -EAGAIN)
		return broken(name, EAGAIN, ret_failure);
	if (fd < 0)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, -fd, name,
				   fd == -EACCES ? "use sudo, or be the user who runs the guest"
						 : "see /run/itsy",
				   "its control socket cannot be used: %s", strerror(-fd));
	*ret_fd = fd;
	return 0;
}

/* Who listens is who was started: unix(7), SO_PEERCRED. */
int client_process(int fd, const char *name, int *ret_process, struct failure *ret_failure)
{
	struct ucred peer = { 0 };
	socklen_t size = sizeof(peer);
	int process = -1;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0)
		process = (int)syscall(SYS_pidfd_open, peer.pid, 0);
	if (process < 0)
		return failure_set(ret_failure, ITSY_RUNTIME, EIO, name, "leave out --wait",
				   "its process cannot be waited for: %s", strerror(errno));
	*ret_process = process;
	return 0;
}

/* ---- asking ------------------------------------------------------------------------ */

static int nonsense(const char *name, struct failure *ret_failure)
{
	return failure_set(ret_failure, ITSY_RUNTIME, EPROTO, name,
			   "use the same itsy as the guest's", "its answer is not understood");
}

static int send_line(int fd, const char *text)
{
	size_t len = strlen(text);

	while (len) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

/* The request's first byte, and the files with it. */
static int send_files(int fd, const char *text, const int files[], size_t nr)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(CONTROL_MAX_FILES * sizeof(int))];
	} control = { .header = { .cmsg_len = CMSG_LEN(nr * sizeof(int)),
				  .cmsg_level = SOL_SOCKET,
				  .cmsg_type = SCM_RIGHTS } };
	struct iovec iov = { (char *)text, 1 };
	const struct msghdr message = { .msg_iov = &iov,
					.msg_iovlen = 1,
					.msg_control = &control,
					.msg_controllen = CMSG_SPACE(nr * sizeof(int)) };
	ssize_t n;

	assert(nr && nr <= CONTROL_MAX_FILES);
	memcpy(CMSG_DATA(&control.header), files, nr * sizeof(int));
	do {
		n = sendmsg(fd, &message, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

/* Receive up to and with the newline; *ret_len counts what comes before it. */
static int receive_line(int fd, char *line, size_t cap, size_t *ret_len)
{
	size_t len = 0;

	while (len < cap) {
		ssize_t n = recv(fd, line + len, cap - len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ECONNRESET;
		len += (size_t)n;
		if (line[len - 1] != '\n')
			continue;
		*ret_len = len - 1;
		return 0;
	}
	return -EPROTO;
}

static int take_reply(const char *name, json_t *reply, json_t **ret_reply,
		      struct failure *ret_failure)
{
	const char *error = json_string_value(json_object_get(reply, "error"));
	const json_t *ok = json_object_get(reply, "ok");

	if (json_is_true(ok)) {
		*ret_reply = reply;
		return 0;
	}
	if (json_is_false(ok) && error)
		(void)failure_set(ret_failure, ITSY_USAGE, EINVAL, name, NULL, "%s", error);
	else
		(void)nonsense(name, ret_failure);
	json_decref(reply);
	return -EINVAL;
}

struct files {
	const int *list;
	size_t nr;
};

/* The request stays the caller's; "itsy" is added to it. */
static int ask_with(int fd, const char *name, json_t *request, const struct files *files,
		    json_t **ret_reply, struct failure *ret_failure)
{
	_cleanup_free_ char *line = malloc(CONTROL_REPLY_MAX);
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	int r = 0;

	(void)json_object_set_new(request, "itsy", json_integer(CONTROL_VERSION));
	text = json_dumps(request, JSON_COMPACT);
	if (!line || !text)
		return broken(name, ENOMEM, ret_failure);
	if (files->nr)
		r = send_files(fd, text, files->list, files->nr);
	if (r == 0)
		r = send_line(fd, text + (files->nr != 0));
	if (r == 0)
		r = send_line(fd, "\n");
	if (r == 0)
		r = receive_line(fd, line, CONTROL_REPLY_MAX, &len);
	if (r == -EPROTO)
		return nonsense(name, ret_failure);
	if (r < 0)
		return broken(name, -r, ret_failure);
	return take_reply(name, json_loadb(line, len, 0, NULL), ret_reply, ret_failure);
}

static int ask(int fd, const char *name, json_t *request, json_t **ret_reply,
	       struct failure *ret_failure)
{
	return ask_with(fd, name, request, &(struct files){ 0 }, ret_reply, ret_failure);
}

int client_ask_with(int fd, const char *name, json_t *request, const int files[], size_t nr,
		    json_t **ret_reply, struct failure *ret_failure)
{
	int r = ask_with(fd, name, request, &(struct files){ files, nr }, ret_reply, ret_failure);

	json_decref(request);
	return r;
}

int client_ask(int fd, const char *name, json_t *request, json_t **ret_reply,
	       struct failure *ret_failure)
{
	int r = ask(fd, name, request, ret_reply, ret_failure);

	json_decref(request);
	return r;
}

int client_ask_all(int fd, const char *name, json_t *request, const char *list, json_t **ret_reply,
		   struct failure *ret_failure)
{
	json_t *all = json_array(), *reply = NULL;
	bool more = true;
	int r = 0;

	for (unsigned part = 0; r == 0 && more && part < MAX_PARTS; part++) {
		json_decref(reply);
		reply = NULL;
		(void)json_object_set_new(request, "skip",
					  json_integer((json_int_t)json_array_size(all)));
		r = ask(fd, name, request, &reply, ret_failure);
		if (r == 0 && json_array_extend(all, json_object_get(reply, list)) < 0)
			r = nonsense(name, ret_failure);
		more = r == 0 && json_is_true(json_object_get(reply, "more"));
		/* "set" took effect with the first part, and would begin anew with the next. */
		(void)json_object_del(request, "set");
	}
	json_decref(request);
	if (r < 0) {
		json_decref(reply);
		json_decref(all);
		return r;
	}
	(void)json_object_set_new(reply, list, all);
	(void)json_object_del(reply, "more");
	*ret_reply = reply;
	return 0;
}
