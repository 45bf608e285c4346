// SPDX-License-Identifier: MIT
/*
 * Functions that are passed through.
 *
 * An interrupt's way: VFIO signals the vector's eventfd, the router calls
 * passthru_signalled(), the virtual MSI-X table says masked or which message,
 * the vITS translates the message's EventID, and the LPI engine makes the LPI
 * pending. No lock on that way but the kernel's.
 */
#include "vmm/dev/passthru.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "vfio/affinity.h"
#include "vfio/bind.h"
#include "vmm/base/clock.h"
#include "vmm/dev/vfio_words.h"
#include "vmm/irq/probes.h"
#include "vmm/irq/vector_routes.h"
#include "vmm/kvm/layout.h"

/* Linux asks for at least two EventIDs, and a power of two. */
#define MIN_EVENTS 2u

static const struct pci_host_fs host_fs = { "" };

static void count(_Atomic uint64_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* ---- an interrupt's way ------------------------------------------------------ */

static uint64_t pack_last(const struct vits_lpi *lpi, uint32_t eventid)
{
	return (uint64_t)lpi->intid << 32 | (uint64_t)lpi->vcpu << 16 | (eventid & 0xffff);
}

/* True: the guest has it. */
static bool deliver(struct passthru *p, unsigned vector, const struct msi_message *message)
{
	struct vector_counts *counts = &p->vectors[vector];
	const struct passthru_wiring *w = &p->wiring;
	struct vits_lpi lpi;
	int r;

	/*
	 * The wiring says which ITS the function's MSIs arrive at, and under which
	 * DeviceID; the data is the EventID. A message to anywhere else goes nowhere.
	 */
	if (message->address != LAYOUT_GITS_OF(p->its) + VITS_TRANSLATER ||
	    vits_translate(w->vits, w->vits_function, message->data, &lpi) != VITS_MSI_DELIVER) {
		count(&counts->dropped);
		return false;
	}
	atomic_store_explicit(&counts->last, pack_last(&lpi, message->data), memory_order_relaxed);
	r = kernel_its_signal(w->seal, w->index, message->data);
	count(r == 1 ? &counts->injected : &counts->dropped);
	PROBE_INJECTED(w->index, vector, lpi.intid, lpi.vcpu, r);
	return r == 1;
}

static struct msi_message bare_message(const struct passthru *p, unsigned vector)
{
	return (struct msi_message){ LAYOUT_GITS_OF(p->its) + VITS_TRANSLATER, vector };
}

static enum vfio_take take(struct passthru *p, unsigned vector, struct msi_message *ret_message)
{
	if (p->dev)
		return vfio_vector_take(p->dev, vector, ret_message);
	*ret_message = bare_message(p, vector);
	return VFIO_TAKE_DELIVER;
}

/*
 * The router's thread makes the histogram empty too: it alone writes to it. That
 * one whose recording ends just now may add one more is no harm.
 */
static void record(struct hist *hist, struct vector_counts *counts, uint64_t seen)
{
	if (atomic_load_explicit(&counts->stale, memory_order_relaxed)) {
		hist_init(hist);
		atomic_store_explicit(&counts->stale, 0, memory_order_release);
	}
	hist_record(hist, clock_ns() - seen);
}

void passthru_signalled(struct passthru *p, unsigned vector)
{
	struct hist *hists = atomic_load_explicit(&p->recorded, memory_order_acquire);
	struct vector_counts *counts = &p->vectors[vector];
	uint64_t seen = hists ? clock_ns() : clock_coarse_ns();
	struct msi_message message;

	assert(vector < p->nr_vectors);

	PROBE_EVENTFD_SEEN(p->wiring.index, vector);
	count(&counts->taken);
	atomic_store_explicit(&counts->last_ns, seen, memory_order_relaxed);
	if (take(p, vector, &message) != VFIO_TAKE_DELIVER)
		count(&counts->held);
	else if (deliver(p, vector, &message) && hists)
		record(&hists[vector], counts, seen);
}

int passthru_record(struct passthru *p, bool on)
{
	if (!on) {
		atomic_store(&p->recorded, NULL);
		return 0;
	}
	if (!p->hists && p->nr_vectors) {
		p->hists = calloc(p->nr_vectors, sizeof(*p->hists));
		if (!p->hists)
			return -ENOMEM;
		for (unsigned v = 0; v < p->nr_vectors; v++)
			hist_init(&p->hists[v]);
	}
	for (unsigned v = 0; v < p->nr_vectors; v++)
		atomic_store(&p->vectors[v].stale, 1);
	atomic_store_explicit(&p->recorded, p->hists, memory_order_release);
	return 0;
}

bool passthru_records(const struct passthru *p)
{
	return atomic_load(&p->recorded);
}

const struct hist *passthru_histogram(const struct passthru *p, unsigned vector)
{
	assert(vector < p->nr_vectors);

	if (!p->hists || atomic_load_explicit(&p->vectors[vector].stale, memory_order_acquire))
		return NULL;
	return &p->hists[vector];
}

static bool message_of(const struct passthru *p, unsigned vector, struct msi_message *ret_message)
{
	if (p->dev)
		return vfio_vector_message(p->dev, vector, ret_message);
	*ret_message = bare_message(p, vector);
	return true;
}

/* The event of the shadow that an interrupt of the vector would signal now. */
static bool event_of(const struct passthru *p, unsigned vector, uint32_t *ret_eventid)
{
	struct msi_message message;

	assert(vector < p->nr_vectors);

	if (!message_of(p, vector, &message) ||
	    message.address != LAYOUT_GITS_OF(p->its) + VITS_TRANSLATER ||
	    message.data >= p->wiring.nr_events)
		return false;
	*ret_eventid = message.data;
	return true;
}

bool passthru_target(const struct passthru *p, unsigned vector, uint32_t *ret_eventid,
		     struct vits_event *ret_event)
{
	if (!event_of(p, vector, ret_eventid))
		return false;
	vits_event_get(p->wiring.vits, p->wiring.vits_function, *ret_eventid, ret_event);
	return true;
}

bool passthru_direct(const struct passthru *p, unsigned vector, uint32_t *ret_eventid)
{
	const struct passthru_wiring *w = &p->wiring;

	return event_of(p, vector, ret_eventid) && vits_enabled(w->vits) &&
	       !kernel_its_defers(w->seal, w->index, *ret_eventid);
}

static void vector_changed(void *ctx, unsigned vector)
{
	const struct passthru *p = ctx;

	if (p->wiring.routes)
		vector_routes_review(p->wiring.routes, p->wiring.index, vector);
}

static void vector_released(void *ctx, unsigned vector, const struct msi_message *message)
{
	struct passthru *p = ctx;

	assert(vector < p->nr_vectors);

	count(&p->vectors[vector].released);
	(void)deliver(p, vector, message);
}

static void bars_changed(void *ctx)
{
	struct passthru *p = ctx;

	pci_host_bars_changed(p->wiring.pcih, p->slot);
}

static const struct vfio_device_ops device_ops = {
	.bars_changed = bars_changed,
	.vector_released = vector_released,
	.vector_changed = vector_changed,
};

/* ---- set-up -------------------------------------------------------------------- */

static int alloc_vectors(struct passthru *p, struct failure *ret_failure)
{
	p->vectors = calloc(p->nr_vectors ? p->nr_vectors : 1, sizeof(*p->vectors));
	if (!p->vectors)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, ENOMEM, p->name, NULL,
				   "out of memory");
	for (unsigned v = 0; v < p->nr_vectors; v++)
		p->vectors[v].route = (uint8_t)p->route;
	return 0;
}

