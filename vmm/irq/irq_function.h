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
#include "vfio/irq_count.h"
#include "vitsmod/vits.h"
#include "vmm/base/hist.h"
#include "vmm/base/report.h"
#include "vmm/irq/heat.h"
#include "vmm/irq/policy.h"
#include "vmm/irq/route_name.h"
#include "vmm/its/kernel_its.h"

/*
 * What became of a vector's interrupts. taken + tied = injected + tied + held - released +
 * dropped: those that went straight from VFIO to KVM (ROUTE_IRQFD) were seen by nobody here,
 * and are counted apart (vmm/irq/vector_routes.h).
 */
struct vector_counts {
	_Atomic uint64_t taken;	   /* from VFIO, by itsy's threads */
	_Atomic uint64_t injected; /* made pending in the guest, by itsy's threads */
	_Atomic uint64_t tied;	   /* by the kernel alone, as the host has counted them */
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
	_Atomic uint64_t ties;		 /* times that KVM was given its eventfd */
	_Atomic uint8_t route; /* enum route: what was asked for (vmm/irq/vector_routes.h) */
	/* Where it was put last: enum route, but never ROUTE_AUTO; enum route_why; since when. */
	_Atomic uint8_t on, why;
	_Atomic uint64_t since_ns; /* CLOCK_MONOTONIC */
	_Atomic uint8_t tied_is;   /* enum tied_is */
	/*
	 * Signals of its eventfd: of itsy's own; and those that were taken by routers that are
	 * gone, forgotten, or merged into one for KVM.
	 */
	_Atomic uint64_t own, consumed;
	/* The host's count of its interrupts; main thread, or who makes it anew. */
	uint64_t host_nr;
	uint32_t host_last; /* as it was read last */
	unsigned epoch; /* of the host's interrupts that are counted: vfio_device_irqs_epoch() */
};

/* What struct vector_counts' tied is, by all that happened until now. */
enum tied_is {
	TIED_EXACT,   /* all that the kernel took */
	TIED_DIRECT,  /* less: a GICv4 delivered to the guest, and nobody counted */
	TIED_UNKNOWN, /* less: the host shows no count of the vector's interrupts, or none any more
		       */
};

/*
 * INTx of a function, a level: vmm/irq/irq_line.h has its way to the guest. Constant from
 * irq_function_open() on, but for intid and needs_exit.
 */
struct irq_line {
	unsigned pin;	 /* 1 to 4; 0: the function has none */
	unsigned vector; /* its number */
	unsigned intid;	 /* the guest's interrupt, set by who puts it on a bus; 0: none */
	int trigger;	 /* owned eventfd: KVM asserts the interrupt */
	int unmask;	 /* borrowed: who signals it has VFIO look at the function's pin again */
	bool needs_exit; /* while the guest handles it: irq_line_needs_exit() */
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
	struct heat_limits heat; /* of ROUTE_AUTO */
	bool tie_uncounted;	 /* ROUTE_AUTO ties what nobody counts then */
	unsigned nr_vectors;
	struct vfio_device *dev;	     /* borrowed; NULL: none, or a bare function */
	struct vfio_irq_counts *host_counts; /* borrowed; NULL: the host shows none */
	_Atomic unsigned counts_epoch;	     /* they are of this vfio_device_irqs_epoch() */
	int *bare;			     /* [nr_vectors] its eventfds; NULL unless bare */
	struct vector_counts *vectors;	     /* [nr_vectors] */
	struct hist *hists;		     /* [nr_vectors]; NULL: never asked for */
	struct hist *_Atomic recorded;	     /* the same while times are recorded, else NULL */

	struct irq_line line;
	struct irq_wiring wiring; /* of the machine, while there is one */
};

/* Vectors that send messages: all but the one of INTx. */
static inline unsigned irq_function_nr_messages(const struct irq_function *f)
{
	return f->nr_vectors - (f->line.pin != 0);
}

/* EventIDs that a function with so many vectors has, unless the configuration says another number.
 */
uint32_t irq_function_events_for(unsigned vectors);

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
 * Have a vector interrupt as if its device had: by VFIO's loopback, or for a bare function
 * by its eventfd. It is counted as a signal of itsy's own, since the host sees no interrupt.
 * Any thread.
 */
void irq_function_trigger(struct irq_function *f, unsigned vector);
/* Signal its eventfd, likewise counted: for interrupts that may have been lost. Any thread. */
void irq_function_resend(struct irq_function *f, unsigned vector);

/*
 * Has the host a count of the vector's interrupts? Of bare functions, all signals are
 * itsy's own. Not while irq_function_recounts(). Whoever holds the lock of the routes
 * (vmm/irq/vector_routes.h).
 */
bool irq_function_is_counted(const struct irq_function *f, unsigned vector);
/*
 * All signals of the vector's eventfd until now: the interrupts that the host has counted, and
 * those of itsy's own; less those that routers which are gone have taken. Main thread.
 * 0, or negative errno where the host's count cannot be read.
 */
int irq_function_nr_signals(struct irq_function *f, unsigned vector,
			    uint64_t *ret_signals) _must_check_;
/*
 * The guest has changed to another kind of interrupt: the host counts anew, in other files, and
 * what is in host_counts is of interrupts that are no more. Any thread.
 */
bool irq_function_recounts(const struct irq_function *f);
/*
 * The vector's count goes on from there: host_counts are of the interrupts of that epoch, and
 * signals is how many signals of its eventfd there were until now. Lock of the routes held.
 * 0, or negative errno where the host's count cannot be read: then it has none.
 */
int irq_function_recount(struct irq_function *f, unsigned vector, uint64_t signals,
			 unsigned epoch) _must_check_;
/* This many signals of the vector are nobody's any more: a router that took them is gone, or they
 * were merged into another one. Any thread. */
void irq_function_add_consumed(struct irq_function *f, unsigned vector, uint64_t signals);
/* The function was reset: what was signalled and nobody took is no interrupt. While no router runs.
 */
void irq_function_forget(struct irq_function *f);

/*
 * May the kernel make a vector's interrupts pending by itself? Yes where each of
 * them would reach the kernel ITS: the vector is unmasked, its message goes to an
 * ITS that is enabled, the event is mapped to a vCPU, and the mapping is not deferred. Then
 * ret_eventid is the event. Any thread.
 */
bool irq_function_direct(const struct irq_function *f, unsigned vector, uint32_t *ret_eventid);

/*
 * Where an interrupt of the vector would go now. False: it would be held, or its
 * message goes to no event of the function's ITS. Any thread.
 */
bool irq_function_target(const struct irq_function *f, unsigned vector, uint32_t *ret_eventid,
			 struct vits_event *ret_event);
/*
 * KVM took an interrupt of the vector by itself: note where its event leads now as where its last
 * one went. Any thread.
 */
void irq_function_note_target(struct irq_function *f, unsigned vector);

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

/* A vector was signalled. Returns when: CLOCK_MONOTONIC, some ms old. The router's thread. */
uint64_t irq_function_signalled(struct irq_function *f, unsigned vector);
/* The guest has unmasked the vector: send what was held, once, as message says. Any thread. */
void irq_function_released(struct irq_function *f, unsigned vector,
			   const struct msi_message *message);

#endif
