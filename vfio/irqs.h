/* SPDX-License-Identifier: MIT */
/*
 * A function's interrupts at the host: which kinds it has, and which one is enabled.
 * Private to vfio/.
 */
#ifndef VFIO_IRQS_H
#define VFIO_IRQS_H

#include "vfio/device_io.h"

/*
 * What of dev->nr_of[] the host can enable; none of it where the function has no interrupts. The
 * first of MSI-X, MSI and INTx has to be had whole; of a later one that the host has not, nr_of[]
 * becomes 0. image is of configuration space.
 */
int irqs_probe(struct vfio_device *dev, const uint8_t *image,
	       struct vfio_failure *failure) _must_check_;
/* Make the vectors, and enable the function's first kind with all of them. */
int irqs_open(struct vfio_device *dev, struct vfio_failure *failure) _must_check_;
/* Make the vectors, and enable nothing. */
int irqs_make(struct vfio_device *dev, struct vfio_failure *failure) _must_check_;
void irqs_close(struct vfio_device *dev);
/* Disable what is enabled at the host; vectors and eventfds stay. Lock held, or nobody is there. */
void irqs_disable(struct vfio_device *dev);
/*
 * Disable what is enabled, and enable all vectors of that kind; their eventfds stay what they
 * are. Negative errno: none is enabled then. Lock held.
 */
int irqs_change(struct vfio_device *dev, enum vfio_irq_kind kind) _must_check_;
/* The kind that is enabled when the function is opened. */
enum vfio_irq_kind irqs_first_kind(const struct vfio_device *dev);
/* Signal INTx's vector, if that is enabled. Lock held. */
void irqs_trigger_intx(const struct vfio_device *dev);
/* Have the kernel look at INTx anew, if that is enabled: it may be masked, and nobody left who
 * would unmask it. Lock held. */
void irqs_unmask_intx(const struct vfio_device *dev);

#endif
