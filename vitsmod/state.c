// SPDX-License-Identifier: MIT
/*
 * Saving an ITS, and restoring one. IHI 0069 5.2 (tables), 12.18 (registers);
 * Linux Documentation/virt/kvm/devices/arm-vgic-its.rst (the layout, and the
 * order of a restore: registers, tables, GITS_CTLR last).
 *
 * Saving brings the guest's tables in line with the shadow. Restoring reads
 * the entries of the named functions back into an empty shadow, each once, and
 * tells the backend only when all of them have turned out to be there. What
 * belongs to no function is in the tables alone and needs neither.
 *
 * Locks: vits.lock, in the register functions. The command side is owned
 * throughout.
 *
 * Not here: a format for files. struct vits_state is what a file has to say.
 */
#include "vits.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "audit.h"
#include "cmdq.h"
#include "lookup.h"
#include "regs.h"
#include "tables.h"
#include "vits_priv.h"

/* Call step for each assigned event that is mapped, ascending. */
static void for_mapped_events(struct vits *v, void (*step)(void *arg, struct shadow_event *event),
			      void *arg)
{
	for (size_t f = 0; f < v->shadow.nr_functions; f++) {
		struct shadow_function *function = &v->shadow.functions[f];

		for (uint32_t i = 0; i < function->nr_events && function->nr_mapped; i++) {
			struct shadow_event event;

			shadow_get(v, function, i, &event);
			if (event.mapped)
				step(arg, &event);
		}
	}
}

static const struct shadow_collection *collection_of(struct vits *v,
						     const struct shadow_event *event)
{
	const struct shadow_collection *collection = shadow_collection(v, event->icid);

	assert(collection); /* the event is in it */

	return collection;
}

static uint32_t count_devices(const struct vits *v)
{
	uint32_t nr = 0;

	for (size_t f = 0; f < v->shadow.nr_functions; f++)
		nr += v->shadow.functions[f].mapped;
	return nr;
}

/*
 * Save
 */

static void write_difference(void *arg, const struct vits_difference *difference)
{
	struct vits *v = arg;

	/* Whether it worked is seen when the tables are read again. */
	if (difference->readable)
		(void)table_write(v, difference->gpa, difference->shadow);
}

static void note_difference(void *arg, const struct vits_difference *difference)
{
	bool *differs = arg;

	(void)difference;
	*differs = true;
}

/* Make the tables say what the shadow says. */
static int save_tables(struct vits *v)
{
	bool differs = false;

	audit_tables(v, write_difference, v);
	/*
	 * Read all of it again: an entry may have refused the write, and tables
	 * that the guest laid over each other may have undone one.
	 */
	audit_tables(v, note_difference, &differs);
	return differs ? -EFAULT : 0;
}

struct saving {
	struct vits *v;
	struct vits_state *state;
	size_t max_places; /* room in state->places */
};

/*
 * Choice: what the tables cannot say is listed beside them: which vCPU has an
 * event's LPI since MOVALL took it along, and which may have it pending since
 * the event's collection lost its target. Both are rare; without them an
 * interrupt could get lost, or show up under the LPI's next event.
 */
static void save_event(void *arg, struct shadow_event *event)
{
	struct saving *saving = arg;
	struct vits_state *state = saving->state;
	const struct shadow_collection *collection = collection_of(saving->v, event);

	assert(event->targeted == collection->mapped);
	assert(event->translatable == event->targeted);

	state->nr_events++;
	state->nr_delivering += event->targeted;
	if (!event->detached && (!event->targeted || event->vcpu == collection->vcpu))
		return;
	if (state->nr_places < saving->max_places)
		state->places[state->nr_places] = (struct vits_place){
			.function = event->function->index,
			.eventid = event->eventid,
			.vcpu = event->vcpu,
		};
	state->nr_places++;
}

/* The first pass counts the places, the second fills them in. */
static int save_events(struct vits *v, struct vits_state *state)
{
	struct saving saving = { .v = v, .state = state };

	for_mapped_events(v, save_event, &saving);
	if (state->nr_places == 0)
		return 0;
	state->places = calloc(state->nr_places, sizeof(*state->places));
	if (!state->places)
		return -ENOMEM;
	saving.max_places = state->nr_places;
	state->nr_places = 0;
	state->nr_events = 0;
	state->nr_delivering = 0;
	for_mapped_events(v, save_event, &saving);
	assert(state->nr_places == saving.max_places);
	return 0;
}

int vits_save(struct vits *v, struct vits_state *ret_state)
{
	struct vits_state state = { 0 };
	int r;

	assert(ret_state);

	if (!cmdq_claim_idle(v))
		return -EBUSY;
	regs_save(v, &state);
	state.nr_devices = count_devices(v);
	r = save_tables(v);
	if (r == 0)
		r = save_events(v, &state);
	/* Running what is in the queue would change what was just saved. */
	cmdq_release(v);
	if (r < 0)
		return r;
	*ret_state = state;
	return 0;
}

void vits_state_fini(struct vits_state *state)
{
	free(state->places);
	*state = (struct vits_state){ 0 };
}

/*
 * Restore
 */

static bool place_is_valid(const struct vits *v, const struct vits_place *place)
{
	return place->function < v->shadow.nr_functions &&
	       place->eventid < v->shadow.functions[place->function].nr_events &&
	       place->vcpu < v->config.nr_vcpus;
}

static bool is_before(const struct vits_place *a, const struct vits_place *b)
{
	return a->function < b->function || (a->function == b->function && a->eventid < b->eventid);
}

