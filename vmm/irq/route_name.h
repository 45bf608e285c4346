/* SPDX-License-Identifier: MIT */
/* The ways that an interrupt can take from VFIO to KVM: see vmm/irq/vector_routes.h. */
#ifndef VMM_IRQ_ROUTE_NAME_H
#define VMM_IRQ_ROUTE_NAME_H

#include <stdbool.h>

/* ROUTE_AUTO can be asked for; a vector is then on uring or on irqfd. */
enum route { ROUTE_URING, ROUTE_SPIN, ROUTE_IRQFD, ROUTE_AUTO, NR_ROUTES };

/* "uring", "spin", "irqfd", "auto"; and back: false for what is none. */
const char *route_name(enum route route);
/* route_name() of a number below NR_ROUTES, for word_list() and for keys of the configuration. */
const char *route_word(unsigned route);
bool route_parse(const char *name, enum route *ret_route);

/* Why a vector is on its route; itsy-control(7) defines each. */
enum route_why {
	ROUTE_WHY_ASKED,     /* it was asked for */
	ROUTE_WHY_HOT,	     /* auto: it interrupts often */
	ROUTE_WHY_COOL,	     /* auto: it has not interrupted often yet */
	ROUTE_WHY_QUIET,     /* auto: it does not interrupt often any more */
	ROUTE_WHY_LIMITS,    /* auto: its device has storm-rate or hold-us */
	ROUTE_WHY_HISTOGRAM, /* auto: its times are being recorded */
	ROUTE_WHY_PROBE,     /* auto: a tracer listens to itsy's probes */
	ROUTE_WHY_UNCOUNTED, /* auto: on irqfd nobody could count its interrupts */
	ROUTE_WHY_STORM,     /* it was over its limit while it was on irqfd */
	ROUTE_WHY_HELD, /* its interrupts do not reach the kernel ITS now: masked, or not mapped */
	ROUTE_WHY_NO_GSI,  /* KVM has no GSI left for its event, or another vector has it */
	ROUTE_WHY_REFUSED, /* KVM would not take its eventfd */
	ROUTE_WHY_NEXT,	   /* KVM gets it with its next interrupt */
	ROUTE_WHY_INTX,	   /* it is INTx, a level, which itsy hands to KVM itself */
	NR_ROUTE_WHYS,
};

/* A word for each: "asked", "hot", ... */
const char *route_why_name(enum route_why why);

#endif
