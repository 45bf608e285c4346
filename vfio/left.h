/* SPDX-License-Identifier: MIT */
/*
 * Functions that were left bound: by a process that was to give them back, and was killed. What
 * was bound to stay so, as by itsy bind, is none of them.
 */
#ifndef VFIO_LEFT_H
#define VFIO_LEFT_H

#include "vfio/failure.h"
#include "vfio/pci.h"

#define VFIO_LEFT_MAX 64u

struct vfio_left {
	struct pci_bdf bdf;
	int pid; /* of the process that is gone */
};

/* Those that there are, at most max of them, in no order. How many, or negative errno. */
int vfio_left_list(const struct pci_host_fs *fs, struct vfio_left ret_left[],
		   size_t max) _must_check_;

/*
 * Give one of them back, as vfio_release(), once the process's files are closed: the kernel may
 * still be at that, and it is waited for for some seconds at most. 1: it is given back; 0: it is
 * not left any more, as another process has given it back or has it now; or negative errno.
 */
int vfio_left_give_back(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
			struct vfio_failure *ret_failure) _must_check_;

/* Wait in the same way, and change nothing: for who is about to have it. */
void vfio_left_wait(const struct pci_host_fs *fs, const struct pci_bdf *bdf);

#endif
