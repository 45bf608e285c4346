/* SPDX-License-Identifier: MIT */
/* Private to vfio/ and its tests, which play the kernel. */
#ifndef VFIO_LEFT_PRIV_H
#define VFIO_LEFT_PRIV_H

#include "vfio/bind_priv.h"
#include "vfio/left.h"

int vfio_left_give_back_with(const struct bind_host *host, const struct pci_host_fs *fs,
			     const struct pci_bdf *bdf,
			     struct vfio_failure *ret_failure) _must_check_;
void vfio_left_wait_with(const struct bind_host *host, const struct pci_host_fs *fs,
			 const struct pci_bdf *bdf);

#endif
