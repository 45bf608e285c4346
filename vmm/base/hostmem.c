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

/* A file of a cgroup's: one number; or, with a key, the number behind that. "max" is none. */
static bool read_number(const char *root, const char *cgroup, const char *file, const char *key,
			uint64_t *ret)
{
	_cleanup_file_ FILE *f = NULL;
	char path[HOSTMEM_CGROUP_SZ + 128], line[128];
	unsigned long long nr;

	(void)snprintf(path, sizeof(path), "%s%s/%s", root, cgroup, file);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, key, strlen(key)) != 0 ||
		    sscanf(line + strlen(key), "%20llu", &nr) != 1)
			continue;
		*ret = nr;
		return true;
	}
	return false;
}

static uint64_t room_in(const char *root, const char *cgroup)
{
	uint64_t max, current = 0, inactive = 0, active = 0, used;

	if (!read_number(root, cgroup, "memory.max", "", &max))
		return UINT64_MAX;
	(void)read_number(root, cgroup, "memory.current", "", &current);
	(void)read_number(root, cgroup, "memory.stat", "inactive_file ", &inactive);
	(void)read_number(root, cgroup, "memory.stat", "active_file ", &active);
	used = current > inactive + active ? current - inactive - active : 0;
	return max > used ? max - used : 0;
}

/* The process's own, of version 2: a line "0::/PATH". */
static bool find_cgroup(const char *root, char cgroup[HOSTMEM_CGROUP_SZ])
{
	_cleanup_file_ FILE *f = NULL;
	char path[256], line[256];

	(void)snprintf(path, sizeof(path), "%s/proc/self/cgroup", root);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "0::/", 4) == 0)
			return (size_t)snprintf(cgroup, HOSTMEM_CGROUP_SZ, "/sys/fs/cgroup%s",
						line[4] ? line + 3 : "") < HOSTMEM_CGROUP_SZ;
	}
	return false;
}

uint64_t hostmem_cgroup_room(const char *root, char ret_cgroup[HOSTMEM_CGROUP_SZ])
{
	static const char top[] = "/sys/fs/cgroup";
	uint64_t least = UINT64_MAX;
	char cgroup[HOSTMEM_CGROUP_SZ];

	ret_cgroup[0] = '\0';
	if (!find_cgroup(root, cgroup))
		return UINT64_MAX;
	while (strlen(cgroup) >= strlen(top)) {
		uint64_t room = room_in(root, cgroup);

		if (room < least) {
			least = room;
			memcpy(ret_cgroup, cgroup, sizeof(cgroup));
		}
		*strrchr(cgroup, '/') = '\0';
	}
	return least;
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
