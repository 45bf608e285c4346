/* SPDX-License-Identifier: MIT */
/*
 * What binding does to the host, as a table of functions, so that tests can play the
 * kernel. Private to vfio/ and its tests.
 */
#ifndef VFIO_BIND_PRIV_H
#define VFIO_BIND_PRIV_H

#include "vfio/bind.h"
#include "vfio/hostuse.h"

struct bind_host {
	void *ctx; /* handed to each of them */
	/* Write a text to a file of sysfs. 0, or negative errno. */
	int (*write)(void *ctx, const char *path, const char *text);
	/* Run modprobe for a module, quietly. 0, or negative errno. */
	int (*modprobe)(void *ctx, const char *module);
	/* As in struct hostuse_sys. */
	int (*try_open)(void *ctx, const char *path, int flags);
	void (*nap)(void *ctx, unsigned ms);
	void (*addresses)(void *ctx, const struct pci_host_fs *fs, const char *interface,
			  char ret_text[ADDRESSES_STRLEN]);
	const struct vfio_listener *listener; /* NULL: none */
};

struct bind_host bind_host_kernel(const struct vfio_listener *listener);
/* What looking needs of it. */
struct hostuse_sys hostuse_sys_of(const struct bind_host *host);

int vfio_bind_with(const struct bind_host *host, const struct pci_host_fs *fs,
		   const struct pci_bdf *bdf, unsigned flags,
		   struct vfio_failure *ret_failure) _must_check_;
int vfio_bind_for_with(const struct bind_host *host, const struct pci_host_fs *fs,
		       const struct pci_bdf *bdf, int pid,
		       struct vfio_failure *ret_failure) _must_check_;
/*
 * Take another member of the group of the function whom: bind it, or take its driver from a
 * bridge. 1: taken now; 0: it was in nobody's way; or as vfio_bind().
 */
int vfio_bind_member_with(const struct bind_host *host, const struct pci_host_fs *fs,
			  const struct pci_bdf *bdf, const struct pci_bdf *whom,
			  struct vfio_failure *ret_failure) _must_check_;
/*
 * Keep other processes from binding and releasing, once they have done: a descriptor to close, or
 * negative errno. The function is who is told of.
 */
int bind_lock_records(const struct bind_host *host, const struct pci_host_fs *fs,
		      const struct pci_bdf *bdf, struct vfio_failure *ret_failure) _must_check_;
/* For who holds the records already. */
int vfio_release_locked_with(const struct bind_host *host, const struct pci_host_fs *fs,
			     const struct pci_bdf *bdf,
			     struct vfio_failure *ret_failure) _must_check_;
int vfio_release_with(const struct bind_host *host, const struct pci_host_fs *fs,
		      const struct pci_bdf *bdf, struct vfio_failure *ret_failure) _must_check_;

#endif
