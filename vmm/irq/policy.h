/* SPDX-License-Identifier: MIT */
/*
 * How many signals of a vector pass: a storm limit and coalescing. Pure: the caller
 * brings the clock, and does what the verdict says.
 *
 * The storm limit is a token bucket. It holds `burst` interrupts and gains `rate`
 * of them in each second; one that finds it empty begins a storm, and the vector
 * is quiet for `holdoff_us`, or until the bucket has one again if that is later.
 * So in any t seconds no more than burst + t * rate pass.
 *
 * Coalescing: after an interrupt that passed, the next one waits until `hold_us`
 * have gone by.
 */
#ifndef VMM_IRQ_POLICY_H
#define VMM_IRQ_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#define POLICY_RATE_MAX		 10000000u
#define POLICY_BURST_MIN_DEFAULT 16u
#define POLICY_BURST_MAX	 1000000u
/* Each storm has the host mask and unmask the vector, which is not free for the host. */
#define POLICY_HOLDOFF_US_MIN	  1000u
#define POLICY_HOLDOFF_US_MAX	  10000000u
#define POLICY_HOLDOFF_US_DEFAULT 10000u
#define POLICY_HOLD_US_MAX	  1000000u

/* Of a device; each of its vectors has a state of its own. */
struct policy {
	uint32_t storm_rate;	   /* interrupts in a second; 0: no limit */
	uint32_t storm_burst;	   /* at least 1 where there is a limit */
	uint32_t storm_holdoff_us; /* where there is a limit */
	uint32_t hold_us;	   /* 0: no coalescing */
};

/* Begins zeroed: a full bucket, nothing passed yet. */
struct policy_state {
	uint64_t full_at; /* when the bucket will be full */
	uint64_t next_at; /* before it nothing passes */
};

enum policy_verdict {
	POLICY_PASS,
	POLICY_HOLD,  /* too early after the last one: ask again at ret_until */
	POLICY_STORM, /* too many: silence the vector, and ask again at ret_until */
};

/* For a rate, where the configuration names none. */
uint32_t policy_default_burst(uint32_t storm_rate);

static inline bool policy_is_off(const struct policy *policy)
{
	return !policy->storm_rate && !policy->hold_us;
}

/*
 * May one interrupt of the vector pass at `now`? Nanoseconds of a clock that does
 * not go back. POLICY_PASS takes one from the bucket; the other verdicts change
 * nothing, and asked at *ret_until the answer is not the same storm again.
 */
enum policy_verdict policy_ask(const struct policy *policy, struct policy_state *state,
			       uint64_t now, uint64_t *ret_until);

#endif
