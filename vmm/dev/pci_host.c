// SPDX-License-Identifier: MIT
/*
 * The guest's PCI host bridge.
 *
 * A BAR's mapped pieces become memory slots while the guest has it decoded;
 * everything else in the windows is trapped and finds its function here, I/O ports
 * too, which the guest reaches by a window of its memory. An expansion ROM is placed as
 * a BAR is, and always trapped. A BAR
 * that the guest puts over another one, or outside the windows, gets no slots:
 * a bridge does not forward what lies outside its windows, and two functions
 * that answer one address are the guest's mistake. Both are counted. A BAR that
 * was in the way and goes makes room for what was put over it. Behind a root port, a BAR has slots
 * and answers only while the port forwards all of it.
 *
 * Configuration accesses to a bus other than 0 go to the first root port, by device number, that
 * the guest has given that bus. There is nothing below the buses behind root ports: whatever
 * numbers a guest writes, an access comes to an end after one port.
 *
 * Lock: `in_use`, held for reading around each access to a function, so that whoever has taken a
 * function out waits for those that are under way; under it: Lock: `lock`, around root ports'
 * registers and the placement of all BARs; under it a function's own, KVM's in set_slot, and the
 * container's in the kernel. A function's configuration space is accessed without it, since that
 * calls back.
 */
#include "vmm/dev/pci_host.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/pci_regs.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/bits.h"
#include "vmm/base/report.h"
#include "vmm/dev/pci_port.h"
#include "vmm/kvm/layout.h"

#define ECAM_FN_SHIFT	  12u
#define ECAM_FN_SZ	  (UINT64_C(1) << ECAM_FN_SHIFT)
#define DEVFNS		  256u
#define SIBLINGS	  PCI_HOST_SIBLINGS
#define DEVICES		  (DEVFNS / SIBLINGS)
#define HEADER_TYPE_MULTI 0x80u /* of Header Type; PCI_HEADER_TYPE_MFD since Linux 6.7 */
#define ALL_ONES(len)	  (~UINT64_C(0) >> (64 - 8 * (len)))

struct placed_bar {
	bool decoded;	  /* lies at address and answers there */
	uint64_t address; /* of the guest's memory, of I/O ports too */
	uint64_t size;
	uint32_t mapped; /* bit i: piece i has its slot */
	uint32_t dma;	 /* bit i: DMA reaches it, too */
};

struct root_port {
	struct pci_port registers; /* under lock */
	unsigned device;	   /* on bus 0 */
	bool ejected;		   /* under lock: the guest has let go of what is behind it */
};

struct function {
	struct vfio_device *dev;      /* NULL: not used */
	const struct root_port *port; /* that it is behind; NULL: it is on bus 0 */
	uint32_t devfn;		      /* its place */
	bool gone;		      /* under lock: taken out, and it answers nobody any more */
	struct placed_bar bars[VFIO_DEVICE_RANGES];
};

/* What the guest's memory has of the bus's. */
static const struct window_row {
	const char *name;
	bool is_io;
	uint64_t base, size; /* of the guest's memory */
	uint64_t bus;	     /* what base is on the bus */
} window_rows[] = {
	{ "PCI I/O ports", true, LAYOUT_PCI_IO, LAYOUT_PCI_IO_SZ, 0 },
	{ "PCI 32-bit", false, LAYOUT_PCI32, LAYOUT_PCI32_SZ, LAYOUT_PCI32 },
	{ "PCI 64-bit", false, LAYOUT_PCI64, LAYOUT_PCI64_SZ, LAYOUT_PCI64 },
};

struct window {
	struct pci_host *pci_host;
	uint64_t base;
};

struct pci_host {
	const struct pci_host_ops *ops;
	void *ctx;
	struct window windows[ARRAY_SIZE(window_rows)];
	pthread_rwlock_t in_use, lock;
	struct function functions[PCI_HOST_MAX_FUNCTIONS]; /* the first nr_functions are used */
	unsigned nr_functions;
	const struct function *at[DEVFNS];	    /* by place; NULL: none */
	struct root_port ports[PCI_HOST_MAX_PORTS]; /* the first nr_ports are used */
	unsigned nr_ports;
	bool is_on_bus;			    /* how many buses there are is known */
	struct root_port *port_at[DEVICES]; /* by device number on bus 0; NULL: none */
	_Atomic uint64_t trapped, misplaced;
	bool told_of_dma; /* under lock */
};

