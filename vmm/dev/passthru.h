/* SPDX-License-Identifier: MIT */
/*
 * Functions that are passed through: from a block of the configuration to a VFIO
 * device on the guest's PCI bus, and back to the driver that had it.
 *
 * A function lives over the guest's reboots; the machine it is wired to does not.
 */
#ifndef VMM_DEV_PASSTHRU_H
#define VMM_DEV_PASSTHRU_H

#include "vfio/bind.h"
#include "vfio/reset_way.h"
#include "vmm/config/config.h"
#include "vmm/dev/pci_host.h"
#include "vmm/irq/irq_function.h"
#include "vmm/irq/vector_routes.h"
#include "vmm/sandbox/keeper_client.h"

struct vfio_affinity;

struct passthru {
	struct irq_function irq;
	const struct pci_host_fs *host; /* borrowed; NULL: a bare function */
	struct pci_bdf bdf;
	unsigned index; /* the keeper's number for it */
	uint32_t devfn; /* its place (pci_host.h) */
	bool root_port; /* it is behind one, at the same device number */
	uint32_t requester_id;
	const struct keeper_client *keeper;  /* NULL: what it does is done here */
	bool bound_here;		     /* to be given back */
	bool removed;			     /* passthru_remove(), or not there yet */
	bool vacant;			     /* it is no function: passthru_adopt() */
	bool adopted;			     /* it was vacant before */
	struct vfio_device *dev;	     /* NULL: a bare function */
	struct vfio_irq_counts *host_counts; /* NULL: the host shows none */
	unsigned host_counts_epoch;	     /* vfio_device_irqs_epoch() when they were opened */
	uint64_t reopen_ns;		     /* they are not opened anew before */
	int msi_cpu;			     /* -1: interrupts stay where they are */
	bool goes_on[NR_VFIO_NOTICES];	     /* the guest does, whatever the host says */
	bool noticed[NR_VFIO_NOTICES];	     /* and that was told */
	bool goes_without; /* the host wants it back: the guest goes on without it */
	bool wanted_back;  /* and it does: whoever has the machine takes it out */
	bool moved_by_keeper, move_told;
	_Atomic bool refusal_told[VFIO_NR_IRQ_KINDS];
	bool told_of_reset;	     /* that the host cannot reset it */
	struct vfio_affinity *moved; /* where the host's interrupts were; NULL: where they are */

	/* Of the machine, while there is one; borrowed. */
	struct pci_host *pci_host;
	struct vector_routes *routes; /* NULL: none yet */
	void (*wake_up)(void *ctx);   /* have passthru_service() called; NULL: nobody does */
	void *wake_up_ctx;
};

/* Is it, or was it, a function? Else it is a place for one, and there is nothing to be said of it.
 */
static inline bool passthru_is_known(const struct passthru *p)
{
	return !p->vacant || p->adopted;
}

/*
 * Find the functions that the configuration does not name by address alone, and set their bdf and
 * is_found; all are tried. 0, or negative errno with the first failure.
 */
int passthru_find(const struct pci_host_fs *host, struct config *config,
		  struct failure *ret_failure) _must_check_;
/* Is its bdf that of its function, by the file or since passthru_find()? */
bool passthru_is_found(const struct config_device *device);
/*
 * Could a guest of this configuration get its nr-th function? As vfio_look(), with the
 * others of the configuration; after passthru_find(). Changes nothing.
 */
int passthru_look(const struct pci_host_fs *host, const struct config *config, size_t nr,
		  struct pci_function *ret_fn, struct failure *ret_failure) _must_check_;
/* How would it be reset? As vfio_reset_look(), with the others of the configuration. */
int passthru_look_at_reset(const struct pci_host_fs *host, const struct config *config,
			   const struct pci_function *fn, struct vfio_reset_way *ret_way,
			   struct failure *ret_failure) _must_check_;
/* All of them, before the first is bound: the first failure counts. */
int passthru_look_at_all(const struct pci_host_fs *host, const struct config *config,
			 struct failure *ret_failure) _must_check_;

/* How the function of a config block is bound: enum vfio_bind_flags. */
unsigned passthru_bind_flags(const struct config_device *config);
/*
 * By what the DMA of a guest of this configuration goes (vfio_iommu_choose()). Changes nothing;
 * where it fails, nothing can be run.
 */
int passthru_choose_iommu(const struct pci_host_fs *host, const struct config *config,
			  struct vfio_iommu_choice *ret_choice,
			  struct failure *ret_failure) _must_check_;
/* Who asked for iommufd is told what several functions do without. */
void passthru_warn_of_iommu(const struct vfio_iommu_choice *choice, size_t nr_functions);

/* What a config block says of a function; nothing of the host's is touched. */
void passthru_init(struct passthru *p, const struct pci_host_fs *host,
		   const struct keeper_client *keeper, const struct config_device *config,
		   unsigned index);
