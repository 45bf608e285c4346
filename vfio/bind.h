/* SPDX-License-Identifier: MIT */
/*
 * Give a function to VFIO and give it back. What binding changed (driver
 * and driver_override) is recorded below /run/itsy/bound/ before it is changed,
 * so that a later process can put it back if this one dies.
 */
#ifndef VFIO_BIND_H
#define VFIO_BIND_H

#include "vfio/pci.h"

enum vfio_bind_flags {
	VFIO_BIND_FORCE = 1, /* also what the host is using */
	VFIO_BIND_PLAIN = 2, /* to vfio-pci, also where there is a variant for the function */
	/* For as long as this process lives: if it dies first, others may give it back (left.h). */
	VFIO_BIND_FOR_LIFE = 4,
};

/* Who waits for a binding, and may be told to end meanwhile: asked some times a second. */
struct vfio_listener {
	bool (*go_on)(void *ctx); /* false, and false from then on: -EINTR, and all is as it was */
	void *ctx;
};

/*
 * Bind by driver_override to vfio-pci, or to the variant of it that the kernel has for the function
 * (variant.h). Refuses bridges, functions without a
 * group, and, unless VFIO_BIND_FORCE, functions that the host is using: a disk that is claimed or
 * open, a network interface that is up with a carrier.
 * 1: bound now; 0: it was bound already, nothing changed and nothing recorded.
 * 1 with VFIO_FAILURE_VARIANT in ret_failure: the variant did not take it, and vfio-pci has it.
 * What another process has left bound (left.h) is the caller's from here on, as if it were bound
 * now, with VFIO_FAILURE_LEFT; or, where this user may not write the record, 0 with
 * VFIO_FAILURE_LEFT_SO.
 * Otherwise negative errno and ret_failure, and then all is as it was. Loads the
 * modules vfio-pci and vfio_iommu_type1 where they are missing. Blocks for as long as
 * the host's driver takes to unbind, and then for some seconds at most.
 */
int vfio_bind(const struct pci_host_fs *fs, const struct pci_bdf *bdf, unsigned flags,
	      struct vfio_failure *ret_failure) _must_check_;
/* The same, with a listener; what the kernel is at is waited for all the same. */
int vfio_bind_listening(const struct pci_host_fs *fs, const struct pci_bdf *bdf, unsigned flags,
			const struct vfio_listener *listener,
			struct vfio_failure *ret_failure) _must_check_;

/* The same for as long as another process lives, by its number. */
int vfio_bind_for(const struct pci_host_fs *fs, const struct pci_bdf *bdf, int pid,
		  struct vfio_failure *ret_failure) _must_check_;

/*
 * Put the recorded driver and driver_override back and forget the record, and so for
 * what vfio_group_take() took for the function;
 * without a record, let the kernel choose a driver. A driver that somebody else
 * bound meanwhile stays. -EBUSY VFIO_FAILURE_BUSY while a process has the group
 * open; the record is kept until all is put back. 0, or negative errno.
 */
int vfio_release(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
		 struct vfio_failure *ret_failure) _must_check_;

#endif
