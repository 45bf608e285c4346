/* SPDX-License-Identifier: MIT */
/*
 * Give a function to vfio-pci and give it back. What binding changed (driver
 * and driver_override) is recorded below /run/itsy/bound/ before it is changed,
 * so that a later process can put it back if this one dies.
 */
#ifndef VFIO_BIND_H
#define VFIO_BIND_H

#include "vfio/pci.h"

/*
 * Bind to vfio-pci by driver_override. Refuses bridges, functions without a
 * group, and, unless force, functions that the host is using: a disk that is claimed or
 * open, a network interface that is up with a carrier.
 * 1: bound now; 0: it was bound already, nothing changed and nothing recorded.
 * Otherwise negative errno and ret_failure, and then all is as it was. Loads the
 * modules vfio-pci and vfio_iommu_type1 where they are missing. Blocks for as long as
 * the host's driver takes to unbind, and then for some seconds at most.
 */
int vfio_bind(const struct pci_host_fs *fs, const struct pci_bdf *bdf, bool force,
	      struct vfio_failure *ret_failure) _must_check_;

/*
 * Put the recorded driver and driver_override back and forget the record, and so for
 * what vfio_group_take() took for the function;
 * without a record, let the kernel choose a driver. A driver that somebody else
 * bound meanwhile stays. -EBUSY VFIO_FAILURE_BUSY while a process has the group
 * open; the record is kept until all is put back. 0, or negative errno.
 */
int vfio_release(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
		 struct vfio_failure *ret_failure) _must_check_;

#endif
