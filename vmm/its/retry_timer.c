// SPDX-License-Identifier: MIT
/* When to look again. No locks: a timer belongs to its caller. */
#include "vmm/its/retry_timer.h"

bool retry_timer_due(struct retry_timer *timer, uint64_t now_ms)
{
	if (!timer->at_ms || now_ms < timer->at_ms)
		return false;
	timer->after_ms *= 2;
	if (timer->after_ms > RETRY_TIMER_MAX_MS)
		timer->after_ms = RETRY_TIMER_MAX_MS;
	timer->at_ms = now_ms + timer->after_ms;
	return true;
}

int retry_timer_next(struct retry_timer *timer, bool waits, uint64_t now_ms)
{
	if (!waits) {
		timer->at_ms = 0;
		return -1;
	}
	if (!timer->at_ms) {
		timer->after_ms = RETRY_TIMER_MIN_MS;
		timer->at_ms = now_ms + timer->after_ms;
	}
	return timer->at_ms > now_ms ? (int)(timer->at_ms - now_ms) : 1;
}
