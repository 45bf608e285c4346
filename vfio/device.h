/* SPDX-License-Identifier: MIT */
/*
 * A PCI function that a guest drives: its configuration space as the guest sees
 * it, its BARs, its interrupts, its reset.
 *
 * Threads: accesses of the guest (vfio_cfgspace_*, vfio_bar_*) may come from any
 * thread, several at a time; vfio_vector_take() from one other thread at the
 * same time. The callbacks run on the thread that made the access, with no lock
 * of this folder held; two of them may run at once. Create, destroy and reset
 * are one thread's, with no access under way.
 */
#ifndef VFIO_DEVICE_H
#define VFIO_DEVICE_H

#include "vfio/container.h"
#include "vfio/function_file.h"

struct vfio_device;

#define VFIO_DEVICE_BARS    6u
#define VFIO_DEVICE_ROM	    6u /* behind them: the expansion ROM, which is placed as they are */
#define VFIO_DEVICE_RANGES  7u /* all of these */
#define VFIO_BAR_MAX_PIECES 5u
#define VFIO_MAX_VECTORS    2048u /* PCI's own limit for MSI-X; INTx has one more */

/* A message as the guest wrote it: where to, and what. */
struct msi_message {
	uint64_t address;
	uint32_t data;
};

/* How the guest gets the function's interrupts. */
enum vfio_irq_kind {
	VFIO_IRQ_KIND_NONE,
	VFIO_IRQ_KIND_INTX,
	VFIO_IRQ_KIND_MSI,
	VFIO_IRQ_KIND_MSIX,
	VFIO_NR_IRQ_KINDS
};

/*
 * Called with no lock held. None may write the function's configuration space: while a reset is
 * under way that waits for the end of it, which comes after bars_changed.
 */
struct vfio_device_ops {
	/*
	 * The guest moved BARs or switched decoding: read vfio_device_bar()
	 * of each, and map or unmap accordingly. Do both under one lock of yours:
	 * callbacks may overlap, and the last one must leave the newest state.
	 */
	void (*bars_changed)(void *ctx);
	/*
	 * A vector was unmasked for which an interrupt was held: deliver it now,
	 * once. The message is the vector's at the moment of unmasking.
	 */
	void (*vector_released)(void *ctx, unsigned vector, const struct msi_message *message);
	/*
	 * A vector's message has changed, or whether it may be sent: read
	 * vfio_vector_message(), under a lock of yours, as for BARs. Where
	 * vector_released applies too, it comes first; both come before the
	 * guest's access is over.
	 */
	void (*vector_changed)(void *ctx, unsigned vector);
	/*
	 * The guest has enabled a kind of interrupt that the host cannot enable now, for this
	 * reason, a positive errno: it gets none until it enables one again.
	 */
	void (*kind_refused)(void *ctx, enum vfio_irq_kind kind, int error);
	/* The guest asked for a Function Level Reset, which the host could not do. */
	void (*reset_failed)(void *ctx, const struct vfio_failure *why);
	/* Have vfio_device_settle() called, soon. */
	void (*unsettled)(void *ctx);
	/* Another kind is enabled at the host, or none any more: vfio_device_irqs_epoch(). */
	void (*kind_changed)(void *ctx);
};

/*
 * Open a function that is bound to vfio-pci: join its group to the container
 * (one group may bring several functions), reset it, read its configuration
 * space, enable all its MSI-X vectors (MSI where it has no MSI-X, INTx where it has neither)
 * with an eventfd each. The vectors stay enabled, except while vfio_vector_mask_at_device() has
 * one masked, until destroy or until the guest enables another kind: no other guest access makes
 * the host's ITS do anything. Then that kind's vectors are enabled in their place.
 */
int vfio_device_create(struct vfio_container *c, const struct pci_host_fs *fs,
		       const struct pci_bdf *bdf, struct vfio_device **ret_dev,
		       struct vfio_failure *ret_failure) _must_check_;
