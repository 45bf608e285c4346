/* SPDX-License-Identifier: MIT */
/*
 * What the guest's process and its keeper say to each other: fixed-size messages over a
 * socketpair(2) that keeps their limits (SOCK_SEQPACKET).
 *
 * The keeper believes nothing in them: the guest may have taken over who sends them.
 */
#ifndef VMM_SANDBOX_KEEPER_MSG_H
#define VMM_SANDBOX_KEEPER_MSG_H

#include <stdint.h>

#include "vfio/failure.h"
#include "vfio/pci.h"

/*
 * The descriptor of the guest's process on which its keeper listens. A number, so that a
 * signal handler has it, and high, so that no inherited one is in its place.
 */
#define KEEPER_FD 900

/* All that the keeper can be asked for. */
enum keeper_ask {
	KEEPER_BIND,   /* bind a device to vfio-pci; before KEEPER_READY */
	KEEPER_READY,  /* set-up is over: the keeper gives up what it needs no more */
	KEEPER_MOVE,   /* move its interrupts to the CPU of the configuration */
	KEEPER_UNMOVE, /* put its interrupts back */
	KEEPER_COUNT,  /* hand over the host's counters of its interrupts */
	/*
	 * Hand over the file by which it is opened: that of its IOMMU group, if nobody has that
	 * open, or its own.
	 */
	KEEPER_OPEN,
	/*
	 * A function is a device's from now on, of the guest's, and is given back at the end if it
	 * was bound for it. With the message comes the right to it (vfio/right.h).
	 */
	KEEPER_ADOPT,
	KEEPER_RELEASE,	  /* give it back now; nobody has it open any more */
	KEEPER_TELL,	  /* tell the service manager how far the guest is */
	KEEPER_FORBIDDEN, /* a thread made a forbidden system call, and the process ends */
	NR_KEEPER_ASKS,
};

#define KEEPER_THREAD_SZ 16u
#define KEEPER_NR_ARGS	 3u
#define KEEPER_COUNTERS	 240u /* in one message; the kernel takes 253 (SCM_MAX_FD) */

struct keeper_request {
	uint32_t ask;	    /* enum keeper_ask */
	uint32_t device;    /* an index in the keeper's own list */
	uint32_t first;	    /* of KEEPER_COUNT: a vector; those before it are left out */
	struct pci_bdf bdf; /* of KEEPER_ADOPT */
	uint32_t bound;	    /* likewise: not 0: somebody bound it for that */
	int32_t call;	    /* of KEEPER_FORBIDDEN, as are its arguments */
	uint32_t state;	    /* of KEEPER_TELL: enum service_state */
	uint32_t iommu;	    /* of KEEPER_OPEN: enum vfio_iommu_kind */
	uint64_t args[KEEPER_NR_ARGS];
	char thread[KEEPER_THREAD_SZ]; /* its name */
};

/* To all but KEEPER_FORBIDDEN. */
struct keeper_reply {
	/*
	 * As of vfio_bind(), vfio_affinity_set(), vfio_irq_counts_open(), vfio_function_file_open()
	 * or vfio_release().
	 */
	int32_t result;
	uint32_t left; /* of KEEPER_MOVE */
	int32_t group; /* of KEEPER_OPEN: its group's number; nr_files descriptors come with the
			  message */
	/*
	 * Of KEEPER_COUNT: with the message come as many descriptors (SCM_RIGHTS), of these vectors
	 * in their order; and next is the first vector that had no room, 0: all had.
	 */
	uint32_t nr_files, next;
	uint16_t vectors[KEEPER_COUNTERS];
	struct vfio_failure failure;
};

#endif
