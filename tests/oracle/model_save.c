// SPDX-License-Identifier: MIT
/*
 * The model: saving the machine, and restoring it. Linux
 * Documentation/virt/kvm/devices/arm-vgic-its.rst.
 */
#include "tests/oracle/model_priv.h"
#include "vitsmod/bits.h"

/*
 * vits: the tables are brought in line; whoever takes over reads configuration
 * bytes anew.
 */

/* Call step for each event that there can be of functions that are mapped. */
static bool for_live_slots(struct model *m,
			   bool (*step)(struct model *m, const struct model_device *device,
					uint32_t eventid))
{
	bool good = true;

	for (size_t f = 0; f < m->script->nr_functions; f++) {
		const struct script_function *function = &m->script->functions[f];
		const struct model_device *device = model_find_device(m, function->devid);

		for (uint32_t e = 0; device && e < function->nr_events; e++) {
			if (!model_event_oor(device, e))
				good &= step(m, device, e);
		}
	}
	return good;
}

static bool save_slot(struct model *m, const struct model_device *device, uint32_t eventid)
{
	const struct model_event none = { .eventid = eventid };
	const struct model_event *event = model_find_inside(m, device->devid, eventid);

	model_write_ite(m, device, event ? *event : none);
	return true;
}

/* Not if another function, with an ITT at the same place, undid it. */
static bool slot_is_saved(struct model *m, const struct model_device *device, uint32_t eventid)
{
	const struct model_event *event = model_find_inside(m, device->devid, eventid);
	const struct model_event *memory = model_find_in_memory(m, device->itt, eventid);

	if (!event || !memory)
		return !event && !memory;
	return event->intid == memory->intid && event->icid == memory->icid;
}

bool model_save_tables(struct model *m)
{
	if (!(m->rules & RULE_BIT(RULE_OTHERS_IN_MEMORY)))
		return model_can_save(m);
	for_live_slots(m, save_slot);
	return for_live_slots(m, slot_is_saved);
}

/*
 * Others: the ITS forgets all, and has it back from its tables.
 */

static bool collections_are_whole(struct model *m)
{
	for (size_t i = 0; i < m->nr_collections; i++) {
		if (!model_collection_in_table(m, m->collections[i].icid))
			return false;
	}
	return true;
}

/* Can a reader of all entries read them, and know whose they are? */
static bool itts_are_whole(struct model *m)
{
	for (size_t i = 0; i < m->nr_devices; i++) {
		const struct model_device *device = &m->devices[i];

		if (guest_itt_events(device->itt) < BIT64(device->bits))
			return false;
		for (size_t j = 0; j < i; j++) {
			if (m->devices[j].itt == device->itt)
				return false;
		}
	}
	return true;
}

/* The LPI of an event, from the event's entry and the pending table of its target. */
static void restore_lpi(struct model *m, struct model_event *event)
{
	struct model_lpi *lpi = model_know_lpi(m, event->intid);
	uint32_t vcpu = model_target(m, event->icid);
	bool elsewhere = lpi->vcpu != vcpu;

	event->held = vcpu != NOBODY;
	event->stranded = false;
	if (model_takes_listed(m, lpi, vcpu))
		return;
	/* Nowhere is elsewhere: no pending table says so. */
	elsewhere = elsewhere || (vcpu == NOBODY && lpi->pending);
	if (elsewhere && rule(m, RULE_RESTORE_FORGETS_MOVALL)) {
		lpi->vcpu = vcpu;
		lpi->pending = false;
	}
	if (vcpu != NOBODY || rule(m, RULE_BYTE_READ_AT_MAPTI))
		model_read_byte(m, lpi);
}

/* DeviceID and EventID of b come later. */
static bool is_before(const struct model_event *a, const struct model_event *b)
{
	return a->devid < b->devid || (a->devid == b->devid && a->eventid < b->eventid);
}

/* Of the events that share an LPI, the first one makes it. */
static bool is_first(struct model *m, const struct model_event *event)
{
	for (size_t i = 0; i < m->nr_events; i++) {
		const struct model_event *other = &m->events[i];

		if (other->inside && other->intid == event->intid && is_before(other, event))
			return false;
	}
	return true;
}

static void restore_events(struct model *m)
{
	for (size_t i = m->nr_events; i-- > 0;) {
		struct model_lpi *lpi = model_know_lpi(m, m->events[i].intid);

		if (!m->events[i].lost)
			continue;
		model_remove_event(m, &m->events[i]);
		if (!model_lpi_exists(m, lpi->intid))
			*lpi = (struct model_lpi){ lpi->intid, NOBODY, .byte = lpi->byte };
	}
	for (size_t i = 0; i < m->nr_events; i++) {
		struct model_event *event = &m->events[i];

		if (is_first(m, event))
			restore_lpi(m, event);
		else
			event->held = model_target(m, event->icid) != NOBODY;
	}
}

static bool some_are_lost(const struct model *m)
{
	for (size_t i = 0; i < m->nr_events; i++) {
		if (m->events[i].lost)
			return true;
	}
	return false;
}

void model_save(struct model *m)
{
	bool whole, saved;

	if (m->rules & RULE_BIT(RULE_OTHERS_IN_MEMORY)) {
		saved = model_save_tables(m);
		for (size_t i = 0; saved && i < m->nr_events; i++) {
			if (m->events[i].held)
				model_read_byte(m, model_know_lpi(m, m->events[i].intid));
		}
		return;
	}
	m->saved_lost |= some_are_lost(m);
	whole = guest_table_is_whole(&m->table[TABLE_DEVICES_STEP]) && itts_are_whole(m) &&
		collections_are_whole(m);
	if (!whole && rule(m, RULE_RESTORE_READS_ALL))
		return;
	if (model_can_save(m))
		restore_events(m);
}
