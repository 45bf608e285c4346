/* SPDX-License-Identifier: MIT */
/*
 * The process that is to give a function back, told from another one that has its number by now.
 * Private to vfio/ and its tests.
 */
#ifndef VFIO_OWNER_H
#define VFIO_OWNER_H

#include <stdbool.h>
#include <stdint.h>

#include "vfio/host.h"

struct bind_owner {
	int pid;	/* 0: nobody; the function stays bound */
	uint64_t start; /* in clock ticks after the host's start: proc_pid_stat(5), starttime */
	uint64_t space; /* the namespace that its number is of (pid_namespaces(7)); 0: unknown */
};

/* This process. */
void owner_self(struct bind_owner *ret_owner);

/* Another one, by its number; false: it is not there, or not seen. */
bool owner_of(const struct pci_host_fs *fs, int pid, struct bind_owner *ret_owner);

/*
 * Has it ended? False where that cannot be known: its number is of another namespace, or this user
 * does not see the processes of others.
 */
bool owner_is_gone(const struct pci_host_fs *fs, const struct bind_owner *owner);

#endif