static bool places_are_valid(const struct vits *v, const struct vits_state *state)
{
	if (state->nr_places > state->nr_events || (state->nr_places && !state->places))
		return false;
	for (size_t i = 0; i < state->nr_places; i++) {
		if (!place_is_valid(v, &state->places[i]))
			return false;
		if (i > 0 && !is_before(&state->places[i - 1], &state->places[i]))
			return false;
	}
	return true;
}

/*
 * Read one ITE. An entry that makes no sense is none, as everywhere; if it was
 * an event's the count will tell. -EFAULT if another event, of this ITS or of
 * another one, has the LPI already.
 */
static int read_event(struct vits *v, struct shadow_function *function, uint32_t eventid)
{
	static const struct shadow_collection no_target = { .mapped = false };
	struct shadow_event event;
	struct shadow_event other;
	uint64_t raw;
	struct ite ite;

	if (!table_read(v, ite_address(function->itt, eventid), &raw))
		return 0;
	ite = ite_unpack(v, raw);
	if (!ite.valid)
		return 0;
	if (shadow_owner(v, ite.intid, &other) || !shadow_claim(v, ite.intid))
		return -EFAULT;
	shadow_get(v, function, eventid, &event);
	event.intid = ite.intid;
	event.icid = ite.icid;
	shadow_map_event(v, &event, &no_target);
	return 0;
}

/* Read a function's DTE and the ITEs of its assigned events. */
static int read_function(struct vits *v, struct shadow_function *function)
{
	uint64_t slot, raw;
	struct dte dte;

	if (!table_slot(v, TABLE_DEVICES, function->devid, &slot) || !table_read(v, slot, &raw))
		return 0;
	dte = dte_unpack(v, raw);
	if (!dte.valid)
		return 0;
	shadow_map_device(v, function, dte.itt, dte.eventid_bits);
	for (uint32_t i = 0; i < function->nr_events && i < BIT64(dte.eventid_bits); i++) {
		int r = read_event(v, function, i);

		if (r < 0)
			return r;
	}
	return 0;
}

/* Read the CTEs of the collections that assigned events are in. */
static void read_collections(struct vits *v)
{
	for (uint32_t icid = 0; icid < NR_COLLECTIONS; icid++) {
		uint64_t slot, raw;
		struct cte cte;

		if (!shadow_collection(v, icid) || !table_slot(v, TABLE_COLLECTIONS, icid, &slot) ||
		    !table_read(v, slot, &raw))
			continue;
		cte = cte_unpack(v, icid, raw);
		if (cte.valid)
			shadow_set_target(v, icid, cte.vcpu);
	}
}

/* A pass over the events that were read. */
struct restoring {
	struct vits *v;
	const struct vits_state *state;
	size_t nr_places; /* met so far: events and places both ascend */
	uint32_t nr_events;
	uint32_t nr_delivering;
};

/* The event's place, if the state lists one. */
static const struct vits_place *next_place(struct restoring *restoring,
					   const struct shadow_event *event)
{
	const struct vits_state *state = restoring->state;
	const struct vits_place *place;

	if (restoring->nr_places == state->nr_places)
		return NULL;
	place = &state->places[restoring->nr_places];
	if (&restoring->v->shadow.functions[place->function] != event->function ||
	    place->eventid != event->eventid)
		return NULL;
	restoring->nr_places++;
	return place;
}

static void count_event(void *arg, struct shadow_event *event)
{
	struct restoring *restoring = arg;

	restoring->nr_events++;
	restoring->nr_delivering += collection_of(restoring->v, event)->mapped;
	(void)next_place(restoring, event);
}

static void take_event(void *arg, struct shadow_event *event)
{
	struct restoring *restoring = arg;
	const struct shadow_collection *collection = collection_of(restoring->v, event);
	const struct vits_place *place = next_place(restoring, event);

	if (collection->mapped)
		shadow_target_event(restoring->v, event, place ? place->vcpu : collection->vcpu);
	else if (place)
		shadow_set_detached(restoring->v, event, place->vcpu);
}

/*
 * Choice: a restore takes all that was saved or nothing. Memory that lacks an
 * entry is not the memory that was saved, and a guest that goes on with it has
 * a device that has fallen silent for no reason that anyone can see.
 */
static int read_tables(struct vits *v, const struct vits_state *state)
{
	struct restoring found = { .v = v, .state = state };
	int r;

	for (size_t f = 0; f < v->shadow.nr_functions; f++) {
		r = read_function(v, &v->shadow.functions[f]);
		if (r < 0)
			return r;
	}
	read_collections(v);
	for_mapped_events(v, count_event, &found);
	if (count_devices(v) != state->nr_devices || found.nr_events != state->nr_events ||
	    found.nr_delivering != state->nr_delivering || found.nr_places != state->nr_places)
		return -EFAULT;
	return 0;
}

static int restore(struct vits *v, const struct vits_state *state)
{
	struct restoring taking = { .v = v, .state = state };
	uint64_t nr_updates = v->nr_updates;
	int r;

	if (!regs_are_valid(v, state) || !places_are_valid(v, state))
		return -EINVAL;
	regs_restore(v, state);
	r = read_tables(v, state);
	if (r < 0) {
		shadow_drop_devices(v);
		regs_reset(v);
		assert(v->nr_updates == nr_updates);
		return r;
	}
	for_mapped_events(v, take_event, &taking);
	cmdq_settle(v);
	regs_restore_enabled(v, state);
	return 0;
}

int vits_restore(struct vits *v, const struct vits_state *state)
{
	int r = -EBUSY;

	assert(state);

	if (!cmdq_claim_idle(v))
		return -EBUSY;
	if (regs_are_reset(v))
		r = restore(v, state);
	cmdq_release(v);
	return r;
}
