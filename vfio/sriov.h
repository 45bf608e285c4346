/* SPDX-License-Identifier: MIT */
/*
 * Virtual functions (SR-IOV): making them, for guests, and taking them away.
 */
#ifndef VFIO_SRIOV_H
#define VFIO_SRIOV_H

#include "vfio/pci.h"

/*
 * Let a physical function have nr virtual ones, 0 to take them away. They are made so that no
 * driver of the host's takes them, whatever sriov_drivers_autoprobe says, which is as it was
 * afterwards; nothing is changed where it has some, but not nr. None is taken away while one of
 * them is bound for a guest, open (VFIO_FAILURE_TAKEN, VFIO_FAILURE_BUSY), or used by the host
 * (VFIO_FAILURE_IN_USE_BY_HOST): the failure's object is that one then.
 *
 * 1: so many now; 0: it had so many. Otherwise negative errno and ret_failure, and the function
 * has what it had. Blocks for as long as the function's driver takes, and signals meanwhile.
 * pci_vf_get() tells which they are.
 */
int vfio_vfs_set(const struct pci_host_fs *fs, const struct pci_bdf *bdf, uint32_t nr,
		 struct vfio_failure *ret_failure) _must_check_;

#endif
