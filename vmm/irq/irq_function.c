// SPDX-License-Identifier: MIT
/*
 * A function's interrupts.
 *
 * An interrupt's way: VFIO signals the vector's eventfd, the router calls
 * irq_function_signalled(), the virtual MSI-X table says masked or which message,
 * the vITS translates the message's EventID, and the kernel ITS makes the LPI
 * pending. No lock on that way but the kernel's.
 */
#include "vmm/irq/irq_function.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "vitsmod/gits.h"
#include "vmm/base/clock.h"
#include "vmm/base/probes.h"
#include "vmm/kvm/layout.h"

/* Linux asks for at least two EventIDs, and a power of two. */
#define MIN_EVENTS 2u

static void count(_Atomic uint64_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static uint64_t pack_last(const struct vits_lpi *lpi, uint32_t eventid)
{
	return (uint64_t)lpi->intid << 32 | (uint64_t)lpi->vcpu << 16 | (eventid & 0xffff);
}

static bool is_line(const struct irq_function *f, unsigned vector)
{
	return f->line.pin && vector == f->line.vector;
}

/* A level that is asserted already stays so. Its handler looks at the function: irq_line.h. */
static bool assert_line(struct irq_function *f)
{
	struct vector_counts *counts = &f->vectors[f->line.vector];
	bool done;

	if (f->line.needs_exit)
		vfio_bars_drop_pages(f->dev);
	done = f->line.intid && eventfd_write(f->line.trigger, 1) == 0;
	count(done ? &counts->injected : &counts->dropped);
	return done;
}

/* True: the guest has it. */
static bool deliver(struct irq_function *f, unsigned vector, const struct msi_message *message)
{
	struct vector_counts *counts = &f->vectors[vector];
	const struct irq_wiring *w = &f->wiring;
	struct vits_lpi lpi;
	int r;

	if (is_line(f, vector))
		return assert_line(f);
	/*
	 * The wiring says which ITS the function's MSIs arrive at, and under which
	 * DeviceID; the data is the EventID. A message to anywhere else goes nowhere.
	 */
	if (message->address != LAYOUT_GITS_OF(f->its) + GITS_TRANSLATER ||
	    vits_translate(w->vits, w->vits_function, message->data, &lpi) != VITS_MSI_DELIVER) {
		count(&counts->dropped);
		return false;
	}
	atomic_store_explicit(&counts->last, pack_last(&lpi, message->data), memory_order_relaxed);
	r = kernel_its_signal(w->kernel_its, w->index, message->data);
	count(r == 1 ? &counts->injected : &counts->dropped);
	PROBE_INJECTED(w->index, vector, lpi.intid, lpi.vcpu, r);
	return r == 1;
}

static struct msi_message bare_message(const struct irq_function *f, unsigned vector)
{
	return (struct msi_message){ LAYOUT_GITS_OF(f->its) + GITS_TRANSLATER, vector };
}

static enum vfio_take take(struct irq_function *f, unsigned vector, struct msi_message *ret_message)
{
	if (f->dev)
		return vfio_vector_take(f->dev, vector, ret_message);
	*ret_message = bare_message(f, vector);
	return VFIO_TAKE_DELIVER;
}

/*
 * A new recording empties the histogram here, since only the router's thread may write
 * to it. Where a recording is ended at this moment, one more time may be added.
 */
static void record(struct hist *hist, struct vector_counts *counts, uint64_t seen)
{
	if (atomic_load_explicit(&counts->stale, memory_order_relaxed)) {
		hist_init(hist);
		atomic_store_explicit(&counts->stale, 0, memory_order_release);
	}
	hist_record(hist, clock_ns() - seen);
}

/* A message that was under way when the host went over to INTx is as good as that. */
static void held_before_intx(struct irq_function *f, unsigned vector)
{
	if (f->line.pin && !is_line(f, vector) &&
	    vfio_device_irq_kind(f->dev) == VFIO_IRQ_KIND_INTX)
		irq_function_resend(f, f->line.vector);
}

uint64_t irq_function_signalled(struct irq_function *f, unsigned vector)
{
	struct hist *hists = atomic_load_explicit(&f->recorded, memory_order_acquire);
	struct vector_counts *counts = &f->vectors[vector];
	uint64_t seen = hists ? clock_ns() : clock_coarse_ns();
	struct msi_message message;

	assert(vector < f->nr_vectors);

	PROBE_EVENTFD_SEEN(f->wiring.index, vector);
	count(&counts->taken);
	atomic_store_explicit(&counts->last_ns, seen, memory_order_relaxed);
	if (take(f, vector, &message) != VFIO_TAKE_DELIVER) {
		count(&counts->held);
		held_before_intx(f, vector);
	} else if (deliver(f, vector, &message) && hists)
		record(&hists[vector], counts, seen);
	return seen;
}

int irq_function_record(struct irq_function *f, bool on)
{
	if (!on) {
		atomic_store(&f->recorded, NULL);
		return 0;
	}
	if (!f->hists && f->nr_vectors) {
		f->hists = calloc(f->nr_vectors, sizeof(*f->hists));
		if (!f->hists)
			return -ENOMEM;
		for (unsigned v = 0; v < f->nr_vectors; v++)
			hist_init(&f->hists[v]);
	}
	for (unsigned v = 0; v < f->nr_vectors; v++)
		atomic_store(&f->vectors[v].stale, 1);
	atomic_store_explicit(&f->recorded, f->hists, memory_order_release);
	return 0;
}

bool irq_function_records(const struct irq_function *f)
{
	return atomic_load(&f->recorded);
}

const struct hist *irq_function_histogram(const struct irq_function *f, unsigned vector)
{
	assert(vector < f->nr_vectors);

	if (!f->hists || atomic_load_explicit(&f->vectors[vector].stale, memory_order_acquire))
		return NULL;
	return &f->hists[vector];
}

static bool message_of(const struct irq_function *f, unsigned vector,
		       struct msi_message *ret_message)
{
	if (f->dev)
		return vfio_vector_message(f->dev, vector, ret_message);
	*ret_message = bare_message(f, vector);
	return true;
}

/* The event of the shadow that an interrupt of the vector would signal now. */
static bool event_of(const struct irq_function *f, unsigned vector, uint32_t *ret_eventid)
{
	struct msi_message message;

	assert(vector < f->nr_vectors);

	if (is_line(f, vector) || !message_of(f, vector, &message) ||
	    message.address != LAYOUT_GITS_OF(f->its) + GITS_TRANSLATER ||
	    message.data >= f->wiring.nr_events)
		return false;
	*ret_eventid = message.data;
	return true;
}

bool irq_function_target(const struct irq_function *f, unsigned vector, uint32_t *ret_eventid,
			 struct vits_event *ret_event)
{
	if (!event_of(f, vector, ret_eventid))
		return false;
	vits_event_get(f->wiring.vits, f->wiring.vits_function, *ret_eventid, ret_event);
	return true;
}

bool irq_function_direct(const struct irq_function *f, unsigned vector, uint32_t *ret_eventid)
{
	const struct irq_wiring *w = &f->wiring;
	struct vits_event event;

	return irq_function_target(f, vector, ret_eventid, &event) && event.delivering &&
	       vits_enabled(w->vits) && !kernel_its_defers(w->kernel_its, w->index, *ret_eventid);
}

void irq_function_note_target(struct irq_function *f, unsigned vector)
{
	struct vits_event event;
	uint32_t eventid;

	if (!irq_function_target(f, vector, &eventid, &event) || !event.delivering)
		return;
	atomic_store_explicit(
		&f->vectors[vector].last,
		pack_last(&(struct vits_lpi){ .intid = event.intid, .vcpu = event.vcpu }, eventid),
		memory_order_relaxed);
}

void irq_function_released(struct irq_function *f, unsigned vector,
			   const struct msi_message *message)
{
	assert(vector < f->nr_vectors);

	count(&f->vectors[vector].released);
	(void)deliver(f, vector, message);
}

/* ---- signals and who counts them ------------------------------------------------ */

/* Before the signal is there, so that it is never counted as the kernel's. */
static void count_own(struct irq_function *f, unsigned vector)
{
	assert(vector < f->nr_vectors);

	count(&f->vectors[vector].own);
}

void irq_function_resend(struct irq_function *f, unsigned vector)
{
	count_own(f, vector);
	(void)eventfd_write(irq_function_eventfd(f, vector), 1);
}

void irq_function_trigger(struct irq_function *f, unsigned vector)
{
	if (!f->dev) {
		irq_function_resend(f, vector);
		return;
	}
	count_own(f, vector);
	(void)!vfio_vector_trigger(f->dev, vector);
}

bool irq_function_is_counted(const struct irq_function *f, unsigned vector)
{
	return !f->dev ||
	       (f->host_counts && f->vectors[vector].epoch == vfio_device_irqs_epoch(f->dev) &&
		vfio_irq_counts_has(f->host_counts, vector));
}

bool irq_function_recounts(const struct irq_function *f)
{
	return f->dev && f->counts_epoch != vfio_device_irqs_epoch(f->dev);
}

int irq_function_recount(struct irq_function *f, unsigned vector, uint64_t signals, unsigned epoch)
{
	struct vector_counts *counts = &f->vectors[vector];
	int r;

	assert(f->dev);

	if (!f->host_counts)
		return -ENOENT;
	/* Those that come meanwhile are counted by the host, and no less. */
	counts->host_nr = signals + atomic_load(&counts->consumed) - atomic_load(&counts->own);
	r = vfio_irq_counts_read(f->host_counts, vector, &counts->host_last);
	if (r == 0)
		counts->epoch = epoch;
	return r;
}

int irq_function_nr_signals(struct irq_function *f, unsigned vector, uint64_t *ret_signals)
{
	struct vector_counts *counts = &f->vectors[vector];
	uint32_t now = 0;
	int r = 0;

	if (!irq_function_is_counted(f, vector))
		return -ENOENT;
	if (f->dev)
		r = vfio_irq_counts_read(f->host_counts, vector, &now);
	if (r < 0)
		return r;
	counts->host_nr += now - counts->host_last;
	counts->host_last = now;
	*ret_signals = counts->host_nr + atomic_load(&counts->own) - atomic_load(&counts->consumed);
	return 0;
}

void irq_function_add_consumed(struct irq_function *f, unsigned vector, uint64_t signals)
{
	atomic_fetch_add(&f->vectors[vector].consumed, signals);
}

void irq_function_forget(struct irq_function *f)
{
	for (unsigned v = 0; v < f->nr_vectors; v++) {
		eventfd_t signals;

		if (eventfd_read(irq_function_eventfd(f, v), &signals) == 0)
			irq_function_add_consumed(f, v, signals);
	}
}

/* ---- set-up -------------------------------------------------------------------- */

static int alloc_vectors(struct irq_function *f, struct failure *ret_failure)
{
	f->vectors = calloc(f->nr_vectors ? f->nr_vectors : 1, sizeof(*f->vectors));
	if (!f->vectors)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, ENOMEM, f->name, NULL,
				   "out of memory");
	for (unsigned v = 0; v < f->nr_vectors; v++)
		f->vectors[v].route = (uint8_t)f->route;
	return 0;
}

