/* SPDX-License-Identifier: MIT */
/*
 * Looking at a host that tests play. Private to vfio/ and its tests.
 */
#ifndef VFIO_LOOK_PRIV_H
#define VFIO_LOOK_PRIV_H

#include "vfio/hostuse.h"
#include "vfio/look.h"

int vfio_look_with(const struct hostuse_sys *sys, const struct pci_host_fs *fs,
		   const struct pci_bdf *bdf, const struct pci_set *with,
		   struct pci_function *ret_fn, struct vfio_failure *ret_failure) _must_check_;

#endif
