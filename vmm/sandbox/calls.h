/* SPDX-License-Identifier: MIT */
/*
 * Which system calls each kind of thread may make: a table of calls, and one of ioctl(2)'s
 * requests. What is in neither ends the process.
 *
 * A new kind of thread is a member of enum thread_kind (vmm/base/confine.h), its name in
 * sandbox_kind_names[], and its bit in the rows of what it calls.
 */
#ifndef VMM_SANDBOX_CALLS_H
#define VMM_SANDBOX_CALLS_H

#include <stddef.h>
#include <stdint.h>

#include "vmm/base/confine.h"

#define SANDBOX_MAX_ARGUMENTS 2u

/* Stands for a process ID that is known when a filter is made. */
enum sandbox_value {
	SANDBOX_IS,	   /* `value` itself */
	SANDBOX_OWN_PID,   /* of the process that the filter is for */
	SANDBOX_CHILD_PID, /* of the keeper's child */
};

/* The argument, with the mask, must have the value. A mask of 0: there is no such rule. */
struct sandbox_argument {
	unsigned index;
	uint64_t mask;
	enum sandbox_value which;
	uint64_t value;
};

struct sandbox_call {
	const char *name;
	int nr;		/* as libseccomp has it: negative where this machine has no such call */
	unsigned kinds; /* bits 1 << enum thread_kind */
	struct sandbox_argument arguments[SANDBOX_MAX_ARGUMENTS]; /* all of them hold */
	int answer; /* it is not made, and answered with this errno; 0: it is made */
	const char *why;
};

/* A call may have several rows: one of them is enough. */
extern const struct sandbox_call sandbox_calls[];
extern const size_t sandbox_nr_calls;

struct sandbox_ioctl {
	const char *name;
	uint32_t request;
	unsigned kinds;
	const char *why;
};
extern const struct sandbox_ioctl sandbox_ioctls[];
extern const size_t sandbox_nr_ioctls;

extern const char *const sandbox_kind_names[NR_THREAD_KINDS];

/*
 * Whether a kind has a row with these bits. The main thread has what each thread that it makes
 * has: a filter of system calls stays with who is made under it.
 */
static inline int sandbox_kind_has(enum thread_kind kind, unsigned kinds)
{
	const unsigned keeper = 1u << THREAD_KEEPER;

	return kind == THREAD_MAIN ? (kinds & ~keeper) != 0 : (kinds >> kind & 1u) != 0;
}

#endif
