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
	pci_host_unplug(pci_host, port);
	for (size_t i = 0; i < nr; i++) {
		if (!is_behind(&functions[i], port) || functions[i].removed)
			continue;
		passthru_remove(&functions[i]);
		tell(&functions[i], "removed from");
	}
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
