/* SPDX-License-Identifier: MIT */
/*
 * PCI functions on bus 0: configuration space through ECAM, BARs, MSI, MSI-X.
 * PCI Local Bus 3.0: 6.2.5 (BARs), 6.8 (MSI, MSI-X).
 */
#ifndef GUEST_LIB_PCI_H
#define GUEST_LIB_PCI_H

#include <stdbool.h>
#include <stdint.h>

#define PCI_COMMAND	   0x04u
#define PCI_COMMAND_MEMORY 0x0002u
#define PCI_COMMAND_MASTER 0x0004u
#define PCI_COMMAND_NOINTX 0x0400u
#define PCI_CLASS	   0x08u
#define PCI_BAR(n)	   (0x10u + 4u * (n))
#define PCI_BARS	   6u

struct pci_function {
	unsigned devfn; /* DeviceID and requester ID too */
	uint32_t id;	/* device << 16 | vendor */
	uint32_t class; /* base class, subclass, interface */
	uint64_t bar[PCI_BARS];
	uint64_t bar_sz[PCI_BARS];
	unsigned msi, msix;	       /* offset of the capability, 0: none */
	unsigned msix_nr;	       /* vectors */
	uint64_t msix_table, msix_pba; /* addresses, when BARs are placed */
};

uint32_t pci_read32(unsigned devfn, unsigned offset);
uint16_t pci_read16(unsigned devfn, unsigned offset);
void pci_write32(unsigned devfn, unsigned offset, uint32_t value);
void pci_write16(unsigned devfn, unsigned offset, uint16_t value);

/* The function there. False: there is none. Nothing is changed. */
bool pci_at(unsigned devfn, struct pci_function *ret_fn);
/* The nth function, from 0, with this id (or class). False: there is none. Nothing is changed. */
bool pci_find(uint32_t id, unsigned nth, struct pci_function *ret_fn);
bool pci_find_class(uint32_t class, unsigned nth, struct pci_function *ret_fn);

/* Size all BARs, place them in the windows, switch memory decoding and bus mastering on. */
void pci_set_up(struct pci_function *fn);

/* Everything where pci_set_up() placed it once, whatever was written to it since. */
void pci_put_back(const struct pci_function *fn);

/* One message, all others as they are. */
void pci_msi_on(const struct pci_function *fn, uint64_t address, uint16_t data);
void pci_msi_off(const struct pci_function *fn);

/* MSI-X: vectors are written while they are masked, then unmasked. */
void pci_msix_on(const struct pci_function *fn);
void pci_msix_off(const struct pci_function *fn);
void pci_msix_mask_function(const struct pci_function *fn, bool masked);
void pci_msix_write(const struct pci_function *fn, unsigned vector, uint64_t address,
		    uint32_t data);
void pci_msix_mask(const struct pci_function *fn, unsigned vector, bool masked);
bool pci_msix_pending(const struct pci_function *fn, unsigned vector);

#endif
