/* SPDX-License-Identifier: MIT */
/*
 * What the host says of an open function beside its interrupts. Private to vfio/.
 */
#ifndef VFIO_NOTICE_H
#define VFIO_NOTICE_H

#include "vfio/device_io.h"

/* Have the kernel signal an eventfd for each kind that it has for this function. */
int notices_open(struct vfio_device *dev, struct vfio_failure *failure);
/* Once the function's file is closed: until then the kernel may signal. */
void notices_close(struct vfio_device *dev);

#endif
