/* SPDX-License-Identifier: MIT */
/* An arrangement on the thread of the guest's only vCPU, in between its KVM_RUNs. */
#ifndef TESTS_ROUTES_VCPU_TURN_H
#define TESTS_ROUTES_VCPU_TURN_H

struct arranged;

/* From now on it is this one (NULL: none). rings_begin()'s error. Waits for the vCPU's thread. */
int vcpu_turn_set(struct arranged *arranged);

#endif
