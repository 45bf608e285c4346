/* SPDX-License-Identifier: MIT */
/* The ways that an interrupt can take from VFIO to KVM: see vmm/irq/vector_routes.h. */
#ifndef VMM_IRQ_ROUTE_NAME_H
#define VMM_IRQ_ROUTE_NAME_H

#include <stdbool.h>

enum route { ROUTE_URING, ROUTE_SPIN, ROUTE_IRQFD, NR_ROUTES };

/* "uring", "spin", "irqfd"; and back: false for what is none. */
const char *route_name(enum route route);
/* route_name() of a number below NR_ROUTES, for word_list() and for keys of the configuration. */
const char *route_word(unsigned route);
bool route_parse(const char *name, enum route *ret_route);

#endif
