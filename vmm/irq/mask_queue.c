// SPDX-License-Identifier: MIT
/*
 * The queue of vectors to mask or unmask at their device.
 *
 * A vector is in the queue once at most, and what was asked for last is done. So a
 * storm that is over before anybody served the queue costs nothing at the device.
 *
 * Lock: `lock`, around the queue and the vectors' states; not held in callbacks.
 */
#include "vmm/irq/mask_queue.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

struct masking {
	bool wanted;  /* masked: what was asked for last */
	bool is;      /* masked, as far as the device was told */
	bool busy;    /* ops->mask() is running */
	bool queued;  /* in the queue */
	bool awaited; /* ops->unmasked() is to be called when it is unmasked */
};

struct mask_queue {
	const struct mask_queue_ops *ops;
	void *ctx;
	pthread_mutex_t lock;
	uint32_t *queue; /* [nr], a ring */
	size_t first, nr_queued;
	size_t nr;
	struct masking list[];
};

int mask_queue_create(size_t nr, const struct mask_queue_ops *ops, void *ctx,
		      struct mask_queue **ret_queue)
{
	_cleanup_free_ struct mask_queue *q = calloc(1, sizeof(*q) + nr * sizeof(q->list[0]));

	if (!q)
		return -ENOMEM;
	q->queue = calloc(nr ? nr : 1, sizeof(*q->queue));
	if (!q->queue)
		return -ENOMEM;
	q->ops = ops;
	q->ctx = ctx;
	q->nr = nr;
	pthread_mutex_init(&q->lock, NULL);
	*ret_queue = TAKE_PTR(q);
	return 0;
}

void mask_queue_destroy(struct mask_queue *q)
{
	if (!q)
		return;
	/* If the kernel refuses, closing the device ends the vector anyway. */
	for (size_t i = 0; i < q->nr; i++)
		if (q->list[i].is)
			(void)q->ops->mask(q->ctx, i, false);
	pthread_mutex_destroy(&q->lock);
	free(q->queue);
	free(q);
}

bool mask_queue_want(struct mask_queue *q, size_t vector, bool mask)
{
	struct masking *one = &q->list[vector];
	bool idle, wake_up = false;

	assert(vector < q->nr);

	pthread_mutex_lock(&q->lock);
	one->wanted = mask;
	idle = one->is == mask && !one->busy;
	one->awaited = !mask && !idle;
	if (!idle && !one->queued) {
		q->queue[(q->first + q->nr_queued++) % q->nr] = (uint32_t)vector;
		one->queued = wake_up = true;
	}
	pthread_mutex_unlock(&q->lock);
	if (wake_up)
		q->ops->wake_up(q->ctx);
	return mask || idle;
}

/* Take the next vector out of the queue; false: it is empty. */
static bool begin_one(struct mask_queue *q, size_t *ret_vector, bool *ret_mask)
{
	bool any;

	pthread_mutex_lock(&q->lock);
	any = q->nr_queued;
	if (any) {
		*ret_vector = q->queue[q->first];
		*ret_mask = q->list[*ret_vector].wanted;
		q->first = (q->first + 1) % q->nr;
		q->nr_queued--;
		q->list[*ret_vector].queued = false;
		q->list[*ret_vector].busy = true;
	}
	pthread_mutex_unlock(&q->lock);
	return any;
}

/* True: ops->unmasked() is to be called. */
static bool end_one(struct mask_queue *q, size_t vector, bool is)
{
	struct masking *one = &q->list[vector];
	bool tell;

	pthread_mutex_lock(&q->lock);
	one->is = is;
	one->busy = false;
	/* If it is masked now, it is in the queue again, and whoever waits is told after that. */
	tell = one->awaited && !is;
	one->awaited &= !tell;
	pthread_mutex_unlock(&q->lock);
	return tell;
}

void mask_queue_service(struct mask_queue *q)
{
	size_t vector, left;
	bool mask;

	pthread_mutex_lock(&q->lock);
	left = q->nr_queued;
	pthread_mutex_unlock(&q->lock);
	for (; left && begin_one(q, &vector, &mask); left--) {
		bool was = q->list[vector].is; /* changes on this thread only */
		int r = was == mask ? 0 : q->ops->mask(q->ctx, vector, mask);

		if (end_one(q, vector, r < 0 ? was : mask))
			q->ops->unmasked(q->ctx, vector);
	}
	pthread_mutex_lock(&q->lock);
	left = q->nr_queued;
	pthread_mutex_unlock(&q->lock);
	if (left)
		q->ops->wake_up(q->ctx);
}
