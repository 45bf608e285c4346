/* SPDX-License-Identifier: MIT */
/*
 * Names of functions of a host that tests play. Private to vfio/ and its tests.
 */
#ifndef VFIO_NAME_PRIV_H
#define VFIO_NAME_PRIV_H

#include "vfio/hostuse.h"
#include "vfio/name.h"

int pci_named_list_with(const struct hostuse_sys *sys, const struct pci_host_fs *fs,
			struct pci_named **ret_list, size_t *ret_nr) _must_check_;

#endif
