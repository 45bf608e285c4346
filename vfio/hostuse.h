/* SPDX-License-Identifier: MIT */
/*
 * Does the host itself use a function, or another process? Private to vfio/ and its tests.
 */
#ifndef VFIO_HOSTUSE_H
#define VFIO_HOSTUSE_H

#include "vfio/addresses.h"
#include "vfio/opener.h"
#include "vfio/pci.h"

/* What uses a function, in words, with the end of it. */
#define HOST_USE_STRLEN 160u

/* What is asked of the kernel beside reading its files, as a table, so that tests can play it. */
struct hostuse_sys {
	void *ctx; /* handed to each of them */
	/* Open a file with these flags and close it. 0, or negative errno. */
	int (*try_open)(void *ctx, const char *path, int flags);
	void (*nap)(void *ctx, unsigned ms);
	/* The addresses of a network interface of that host; "": none, or not known. */
	void (*addresses)(void *ctx, const struct pci_host_fs *fs, const char *interface,
			  char ret_text[ADDRESSES_STRLEN]);
};

/* The kernel itself. */
struct hostuse_sys hostuse_sys_kernel(void);

/*
 * 1 and what uses it in ret_what ("/ (nvme0n1p2)", "swap (sda3)", "vg-root (sda3)",
 * "dd, process 123 (sda)", "eth0, the default route, 192.0.2.7"; of a disk, its model behind its
 * name: "/ (sda1, QEMU HARDDISK)"), 0 when nothing does, or negative errno. May take half a second
 * where something does.
 */
int host_uses(const struct hostuse_sys *sys, const struct pci_host_fs *fs,
	      const struct pci_bdf *bdf, char ret_what[HOST_USE_STRLEN]) _must_check_;

/*
 * Has another process an IOMMU group open? Then ret_who is that one, "" where that is not known.
 * Opens the group itself, for a moment, only where it does not see all processes.
 */
bool host_group_is_open(const struct hostuse_sys *sys, const struct pci_host_fs *fs, int group,
			char ret_who[OPENER_STRLEN]);

#endif
