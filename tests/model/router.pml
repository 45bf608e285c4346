/* SPDX-License-Identifier: MIT */
/*
 * The router and one eventfd: its counter between polls, parking, and changes of its reader.
 *
 * A device signals the eventfd NR_SIGNALS times. Meanwhile the router is asked to arm and disarm it, the device's
 * policy says now and then that a signal comes too early, and with io_uring polls end by themselves when the
 * completion queue is full. EPOLL is the other engine.
 *
 * Holds: never are more delivered than were signalled; after each signal there is a delivery, or it waits in the
 * counter of a source that is disarmed; whenever that is disarmed, what is counted as taken and what waits there
 * are together what was signalled, to the last one; and (WAYS) every signal is delivered in the end.
 *
 *   NO_SETTLING	the completions of a poll count from its beginning
 *   INVENTS		(with one of the others) more deliveries than signals are no fault, to see what is lost
 *   FLR_READS	a reset of the function reads the counter, to forget what came before
 *   SETTLES_SOON	a counter that was found found_nothing once is enough
 *   ENDS_UNREAD	the counter is not read when a poll has ended
 */

#ifndef NR_SIGNALS
#define NR_SIGNALS 3
#endif
#ifndef NR_TOO_EARLY
#define NR_TOO_EARLY 1 /* signals */
#endif
#ifndef NR_FULL
#define NR_FULL 1 /* times that the completion queue is full */
#endif
#ifndef NR_CHANGES
#define NR_CHANGES 1 /* of disarming, each followed by arming or not */
#endif

mtype:state = { IDLE, SETTLING, POLLED, LEAVING, PARKING, RESUMING, DROPPING, PARKED,
	CATCHING_UP, LAST_LOOK, RETRYING };
mtype:event = { ARM, DISARM, DUE, LOOK, SETTLED, TOO_EARLY, DELIVERED, ENDED, NOT_REMOVED, NOTHING };
mtype:action = { nothing, poll_first, poll_again, end_poll, forget_time, say_disarmed, hand_back, look, offer_one,
	offer_all };
mtype:place = { WAITS, REAPS, SETTLES, SERVES_DEADLINES };
mtype:what = { POLL, REMOVAL, KICK };

/* The eventfd: its lock (of the wait queue), its counter; and the poll of the router's that waits in the queue. */
bool queue_lock;
byte counter;
bool polled, woken; /* a completion or an event is on its way */

/* Of struct source: what others read. The rest of it is the router's thread's own. */
short signals;

/* struct router */
bool wish_arm, wish_disarm, wish_unpark;
#define WISHES (wish_arm || wish_disarm || wish_unpark)

bool unpark_due; /* it is parked until it is unparked */
bool disarmed;

byte signalled, delivered;
bool owed;   /* a signal that no delivery came after */
bool let_go; /* it is disarmed in the end */
byte nr_too_early, nr_full;

#ifdef EPOLL
bool kicked;
#else
chan sq = [3] of { mtype:what };
chan cq = [7] of { mtype:what, bool, bool }; /* of what; a signal; more follow (IORING_CQE_F_MORE) */
#endif

#ifdef WAYS
#define AT_REST false
ltl all_is_delivered { []<>(!owed || let_go) }
#else
#define AT_REST timeout
#endif

#ifdef INVENTS
#define NEVER_MORE true
#else
#define NEVER_MORE (delivered <= signalled)
#endif
#if defined(INVENTS) || defined(FLR_READS)
#define COUNTED true
#else
#define COUNTED (signals + counter == signalled)
#endif

/* ---- the host ------------------------------------------------------------------------ */

/* The host's: eventfd_signal(), linux fs/eventfd.c. The counter is raised, and then who polls is woken up. */
active proctype device()
{
	do
	:: atomic { signalled < NR_SIGNALS && !queue_lock -> queue_lock = true; counter++; signalled++; owed = true }
		atomic { woken = woken || polled; queue_lock = false }
	:: signalled == NR_SIGNALS -> break
	od
}

