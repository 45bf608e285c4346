/* SPDX-License-Identifier: MIT */
/*
 * Pauses: vCPUs in and out of KVM, against those who have them paused for the kernel ITS and for redistributors.
 *
 * Two vCPUs run for ever. Each may run commands of an ITS of its own, as the thread "its" does, so that three
 * threads can be about to pause the vCPUs, or have paused them for another; and each may visit a redistributor, the
 * same one. The thread "its" may have nothing more to do at any time, and the machine may be stopped at any time.
 *
 * Holds: KVM is asked for nothing that it answers -EBUSY to; a kick never misses; nobody waits for ever (no invalid
 * end states), though a guest may run without ever leaving KVM by itself, and no pause may ever follow, to be joined
 * by one that lingers or to end it.
 *
 * FREEZES: the guest is frozen once, and goes on, or is stopped so; the vCPUs are who pauses then, for what they were
 * at, and the thread "its" rests.
 * ANOTHER_PAUSER: that thread pauses the vCPUs for something else than the kernel ITS, as anybody might, and both are
 * held by a pause that lingers.
 *
 *   ABORT_OUTSIDE	an abort is injected when its vCPU has said that it is out
 *   BUSY_IS_THE_END	-EBUSY of the host's own is taken for an answer
 *   HOLDER_MUTEX	who has paused the vCPUs is who has locked a mutex
 *   SIGNAL_ALONE	a kick is a signal, without immediate_exit
 *   NO_BROADCAST	a vCPU that leaves tells nobody, the last one neither
 *   EACH_PAUSES	the vCPUs are paused for the kernel ITS also where they are already
 *   ONE_IS_TOLD	the last vCPU that leaves tells one of those who wait for it, and not all
 *   FREEZE_UNTOLD	a vCPU that leaves does not tell who freezes them
 *   ONE_IS_RESUMED	who resumes the vCPUs tells one of those that are held, who looks at the time
 *   NOBODY_TIMED	who resumes soon does not tell who looks at the time that there is one
 *   TIMED_STAYS	who has looked at the time is not followed by another one
 *   ENDS_ALONE		who sees that the time has come goes on by itself
 *   JOINED_IS_OUT	who joins a pause that lingers does not kick those that are inside
 *   TOLD_INSIDE	that LPIs are switched is told before the vCPUs are resumed
 */

#include "locks.pml"

#define NR_VCPUS 2

mtype = { INTERRUPTED, MMIO, UNREACHABLE };

/* struct vcpus */
byte vcpus_lock = FREE;
bool claimed, paused, frozen, stopping, lingers, timed;
byte nr_inside, nr_held;
byte unclaimed, all_out, resume, timer, resumed;
bool waits_for_time, time_has_come; /* of who is `timed` */
bool inside[NR_VCPUS];
byte holder = FREE; /* HOLDER_MUTEX */
bool joined;	    /* JOINED_IS_OUT */

/* KVM's, of each vCPU */
bool immediate_exit[NR_VCPUS], signalled[NR_VCPUS];
bool in_ioctl[NR_VCPUS]; /* has the mutex of the vCPU */
bool host_is_busy;

/* struct kernel_its */
byte its_lock = FREE;
bool its_paused, staged;

byte routes_lock = FREE; /* struct vector_routes */
byte redist_lock = FREE; /* struct redist, of both vCPUs' visits */

byte nr_ended;
bool its_stops;

#define NOBODY_IN_AN_IOCTL (!in_ioctl[0] && !in_ioctl[1])

/* ---- KVM ------------------------------------------------------------------------- */

/* The host's: KVM_RUN. A signal ends it; one that is handled before is gone. */
inline kvm_run(n, ret)
{
	in_ioctl[n] = true;
	if
	:: immediate_exit[n] -> ret = INTERRUPTED
	:: else ->
		if
		:: ret = MMIO
		:: ret = UNREACHABLE
		:: true -> /* a guest that does nothing that leaves KVM */
end_runs:		signalled[n] -> ret = INTERRUPTED
		fi
	fi;
	atomic { in_ioctl[n] = false; signalled[n] = false }
}

