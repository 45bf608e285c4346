/* SPDX-License-Identifier: MIT */
/*
 * Which of a function's BARs a guest of this host reaches by traps.
 */
#ifndef VFIO_BAR_LOOK_H
#define VFIO_BAR_LOOK_H

#include "vfio/pci.h"

struct vfio_bar_look {
	uint64_t page;	  /* of the host */
	unsigned trapped; /* bit n: each access to registers of memory BAR n, or to some, traps */
	/* The guest has its MSI-X table in this BAR, which the function has not; -1: where it is.
	 */
	int table_moved_to;
	unsigned table_bar; /* where it is */
};

/*
 * As it will be when the function is opened, of what sysfs tells: what it does not, is as on a host
 * with pages of 4 KiB, where nothing but the table traps.
 */
void vfio_bar_look(const struct pci_host_fs *fs, const struct pci_function *fn, uint64_t page,
		   struct vfio_bar_look *ret_look);

#endif