/* ---- windows -------------------------------------------------------------- */

static bool ranges_meet(uint64_t a, uint64_t a_sz, uint64_t b, uint64_t b_sz)
{
	return a <= b + (b_sz - 1) && b <= a + (a_sz - 1);
}

/*
 * Where in the guest's memory a function's BAR is; false: in no window, of the host bridge's or of
 * its root port's. Call with the lock held.
 */
static bool find_window_locked(const struct function *fn, const struct vfio_bar *bar,
			       uint64_t *ret_address)
{
	if (fn->port &&
	    !pci_port_forwards(&fn->port->registers, bar->is_io, bar->address, bar->size))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(window_rows); i++) {
		const struct window_row *w = &window_rows[i];

		if (bar->is_io != w->is_io || bar->address < w->bus || bar->size > w->size ||
		    bar->address - w->bus > w->size - bar->size)
			continue;
		*ret_address = w->base + (bar->address - w->bus);
		return true;
	}
	return false;
}

/* Does another decoded BAR answer there? Call with the lock held. */
static bool taken_locked(const struct pci_host *pci_host, const struct placed_bar *self,
			 uint64_t address, uint64_t size)
{
	for (unsigned f = 0; f < PCI_HOST_MAX_FUNCTIONS; f++) {
		for (unsigned b = 0; b < VFIO_DEVICE_RANGES; b++) {
			const struct placed_bar *other = &pci_host->functions[f].bars[b];

			if (other != self && other->decoded &&
			    ranges_meet(address, size, other->address, other->size))
				return true;
		}
	}
	return false;
}

struct target {
	struct vfio_device *dev;
	unsigned bar;
	uint64_t offset;
};

/* Which BAR answers at gpa, all len bytes of it? */
static bool find_target(struct pci_host *pci_host, uint64_t gpa, unsigned len, struct target *ret)
{
	bool found = false;

	pthread_rwlock_rdlock(&pci_host->lock);
	for (unsigned f = 0; f < PCI_HOST_MAX_FUNCTIONS && !found; f++) {
		for (unsigned b = 0; b < VFIO_DEVICE_RANGES && !found; b++) {
			const struct placed_bar *bar = &pci_host->functions[f].bars[b];

			found = bar->decoded && gpa >= bar->address && bar->size >= len &&
				gpa - bar->address <= bar->size - len;
			if (found)
				*ret = (struct target){ pci_host->functions[f].dev, b,
							gpa - bar->address };
		}
	}
	pthread_rwlock_unlock(&pci_host->lock);
	return found;
}

static uint64_t window_read(void *ctx, uint64_t offset, unsigned len)
{
	struct window *w = ctx;
	struct target t;
	uint64_t value = ALL_ONES(len); /* where no BAR is, as after a master abort */

	pthread_rwlock_rdlock(&w->pci_host->in_use);
	if (find_target(w->pci_host, w->base + offset, len, &t)) {
		atomic_fetch_add_explicit(&w->pci_host->trapped, 1, memory_order_relaxed);
		value = vfio_bar_read(t.dev, t.bar, t.offset, len);
	}
	pthread_rwlock_unlock(&w->pci_host->in_use);
	return value;
}

static void window_write(void *ctx, uint64_t offset, unsigned len, uint64_t value)
{
	struct window *w = ctx;
	struct target t;

	pthread_rwlock_rdlock(&w->pci_host->in_use);
	if (find_target(w->pci_host, w->base + offset, len, &t)) {
		atomic_fetch_add_explicit(&w->pci_host->trapped, 1, memory_order_relaxed);
		vfio_bar_write(t.dev, t.bar, t.offset, len, value);
	}
	pthread_rwlock_unlock(&w->pci_host->in_use);
}

/* ---- placing BARs ---------------------------------------------------------- */

static unsigned slot_number(unsigned function, unsigned bar, unsigned piece)
{
	assert(bar < VFIO_DEVICE_BARS); /* nothing of a ROM is mapped */

	return (function * VFIO_DEVICE_BARS + bar) * VFIO_BAR_MAX_PIECES + piece;
}

/*
 * A function's DMA reaches other functions' BARs where the guest has them, as on a bus. A host that
 * does not have it so is told of once: few guests do that.
 */
