/* SPDX-License-Identifier: MIT */
/*
 * Does the host itself use a function? Private to vfio/ and its tests.
 */
#ifndef VFIO_HOSTUSE_H
#define VFIO_HOSTUSE_H

#include "vfio/pci.h"

/*
 * 1 and what uses it in ret_what ("/ (nvme0n1p2)", "swap (sda3)", "eth0"), 0 when
 * nothing does, or negative errno.
 */
int host_uses(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
	      char ret_what[96]) _must_check_;

#endif
