/* SPDX-License-Identifier: MIT */
/*
 * The kernel ITS, which makes pending what the vITSs translate.
 *
 * KVM makes LPIs pending only through an ITS of its own. This one is out of the
 * guest's reach. Its frame lies under a read-write memory slot, which arm64 KVM
 * finds before its MMIO bus, backed by PROT_NONE, so that an access ends as an
 * external abort (struct vcpus_stats). Its queue and tables lie in a read-only slot.
 * Doorbells (KVM_SIGNAL_MSI) and device attributes find the ITS all the same.
 *
 * It holds one collection for each vCPU, with ICID = vCPU index; the events of the
 * configuration's functions, under DeviceIDs and EventIDs of its own (KVM's have
 * 16 bits, and all ITSs of a guest share this one); and scratch events for commands
 * on what belongs to no function.
 */
#ifndef VMM_ITS_KERNEL_ITS_H
#define VMM_ITS_KERNEL_ITS_H

#include "vitsmod/vits.h"
#include "vmm/its/kernel_ids.h"
#include "vmm/kvm/gmem.h"
#include "vmm/kvm/vcpu.h"

struct kernel_its;

/*
 * A function that can send MSIs; its index in the configuration names it below. The
 * functions of one ITS have the same order here as in its struct vits_config.
 */
struct kernel_its_function {
	unsigned its;	    /* which of the guest's ITSs it is wired to */
	uint32_t nr_events; /* EventIDs that can be assigned */
};

struct kernel_its_config {
	const struct vm *vm; /* all borrowed */
	const struct gmem *mem;
	struct vcpus *vcpus;
	int gic;
	uint32_t nr_vcpus;
	const struct kernel_its_function
		*functions;  /* borrowed until kernel_its_create() returns */
	size_t nr_functions; /* at most KERNEL_ITS_MAX_FUNCTIONS */
	/*
	 * An interrupt waits for a mapping that is deferred, and a batch has changed that or left
	 * it untried: kernel_its_retry() is due, once. Any thread; must not call back.
	 */
	void (*retry_due)(void *ctx);
	/* The host refuses registers or commands: the guest cannot go on. Once; any thread. */
	void (*failed)(void *ctx, const char *why);
	/* Optional: what kernel_its_defers() says may have changed. With no lock of this file held.
	 */
	void (*deferred_changed)(void *ctx);
	void *ctx;
};

/*
 * Two steps, for KVM wants the ITS to exist before the redistributors are
 * initialised, and vCPUs before their collections: create after the vCPUs and
 * before gic_start(), start after it and before the vCPUs run.
 */
int kernel_its_create(const struct kernel_its_config *config, struct kernel_its **ret_kernel_its,
		      struct failure *ret_failure) _must_check_;
int kernel_its_start(struct kernel_its *kernel_its, struct failure *ret_failure) _must_check_;
/* After the vCPUs have stopped. NULL is allowed. */
void kernel_its_destroy(struct kernel_its *kernel_its);

/* What struct vits_ops asks of a backend (vitsmod/vits.h), for one of the guest's ITSs. */
void kernel_its_update(struct kernel_its *kernel_its, unsigned its,
		       const struct vits_lpi_update *update);
void kernel_its_commit(struct kernel_its *kernel_its);

/* Which of config.functions is a function of one of the guest's ITSs, by its index there. */
size_t kernel_its_function_of(const struct kernel_its *kernel_its, unsigned its, uint32_t function);

/*
 * Make an assigned event's LPI pending, of an EventID below the function's nr_events.
 * 1: done, or it will be as soon as the guest has LPI tables that the mapping can
 * be made with; 0: the kernel has no such mapping; -EBUSY: the target has its LPIs
 * off. Any thread but one between kernel_its_update() and kernel_its_commit(); takes no lock
 * unless a mapping is deferred.
 */
int kernel_its_signal(struct kernel_its *kernel_its, size_t function,
		      uint32_t eventid) _must_check_;

/*
 * Is the event's mapping deferred: made as soon as its LPI tables allow?
 * Then kernel_its_signal() alone keeps its interrupts. Any thread.
 */
bool kernel_its_defers(struct kernel_its *kernel_its, size_t function, uint32_t eventid);

/*
 * A vCPU's LPIs were switched on or off (struct kernel_redist_config, lpis_switched), or
 * retry_due() was called: where interrupts wait for deferred mappings, map what can be mapped by
 * now. Holds all vCPUs, if any waits. As kernel_its_signal(), any thread but one.
 */
void kernel_its_retry(struct kernel_its *kernel_its);

/* The bus region of the queue and tables: writes of the guest's, counted. */
int kernel_its_add_to_bus(struct kernel_its *kernel_its, struct bus *bus) _must_check_;

struct kernel_its_stats {
	uint64_t pauses;       /* times that all vCPUs were held */
	uint64_t commands;     /* commands the kernel ITS was given */
	uint64_t deferred;     /* mappings that had to wait for the guest's LPI tables */
	uint64_t not_ready;    /* updates dropped since the target's LPI tables were not there */
	uint64_t table_writes; /* guest writes to the queue and the tables */
};

void kernel_its_stats_get(struct kernel_its *kernel_its, struct kernel_its_stats *ret_stats);

#endif
