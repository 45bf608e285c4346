/* SPDX-License-Identifier: MIT */
/*
 * Promotion and demotion: a vector's eventfd goes from a router to KVM (it is tied) and back, while the device
 * signals.
 *
 * A router is here what router.pml shows of it. The route is changed NR_CHANGES times; a vCPU masks the vector and
 * unmasks it, or has its message name another event, NR_WRITES times; a command unmaps event 0 and maps it again,
 * NR_UNMAPS times. DIRECT is a host with GICv4, on which the device's interrupts reach the guest past everybody while
 * the vector is tied, and are dropped while the host maps the event anew.
 *
 * Holds: after each signal there is a delivery, or one at the unmasking, unless the event is not mapped; never are more
 * delivered than were signalled, by the device and by itsy; while the guest has the vector masked, KVM delivers
 * nothing once the vCPU has gone on, after a change of the message nothing to the event of before, and it never has
 * the vector of an event that is not mapped.
 *
 *   TIED_WITHOUT_SIGNAL	a vector is tied as soon as its router has let go, with a signal or without
 *   TIED_BY_REVIEW	a vector is tied by who reviews it, not by the router when it has let go
 *   TIED_STAYS		a vector that is tied stays so when its message changes
 *   UNTIED_LATER	untying does not wait for injections that are under way
 *   UNTIED_AFTER	that an event is unmapped is told when the kernel ITS has done it, not before
 *   NO_RESEND		(DIRECT) no signal of itsy's own follows a tie and an untie
 */

#include "locks.pml"

#ifndef NR_SIGNALS
#define NR_SIGNALS 3
#endif
#define NR_CHANGES 3
#ifndef NR_WRITES
#define NR_WRITES 2
#endif
#ifndef NR_UNMAPS
#define NR_UNMAPS 0
#endif

mtype = { POLLED, LEAVING, TIED };

/* The eventfd; see router.pml */
bool queue_lock;
byte counter;

/* KVM's irqfd */
bool kvm_waits; /* in the queue of those who are woken up */
bool work;	/* an injection is under way on a thread of the kernel's */
bool forwards, drops; /* DIRECT */

/* struct vector_routes, struct vector_route, and what is wanted */
byte routes_lock = FREE;
mtype reader = POLLED;
bool wants_tie, next, has_signal;
byte gsi; /* while it is TIED; the event's number */
byte taken_back;

/* struct vfio_vector */
bool masked, held;
byte message; /* the event that it names */

/* Event 0, as the shadow and the kernel ITS have it; event 1 is there all the time */
bool translatable = true, mapped = true;
#define TRANSLATABLE(event) (translatable || event == 1)
#define MAPPED(event)	    (mapped || event == 1)

/* Of the router: what was asked of it, and whether it has the eventfd */
bool wish_arm = true, wish_disarm, armed, parked;

byte signalled, own, delivered;
bool owed;
bool quiet; /* the guest has the vector masked, and its vCPU has gone on */
byte settled; /* the event that it named when its vCPU has gone on */
byte nr_done;

/* ---- the host -------------------------------------------------------------------------- */

/* The model's: the guest has an interrupt */
inline deliver()
{
	delivered++;
	owed = false;
	assert(delivered <= signalled + own)
}

/* The host's: kvm_set_msi() */
inline kvm_inject()
{
	assert(!quiet);
	assert(gsi == settled || gsi == message);
	assert(MAPPED(gsi));
	deliver()
}

/* The host's: eventfd_signal() and irqfd_wakeup(), linux virt/kvm/eventfd.c */
inline wake_up()
{
	atomic {
		if
		:: kvm_waits -> counter = 0;
			if
			:: kvm_inject()
			:: work = true /* not at once */
			fi
		:: else
		fi;
		queue_lock = false
	}
}

/* The host's: the function's interrupts, by VFIO or past it */
active proctype device()
{
	do
	:: atomic { signalled < NR_SIGNALS && !forwards && !drops && !queue_lock ->
		queue_lock = true; counter++; signalled++; owed = true }
		wake_up()
	:: atomic { signalled < NR_SIGNALS && forwards -> signalled++; owed = true; kvm_inject() }
	:: atomic { signalled < NR_SIGNALS && drops -> signalled++; owed = true }
	:: signalled == NR_SIGNALS -> break
	od
}

