// SPDX-License-Identifier: MIT
/*
 * Whether the host has the memory that a guest is to have.
 *
 * No locks.
 */
#include "vmm/machine/guest_memory.h"

#include <errno.h>
#include <stdio.h>

#include "vmm/base/bits.h"
#include "vmm/base/hostmem.h"

static int find_huge(const struct config *config, const char *root, struct failure *failure)
{
	unsigned long long page = config->huge_page, need = config->memory / page;
	uint64_t unused = 0;
	char cure[128];

	if (!hostmem_huge_pages(root, page, &unused))
		return failure_set(failure, ITSY_ENVIRONMENT, ENOMEM, "guest memory",
				   "see /sys/kernel/mm/hugepages, or set memory-backing = \"thp\"",
				   "the host has no huge pages of %llu KiB", page / KiB);
	if (need <= unused)
		return GUEST_MEMORY_FREE;
	(void)snprintf(cure, sizeof(cure),
		       "add %llu to /sys/kernel/mm/hugepages/hugepages-%llukB/nr_hugepages",
		       need - (unsigned long long)unused, page / KiB);
	return failure_set(failure, ITSY_ENVIRONMENT, ENOMEM, "guest memory", cure,
			   "%llu huge pages of %llu KiB are needed, and %llu are free", need,
			   page / KiB, (unsigned long long)unused);
}

int guest_memory_find(const struct config *config, const char *root, struct failure *ret_failure)
{
	uint64_t available;

	if (config->huge_page)
		return find_huge(config, root, ret_failure);
	available = hostmem_get(root, "MemAvailable");
	if (!available || config->memory <= available)
		return GUEST_MEMORY_FREE;
	/* A host that has not got it would kill the process in the middle, with functions bound. */
	if (config->nr_devices)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, ENOMEM, "guest memory",
				   "lower memory in the configuration, or end other programs",
				   "%llu MiB cannot be locked for DMA, for %llu MiB are free",
				   (unsigned long long)(config->memory / MiB),
				   (unsigned long long)(available / MiB));
	return GUEST_MEMORY_SHORT;
}
