// SPDX-License-Identifier: MIT
/* The names of routes. */
#include "vmm/irq/route_name.h"

#include <assert.h>
#include <string.h>

static const char *const names[NR_ROUTES] = {
	[ROUTE_URING] = "uring",
	[ROUTE_SPIN] = "spin",
	[ROUTE_IRQFD] = "irqfd",
	[ROUTE_AUTO] = "auto",
};

static const char *const whys[NR_ROUTE_WHYS] = {
	[ROUTE_WHY_ASKED] = "asked",   [ROUTE_WHY_HOT] = "hot",
	[ROUTE_WHY_COOL] = "cool",     [ROUTE_WHY_QUIET] = "quiet",
	[ROUTE_WHY_LIMITS] = "limits", [ROUTE_WHY_HISTOGRAM] = "histogram",
	[ROUTE_WHY_PROBE] = "probe",   [ROUTE_WHY_UNCOUNTED] = "uncounted",
	[ROUTE_WHY_STORM] = "storm",   [ROUTE_WHY_HELD] = "held",
	[ROUTE_WHY_NO_GSI] = "no-gsi", [ROUTE_WHY_REFUSED] = "refused",
	[ROUTE_WHY_NEXT] = "next",     [ROUTE_WHY_INTX] = "intx",
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

const char *route_why_name(enum route_why why)
{
	assert(why < NR_ROUTE_WHYS);
	return whys[why];
}