/* Disables the vectors, resets the function, closes. NULL is allowed. */
void vfio_device_destroy(struct vfio_device *dev);
static inline void vfio_device_destroyp(struct vfio_device **dev)
{
	vfio_device_destroy(*dev);
}
/*
 * Let the host have the function, which stays here as one that has been unplugged: as
 * vfio_device_destroy(), but its vectors keep their eventfds, which nothing signals any more, and
 * all else can be called as before; what it would ask the host fails. No guest access may run, or
 * come.
 */
void vfio_device_detach(struct vfio_device *dev);
/*
 * A function that was detached comes back, as after power-on, with the eventfds that it had; file
 * is used up. Others of the container may be in use; no guest access to this one may come before
 * it returns. Calls vector_changed and kind_changed. On failure it stays detached:
 * VFIO_FAILURE_REPLACED, VFIO_FAILURE_UNMAPPED (no other function is open in the container, and
 * what is to be mapped is not known: vfio_dma_keep()), or as vfio_device_create(). Allocates
 * memory. One thread.
 */
int vfio_device_reattach(struct vfio_device *dev, struct vfio_function_file *file,
			 struct vfio_failure *ret_failure) _must_check_;
/*
 * A place for a function that may come while a guest runs: as one that was detached, with so many
 * messages at most, and INTx. fs is the host's.
 */
int vfio_device_create_vacant(struct vfio_container *c, const struct pci_host_fs *fs,
			      unsigned nr_messages, struct vfio_device **ret_dev,
			      struct vfio_failure *ret_failure) _must_check_;
/*
 * A function takes such a place; as vfio_device_reattach(), whatever function was there before.
 * VFIO_FAILURE_VECTORS: it has more messages. Its pin is INTA, whichever it has.
 */
int vfio_device_adopt(struct vfio_device *dev, const struct pci_bdf *bdf,
		      struct vfio_function_file *file,
		      struct vfio_failure *ret_failure) _must_check_;
/* By what its DMA goes, and so by which file it comes (vfio/function_file.h). Any thread. */
enum vfio_iommu_kind vfio_device_iommu(const struct vfio_device *dev);
/* What was adopted was detached, and any other one may come. */
void vfio_device_vacate(struct vfio_device *dev);
/* Before the first guest access, and never while one runs. ops and ctx are borrowed. */
void vfio_device_set_ops(struct vfio_device *dev, const struct vfio_device_ops *ops, void *ctx);

/*
 * Show the guest, which has it behind a root port, a function with a link (PCI Express Endpoint),
 * as wide and as fast as the host's. Else it is one of the root complex. Before the first guest
 * access.
 */
void vfio_device_show_link(struct vfio_device *dev);

/* What the host says of a function while it is open. */
enum vfio_notice {
	VFIO_NOTICE_REQUEST, /* it wants it back: whoever asked waits until it is closed */
	VFIO_NOTICE_ERROR,   /* an error on the bus that it cannot correct */
	NR_VFIO_NOTICES,
};
/* Borrowed; EFD_NONBLOCK; signalled by the kernel each time. -1: the host does not tell. */
int vfio_device_notice(const struct vfio_device *dev, enum vfio_notice notice);

/* What could not be done of a reset. */
enum vfio_reset_step {
	VFIO_RESET_STEP_NONE,
	/* The host refused it: registers, and what they tell the function to do, are as they were.
	 */
	VFIO_RESET_STEP_RESET,
	/* Bus mastering cannot be switched off: the function may go on writing to memory. */
	VFIO_RESET_STEP_QUIET,
};

/* What became of the reset of one function. */
struct vfio_reset_result {
	enum vfio_reset_step failed; /* of several, the last */
	struct vfio_failure why;
};

/*
 * Functions of one container, in the state after power-on: bus mastering and decoding off, the
 * functions reset, the virtual configuration space, MSI-X table and PBA as at create, interrupts
 * that were signalled before are forgotten. Each is reset by its own reset (VFIO_DEVICE_RESET);
 * where it has none, or that fails, by that of its slot, each slot once, if all functions that
 * this affects are in the container's groups, and those that are open in devs. No guest access may
 * run; whoever has read an eventfd and not called vfio_vector_take() yet must not call it any more.
 * Calls bars_changed where BARs were decoded. All of it is done also where a step failed, which
 * has been tried several times, for a second or longer: results, which is [nr], tells.
 */
