/* SPDX-License-Identifier: MIT */
/*
 * How much memory the host has: proc_meminfo(5).
 */
#ifndef VMM_BASE_HOSTMEM_H
#define VMM_BASE_HOSTMEM_H

#include <stdint.h>

/* A row of ROOT/proc/meminfo, such as "MemAvailable", in bytes; 0 where there is none. */
uint64_t hostmem_get(const char *root, const char *key);

#endif