/* The host's: irqfd_inject() */
active proctype work_queue()
{
end_idle:
	do
	:: atomic { work -> work = false; kvm_inject() }
	od
}

/* The host's: its_vlpi_map() and its_vlpi_unmap() */
inline map_anew(on)
{
#ifdef DIRECT
	atomic { forwards = false; drops = true }
	atomic { forwards = on; drops = false }
#else
	skip
#endif
}

/* The host's: kvm_irqfd_assign(). `vm.c: vm_irqfd()` */
inline kvm_irqfd_assign()
{
	atomic { !queue_lock -> kvm_waits = true }
	atomic { work = work || counter > 0 } /* it is read without the lock, and stays as it is */
	map_anew(true)
}

/* The host's: kvm_irqfd_deassign() and irqfd_shutdown(). `vm.c: vm_irqfd()` */
inline kvm_irqfd_deassign()
{
	atomic { !queue_lock -> kvm_waits = false; counter = 0 }
#ifndef UNTIED_LATER
	!work;
#endif
	map_anew(false)
}

/* ---- itsy -------------------------------------------------------------------------------- */

/* `irq_function.c: irq_function_resend()` */
inline irq_function_resend()
{
#if defined(DIRECT) && !defined(NO_RESEND)
	atomic { !queue_lock -> queue_lock = true; counter++; own++; owed = true }
	wake_up()
#else
	skip
#endif
}

/* `route_choice.c: route_choose(), is_held()`, `irq_function.c: irq_function_direct()` */
#define WANTED (wants_tie && !masked && TRANSLATABLE(message) && !taken_back)

/* `route_reader.c: stays_polled()` */
inline stays_polled()
{
	next = WANTED
}

/* `route_reader.c: arm()` */
inline arm_vector()
{
	atomic { reader = POLLED; stays_polled(); wish_arm = true; wish_disarm = false }
}

/* `route_reader.c: reader_give(), is_tied_now()` */
inline reader_give()
{
	if
	:: atomic { !(WANTED && has_signal) -> has_signal = false }
		arm_vector()
	:: atomic { WANTED && has_signal -> has_signal = false; gsi = message }
		/* `tied_count.c: tied_merge()` */
		atomic { !queue_lock -> counter = 0 }
		atomic { !queue_lock -> counter++ }
		kvm_irqfd_assign();
		atomic { reader = TIED; next = false }
		irq_function_resend()
	fi
}

/* `route_reader.c: reader_untie()` */
inline reader_untie()
{
	kvm_irqfd_deassign();
	irq_function_resend()
}

/* `route_reader.c: reader_review()` */
inline reader_review()
{
	if
#if defined(TIED_BY_REVIEW)
	:: atomic { reader == POLLED && WANTED -> has_signal = true }
		reader_give();
		atomic { wish_disarm = true; wish_arm = false }
#elif defined(TIED_WITHOUT_SIGNAL)
	:: atomic { reader == POLLED && WANTED ->
		reader = LEAVING; has_signal = true; wish_disarm = true; wish_arm = false }
#else
	:: atomic { reader == POLLED -> stays_polled() }
#endif
#ifdef TIED_STAYS
	:: reader == TIED && !WANTED ->
#else
	:: reader == TIED && (!WANTED || gsi != message) ->
#endif
		reader_untie();
		reader_give()
	:: else
	fi
}

/* `vector_routes.c: vector_routes_review()` */
inline vector_routes_review()
{
	lock(routes_lock);
	reader_review();
	unlock(routes_lock)
}

/* `route_reader.c: reader_leave()` */
inline reader_leave(ret)
{
	atomic {
		lock(routes_lock);
		if
		:: reader == POLLED ->
			stays_polled();
			if
			:: next -> has_signal = true; reader = LEAVING; wish_disarm = true; wish_arm = false
			:: else
			fi
		:: else
		fi;
		ret = has_signal;
		unlock(routes_lock)
	}
}

/* `irq_function.c: irq_function_signalled()`, `vector.c: vector_take()`, `shadow.c: vits_translate()` */
inline irq_function_signalled()
{
	atomic {
		if
		:: masked -> held = true
		:: !masked && !TRANSLATABLE(message) -> owed = false /* dropped */
		:: else -> injects = true; event = message
		fi
	}
	/* `kernel_its.c: kernel_its_signal()`; dropped, where it was unmapped meanwhile */
	if
	:: atomic { injects && MAPPED(event) -> injects = false; deliver() }
	:: atomic { injects && !MAPPED(event) -> injects = false; owed = false }
	:: !injects
	fi
}