static void map_dma_locked(struct pci_host *pci_host, unsigned function, unsigned bar, unsigned i,
			   const struct vfio_bar_piece *piece)
{
	const struct function *fn = &pci_host->functions[function];
	struct placed_bar *p = &pci_host->functions[function].bars[bar];
	int r = vfio_bar_map_dma(fn->dev, piece, p->address + piece->offset);

	if (r == 0) {
		p->dma |= UINT32_C(1) << i;
		return;
	}
	/* That no BAR is reached by iommufd is told before the guest runs. */
	if (!pci_host->told_of_dma && r != -EOPNOTSUPP)
		report_warning("a BAR at 0x%" PRIx64 ": DMA of functions does not reach it (%s)",
			       p->address + piece->offset, strerror(-r));
	pci_host->told_of_dma = true;
}

static void unmap_dma_locked(struct pci_host *pci_host, unsigned function, unsigned bar)
{
	const struct function *fn = &pci_host->functions[function];
	struct placed_bar *p = &pci_host->functions[function].bars[bar];
	struct vfio_bar now;

	if (!p->dma)
		return;
	vfio_device_bar(fn->dev, bar, &now);
	for (unsigned i = 0; i < now.nr_pieces; i++)
		if (p->dma & UINT32_C(1) << i)
			(void)!vfio_bar_unmap_dma(fn->dev, &now.pieces[i],
						  p->address + now.pieces[i].offset);
	p->dma = 0;
}

static void unmap_bar_locked(struct pci_host *pci_host, unsigned function, unsigned bar)
{
	struct placed_bar *p = &pci_host->functions[function].bars[bar];

	for (unsigned i = 0; i < VFIO_BAR_MAX_PIECES; i++)
		if (p->mapped & UINT32_C(1) << i)
			(void)pci_host->ops->set_slot(pci_host->ctx, slot_number(function, bar, i),
						      0, 0, NULL);
	unmap_dma_locked(pci_host, function, bar);
	p->mapped = 0;
	p->decoded = false;
}

static void map_bar_locked(struct pci_host *pci_host, unsigned function, unsigned bar,
			   const struct vfio_bar *now, uint64_t address)
{
	struct placed_bar *p = &pci_host->functions[function].bars[bar];

	*p = (struct placed_bar){ .decoded = true, .address = address, .size = now->size };
	for (unsigned i = 0; i < now->nr_pieces; i++) {
		const struct vfio_bar_piece *piece = &now->pieces[i];

		/* A piece that gets no slot works too, but slowly: each access traps. */
		if (piece->map &&
		    !pci_host->ops->set_slot(pci_host->ctx, slot_number(function, bar, i),
					     address + piece->offset, piece->size, piece->map))
			p->mapped |= UINT32_C(1) << i;
		if (p->mapped & UINT32_C(1) << i)
			map_dma_locked(pci_host, function, bar, i, piece);
	}
}

/* Have the guest reach a BAR where it is, if there is room. Returns whether it can. */
static bool place_bar_locked(struct pci_host *pci_host, unsigned function, unsigned bar,
			     const struct vfio_bar *now)
{
	const struct function *fn = &pci_host->functions[function];
	uint64_t address;

	if (!find_window_locked(fn, now, &address) ||
	    taken_locked(pci_host, &fn->bars[bar], address, now->size))
		return false;
	map_bar_locked(pci_host, function, bar, now, address);
	return true;
}

/*
 * Is it the guest's mistake where a decoded BAR is not reached? Not while its port forwards
 * nothing; and a port that is written makes no mistake of what was not reached before.
 */
static bool is_mistake_locked(const struct function *fn, const struct vfio_bar *now, bool moved)
{
	return moved && (!fn->port || pci_port_listens(&fn->port->registers, now->is_io));
}

/*
 * Put a BAR where the function has it now, and its port forwards it. Returns whether it is gone
 * from where it was.
 */
