/* SPDX-License-Identifier: MIT */
/*
 * The file that VFIO makes for a function: Documentation/ABI/testing/sysfs-devices-vfio-dev.
 * Private to vfio/ and its tests.
 */
#ifndef VFIO_CDEV_H
#define VFIO_CDEV_H

#include "vfio/pci_priv.h"

#define VFIO_CDEV_STRLEN 24u /* "vfio4294967295" fits with its end */
#define VFIO_CDEV_FOLDER "/dev/vfio/devices/"
#define VFIO_CDEV_PATH	 (sizeof(VFIO_CDEV_FOLDER) + VFIO_CDEV_STRLEN)

/*
 * The name of a bound function's file ("vfio0"). 0, or -ENOENT: it is not bound to vfio-pci, or
 * VFIO makes no files (CONFIG_VFIO_DEVICE_CDEV, Linux 6.6); or what sysfs answered.
 */
int vfio_cdev_of(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
		 char ret_name[VFIO_CDEV_STRLEN]) _must_check_;
/* The same, with VFIO_FAILURE_NO_IOMMUFD. */
int vfio_cdev_find(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
		   char ret_name[VFIO_CDEV_STRLEN], struct vfio_failure *ret_failure) _must_check_;
/* Where the file of this name is. */
const char *vfio_cdev_path(const char *name, char buf[VFIO_CDEV_PATH]);
/* The IOMMU group of the function that has the file at this path; -1: it is no function's. */
int vfio_cdev_group(const struct pci_host_fs *fs, const char *path);

#endif
