/* SPDX-License-Identifier: MIT */
/*
 * GITS_CTLR.Enabled: vCPUs switch an ITS on and off, and vectors are tied to KVM, or not, as that wants it.
 *
 * Three vCPUs write the bit, NR_WRITES times all together, each what it likes.
 *
 * Holds: no vCPU goes on before a review that has begun after its switch is over; when all have gone on, the vector
 * is tied exactly if the ITS is on.
 *
 *   WAS_ENABLED	what the last one has seen is a bool, which is looked at and then turned round
 *   REVIEWED_BEFORE	what a review will have seen is noted before it, not after it
 *   NUMBER_BEFORE	a switch is counted before it is made, not after it
 */

#include "locks.pml"

#define NR_VCPUS  3
#define NR_WRITES 4

/* struct vits */
byte vits_lock = FREE;
bool is_on;
byte nr_switches;

/* struct member */
byte member_lock = FREE;
byte reviewed;
bool was_enabled; /* WAS_ENABLED */

/* struct vector_routes */
byte routes_lock = FREE;
bool tied;

#ifdef WAS_ENABLED
#define SEEN(which) skip
#else
#define SEEN(which) assert(seen >= which)
#endif

byte nr_writes;
byte nr_gone_on;
byte seen; /* how many switches the bit that was reviewed last had behind it, at least */

/* `regs.c: vits_mmio_write(), ctlr_write()` */
inline vits_mmio_write(on, ret)
{
	atomic { lock(vits_lock); ret = 0 }
	vits_switch_locked(on, ret);
	unlock(vits_lock)
}

/*
 * `vits_priv.h: vits_switch_locked()`: both are read without the lock.
 * ret: which switch this one was; 0: none.
 */
inline vits_switch_locked(on, ret)
{
	if
#ifdef NUMBER_BEFORE
	:: atomic { is_on != on -> nr_switches++; ret = nr_switches }
		is_on = on
#else
	:: atomic { is_on != on -> is_on = on }
		atomic { nr_switches++; ret = nr_switches }
#endif
	:: is_on == on
	fi
}

/* `vector_routes.c: vector_routes_review_all()`, `route_reader.c: reader_review()` */
inline switched(on)
{
	atomic { lock(routes_lock); on = is_on; seen = nr_switches }
	atomic { tied = on; unlock(routes_lock) }
}

/* `vits_set.c: review_switch()` */
inline review_switch(nr, on)
{
#ifdef WAS_ENABLED
	on = is_on;
	if
	:: on != was_enabled ->
		nr = was_enabled;
		was_enabled = !nr;
		switched(on)
	:: else
	fi
#else
	nr = nr_switches;
	if
	:: nr == reviewed
	:: else ->
		atomic { lock(member_lock); nr = nr_switches }
		if
		:: nr != reviewed ->
#ifdef REVIEWED_BEFORE
			reviewed = nr;
			switched(on);
#else
			switched(on);
			reviewed = nr;
#endif
			unlock(member_lock)
		:: else -> unlock(member_lock)
		fi
	fi
#endif
}

/* The guest's: writes of GITS_CTLR. `vits_set.c: gits_write()` */
active [NR_VCPUS] proctype vcpu()
{
	bool on;
	byte nr, which;

	do
	:: atomic { nr_writes < NR_WRITES -> nr_writes++ }
		if
		:: vits_mmio_write(true, which)
		:: vits_mmio_write(false, which)
		fi;
		review_switch(nr, on);
		SEEN(which)
	:: nr_writes == NR_WRITES -> break
	od;
	nr_gone_on++
}

/* The model's: all have gone on */
active proctype rest()
{
	nr_gone_on == NR_VCPUS;
	assert(tied == is_on)
}
