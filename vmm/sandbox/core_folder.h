/* SPDX-License-Identifier: MIT */
/*
 * Where the kernel writes this process's core dumps: core(5).
 */
#ifndef VMM_SANDBOX_CORE_FOLDER_H
#define VMM_SANDBOX_CORE_FOLDER_H

#include <limits.h>
#include <stdbool.h>

struct core_folder {
	char path[PATH_MAX]; /* absolute; "": no folder */
	bool is_cwd;	     /* the kernel finds it as the working directory */
};

/*
 * The folder, where a core dump would be a file in one: not where the limit of its size is 0,
 * nor where a program or a socket gets it, nor where its name has its folder in a pattern; nor
 * where it is /, with all that is below. root is
 * "" or where a test has its proc/.
 */
void core_folder_find(struct core_folder *folder, const char *root);

/* Make the same path below a mount that is empty, and put the folder there. 0, or -errno. */
int core_folder_bind(const struct core_folder *folder, const char *mount);

#endif
