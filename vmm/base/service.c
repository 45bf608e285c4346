// SPDX-License-Identifier: MIT
/*
 * sd_notify(3), which is one datagram. No locks.
 */
#include "vmm/base/service.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char *const messages[NR_SERVICE_STATES] = {
	[SERVICE_SETS_UP] = "STATUS=the guest is set up",
	[SERVICE_RUNS] = "READY=1\nSTATUS=the guest runs",
	[SERVICE_STOPS] = "STOPPING=1\nSTATUS=the guest stops",
};

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const size_t len = strlen(path);
	_cleanup_fd_ int fd = -1;

	if ((path[0] != '/' && path[0] != '@') || len >= sizeof(address.sun_path))
		return -1;
	memcpy(address.sun_path, path, len);
	/* unix(7): a name that is no file's begins with a zero, and has no end but its length. */
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		return -1;
	return TAKE_FD(fd);
}

int service_open(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	int fd = path ? connect_to(path) : -1;

	(void)unsetenv("NOTIFY_SOCKET");
	return fd;
}

void service_tell(int fd, enum service_state state)
{
	assert(state < NR_SERVICE_STATES);
	if (fd >= 0)
		(void)send(fd, messages[state], strlen(messages[state]), MSG_NOSIGNAL);
}
