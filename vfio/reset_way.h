/* SPDX-License-Identifier: MIT */
/*
 * How a function can be reset, as the host's sysfs has it.
 */
#ifndef VFIO_RESET_WAY_H
#define VFIO_RESET_WAY_H

#include "vfio/pci.h"

struct vfio_reset_way {
	/*
	 * The kernel's words for the function's own resets, in its order ("flr", "pm bus"); "bus"
	 * for that of its slot, where it has none; "none".
	 */
	char words[64];
	size_t nr_others;     /* functions that "bus" resets, too */
	struct pci_bdf other; /* the first of them, by name */
};

/*
 * How would it be reset for a guest that gets this function and those of with? with is NULL where
 * nobody knows: then others may be anybody's. 0; -ENOTTY with VFIO_FAILURE_NO_RESET; or -EPERM
 * with VFIO_FAILURE_RESET_SHARED: other would be reset, too, and is not this guest's. What the
 * kernel knows of a slot that sysfs does not tell, it says when the function is open
 * (vfio_reset_due()). ret_way is filled in in each case.
 */
int vfio_reset_look(const struct pci_host_fs *fs, const struct pci_function *fn,
		    const struct pci_set *with, struct vfio_reset_way *ret_way,
		    struct vfio_failure *ret_failure) _must_check_;

#endif