/* The host's: KVM_SET_DEVICE_ATTR and KVM_GET_DEVICE_ATTR: kvm_trylock_all_vcpus(), or -EBUSY */
inline kvm_attribute()
{
	atomic {
		assert(NOBODY_IN_AN_IOCTL);
#ifdef BUSY_IS_THE_END
		assert(!host_is_busy)
#else
		!host_is_busy /* `vm.c: device_attr()` asks again */
#endif
	}
}

/* The host's: something else that has a vCPU's mutex for a moment */
active proctype host()
{
	host_is_busy = true;
	host_is_busy = false
}

/* The host's: the time comes at any moment */
active proctype clock()
{
end_runs:
	do
	:: waits_for_time && !time_has_come -> time_has_come = true
	od
}

/* ---- `vcpu.c: vcpus_pause(), vcpus_resume()` --------------------------------------- */

/* `vcpu.c: tell_held_locked()` */
inline tell_held_locked()
{
#ifndef ONE_IS_RESUMED
	broadcast(resume);
#endif
	wake_one(timer)
}

/* `vcpu.c: release_locked()` */
inline release_locked()
{
	lingers = false;
	tell_held_locked()
}

/* `vcpu.c: wait_timed_locked()`: told or not, the time may come; that of a pause that lingers since may not have */
inline wait_timed_locked()
{
	timed = true;
	time_has_come = false;
	waits_for_time = lingers;
	wait_for_or(timer, vcpus_lock, time_has_come);
	waits_for_time = false;
#ifndef TIMED_STAYS
	timed = false;
#endif
	if
#ifdef ENDS_ALONE
	:: lingers -> lingers = false
#else
	:: lingers -> release_locked()
#endif
	:: true
	fi
}

/* `vcpu.c: wait_held_locked()` */
inline wait_held_locked()
{
	nr_held++;
	do
	:: (paused || lingers) && !stopping ->
		if
		:: !timed -> wait_timed_locked()
		:: else -> wait_for(resume, vcpus_lock)
		fi
	:: else -> break
	od;
	nr_held--;
	if
	:: !nr_held -> broadcast(resumed)
	:: else
	fi
}

/* `vcpu.c: enter()` */
inline enter(n, ret)
{
	atomic {
		lock(vcpus_lock);
		do
		:: paused && !stopping -> wait_held_locked()
		:: !paused && frozen && !stopping -> wait_for(resume, vcpus_lock)
		:: else -> break
		od;
		ret = !stopping;
		if
		:: ret -> immediate_exit[n] = false; inside[n] = true; nr_inside++
		:: else
		fi;
		unlock(vcpus_lock)
	}
}

/* `vcpu.c: leave()` */
inline leave(n)
{
	atomic {
		lock(vcpus_lock);
		assert(inside[n]);
		inside[n] = false;
		nr_inside--;
#ifndef NO_BROADCAST
		if
#ifdef FREEZE_UNTOLD
		:: !nr_inside && (paused || stopping) ->
#else
		:: !nr_inside && (paused || frozen || stopping) ->
#endif
#ifdef ONE_IS_TOLD
			wake_one(all_out)
#else
			broadcast(all_out)
#endif
		:: else
		fi;
#endif
		unlock(vcpus_lock)
	}
}

/* The host's: pthread_kill(3). Outside of ioctls the handler takes the signal, and that is all. */
inline kick(n)
{
	signalled[n] = in_ioctl[n]
}

/* `vcpu.c: kick_inside_locked()` */
inline kick_inside_locked(n)
{
	do
	:: atomic { n < NR_VCPUS && inside[n] ->
#ifndef SIGNAL_ALONE
		immediate_exit[n] = true
#endif
	   };
	   atomic { kick(n); n++ }
	:: atomic { n < NR_VCPUS && !inside[n] -> n++ }
	:: atomic { n == NR_VCPUS -> n = 0; break }
	od;
	do
	:: nr_inside -> wait_for(all_out, vcpus_lock)
	:: else -> break
	od
}