/* The host's: eventfd_poll(). Who polls stands in the queue first, then the counter is read without the lock. */
inline poll_begins()
{
	atomic { !queue_lock -> polled = true }
	woken = woken || counter > 0
}

#ifndef EPOLL
/* The host's: io_poll_check_events(), linux io_uring/poll.c */
inline run_task_work()
{
	atomic {
		woken ->
		woken = false;
		if
		:: cq!POLL, true, true
		:: nr_full < NR_FULL -> nr_full++; polled = false; cq!POLL, true, false
		:: nr_full < NR_FULL -> nr_full++; polled = false; cq!POLL, false, false
		:: counter == 0 /* it is looked at again, in some cases */
		fi
	}
}

/* The host's: task work runs whenever the router's thread is in the kernel */
active proctype task_work()
{
end_idle:
	do
	:: run_task_work()
	od
}

/* The host's: io_poll_remove(). A poll that is being woken up is not removed: -EALREADY. */
inline remove_poll()
{
	atomic {
		if
		:: polled && !woken -> polled = false; cq!POLL, false, false
		:: polled && woken -> cq!REMOVAL, true, false
		:: !polled
		fi
	}
}

/* `router_ring.c: ring_sleep(), ring_look()`: io_uring_submit() */
inline submit()
{
	do
	:: sq?POLL -> poll_begins()
	:: sq?REMOVAL -> remove_poll()
	:: len(sq) == 0 -> break
	od
}
#endif

/* ---- requests ------------------------------------------------------------------------ */

/* `router.c: request()` */
inline request(wish, instead)
{
	atomic {
		first = !WISHES;
		instead = false;
		wish = true
	}
	if
#ifdef EPOLL
	:: first -> kicked = true
#else
	:: first -> cq!KICK, true, true
#endif
	:: else
	fi
}

/*
 * `route_reader.c: reader_review(), reader_give()` as the router sees them:
 * `router.c: router_arm(), router_disarm()`
 */
active proctype reviews()
{
	byte nr;
	bool first;

	request(wish_arm, wish_disarm);
	do
	:: nr < NR_CHANGES -> nr++;
		request(wish_disarm, wish_arm);
		atomic { disarmed -> disarmed = false; assert(COUNTED); assert(!owed || counter) }
		if
		:: request(wish_arm, wish_disarm)
		:: let_go = true; break
		fi
	:: break
	od
}

/* `vector_routes.c: unmasked()`: `router.c: router_unpark()` */
active proctype unmasked()
{
	bool first, none;

end_idle:
	do
	:: unpark_due -> unpark_due = false; request(wish_unpark, none)
	od
}

#ifdef FLR_READS
/* The old way: a guest resets the function, and what came before is forgotten. */
active proctype flr()
{
	atomic { !queue_lock -> counter = 0; owed = false }
}
#endif

/* ---- `router_source.c: source_step()`: actions ------------------------------------------ */

/* `router_source.c: collect()` */
inline collect(ret)
{
	atomic {
		!queue_lock -> /* reading takes the lock */
		signals = signals + counter - seen;
		ret = kept + (counter > seen -> counter - seen : 0);
		counter = 0;
		seen = 0;
		kept = 0
	}
}

/* `router_engine.h: engine_pass()`, `router_engine.c: engine_park()`; the policy is the device's */
inline engine_pass(ret)
{
	if
	:: ret = true; owed = false; delivered++; assert(NEVER_MORE)
	:: nr_too_early < NR_TOO_EARLY -> nr_too_early++; ret = false; deadline = true
	:: nr_too_early < NR_TOO_EARLY -> nr_too_early++; ret = false; unpark_due = true
	fi
}

/* `router_source.c: offer()` */
inline offer(nr)
{
	if
	:: nr == 0 -> event = DELIVERED
	:: else ->
		engine_pass(passed);
		if
		:: passed -> event = DELIVERED
		:: else -> kept = nr; event = TOO_EARLY
		fi
	fi
}

