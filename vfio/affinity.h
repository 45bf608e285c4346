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
 * remember where they were. What the kernel refuses stays where it is: *ret_left
 * is how many, and ret_failure tells of the first (object its number). 0, or
 * negative errno where nothing could be done at all.
 */
int vfio_affinity_set(const struct pci_host_fs *fs, const struct pci_bdf *bdf, unsigned cpu,
		      struct vfio_affinity **ret_affinity, unsigned *ret_left,
		      struct vfio_failure *ret_failure) _must_check_;
/*
 * Put them back, while the vectors are enabled still; the kernel forgets them with
 * the vectors, so that nothing is left behind where a process dies. NULL is
 * allowed.
 */
void vfio_affinity_restore(struct vfio_affinity *affinity);

#endif
