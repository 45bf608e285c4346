/* SPDX-License-Identifier: MIT */
/*
 * A function's inside, for the files of vfio/ that make it up:
 *   device.c	opening, resetting, closing
 *   bar.c	what its BARs are made of, and access to the trapped parts
 *   config.c	accesses to configuration space and what they set off
 *   caps.c	which parts of configuration space are shown (config.h)
 *   msi.c	MSI's registers, MSI-X's table and pending bits
 *   vector.c	one interrupt vector (vector.h)
 */
#ifndef VFIO_DEVICE_PRIV_H
#define VFIO_DEVICE_PRIV_H

#include <pthread.h>

#include "vfio/config.h"
#include "vfio/container_priv.h"
#include "vfio/device.h"
#include "vfio/vector.h"

/* A run of bytes of one BAR. */
struct bar_place {
	unsigned bar;
	uint64_t offset, size;
};

struct vfio_bar_state {
	struct vfio_bar shape; /* but for decoded and address */
	uint64_t region;       /* where in the device's file it begins */
};

struct vfio_device {
	/* Constant once created. */
	struct vfio_container *container; /* borrowed */
	struct vfio_group *group;	  /* one use of it is ours */
	struct vfio_device *next;	  /* in the container's list */
	struct pci_bdf bdf;
	char name[PCI_BDF_STRLEN];
	int fd;
	bool can_reset;
	bool opened;		/* config_region is known */
	uint64_t config_region; /* where in the device's file configuration space begins */
	struct vfio_bar_state bars[VFIO_DEVICE_BARS];
	enum vfio_irq_kind kind;
	struct bar_place table, pba; /* of MSI-X */
	struct vfio_vector *vectors; /* owned */
	unsigned nr_vectors;
	bool enabled;	       /* the vectors are, at the host */
	uint16_t host_command; /* the function's Command, but for decoding and mastering */

	/* Set before the first access. */
	const struct vfio_device_ops *ops; /* borrowed */
	void *ops_ctx;

	/* Guards cfg and updates of the vectors; not held in callbacks. */
	pthread_mutex_t lock;
	struct vfio_config cfg;
};

/* What is left to do about an access when the lock is no longer held. */
enum device_work {
	DEVICE_WORK_BARS = 1,	 /* tell that BARs moved */
	DEVICE_WORK_VECTORS = 2, /* bring the vectors in line, deliver what waited */
	DEVICE_WORK_RESET = 4,	 /* tell that all vectors were forgotten */
};

/* Accesses to the device's file: all of len bytes, or negative errno. */
int device_read(const struct vfio_device *dev, uint64_t at, void *buf, size_t len) _must_check_;
int device_write(const struct vfio_device *dev, uint64_t at, const void *buf,
		 size_t len) _must_check_;
int device_ioctl(const struct vfio_device *dev, unsigned long request, void *arg);

/*
 * device.c. The function and all that is virtual of it as after power-on. Lock
 * held, or no other user yet.
 */
int device_reset_locked(struct vfio_device *dev);
/* The function's own Command: decoding memory always, mastering as told. */
int device_command_write(const struct vfio_device *dev, bool master);

/* bar.c: probe all BARs. table and pba are set where kind is MSI-X. */
int bars_probe(struct vfio_device *dev, const uint8_t *image,
	       struct vfio_failure *failure) _must_check_;
void bars_unmap(struct vfio_device *dev);
/* bar.c: add the registers of the BARs to the virtual configuration space. */
void bars_to_config(struct vfio_device *dev);

/*
 * bar.c: cut a BAR of size bytes in pieces: what of the mappable spans is not in
 * a trapped one is to be mapped, in whole pages; the rest is to be trapped. The
 * pieces' map is NULL for trapped ones and points to bar itself for the others.
 */
struct bar_span {
	uint64_t first, end;
};
struct bar_spans {
	const struct bar_span *spans;
	size_t nr;
};
void bar_cut(struct vfio_bar *bar, uint64_t page_size, const struct bar_spans *mappable,
	     const struct bar_spans *trapped);

/* msi.c: which kind the function has, from its configuration space. */
int msi_probe(struct vfio_device *dev, const uint8_t *image,
	      struct vfio_failure *failure) _must_check_;
/* msi.c: all vectors, one eventfd each. */
int msi_enable(struct vfio_device *dev, struct vfio_failure *failure) _must_check_;
void msi_disable(struct vfio_device *dev);
/* msi.c: forget what was signalled. Lock held, or no other user yet. */
void msi_forget(struct vfio_device *dev);
/* Tell of all vectors that they changed. No lock held. */
void msi_tell_all(const struct vfio_device *dev);
/* msi.c: vectors follow registers; deliver what waited. Lock not held. */
void msi_sync(struct vfio_device *dev);
/* msi.c: pending bits of MSI vectors. Lock held. */
uint32_t msi_pending_locked(const struct vfio_device *dev);
/* msi.c: table and pending bits, len 4 or 8 or a part of 4, aligned. */
uint64_t msix_table_read(struct vfio_device *dev, uint64_t offset, unsigned len);
void msix_table_write(struct vfio_device *dev, uint64_t offset, unsigned len, uint64_t value);
uint64_t msix_pba_read(const struct vfio_device *dev, uint64_t offset, unsigned len);

#endif
