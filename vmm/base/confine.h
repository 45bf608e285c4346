/* SPDX-License-Identifier: MIT */
/*
 * The kinds of threads there are, and how a thread gives up what its kind does not need.
 *
 * Rooms that make threads know no more of the sandbox than this (vmm/sandbox/).
 */
#ifndef VMM_BASE_CONFINE_H
#define VMM_BASE_CONFINE_H

#include "vmm/base/cleanup.h"

/* Each has its own system calls: vmm/sandbox/calls.c. */
enum thread_kind {
	THREAD_MAIN, /* makes the others, which start with what it has: it has what they need */
	THREAD_VCPU,
	THREAD_ROUTER,
	THREAD_ITS,
	THREAD_KEEPER, /* of another process (vmm/sandbox/keeper.h) */
	NR_THREAD_KINDS,
};

struct confine {
	int (*enter)(const struct confine *confine, enum thread_kind kind);
};

/*
 * From here on the calling thread can make the system calls of its kind, and no others.
 * Allocates nothing. confine may be NULL: nothing changes then. 0, or negative errno.
 */
static inline _must_check_ int confine_thread(const struct confine *confine, enum thread_kind kind)
{
	return confine ? confine->enter(confine, kind) : 0;
}

#endif