static bool follow_bar_locked(struct pci_host *pci_host, unsigned function, unsigned bar,
			      bool moved)
{
	struct function *fn = &pci_host->functions[function];
	const struct placed_bar *p = &fn->bars[bar];
	bool was_there = p->decoded;
	struct vfio_bar now;
	uint64_t address;

	/* It may be about to come back, with its BARs as they are then. */
	if (fn->gone && !was_there)
		return false;
	/* Read under the lock: so the last of several writers leaves what is in force. */
	vfio_device_bar(fn->dev, bar, &now);
	now.decoded &= !fn->gone;
	if (!now.present)
		return false;
	if (was_there == now.decoded &&
	    (!was_there || (find_window_locked(fn, &now, &address) && p->address == address)))
		return false;
	unmap_bar_locked(pci_host, function, bar);
	if (now.decoded && !place_bar_locked(pci_host, function, bar, &now) &&
	    is_mistake_locked(fn, &now, moved || was_there))
		atomic_fetch_add_explicit(&pci_host->misplaced, 1, memory_order_relaxed);
	return was_there;
}

/*
 * BARs that lay over one that has gone. On a bus they answer from then on, and their function sees
 * no write that would tell: so all are looked at.
 */
static void map_uncovered_locked(struct pci_host *pci_host)
{
	for (unsigned f = 0; f < PCI_HOST_MAX_FUNCTIONS; f++) {
		const struct function *fn = &pci_host->functions[f];

		for (unsigned b = 0; b < VFIO_DEVICE_RANGES && fn->dev; b++) {
			struct vfio_bar now;

			if (fn->bars[b].decoded || fn->gone)
				continue;
			vfio_device_bar(fn->dev, b, &now);
			if (now.present && now.decoded)
				(void)place_bar_locked(pci_host, f, b, &now);
		}
	}
}

/* Returns whether one of them is gone from where it was. */
static bool follow_function_locked(struct pci_host *pci_host, unsigned function, bool moved)
{
	bool gone = false;

	for (unsigned b = 0; b < VFIO_DEVICE_RANGES; b++)
		gone |= follow_bar_locked(pci_host, function, b, moved);
	return gone;
}

/* The guest has written a register of a port that decides what reaches the functions behind it. */
static void forwarding_changed_locked(struct pci_host *pci_host, const struct root_port *port)
{
	bool gone = false;

	for (unsigned f = 0; f < pci_host->nr_functions; f++)
		if (pci_host->functions[f].port == port)
			gone |= follow_function_locked(pci_host, f, false);
	if (gone)
		map_uncovered_locked(pci_host);
}

void pci_host_bars_changed(struct pci_host *pci_host, uint32_t devfn)
{
	unsigned function;

	assert(devfn < DEVFNS);
	assert(pci_host->at[devfn]);

	function = (unsigned)(pci_host->at[devfn] - pci_host->functions);
	pthread_rwlock_wrlock(&pci_host->lock);
	if (follow_function_locked(pci_host, function, true))
		map_uncovered_locked(pci_host);
	pthread_rwlock_unlock(&pci_host->lock);
}

/* ---- configuration space ------------------------------------------------ */

_Static_assert(LAYOUT_ECAM_SZ == DEVFNS * ECAM_FN_SZ, "the space of one bus");

/* Whose registers they are: at most one of both. */
struct ecam_target {
	const struct function *fn;
	struct root_port *port;
};

/* Whom the guest has given a bus. Call with the lock held. */
static const struct root_port *port_of_bus_locked(const struct pci_host *pci_host, unsigned bus)
{
	for (unsigned device = 0; device < DEVICES; device++) {
		const struct root_port *port = pci_host->port_at[device];

		if (port && pci_port_claims(&port->registers, bus))
			return port;
	}
	return NULL;
}

/* On bus 0, where each is whatever the guest has written. */
static struct ecam_target on_bus_0(const struct pci_host *pci_host, uint32_t devfn)
{
	struct root_port *port = pci_host->port_at[devfn / SIBLINGS];

	if (!port)
		return (struct ecam_target){ .fn = pci_host->at[devfn] };
	return (struct ecam_target){ .port = devfn % SIBLINGS ? NULL : port };
}

/* A link has one device, number 0; and nobody forwards what is for a bus below that one. */
static struct ecam_target behind_port(struct pci_host *pci_host, unsigned bus, uint32_t devfn)
{
	const struct function *fn = NULL;
	const struct root_port *port;

	pthread_rwlock_rdlock(&pci_host->lock);
	port = port_of_bus_locked(pci_host, bus);
	if (port && pci_port_secondary(&port->registers) == bus && devfn < SIBLINGS)
		fn = pci_host->at[port->device * SIBLINGS + devfn];
	if (fn && fn->gone)
		fn = NULL;
	pthread_rwlock_unlock(&pci_host->lock);
	return (struct ecam_target){ .fn = fn };
}

