/* SPDX-License-Identifier: MIT */
/*
 * Vectors that are muted at the device. To mute one can take long (VFIO waits for
 * a reset of the function), so the router's thread only says what it wants, and
 * another thread does it.
 */
#ifndef VMM_IRQ_MASK_QUEUE_H
#define VMM_IRQ_MASK_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

#include "vmm/base/cleanup.h"

struct mask_queue;

struct mask_queue_ops {
	/* Do it. 0, or negative errno, and then it stays as it is. In mask_queue_service(). */
	int (*mute)(void *ctx, size_t vector, bool mute);
	/* One that mask_queue_want() made its caller wait for is no longer muted. Likewise. */
	void (*given_back)(void *ctx, size_t vector);
	/* Have somebody call mask_queue_service(), soon. Any thread. */
	void (*attention)(void *ctx);
};

/* For vectors 0..nr-1, none muted. ops and ctx are borrowed. 0, or -ENOMEM. */
int mask_queue_create(size_t nr, const struct mask_queue_ops *ops, void *ctx,
		      struct mask_queue **ret_mutes) _must_check_;
/* Nobody calls any more: gives all back that are muted. NULL is allowed. */
void mask_queue_destroy(struct mask_queue *m);

/*
 * Have a vector muted or not. True: it is no matter of waiting for that (to mute
 * never is). False: given_back will be called. Any thread, one for each vector.
 */
bool mask_queue_want(struct mask_queue *m, size_t vector, bool mute);

/* Do what was wanted until now. One thread. */
void mask_queue_service(struct mask_queue *m);

#endif
