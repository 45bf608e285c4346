/* SPDX-License-Identifier: MIT */
/*
 * How much memory the host has: proc_meminfo(5).
 */
#ifndef VMM_BASE_HOSTMEM_H
#define VMM_BASE_HOSTMEM_H

#include <stdint.h>

/* A row of ROOT/proc/meminfo that is in kB, such as "MemAvailable", in bytes; 0: no such row. */
uint64_t hostmem_get(const char *root, const char *key);

#endif
