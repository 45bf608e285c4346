// SPDX-License-Identifier: MIT
/*
 * What the keeper does for each message. No locks: the keeper has one thread.
 */
#include "vmm/sandbox/keeper_priv.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "vfio/affinity.h"
#include "vfio/bind.h"
#include "vfio/device.h"
#include "vfio/irq_count.h"
#include "vfio/right.h"
#include "vmm/base/bits.h"

static const struct pci_bdf *bdf_of(const struct keeper_state *s, unsigned device)
{
	return s->devices[device].adopted ? &s->devices[device].bdf
					  : &s->config->devices[device].bdf;
}

static int bind_device(struct keeper_state *s, const struct keeper_request *request,
		       struct keeper_reply *reply)
{
	const struct keeper_device *device = &s->config->devices[request->device];
	const struct vfio_listener listener = { s->go_on, s->ctx };
	int r = vfio_bind_listening(s->config->host, &device->bdf, device->bind,
				    s->go_on ? &listener : NULL, &reply->failure);

	/* What was bound before we came stays bound when we go. */
	if (r == 1)
		s->devices[request->device].bound_here = true;
	return r;
}

/* Those that were moved before may be gone, with the kind of interrupt that they were of. */
static int move_interrupts(struct keeper_state *s, const struct keeper_request *request,
			   struct keeper_reply *reply)
{
	const struct keeper_device *device = &s->config->devices[request->device];

	if (device->cpu < 0)
		return -EINVAL;
	vfio_affinity_restore(s->devices[request->device].moved);
	s->devices[request->device].moved = NULL;
	return vfio_affinity_set(s->config->host, bdf_of(s, request->device), (unsigned)device->cpu,
				 &s->devices[request->device].moved, &reply->left, &reply->failure);
}

static int get_ready(struct keeper_state *s, const struct keeper_request *request,
		     struct keeper_reply *reply)
{
	(void)request;
	(void)reply;
	s->ready = true;
	return s->lock_down ? s->lock_down(s->ctx) : 0;
}

static int put_interrupts_back(struct keeper_state *s, const struct keeper_request *request,
			       struct keeper_reply *reply)
{
	(void)reply;
	vfio_affinity_restore(s->devices[request->device].moved);
	s->devices[request->device].moved = NULL;
	return 0;
}

static void close_counts(struct vfio_irq_counts **counts)
{
	vfio_irq_counts_close(*counts);
}

/* Counters can be read, and tell of this device's interrupts alone. */
static int hand_over_counters(struct keeper_state *s, const struct keeper_request *request,
			      struct keeper_reply *reply)
{
	_cleanup_(close_counts) struct vfio_irq_counts *counts = NULL;
	int r = vfio_irq_counts_open(s->config->host, bdf_of(s, request->device), VFIO_MAX_VECTORS,
				     &counts, &reply->failure);

	for (unsigned v = request->first; r == 0 && v < VFIO_MAX_VECTORS && !reply->next; v++) {
		int fd = -1;

		if (s->nr_files == KEEPER_COUNTERS && vfio_irq_counts_has(counts, v))
			reply->next = v;
		else
			fd = vfio_irq_counts_take(counts, v);
		if (fd < 0)
			continue;
		reply->vectors[s->nr_files] = (uint16_t)v;
		s->files[s->nr_files++] = fd;
	}
	reply->nr_files = s->nr_files;
	return r;
}

/*
 * Of a function that was taken out of the guest, which is still bound. The guest's process has had
 * such a file all the time that it had the function; what it does by it is its filter's.
 */
static int hand_over_file(struct keeper_state *s, const struct keeper_request *request,
			  struct keeper_reply *reply)
{
	struct vfio_function_file file;
	int r;

	if (request->iommu >= NR_VFIO_IOMMU_KINDS)
		return -EINVAL;
	r = vfio_function_file_open(s->config->host, (enum vfio_iommu_kind)request->iommu,
				    bdf_of(s, request->device), &file, &reply->failure);
	reply->group = file.group;
	if (file.fd >= 0)
		s->files[s->nr_files++] = file.fd;
	reply->nr_files = s->nr_files;
	return r;
}

/*
 * Whoever has the right to it has bound it. What was bound for the guest before, and is not given
 * back, is not forgotten.
 */
static int adopt(struct keeper_state *s, const struct keeper_request *request,
		 struct keeper_reply *reply)
{
	const unsigned device = request->device;

