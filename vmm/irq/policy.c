// SPDX-License-Identifier: MIT
/*
 * How many signals of a vector pass. No locks: a state belongs to its caller.
 *
 * The bucket is kept as one instant, that at which it will be full: each interrupt
 * that is taken from it moves the instant on by 1 / rate. So there are integers only,
 * and nothing has to be counted up while time passes.
 */
#include "vmm/irq/policy.h"

#include <assert.h>

#define NS_PER_S  UINT64_C(1000000000)
#define NS_PER_US UINT64_C(1000)

uint32_t policy_default_burst(uint32_t storm_rate)
{
	uint32_t burst = storm_rate / 100;

	return burst > POLICY_BURST_MIN_DEFAULT ? burst : POLICY_BURST_MIN_DEFAULT;
}

/* Rounded up: never more than the limit. */
static uint64_t ns_for_one(const struct policy *p)
{
	return (NS_PER_S + p->storm_rate - 1) / p->storm_rate;
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

enum policy_verdict policy_ask(const struct policy *p, struct policy_state *s, uint64_t now,
			       uint64_t *ret_until)
{
	if (now < s->next_at) {
		*ret_until = s->next_at;
		return POLICY_HOLD;
	}
	if (p->storm_rate) {
		uint64_t one = ns_for_one(p), room = (p->storm_burst - 1) * one;
		uint64_t full_at = later(s->full_at, now);

		assert(p->storm_burst > 0);
		if (full_at - now > room) {
			*ret_until = later(now + p->storm_holdoff_us * NS_PER_US, full_at - room);
			return POLICY_STORM;
		}
		s->full_at = full_at + one;
	}
	s->next_at = now + p->hold_us * NS_PER_US;
	return POLICY_PASS;
}
