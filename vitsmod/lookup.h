/* SPDX-License-Identifier: MIT */
/*
 * Who is right about a device, an event or a collection: the shadow where it
 * knows, else the guest's tables. IHI 0069 5.2.
 *
 * What the shadow knows wins over the tables. Each lookup of such a thing also
 * reads the table and counts a difference (vits_stats.shadow_differs): the
 * guest, or a device of its, wrote where only the ITS may write.
 *
 * All functions here belong to the owner of the command side.
 */
#ifndef VITSMOD_LOOKUP_H
#define VITSMOD_LOOKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "tables.h"
#include "vits_priv.h"

struct its_device {
	uint32_t devid;
	struct shadow_function *function; /* NULL: not a named one */
	bool has_slot;			  /* the device table has a readable entry for it */
	uint64_t slot;
	bool mapped;
	unsigned eventid_bits; /* of a mapped device */
	uint64_t itt;	       /* of a mapped device */
};

struct its_event {
	bool assigned;
	bool has_slot; /* the ITT has a readable entry for it */
	uint64_t slot;
	bool mapped;
	uint32_t intid;		    /* of a mapped event */
	uint32_t icid;		    /* of a mapped event */
	struct shadow_event shadow; /* of an assigned event */
};

struct its_collection {
	bool assigned; /* assigned events are in it: the shadow speaks */
	bool has_slot;
	uint64_t slot;
	bool mapped;
	uint32_t vcpu; /* of a mapped collection */
};

/* What the tables should say of things that the shadow knows. */
static inline struct dte shadow_dte(const struct shadow_function *function)
{
	return (struct dte){ function->mapped, function->eventid_bits, function->itt };
}

static inline struct ite shadow_ite(const struct shadow_event *event)
{
	return (struct ite){ event->mapped, event->intid, event->icid };
}

static inline struct cte shadow_cte(const struct shadow_collection *collection)
{
	return (struct cte){ collection->mapped, collection->vcpu };
}

void lookup_device(struct vits *v, uint32_t devid, struct its_device *ret_device);
/* The device must be mapped, and eventid within its ITT. */
void lookup_event(struct vits *v, const struct its_device *device, uint32_t eventid,
		  struct its_event *ret_event);
void lookup_collection(struct vits *v, uint32_t icid, struct its_collection *ret_collection);

/*
 * Forget the devices (with their events), or the collections (whose events lose
 * their target), that the tables do not hold as the shadow does. Owner.
 */
void lookup_drop_missing_devices(struct vits *v);
void lookup_drop_missing_collections(struct vits *v);

#endif