void vfio_reset_all(struct vfio_device *const devs[], size_t nr,
		    struct vfio_reset_result results[]);
/*
 * The same for those that got no reset when they were opened, when all have been: what their
 * slots bring with them is in devs, too. Where there are none, nothing is done.
 */
void vfio_reset_due(struct vfio_device *const devs[], size_t nr,
		    struct vfio_reset_result results[]);
/* vfio_reset_all() of one: 0, or the negative errno of its result. */
int vfio_device_reset(struct vfio_device *dev, enum vfio_reset_step *ret_failed) _must_check_;

/*
 * Configuration space as the guest sees it: len 1, 2 or 4, naturally aligned,
 * offset below 4096; anything else reads as all ones and writes nothing. A write
 * that asks for Function Level Reset returns when it is over; before it begins, bars_changed has
 * told that no BAR is decoded any more, and until it is over other writes wait. So does one that
 * enables another kind of interrupt than the host has, and before that vector_changed has told
 * that no vector is sent any more. The tables in
 * cfgspace.c say which capabilities are shown, and which bits are the function's own, virtual, or
 * fixed; what they do not name is hidden.
 */
uint32_t vfio_cfgspace_read(struct vfio_device *dev, unsigned offset, unsigned len);
void vfio_cfgspace_write(struct vfio_device *dev, unsigned offset, unsigned len, uint32_t value);
/* As by a Function Level Reset, also where the function shows none: as its bus was reset. */
void vfio_device_reset_by_guest(struct vfio_device *dev);

/* A run of bytes of a BAR: mapped for direct use, or to be trapped. */
struct vfio_bar_piece {
	uint64_t offset, size; /* multiples of the host's page size where map is set */
	void *map;	       /* NULL: accesses go through vfio_bar_read/write */
};

struct vfio_bar {
	bool present; /* a BAR of this function (upper halves are absent) */
	bool is_io;   /* of I/O ports; else of memory */
	bool is_64bit, prefetchable;
	uint64_t size; /* a power of two */
	/* Command.Memory, or Command.IO, is set, of a ROM its Enable too; and it has an address. */
	bool decoded;
	uint64_t address; /* where the guest put it, while decoded: of memory, or of ports */
	size_t nr_pieces; /* cover the BAR without holes or overlap, ascending */
	struct vfio_bar_piece pieces[VFIO_BAR_MAX_PIECES];
};

/* A BAR, or VFIO_DEVICE_ROM, as it is now; size and pieces never change. */
void vfio_device_bar(struct vfio_device *dev, unsigned bar, struct vfio_bar *ret_bar);

/*
 * Have the guest's next access to each piece that is mapped leave the guest, for the host to map it
 * again. Waits for no access and no reset. Any thread.
 */
void vfio_bars_drop_pages(struct vfio_device *dev);

/*
 * Let the DMA of all functions of the container reach a piece that is mapped under iova, until the
 * second of these. Any thread. 0, or negative errno: the piece is not reached, or still is.
 */
int vfio_bar_map_dma(const struct vfio_device *dev, const struct vfio_bar_piece *piece,
		     uint64_t iova) _must_check_;
int vfio_bar_unmap_dma(const struct vfio_device *dev, const struct vfio_bar_piece *piece,
		       uint64_t iova) _must_check_;

/*
 * Access to a trapped piece: len 1, 2, 4 or, of memory, 8, naturally aligned, within the
 * BAR; anything else reads as all ones and writes nothing, and so does a ROM that is written.
 */
uint64_t vfio_bar_read(struct vfio_device *dev, unsigned bar, uint64_t offset, unsigned len);
void vfio_bar_write(struct vfio_device *dev, unsigned bar, uint64_t offset, unsigned len,
		    uint64_t value);

