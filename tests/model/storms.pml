/* SPDX-License-Identifier: MIT */
/*
 * Storms: a vector that interrupts too often is parked, masked at the device by the main thread, and let go again; and
 * its route may change meanwhile.
 *
 * A router is here what router.pml shows of it. The policy calls a storm, or asks to wait, when it likes. What the
 * device sends while it is being masked is lost, as the host's kernel has it; while it is masked, one is kept in its
 * pending bit.
 *
 * Holds: after each interrupt of the device, lost or not, the guest gets one; no vector stays masked or parked. Not
 * said is that the signal of itsy's own comes at the unmasking that it is for: where the next reader has a storm
 * before, it may come at a later one.
 *
 *   NO_OWN_SIGNAL	a masked vector that changes its route gets no signal of itsy's own when it is unmasked
 *   BUSY_IS_IDLE	who asks whether a vector is masked does not mind that the device is just being told
 *   NOT_AWAITED	nobody is told that a vector is unmasked
 */

#include "locks.pml"

#define NR_SIGNALS 3
#define NR_STORMS  2
#define NR_HOLDS   1
#define NR_CHANGES 2

mtype = { HEARD, UNTIL_TIME, UNTIL_UNPARKED };

/* The device */
bool at_device, being_masked, pending_bit;

/* The eventfd */
byte counter;

/* struct masking */
byte mask_lock = FREE;
bool wanted, is_masked, busy, queued, awaited;

/* struct vector_route */
byte routes_lock = FREE;
bool storms, signal_at_unmask;
bool next, has_signal; /* it is to be tied, and has the signal that it is tied with; see routes.pml */

/* Who reads the eventfd: a router (one after the other, if the route changes), or KVM */
bool tied;
bool armed = true, wish_disarm, wish_unpark;
mtype parked = HEARD;

byte signalled, nr_storms, nr_holds;
bool owed;

/* The host's: VFIO, and eventfd_signal() */
active proctype device()
{
	do
	:: atomic { signalled < NR_SIGNALS -> signalled++; owed = true;
		if
		:: being_masked
		:: at_device -> pending_bit = true
		:: !being_masked && !at_device -> counter++
		fi
	   }
	:: signalled == NR_SIGNALS -> break
	od
}

/* `mask_queue.c: mask_queue_want()` */
inline mask_queue_want(mask, ret)
{
	atomic {
		lock(mask_lock);
		wanted = mask;
#ifdef BUSY_IS_IDLE
		ret = is_masked == mask;
#else
		ret = is_masked == mask && !busy;
#endif
#ifndef NOT_AWAITED
		awaited = !mask && !ret;
#endif
		queued = queued || !ret;
		ret = ret || mask;
		unlock(mask_lock)
	}
}

/* The host's: VFIO_DEVICE_SET_IRQS. `irqs.c: vfio_vector_mask_at_device()` */
inline mask_at_device(mask)
{
	if
	:: mask ->
		being_masked = true;
		atomic { at_device = true; being_masked = false }
	:: else ->
		atomic {
			at_device = false;
			counter = counter + pending_bit;
			pending_bit = false
		}
	fi
}

/* `vector_routes.c: unmasked()`, `irq_function.c: irq_function_resend()`, `router.c: router_unpark()` */
inline unmasked()
{
	atomic { lock(routes_lock); resend = signal_at_unmask; signal_at_unmask = false; unlock(routes_lock) }
	atomic {
		counter = counter + resend;
		resend = false
	}
	wish_unpark = true
}

/* `mask_queue.c: mask_queue_service(), begin_one(), end_one()` on `machine_live.c: machine_service()` */
active proctype main_thread()
{
	bool mask, told, resend;

end_idle:
	do
	:: atomic { queued && mask_lock == FREE -> mask = wanted; queued = false; busy = true }
		if
		:: is_masked != mask -> mask_at_device(mask)
		:: else
		fi;
		atomic {
			mask_lock == FREE ->
			is_masked = mask;
			busy = false;
			told = awaited && !is_masked;
			awaited = awaited && !told
		}
		if
		:: told -> unmasked()
		:: else
		fi
	od
}

/* `vector_routes.c: begin_storm()` */
inline begin_storm()
{
	storms = true;
	mask_queue_want(true, idle);
	parked = UNTIL_TIME
}

/* `vector_routes.c: ask_policy(), signalled()`, `policy.c: policy_ask()`; what waits stays in the counter */
inline ask_policy()
{
	idle = true;
	if
	:: storms -> mask_queue_want(false, idle)
	:: else
	fi;
	if
	:: !idle -> parked = UNTIL_UNPARKED
	:: idle && nr_holds < NR_HOLDS -> nr_holds++; parked = UNTIL_TIME
	:: idle && nr_storms < NR_STORMS -> nr_storms++; begin_storm()
	:: atomic { idle -> storms = false; counter = 0; owed = false; parked = HEARD }
	fi
}

/* `vector_routes.c: disarmed()`, `route_reader.c: reader_give()`: the next reader is another router, or KVM */
inline disarmed()
{
	lock(routes_lock);
	mask_queue_want(false, idle);
#ifndef NO_OWN_SIGNAL
	signal_at_unmask = signal_at_unmask || !idle;
#endif
	atomic {
		if
		:: has_signal -> has_signal = false; tied = true
		:: else -> armed = true
		fi;
		unlock(routes_lock)
	}
}

/* The host's: irqfds; see routes.pml */
active proctype kvm()
{
end_idle:
	do
	:: atomic { tied && counter -> counter = 0; owed = false }
	od
}

/* `router.c: router_thread(), serve_requests()` */
active proctype router()
{
	bool idle;

end_idle:
	do
	:: atomic { armed && parked == HEARD && counter && !next && !has_signal -> skip }
		ask_policy()
	/* `route_reader.c: reader_leave()` */
	:: atomic { armed && parked == HEARD && counter && (next || has_signal) ->
		next = false; has_signal = true; wish_disarm = true; parked = UNTIL_UNPARKED }
	/* A time has come, or router_unpark(). Where nothing has come together nobody is asked. */
	:: atomic { armed && parked == UNTIL_TIME -> parked = HEARD }
	:: atomic { wish_unpark -> wish_unpark = false; parked = HEARD }
	:: atomic { wish_disarm -> wish_disarm = false; armed = false; parked = HEARD }
		disarmed()
	od
}

/* `vector_routes.c: vector_routes_set()`, `route_reader.c: reader_review(), reader_untie()` */
active proctype changes()
{
	byte nr;

	do
	:: nr < NR_CHANGES -> nr++;
		if
		:: tied -> atomic { lock(routes_lock); tied = false; armed = true; unlock(routes_lock) }
		:: armed && !has_signal -> next = true
		:: atomic { armed && !has_signal -> wish_disarm = true }
			!wish_disarm && (armed || tied)
		fi
	:: break
	od
}

/* The model's: nothing happens any more */
active proctype rest()
{
	timeout -> assert(!owed);
	assert(!at_device && !is_masked && !wanted);
	assert(parked == HEARD)
}
