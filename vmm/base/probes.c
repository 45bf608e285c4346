// SPDX-License-Identifier: MIT
/*
 * The probes' semaphores. The kernel writes them, on behalf of tracers; nobody here does. No
 * locks.
 */
#include "vmm/base/probes.h"

#define SEMAPHORE(probe) \
	volatile unsigned short itsy_##probe##_semaphore __attribute__((section(".probes"))) = 0

SEMAPHORE(eventfd_seen);
SEMAPHORE(injected);
SEMAPHORE(command);

bool probes_of_interrupts_are_on(void)
{
	return itsy_eventfd_seen_semaphore || itsy_injected_semaphore;
}
