/* SPDX-License-Identifier: MIT */
/*
 * How much memory the host has, and this process of it: proc_meminfo(5), sysfs for huge pages,
 * cgroups (cgroup-v2.rst of Linux's documentation).
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

#define HOSTMEM_CGROUP_SZ 192u
/*
 * How many bytes more memory.max of this process's cgroups lets it have, with those that the kernel
 * would take from its files: the least of them, and in ret_cgroup the folder of that one, below
 * ROOT. UINT64_MAX, and "": they set no limit.
 */
uint64_t hostmem_cgroup_room(const char *root, char ret_cgroup[HOSTMEM_CGROUP_SZ]);

#endif
