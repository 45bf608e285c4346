/* SPDX-License-Identifier: MIT */
/*
 * Mutexes and conditions of pthreads. A lock is 0, or 1 + who has it; a condition is the set of those who wait for it,
 * of eight processes at the most. Nobody wakes up without having been woken: what comes through without that comes
 * through with it, for all who wait look again.
 */

#define FREE 0
#define ME   (_pid + 1)
#define MINE (1 << _pid)

/* The host's: pthread_mutex_lock(3) */
inline lock(mutex)
{
	atomic { mutex == FREE -> mutex = ME }
}

/* The host's: pthread_mutex_unlock(3), undefined for one who has not locked it */
inline unlock(mutex)
{
	atomic { assert(mutex == ME); mutex = FREE }
}

/* The host's: pthread_cond_wait(3) */
inline wait_for(cond, mutex)
{
	atomic { assert(mutex == ME); cond = cond | MINE; mutex = FREE }
	atomic { !(cond & MINE) && mutex == FREE -> mutex = ME }
}

/* The host's: pthread_cond_timedwait(3). One whose time has come may be told as well, until it has the mutex. */
inline wait_for_or(cond, mutex, time)
{
	atomic { assert(mutex == ME); cond = cond | MINE; mutex = FREE }
	atomic { (time || !(cond & MINE)) && mutex == FREE -> cond = cond & ~MINE; mutex = ME }
}

/* The host's: pthread_cond_broadcast(3) */
inline broadcast(cond)
{
	cond = 0
}

/* The host's: pthread_cond_signal(3), which wakes up whom it likes */
inline wake_one(cond)
{
	atomic {
		if
		:: cond == 0
		:: cond & 1 -> cond = cond & ~1
		:: cond & 2 -> cond = cond & ~2
		:: cond & 4 -> cond = cond & ~4
		:: cond & 8 -> cond = cond & ~8
		:: cond & 16 -> cond = cond & ~16
		:: cond & 32 -> cond = cond & ~32
		:: cond & 64 -> cond = cond & ~64
		:: cond & 128 -> cond = cond & ~128
		fi
	}
}
