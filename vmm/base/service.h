/* SPDX-License-Identifier: MIT */
/*
 * A service manager is told how far this process is, as sd_notify(3) does: where systemd has
 * started it with Type=notify, NOTIFY_SOCKET says where.
 *
 * There is no watchdog (WATCHDOG=1): whether the guest gets on, nobody here can tell, and that
 * this process does is seen without being told.
 */
#ifndef VMM_BASE_SERVICE_H
#define VMM_BASE_SERVICE_H

#include "vmm/base/cleanup.h"

/* In this order; what comes back to an earlier one is a guest that starts anew. */
enum service_state { SERVICE_SETS_UP, SERVICE_RUNS, SERVICE_STOPS, NR_SERVICE_STATES };

/*
 * A socket that is connected to the manager's, the caller's to close; -1 where there is no
 * manager, or it does not listen. Before any root changes. NOTIFY_SOCKET goes from the
 * environment, so that no child takes itself for the service.
 */
int service_open(void);
/* Never waits; what does not arrive is missed by nobody who could help. fd may be -1. */
void service_tell(int fd, enum service_state state);

#endif
