/* SPDX-License-Identifier: MIT */
/*
 * Devices that an itsy which was killed has left bound go back with the next command, which says
 * so, one line each.
 */
#ifndef VMM_CLI_LEFT_BEHIND_H
#define VMM_CLI_LEFT_BEHIND_H

#include "vfio/pci.h"
#include "vmm/config/config.h"

/*
 * Give back all but those in spared (NULL: none), which the command itself is about to bind or to
 * give back: these are only waited for, while the kernel still closes them. What cannot be given
 * back is warned of. May take seconds where there are any.
 */
void left_behind_give_back(const struct pci_host_fs *fs, const struct pci_set *spared);

/* The same for itsy run, which takes over those of its configuration. After passthru_find(). */
void left_behind_make_way(const struct pci_host_fs *fs, const struct config *config);

#endif
