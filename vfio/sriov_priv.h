/* SPDX-License-Identifier: MIT */
/*
 * Making virtual functions of a host that tests play. Private to vfio/ and its tests.
 */
#ifndef VFIO_SRIOV_PRIV_H
#define VFIO_SRIOV_PRIV_H

#include "vfio/bind_priv.h"
#include "vfio/sriov.h"

int vfio_vfs_set_with(const struct bind_host *host, const struct pci_host_fs *fs,
		      const struct pci_bdf *bdf, uint32_t nr,
		      struct vfio_failure *ret_failure) _must_check_;

#endif
