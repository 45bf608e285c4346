/* SPDX-License-Identifier: MIT */
/*
 * The slot of a root port, while a guest runs: what is behind it is taken out, and put back. A
 * machine's functions are those of its configuration, in their order; a port is its device number.
 * The thread that owns the machine.
 */
#ifndef VMM_MACHINE_SLOT_H
#define VMM_MACHINE_SLOT_H

#include "vmm/dev/passthru.h"
#include "vmm/dev/pci_host.h"

/* Does the host want one of them back, without which the guest goes on? */
bool slot_is_wanted_back(const struct passthru functions[], size_t nr, unsigned port);
/* All that are there: pci_host_unplug(), passthru_remove(); and back to their drivers. */
void slot_empty(struct pci_host *pci_host, struct passthru functions[], size_t nr, unsigned port);
/*
 * All that were taken out, of which there is one at least: passthru_return(), pci_host_plug(). May
 * wait for a reset of a function, and allocates memory.
 */
int slot_fill(struct pci_host *pci_host, struct passthru functions[], size_t nr, unsigned port,
	      struct failure *ret_failure) _must_check_;
/*
 * A function that was not there, behind its root port, which has no other: passthru_adopt(),
 * pci_host_plug(). Likewise. On failure it has gone back to its driver.
 */
int slot_adopt(struct pci_host *pci_host, struct passthru *p, struct passthru_offer *offer,
	       struct failure *ret_failure) _must_check_;

#endif