static uint32_t events_for(unsigned vectors)
{
	uint32_t nr = MIN_EVENTS;

	while (nr < vectors)
		nr *= 2;
	return nr;
}

int passthru_bind(struct passthru *p, const struct config_device *config, unsigned slot,
		  struct failure *ret_failure)
{
	struct vfio_failure vf = { 0 };
	int r;

	*p = (struct passthru){
		.name = config->name,
		.bdf = config->bdf,
		.slot = slot,
		.its = config->its,
		.route = config->route,
		.policy = config->policy,
		.devid = config->has_devid ? config->devid : pci_host_devid(slot),
	};
	r = vfio_bind(&host_fs, &p->bdf, false, &vf);
	if (r < 0)
		return failure_from_vfio(ret_failure, &vf);
	/* What was bound before we came stays bound when we go. */
	p->bound_here = r == 1;
	return 0;
}

static const char *cure_of_move(int error)
{
	switch (error) {
	case EACCES:
	case EPERM:
		return "run itsy as root";
	case EINVAL:
		return "name a CPU that is online: see itsy check";
	case EIO:
		return "the kernel manages it by itself; msi-cpu = any asks for nothing";
	default:
		return "see /proc/irq";
	}
}

/* What stays where it is costs time, and harms nothing. */
static void move_interrupts(struct passthru *p, int cpu)
{
	struct vfio_failure vf = { 0 };
	unsigned left = 0;

	if (vfio_affinity_set(&host_fs, &p->bdf, (unsigned)cpu, &p->moved, &left, &vf) < 0)
		report_warning("%s: its interrupts are not moved to CPU %d of the host (%s)",
			       p->name, cpu, strerror(vf.error));
	else if (left)
		report_warning("%s: %u of its interrupts, such as %s, are not moved to CPU %d of "
			       "the host (%s): %s",
			       p->name, left, vf.object, cpu, strerror(vf.error),
			       cure_of_move(vf.error));
}