/* `vcpu.c: wait_for_turn_locked()`: the budget may be used up; time passes as it likes */
inline wait_for_turn_locked()
{
	do
	:: break
	:: !stopping ->
		if
		:: nr_held -> wait_for(resumed, vcpus_lock)
		:: else -> unlock(vcpus_lock); lock(vcpus_lock); break
		fi
	od
}

/* `vcpu.c: join_lingering_locked()`, or its turn: the row may be long, or not */
inline join_or_wait_locked()
{
	if
	:: lingers ->
		lingers = false;
#ifdef JOINED_IS_OUT
		joined = true
#endif
	:: true ->
		if
		:: lingers -> release_locked()
		:: else
		fi;
		wait_for_turn_locked()
	fi
}

/* `vcpu.c: vcpus_pause()` */
inline vcpus_pause(n)
{
#ifdef HOLDER_MUTEX
	lock(holder);
#endif
	atomic {
		lock(vcpus_lock);
#ifndef HOLDER_MUTEX
		do
		:: claimed -> wait_for(unclaimed, vcpus_lock)
		:: else -> break
		od;
		claimed = true;
#endif
		assert(!paused);
		join_or_wait_locked();
		assert(!lingers);
		paused = true
	}
#ifdef JOINED_IS_OUT
	if
	:: joined -> joined = false
	:: else -> kick_inside_locked(n)
	fi;
#else
	kick_inside_locked(n);
#endif
	unlock(vcpus_lock)
}

/* `vcpu.c: vcpus_resume()` */
inline vcpus_resume()
{
	atomic {
		lock(vcpus_lock);
		assert(paused);
		paused = false;
		release_locked();
		claimed = false;
		wake_one(unclaimed);
		unlock(vcpus_lock)
	}
#ifdef HOLDER_MUTEX
	unlock(holder);
#endif
}

/* `vcpu.c: vcpus_resume_soon()`: the row may be long, or not */
inline vcpus_resume_soon()
{
	atomic {
		lock(vcpus_lock);
		assert(paused);
		paused = false;
		if
		:: nr_held ->
			lingers = true;
#ifndef NOBODY_TIMED
			wake_one(timer)
#endif
		:: true -> release_locked()
		fi;
		claimed = false;
		wake_one(unclaimed);
		unlock(vcpus_lock)
	}
#ifdef HOLDER_MUTEX
	unlock(holder);
#endif
}

/* `vcpu.c: vcpus_freeze()` */
inline vcpus_freeze(n)
{
	atomic { lock(vcpus_lock); frozen = true }
	kick_inside_locked(n);
	unlock(vcpus_lock)
}

/* `vcpu.c: vcpus_thaw()` */
inline vcpus_thaw()
{
	atomic { lock(vcpus_lock); frozen = false; broadcast(resume); unlock(vcpus_lock) }
}

/* `vcpu.c: vcpus_stop()` */
inline vcpus_stop(n)
{
	atomic { lock(vcpus_lock); stopping = true; tell_held_locked(); broadcast(resumed) }
	kick_inside_locked(n);
	unlock(vcpus_lock);
	nr_ended == NR_VCPUS
}

/* ---- `kernel_its.c: kernel_its_commit()` and what leads there ---------------------------- */

/* `kernel_its.c: begin_pause()` */
inline begin_pause(n)
{
	if
#ifndef EACH_PAUSES
	:: its_paused
#endif
	:: else -> vcpus_pause(n); its_paused = true
	fi
}

/* `kernel_its.c: end_pause()` */
inline end_pause()
{
	if
	:: its_paused -> its_paused = false; vcpus_resume()
	:: else
	fi
}

/* `kernel_its.c: kernel_its_update()`, which may have `kernel_its.c: lpi_ready()` look */
inline kernel_its_update(n)
{
	lock(its_lock);
	if
	:: begin_pause(n); kvm_attribute()
	:: true
	fi;
	atomic { staged = true; unlock(its_lock) }
}

/* `vector_routes.c: vector_routes_take_back()`, `route_reader.c: reader_give()`, which ask `kernel_its.c: kernel_its_defers()` */
inline take_back()
{
	lock(routes_lock);
	atomic { lock(its_lock); unlock(its_lock); unlock(routes_lock) }
}

