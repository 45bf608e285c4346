/* SPDX-License-Identifier: MIT */
/*
 * Which process has a file open, as /proc tells. Private to vfio/ and its tests.
 */
#ifndef VFIO_OPENER_H
#define VFIO_OPENER_H

#include <stdbool.h>

#include "vfio/host.h"
#include "vmm/base/cleanup.h"

#define OPENER_STRLEN 88u

/*
 * Look for a process, other than this one, that has a file open for which is_it() says so;
 * target is what the file's link in /proc/PID/fd points to. 1 and the process in ret_who ("dd,
 * process 123", "itsy, process 813 (guest box)"), 0 for none that this user may look at, or
 * negative errno.
 */
int opener_find(const struct pci_host_fs *fs, bool (*is_it)(void *ctx, const char *target),
		void *ctx, char ret_who[OPENER_STRLEN]) _must_check_;

#endif
