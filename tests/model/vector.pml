/* SPDX-License-Identifier: MIT */
/*
 * A vector between the router that takes its interrupts, without a lock, and the vCPU that writes its entry.
 *
 * The vCPU masks the vector, unmasks it, gives it another message, or resets the function, NR_WRITES times in any
 * order; the device's lock is around that. The word has the generation, whether the vector is masked, and whether an
 * interrupt waits; the message lies in one of two slots, in two halves.
 *
 * Holds: what is taken is delivered with a message that the vector had, unmasked, while it was taken, or is held; what
 * is held is released at the unmasking, once, or forgotten by a reset.
 *
 *   ONE_SLOT		the message has one place
 *   NO_SECOND_LOOK	a message is sent without a look whether the word has changed meanwhile
 *   NO_EXCHANGE	that an interrupt waits is stored, and not by an exchange
 */

#ifndef NR_WRITES
#define NR_WRITES 4
#endif
#define NR_SIGNALS 2

#define MASKED	   1
#define PENDING	   2
#define GENERATION 4 /* and above */

#ifdef ONE_SLOT
#define SLOT(word) 0
#else
#define SLOT(word) ((word / GENERATION) % 2)
#endif

/* struct vfio_vector; the halves of message n are n */
byte word = MASKED;
byte address[2], data[2];

byte message;		     /* that it has */
bool had[NR_WRITES + 1];     /* while an interrupt is taken, unmasked */
bool waits;		     /* an interrupt is held */
byte nr_taken, nr_delivered, nr_merged, nr_forgotten;

#define HELD nr_merged = nr_merged + waits; waits = true

/* The model's: the guest has an interrupt */
inline deliver()
{
	nr_delivered++
}

/* `vector.c: publish(), slot_store(), next_state()` */
inline publish(masked, new_message, forget, old)
{
	old = word;
	address[SLOT((old + GENERATION))] = new_message;
	data[SLOT((old + GENERATION))] = new_message;
	do
	:: atomic { word == old ->
		word = (old / GENERATION + 1) * GENERATION + masked;
		if
		:: masked && !forget -> word = word + (old & PENDING)
		:: else
		fi;
		if
		:: forget && waits -> waits = false; nr_forgotten++
		:: else
		fi;
		message = new_message;
		had[message] = had[message] || !masked;
		break
	   }
	:: atomic { word != old -> old = word }
	od
}

/* `vector.c: vector_update()`, `msi.c: tell()`, `irq_function.c: irq_function_released()` */
inline vector_update(masked, new_message, old)
{
	if
	:: (word & MASKED) == masked && new_message == message -> old = MASKED /* nothing new */
	:: else -> publish(masked, new_message, false, old)
	fi;
	if
	:: atomic { !masked && (old & PENDING) -> assert(waits); waits = false; deliver() }
	:: else
	fi
}

/* `vector.c: vector_forget()` */
inline vector_forget(old)
{
	publish(MASKED, message, true, old)
}

/* The guest's: `msi.c: msix_table_write(), msi_forget()` */
active proctype vcpu()
{
	byte nr, old, masked, new_message;
	bool forgets;

	do
	:: nr < NR_WRITES -> nr++;
		atomic {
			new_message = message;
			forgets = false;
			if
			:: masked = MASKED
			:: masked = 0
			:: masked = 0; new_message = nr
			:: masked = MASKED; forgets = true
			fi
		}
		if
		:: forgets -> vector_forget(old)
		:: !forgets -> vector_update(masked, new_message, old)
		fi
	:: break
	od
}

/* `vector.c: vector_take(), slot_load()` */
inline vector_take(seen, again, a, d)
{
	atomic { seen = word; had[message] = !(word & MASKED) }
	do
	:: seen & MASKED ->
#ifdef NO_EXCHANGE
		atomic { word = seen | PENDING; HELD; break }
#else
		if
		:: atomic { word == seen -> word = seen | PENDING; HELD; break }
		:: atomic { word != seen -> seen = word }
		fi
#endif
	:: else ->
		assert(!(seen & PENDING));
		a = address[SLOT(seen)];
		d = data[SLOT(seen)];
		again = word;
#ifdef NO_SECOND_LOOK
		again = seen;
#endif
		if
		:: atomic { again == seen ->
			assert(a == d);
			assert(had[a]);
			deliver();
			break
		   }
		:: again != seen -> seen = again
		fi
	od
}

/* `irq_function.c: irq_function_signalled()` on the router */
active proctype router()
{
	byte seen, again, a, d, n;

	do
	:: nr_taken < NR_SIGNALS -> nr_taken++;
		vector_take(seen, again, a, d);
		atomic {
			n = 0;
			do
			:: n <= NR_WRITES -> had[n] = false; n++
			:: else -> break
			od;
			n = 0
		}
	:: nr_taken == NR_SIGNALS -> break
	od
}

/* The model's: nothing happens any more */
active proctype rest()
{
	timeout -> assert(waits == ((word & PENDING) != 0));
	assert(!waits || (word & MASKED));
	assert(nr_delivered + nr_merged + nr_forgotten + waits == NR_SIGNALS)
}
