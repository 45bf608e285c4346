/* SPDX-License-Identifier: MIT */
/*
 * Which vectors are to be masked at their device. Masking one can take long (VFIO
 * waits while the function is reset), so the router's thread only says what it wants,
 * and another thread does it.
 */
#ifndef VMM_IRQ_MASK_QUEUE_H
#define VMM_IRQ_MASK_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

#include "vmm/base/cleanup.h"

struct mask_queue;

struct mask_queue_ops {
	/*
	 * Mask the vector at its device, or unmask it. 0, or negative errno, and then
	 * nothing has changed. Called by mask_queue_service().
	 */
	int (*mask)(void *ctx, size_t vector, bool mask);
	/*
	 * A vector is unmasked, or could not be masked in the first place, after
	 * mask_queue_want() had returned false for it. Called by mask_queue_service().
	 */
	void (*unmasked)(void *ctx, size_t vector);
	/* Have somebody call mask_queue_service(), soon. Any thread. */
	void (*wake_up)(void *ctx);
};

/* For vectors 0..nr-1, none of them masked. ops and ctx are borrowed. 0, or -ENOMEM. */
int mask_queue_create(size_t nr, const struct mask_queue_ops *ops, void *ctx,
		      struct mask_queue **ret_queue) _must_check_;
/* No concurrent callers. Unmasks every masked vector. NULL is allowed. */
void mask_queue_destroy(struct mask_queue *queue);

/*
 * Ask for a vector to be masked or unmasked. True: there is nothing to wait for (never
 * is when masking). False: the vector is masked still, and ops->unmasked will be called.
 * Any thread, but one at a time for each vector.
 */
bool mask_queue_want(struct mask_queue *queue, size_t vector, bool mask);

/* Mask and unmask what was asked for until now. One thread at a time. */
void mask_queue_service(struct mask_queue *queue);

#endif
