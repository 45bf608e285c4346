/* SPDX-License-Identifier: MIT */
/*
 * How much memory the host has: proc_meminfo(5), and sysfs for huge pages.
 */
#ifndef VMM_BASE_HOSTMEM_H
#define VMM_BASE_HOSTMEM_H

#include <stdbool.h>
#include <stdint.h>

/* A row of ROOT/proc/meminfo that is in kB, such as "MemAvailable", in bytes; 0: no such row. */
uint64_t hostmem_get(const char *root, const char *key);
/*
 * How many of the host's huge pages of page_size bytes nobody has or was promised (hugetlbpage.rst
 * of Linux's documentation). False: the host has no pages of this size.
 */
bool hostmem_huge_pages(const char *root, uint64_t page_size, uint64_t *ret_free);

#endif
