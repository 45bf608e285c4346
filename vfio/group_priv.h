/* SPDX-License-Identifier: MIT */
/*
 * Taking groups of a host that tests play. Private to vfio/ and its tests.
 */
#ifndef VFIO_GROUP_PRIV_H
#define VFIO_GROUP_PRIV_H

#include "vfio/bind_priv.h"
#include "vfio/group.h"

int vfio_group_take_with(const struct bind_host *host, const struct pci_host_fs *fs,
			 const struct pci_bdf *bdf, const struct vfio_group_ops *ops,
			 struct vfio_failure *ret_failure) _must_check_;

#endif
