// SPDX-License-Identifier: MIT
/* The names of routes. */
#include "vmm/irq/route_name.h"

#include <assert.h>
#include <string.h>

static const char *const names[NR_ROUTES] = {
	[ROUTE_URING] = "uring",
	[ROUTE_SPIN] = "spin",
	[ROUTE_IRQFD] = "irqfd",
};

const char *route_name(enum route route)
{
	assert(route < NR_ROUTES);
	return names[route];
}

const char *route_word(unsigned route)
{
	return route_name((enum route)route);
}

bool route_parse(const char *name, enum route *ret_route)
{
	for (unsigned i = 0; i < NR_ROUTES; i++)
		if (strcmp(name, names[i]) == 0) {
			*ret_route = (enum route)i;
			return true;
		}
	return false;
}
