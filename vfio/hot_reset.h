/* SPDX-License-Identifier: MIT */
/*
 * Resetting all functions of a slot at once. Private to vfio/.
 */
#ifndef VFIO_HOT_RESET_H
#define VFIO_HOT_RESET_H

#include "vfio/device_io.h"

/*
 * Ask which functions a reset of this one's slot resets. 0, also where the kernel has none; or
 * -ENOMEM. What is kept ends with hot_reset_forget().
 */
int hot_reset_probe(struct vfio_device *dev) _must_check_;
void hot_reset_forget(struct vfio_device *dev);

/* Would it reset the other one, too? Of itself: can its slot be reset at all? */
bool hot_reset_affects(const struct vfio_device *dev, const struct vfio_device *other);
/* Would it reset this function, and no other one? */
bool hot_reset_is_of_one(const struct vfio_device *dev);

/*
 * Are all functions that it resets this container's, as the kernel, which is asked again, has it
 * now? 0; -ENODEV: its slot cannot be reset; -EPERM: *ret_other is not; -EINVAL: there is one more
 * than there was; or what the kernel answered. Allocates nothing; under the container's `slots`.
 */
int hot_reset_allowed(const struct vfio_device *dev, struct pci_bdf *ret_other) _must_check_;

/*
 * Reset the slot: once, where hot_reset_allowed(). 0, or what the kernel answered, of which
 * -EINVAL is that vfio-pci does not have all of them. Allocates nothing; under `slots`, too.
 */
int hot_reset_do(const struct vfio_device *dev) _must_check_;

#endif
