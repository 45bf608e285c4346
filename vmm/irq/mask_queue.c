// SPDX-License-Identifier: MIT
/*
 * Vectors that are muted at the device.
 *
 * Lock: `lock`, around the queue and the vectors' states; not held in callbacks.
 */
#include "vmm/irq/mask_queue.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

struct mute {
	bool wanted, is;
	bool busy;   /* a callback is at it */
	bool queued; /* once at most */
	bool waited; /* for being given back */
};

struct mask_queue {
	const struct mask_queue_ops *ops;
	void *ctx;
	pthread_mutex_t lock;
	uint32_t *queue; /* [nr], a ring */
	size_t first, nr_queued;
	size_t nr;
	struct mute list[];
};

int mask_queue_create(size_t nr, const struct mask_queue_ops *ops, void *ctx,
		      struct mask_queue **ret_mutes)
{
	_cleanup_free_ struct mask_queue *m = calloc(1, sizeof(*m) + nr * sizeof(m->list[0]));

	if (!m)
		return -ENOMEM;
	m->queue = calloc(nr ? nr : 1, sizeof(*m->queue));
	if (!m->queue)
		return -ENOMEM;
	m->ops = ops;
	m->ctx = ctx;
	m->nr = nr;
	pthread_mutex_init(&m->lock, NULL);
	*ret_mutes = TAKE_PTR(m);
	return 0;
}

void mask_queue_destroy(struct mask_queue *m)
{
	if (!m)
		return;
	/* One that the kernel does not give back ends with its device. */
	for (size_t i = 0; i < m->nr; i++)
		if (m->list[i].is)
			(void)m->ops->mute(m->ctx, i, false);
	pthread_mutex_destroy(&m->lock);
	free(m->queue);
	free(m);
}

bool mask_queue_want(struct mask_queue *m, size_t vector, bool mute)
{
	struct mute *one = &m->list[vector];
	bool idle, attention = false;

	assert(vector < m->nr);

	pthread_mutex_lock(&m->lock);
	one->wanted = mute;
	idle = one->is == mute && !one->busy;
	one->waited = !mute && !idle;
	if (!idle && !one->queued) {
		m->queue[(m->first + m->nr_queued++) % m->nr] = (uint32_t)vector;
		one->queued = attention = true;
	}
	pthread_mutex_unlock(&m->lock);
	if (attention)
		m->ops->attention(m->ctx);
	return mute || idle;
}

/* The next one; false: there is none. */
static bool begin_one(struct mask_queue *m, size_t *ret_vector, bool *ret_mute)
{
	bool any;

	pthread_mutex_lock(&m->lock);
	any = m->nr_queued;
	if (any) {
		*ret_vector = m->queue[m->first];
		*ret_mute = m->list[*ret_vector].wanted;
		m->first = (m->first + 1) % m->nr;
		m->nr_queued--;
		m->list[*ret_vector].queued = false;
		m->list[*ret_vector].busy = true;
	}
	pthread_mutex_unlock(&m->lock);
	return any;
}

/* True: who wanted it back is to be told. */
static bool end_one(struct mask_queue *m, size_t vector, bool is)
{
	struct mute *one = &m->list[vector];
	bool back;

	pthread_mutex_lock(&m->lock);
	one->is = is;
	one->busy = false;
	/* Where it was wanted back during a callback that muted, it is in the queue again. */
	back = one->waited && !is;
	one->waited &= !back;
	pthread_mutex_unlock(&m->lock);
	return back;
}

void mask_queue_service(struct mask_queue *m)
{
	size_t vector, left;
	bool mute;

	pthread_mutex_lock(&m->lock);
	left = m->nr_queued;
	pthread_mutex_unlock(&m->lock);
	for (; left && begin_one(m, &vector, &mute); left--) {
		bool was = m->list[vector].is; /* changes on this thread only */
		int r = was == mute ? 0 : m->ops->mute(m->ctx, vector, mute);

		if (end_one(m, vector, r < 0 ? was : mute))
			m->ops->given_back(m->ctx, vector);
	}
	pthread_mutex_lock(&m->lock);
	left = m->nr_queued;
	pthread_mutex_unlock(&m->lock);
	if (left)
		m->ops->attention(m->ctx);
}
