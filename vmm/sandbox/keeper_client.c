// SPDX-License-Identifier: MIT
/*
 * What the guest's process asks its keeper. No locks: the main thread alone asks.
 */
#include "vmm/sandbox/keeper_client.h"

#include <errno.h>
#include <sys/socket.h>

#include "vmm/sandbox/keeper_msg.h"

static int ask(const struct keeper_client *keeper, enum keeper_ask what, unsigned device,
	       struct keeper_reply *ret_reply)
{
	const struct keeper_request request = { .ask = (uint32_t)what, .device = device };
	ssize_t n;

	if (send(keeper->fd, &request, sizeof(request), MSG_NOSIGNAL) != sizeof(request))
		return -EPIPE;
	do {
		n = recv(keeper->fd, ret_reply, sizeof(*ret_reply), 0);
	} while (n < 0 && errno == EINTR);
	return n == sizeof(*ret_reply) ? ret_reply->result : -EPIPE;
}

int keeper_bind(const struct keeper_client *keeper, unsigned device,
		struct vfio_failure *ret_failure)
{
	struct keeper_reply reply = { 0 };
	int r = ask(keeper, KEEPER_BIND, device, &reply);

	*ret_failure = reply.failure;
	if (r < 0 && !reply.failure.code)
		*ret_failure = (struct vfio_failure){ .code = VFIO_FAILURE_OTHER,
						      .error = -r,
						      .object = "keeper" };
	return r;
}

int keeper_move(const struct keeper_client *keeper, unsigned device, unsigned *ret_left,
		struct vfio_failure *ret_failure)
{
	struct keeper_reply reply = { 0 };
	int r = ask(keeper, KEEPER_MOVE, device, &reply);

	*ret_failure = reply.failure;
	*ret_left = reply.left;
	return r;
}

void keeper_unmove(const struct keeper_client *keeper, unsigned device)
{
	struct keeper_reply ignored;

	(void)!ask(keeper, KEEPER_UNMOVE, device, &ignored);
}

int keeper_ready(const struct keeper_client *keeper)
{
	struct keeper_reply reply;

	return ask(keeper, KEEPER_READY, 0, &reply);
}
