/* SPDX-License-Identifier: MIT */
/*
 * Where the host's file systems are.
 */
#ifndef VFIO_HOST_H
#define VFIO_HOST_H

/*
 * The roots of the host's file systems, "" on a real host; tests name a
 * directory that holds sys/, proc/, dev/ and run/ of their own.
 */
struct pci_host_fs {
	char root[128];
};

#endif
