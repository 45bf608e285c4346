/* SPDX-License-Identifier: MIT */
/*
 * What a function's own driver tells of it, as long as the host has it bound. Private to vfio/
 * and its tests; name.h has its sizes, too.
 */
#ifndef VFIO_TOLD_H
#define VFIO_TOLD_H

#include "vfio/pci.h"

#define PCI_SERIAL_STRLEN 24u /* "52-54-00-ff-ff-12-34-56"; an NVMe controller's has 20 */
#define PCI_MAC_STRLEN	  18u
#define PCI_MACS_MAX	  4u

struct pci_told {
	char serial[PCI_SERIAL_STRLEN];		 /* of an NVMe controller, trimmed; "" for none */
	char macs[PCI_MACS_MAX][PCI_MAC_STRLEN]; /* sorted; those that the function itself has */
	unsigned nr_macs;
	bool is_starting; /* its driver will know more in a moment */
};

/* What is not there, or not fit to be printed and typed, is left out. */
void pci_told_get(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
		  struct pci_told *ret_told);

/* 1 to 23 printable ASCII characters, without blanks at the ends. */
bool pci_serial_is_sound(const char *text);
/* Six octets in hexadecimal, either case, to lower case; not all zero. 0, or -EINVAL. */
int pci_mac_parse(const char *text, char ret_mac[PCI_MAC_STRLEN]) _must_check_;

#endif
