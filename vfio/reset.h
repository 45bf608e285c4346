/* SPDX-License-Identifier: MIT */
/*
 * The state of a function after power-on. Private to vfio/.
 */
#ifndef VFIO_RESET_H
#define VFIO_RESET_H

#include "vfio/device_io.h"

/*
 * The function and all that is virtual of it as after power-on. Lock
 * held, or no other user yet. As vfio_device_reset().
 */
int device_reset_locked(struct vfio_device *dev, enum vfio_reset_step *ret_failed);

#endif