	(void)reply;
	if (request->bdf.dev > 31 || request->bdf.fn > 7)
		return -EINVAL;
	if (!s->has_right || !vfio_right_is(s->config->host, &request->bdf, s->right))
		return -EPERM;
	if (s->devices[device].bound_here && !pci_bdf_equal(bdf_of(s, device), &request->bdf))
		return -EBUSY;
	s->devices[device].bdf = request->bdf;
	s->devices[device].adopted = true;
	s->devices[device].bound_here |= request->bound != 0;
	return 0;
}

/* While somebody has it open it stays: nothing here waits for the guest. */
static int release_now(struct keeper_state *s, const struct keeper_request *request,
		       struct keeper_reply *reply)
{
	int r = 0;

	if (s->devices[request->device].bound_here)
		r = vfio_release(s->config->host, bdf_of(s, request->device), &reply->failure);
	if (r >= 0)
		s->devices[request->device].bound_here = false;
	return r;
}

/* A manager that is lied to restarts, or does not, what is its guest's own. */
static int tell_manager(struct keeper_state *s, const struct keeper_request *request,
			struct keeper_reply *reply)
{
	(void)reply;
	if (request->state >= NR_SERVICE_STATES)
		return -EINVAL;
	service_tell(s->config->service, (enum service_state)request->state);
	return 0;
}

/* The first one counts; what it says is printed, so that it must be text. */
static int note_forbidden(struct keeper_state *s, const struct keeper_request *request,
			  struct keeper_reply *reply)
{
	(void)reply;
	s->forbidden = true;
	s->last_words = *request;
	s->last_words.thread[KEEPER_THREAD_SZ - 1] = '\0';
	for (char *c = s->last_words.thread; *c; c++)
		if (!isalnum((unsigned char)*c) && *c != '-')
			*c = '?';
	return 0;
}

/* All that the keeper does. */
static const struct {
	int (*serve)(struct keeper_state *s, const struct keeper_request *request,
		     struct keeper_reply *reply);
	bool of_device; /* it names one */
	bool of_set_up; /* before KEEPER_READY alone */
	bool last;	/* nothing follows: the peer ends */
} asks[NR_KEEPER_ASKS] = {
	[KEEPER_BIND] = { .serve = bind_device, .of_device = true, .of_set_up = true },
	[KEEPER_READY] = { .serve = get_ready, .of_set_up = true },
	[KEEPER_MOVE] = { .serve = move_interrupts, .of_device = true },
	[KEEPER_UNMOVE] = { .serve = put_interrupts_back, .of_device = true },
	[KEEPER_COUNT] = { .serve = hand_over_counters, .of_device = true },
	[KEEPER_OPEN] = { .serve = hand_over_file, .of_device = true },
	[KEEPER_ADOPT] = { .serve = adopt, .of_device = true },
	[KEEPER_RELEASE] = { .serve = release_now, .of_device = true },
	[KEEPER_TELL] = { .serve = tell_manager },
	[KEEPER_FORBIDDEN] = { .serve = note_forbidden, .last = true },
};

bool keeper_serve(struct keeper_state *s, const void *bytes, size_t size,
		  struct keeper_reply *ret_reply)
{
	struct keeper_request request;

	keeper_drop_files(s);
	memset(ret_reply, 0, sizeof(*ret_reply));
	if (s->forbidden || size != sizeof(request))
		return false;
	memcpy(&request, bytes, sizeof(request));
	if (request.ask >= NR_KEEPER_ASKS ||
	    (asks[request.ask].of_device && request.device >= s->config->nr_devices) ||
	    (asks[request.ask].of_set_up && s->ready))
		return false;
	ret_reply->result = asks[request.ask].serve(s, &request, ret_reply);
	return !asks[request.ask].last;
}

void keeper_drop_files(struct keeper_state *s)
{
	while (s->nr_files)
		cleanup_fd(&s->files[--s->nr_files]);
}

void keeper_give_back(struct keeper_state *s)
{
	assert(s->config->nr_devices <= KEEPER_MAX_DEVICES);

	keeper_drop_files(s);

	for (unsigned i = 0; i < s->config->nr_devices; i++) {
		struct vfio_failure vf = { 0 };

		/* With the process its vectors went: nothing is left to be put back. */
		vfio_affinity_forget(s->devices[i].moved);
		s->devices[i].moved = NULL;
		if (!s->devices[i].bound_here)
			continue;
		s->devices[i].bound_here = false;
		if (vfio_release(s->config->host, bdf_of(s, i), &vf) < 0)
			s->config->kept(s->config->ctx, bdf_of(s, i), &vf);
	}
}
