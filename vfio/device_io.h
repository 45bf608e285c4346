/* SPDX-License-Identifier: MIT */
/*
 * The state of an open function, and access to its file. Private to vfio/. The units
 * that make up a function, from the ground up:
 *
 *   device.h		what a function offers to the program
 *   vector		one interrupt vector
 *   cfgspace		what each bit of its virtual configuration space is
 *   device_io		this one
 *   irqs		its interrupts at the host
 *   notice		what the host says beside interrupts
 *   msi		MSI's registers, MSI-X's table and pending bits
 *   msix_move		keeping the table out of the way of registers
 *   bar		what its BARs are made of, and access to the trapped parts
 *   hot_reset		resetting a whole slot
 *   reset		the state after power-on
 *   access		accesses to configuration space and what they set off
 *   open		opening and closing
 *
 * Each knows those above it in this list, and none below.
 */
#ifndef VFIO_DEVICE_IO_H
#define VFIO_DEVICE_IO_H

#include <pthread.h>
#include <stdatomic.h>

#include "vfio/cfgspace.h"
#include "vfio/container_priv.h"
#include "vfio/device.h"
#include "vfio/msix_layout.h"
#include "vfio/vector.h"

/* An entry of the MSI-X table, as the guest wrote it. */
struct msix_entry {
	struct msi_message message;
	bool masked;
};

struct vfio_irq_set;
struct hot_reset;

/* Of one reset of one or several functions. */
enum reset_round {
	RESET_ROUND_DUE,
	RESET_ROUND_DONE,
	RESET_ROUND_FAILED,
};

struct vfio_bar_state {
	struct vfio_bar shape; /* but for decoded and address */
	uint64_t region;       /* where in the device's file it begins */
	uint64_t size;	       /* the function's own; of shape it may be more */
};

struct vfio_device {
	/* Constant once created. */
	struct vfio_container *container; /* borrowed */
	/*
	 * One use of it is ours (vfio/type1.h). NULL: the container is an iommufd, and the
	 * function has a file of its own: what asks for a group's file as proof that its functions
	 * are ours (VFIO_DEVICE_PCI_HOT_RESET) then takes none, an array of no files.
	 */
	struct vfio_group *group;
	struct vfio_device *next; /* in the container's list */
	struct pci_bdf bdf;
	char name[PCI_BDF_STRLEN];
	bool isolated; /* pci_interrupts_are_isolated() */
	/*
	 * No function yet, or none any more: any is to come (vfio_device_adopt()), and what is
	 * constant here is constant from then on.
	 */
	bool vacant;
	int fd;
	bool can_reset;		  /* it has a reset of its own */
	struct hot_reset *hot;	  /* owned; NULL: its slot cannot be reset */
	bool opened;		  /* cfgspace_region is known */
	uint64_t cfgspace_region; /* where in the device's file configuration space begins */
	struct vfio_bar_state bars[VFIO_DEVICE_RANGES];
	bool has_io;			   /* one of them is of I/O ports */
	unsigned nr_of[VFIO_NR_IRQ_KINDS]; /* vectors of each kind; 0: it has none of it */
	struct bar_place table, pba;	   /* of MSI-X, where the guest finds them */
	struct bar_place made;	     /* the whole of a BAR for both, which the function has not */
	struct vfio_vector *vectors; /* owned; vfio_device_nr_vectors() says which */
	unsigned nr_vectors, nr_messages; /* all, and without that of INTx */
	unsigned pin;			  /* of INTx; 0: none */
	int unmask_eventfd;		  /* owned; -1: no INTx */
	int notices[NR_VFIO_NOTICES];	  /* eventfds, -1 for none */
	uint16_t host_command; /* the function's Command, but for decoding and mastering */

	/* Set before the first access. */
	const struct vfio_device_ops *ops; /* borrowed */
	void *ops_ctx;

	/* Changed under the lock, read by anybody. */
	_Atomic(enum vfio_irq_kind) kind; /* enabled at the host */
	_Atomic unsigned irqs_epoch;	  /* vfio_device_irqs_epoch() */

	/* Guards that the pieces of bars stay mapped, of that fd; held for a moment, and the last
	 * one taken. */
	pthread_mutex_t maps;

	/* Guards what follows, updates of the vectors and changes of kind; not held in callbacks.
	 */
	pthread_mutex_t lock;
	struct vfio_cfgspace cfg;
	struct msix_entry *entries;   /* owned, [nr_of[VFIO_IRQ_KIND_MSIX]] */
	struct vfio_irq_set *irq_set; /* owned: room to enable all vectors */
	enum vfio_irq_kind used;      /* whose registers the vectors obey */
	enum reset_round round;	      /* of one thread: see reset.c */
	bool unsettled;		      /* the guest may want INTx, which the host has not enabled */
	uint64_t unsettled_since;     /* as vfio_device_settle() saw it first; 0: not yet */
	/*
	 * The guest has set off a reset, or a change of kind: until it is over no write of cfg
	 * begins.
	 */
	bool busy;
	pthread_cond_t idle; /* busy ended */
	/* Whoever has set busy: until then the guest's changes of kind are used up (access.c). */
	uint64_t kinds_used_ns;
};

/* Accesses to the device's file: all of len bytes, or negative errno. */
int device_read(const struct vfio_device *dev, uint64_t at, void *buf, size_t len) _must_check_;
int device_write(const struct vfio_device *dev, uint64_t at, const void *buf,
		 size_t len) _must_check_;
int device_ioctl(const struct vfio_device *dev, unsigned long request, void *arg);

/* The function's own Command: decoding always what it has BARs of, mastering as told. */
int device_command_write(const struct vfio_device *dev, bool master);

#endif