/* The kind that is enabled at the host now. Any thread. */
enum vfio_irq_kind vfio_device_irq_kind(const struct vfio_device *dev);
/*
 * Differs after each change of the kind that is enabled at the host: its interrupts are others
 * then, which the host counts from 0. Odd: a change is under way. Any thread.
 */
unsigned vfio_device_irqs_epoch(const struct vfio_device *dev);
/*
 * As many as MSI or MSI-X has, whichever has more: vector n is number n of both. Behind them
 * the one of INTx, where the function has it.
 */
unsigned vfio_device_nr_vectors(const struct vfio_device *dev);

/*
 * INTx: the pin that the function asserts, 1 (INTA) to 4, and its vector; 0: it has none. The
 * kernel masks the function's interrupt as it signals the vector, and keeps it masked until
 * vfio_intx_unmask_eventfd(), borrowed, is signalled; then it signals the vector again if the
 * function still asserts its pin. The vector has no message: vfio_vector_take() and
 * vector_released give an empty one.
 */
unsigned vfio_device_intx(const struct vfio_device *dev, unsigned *ret_vector);
int vfio_intx_unmask_eventfd(const struct vfio_device *dev);

/*
 * A guest says by no register that it uses INTx: it leaves MSI and MSI-X disabled, as it does
 * while a driver that will enable them begins. So a function that has another kind enabled at
 * the host gets INTx when the guest has for VFIO_INTX_GRACE_NS had bus mastering on and neither
 * of them. Call it when it asks for that (unsettled), and when as many ns have passed as it
 * returned before, with the time of CLOCK_MONOTONIC; 0: when it asks again. One thread; may wait
 * for a reset, and take as long as one.
 */
#define VFIO_INTX_GRACE_NS UINT64_C(250000000)
uint64_t vfio_device_settle(struct vfio_device *dev, uint64_t now_ns);
/* Borrowed; EFD_NONBLOCK; signalled by the kernel for each interrupt of the vector. */
int vfio_vector_eventfd(const struct vfio_device *dev, unsigned vector);

/*
 * Where an interrupt of the vector would go now; false where it would be held.
 * Any thread; takes no lock.
 */
bool vfio_vector_message(const struct vfio_device *dev, unsigned vector,
			 struct msi_message *ret_message);

/*
 * Mask a vector at the device, by taking its eventfd from the kernel, or unmask it, by
 * giving it back. While it is masked the host takes no interrupt of the vector, and the
 * function keeps one that comes in its MSI-X pending bits. One that is on its way when it
 * is masked can be lost, so assume that one came; what was signalled before stays in the
 * eventfd. Any thread, one at a time for each vector; waits for a reset that
 * vfio_cfgspace_write() has under way. 0; -EOPNOTSUPP for MSI (see irqs.c); or what the
 * kernel answered: then a vector that was to be masked is as it was, and one that was to
 * be unmasked may have no eventfd yet.
 */
int vfio_vector_mask_at_device(struct vfio_device *dev, unsigned vector, bool mask) _must_check_;

/*
 * Have the kernel signal the vector's eventfd as if the function had interrupted
 * (VFIO_IRQ_SET_ACTION_TRIGGER without data). 0; -EINVAL: the kind that is enabled has no such
 * vector; or another negative errno.
 */
int vfio_vector_trigger(struct vfio_device *dev, unsigned vector) _must_check_;

enum vfio_take {
	VFIO_TAKE_DELIVER, /* ret_message is set: deliver it */
	VFIO_TAKE_HELD, /* masked: latched in the PBA (or MSI pending bit), see vector_released */
	VFIO_TAKE_OFF,	/* the guest has interrupts of this kind disabled: latched likewise */
};

/*
 * The vector's eventfd was signalled: what is to be done? Any one thread; takes no
 * lock. Of an interrupt that is held, exactly one vector_released follows; several
 * that are held merge into one, as on a bus. A guest's write of a mask does not
 * wait for who took the vector just before it: that one may still be delivered.
 */
enum vfio_take vfio_vector_take(struct vfio_device *dev, unsigned vector,
				struct msi_message *ret_message);

#endif
