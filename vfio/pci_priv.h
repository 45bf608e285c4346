/* SPDX-License-Identifier: MIT */
/*
 * sysfs of a PCI function, for the other files of vfio/ only.
 */
#ifndef VFIO_PCI_PRIV_H
#define VFIO_PCI_PRIV_H

#include "vfio/hostfs.h"
#include "vfio/pci.h"

/* Path of an attribute of a function, of its directory with "". */
int pci_attr_path(struct host_path *ret_path, const struct pci_host_fs *fs,
		  const struct pci_bdf *bdf, const char *attr) _must_check_;

/* The bound driver, "" for none. */
int pci_driver_get(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
		   char ret_driver[PCI_DRIVER_STRLEN]) _must_check_;

/*
 * Does VFIO take only functions whose interrupts the host keeps from each other? False where it
 * was told not to insist, or where that cannot be seen.
 */
bool pci_interrupts_are_isolated(const struct pci_host_fs *fs);

#endif