static struct ecam_target ecam_target(struct pci_host *pci_host, uint64_t offset)
{
	unsigned bus = (unsigned)(offset / LAYOUT_ECAM_SZ);
	uint32_t devfn = (uint32_t)(offset % LAYOUT_ECAM_SZ >> ECAM_FN_SHIFT);

	return bus ? behind_port(pci_host, bus, devfn) : on_bus_0(pci_host, devfn);
}

static bool has_siblings(const struct pci_host *pci_host, uint32_t devfn)
{
	const struct function *const *first = &pci_host->at[devfn / SIBLINGS * SIBLINGS];
	unsigned nr = 0;

	for (unsigned i = 0; i < SIBLINGS; i++)
		nr += first[i] != NULL;
	return nr > 1;
}

/*
 * PCI Local Bus 3.0, 6.2.1: the one bit that the function does not know, since its siblings on the
 * host need not be the guest's.
 */
static uint32_t add_header_type(const struct pci_host *pci_host, const struct function *fn,
				unsigned at, unsigned len, uint32_t value)
{
	if (at > PCI_HEADER_TYPE || at + len <= PCI_HEADER_TYPE ||
	    !has_siblings(pci_host, fn->devfn))
		return value;
	return value | (uint32_t)HEADER_TYPE_MULTI << 8 * (PCI_HEADER_TYPE - at);
}

/* PCI configuration accesses are 1, 2 or 4 bytes, naturally aligned. */
static bool ecam_access_ok(uint64_t offset, unsigned len)
{
	return (len == 1 || len == 2 || len == 4) && offset % len == 0;
}

static uint32_t port_read(struct pci_host *pci_host, const struct root_port *port, unsigned at,
			  unsigned len)
{
	uint32_t value;

	pthread_rwlock_rdlock(&pci_host->lock);
	value = pci_port_read(&port->registers, at, len);
	pthread_rwlock_unlock(&pci_host->lock);
	return value;
}

static uint64_t ecam_read(void *ctx, uint64_t offset, unsigned len)
{
	struct pci_host *pci_host = ctx;
	unsigned at = (unsigned)(offset % ECAM_FN_SZ);
	uint64_t value = ALL_ONES(len);
	struct ecam_target to;

	if (!ecam_access_ok(offset, len))
		return value;
	pthread_rwlock_rdlock(&pci_host->in_use);
	to = ecam_target(pci_host, offset);
	if (to.port)
		value = port_read(pci_host, to.port, at, len);
	if (to.fn)
		value = add_header_type(pci_host, to.fn, at, len,
					vfio_cfgspace_read(to.fn->dev, at, len));
	pthread_rwlock_unlock(&pci_host->in_use);
	return value;
}

/* What a write to a port, or an event at it, leaves to be done: with no lock held. */
static void do_port_work(struct pci_host *pci_host, const struct root_port *port, unsigned work,
			 const struct msi_message *message)
{
	if ((work & PCI_PORT_WORK_MSI) && pci_host->ops->port_msi)
		pci_host->ops->port_msi(pci_host->ctx, port->device, message);
	if ((work & PCI_PORT_WORK_EJECT) && pci_host->ops->ejected)
		pci_host->ops->ejected(pci_host->ctx);
}

/* Of what is to be done, a message that the guest has enabled. */
static unsigned take_message_locked(const struct root_port *port, unsigned work,
				    struct msi_message *ret_message)
{
	if (!pci_port_message(&port->registers, ret_message))
		work &= ~(unsigned)PCI_PORT_WORK_MSI;
	return work;
}

/* PCI-to-PCI Bridge 1.2, 3.2.5.18 (Secondary Bus Reset). No lock is held but that of accesses. */
static void reset_behind(struct pci_host *pci_host, const struct root_port *port)
{
	for (unsigned i = 0; i < SIBLINGS; i++) {
		const struct function *fn = pci_host->at[port->device * SIBLINGS + i];
		bool is_there;

		pthread_rwlock_rdlock(&pci_host->lock);
		is_there = fn && !fn->gone;
		pthread_rwlock_unlock(&pci_host->lock);
		if (is_there)
			vfio_device_reset_by_guest(fn->dev);
	}
}

