/* SPDX-License-Identifier: MIT */
/*
 * The shadow: what the model itself remembers about the functions that can
 * send an MSI, so that neither the interrupt path nor an interrupt's life
 * depends on what the guest does to its tables.
 *
 * Its size is fixed by the configuration: 8 bytes per EventID of a named
 * function, 8 and a bit per LPI, and 8 per collection (of which there are 65536;
 * only the pages that hold a used ICID are ever touched).
 *
 * An event of a named function is called assigned. An assigned event that has an ITE is
 * mapped. One that is mapped, and whose collection has a target, is targeted: the
 * backend was told (VITS_LPI_MAP). One that is targeted is translatable once the
 * backend is known to have caught up: only then may an MSI be translated by it,
 * for the backend would lose it before. One that was targeted and lost its target
 * (MAPC with V = 0) is detached: the backend let go of it, but its LPI may have
 * stayed pending.
 *
 * What concerns one event takes the same few instructions however many there
 * are. What concerns many (MAPD, MAPC, MOVALL) is a *task*: done in parts, each
 * until vits.work reaches vits.work_end, so that nobody is held up for long. The next
 * command waits for it. A task touches each event once; between two parts some
 * events are as before and others as after the command, none is in between.
 *
 * All functions here belong to the owner of the command side, save
 * vits_translate() in shadow.c.
 */
#ifndef VITSMOD_SHADOW_H
#define VITSMOD_SHADOW_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vits.h"

/* ICIDs are 16 bits wide: GITS_TYPER.CIL is 0. */
#define NR_COLLECTIONS 65536u

/* A named function: the shadow's DTE. */
struct shadow_function {
	/* Constant. */
	uint32_t devid;
	uint32_t nr_events;
	uint32_t first; /* of its events, in shadow.events */
	uint16_t index; /* of the function, in the configuration */

	/* Owner. */
	bool mapped;
	uint8_t eventid_bits; /* of its ITT */
	uint64_t itt;	      /* guest physical address */
	uint32_t nr_mapped;   /* how many of its events are */
};

_Static_assert(VITS_MAX_LPIS <= UINT16_MAX, "a number among the LPIs has 16 bits");

/* A collection, remembered while assigned events are in it. */
struct shadow_collection {
	uint16_t nr_events; /* assigned events that are in it */
	uint16_t first;	    /* of the ring that they form, by their LPIs */
	uint16_t vcpu;
	bool mapped;
};

/* The neighbours of an assigned event in its collection, by their LPIs. */
struct shadow_link {
	uint16_t next;
	uint16_t prev;
};

enum shadow_task_kind { NO_TASK, TASK_DEVICE, TASK_COLLECTION, TASK_MOVE_ALL };

/* A command that concerns many events, and how far it got. */
struct shadow_task {
	enum shadow_task_kind kind;
	/* The next to look at: an EventID; nothing, as the ring turns; an LPI. */
	uint32_t next;
	uint32_t left; /* events that are still to be met */

	/* TASK_DEVICE: all its events go, then it is mapped so. */
	struct shadow_function *function;
	uint64_t itt;
	unsigned eventid_bits; /* 0: it is not mapped */

	/* TASK_COLLECTION: its events go where it went. */
	uint32_t icid;

	/* TASK_MOVE_ALL */
	uint32_t from;
	uint32_t to;
};

/* Bits of a word of the set of untranslatable LPIs, and words for so many LPIs. */
#define SET_BITS	  64u
#define SET_WORDS(nr_lpi) (((nr_lpi) + SET_BITS - 1) / SET_BITS)

struct shadow {
	struct shadow_function *functions; /* [nr_functions], as in the configuration */
	size_t nr_functions;
	uint16_t *by_devid; /* [nr_functions], indices into functions, DeviceIDs ascending */
	_Atomic uint64_t *events;
	uint32_t nr_events;
	uint32_t nr_mapped; /* of them */
	uint32_t nr_lpis;
	uint32_t *owner;	   /* [nr_lpis], which assigned event has the LPI */
	struct shadow_link *links; /* [nr_lpis], of the event that has it */
	struct shadow_collection *collections;

	/*
	 * LPIs of events that were targeted and wait to become translatable: a set, for an
	 * event may come and go again, and those of one batch can lie anywhere.
	 * untranslatable_words says which words of it are not 0.
	 */
	uint64_t *untranslatable; /* [SET_WORDS(nr_lpis)] */
	uint64_t untranslatable_words[SET_WORDS(SET_WORDS(VITS_MAX_LPIS))];
	bool any_untranslatable;

	struct shadow_task task;
};

