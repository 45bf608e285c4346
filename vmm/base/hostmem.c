// SPDX-License-Identifier: MIT
/*
 * How much memory the host has. No locks.
 */
#include "vmm/base/hostmem.h"

#include <stdio.h>
#include <string.h>

#include "vmm/base/cleanup.h"

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
