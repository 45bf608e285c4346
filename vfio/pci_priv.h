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
 * vfio-pci itself and its variants (mlx5_vfio_pci, hisi_acc_vfio_pci, ...),
 * which all serve the same interface and carry vfio in their names.
 */
bool pci_driver_is_vfio(const char *driver);

#endif
