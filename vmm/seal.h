/* SPDX-License-Identifier: MIT */
/*
 * The sealed kernel ITS: the LPI engine under the shadow vITS.
 *
 * KVM makes LPIs pending only through an ITS of its own. This one is out of the
 * guest's reach. Its frame lies under a read-write memory slot, which arm64 KVM
 * finds before its MMIO bus, backed by PROT_NONE, so that an access ends as an
 * abort that is counted here. Its queue and tables lie in a read-only slot.
 * Doorbells (KVM_SIGNAL_MSI) and device attributes find the ITS all the same.
 *
 * It holds one collection for each vCPU, with ICID = vCPU index; the events of the
 * configuration's functions, under DeviceIDs and EventIDs of its own (KVM's have
 * 16 bits, and all ITSs of a guest share this one); and scratch events for commands
 * on what belongs to no function.
 *
 * KVM finds an event by going through the list of all devices, then through that of
 * the device's events (vgic-its.c: find_ite()). So a function is many devices here,
 * of few events each, and an interrupt costs much the same however many there are.
 */
#ifndef VMM_SEAL_H
#define VMM_SEAL_H

#include <assert.h>

#include "vitsmod/vits.h"
#include "vmm/gmem.h"
#include "vmm/vcpu.h"

struct seal;

/* Events of a device of the sealed ITS, and devices that each function can be. */
#define SEAL_DEVICE_EVENTS    64u
#define SEAL_FUNCTION_DEVICES (65536u / SEAL_DEVICE_EVENTS)
/* One more are the scratch events'. */
#define SEAL_MAX_FUNCTIONS (65536u / SEAL_FUNCTION_DEVICES - 1)

/* What an event of a function, by its index in the configuration, is called there. */
static inline uint32_t seal_devid(size_t function, uint32_t eventid)
{
	/* One more would be the next function's. */
	assert(eventid < SEAL_FUNCTION_DEVICES * SEAL_DEVICE_EVENTS);

	return (uint32_t)function * SEAL_FUNCTION_DEVICES + eventid / SEAL_DEVICE_EVENTS;
}

static inline uint32_t seal_eventid(uint32_t eventid)
{
	return eventid % SEAL_DEVICE_EVENTS;
}

/* A function that can send MSIs; its index in the configuration names it below. */
struct seal_function {
	unsigned its;	    /* which of the guest's ITSs it is wired to */
	uint32_t devid;	    /* its DeviceID there */
	uint32_t nr_events; /* EventIDs that can be live */
};

struct seal_config {
	const struct vm *vm; /* all borrowed */
	const struct gmem *mem;
	struct vcpus *vcpus;
	int gic;
	uint32_t nr_vcpus;
	const struct seal_function *functions; /* borrowed until seal_start() returns */
	size_t nr_functions;		       /* at most SEAL_MAX_FUNCTIONS */
	/*
	 * The LPI of a mapping that is owed was signalled, and waits: seal_retry()
	 * is due, again and again. Any thread; must not call back.
	 */
	void (*waits)(void *ctx);
	/* The host failed to take commands: the guest cannot go on. Any thread. */
	void (*failed)(void *ctx, const char *why);
	/* Optional: what seal_owes() says may have changed. With no lock of this file held. */
	void (*owing)(void *ctx);
	void *ctx;
};

/*
 * Two steps, for KVM wants the ITS to exist before the redistributors are
 * initialised, and vCPUs before their collections: create after the vCPUs and
 * before gic_start(), start after it and before the vCPUs run.
 */
int seal_create(const struct seal_config *config, struct seal **ret_seal,
		struct fault *ret_fault) _must_check_;
int seal_start(struct seal *seal, struct fault *ret_fault) _must_check_;
/* After the vCPUs have stopped. NULL is allowed. */
void seal_destroy(struct seal *seal);

/* What struct vits_ops asks of an engine (vitsmod/vits.h), for one of the guest's ITSs. */
void seal_apply(struct seal *seal, unsigned its, const struct vits_effect *effect);
void seal_commit(struct seal *seal);

/*
 * Make a live event's LPI pending, of an EventID below the function's nr_events.
 * 1: done, or it will be as soon as the guest has LPI tables that the mapping can
 * be made with; 0: the kernel has no such mapping; -EBUSY: the target has its LPIs
 * off. Any thread but one between seal_apply() and seal_commit(); takes no lock
 * unless a mapping is owed.
 */
int seal_signal(struct seal *seal, size_t function, uint32_t eventid) _must_check_;

/*
 * Is the event's mapping owed to the guest: made as soon as its LPI tables allow?
 * Then seal_signal() alone keeps its interrupts. Any thread.
 */
bool seal_owes(struct seal *seal, size_t function, uint32_t eventid);

/*
 * Does an interrupt wait for a mapping that is owed? KVM tells nobody when a guest
 * writes GICR_CTLR.EnableLPIs, so that somebody has to look. Any thread.
 */
bool seal_waits(const struct seal *seal);
/* Look: map what can be mapped by now. Holds all vCPUs. As seal_signal(), any thread but one. */
void seal_retry(struct seal *seal);

/* The guest touched the frame: counted. Any thread. */
void seal_poked(struct seal *seal);
/* The bus region of the queue and tables: writes of the guest's, counted. */
int seal_add_to_bus(struct seal *seal, struct bus *bus) _must_check_;

struct seal_stats {
	uint64_t windows;     /* times that all vCPUs were held */
	uint64_t commands;    /* commands the kernel ITS was given */
	uint64_t owed;	      /* mappings that had to wait for the guest's LPI tables */
	uint64_t unready;     /* effects dropped since the target's LPI tables were not there */
	uint64_t frame_pokes; /* guest accesses to the hidden frame */
	uint64_t table_pokes; /* guest writes to the queue and the tables */
};

void seal_stats_get(struct seal *seal, struct seal_stats *ret_stats);

#endif
