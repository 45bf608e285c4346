// SPDX-License-Identifier: MIT
/*
 * For tests that name functions which the machine that they run on may have: what is in the way of
 * those is no matter. Takes the place of vfio_holes_of_function() where a test is linked with
 * --wrap=vfio_holes_of_function.
 */
#include "vfio/holes.h"

int __wrap_vfio_holes_of_function(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
				  struct vfio_holes *holes);
int __wrap_vfio_holes_of_function(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
				  struct vfio_holes *holes)
{
	(void)fs;
	(void)bdf;
	(void)holes;
	return 0;
}