/* `router_source.c: offer_one()` */
inline do_offer_one()
{
#ifdef ENDS_UNREAD
	waiting = 0;
#else
	collect(waiting);
#endif
	offer((waiting -> 1 : 0))
}

/* `router_source.c: offer_all()` */
inline do_offer_all()
{
	deadline = false;
	collect(waiting);
	offer(waiting)
}

/* `router_source.c: look()` */
inline do_look()
{
	if
	:: found_nothing && !stirred -> event = SETTLED
	:: else ->
		collect(waiting);
		stirred = false;
		found_nothing = !waiting;
#ifdef SETTLES_SOON
		if
		:: found_nothing -> event = SETTLED
		:: else -> offer(waiting)
		fi
#else
		offer(waiting)
#endif
	fi
}

/* `router_source.c: poll_first(), poll_again()`, `router_engine.c: engine_begins_poll()` */
inline do_poll_first()
{
	stirred = false;
	found_nothing = false;
	listed = true;
#ifdef EPOLL
	to_poll = true; /* `router_epoll.c: poll_source()`, below */
#else
	sq!POLL; /* `router_ring.c: poll_source()` */
#endif
#ifdef NO_SETTLING
	event = SETTLED
#endif
}

/* `router_source.c: end_poll()` */
inline do_end_poll()
{
#ifdef EPOLL
	polled = false; /* `router_epoll.c: end_poll()` */
	woken = false;
	ended = true
#else
	sq!REMOVAL /* `router_ring.c: end_poll()` */
#endif
}

/* `router_source.c: forget_time()` */
inline do_forget_time()
{
	deadline = false
}

/* `router_source.c: say_disarmed()`, `vector_routes.c: disarmed()` */
inline do_say_disarmed()
{
	disarmed = true
}

/* `router_source.c: hand_back(), source_leave()` */
inline do_hand_back()
{
	deadline = false;
	collect(waiting);
	if
	:: waiting ->
		atomic {
			!queue_lock ->
			assert(!polled);
			signals = signals - waiting;
			counter = counter + waiting
		}
	:: else
	fi;
	disarmed = true
}

#define ROW(from, at, to, then) :: state == from && event == at -> state = to; action = then;

/*
 * `router_source.c: source_step()`: the rows of its table, held to that by tests/unit/base/test_models.c.
 * Others are bugs.
 */