/* `kernel_its.c: kernel_its_commit(), flush()` */
inline kernel_its_commit(n)
{
	lock(its_lock);
	if
	:: staged -> begin_pause(n); atomic { kvm_attribute(); staged = false }
	:: else
	fi;
	atomic { end_pause(); unlock(its_lock) }
}

/* `kernel_its.c: kernel_its_retry()`, where something is deferred or nothing is */
inline kernel_its_retry(n)
{
	lock(its_lock);
	if
	:: atomic { !its_paused && !staged -> begin_pause(n) }; kvm_attribute()
	:: true
	fi;
	atomic {
		if
		:: !staged -> end_pause()
		:: else
		fi;
		unlock(its_lock)
	}
}

/* ---- redistributors ---------------------------------------------------------------------- */

/* `kernel_redist.c: deactivate()`, `vcpu_detour.c: vcpus_detour()`: this vCPU's KVM_RUN while all are paused */
inline detour(n)
{
	in_ioctl[n] = true;
	in_ioctl[n] = false
}

/* `vgicr.c: try_write()` that has the backend, and its `kernel_redist.c: on_write()` */
inline try_write(n)
{
	kvm_attribute();
	if
	:: detour(n); kvm_attribute()
	:: true
	fi
}

/* `vgicr.c: vgicr_mmio_write()`, with `kernel_redist.c: on_begin(), on_end(), on_lpis_switched()` */
inline vgicr_mmio_write(n, i)
{
	atomic { lock(redist_lock); unlock(redist_lock) }
	if
	:: true /* what is kept will do */
	:: true ->
		vcpus_pause(i);
		lock(redist_lock);
		try_write(n);
		unlock(redist_lock);
#ifdef TOLD_INSIDE
		kernel_its_retry(i);
		vcpus_resume_soon()
#else
		vcpus_resume_soon();
		kernel_its_retry(i)
#endif
	fi
}

/* ---- the threads ---------------------------------------------------------------------- */

/* `vcpu.c: inject_abort(), vcpu_ioctl()` */
inline inject_abort(n)
{
	in_ioctl[n] = true;
	atomic { in_ioctl[n] = false; signalled[n] = false }
}

/* `vcpu.c: vcpu_thread(), run_once(), run_inside()` */
proctype vcpu(byte n)
{
	byte i;
	bool go, abort_due;
	mtype exit;

	do
	:: enter(n, go);
		if
		:: !go -> break
		:: else
		fi;
		if
		:: abort_due -> inject_abort(n); abort_due = false
		:: else
		fi;
		kvm_run(n, exit);
		leave(n);
		if
		:: exit == MMIO -> kernel_its_update(i); take_back(); kernel_its_commit(i)
		:: exit == MMIO -> vgicr_mmio_write(n, i)
		:: exit == UNREACHABLE ->
#ifdef ABORT_OUTSIDE
			inject_abort(n)
#else
			abort_due = true
#endif
		:: exit == INTERRUPTED
		fi
	od;
	nr_ended++
}

/* `its_thread.c: its_thread()` */
active proctype its()
{
	byte i;

end_idle:
	do
	:: true -> break
#ifdef ANOTHER_PAUSER
	:: !its_stops && !stopping -> vcpus_pause(i); kvm_attribute(); vcpus_resume_soon()
#elif !defined(FREEZES)
	:: !its_stops && !stopping -> kernel_its_update(i); take_back(); kernel_its_commit(i)
#endif
	od
}

/* `machine_live.c: machine_freeze()`, `machine.c: machine_stop()`, at any time or never; what is frozen goes on, or is stopped */
active proctype main_thread()
{
	byte i;

#ifdef FREEZES
	vcpus_freeze(i);
	if
	:: vcpus_thaw()
	:: true
	fi;
#endif
	if
	:: !frozen
	:: vcpus_stop(i);
		assert(NOBODY_IN_AN_IOCTL);
		its_stops = true
	fi
}

init
{
	atomic { run vcpu(0); run vcpu(1) }
}
