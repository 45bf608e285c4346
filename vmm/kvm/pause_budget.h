/* SPDX-License-Identifier: MIT */
/*
 * How much of the vCPUs' time may be taken by pauses, in which all of them are
 * held outside the guest (vmm/kvm/vcpu.h). A guest asks for pauses with its
 * commands, from any of its vCPUs and as fast as it likes; without a limit the
 * next pause begins before those that the last one held are back in.
 *
 * The rule: pauses run up a debt of their length, which time outside them
 * pays off. A debt of PAUSE_CREDIT_NS stops nobody, so that a driver that sets up
 * its interrupts waits for nothing. Beyond it the next pause has to wait, so that
 * vCPUs have half of the time at least, whatever one of them does.
 */
#ifndef VMM_KVM_PAUSE_BUDGET_H
#define VMM_KVM_PAUSE_BUDGET_H

#include <stdint.h>

#define PAUSE_CREDIT_NS UINT64_C(20000000)

struct pause_budget {
	uint64_t debt_ns; /* at at_ns */
	uint64_t at_ns;	  /* since when vCPUs run */
};

/* All times are of one clock that never goes back. Zeroed is as good as new; no locks. */

/* A pause began and ended, and the vCPUs run again. */
void pause_budget_spend(struct pause_budget *budget, uint64_t begin_ns, uint64_t end_ns);
/* A vCPU came back in only now: what went by since the last pause was not its own. */
void pause_budget_resumed(struct pause_budget *budget, uint64_t now_ns);
/* When the next pause may begin; 0 if at once, and those that the last one held may wait. */
uint64_t pause_budget_next_ns(const struct pause_budget *budget);

#endif
