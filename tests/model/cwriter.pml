/* SPDX-License-Identifier: MIT */
/*
 * The command queue: who runs what GITS_CWRITER announces, and who runs the rest.
 *
 * Two vCPUs announce commands at once; a third one switches the ITS off and on. A batch is one command, or a part of
 * a long one, and a call serves two, so that what a vCPU begins the thread "its" has to end.
 *
 * Holds: one thread at a time runs commands, each once and in order; GITS_CREADR never passes what has taken effect;
 * when nobody has anything to do any more, no command that may run is left, and none half done; and (WAYS) whatever is
 * announced to an ITS that is on is run.
 *
 *   MAIN_THREAD	the main thread runs the rest, and may wait for a terminal that takes no more
 *   NO_LOOK_AGAIN	the owner leaves without a look at what was announced meanwhile
 *   MORE_FORGOTTEN	what is asked for is taken back after it was seen to, not before
 *   NO_OWNER		who has the lock free runs commands
 */

#include "locks.pml"

#define NR_COMMANDS   4 /* of all vCPUs together */
#define NR_LONG	      1 /* of them: they come to their end in the next batch */
#define CALL_COMMANDS 2

/* struct vits; offsets count commands, and do not wrap */
byte vits_lock = FREE;
bool is_on = true, owned;
bool begun; /* the command at creadr */
byte cwriter, creadr;

/* struct vits_set, and the eventfd of the thread */
bool more, woken;

byte announced, nr_long;
byte nr_run, nr_ended, nr_committed; /* commands */
byte nr_inside;

/* `cmdq.c: cmdq_runnable_locked()` */
#define RUNNABLE (begun || (is_on && creadr != cwriter))

/* `cmdq.c: cmdq_claim_locked()` */
inline cmdq_claim_locked(ret)
{
#ifdef NO_OWNER
	ret = RUNNABLE;
#else
	ret = !owned && RUNNABLE;
#endif
	owned = owned || ret
}

/*
 * `cmdq.c: run_batch(), run_entry(), end_command(), cmdq_settle()`: whether the ITS is on is read without the lock.
 * `shadow.c: shadow_go_on()` says whether a command has come to its end.
 */
inline run_batch(pos, end, half, used)
{
	nr_inside++;
	if
	:: atomic { half -> assert(nr_inside == 1); half = false; pos++; nr_ended++ }
	:: atomic { !half && pos != end && is_on ->
		assert(nr_run == pos);
		assert(nr_inside == 1);
		nr_run++;
		if
		:: nr_long < NR_LONG -> nr_long++; half = true
		:: pos++; nr_ended++
		fi
	   }
	:: !half && (pos == end || !is_on)
	fi;
	used = 1; /* or the ITS was found off */
	atomic { nr_committed = nr_ended; nr_inside-- }
}

/* `vits_set.c: its_more()`, `its_thread.c: its_thread_wake()` */
inline its_more()
{
	more = true;
	woken = true
}

/* `cmdq.c: cmdq_serve(), serve_batch(), release_and_unlock()` */
inline cmdq_serve(pos, end, half, left, used, rest)
{
	left = CALL_COMMANDS;
	atomic { lock(vits_lock); assert(owned) }
	do
	:: atomic { left && RUNNABLE -> pos = creadr; end = cwriter; half = begun; unlock(vits_lock) };
		run_batch(pos, end, half, used);
		atomic {
			lock(vits_lock);
			assert(owned);
			assert(pos <= nr_committed);
			creadr = pos;
			begun = half;
			left = left - used
		}
	:: atomic { !(left && RUNNABLE) -> break }
	od;
	atomic {
#ifdef NO_LOOK_AGAIN
		rest = false;
#else
		rest = RUNNABLE;
#endif
		owned = false;
		unlock(vits_lock)
	}
	if
	:: rest -> its_more()
	:: else
	fi
}

/* `regs.c: vits_mmio_write(), cwriter_write()`: one command more */
inline write_cwriter(ret)
{
	atomic { lock(vits_lock); announced++; cwriter = announced; cmdq_claim_locked(ret); unlock(vits_lock) }
}

/* `regs.c: vits_mmio_write(), ctlr_write()` */
inline write_ctlr(on, ret)
{
	atomic { lock(vits_lock); is_on = on; cmdq_claim_locked(ret); unlock(vits_lock) }
}

/* `cmdq.c: vits_run()` */
inline vits_run(claimed, pos, end, half, left, used, rest)
{
	atomic { lock(vits_lock); cmdq_claim_locked(claimed); unlock(vits_lock) }
	if
	:: claimed -> cmdq_serve(pos, end, half, left, used, rest)
	:: else
	fi
}

/* `vits_set.c: vits_set_run()`: atomic_exchange() */
inline vits_set_run(due, claimed, pos, end, half, left, used, rest)
{
#ifdef MORE_FORGOTTEN
	due = more;
#else
	atomic { due = more; more = false }
#endif
	if
	:: due -> vits_run(claimed, pos, end, half, left, used, rest)
	:: else
	fi;
#ifdef MORE_FORGOTTEN
	more = false;
#endif
}

/* The guest's: it announces commands from any of its vCPUs. `vits_set.c: gits_write()` */
active [2] proctype vcpu()
{
	byte pos, end, left, used;
	bool claimed, half, rest;

	do
	:: atomic { announced < NR_COMMANDS && vits_lock == FREE -> write_cwriter(claimed) }
		if
		:: claimed -> cmdq_serve(pos, end, half, left, used, rest)
		:: else
		fi
	:: announced == NR_COMMANDS -> break
	od
}

/* The guest's: once in its life it switches the ITS off and on again. `regs.c: ctlr_write()` */
active proctype switching_vcpu()
{
	byte pos, end, left, used;
	bool claimed, half, rest;

	write_ctlr(false, claimed);
	if
	:: claimed -> cmdq_serve(pos, end, half, left, used, rest)
	:: else
	fi;
	write_ctlr(true, claimed);
	if
	:: claimed -> cmdq_serve(pos, end, half, left, used, rest)
	:: else
	fi
}

/* `its_thread.c: its_thread(), wait_for_work()`; MAIN_THREAD: `machine_live.c: machine_service()` */
active proctype its()
{
	byte pos, end, left, used;
	bool due, claimed, half, rest;

	do
	:: vits_set_run(due, claimed, pos, end, half, left, used, rest);
#ifdef MAIN_THREAD
		if
		:: true
		:: true ->
end_waits:		false /* a write to a terminal does not end */
		fi;
#endif
end_sleeps:	woken;
		woken = false
	od
}

#ifdef WAYS
ltl all_is_run { []<>(!RUNNABLE) }
#else
/* The model's: nobody has anything to do any more */
active proctype rest()
{
	timeout -> assert(!RUNNABLE);
	assert(!owned);
	assert(nr_run == creadr && nr_ended == creadr)
}
#endif
