/* SPDX-License-Identifier: MIT */
/*
 * The state of a function after power-on. Private to vfio/.
 */
#ifndef VFIO_RESET_H
#define VFIO_RESET_H

#include "vfio/device_io.h"

/*
 * The function alone and all that is virtual of it as after power-on. Lock held, or no other user
 * yet. As vfio_reset_all() of this one, but that no callback is called.
 */
void device_reset_locked(struct vfio_device *dev, struct vfio_reset_result *ret_result);

/*
 * While it is opened: bus mastering off, and a reset of its own, if it has one. Where it has none,
 * or that fails, vfio_reset_due() tries what is left. 0, or negative errno: its Command cannot be
 * written.
 */
int device_quiesce(struct vfio_device *dev) _must_check_;

#endif