static void port_write(struct pci_host *pci_host, struct root_port *port, unsigned at, unsigned len,
		       uint32_t value)
{
	struct msi_message message;
	unsigned work;

	pthread_rwlock_wrlock(&pci_host->lock);
	work = pci_port_write(&port->registers, at, len, value);
	if (work & PCI_PORT_WORK_FORWARD)
		forwarding_changed_locked(pci_host, port);
	if (work & PCI_PORT_WORK_EJECT)
		port->ejected = true;
	work = take_message_locked(port, work, &message);
	pthread_rwlock_unlock(&pci_host->lock);
	if (work & PCI_PORT_WORK_RESET)
		reset_behind(pci_host, port);
	do_port_work(pci_host, port, work, &message);
}

static void ecam_write(void *ctx, uint64_t offset, unsigned len, uint64_t value)
{
	struct pci_host *pci_host = ctx;
	unsigned at = (unsigned)(offset % ECAM_FN_SZ);
	struct ecam_target to;

	if (!ecam_access_ok(offset, len))
		return;
	pthread_rwlock_rdlock(&pci_host->in_use);
	to = ecam_target(pci_host, offset);
	if (to.port)
		port_write(pci_host, to.port, at, len, (uint32_t)value);
	if (to.fn)
		vfio_cfgspace_write(to.fn->dev, at, len, (uint32_t)value);
	pthread_rwlock_unlock(&pci_host->in_use);
}

/* ---- slots -------------------------------------------------------------------- */

int pci_host_press(struct pci_host *pci_host, unsigned device)
{
	struct root_port *port = device < DEVICES ? pci_host->port_at[device] : NULL;
	struct msi_message message;
	unsigned work = 0;
	bool is_filled;

	if (!port)
		return -ENOENT;
	pthread_rwlock_wrlock(&pci_host->lock);
	is_filled = pci_port_is_filled(&port->registers);
	if (is_filled)
		work = take_message_locked(port, pci_port_press(&port->registers), &message);
	pthread_rwlock_unlock(&pci_host->lock);
	do_port_work(pci_host, port, work, &message);
	return is_filled ? 0 : -ENOENT;
}

bool pci_host_is_ejected(struct pci_host *pci_host, unsigned device)
{
	const struct root_port *port = device < DEVICES ? pci_host->port_at[device] : NULL;
	bool ejected;

	pthread_rwlock_rdlock(&pci_host->lock);
	ejected = port && port->ejected;
	pthread_rwlock_unlock(&pci_host->lock);
	return ejected;
}

void pci_host_unplug(struct pci_host *pci_host, unsigned device)
{
	struct root_port *port = pci_host->port_at[device];
	struct msi_message message;
	unsigned work;

	assert(port);

	pthread_rwlock_wrlock(&pci_host->lock);
	for (unsigned f = 0; f < pci_host->nr_functions; f++)
		if (pci_host->functions[f].port == port)
			pci_host->functions[f].gone = true;
	forwarding_changed_locked(pci_host, port);
	work = take_message_locked(port, pci_port_empty(&port->registers), &message);
	port->ejected = false;
	pthread_rwlock_unlock(&pci_host->lock);
	/* Those who had found one of them before are through when this is had. */
	pthread_rwlock_wrlock(&pci_host->in_use);
	pthread_rwlock_unlock(&pci_host->in_use);
	do_port_work(pci_host, port, work, &message);
}

void pci_host_plug(struct pci_host *pci_host, unsigned device)
{
	struct root_port *port = pci_host->port_at[device];
	struct msi_message message;
	unsigned work;

	assert(port);

	pthread_rwlock_wrlock(&pci_host->lock);
	for (unsigned f = 0; f < pci_host->nr_functions; f++)
		if (pci_host->functions[f].port == port)
			pci_host->functions[f].gone = false;
	work = take_message_locked(port, pci_port_plug(&port->registers), &message);
	pthread_rwlock_unlock(&pci_host->lock);
	do_port_work(pci_host, port, work, &message);
}

/* ---- set-up ------------------------------------------------------------------ */

/*
 * Readers let writers go first: vCPUs that access functions all the time would keep them out, the
 * main thread among them. No thread takes one of these locks twice.
 */
static void init_lock(pthread_rwlock_t *lock)
{
	pthread_rwlockattr_t attr;

	(void)pthread_rwlockattr_init(&attr);
	(void)pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	(void)pthread_rwlock_init(lock, &attr);
	(void)pthread_rwlockattr_destroy(&attr);
}

