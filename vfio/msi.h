/* SPDX-License-Identifier: MIT */
/*
 * MSI's registers, MSI-X's table and pending bits. Private to vfio/.
 */
#ifndef VFIO_MSI_H
#define VFIO_MSI_H

#include "vfio/irqs.h"

/* Which of MSI and MSI-X the function has, from an image of its configuration space. */
int msi_probe(struct vfio_device *dev, const uint8_t *image,
	      struct vfio_failure *failure) _must_check_;
/*
 * The kind that the guest has enabled, by its registers: INTx where it has no other one, and has
 * not disabled it. Lock held.
 */
enum vfio_irq_kind msi_asked(const struct vfio_device *dev);
/*
 * The vectors obey from now on the kind that the guest has enabled, if the host has it enabled,
 * else none. True: INTx is used now and was not, or the other way round, and Command has to be
 * written to the function. Lock held.
 */
bool msi_settle(struct vfio_device *dev) _must_check_;
/*
 * All vectors and the table as after power-on: masked, nothing waits. Their eventfds are left to
 * whoever reads them. Lock held, or no other user yet.
 */
void msi_forget(struct vfio_device *dev);
/* Forget what waits of all messages. False: nothing did. Lock held. */
bool msi_forget_pending(struct vfio_device *dev) _must_check_;
/* Tell of all vectors that they changed. No lock held. */
void msi_tell_all(const struct vfio_device *dev);
/* Bring all vectors in line with the registers, and tell what that did. No lock held. */
void msi_sync(struct vfio_device *dev);
/* Pending bits of MSI vectors. Lock held. */
uint32_t msi_pending_locked(const struct vfio_device *dev);
/* Table and pending bits, len 4 or 8 or a part of 4, aligned. */
uint64_t msix_table_read(struct vfio_device *dev, uint64_t offset, unsigned len);
void msix_table_write(struct vfio_device *dev, uint64_t offset, unsigned len, uint64_t value);
uint64_t msix_pba_read(const struct vfio_device *dev, uint64_t offset, unsigned len);

#endif
