// SPDX-License-Identifier: MIT
/* The service manager. No locks. */
#include "vmm/sandbox/manager.h"

void manager_tell(struct manager *manager, enum service_state state)
{
	if (manager->told == state)
		return;
	manager->told = state;
	if (manager->keeper)
		keeper_tell(manager->keeper, state);
	else
		service_tell(manager->service, state);
}
