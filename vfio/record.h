/* SPDX-License-Identifier: MIT */
/*
 * What binding changed about a function, kept below /run/itsy/bound/ until it
 * is put back. Private to vfio/ and its tests.
 */
#ifndef VFIO_RECORD_H
#define VFIO_RECORD_H

#include "vfio/owner.h"
#include "vfio/told.h"

struct bind_record {
	char driver[PCI_DRIVER_STRLEN]; /* that it was bound to, "" for none */
	char override[64];		/* its driver_override, "" for none */
	/* The function that it was taken for, whose group it is in; "" for itself. */
	char taken_for[PCI_BDF_STRLEN];
	/* The function's folder of sysfs, by which another one in its place is told from it; 0:
	 * none. */
	uint64_t node;
	struct bind_owner owner; /* who is to give it back; nobody: it stays bound */
	struct pci_told told;	 /* by that driver, by which the function is still named */
};

/*
 * Hold all records against other processes: a descriptor to close, or negative
 * errno; -EWOULDBLOCK while another process holds them. Makes the directory.
 */
int record_lock(const struct pci_host_fs *fs) _must_check_;

/* 0, -ENOENT if there is none, -EBADMSG if it is damaged, or what open or read answered. */
int record_read(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
		struct bind_record *ret_record) _must_check_;
/* The same of a record that is about the function that is there now: else -ENOENT. */
int record_read_told(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
		     struct bind_record *ret_record) _must_check_;
/* The function's node; 0 where there is none. */
uint64_t record_node(const struct pci_host_fs *fs, const struct pci_bdf *bdf);
/* 0: it is written, whole, and synced. Negative errno: nothing of it is there. */
int record_write(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
		 const struct bind_record *record) _must_check_;
/*
 * The functions that were taken for another one, at most max of them. How many, or negative errno.
 * Without a record of any function, 0.
 */
int records_taken_for(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
		      struct pci_bdf ret_bdfs[], size_t max) _must_check_;
/* In the same way, those whose owner is gone. */
int records_left(const struct pci_host_fs *fs, struct pci_bdf ret_bdfs[], size_t max) _must_check_;
int record_remove(const struct pci_host_fs *fs, const struct pci_bdf *bdf) _must_check_;

#endif
