/* SPDX-License-Identifier: MIT */
/*
 * Filters of system calls: the tables of vmm/sandbox/calls.h as programs that the kernel runs
 * before each call (Documentation/userspace-api/seccomp_filter.rst).
 *
 * A program is made beforehand, so that a thread that takes it allocates nothing.
 */
#ifndef VMM_SANDBOX_FILTER_H
#define VMM_SANDBOX_FILTER_H

#include <linux/filter.h>
#include <sys/types.h>

#include "vmm/base/confine.h"

struct filter {
	struct sock_filter *code; /* owned; NULL: none */
	unsigned short len;	  /* instructions */
};

/*
 * The filter of a kind of thread; own: of the calling process; child: of the keeper's child, or 0.
 * 0, or negative errno. The caller's to filter_fini().
 */
int filter_init(struct filter *filter, enum thread_kind kind, pid_t child) _must_check_;
void filter_fini(struct filter *filter);

/*
 * The calling thread has it from now on, and for ever, together with those that it has already.
 * It has to have no_new_privs. 0, or negative errno (-ENOSYS: the kernel has no filters).
 */
int filter_enter(const struct filter *filter) _must_check_;

/* The name of a system call of this machine's; "unknown" where it has none. Not for threads. */
void filter_call_name(int nr, char *ret_name, size_t size);

#endif
