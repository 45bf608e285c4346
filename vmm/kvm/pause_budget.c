// SPDX-License-Identifier: MIT
/*
 * The budget of pauses. No locks: the caller's guards it.
 */
#include "vmm/kvm/pause_budget.h"

#include <assert.h>

void pause_budget_spend(struct pause_budget *budget, uint64_t begin_ns, uint64_t end_ns)
{
	/* at_ns is later only if a vCPU came back in while the pause was about to begin. */
	uint64_t run = begin_ns > budget->at_ns ? begin_ns - budget->at_ns : 0;

	assert(begin_ns <= end_ns);

	budget->debt_ns = budget->debt_ns > run ? budget->debt_ns - run : 0;
	budget->debt_ns += end_ns - begin_ns;
	budget->at_ns = end_ns;
}

void pause_budget_resumed(struct pause_budget *budget, uint64_t now_ns)
{
	if (now_ns > budget->at_ns)
		budget->at_ns = now_ns;
}

uint64_t pause_budget_next_ns(const struct pause_budget *budget)
{
	return budget->debt_ns > PAUSE_CREDIT_NS
		       ? budget->at_ns + (budget->debt_ns - PAUSE_CREDIT_NS)
		       : 0;
}