inline source_step()
{
	if
	ROW(IDLE, ARM, SETTLING, poll_first)
	ROW(IDLE, DISARM, IDLE, say_disarmed)
	ROW(IDLE, DUE, IDLE, nothing)
	ROW(IDLE, NOT_REMOVED, IDLE, nothing)
	ROW(SETTLING, ARM, SETTLING, nothing)
	ROW(SETTLING, DISARM, DROPPING, end_poll)
	ROW(SETTLING, DUE, SETTLING, nothing)
	ROW(SETTLING, LOOK, SETTLING, look)
	ROW(SETTLING, SETTLED, POLLED, nothing)
	ROW(SETTLING, TOO_EARLY, PARKING, end_poll)
	ROW(SETTLING, DELIVERED, SETTLING, nothing)
	ROW(SETTLING, ENDED, CATCHING_UP, offer_one)
	ROW(SETTLING, NOT_REMOVED, SETTLING, nothing)
	ROW(POLLED, ARM, POLLED, nothing)
	ROW(POLLED, DISARM, LEAVING, end_poll)
	ROW(POLLED, DUE, POLLED, nothing)
	ROW(POLLED, TOO_EARLY, PARKING, end_poll)
	ROW(POLLED, ENDED, CATCHING_UP, offer_one)
	ROW(POLLED, NOT_REMOVED, POLLED, nothing)
	ROW(LEAVING, ARM, LEAVING, nothing)
	ROW(LEAVING, DISARM, LEAVING, nothing)
	ROW(LEAVING, DUE, LEAVING, nothing)
	ROW(LEAVING, TOO_EARLY, DROPPING, forget_time)
	ROW(LEAVING, ENDED, LAST_LOOK, offer_one)
	ROW(LEAVING, NOT_REMOVED, LEAVING, end_poll)
	ROW(PARKING, ARM, PARKING, nothing)
	ROW(PARKING, DISARM, DROPPING, forget_time)
	ROW(PARKING, DUE, RESUMING, forget_time)
	ROW(PARKING, ENDED, PARKED, nothing)
	ROW(PARKING, NOT_REMOVED, PARKING, end_poll)
	ROW(RESUMING, ARM, RESUMING, nothing)
	ROW(RESUMING, DISARM, DROPPING, nothing)
	ROW(RESUMING, DUE, RESUMING, nothing)
	ROW(RESUMING, ENDED, RETRYING, offer_all)
	ROW(RESUMING, NOT_REMOVED, RESUMING, end_poll)
	ROW(DROPPING, ARM, DROPPING, nothing)
	ROW(DROPPING, DISARM, DROPPING, nothing)
	ROW(DROPPING, DUE, DROPPING, nothing)
	ROW(DROPPING, ENDED, IDLE, hand_back)
	ROW(DROPPING, NOT_REMOVED, DROPPING, end_poll)
	ROW(PARKED, ARM, PARKED, nothing)
	ROW(PARKED, DISARM, IDLE, hand_back)
	ROW(PARKED, DUE, RETRYING, offer_all)
	ROW(PARKED, NOT_REMOVED, PARKED, nothing)
	ROW(CATCHING_UP, TOO_EARLY, PARKED, nothing)
	ROW(CATCHING_UP, DELIVERED, SETTLING, poll_again)
	ROW(LAST_LOOK, TOO_EARLY, IDLE, hand_back)
	ROW(LAST_LOOK, DELIVERED, IDLE, say_disarmed)
	ROW(RETRYING, TOO_EARLY, PARKED, nothing)
	ROW(RETRYING, DELIVERED, SETTLING, poll_first)
	fi
}

/* `router_source.c: source_step()`: the action of the row */
inline act()
{
	if
	:: action == nothing
	:: action == poll_first || action == poll_again -> do_poll_first()
	:: action == end_poll -> do_end_poll()
	:: action == forget_time -> do_forget_time()
	:: action == say_disarmed -> do_say_disarmed()
	:: action == hand_back -> do_hand_back()
	:: action == look -> do_look()
	:: action == offer_one -> do_offer_one()
	:: action == offer_all -> do_offer_all()
	fi;
	action = nothing
}

#ifdef EPOLL
#define IDLE_NOW (event == NOTHING && !to_poll)
#else
#define IDLE_NOW (event == NOTHING && !last)
#endif

/* ---- the thread ------------------------------------------------------------------------- */

/* `router_engine.h: engine_heard()`, `router_source.h: source_is_heard(), source_saw_one()` */
inline engine_heard()
{
	if
	:: state != POLLED && state != LEAVING -> stirred = true
	:: else ->
		engine_pass(passed);
		if
		:: passed -> seen++; signals++
		:: else -> event = TOO_EARLY
		fi
	fi
}

/* The model's: nothing happens any more. No signal is left, or it waits for the next reader. */
inline at_rest()
{
	atomic {
		AT_REST ->
		if
		:: state == POLLED -> assert(!owed)
		:: state == IDLE -> assert(!owed || counter); assert(COUNTED)
		:: else -> assert(false)
		fi;
		break
	}
}

/* `router.c: take_request()` */
inline take_request()
{
	if
	:: WISHES -> arm = wish_arm; disarm = wish_disarm; due = wish_unpark;
		wish_arm = false; wish_disarm = false; wish_unpark = false
	:: else -> serves = false
	fi
}

#ifdef EPOLL

