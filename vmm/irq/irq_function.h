/* SPDX-License-Identifier: MIT */
/*
 * A function as a source of interrupts: its vectors, what became of the interrupts of
 * each, and how they reach the guest: masks and messages are asked of the virtual
 * device (vfio/device.h), the vITS translates, the kernel ITS makes the LPI pending.
 *
 * A function lives over the guest's reboots; the machine it is wired to does not.
 */
#ifndef VMM_IRQ_IRQ_FUNCTION_H
#define VMM_IRQ_IRQ_FUNCTION_H

#include <stdatomic.h>

#include "vfio/device.h"
#include "vitsmod/vits.h"
#include "vmm/base/hist.h"
#include "vmm/base/report.h"
#include "vmm/irq/policy.h"
#include "vmm/irq/route_name.h"
#include "vmm/its/kernel_its.h"

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
	_Atomic uint8_t stale; /* the histogram is of an earlier recording: empty it first */
	/* What a policy did (vmm/irq/policy.h); those that wait or merge are not taken. */
	_Atomic uint64_t storms;	 /* times that the limit was hit */
	_Atomic uint64_t storm_merged;	 /* came in a storm, and merged into the next one taken */
	_Atomic uint64_t storm_masked;	 /* times that it was masked at the device */
	_Atomic uint64_t storm_released; /* signals of itsy's own, for what that may have lost */
	_Atomic uint64_t coalesced;	 /* came too early, and merged into the next one taken */
	_Atomic uint8_t route; /* enum route: what was asked for (vmm/irq/vector_routes.h) */
};

/* The parts of a machine that take a function's interrupts; all borrowed. */
struct irq_wiring {
	struct vits *vits;
	size_t vits_function; /* the function's index there */
	uint32_t nr_events;   /* of the function there */
	struct kernel_its *kernel_its;
	size_t index; /* the function's index in the configuration, there and in vector_routes */
};

struct irq_function {
	const char *name;   /* borrowed from the configuration */
	size_t its;	    /* the guest's ITS that it is wired to */
	uint32_t devid;	    /* its DeviceID there */
	uint32_t nr_events; /* in the shadow */
	enum route route;   /* that its vectors begin with; before open */
	struct policy policy;
	unsigned nr_vectors;
	struct vfio_device *dev;       /* borrowed; NULL: none, or a bare function */
	int *bare;		       /* [nr_vectors] its eventfds; NULL unless bare */
	struct vector_counts *vectors; /* [nr_vectors] */
	struct hist *hists;	       /* [nr_vectors]; NULL: never asked for */
	struct hist *_Atomic recorded; /* the same while times are recorded, else NULL */

	struct irq_wiring wiring; /* of the machine, while there is one */
};

/*
 * Make the vectors of a function: those of a device, or bare ones without a device,
 * which are eventfds. Vector n of a bare function sends EventID n to its ITS and is
 * never masked; for measuring. nr_events of 0 is the least that the vectors need.
 * The caller has set name, its, devid, route and policy before; ops of the device stay the
 * caller's. -ENOMEM, or that no eventfd is left.
 */
int irq_function_open(struct irq_function *f, struct vfio_device *dev, uint32_t nr_events,
		      struct failure *ret_failure) _must_check_;
int irq_function_open_bare(struct irq_function *f, unsigned nr_vectors,
			   struct failure *ret_failure) _must_check_;
/* Frees what open made; a struct that is all zeroes is allowed. */
void irq_function_close(struct irq_function *f);

/*
 * Have the device keep a vector quiet; -EOPNOTSUPP where it has no way to. May wait
 * for a reset of the function.
 */
bool irq_function_can_mask(const struct irq_function *f);
int irq_function_mask(struct irq_function *f, unsigned vector, bool mask) _must_check_;

/* What signals a vector: borrowed, EFD_NONBLOCK. */
int irq_function_eventfd(const struct irq_function *f, unsigned vector);

/*
 * May the kernel make a vector's interrupts pending by itself? Yes where each of
 * them would reach the kernel ITS: the vector is unmasked, its message goes to an
 * ITS that is enabled, and the event's mapping is not deferred. Then ret_eventid is
 * the event. Any thread.
 */
bool irq_function_direct(const struct irq_function *f, unsigned vector, uint32_t *ret_eventid);

/*
 * Where an interrupt of the vector would go now. False: it would be held, or its
 * message goes to no event of the function's ITS. Any thread.
 */
bool irq_function_target(const struct irq_function *f, unsigned vector, uint32_t *ret_eventid,
			 struct vits_event *ret_event);

/*
 * Times from when the router sees a vector's signal to when KVM has taken the
 * interrupt, in ns: a histogram of each vector. They are kept from
 * irq_function_record(true) on, which forgets those of before, until (false).
 * -ENOMEM: nothing changed. One thread at a time.
 */
int irq_function_record(struct irq_function *f, bool on) _must_check_;
bool irq_function_records(const struct irq_function *f);
/* NULL: no time was recorded yet. */
const struct hist *irq_function_histogram(const struct irq_function *f, unsigned vector);

/* A vector was signalled. The router's thread. */
void irq_function_signalled(struct irq_function *f, unsigned vector);
/* The guest has unmasked the vector: send what was held, once, as message says. Any thread. */
void irq_function_released(struct irq_function *f, unsigned vector,
			   const struct msi_message *message);

#endif
