/* SPDX-License-Identifier: MIT */
/*
 * The sandbox of the guest's process, docs/security.md: the layers (vmm/sandbox/layers.h), and a
 * filter of system calls for each kind of thread (vmm/sandbox/calls.h).
 */
#ifndef VMM_SANDBOX_SANDBOX_H
#define VMM_SANDBOX_SANDBOX_H

#include "vmm/base/report.h"
#include "vmm/sandbox/layers.h"

struct sandbox;

/*
 * Make all that entering needs. fifo: the highest priority of SCHED_FIFO that a thread will ask
 * for, 0: none. In the guest's process (keeper_run()), which has one thread.
 */
int sandbox_create(int fifo, struct sandbox **ret_sandbox,
		   struct failure *ret_failure) _must_check_;
/* Frees the memory; what was entered stays. NULL is allowed. */
void sandbox_destroy(struct sandbox *sandbox);

/*
 * Set-up is over: take all layers. From here on nothing can be opened, and this thread makes
 * the system calls of THREAD_MAIN. Layers that this host does not give are left out, but for
 * those that are required.
 */
int sandbox_enter(struct sandbox *sandbox, struct failure *ret_failure) _must_check_;

/* For the threads that are made from now on; borrowed. */
const struct confine *sandbox_confine(const struct sandbox *sandbox);

#endif