/* `vector_routes.c: signalled()` */
inline signalled_()
{
	leaves = next;
	if
	:: leaves -> reader_leave(leaves)
	:: else
	fi;
	if
	:: leaves -> parked = true
	:: atomic { !leaves && !queue_lock -> counter = 0 }
		irq_function_signalled();
#if NR_UNMAPS
		vector_routes_review() /* `vector_routes.c: passed()` */
#endif
	fi
}

/* `vector_routes.c: disarmed()` */
inline disarmed()
{
#ifndef TIED_BY_REVIEW
	lock(routes_lock);
	assert(reader == LEAVING);
	reader_give();
	unlock(routes_lock)
#else
	skip
#endif
}

/* `router.c: router_thread()` as router.pml has it: what is signalled while it is armed is delivered, once, or waits */
active proctype router()
{
	bool injects, leaves;
	byte event;

end_idle:
	do
	:: atomic { wish_arm -> wish_arm = false; armed = true }
	:: atomic { armed && !parked && counter > 0 -> skip }
		signalled_()
	:: atomic { !wish_arm && wish_disarm -> wish_disarm = false; armed = false; parked = false }
		disarmed()
	od
}

/* `vector_routes.c: vector_routes_set()`, or what is hot and quiet: `vector_routes.c: is_hot_now(), look_at()` */
active proctype changes()
{
	byte nr;

	do
	:: nr < NR_CHANGES -> nr++;
		atomic { lock(routes_lock); wants_tie = !wants_tie }
		reader_review();
		unlock(routes_lock)
	:: break
	od;
	nr_done++
}

/* The guest's: it writes the vector's entry. `msi.c: msix_table_write(), tell()` */
active proctype vcpu()
{
	bool released;
	byte nr;

	do
	:: nr < NR_WRITES -> nr++;
		if
		:: masked = true;
			vector_routes_review();
			quiet = true;
			atomic { quiet = false; masked = false; released = held; held = false }
			if
			/* `irq_function.c: irq_function_released()` */
			:: atomic { released && MAPPED(message) -> deliver() }
			:: atomic { released && !MAPPED(message) -> owed = false }
			:: !released
			fi;
			vector_routes_review()
		:: message = 1 - message;
			vector_routes_review();
			settled = message
		fi
	:: break
	od;
	nr_done++
}

/* `vector_routes.c: vector_routes_take_back()` */
inline vector_routes_take_back()
{
	atomic { lock(routes_lock); taken_back++ }
	if
	:: reader == TIED && gsi == 0 -> reader_untie(); reader_give()
	:: else
	fi;
	unlock(routes_lock)
}

/* `vector_routes.c: vector_routes_taken_back()` */
inline vector_routes_taken_back()
{
	atomic { lock(routes_lock); taken_back--; unlock(routes_lock) }
}

/* `shadow.c: shadow_unmap_event(), shadow_make_translatable()`, `vits_set.c: its_update(), its_commit()` on a vCPU */
active proctype commands()
{
	byte nr;

	do
	:: nr < NR_UNMAPS -> nr++;
		translatable = false;
#ifdef UNTIED_AFTER
		mapped = false;
		vector_routes_review();
#else
		vector_routes_take_back();
		/* `kernel_its.c: kernel_its_commit()`. A GICv4's event must not be anybody's. */
		atomic { assert(gsi == 1 || (!forwards && !kvm_waits)); mapped = false }
		vector_routes_taken_back();
#endif
		mapped = true;
		translatable = true
	:: break
	od;
	nr_done++
}

/* The model's: nothing happens any more. A vector that is to be tied may wait for its next signal. */
active proctype rest()
{
	timeout ->
	assert(!owed);
	assert(nr_done == 3);
	assert((reader == TIED) == kvm_waits);
	assert((reader == POLLED) == armed);
	assert(reader != TIED || WANTED);
	/* Nobody tells that an event is mapped again: `vector_routes.c: passed()` has it reviewed. */
	assert(NR_UNMAPS || next == (reader == POLLED && WANTED))
}
