/* SPDX-License-Identifier: MIT */
/*
 * The service manager, as the process that runs the guest sees it: by its keeper, where it has one,
 * for the manager listens to the process that it has started.
 */
#ifndef VMM_SANDBOX_MANAGER_H
#define VMM_SANDBOX_MANAGER_H

#include "vmm/base/service.h"
#include "vmm/sandbox/keeper_client.h"

struct manager {
	int service;			    /* service_open(); borrowed */
	const struct keeper_client *keeper; /* NULL: there is none, and service counts */
	enum service_state told;
};

/* Tell it what it has not been told last. The main thread. */
void manager_tell(struct manager *manager, enum service_state state);

#endif
