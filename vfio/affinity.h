/* SPDX-License-Identifier: MIT */
/*
 * Which of the host's CPUs takes a function's interrupts:
 * Documentation/core-api/irq/irq-affinity.rst.
 */
#ifndef VFIO_AFFINITY_H
#define VFIO_AFFINITY_H

#include "vfio/pci.h"

struct vfio_affinity;

/*
 * Move all interrupts of a function, whose vectors are enabled, to one CPU, and
 * remember where they were. *ret_left is how many the kernel refused to move; they stay
 * where they are, and ret_failure says why for the first of them (object: its number).
 * 0, also where some were refused, or negative errno where none could be looked at.
 */
int vfio_affinity_set(const struct pci_host_fs *fs, const struct pci_bdf *bdf, unsigned cpu,
		      struct vfio_affinity **ret_affinity, unsigned *ret_left,
		      struct vfio_failure *ret_failure) _must_check_;
/*
 * Put them back and free it, before the vectors are disabled. (Disabling them, as the
 * end of a process does, makes the kernel forget where they were moved to, so a crash
 * leaves nothing behind.) NULL is allowed.
 */
void vfio_affinity_restore(struct vfio_affinity *affinity);
/* Free it where the vectors have gone already. NULL is allowed. */
void vfio_affinity_forget(struct vfio_affinity *affinity);

#endif