/*
 * In two steps, for members of one IOMMU group must all be bound before the
 * first is opened. bind: bind the function of a config block if it is not bound;
 * index is its number in the configuration. On failure it is as it was. host and keeper are
 * borrowed until passthru_give_back(). With a keeper, which may be NULL, that one binds and
 * gives back, and moves interrupts; all files are opened here that are needed later. The keeper
 * listens while it binds; without one, listener is who is asked whether that is to go on (NULL: it
 * is).
 */
int passthru_bind(struct passthru *p, const struct pci_host_fs *host,
		  const struct keeper_client *keeper, const struct vfio_listener *listener,
		  const struct config_device *config, unsigned index,
		  struct failure *ret_failure) _must_check_;
int passthru_open(struct passthru *p, const struct config_device *config,
		  struct vfio_container *container, struct failure *ret_failure) _must_check_;
/*
 * A place for a function that may come while the guest runs, behind a root port, with so many
 * messages; after passthru_init(). It counts as removed until then.
 */
int passthru_open_vacant(struct passthru *p, const struct config_device *config,
			 struct vfio_container *container, unsigned nr_messages,
			 struct failure *ret_failure) _must_check_;
/*
 * When all of a guest's functions are open, and before memory is mapped for them: those that could
 * not be reset by themselves are with their slots, where the guest has all of a slot. Fails where
 * the host could not do what it has; where another function is in the way, warns.
 */
int passthru_reset_opened(struct passthru functions[], size_t nr,
			  struct failure *ret_failure) _must_check_;
/*
 * All of them as after power-on (vfio_reset_all()), when the guest resets itself; no vCPU runs.
 * One that the host cannot reset is warned of, once, and the guest goes on. Fails where one may go
 * on writing to memory.
 */
int passthru_reset_all(struct passthru functions[], size_t nr,
		       struct failure *ret_failure) _must_check_;
/*
 * A function without a device: vectors that are eventfds, and nothing on the PCI
 * bus (irq_function_open_bare()). There is nothing to bind or to give back.
 */
int passthru_open_bare(struct passthru *p, const char *name, uint32_t devid, unsigned nr_vectors,
		       struct failure *ret_failure) _must_check_;
void passthru_close(struct passthru *p);
/* Give it back to its driver if passthru_bind() took it; after the container is gone. */
void passthru_give_back(struct passthru *p);

/*
 * Wire it to a machine's parts, all borrowed until passthru_unwire(). Where it is behind a root
 * port, pci_host has that already.
 */
int passthru_wire(struct passthru *p, const struct irq_wiring *wiring,
		  struct pci_host *pci_host) _must_check_;
/*
 * Who is told from now on that a vector's message or mask has changed; NULL: nobody.
 * While no vCPU runs.
 */
void passthru_set_routes(struct passthru *p, struct vector_routes *routes);
/* How to have passthru_service() called, soon; from any thread. Before the guest runs. */
void passthru_set_wake_up(struct passthru *p, void (*wake_up)(void *ctx), void *ctx);
/*
 * Have the host follow a guest that uses INTx (vfio_device_settle()); and where the guest has
 * changed the kind of its interrupts, count and move those that there are now. May take as long as
 * a reset. Returns in how many ms it wants to be called again, or -1. The main thread.
 */
int passthru_service(struct passthru *p);
/*
 * Let the host have the function, which the guest has no more (pci_host_unplug()): it can be opened
 * by others. Its counts stay, and machines to come are without it until passthru_return().
 */
void passthru_remove(struct passthru *p);
/*
 * What was removed goes back to its driver, if it was bound for the guest; of several that were
 * removed together, when all have been. One that was adopted leaves its place, for any other. A
 * warning where it cannot.
 */
void passthru_give_back_removed(struct passthru *p);
/*
 * What was removed comes back, from vfio-pci, to which it is bound, as after power-on; whoever has
 * the machine puts it into its slot then (pci_host_plug()). Several that were removed together come
 * back together: on failure none has. The main thread.
 */
int passthru_return(struct passthru *const functions[], size_t nr,
		    struct failure *ret_failure) _must_check_;

/* A function that somebody who has the right to it gives to the guest while that runs. */
struct passthru_offer {
	struct pci_bdf bdf;
	bool bound;			/* for that: it is to be given back */
	int right;			/* vfio/right.h; borrowed */
	struct vfio_function_file file; /* by which it is opened: what of it is not used stays */
	bool has_route;
	enum route route; /* that its vectors begin with */
};
/*
 * Take it, in a vacant place, or as the device that was removed from there: as passthru_return().
 */
int passthru_adopt(struct passthru *p, struct passthru_offer *offer,
		   struct failure *ret_failure) _must_check_;
/* After the machine's vCPUs and router have stopped. */
void passthru_unwire(struct passthru *p);

#endif
