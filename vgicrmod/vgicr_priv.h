/* SPDX-License-Identifier: MIT */
/*
 * What the files of the model share and nobody else sees.
 *
 * Lock order:
 *   vgicr_ops.begin()	(the backend's; one thread at a time)
 *       redist.lock	(one redistributor; nothing is taken inside it)
 *
 * An access takes redist.lock and looks whether it can be answered from what is kept
 * here. Most can. One that needs the backend changes nothing, lets go of the lock,
 * calls begin(), takes the lock again and looks anew: another vCPU may have been at it
 * meanwhile. What is kept and what the backend has change together, under both locks.
 * So reads from here wait for a backend that is at work on the same redistributor,
 * and never for one that is about to begin.
 */
#ifndef VGICRMOD_VGICR_PRIV_H
#define VGICRMOD_VGICR_PRIV_H

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

#include "vitsmod/bits.h"

#include "gicr.h"
#include "vgicr.h"

/* Relaxed: each counter is read on its own, never to order anything. */
struct vgicr_counters {
	_Atomic uint64_t reads, writes, ignored, visits;
};

/* Neighbours' locks do not share a cache line. */
#define CACHE_LINE 64

struct redist {
	/* Constant. */
	_Alignas(CACHE_LINE) struct vgicr *v;
	uint32_t vcpu;
	uint64_t typer;

	pthread_mutex_t lock;

	/* Guarded by lock, and changed under begin() too. The backend has the same. */
	bool lpis_on;
	bool lpis_switched; /* since lpis_switched() was last due */
	uint32_t group, enabled;
	/*
	 * Interrupts that can be active at all: an interrupt that was not enabled since
	 * the reset has never been acknowledged.
	 */
	uint32_t maybe_active;
	/*
	 * What the backend has. Of an interrupt that is enabled it is what prio has; the
	 * others' priorities are handed over when one is enabled.
	 */
	uint32_t prio_below[GICR_NR_IPRIORITYR];

	/* Guarded by lock: the backend hears of them when LPIs are switched on. */
	uint64_t prop, pend; /* pend with PTZ */
	/* Guarded by lock. */
	uint32_t prio[GICR_NR_IPRIORITYR];
};

struct vgicr {
	/* Constant. */
	const struct vgicr_ops *ops; /* borrowed */
	void *ctx;		     /* borrowed */
	uint32_t nr_vcpus;
	uint32_t prio_mask; /* the bits that there are of a GICR_IPRIORITYR */
	struct redist *redists;

	struct vgicr_counters counters;
};

static inline void vgicr_count(_Atomic uint64_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static inline void redist_lock(struct redist *r)
{
	int e = pthread_mutex_lock(&r->lock);

	assert(e == 0);
	(void)e;
}

static inline void redist_unlock(struct redist *r)
{
	int e = pthread_mutex_unlock(&r->lock);

	assert(e == 0);
	(void)e;
}

#endif