/* An assigned event, unpacked. */
struct shadow_event {
	struct shadow_function *function;
	uint32_t eventid;
	bool mapped;
	bool targeted;
	bool translatable;
	bool detached;
	uint32_t intid; /* of a mapped event */
	uint32_t icid;	/* of a mapped event */
	uint32_t
		vcpu; /* of a targeted event: where the backend has it; of a detached one: had it */
};

/* Make an empty shadow. 0 or -ENOMEM; what was made so far is for shadow_fini(). */
int shadow_init(struct shadow *shadow, const struct vits_config *config)
	__attribute__((warn_unused_result));
void shadow_fini(struct shadow *shadow);

/* The function with this DeviceID; NULL if none is named so. */
struct shadow_function *shadow_find(struct vits *v, uint32_t devid);

/* Its index in the configuration. */
uint32_t shadow_function_index(const struct vits *v, const struct shadow_function *function);

/* Look at an assigned event. eventid must be below function->nr_events. */
void shadow_get(struct vits *v, struct shadow_function *function, uint32_t eventid,
		struct shadow_event *ret_event);

/* Find the assigned event that has this LPI. False if none has. */
bool shadow_owner(struct vits *v, uint32_t intid, struct shadow_event *ret_event);

/*
 * Does the shadow speak for this collection? It does while assigned events are in
 * it. NULL: the guest's table is the truth.
 */
const struct shadow_collection *shadow_collection(struct vits *v, uint32_t icid);

/* May an event of this ITS have the LPI, as far as other ITSs go? The claim stays. */
bool shadow_claim(struct vits *v, uint32_t intid);
void shadow_release(struct vits *v, uint32_t intid);

/* Map a function of which no event is mapped. */
void shadow_map_device(struct vits *v, struct shadow_function *function, uint64_t itt,
		       unsigned eventid_bits);
/*
 * MAPD: forget a function's mapping and all its events, and their pending state;
 * then map it, unless eventid_bits is 0. A task.
 */
void shadow_remap_device(struct vits *v, struct shadow_function *function, uint64_t itt,
			 unsigned eventid_bits);

/* Hand the backend an LPI update on an assigned event that is targeted, or was until now. */
void shadow_emit(struct vits *v, enum vits_lpi_op op, const struct shadow_event *event);

/*
 * MAPTI. The event must be unmapped, the LPI in range, claimed, and no assigned event's.
 * collection says what is known of the event's collection.
 */
void shadow_map_event(struct vits *v, struct shadow_event *event,
		      const struct shadow_collection *collection);
/* DISCARD: the event and its pending state go; what event says is not true any more. */
void shadow_unmap_event(struct vits *v, const struct shadow_event *event);
/* MOVI: to a mapped collection. The event must be targeted. */
void shadow_move_event(struct vits *v, struct shadow_event *event, uint32_t icid,
		       const struct shadow_collection *to);
/* CLEAR on a detached event: what stayed pending goes. */
void shadow_clear_detached(struct vits *v, struct shadow_event *event);

/* MAPC: assigned events in the collection go where it goes. A task. */
void shadow_map_collection(struct vits *v, uint32_t icid, uint32_t vcpu);
void shadow_unmap_collection(struct vits *v, uint32_t icid);

/*
 * Restore (state.c): what is known about a collection and its events without a
 * command having said so. The collection's events are not told: each is to be
 * targeted, where the backend has it, or to be detached where it had it.
 */
void shadow_set_target(struct vits *v, uint32_t icid, uint32_t vcpu);
void shadow_target_event(struct vits *v, struct shadow_event *event, uint32_t vcpu);
void shadow_set_detached(struct vits *v, struct shadow_event *event, uint32_t vcpu);

/*
 * MOVALL: what the backend has at one vCPU it has at another from now on. The
 * LPI update is the caller's. A task.
 */
void shadow_move_all(struct vits *v, uint32_t from, uint32_t to);

/*
 * Do what is left of the task, until vits.work reaches vits.work_end. True: there is
 * none (any more). It gets further at each call, however little work is allowed.
 */
bool shadow_go_on(struct vits *v);

/*
 * A table was taken away or replaced (GITS_BASER<n>), or does not say any more what it said.
 * At once, whatever work it is.
 */
void shadow_drop_device(struct vits *v, struct shadow_function *function);
void shadow_drop_collection(struct vits *v, uint32_t icid);
void shadow_drop_devices(struct vits *v);
void shadow_drop_collections(struct vits *v);

/* The backend has caught up: targeted events may be translated from now on. */
void shadow_make_translatable(struct vits *v);

#endif