/* `router.c: wait()`, `router_epoll.c: epoll_sleep(), epoll_look()` */
inline wait()
{
	if
	:: listed
	:: !listed ->
end_sleeps:	if
		:: woken || kicked
		:: deadline -> time_has_come = true
		:: at_rest()
		fi
	fi;
	/* The host's: epoll_wait(2). Whether the counter is raised is looked at again. */
	atomic { fetched = woken && counter > 0; woken = false; fetched_kick = kicked; kicked = false }
}

/* `router_epoll.c: epoll_reap(), happened()`: one event, in any order, and after them the polls that have ended */
inline reap_one()
{
	if
	:: fetched -> fetched = false; engine_heard()
	:: fetched_kick -> fetched_kick = false; serves = true
	:: !fetched && !fetched_kick && ended -> ended = false; event = ENDED
	:: !fetched && !fetched_kick && !ended -> at = SETTLES
	fi
}

#else

/* `router.c: wait()`, `router_ring.c: ring_sleep(), ring_look()` */
inline wait()
{
	submit();
	if
	:: listed -> /* io_uring_get_events() */
		do
		:: run_task_work()
		:: !woken -> break
		od
	:: !listed ->
end_sleeps:	if
		:: len(cq) > 0
		:: deadline -> time_has_come = true
		:: at_rest()
		fi
	fi;
	nr = len(cq)
}

/* `router_ring.c: ring_reap(), complete(), poll_completed(), removal_completed(), kick_completed()`: one completion */
inline reap_one()
{
	if
	:: nr > 0 ->
		nr--;
		cq?what, signal, more;
		if
		:: what == KICK -> serves = true
		:: what == REMOVAL -> event = NOT_REMOVED
		:: what == POLL ->
			last = !more;
			if
			:: signal -> engine_heard()
			:: else
			fi
		fi
	:: nr == 0 -> at = SETTLES
	fi
}

#endif

/* `router_engine.c: engine_settle()` */
inline engine_settle()
{
	at = SERVES_DEADLINES;
	if
	:: listed && state == SETTLING -> event = LOOK
	:: else -> listed = false
	fi
}

/* `router_engine.c: engine_serve_deadlines()` */
inline engine_serve_deadlines()
{
	at = WAITS;
	listed = listed && state == SETTLING;
	if
	:: time_has_come && deadline -> event = DUE
	:: else
	fi;
	time_has_come = false
}

/*
 * `router.c: router_thread(), serve_requests()`, `router_source.c: source_happens()`. They call each other, and
 * so their loops are one here.
 */
active proctype router()
{
	mtype:state state = IDLE;
	mtype:event event = NOTHING;
	mtype:action action = nothing;
	byte seen, kept, waiting;
	bool stirred, found_nothing, listed, passed;
	bool deadline, time_has_come;
	mtype:place at = WAITS;
	bool serves;
	bool arm, disarm, due, last;
#ifdef EPOLL
	bool to_poll, fetched, fetched_kick, ended;
#else
	byte nr;
	mtype:what what;
	bool signal, more;
#endif

	do
	:: atomic { event != NOTHING -> source_step(); event = NOTHING; act() }
#ifdef EPOLL
	:: event == NOTHING && to_poll -> to_poll = false; poll_begins()
#else
	:: atomic { event == NOTHING && last -> last = false; event = ENDED }
#endif
	:: atomic { IDLE_NOW && serves && arm -> arm = false; event = ARM }
	:: atomic { IDLE_NOW && serves && !arm && disarm -> disarm = false; event = DISARM }
	:: atomic { IDLE_NOW && serves && !arm && !disarm && due -> due = false; event = DUE }
	:: atomic { IDLE_NOW && serves && !arm && !disarm && !due -> take_request() }
	:: atomic { IDLE_NOW && !serves && at == REAPS -> reap_one() }
	:: atomic { IDLE_NOW && at == SETTLES -> engine_settle() }
	:: atomic { IDLE_NOW && at == SERVES_DEADLINES -> engine_serve_deadlines() }
	:: IDLE_NOW && at == WAITS -> wait(); at = REAPS
	od
}
