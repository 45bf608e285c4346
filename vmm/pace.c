// SPDX-License-Identifier: MIT
/*
 * The budget of windows. No locks: the caller's guards it.
 */
#include "vmm/pace.h"

#include <assert.h>

void pace_window(struct pace *pace, uint64_t begin_ns, uint64_t end_ns)
{
	/* at_ns is later only if a vCPU came back in while the window was about to begin. */
	uint64_t run = begin_ns > pace->at_ns ? begin_ns - pace->at_ns : 0;

	assert(begin_ns <= end_ns);

	pace->debt_ns = pace->debt_ns > run ? pace->debt_ns - run : 0;
	pace->debt_ns += end_ns - begin_ns;
	pace->at_ns = end_ns;
}

void pace_resumed(struct pace *pace, uint64_t now_ns)
{
	if (now_ns > pace->at_ns)
		pace->at_ns = now_ns;
}

uint64_t pace_next_ns(const struct pace *pace)
{
	return pace->debt_ns > PACE_CREDIT_NS ? pace->at_ns + (pace->debt_ns - PACE_CREDIT_NS) : 0;
}
