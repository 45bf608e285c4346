/* SPDX-License-Identifier: MIT */
/*
 * What this process has of its host: files, memory.
 */
#ifndef VMM_BASE_SELF_H
#define VMM_BASE_SELF_H

#include <stddef.h>
#include <stdint.h>

#include "vmm/base/cleanup.h"

/*
 * Where the caller closed standard input, output or error, no other file gets its
 * number, which what is printed would go to: it is open, and fails.
 */
void self_keep_standard_files(void);

/*
 * As many files as the host allows: each vector has an eventfd, and 32 functions can
 * have 2048 each. Where that was not enough, opening one says so.
 */
void self_raise_file_limit(void);

/*
 * Threads that are made from now on have stacks of 256 KiB. Of glibc's 8 MiB a host
 * with transparent huge pages for everybody can make one of 2 MiB resident, or
 * several, as soon as a single page is used.
 */
void self_keep_stacks_small(void);

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

#endif
