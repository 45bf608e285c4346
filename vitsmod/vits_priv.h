/* SPDX-License-Identifier: MIT */
/*
 * What the files of the model share and nobody else sees.
 *
 * Two rules keep the model simple under concurrency:
 *
 *  1. vits.lock guards the registers. It is held for a few instructions at a
 *     time and never while guest memory or the backend is called: commit() may
 *     have to wait for vCPU threads that are inside vits_mmio_read().
 *     Lock order: nothing is taken inside it.
 *
 *  2. The command side (guest tables, the writing end of the shadow, the LPI updates
 *     to the backend) has one owner at a time: the thread that set vits.owned
 *     under the lock. Everything marked "owner" is the owner's alone. While
 *     there is an owner the ITS is not quiescent, so GITS_CBASER and
 *     GITS_BASER<n> stand still, and the owner reads them without the lock.
 */
#ifndef VITSMOD_VITS_PRIV_H
#define VITSMOD_VITS_PRIV_H

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "bits.h"
#include "shadow.h"
#include "vits.h"

/* The tables that GITS_BASER<n> describe; the value is n. */
enum vits_table { TABLE_DEVICES, TABLE_COLLECTIONS, NR_TABLES };

/* What the shadow has yet to forget of what a table held. */
enum forget {
	FORGET_NOTHING,
	FORGET_MISSING, /* what is not in the table any more */
	FORGET_ALL,
};

/* Relaxed: each counter is read on its own, never to order anything. */
struct vits_counters {
	_Atomic uint64_t cmd[256][VITS_STALL + 1];
	_Atomic uint64_t cmd_unreadable;
	_Atomic uint64_t msi[VITS_MSI_OUTCOMES];
	_Atomic uint64_t mmio_ignored;
	_Atomic uint64_t shadow_differs;
};

/* What different threads write does not share a cache line with what the MSI path reads. */
#define CACHE_LINE 64

struct vits {
	/* Set by vits_create(), constant afterwards. */
	const struct vits_ops *ops; /* borrowed */
	void *ctx;		    /* borrowed */
	struct vits_config config;  /* .functions is NULL: the shadow has its own copy */

	/* GITS_CTLR.Enabled. Written under lock, read by any thread. */
	atomic_bool enabled;
	_Atomic uint64_t nr_switches; /* of enabled */

	/* Owner; its events are read by any thread. */
	struct shadow shadow;
	uint64_t nr_updates; /* LPI updates taken so far */
	uint64_t work;	     /* done so far: see WORK_LOOK */
	uint64_t work_end;   /* where a task takes a rest */

	_Alignas(CACHE_LINE) pthread_mutex_t lock;
	pthread_cond_t unowned; /* signalled when owned becomes false */

	/* Guarded by lock. */
	bool lock_held;
	bool owned;		       /* a thread owns the command side */
	bool begun;		       /* the command at GITS_CREADR has begun, and is a task */
	bool stalled;		       /* GITS_CREADR.Stalled */
	enum forget forget[NR_TABLES]; /* the owner's to do */
	uint32_t cwriter;	       /* queue offsets in bytes, below the queue's size */
	uint32_t creadr;
	uint64_t cbaser;
	uint64_t baser[NR_TABLES];
	uint64_t nr_failures;
	struct vits_failure failures[VITS_KEPT_FAILURES]; /* number n is at [n % kept] */

	/* Any thread. */
	_Alignas(CACHE_LINE) struct vits_counters counters;
};

static inline void vits_count(_Atomic uint64_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static inline void vits_lock(struct vits *v)
{
	int r = pthread_mutex_lock(&v->lock);

	assert(r == 0);
	(void)r;
	v->lock_held = true;
}

static inline void vits_unlock(struct vits *v)
{
	int r;

	assert(v->lock_held);
	v->lock_held = false;
	r = pthread_mutex_unlock(&v->lock);
	assert(r == 0);
	(void)r;
}

/* GITS_CTLR.Enabled. */
static inline void vits_switch_locked(struct vits *v, bool on)
{
	assert(v->lock_held);
	if (atomic_load_explicit(&v->enabled, memory_order_relaxed) == on)
		return;
	atomic_store_explicit(&v->enabled, on, memory_order_release);
	atomic_fetch_add_explicit(&v->nr_switches, 1, memory_order_release);
}

/* Wait, without the lock, until there is no owner. */
static inline void vits_wait_unowned_locked(struct vits *v)
{
	assert(v->lock_held);
	while (v->owned) {
		v->lock_held = false;
		pthread_cond_wait(&v->unowned, &v->lock);
		v->lock_held = true;
	}
}

/*
 * Work, counted so that nobody does too much of it at a time (cmdq.h): looking at an
 * entry of the shadow that may be empty, looking at an event, and handing an LPI update to
 * the backend. In proportion to the instructions that they take; those of the backend
 * come on top.
 */
#define WORK_LOOK   1u
#define WORK_EVENT  8u
#define WORK_UPDATE 8u

/* Hand one LPI update to the backend. Owner. */
void vits_emit(struct vits *v, const struct vits_lpi_update *update);

/* Keep a command that did not end as VITS_DONE. The serial is set here. Takes the lock. */
void vits_record_failure(struct vits *v, const struct vits_failure *failure);

static inline bool vits_lpi_in_range(const struct vits *v, uint32_t intid)
{
	return intid >= VITS_LPI_BASE && intid - VITS_LPI_BASE < v->config.nr_lpis;
}

#endif
