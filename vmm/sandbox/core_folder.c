// SPDX-License-Identifier: MIT
/*
 * The folder of core dumps. core(5); Documentation/admin-guide/sysctl/kernel.rst (core_pattern).
 *
 * No locks.
 */
#include "vmm/sandbox/core_folder.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/base/cleanup.h"

static bool read_pattern(const char *root, char *pattern, size_t size)
{
	_cleanup_file_ FILE *f = NULL;
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/proc/sys/kernel/core_pattern", root) >=
	    (int)sizeof(path))
		return false;
	f = fopen(path, "re");
	if (!f || !fgets(pattern, (int)size, f))
		return false;
	pattern[strcspn(pattern, "\n")] = '\0';
	return true;
}

void core_folder_find(struct core_folder *folder, const char *root)
{
	char pattern[256];
	struct rlimit limit;
	char *name;

	*folder = (struct core_folder){ 0 };
	if (getrlimit(RLIMIT_CORE, &limit) < 0 || !limit.rlim_cur ||
	    !read_pattern(root, pattern, sizeof(pattern)) || strchr("|@", pattern[0]))
		return;
	name = strrchr(pattern, '/');
	if (!name) {
		folder->is_cwd = getcwd(folder->path, sizeof(folder->path)) &&
				 strcmp(folder->path, "/") != 0;
		if (!folder->is_cwd)
			folder->path[0] = '\0';
		return;
	}
	*name = '\0';
	if (pattern[0] == '/' && !strchr(pattern, '%'))
		(void)snprintf(folder->path, sizeof(folder->path), "%s", pattern);
}

int core_folder_bind(const struct core_folder *folder, const char *mount_at)
{
	const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	char target[PATH_MAX];
	size_t at = strlen(mount_at);

	if (snprintf(target, sizeof(target), "%s%s", mount_at, folder->path) >= (int)sizeof(target))
		return -ENAMETOOLONG;
	/* Each folder on the way to it, and then itself. */
	while (target[at]) {
		char next;

		at += 1 + strcspn(target + at + 1, "/");
		next = target[at];
		target[at] = '\0';
		if (mkdir(target, 0555) < 0 && errno != EEXIST)
			return -errno;
		target[at] = next;
	}
	if (mount(folder->path, target, NULL, MS_BIND, NULL) < 0)
		return -errno;
	if (mount(NULL, target, NULL, MS_REMOUNT | MS_BIND | flags, NULL) < 0) {
		int r = -errno;

		(void)umount2(target, MNT_DETACH);
		return r;
	}
	return 0;
}
