/* SPDX-License-Identifier: MIT */
/*
 * The guest's process asks its keeper (vmm/sandbox/keeper.h). On the main thread; each call
 * waits for the answer.
 */
#ifndef VMM_SANDBOX_KEEPER_CLIENT_H
#define VMM_SANDBOX_KEEPER_CLIENT_H

#include "vfio/device.h"
#include "vfio/failure.h"
#include "vfio/irq_count.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/service.h"

struct keeper_client {
	int fd; /* borrowed */
	/* Called some times a second while an answer is waited for; NULL: it is not. */
	void (*waiting)(void *ctx);
	void *ctx;
};

/* As vfio_bind(), vfio_affinity_set() and vfio_affinity_restore() of the device's function. */
int keeper_bind(const struct keeper_client *keeper, unsigned device,
		struct vfio_failure *ret_failure) _must_check_;
int keeper_move(const struct keeper_client *keeper, unsigned device, unsigned *ret_left,
		struct vfio_failure *ret_failure) _must_check_;
void keeper_unmove(const struct keeper_client *keeper, unsigned device);
/*
 * As vfio_irq_counts_open(), with all counters open; of the interrupts that are enabled now. *ret
 * is the caller's to vfio_irq_counts_close().
 */
int keeper_count(const struct keeper_client *keeper, unsigned device, unsigned nr_vectors,
		 struct vfio_irq_counts **ret_counts) _must_check_;
/* As vfio_function_file_open(). */
int keeper_open(const struct keeper_client *keeper, unsigned device, enum vfio_iommu_kind kind,
		struct vfio_function_file *ret_file, struct vfio_failure *ret_failure) _must_check_;
/*
 * The device is that function from now on, which is given back at the end if it was bound for that;
 * right is the right to it (vfio/right.h), which stays the caller's. -EPERM: it is none.
 */
int keeper_adopt(const struct keeper_client *keeper, unsigned device, const struct pci_bdf *bdf,
		 bool bound, int right) _must_check_;
/* Give it back now, if it was bound for the guest: as vfio_release(). */
int keeper_release(const struct keeper_client *keeper, unsigned device,
		   struct vfio_failure *ret_failure) _must_check_;
/* The manager hears of the state, where there is one: it listens to the keeper alone. */
void keeper_tell(const struct keeper_client *keeper, enum service_state state);
/* Set-up is over. */
int keeper_ready(const struct keeper_client *keeper) _must_check_;

#endif