uint32_t irq_function_events_for(unsigned vectors)
{
	uint32_t nr = MIN_EVENTS;

	while (nr < vectors)
		nr *= 2;
	return nr;
}

int irq_function_open(struct irq_function *f, struct vfio_device *dev, uint32_t nr_events,
		      struct failure *ret_failure)
{
	f->dev = dev;
	f->nr_vectors = vfio_device_nr_vectors(dev);
	f->line = (struct irq_line){ .trigger = -1 };
	f->line.pin = vfio_device_intx(dev, &f->line.vector);
	f->nr_events = nr_events ? nr_events : irq_function_events_for(irq_function_nr_messages(f));
	if (f->line.pin) {
		f->line.unmask = vfio_intx_unmask_eventfd(dev);
		f->line.trigger = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		if (f->line.trigger < 0)
			return failure_set(ret_failure, ITSY_ENVIRONMENT, errno, f->name,
					   "raise the limit of open files (ulimit -n)",
					   "no eventfd for INTx (%s)", strerror(errno));
	}
	return alloc_vectors(f, ret_failure);
}

int irq_function_open_bare(struct irq_function *f, unsigned nr_vectors, struct failure *ret_failure)
{
	f->nr_vectors = nr_vectors;
	f->nr_events = irq_function_events_for(nr_vectors);
	if (alloc_vectors(f, ret_failure) < 0)
		return -ENOMEM;
	f->bare = calloc(nr_vectors, sizeof(*f->bare));
	if (!f->bare)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, ENOMEM, f->name, NULL,
				   "out of memory");
	for (unsigned v = 0; v < nr_vectors; v++)
		f->bare[v] = -1;
	for (unsigned v = 0; v < nr_vectors; v++) {
		f->bare[v] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		if (f->bare[v] < 0)
			return failure_set(ret_failure, ITSY_ENVIRONMENT, errno, f->name,
					   "raise the limit of open files (ulimit -n)",
					   "no eventfd for vector %u (%s)", v, strerror(errno));
	}
	return 0;
}

void irq_function_close(struct irq_function *f)
{
	for (unsigned v = 0; f->bare && v < f->nr_vectors; v++)
		cleanup_fd(&f->bare[v]);
	free(f->bare);
	f->bare = NULL;
	if (f->line.pin)
		cleanup_fd(&f->line.trigger);
	f->line = (struct irq_line){ 0 };
	f->dev = NULL;
	f->host_counts = NULL;
	free(f->hists);
	atomic_store(&f->recorded, NULL);
	f->hists = NULL;
	free(f->vectors);
	f->vectors = NULL;
}

int irq_function_eventfd(const struct irq_function *f, unsigned vector)
{
	assert(vector < f->nr_vectors);

	return f->dev ? vfio_vector_eventfd(f->dev, vector) : f->bare[vector];
}

bool irq_function_can_mask(const struct irq_function *f)
{
	return f->dev && vfio_device_irq_kind(f->dev) == VFIO_IRQ_KIND_MSIX;
}

int irq_function_mask(struct irq_function *f, unsigned vector, bool mask)
{
	return f->dev ? vfio_vector_mask_at_device(f->dev, vector, mask) : -EOPNOTSUPP;
}
