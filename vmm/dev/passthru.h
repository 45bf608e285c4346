/* SPDX-License-Identifier: MIT */
/*
 * Functions that are passed through: what ties a VFIO device to the guest's PCI
 * bridge, to the vITS and to the LPI engine, and counts each vector's interrupts.
 *
 * A function lives over the guest's reboots; the machine it is wired to does not.
 */
#ifndef VMM_DEV_PASSTHRU_H
#define VMM_DEV_PASSTHRU_H

#include <stdatomic.h>

#include "vitsmod/vits.h"
#include "vmm/base/hist.h"
#include "vmm/base/report.h"
#include "vmm/config/config.h"
#include "vmm/dev/pci_host.h"
#include "vmm/irq/policy.h"
#include "vmm/irq/route_name.h"
#include "vmm/its/kernel_its.h"

struct vector_routes;
struct vfio_affinity;

/*
 * What became of a vector's interrupts. taken = injected + held - released + dropped.
 * Those that the kernel takes by itself (ROUTE_IRQFD) are not counted.
 */
struct vector_counts {
	_Atomic uint64_t taken;	   /* from VFIO */
	_Atomic uint64_t injected; /* made pending in the guest */
	_Atomic uint64_t held;	   /* came while the guest had the vector masked or off */
	_Atomic uint64_t released; /* of those: delivered when it was unmasked */
	_Atomic uint64_t dropped;  /* no such mapping, LPIs off, or no ITS at the address */
	/* Where the last one went: INTID << 32 | vCPU << 16 | EventID; 0: none yet. */
	_Atomic uint64_t last;
	/* CLOCK_MONOTONIC, as of the timer tick before; 0: none yet. */
	_Atomic uint64_t last_ns;
	_Atomic uint8_t stale; /* the histogram is of before: begin anew */
	/* What a policy did (vmm/irq/policy.h); those that wait or merge are not taken. */
	_Atomic uint64_t storms;	 /* times that the limit was hit */
	_Atomic uint64_t storm_held;	 /* came in a storm, and merged into the next one taken */
	_Atomic uint64_t storm_muted;	 /* times that it was masked at the device */
	_Atomic uint64_t storm_released; /* itsy's own, for what that may have lost */
	_Atomic uint64_t coalesced;	 /* came too early, and merged into the next one taken */
	_Atomic uint8_t route; /* enum route: what was asked for (vmm/irq/vector_routes.h) */
};

/* The parts of a machine that a function is wired to; all borrowed. */
struct passthru_wiring {
	struct vits *vits;
	size_t vits_function; /* the function's index there */
	uint32_t nr_events;   /* of the function there */
	struct kernel_its *seal;
	size_t index; /* and there, and of its routes */
	struct pci_host *pcih;
	struct vector_routes *routes; /* routes.c sets it; NULL: none yet */
};

struct passthru {
	const char *name; /* borrowed from the configuration */
	struct pci_bdf bdf;
	unsigned slot;	    /* on the guest's bus */
	size_t its;	    /* the guest's ITS that it is wired to */
	uint32_t devid;	    /* its DeviceID there */
	uint32_t nr_events; /* in the shadow */
	enum route route;   /* that its vectors begin with; before open */
	struct policy policy;
	unsigned nr_vectors;
	bool bound_here;	       /* to be given back */
	struct vfio_device *dev;       /* NULL: a bare function */
	struct vfio_affinity *moved;   /* where the host's interrupts were; NULL: where they are */
	int *bare;		       /* [nr_vectors] its eventfds; NULL unless bare */
	struct vector_counts *vectors; /* [nr_vectors] */
	struct hist *hists;	       /* [nr_vectors]; NULL: never asked for */
	struct hist *_Atomic recorded; /* the same while times are recorded, else NULL */

	struct passthru_wiring wiring; /* of the machine, while there is one */
};

/*
 * In two steps, for members of one IOMMU group must all be bound before the
 * first is opened. bind: bind the function of a config block if it is not bound;
 * slot is its device number on the guest's bus. On failure it is as it was.
 */
int passthru_bind(struct passthru *p, const struct config_device *config, unsigned slot,
		  struct failure *ret_failure) _must_check_;
int passthru_open(struct passthru *p, const struct config_device *config,
		  struct vfio_container *container, struct failure *ret_failure) _must_check_;
/*
 * A function without a device: vectors that are eventfds, and nothing on the PCI
 * bus. Vector n sends EventID n to the guest's first ITS, and is never masked.
 * For measuring; there is nothing to bind or to give back.
 */
int passthru_open_bare(struct passthru *p, const char *name, uint32_t devid, unsigned nr_vectors,
		       struct failure *ret_failure) _must_check_;
void passthru_close(struct passthru *p);

/*
 * Have the device keep quiet (vfio_vector_mute()); -EOPNOTSUPP where it has no way
 * to. May wait for a reset of the function.
 */
bool passthru_can_mute(const struct passthru *p);
int passthru_mute(struct passthru *p, unsigned vector, bool mute) _must_check_;

/* What signals a vector: borrowed, EFD_NONBLOCK. */
int passthru_eventfd(const struct passthru *p, unsigned vector);
/* Give it back to its driver if passthru_bind() took it; after the container is gone. */
void passthru_give_back(struct passthru *p);

/* Wire it to a machine's parts. */
int passthru_wire(struct passthru *p, const struct passthru_wiring *wiring) _must_check_;
/* After the machine's vCPUs and router have stopped. */
void passthru_unwire(struct passthru *p);

/*
 * May the kernel make a vector's interrupts pending by itself? Yes where each of
 * them would reach the sealed ITS: the vector is unmasked, its message goes to an
 * ITS that is enabled, and the event's mapping is not owed. Then ret_eventid is
 * the event. Any thread.
 */
bool passthru_direct(const struct passthru *p, unsigned vector, uint32_t *ret_eventid);

/*
 * Where an interrupt of the vector would go now. False: it would be held, or its
 * message goes to no event of the function's ITS. Any thread.
 */
bool passthru_target(const struct passthru *p, unsigned vector, uint32_t *ret_eventid,
		     struct vits_event *ret_event);

/*
 * Times from when the router sees a vector's signal to when KVM has taken the
 * interrupt, in ns: a histogram of each vector. They are kept from
 * passthru_record(true) on, which forgets those of before, until (false).
 * -ENOMEM: nothing changed. One thread at a time.
 */
int passthru_record(struct passthru *p, bool on) _must_check_;
bool passthru_records(const struct passthru *p);
/* NULL: no time was recorded yet. */
const struct hist *passthru_histogram(const struct passthru *p, unsigned vector);

/* A vector was signalled. The router's thread. */
void passthru_signalled(struct passthru *p, unsigned vector);

#endif
