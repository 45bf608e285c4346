/* SPDX-License-Identifier: MIT */
/*
 * This process: its standard files, its limits, its memory.
 */
#ifndef VMM_BASE_SELF_H
#define VMM_BASE_SELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdint.h>

#include "vmm/base/cleanup.h"

/*
 * If the caller closed standard input, output or error, open something in its place
 * that cannot be used. Else the next file that is opened (a device, say) would get
 * its number, and what is printed would go there.
 */
void self_keep_standard_files(void);

/*
 * Raise the limit of open files to what the host allows: each vector has an eventfd,
 * and 32 functions can have 2048 each. If that is not enough, opening one fails.
 */
void self_raise_file_limit(void);

/*
 * Raise the limit of locked memory to so many bytes beside what it is, or as far as the host
 * allows: memory that is locked when no right to exceed the limit is left.
 */
void self_raise_lock_limit(uint64_t bytes);

/*
 * Give threads that are created from now on stacks of 256 KiB. In glibc's 8 MiB a host
 * with transparent huge pages enabled for all can make 2 MiB or more resident as
 * soon as a single page is used.
 */
void self_keep_stacks_small(void);

/*
 * Have the kernel look after this thread's restartable sequences no more (rseq(2)), which
 * glibc registers for every thread: for threads that are switched to for each interrupt,
 * and on every way back to which the kernel would write the CPU's number for them.
 * sched_getcpu() still works, by a call. Where there is nothing to give up, nothing happens.
 */
void self_leave_rseq(void);

/* Of enum numbers in linux/capability.h: does this process have it now? */
bool self_has_capability(unsigned capability);
/*
 * How many bytes this process may lock, for DMA, too (RLIMIT_MEMLOCK); UINT64_MAX: as many as it
 * likes, as with CAP_IPC_LOCK.
 */
uint64_t self_lock_limit(void);

struct self_memory {
	uint64_t pss;	  /* bytes; what several processes map is divided among them */
	uint64_t private; /* of those: what no other process maps */
	uint64_t rss;
};

/*
 * The memory of this process that lies outside the guest's RAM, [ram, ram + size):
 * a sum over the mappings of ROOT/proc/self/smaps (proc(5)). What the kernel keeps
 * on behalf of the process is not in it. Negative errno where it cannot be read.
 */
int self_memory_get(const char *root, const void *ram, size_t size,
		    struct self_memory *ret_memory) _must_check_;
/* The same from /proc/self/smaps, which is open and is read from its beginning. */
int self_memory_read(FILE *smaps, const void *ram, size_t size,
		     struct self_memory *ret_memory) _must_check_;

#endif
