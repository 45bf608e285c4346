/* SPDX-License-Identifier: MIT */
/* The ways that an interrupt can take from VFIO to KVM: see vmm/routes.h. */
#ifndef VMM_ROUTE_H
#define VMM_ROUTE_H

#include <stdbool.h>

enum route { ROUTE_URING, ROUTE_SPIN, ROUTE_IRQFD };
#define NR_ROUTES 3u

/* "uring", "spin", "irqfd"; and back: false for what is none. */
const char *route_name(enum route route);
bool route_parse(const char *name, enum route *ret_route);

#endif
