// SPDX-License-Identifier: MIT
/*
 * Devices, events and collections, as the shadow and the tables have them.
 * IHI 0069 5.2.
 */
#include "lookup.h"

#include <assert.h>

void lookup_device(struct vits *v, uint32_t devid, struct its_device *ret_device)
{
	struct shadow_function *function = shadow_find(v, devid);
	struct its_device device = { .devid = devid, .function = function };
	uint64_t raw = 0;
	struct dte dte;

	device.has_slot = table_slot(v, TABLE_DEVICES, devid, &device.slot) &&
			  table_read(v, device.slot, &raw);
	if (function) {
		dte = shadow_dte(function);
		if (!dte_matches(v, devid, raw, &dte))
			vits_count(&v->counters.shadow_differs);
	} else {
		dte = dte_unpack(v, raw);
	}
	device.mapped = dte.valid;
	device.eventid_bits = dte.eventid_bits;
	device.itt = dte.itt;
	*ret_device = device;
}

void lookup_event(struct vits *v, const struct its_device *device, uint32_t eventid,
		  struct its_event *ret_event)
{
	struct its_event event = { .slot = ite_address(device->itt, eventid) };
	uint64_t raw = 0;
	struct ite ite;

	assert(device->mapped);
	assert(eventid < BIT64(device->eventid_bits));

	event.assigned = device->function && eventid < device->function->nr_events;
	event.has_slot = table_read(v, event.slot, &raw);
	if (event.assigned) {
		shadow_get(v, device->function, eventid, &event.shadow);
		ite = shadow_ite(&event.shadow);
		if (!ite_matches(v, raw, ite_pack(eventid, device->eventid_bits, &ite)))
			vits_count(&v->counters.shadow_differs);
	} else {
		ite = ite_unpack(v, raw);
	}
	event.mapped = ite.valid;
	event.intid = ite.intid;
	event.icid = ite.icid;
	*ret_event = event;
}

void lookup_collection(struct vits *v, uint32_t icid, struct its_collection *ret_collection)
{
	const struct shadow_collection *shadow = shadow_collection(v, icid);
	struct its_collection collection = { .assigned = shadow };
	uint64_t raw = 0;
	struct cte cte;

	collection.has_slot = table_slot(v, TABLE_COLLECTIONS, icid, &collection.slot) &&
			      table_read(v, collection.slot, &raw);
	if (shadow) {
		cte = shadow_cte(shadow);
		if (!cte_matches(v, icid, raw, &cte))
			vits_count(&v->counters.shadow_differs);
	} else {
		cte = cte_unpack(v, icid, raw);
	}
	collection.mapped = cte.valid;
	collection.vcpu = cte.vcpu;
	*ret_collection = collection;
}

void lookup_drop_missing_devices(struct vits *v)
{
	for (size_t f = 0; f < v->shadow.nr_functions; f++) {
		struct shadow_function *function = &v->shadow.functions[f];
		struct dte dte = shadow_dte(function);
		uint64_t slot, raw;

		if (!function->mapped)
			continue;
		if (!table_slot(v, TABLE_DEVICES, function->devid, &slot) ||
		    !table_read(v, slot, &raw) || !dte_matches(v, function->devid, raw, &dte))
			shadow_drop_device(v, function);
	}
}

void lookup_drop_missing_collections(struct vits *v)
{
	for (uint32_t icid = 0; icid < NR_COLLECTIONS; icid++) {
		const struct shadow_collection *collection = shadow_collection(v, icid);
		uint64_t slot, raw;
		struct cte cte;

		if (!collection || !collection->mapped)
			continue;
		cte = shadow_cte(collection);
		if (!table_slot(v, TABLE_COLLECTIONS, icid, &slot) || !table_read(v, slot, &raw) ||
		    !cte_matches(v, icid, raw, &cte))
			shadow_drop_collection(v, icid);
	}
}
