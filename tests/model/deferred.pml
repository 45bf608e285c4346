/* SPDX-License-Identifier: MIT */
/*
 * Deferred mappings: an event is mapped before the guest has given its LPI tables, and its interrupts come while it
 * does so.
 *
 * The event's mapping is deferred at first. A router signals it, or KVM where its vector is tied, which a review does
 * at any time that it may; a vCPU has commands of another event run. The guest gives its tables, and then switches
 * its LPIs on, which is when those that wait are looked for, once.
 *
 * Holds: no signal finds nothing; when the guest has its LPIs on, and nobody has anything to do any more, each one has
 * made the LPI pending.
 *
 *   NOT_TOLD	nobody looks when LPIs are switched on
 *   LOOKED_AFTER	whether any mapping is deferred is asked after the kernel did not have it, not before
 *   GONE_BEFORE_MAPPED	none is deferred any more once its commands are staged, not when they have run
 */

#include "locks.pml"

#define NR_SIGNALS 3
#define NR_BATCHES 3

/* The guest's */
bool has_tables, has_lpis_on;

/* KVM's ITS */
bool mapped;

/* struct kernel_its */
byte its_lock = FREE;
bool paused;
bool staged, stages_map, stages_raise;
bool deferred = true, pending; /* the one mapping */
bool any_deferred = true;

/* struct vector_routes */
bool tied;

byte signalled, nr_batches;
bool owed; /* a signal that has not made the LPI pending */

#ifdef GONE_BEFORE_MAPPED
#define ANY_DEFERRED deferred
#else
#define ANY_DEFERRED any_deferred
#endif

/* The host's: KVM_SIGNAL_MSI, and irqfds */
inline kvm_signal(ret)
{
	atomic {
		ret = mapped;
		owed = owed && !mapped
	}
}

/* `kernel_its.c: begin_pause()`; see pause.pml */
inline begin_pause()
{
	paused = true
}

/* `kernel_its.c: flush(), end_pause()` */
inline flush()
{
	if
	:: staged ->
		begin_pause();
		atomic { mapped = mapped || stages_map; owed = owed && !stages_raise }
		atomic { staged = false; stages_map = false; stages_raise = false }
	:: else
	fi;
	paused = false
}

/* `kernel_its.c: lpi_ready(), try_deferred(), map_in_kernel()`, `deferred.c: deferred_drop()` */
inline try_deferred()
{
	begin_pause();
	if
	:: atomic { has_tables && (!pending || has_lpis_on) ->
		staged = true;
		stages_map = true;
		stages_raise = pending;
		pending = false
	   }
		deferred = false
	:: !(has_tables && (!pending || has_lpis_on))
	fi
}

/* `kernel_its.c: unlock_and_tell()` */
inline unlock_and_tell()
{
	atomic {
		if
		:: !deferred && !staged -> any_deferred = false
		:: else
		fi;
		unlock(its_lock)
	}
}

/* `kernel_its.c: is_staging()` */
#define IS_STAGING (paused || staged)

/* `kernel_its.c: kernel_its_update()`, of another event */
inline kernel_its_update()
{
	atomic { lock(its_lock); staged = true; unlock(its_lock) }
}

/* `kernel_its.c: kernel_its_commit(), retry_deferred()` */
inline kernel_its_commit()
{
	lock(its_lock);
	if
	:: deferred && IS_STAGING -> try_deferred()
	:: else
	fi;
	flush();
	unlock_and_tell()
}

/* `kernel_its.c: kernel_its_retry()` */
inline kernel_its_retry()
{
	lock(its_lock);
	if
	:: pending && !IS_STAGING -> try_deferred(); flush()
	:: else
	fi;
	unlock_and_tell()
}

/* `kernel_its.c: signal_deferred()`, `deferred.c: deferred_find(), deferred_set_pending()` */
inline signal_deferred(ret)
{
	atomic {
		lock(its_lock);
		ret = deferred;
		pending = pending || deferred
	}
	if
	:: ret && !IS_STAGING -> try_deferred(); flush()
	:: else
	fi;
	unlock_and_tell()
}

/* `kernel_its.c: kernel_its_signal()`, called for an event that `shadow.c: vits_translate()` has */
inline kernel_its_signal(look, ret)
{
#ifndef LOOKED_AFTER
	look = ANY_DEFERRED;
#endif
	kvm_signal(ret);
#ifdef LOOKED_AFTER
	look = ANY_DEFERRED;
#endif
	if
	:: !ret && look ->
		signal_deferred(ret);
		if
		:: !ret -> kvm_signal(ret)
		:: else
		fi
	:: else
	fi
}

/* `kernel_its.c: kernel_its_defers()` */
inline kernel_its_defers(ret)
{
	if
	:: !ANY_DEFERRED -> ret = false
	:: else -> atomic { lock(its_lock); ret = deferred; unlock(its_lock) }
	fi
}

/* `vector_routes.c: signalled()` on a router, `irq_function.c: irq_function_signalled()`; or KVM's irqfd */
active proctype signals()
{
	bool look, found;

	do
	:: atomic { signalled < NR_SIGNALS -> signalled++; owed = true }
		if
		:: tied -> kvm_signal(found)
		:: !tied -> kernel_its_signal(look, found)
		fi;
		assert(found)
	:: signalled == NR_SIGNALS -> break
	od
}

/* `route_reader.c: reader_review()`, `irq_function.c: irq_function_direct()`: of a vector that is to be tied */
active proctype review()
{
	bool defers;

end_idle:
	do
	:: kernel_its_defers(defers);
		if
		:: !defers -> tied = true; break
		:: defers -> !deferred /* until `machine.c: review_routes()` is told */
		fi
	od
}

/* `cmdq.c: run_batch(), cmdq_settle()` on a vCPU */
active proctype batches()
{
	do
	:: nr_batches < NR_BATCHES -> nr_batches++; kernel_its_update(); kernel_its_commit()
	:: break
	od
}

/*
 * The guest's: GICR_PROPBASER, GICR_PENDBASER and GICR_CTLR.EnableLPIs, which no vCPU writes in a pause; and
 * `machine.c: on_lpis_switched()`
 */
active proctype guest()
{
	atomic { !paused -> has_tables = true }
	atomic { !paused -> has_lpis_on = true }
#ifndef NOT_TOLD
	kernel_its_retry()
#endif
}

/* The model's: nothing happens any more */
active proctype rest()
{
	timeout -> assert(!owed);
	assert(!pending);
	assert(its_lock == FREE && !staged && !paused)
}
