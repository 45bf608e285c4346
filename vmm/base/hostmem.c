// SPDX-License-Identifier: MIT
/*
 * How much memory the host has. No locks.
 */
#include "vmm/base/hostmem.h"

#include <stdio.h>
#include <string.h>

#include "vmm/base/cleanup.h"

static bool huge_pages_are(const char *root, uint64_t page_size, const char *which, uint64_t *ret)
{
	_cleanup_file_ FILE *f = NULL;
	char path[256];
	unsigned long long nr;

	(void)snprintf(path, sizeof(path), "%s/sys/kernel/mm/hugepages/hugepages-%llukB/%s", root,
		       (unsigned long long)(page_size / 1024), which);
	f = fopen(path, "re");
	if (!f || fscanf(f, "%16llu", &nr) != 1)
		return false;
	*ret = nr;
	return true;
}

bool hostmem_huge_pages(const char *root, uint64_t page_size, uint64_t *ret_free)
{
	uint64_t unused, promised;

	if (!huge_pages_are(root, page_size, "free_hugepages", &unused) ||
	    !huge_pages_are(root, page_size, "resv_hugepages", &promised))
		return false;
	*ret_free = unused > promised ? unused - promised : 0;
	return true;
}

uint64_t hostmem_get(const char *root, const char *key)
{
	_cleanup_file_ FILE *f = NULL;
	char path[256], line[128];
	unsigned long long kib;

	(void)snprintf(path, sizeof(path), "%s/proc/meminfo", root);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, key, strlen(key)) == 0 &&
		    sscanf(line + strlen(key), ": %16llu kB", &kib) == 1)
			return (uint64_t)kib * 1024;
	return 0;
}
