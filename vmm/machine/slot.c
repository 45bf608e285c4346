// SPDX-License-Identifier: MIT
/*
 * What is behind a root port leaves the guest, and comes back. No locks: the thread that owns the
 * machine.
 */
#include "vmm/machine/slot.h"

#include <assert.h>

#include "vmm/base/report.h"

static bool is_behind(const struct passthru *p, unsigned port)
{
	return p->root_port && p->devfn / PCI_HOST_SIBLINGS == port;
}

bool slot_is_wanted_back(const struct passthru functions[], size_t nr, unsigned port)
{
	bool wanted = false;

	for (size_t i = 0; i < nr; i++)
		wanted |= is_behind(&functions[i], port) && !functions[i].removed &&
			  functions[i].wanted_back;
	return wanted;
}

static void tell(const struct passthru *p, const char *what)
{
	char bdf[PCI_BDF_STRLEN];

	report_notice("%s: %s the guest, device %s", pci_bdf_format(&p->bdf, bdf), what,
		      p->irq.name);
}

void slot_empty(struct pci_host *pci_host, struct passthru functions[], size_t nr, unsigned port)
{
	struct passthru *gone[CONFIG_MAX_DEVICES];
	size_t nr_gone = 0;

	assert(nr <= CONFIG_MAX_DEVICES);

	pci_host_unplug(pci_host, port);
	for (size_t i = 0; i < nr; i++) {
		if (!is_behind(&functions[i], port) || functions[i].removed)
			continue;
		passthru_remove(&functions[i]);
		tell(&functions[i], "removed from");
		gone[nr_gone++] = &functions[i];
	}
	/* Functions of one group go when nobody has it open any more. */
	for (size_t i = 0; i < nr_gone; i++)
		passthru_give_back_removed(gone[i]);
}

int slot_fill(struct pci_host *pci_host, struct passthru functions[], size_t nr, unsigned port,
	      struct failure *ret_failure)
{
	struct passthru *absent[CONFIG_MAX_DEVICES];
	size_t nr_absent = 0;
	int r;

	assert(nr <= CONFIG_MAX_DEVICES);

	for (size_t i = 0; i < nr; i++)
		if (is_behind(&functions[i], port) && functions[i].removed)
			absent[nr_absent++] = &functions[i];
	assert(nr_absent);
	r = passthru_return(absent, nr_absent, ret_failure);
	if (r < 0)
		return r;
	pci_host_plug(pci_host, port);
	for (size_t i = 0; i < nr_absent; i++)
		tell(absent[i], "added to");
	return 0;
}

int slot_adopt(struct pci_host *pci_host, struct passthru *p, struct passthru_offer *offer,
	       struct failure *ret_failure)
{
	int r = passthru_adopt(p, offer, ret_failure);

	if (r < 0) {
		passthru_give_back_removed(p);
		return r;
	}
	pci_host_plug(pci_host, p->devfn / PCI_HOST_SIBLINGS);
	tell(p, "added to");
	return 0;
}
