/* SPDX-License-Identifier: MIT */
/*
 * The registers of a PCI Express root port, an emulated bridge from the guest's bus 0 to a bus
 * of its own. What they do to accesses, pci_host.c does.
 *
 * PCI-to-PCI Bridge Architecture 1.2, chapter 3; PCI Express Base 5.0, 7.5.
 */
#ifndef VMM_DEV_PCI_PORT_H
#define VMM_DEV_PCI_PORT_H

#include "vfio/device.h"

#define PCI_PORT_REGISTERS 256u /* bytes that are kept; from there to 4096 all is zero */

struct pci_port {
	uint8_t value[PCI_PORT_REGISTERS];
	bool asserted; /* something in the slot interrupts, if MSI is enabled */
};

/* What a write to a register, or an event in the slot, leaves to be done. */
enum pci_port_work {
	PCI_PORT_WORK_FORWARD = 1, /* what it forwards may have changed */
	PCI_PORT_WORK_MSI = 2,	   /* send pci_port_message() */
	PCI_PORT_WORK_EJECT = 4,   /* the guest has switched the slot off, and waits for no more */
	PCI_PORT_WORK_RESET = 8,   /* reset what is in it */
};

/* A register: what it is after a reset, and what writes do to its bits. */
struct pci_port_register {
	uint8_t offset, width; /* 1, 2 or 4 */
	uint32_t reset;
	uint32_t rw;  /* a write changes them; all others are read only */
	uint32_t w1c; /* a write of ones clears them */
};

/* Ascending, without overlap; all that is not there reads as zero. */
extern const struct pci_port_register pci_port_registers[];
extern const size_t nr_pci_port_registers;

/*
 * The state after a reset, with an empty slot. number is the port's (Link Capabilities), and the
 * slot's: its device number on bus 0.
 */
void pci_port_reset(struct pci_port *port, unsigned number);
/* Something is in the slot, since power-on. */
void pci_port_fill(struct pci_port *port);
bool pci_port_is_filled(const struct pci_port *port);
/*
 * Somebody pressed the button at the slot, which asks the guest to let go of what is in it; or what
 * was in it is there no more. Work for the caller, as of pci_port_write().
 */
unsigned pci_port_press(struct pci_port *port);
unsigned pci_port_empty(struct pci_port *port);
/*
 * Something was put into the slot, which was empty. Where the guest has switched that off, the
 * button is pressed as well, to ask for power; else there is a link at once. Work likewise.
 */
unsigned pci_port_plug(struct pci_port *port);
/* The port's own interrupt; false: the guest has not enabled it. */
bool pci_port_message(const struct pci_port *port, struct msi_message *ret_message);

/* len is 1, 2 or 4, offset below 4096 and a multiple of len. */
uint32_t pci_port_read(const struct pci_port *port, unsigned offset, unsigned len);
/* Returns what is left to be done, enum pci_port_work. */
unsigned pci_port_write(struct pci_port *port, unsigned offset, unsigned len, uint32_t value);

/* The bus behind it; 0: the guest has given it none, or one that is not among its buses. */
unsigned pci_port_secondary(const struct pci_port *port);
/*
 * Does it claim configuration accesses to a bus, from its secondary to its subordinate bus? bus
 * is not 0.
 */
bool pci_port_claims(const struct pci_port *port, unsigned bus);

/* Does it forward any accesses to I/O ports, or to memory (Command)? */
bool pci_port_listens(const struct pci_port *port, bool is_io);
/* And all size bytes at a bus address: are they in one of its windows? size is not 0. */
bool pci_port_forwards(const struct pci_port *port, bool is_io, uint64_t address, uint64_t size);

#endif
