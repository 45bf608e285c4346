// SPDX-License-Identifier: MIT
/*
 * What the guest's process asks its keeper. No locks: the main thread alone asks.
 */
#include "vmm/sandbox/keeper_client.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "vmm/sandbox/keeper_msg.h"

#define WAITING_MS 100

static void await_answer(const struct keeper_client *keeper)
{
	struct pollfd fd = { .fd = keeper->fd, .events = POLLIN };

	while (keeper->waiting && poll(&fd, 1, WAITING_MS) == 0)
		keeper->waiting(keeper->ctx);
}

static int receive(const struct keeper_client *keeper, struct keeper_reply *ret_reply)
{
	ssize_t n;

	await_answer(keeper);
	do {
		n = recv(keeper->fd, ret_reply, sizeof(*ret_reply), 0);
	} while (n < 0 && errno == EINTR);
	return n == sizeof(*ret_reply) ? ret_reply->result : -EPIPE;
}

static int ask_by(const struct keeper_client *keeper, const struct keeper_request *request,
		  struct keeper_reply *ret_reply)
{
	if (send(keeper->fd, request, sizeof(*request), MSG_NOSIGNAL) != sizeof(*request))
		return -EPIPE;
	return receive(keeper, ret_reply);
}

static int ask(const struct keeper_client *keeper, enum keeper_ask what, unsigned device,
	       struct keeper_reply *ret_reply)
{
	const struct keeper_request request = { .ask = (uint32_t)what, .device = device };

	return ask_by(keeper, &request, ret_reply);
}

/* Where the keeper says no more than that it is so. */
static void name_failure(int r, const struct keeper_reply *reply, struct vfio_failure *ret_failure)
{
	*ret_failure = reply->failure;
	if (r < 0 && !reply->failure.code)
		*ret_failure = (struct vfio_failure){ .code = VFIO_FAILURE_OTHER,
						      .error = -r,
						      .object = "keeper" };
}

int keeper_bind(const struct keeper_client *keeper, unsigned device,
		struct vfio_failure *ret_failure)
{
	struct keeper_reply reply = { 0 };
	int r = ask(keeper, KEEPER_BIND, device, &reply);

	name_failure(r, &reply, ret_failure);
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

/* What came with an answer: the caller's to close. */
struct handed_over {
	int files[KEEPER_COUNTERS];
	size_t nr;
};

static struct handed_over take_files(const struct cmsghdr *header)
{
	struct handed_over handed = { .nr = 0 };

	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
		handed.nr = (header->cmsg_len - CMSG_LEN(0)) / sizeof(handed.files[0]);
		assert(handed.nr <= KEEPER_COUNTERS);
		memcpy(handed.files, CMSG_DATA(header), handed.nr * sizeof(handed.files[0]));
	}
	return handed;
}

static int ask_for_files(const struct keeper_client *keeper, const struct keeper_request *request,
			 struct keeper_reply *ret_reply, struct handed_over *ret_handed)
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

	ret_handed->nr = 0;
	if (send(keeper->fd, request, sizeof(*request), MSG_NOSIGNAL) != sizeof(*request))
		return -EPIPE;
	do {
		n = recvmsg(keeper->fd, &message, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n != sizeof(*ret_reply))
		return -EPIPE;
	*ret_handed = take_files(CMSG_FIRSTHDR(&message));
	if (ret_reply->result < 0)
		return ret_reply->result;
	return ret_handed->nr == ret_reply->nr_files ? 0 : -EMFILE; /* there was no room */
}

/* They are counts' from here on, as far as the answer says whose. */
static int ask_count(const struct keeper_client *keeper, const struct keeper_request *request,
		     struct keeper_reply *ret_reply, struct vfio_irq_counts *counts)
{
	struct handed_over handed;
	int r = ask_for_files(keeper, request, ret_reply, &handed);

	for (size_t i = 0; i < handed.nr; i++)
		vfio_irq_counts_put(counts,
				    i < ret_reply->nr_files ? ret_reply->vectors[i] : UINT16_MAX,
				    handed.files[i]);
	return r;
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

int keeper_open(const struct keeper_client *keeper, unsigned device, enum vfio_iommu_kind kind,
		struct vfio_function_file *ret_file, struct vfio_failure *ret_failure)
{
	const struct keeper_request request = { .ask = KEEPER_OPEN,
						.device = device,
						.iommu = (uint32_t)kind };
	struct keeper_reply reply = { 0 };
	struct handed_over handed;
	int r = ask_for_files(keeper, &request, &reply, &handed);

	*ret_file = (struct vfio_function_file){ .group = reply.group, .fd = -1 };
	if (handed.nr && r >= 0)
		ret_file->fd = TAKE_FD(handed.files[0]);
	for (size_t i = 0; i < handed.nr; i++)
		cleanup_fd(&handed.files[i]);
	name_failure(r, &reply, ret_failure);
	return r;
}

int keeper_adopt(const struct keeper_client *keeper, unsigned device, const struct pci_bdf *bdf,
		 bool bound, int right)
{
	struct keeper_request request = {
		.ask = KEEPER_ADOPT, .device = device, .bdf = *bdf, .bound = bound
	};
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(right))];
	} control = { .header = { .cmsg_len = CMSG_LEN(sizeof(right)),
				  .cmsg_level = SOL_SOCKET,
				  .cmsg_type = SCM_RIGHTS } };
	struct iovec iov = { &request, sizeof(request) };
	const struct msghdr message = { .msg_iov = &iov,
					.msg_iovlen = 1,
					.msg_control = &control,
					.msg_controllen = sizeof(control) };
	struct keeper_reply reply;

	memcpy(CMSG_DATA(&control.header), &right, sizeof(right));
	if (sendmsg(keeper->fd, &message, MSG_NOSIGNAL) != sizeof(request))
		return -EPIPE;
	return receive(keeper, &reply);
}

int keeper_release(const struct keeper_client *keeper, unsigned device,
		   struct vfio_failure *ret_failure)
{
	struct keeper_reply reply = { 0 };
	int r = ask(keeper, KEEPER_RELEASE, device, &reply);

	name_failure(r, &reply, ret_failure);
	return r;
}

void keeper_tell(const struct keeper_client *keeper, enum service_state state)
{
	const struct keeper_request request = { .ask = KEEPER_TELL, .state = (uint32_t)state };
	struct keeper_reply ignored;

	(void)!ask_by(keeper, &request, &ignored);
}

int keeper_ready(const struct keeper_client *keeper)
{
	struct keeper_reply reply;

	return ask(keeper, KEEPER_READY, 0, &reply);
}