int passthru_open(struct passthru *p, const struct config_device *config,
		  struct vfio_container *container, struct failure *ret_failure)
{
	struct vfio_failure vf = { 0 };
	int r = vfio_device_create(container, &host_fs, &p->bdf, &p->dev, &vf);

	if (r < 0)
		return failure_from_vfio(ret_failure, &vf);
	p->nr_vectors = vfio_device_nr_vectors(p->dev);
	p->nr_events = config->events ? config->events : events_for(p->nr_vectors);
	if (config->msi_cpu >= 0)
		move_interrupts(p, config->msi_cpu);
	return alloc_vectors(p, ret_failure);
}

int passthru_open_bare(struct passthru *p, const char *name, uint32_t devid, unsigned nr_vectors,
		       struct failure *ret_failure)
{
	*p = (struct passthru){
		.name = name,
		.devid = devid,
		.nr_vectors = nr_vectors,
		.nr_events = events_for(nr_vectors),
	};
	if (alloc_vectors(p, ret_failure) < 0)
		return -ENOMEM;
	p->bare = calloc(nr_vectors, sizeof(*p->bare));
	if (!p->bare)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, ENOMEM, name, NULL,
				   "out of memory");
	for (unsigned v = 0; v < nr_vectors; v++)
		p->bare[v] = -1;
	for (unsigned v = 0; v < nr_vectors; v++) {
		p->bare[v] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		if (p->bare[v] < 0)
			return failure_set(ret_failure, ITSY_ENVIRONMENT, errno, name,
					   "raise the limit of open files (ulimit -n)",
					   "no eventfd for vector %u (%s)", v, strerror(errno));
	}
	return 0;
}

int passthru_eventfd(const struct passthru *p, unsigned vector)
{
	assert(vector < p->nr_vectors);

	return p->dev ? vfio_vector_eventfd(p->dev, vector) : p->bare[vector];
}

bool passthru_can_mute(const struct passthru *p)
{
	return p->dev && vfio_device_irq_kind(p->dev) == VFIO_IRQ_KIND_MSIX;
}

int passthru_mute(struct passthru *p, unsigned vector, bool mute)
{
	return p->dev ? vfio_vector_mute(p->dev, vector, mute) : -EOPNOTSUPP;
}

void passthru_close(struct passthru *p)
{
	for (unsigned v = 0; p->bare && v < p->nr_vectors; v++)
		cleanup_fd(&p->bare[v]);
	free(p->bare);
	p->bare = NULL;
	vfio_affinity_restore(p->moved);
	p->moved = NULL;
	vfio_device_destroy(p->dev);
	p->dev = NULL;
	free(p->hists);
	atomic_store(&p->recorded, NULL);
	p->hists = NULL;
	free(p->vectors);
	p->vectors = NULL;
}

void passthru_give_back(struct passthru *p)
{
	struct vfio_failure vf = { 0 };
	struct failure failure;
	char bdf[PCI_BDF_STRLEN];

	assert(!p->dev);

	if (!p->bound_here)
		return;
	p->bound_here = false;
	if (vfio_release(&host_fs, &p->bdf, &vf) >= 0)
		return;
	(void)failure_from_vfio(&failure, &vf);
	report_warning("%s: not given back: %s: %s", pci_bdf_format(&p->bdf, bdf), failure.object,
		       failure.cause);
}

int passthru_wire(struct passthru *p, const struct passthru_wiring *wiring)
{
	p->wiring = *wiring;
	if (!p->dev)
		return 0;
	vfio_device_set_ops(p->dev, &device_ops, p);
	return pci_host_add(wiring->pcih, p->slot, p->dev);
}

void passthru_unwire(struct passthru *p)
{
	if (p->dev)
		vfio_device_set_ops(p->dev, NULL, NULL);
	p->wiring = (struct passthru_wiring){ 0 };
}
