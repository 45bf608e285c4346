/* SPDX-License-Identifier: MIT */
/*
 * When to look again for interrupts that wait for a deferred mapping. KVM does not tell
 * when a guest switches its LPIs on, so somebody has to look. A guest usually does that
 * soon, but may never do it, and each look pauses all vCPUs: so the times between two
 * looks double, up to a limit. Pure: the caller brings the clock.
 */
#ifndef VMM_ITS_RETRY_TIMER_H
#define VMM_ITS_RETRY_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#define RETRY_TIMER_MIN_MS 10u
#define RETRY_TIMER_MAX_MS 1000u

/* Begins zeroed: nothing waits. */
struct retry_timer {
	uint64_t at_ms;	   /* of the next look; 0: none */
	unsigned after_ms; /* how long after the last one that is */
};

/* Is it time to look? Then the next look is after twice the time. Milliseconds. */
bool retry_timer_due(struct retry_timer *timer, uint64_t now_ms);

/*
 * In how many milliseconds to look, at least 1; or -1 where nothing waits any more, and then
 * the next wait begins with the shortest time.
 */
int retry_timer_next(struct retry_timer *timer, bool waits, uint64_t now_ms);

#endif
