/* SPDX-License-Identifier: MIT */
/*
 * Promotion and demotion: a vector's eventfd goes from a router to KVM (it is tied) and back, while the device
 * signals.
 *
 * A router is here what router.pml shows of it. The route is changed NR_CHANGES times; a vCPU masks the vector and
 * unmasks it, or has its message name another event. DIRECT is a host with GICv4, on which the device's interrupts
 * reach the guest past everybody while the vector is tied, and are dropped while the host maps the event anew.
 *
 * Holds: after each signal there is a delivery, or one at the unmasking; never are more delivered than were
 * signalled, by the device and by itsy, but for one at each tie that KVM gives twice by itself; while the guest has
 * the vector masked, KVM delivers nothing once the vCPU has gone on, and after a change of the message nothing to
 * the event of before.
 *
 *   KVMS_OWN		what KVM gives twice is a fault, too
 *   TIED_BY_REVIEW	a vector is tied by who reviews it, not by the router when it has let go
 *   TIED_STAYS		a vector that is tied stays so when its message changes
 *   UNTIED_LATER	untying does not wait for injections that are under way
 *   NO_RESEND		(DIRECT) no signal of itsy's own follows a tie and an untie
 */

#include "locks.pml"

#define NR_SIGNALS 3
#define NR_CHANGES 3
#ifndef NR_WRITES
#define NR_WRITES 2
#endif

mtype = { POLLED, LEAVING, TIED };

/* The eventfd; see router.pml */
bool queue_lock;
byte counter;

/* KVM's irqfd */
bool kvm_waits; /* in the queue of those who are woken up */
bool work;	/* an injection is under way on a thread of the kernel's */
bool forwards, drops; /* DIRECT */

/* struct vector_route, and what is wanted */
byte routes_lock = FREE;
mtype reader = POLLED;
bool wants_tie;
byte gsi; /* while it is TIED; the event's number */

/* struct vfio_vector */
bool masked, held;
byte message; /* the event that it names */

/* Of the router: what was asked of it, and whether it has the eventfd */
bool wish_arm = true, wish_disarm, armed;

byte signalled, own, delivered;
byte twice; /* signals that KVM may give twice */
bool owed;
bool quiet; /* the guest has the vector masked, and its vCPU has gone on */
byte settled; /* the event that it named when its vCPU has gone on */
bool all_changed, unmasked;

/* ---- the host -------------------------------------------------------------------------- */

/* The model's: the guest has an interrupt */
inline deliver()
{
	delivered++;
	owed = false;
#ifdef KVMS_OWN
	assert(delivered <= signalled + own)
#else
	assert(delivered <= signalled + own + twice)
#endif
}

/* The host's: kvm_set_msi() */
inline kvm_inject()
{
	assert(!quiet);
	assert(gsi == settled || gsi == message);
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
	atomic {
		if
		:: counter > 0 -> work = true; twice++ /* it is read without the lock, and stays as it is */
		:: else
		fi
	}
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

/* `vector_routes.c: arm_locked()` */
inline arm_locked()
{
	atomic { reader = POLLED; wish_arm = true; wish_disarm = false }
}

/* `route_choice.c: route_choose()`, `irq_function.c: irq_function_direct()` */
#define WANTED (wants_tie && !masked)

/* `vector_routes.c: give_reader_locked(), is_tied_now()` */
inline give_reader_locked()
{
	if
	:: !WANTED -> arm_locked()
	:: atomic { WANTED -> gsi = message }
		kvm_irqfd_assign();
		reader = TIED;
		irq_function_resend()
	fi
}

/* `vector_routes.c: untie_locked()` */
inline untie_locked()
{
	kvm_irqfd_deassign();
	irq_function_resend()
}

/* `vector_routes.c: review_locked()` */
inline review_locked()
{
	if
	:: reader == POLLED && WANTED ->
#ifdef TIED_BY_REVIEW
		give_reader_locked();
		atomic { wish_disarm = true; wish_arm = false }
#else
		atomic { reader = LEAVING; wish_disarm = true; wish_arm = false }
#endif
#ifdef TIED_STAYS
	:: reader == TIED && !WANTED ->
#else
	:: reader == TIED && (!WANTED || gsi != message) ->
#endif
		untie_locked();
		give_reader_locked()
	:: else
	fi
}

/* `vector_routes.c: vector_routes_review()` */
inline vector_routes_review()
{
	lock(routes_lock);
	review_locked();
	unlock(routes_lock)
}

/* `irq_function.c: irq_function_signalled()`, `vector.c: vector_take()` */
inline irq_function_signalled()
{
	atomic {
		if
		:: masked -> held = true
		:: else -> injects = true
		fi
	}
	if
	:: atomic { injects -> injects = false; deliver() }
	:: !injects
	fi
}

/* `vector_routes.c: disarmed()` */
inline disarmed()
{
#ifndef TIED_BY_REVIEW
	lock(routes_lock);
	assert(reader == LEAVING);
	give_reader_locked();
	unlock(routes_lock)
#else
	skip
#endif
}

/* `router.c: router_thread()` as router.pml has it: it delivers what is signalled while it is armed, once */
active proctype router()
{
	bool injects;

end_idle:
	do
	:: atomic { wish_arm -> wish_arm = false; armed = true }
	:: atomic { armed && counter > 0 && !queue_lock -> counter = 0 }
		irq_function_signalled()
	:: atomic { !wish_arm && wish_disarm -> wish_disarm = false; armed = false }
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
		review_locked();
		unlock(routes_lock)
	:: break
	od;
	all_changed = true
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
			:: atomic { released -> deliver() } /* `irq_function.c: irq_function_released()` */
			:: !released
			fi;
			vector_routes_review()
		:: message = 1 - message;
			vector_routes_review();
			settled = message
		fi
	:: break
	od;
	unmasked = true
}

/* The model's: nothing happens any more */
active proctype rest()
{
	timeout ->
	assert(!owed);
	assert(all_changed && unmasked);
	assert((reader == TIED) == WANTED);
	assert((reader == TIED) == kvm_waits);
	assert((reader == POLLED) == armed)
}
