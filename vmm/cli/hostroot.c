// SPDX-License-Identifier: MIT
/* The option --root. No locks. */
#include "vmm/cli/hostroot.h"

#include <errno.h>
#include <string.h>

int hostroot_set(struct pci_host_fs *fs, const char *root)
{
	size_t len = strlen(root);

	if (len >= sizeof(fs->root)) {
		(void)fprintf(stderr, "itsy: error: --root: the path is longer than %zu bytes\n",
			      sizeof(fs->root) - 1);
		return -EINVAL;
	}
	memcpy(fs->root, root, len + 1);
	return 0;
}
