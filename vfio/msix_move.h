/* SPDX-License-Identifier: MIT */
/*
 * Keeping an MSI-X table out of the way of registers. Private to vfio/.
 */
#ifndef VFIO_MSIX_MOVE_H
#define VFIO_MSIX_MOVE_H

#include "vfio/device_io.h"

/*
 * After msi_probe(), before bars_probe(): where the table or PBA is in one of the host's pages
 * with registers, have the guest find both in a BAR that the function has not (dev->made), if
 * there is one to be had and interrupts are isolated. image then says so. 0, or negative errno
 * and failure.
 */
int msix_move(struct vfio_device *dev, uint8_t *image, bool isolated,
	      struct vfio_failure *failure) _must_check_;

#endif