int pci_host_create(const struct pci_host_ops *ops, void *ctx, struct pci_host **ret_pci_host)
{
	struct pci_host *pci_host = calloc(1, sizeof(*pci_host));

	assert(ops);

	if (!pci_host)
		return -ENOMEM;
	pci_host->ops = ops;
	pci_host->ctx = ctx;
	for (size_t i = 0; i < ARRAY_SIZE(window_rows); i++)
		pci_host->windows[i] = (struct window){ pci_host, window_rows[i].base };
	init_lock(&pci_host->in_use);
	init_lock(&pci_host->lock);
	*ret_pci_host = pci_host;
	return 0;
}

void pci_host_destroy(struct pci_host *pci_host)
{
	if (!pci_host)
		return;
	for (unsigned f = 0; f < pci_host->nr_functions; f++)
		for (unsigned b = 0; b < VFIO_DEVICE_RANGES; b++)
			unmap_dma_locked(pci_host, f, b); /* nobody else has it any more */
	pthread_rwlock_destroy(&pci_host->lock);
	pthread_rwlock_destroy(&pci_host->in_use);
	free(pci_host);
}

int pci_host_add_port(struct pci_host *pci_host, unsigned device)
{
	struct root_port *port = &pci_host->ports[pci_host->nr_ports];

	assert(!pci_host->is_on_bus);

	if (device >= DEVICES || pci_host->nr_ports == PCI_HOST_MAX_PORTS)
		return -ENOSPC;
	for (unsigned i = 0; i < SIBLINGS; i++)
		if (pci_host->port_at[device] || pci_host->at[device * SIBLINGS + i])
			return -EEXIST;
	port->device = device;
	pci_port_reset(&port->registers, device);
	pci_host->port_at[device] = port;
	pci_host->nr_ports++;
	return 0;
}

static int add_function(struct pci_host *pci_host, uint32_t devfn, struct vfio_device *dev,
			bool is_there)
{
	struct function *fn = &pci_host->functions[pci_host->nr_functions];

	assert(dev);

	if (devfn >= DEVFNS || pci_host->nr_functions == PCI_HOST_MAX_FUNCTIONS)
		return -ENOSPC;
	if (pci_host->at[devfn])
		return -EEXIST;
	fn->dev = dev;
	fn->devfn = devfn;
	fn->port = pci_host->port_at[devfn / SIBLINGS];
	fn->gone = !is_there;
	if (fn->port && is_there)
		pci_port_fill(&pci_host->port_at[devfn / SIBLINGS]->registers);
	pci_host->at[devfn] = fn;
	pci_host->nr_functions++;
	return 0;
}

int pci_host_add(struct pci_host *pci_host, uint32_t devfn, struct vfio_device *dev)
{
	return add_function(pci_host, devfn, dev, true);
}

int pci_host_add_absent(struct pci_host *pci_host, uint32_t devfn, struct vfio_device *dev)
{
	assert(devfn >= DEVFNS || pci_host->port_at[devfn / SIBLINGS]);

	return add_function(pci_host, devfn, dev, false);
}

int pci_host_add_to_bus(struct pci_host *pci_host, struct bus *bus)
{
	const struct bus_region ecam = {
		.name = "PCI configuration space",
		.base = LAYOUT_ECAM,
		.size = (1 + pci_host->nr_ports) * LAYOUT_ECAM_SZ,
		.read = ecam_read,
		.write = ecam_write,
		.ctx = pci_host,
	};
	int r = bus_add(bus, &ecam);

	pci_host->is_on_bus = true;
	for (size_t i = 0; !r && i < ARRAY_SIZE(pci_host->windows); i++) {
		const struct bus_region window = {
			.name = window_rows[i].name,
			.base = window_rows[i].base,
			.size = window_rows[i].size,
			.read = window_read,
			.write = window_write,
			.ctx = &pci_host->windows[i],
		};

		r = bus_add(bus, &window);
	}
	return r;
}

void pci_host_stats_get(struct pci_host *pci_host, struct pci_host_stats *ret_stats)
{
	*ret_stats = (struct pci_host_stats){ .trapped = pci_host->trapped,
					      .misplaced = pci_host->misplaced };
}
