/* SPDX-License-Identifier: MIT */
/*
 * The option --root of the commands that look at the host.
 */
#ifndef VMM_CLI_HOSTROOT_H
#define VMM_CLI_HOSTROOT_H

#include "vfio/pci.h"

/* 0; or -EINVAL with a line on stderr where the path is too long. */
int hostroot_set(struct pci_host_fs *fs, const char *root) _must_check_;

#endif
