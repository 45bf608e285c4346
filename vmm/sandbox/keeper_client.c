// SPDX-License-Identifier: MIT
/*
 * What the guest's process asks its keeper. No locks: the main thread alone asks.
 */
#include "vmm/sandbox/keeper_client.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
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

/* The descriptors that came with an answer are counts' from here on, as far as it says whose. */
static int put_all(struct vfio_irq_counts *counts, const struct keeper_reply *reply,
		   const struct cmsghdr *header)
{
	int fds[KEEPER_COUNTERS];
	size_t nr = 0;

	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
		nr = (header->cmsg_len - CMSG_LEN(0)) / sizeof(fds[0]);
		assert(nr <= KEEPER_COUNTERS);
		memcpy(fds, CMSG_DATA(header), nr * sizeof(fds[0]));
	}
	for (size_t i = 0; i < nr; i++)
		vfio_irq_counts_put(counts, i < reply->nr_counters ? reply->vectors[i] : UINT16_MAX,
				    fds[i]);
	return nr == reply->nr_counters ? 0 : -EMFILE; /* there was no room for them */
}

static int ask_count(const struct keeper_client *keeper, const struct keeper_request *request,
		     struct keeper_reply *ret_reply, struct vfio_irq_counts *counts)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(KEEPER_COUNTERS * sizeof(int))];
	} control = { 0 };
	struct iovec iov = { ret_reply, sizeof(*ret_reply) };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	ssize_t n;
	int r;

	if (send(keeper->fd, request, sizeof(*request), MSG_NOSIGNAL) != sizeof(*request))
		return -EPIPE;
	do {
		n = recvmsg(keeper->fd, &message, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n != sizeof(*ret_reply))
		return -EPIPE;
	r = put_all(counts, ret_reply, CMSG_FIRSTHDR(&message));
	return ret_reply->result < 0 ? ret_reply->result : r;
}

int keeper_count(const struct keeper_client *keeper, unsigned device, unsigned nr_vectors,
		 struct vfio_irq_counts **ret_counts)
{
	struct keeper_request request = { .ask = KEEPER_COUNT, .device = device };
	struct vfio_irq_counts *counts = NULL;
	int r = vfio_irq_counts_none(nr_vectors, &counts);

	while (r == 0) {
		struct keeper_reply reply = { 0 };

		r = ask_count(keeper, &request, &reply, counts);
		if (reply.next <= request.first)
			break;
		request.first = reply.next;
	}
	if (r < 0)
		vfio_irq_counts_close(TAKE_PTR(counts));
	*ret_counts = counts;
	return r;
}

int keeper_ready(const struct keeper_client *keeper)
{
	struct keeper_reply reply;

	return ask(keeper, KEEPER_READY, 0, &reply);
}
