// SPDX-License-Identifier: MIT
/*
 * The model: devices, collections, events, LPIs, and the commands. IHI 0069
 * 5.2, 5.3. The guest's side and the looking are in model_guest.c.
 */
#include "tests/oracle/model.h"

#include <assert.h>

#include "tests/oracle/model_priv.h"
#include "vitsmod/vits.h"

#define NO_NUMBER UINT32_MAX /* ignored; the architecture has no number for it */

/*
 * Devices and collections
 */

struct model_device *model_find_device(struct model *m, uint32_t devid)
{
	for (size_t i = 0; i < m->nr_devices; i++) {
		if (m->devices[i].devid == devid)
			return &m->devices[i];
	}
	return NULL;
}

static struct model_collection *find_collection(struct model *m, uint32_t icid)
{
	for (size_t i = 0; i < m->nr_collections; i++) {
		if (m->collections[i].icid == icid)
			return &m->collections[i];
	}
	return NULL;
}

static struct model_collection *know_collection(struct model *m, uint32_t icid)
{
	struct model_collection *collection = find_collection(m, icid);

	if (collection)
		return collection;
	assert(m->nr_collections < SCRIPT_STEPS);
	collection = &m->collections[m->nr_collections++];
	*collection = (struct model_collection){ icid, NOBODY };
	return collection;
}

/* The vCPU that a collection is mapped to. */
uint32_t model_target(struct model *m, uint32_t icid)
{
	const struct model_collection *collection = find_collection(m, icid);

	return collection ? collection->vcpu : NOBODY;
}

static bool device_in_table(struct model *m, uint32_t devid)
{
	return guest_table_reaches(&m->table[TABLE_DEVICES_STEP],
				   (unsigned)m->script->cfg[CFG_DEVID_BITS], devid);
}

bool model_collection_in_table(struct model *m, uint32_t icid)
{
	return guest_table_reaches(&m->table[TABLE_COLLECTIONS_STEP], 16, icid);
}

static bool device_oor(struct model *m, uint32_t devid)
{
	if (device_in_table(m, devid))
		return false;
	return !(model_find_device(m, devid) && rule(m, RULE_TABLE_CHANGE_KEEPS));
}

static bool collection_oor(struct model *m, uint32_t icid)
{
	if (model_collection_in_table(m, icid))
		return false;
	return !(find_collection(m, icid) && rule(m, RULE_TABLE_CHANGE_KEEPS));
}

bool model_event_oor(const struct model_device *device, uint32_t eventid)
{
	return eventid >= UINT64_C(1) << device->bits || eventid >= guest_itt_events(device->itt);
}

/* RDbase is the number of a PE. */
static bool rdbase_oor(struct model *m, uint64_t *rdbase)
{
	if (*rdbase > UINT32_MAX && rule(m, RULE_RDBASE_32_BITS))
		*rdbase &= UINT32_MAX;
	return *rdbase >= m->script->cfg[CFG_VCPUS];
}

static bool lpi_oor(struct model *m, uint32_t intid)
{
	if (intid < VITS_LPI_BASE || intid - VITS_LPI_BASE >= m->script->cfg[CFG_LPIS])
		return true;
	return m->script->cfg[CFG_NO_PROPBASER] && rule(m, RULE_MAPTI_NEEDS_PROPBASER);
}

/*
 * LPIs
 */

struct model_lpi *model_know_lpi(struct model *m, uint32_t intid)
{
	for (size_t i = 0; i < m->nr_lpis; i++) {
		if (m->lpis[i].intid == intid)
			return &m->lpis[i];
	}
	assert(m->nr_lpis < SCRIPT_STEPS);
	m->lpis[m->nr_lpis] = (struct model_lpi){ .intid = intid, .vcpu = NOBODY };
	return &m->lpis[m->nr_lpis++];
}

/* KVM puts an LPI that is pending, enabled and targeted on a list of the vCPU's. */
static void list(struct model *m, struct model_lpi *lpi)
{
	if (!(m->rules & RULE_BIT(RULE_LISTED_LPI_STAYS)) || !m->script->cfg[CFG_GROUP])
		return;
	if (lpi->pending && lpi->enabled && lpi->vcpu != NOBODY)
		lpi->listed = true;
}

void model_read_byte(struct model *m, struct model_lpi *lpi)
{
	lpi->enabled = lpi->byte & 1;
	list(m, lpi);
}

static void raise(struct model *m, struct model_lpi *lpi)
{
	lpi->pending = true;
	list(m, lpi);
}

/*
 * Events
 */

/* Is this an event that the ITS remembers by itself? */
static bool is_inside(struct model *m, uint32_t devid, uint32_t eventid)
{
	int function = script_function(m->script, devid);

	if (function >= 0 && eventid < m->script->functions[function].nr_events)
		return true;
	return !rule(m, RULE_OTHERS_IN_MEMORY);
}

struct model_event *model_find_inside(struct model *m, uint32_t devid, uint32_t eventid)
{
	for (size_t i = 0; i < m->nr_events; i++) {
		struct model_event *e = &m->events[i];

		if (e->inside && e->devid == devid && e->eventid == eventid)
			return e;
	}
	return NULL;
}

struct model_event *model_find_in_memory(struct model *m, uint64_t itt, uint32_t eventid)
{
	for (size_t i = 0; i < m->nr_events; i++) {
		struct model_event *e = &m->events[i];

		if (!e->inside && e->itt == itt && e->eventid == eventid)
			return e;
	}
	return NULL;
}

static struct model_event *find_event(struct model *m, const struct model_device *device,
				      uint32_t eventid)
{
	return is_inside(m, device->devid, eventid) ? model_find_inside(m, device->devid, eventid)
						    : model_find_in_memory(m, device->itt, eventid);
}

struct model_event *model_owner(struct model *m, uint32_t intid,
				const struct model_event *other_than)
{
	for (size_t i = 0; i < m->nr_events; i++) {
		struct model_event *e = &m->events[i];

		if (e->inside && e->intid == intid && e != other_than)
			return e;
	}
	return NULL;
}

static void add_event(struct model *m, const struct model_event *event)
{
	assert(m->nr_events < 2 * SCRIPT_STEPS);
	m->events[m->nr_events++] = *event;
}

void model_remove_event(struct model *m, struct model_event *event)
{
	*event = m->events[--m->nr_events];
}

void model_write_ite(struct model *m, const struct model_device *device, struct model_event event)
{
	struct model_event *old = model_find_in_memory(m, device->itt, event.eventid);

	if (!(m->rules & RULE_BIT(RULE_OTHERS_IN_MEMORY)))
		return;
	if (old)
		model_remove_event(m, old);
	event.inside = false;
	event.devid = device->devid;
	event.itt = device->itt;
	if (event.intid)
		add_event(m, &event);
}

static uint32_t target_of(struct model *m, const struct model_event *event)
{
	return event->lost ? NOBODY : model_target(m, event->icid);
}

/* The event got a target: where its LPI is from now on, pending or not. */
static void hold(struct model *m, struct model_event *event, uint32_t vcpu)
{
	event->held = true;
	event->stranded = false;
	model_know_lpi(m, event->intid)->vcpu = vcpu;
}

/* The event's target changed, or may have. */
static void retarget(struct model *m, struct model_event *event, uint32_t to)
{
	struct model_lpi *lpi = model_know_lpi(m, event->intid);

	if (!event->held) {
		hold(m, event, to);
		if (lpi->enabled != (lpi->byte & 1) && !rule(m, RULE_BYTE_READ_AT_MAPTI))
			model_read_byte(m, lpi);
		return;
	}
	lpi->vcpu = to;
}

static void lose_target(struct model *m, struct model_event *event)
{
	event->stranded = event->stranded || event->held;
	event->held = false;
	if (!event->lost && rule(m, RULE_MAPC_OFF_LOSES_EVENTS))
		event->lost = true;
}

bool model_takes_listed(struct model *m, struct model_lpi *lpi, uint32_t vcpu)
{
	if (!lpi->listed || !rule(m, RULE_LISTED_LPI_STAYS))
		return false;
	if (lpi->vcpu != vcpu && rule(m, RULE_MAPTI_MOVES_LISTED))
		lpi->vcpu = vcpu;
	return true;
}

/* A new event's LPI. */
static void map_lpi(struct model *m, struct model_event *event)
{
	struct model_lpi *lpi = model_know_lpi(m, event->intid);
	uint32_t vcpu = target_of(m, event);

	if (model_owner(m, event->intid, event) || model_takes_listed(m, lpi, vcpu)) {
		event->held = vcpu != NOBODY;
		return;
	}
	if (vcpu != NOBODY) {
		hold(m, event, vcpu);
		model_read_byte(m, lpi);
	} else if (rule(m, RULE_BYTE_READ_AT_MAPTI)) {
		model_read_byte(m, lpi);
	}
}

/* Forget a remembered event, and with it what is pending. */
static void release(struct model *m, struct model_event *event)
{
	struct model_lpi *lpi = model_know_lpi(m, event->intid);
	bool had_target = event->held || event->stranded;

	model_remove_event(m, event);
	if (model_owner(m, lpi->intid, NULL))
		return; /* RULE_LPI_SHARED was asked at MAPTI */
	if (lpi->listed && rule(m, RULE_LISTED_LPI_STAYS))
		return;
	/* Without a target, only an entry in memory can have made it pending. */
	if (had_target || !(m->rules & RULE_BIT(RULE_OTHERS_IN_MEMORY)))
		*lpi = (struct model_lpi){ lpi->intid, NOBODY, .byte = lpi->byte };
}

static void forget_device(struct model *m, uint32_t devid)
{
	struct model_device *device = model_find_device(m, devid);

	for (size_t i = m->nr_events; i-- > 0;) {
		if (m->events[i].inside && m->events[i].devid == devid)
			release(m, &m->events[i]);
	}
	if (device)
		*device = m->devices[--m->nr_devices];
}

static void forget_collection(struct model *m, uint32_t icid)
{
	struct model_collection *collection = find_collection(m, icid);

	for (size_t i = 0; i < m->nr_events; i++) {
		if (m->events[i].inside && m->events[i].icid == icid && !m->events[i].lost)
			lose_target(m, &m->events[i]);
	}
	if (collection)
		*collection = m->collections[--m->nr_collections];
}

void model_drop_table(struct model *m, unsigned table, bool replaced)
{
	bool any = table == TABLE_DEVICES_STEP ? m->nr_devices : m->nr_collections;

	if (any && replaced && rule(m, RULE_TABLE_CHANGE_KEEPS))
		return;
	while (table == TABLE_DEVICES_STEP && m->nr_devices)
		forget_device(m, m->devices[0].devid);
	while (table == TABLE_COLLECTIONS_STEP && m->nr_collections)
		forget_collection(m, m->collections[0].icid);
}

/*
 * Commands. Each returns 0 or its error number.
 */

static uint32_t run_mapd(struct model *m, const struct step *s)
{
	uint32_t devid = (uint32_t)s->arg[ARG_DEV];

	if (!device_in_table(m, devid))
		return 0x010801;
	if (s->arg[ARG_V] && s->arg[ARG_SIZE] + 1 > m->script->cfg[CFG_EVENTID_BITS])
		return 0x010802;
	forget_device(m, devid);
	if (!s->arg[ARG_V])
		return 0;
	assert(m->nr_devices < SCRIPT_STEPS);
	m->devices[m->nr_devices++] = (struct model_device){
		.devid = devid,
		.itt = s->arg[ARG_ITT],
		.bits = (unsigned)s->arg[ARG_SIZE] + 1,
	};
	return 0;
}

static uint32_t run_mapc(struct model *m, const struct step *s)
{
	uint32_t icid = (uint32_t)s->arg[ARG_ICID];
	uint64_t vcpu = s->arg[ARG_RD];

	if (collection_oor(m, icid))
		return 0x010903;
	if (s->arg[ARG_V] && rdbase_oor(m, &vcpu))
		return 0x010902;
	if (!s->arg[ARG_V]) {
		if ((m->rules & RULE_BIT(RULE_MAPC_OFF_CHECKS_RDBASE)) && rdbase_oor(m, &vcpu) &&
		    rule(m, RULE_MAPC_OFF_CHECKS_RDBASE))
			return 0x010902;
		forget_collection(m, icid);
		return 0;
	}
	know_collection(m, icid)->vcpu = (uint32_t)vcpu;
	for (size_t i = 0; i < m->nr_events; i++) {
		struct model_event *e = &m->events[i];

		if (e->inside && e->icid == icid && !e->lost)
			retarget(m, e, (uint32_t)vcpu);
	}
	return 0;
}

/* MAPTI and MAPI; bad_intid is the number for an INTID that will not do. */
static uint32_t map_event(struct model *m, const struct step *s, uint32_t intid, uint32_t bad_intid)
{
	struct model_event event = {
		.devid = (uint32_t)s->arg[ARG_DEV],
		.eventid = (uint32_t)s->arg[ARG_EVENT],
		.intid = intid,
		.icid = (uint32_t)s->arg[ARG_ICID],
	};
	uint32_t number = s->kind == STEP_MAPTI ? 0x010a00 : 0x010b00;
	struct model_device *device = model_find_device(m, event.devid);
	struct model_event *old;
	bool shared;

	if (device_oor(m, event.devid))
		return number | 0x01;
	if (collection_oor(m, event.icid))
		return number | 0x03;
	if (!device)
		return number | 0x04;
	if (model_event_oor(device, event.eventid))
		return number | 0x05;
	if (lpi_oor(m, intid))
		return number | bad_intid;
	/* Two events on one LPI, and MAPTI on a mapped event, are UNPREDICTABLE. */
	old = find_event(m, device, event.eventid);
	shared = model_owner(m, intid, old);
	if (shared && !(m->rules & RULE_BIT(RULE_LPI_SHARED)))
		return number | bad_intid;
	if (old)
		return NO_NUMBER;
	if (intid == m->script->cfg[CFG_FOREIGN])
		return number | bad_intid;
	if (shared)
		rule(m, RULE_LPI_SHARED);

	know_collection(m, event.icid);
	model_write_ite(m, device, event);
	event.inside = is_inside(m, event.devid, event.eventid);
	if (!event.inside)
		return 0;
	add_event(m, &event);
	map_lpi(m, &m->events[m->nr_events - 1]);
	return 0;
}

static uint32_t run_mapti(struct model *m, const struct step *s)
{
	return map_event(m, s, (uint32_t)s->arg[ARG_INTID], 0x06);
}

static uint32_t run_mapi(struct model *m, const struct step *s)
{
	return map_event(m, s, (uint32_t)s->arg[ARG_EVENT], 0x05);
}

/*
 * What MOVI, DISCARD, INT, CLEAR and INV have in common. ret_event is only
 * set if the event is mapped.
 */
static uint32_t check_event(struct model *m, const struct step *s, struct model_event **ret_event)
{
	uint32_t devid = (uint32_t)s->arg[ARG_DEV];
	uint32_t eventid = (uint32_t)s->arg[ARG_EVENT];
	struct model_device *device = model_find_device(m, devid);

	if (device_oor(m, devid))
		return 0x01;
	if (s->kind == STEP_MOVI && collection_oor(m, (uint32_t)s->arg[ARG_ICID]))
		return 0x03;
	if (!device)
		return s->kind == STEP_DISCARD ? 0x07 : 0x04;
	if (model_event_oor(device, eventid))
		return 0x05;
	*ret_event = find_event(m, device, eventid);
	return *ret_event ? 0 : 0x07;
}

/*
 * The LPI that INT, CLEAR and INV act on, or NULL: an entry in memory acts only
 * if its LPI is not that of a remembered event without a target.
 */
static struct model_lpi *lpi_of(struct model *m, const struct model_event *event)
{
	struct model_event *other = event->inside ? NULL : model_owner(m, event->intid, NULL);

	return other && !other->held ? NULL : model_know_lpi(m, event->intid);
}

static uint32_t run_movi(struct model *m, const struct step *s)
{
	uint32_t icid = (uint32_t)s->arg[ARG_ICID];
	struct model_event *event = NULL;
	uint32_t error = check_event(m, s, &event);
	uint32_t to = model_target(m, icid);

	if (error)
		return 0x010100 | error;
	if (target_of(m, event) == NOBODY || to == NOBODY)
		return 0x010109;
	event->icid = icid;
	if (event->inside)
		retarget(m, event, to);
	else if (!model_owner(m, event->intid, NULL))
		model_know_lpi(m, event->intid)->vcpu = to;
	model_write_ite(m, model_find_device(m, (uint32_t)s->arg[ARG_DEV]), *event);
	return 0;
}

static uint32_t run_discard(struct model *m, const struct step *s)
{
	const struct model_event none = { .eventid = (uint32_t)s->arg[ARG_EVENT] };
	struct model_event *event = NULL;
	uint32_t error = check_event(m, s, &event);
	uint32_t vcpu;

	if (error)
		return 0x010f00 | error;
	vcpu = target_of(m, event);
	if (vcpu == NOBODY && rule(m, RULE_DISCARD_NEEDS_TARGET))
		return 0x010f07;
	if (event->inside)
		release(m, event);
	else if (vcpu != NOBODY && !model_owner(m, event->intid, NULL))
		model_know_lpi(m, event->intid)->pending = false;
	model_write_ite(m, model_find_device(m, (uint32_t)s->arg[ARG_DEV]), none);
	return 0;
}

static uint32_t run_int(struct model *m, const struct step *s)
{
	struct model_event *event = NULL;
	uint32_t error = check_event(m, s, &event);
	struct model_lpi *lpi;

	if (error)
		return 0x010300 | error;
	if (target_of(m, event) == NOBODY)
		return 0x010307;
	lpi = lpi_of(m, event);
	if (!event->inside && !model_owner(m, event->intid, NULL))
		lpi->vcpu = target_of(m, event);
	if (lpi)
		raise(m, lpi);
	return 0;
}

/* CLEAR and INV of an event without a target: there is nothing to re-read. */
static uint32_t run_clear(struct model *m, const struct step *s)
{
	struct model_event *event = NULL;
	uint32_t error = check_event(m, s, &event);
	struct model_lpi *lpi;
	bool clears;

	if (error)
		return 0x010500 | error;
	lpi = lpi_of(m, event);
	if (!lpi)
		return 0;
	clears = target_of(m, event) != NOBODY || (event->inside && event->stranded);
	if (clears || (lpi->pending && rule(m, RULE_CLEAR_INV_WITHOUT_TARGET)))
		lpi->pending = false;
	if (event->inside)
		event->stranded = false;
	return 0;
}

static uint32_t run_inv(struct model *m, const struct step *s)
{
	struct model_event *event = NULL;
	uint32_t error = check_event(m, s, &event);
	struct model_lpi *lpi;

	if (error)
		return 0x010c00 | error;
	lpi = lpi_of(m, event);
	if (lpi && (target_of(m, event) != NOBODY || rule(m, RULE_CLEAR_INV_WITHOUT_TARGET)))
		model_read_byte(m, lpi);
	return 0;
}

static uint32_t run_invall(struct model *m, const struct step *s)
{
	uint32_t icid = (uint32_t)s->arg[ARG_ICID];
	uint32_t vcpu = model_target(m, icid);

	if (collection_oor(m, icid))
		return 0x010d03;
	if (vcpu == NOBODY)
		return 0x010d09;
	for (size_t i = 0; i < m->nr_lpis; i++) {
		if (m->lpis[i].vcpu == vcpu && model_lpi_exists(m, m->lpis[i].intid))
			model_read_byte(m, &m->lpis[i]);
	}
	return 0;
}

static uint32_t run_movall(struct model *m, const struct step *s)
{
	uint64_t from = s->arg[ARG_RD];
	uint64_t to = s->arg[ARG_RD2];

	if (rdbase_oor(m, &from) || rdbase_oor(m, &to))
		return 0x010e01;
	for (size_t i = 0; i < m->nr_lpis && from != to; i++) {
		struct model_lpi *lpi = &m->lpis[i];
		const struct model_event *event = model_owner(m, lpi->intid, NULL);

		if (event && !event->held && event->stranded &&
		    rule(m, RULE_MOVALL_LEAVES_STRANDED))
			continue;
		if (lpi->vcpu == from ||
		    (model_lpi_exists(m, lpi->intid) && rule(m, RULE_MOVALL_MOVES_ALL)))
			lpi->vcpu = (uint32_t)to;
	}
	return 0;
}

static uint32_t run_sync(struct model *m, const struct step *s)
{
	(void)m;
	(void)s;
	return 0;
}

static uint32_t run_unknown(struct model *m, const struct step *s)
{
	(void)m;
	(void)s;
	return NO_NUMBER;
}

static uint32_t (*const runs[NR_COMMANDS])(struct model *m, const struct step *s) = {
	[STEP_MAPD] = run_mapd,	     [STEP_MAPC] = run_mapc,	 [STEP_MAPTI] = run_mapti,
	[STEP_MAPI] = run_mapi,	     [STEP_MOVI] = run_movi,	 [STEP_DISCARD] = run_discard,
	[STEP_INT] = run_int,	     [STEP_CLEAR] = run_clear,	 [STEP_INV] = run_inv,
	[STEP_INVALL] = run_invall,  [STEP_MOVALL] = run_movall, [STEP_SYNC] = run_sync,
	[STEP_OPCODE] = run_unknown,
};

struct model_outcome model_run(struct model *m, const struct step *s)
{
	uint32_t code = runs[s->kind](m, s);

	if (code == 0)
		return (struct model_outcome){ MODEL_DONE, 0 };
	if (code == NO_NUMBER)
		return (struct model_outcome){ MODEL_SKIP, 0 };
	return (struct model_outcome){ m->script->cfg[CFG_STALL] ? MODEL_STALL : MODEL_SKIP, code };
}

/*
 * MSIs. IHI 0069 5.2.
 */

struct model_msi model_translate(struct model *m, uint32_t devid, uint32_t eventid)
{
	struct model_device *device = model_find_device(m, devid);
	struct model_msi msi = { .outcome = MSI_UNMAPPED };
	int function = script_function(m->script, devid);
	struct model_event *event;

	if (!m->enabled)
		return (struct model_msi){ .outcome = MSI_DISABLED };
	if (function >= 0 && eventid >= m->script->functions[function].nr_events &&
	    rule(m, RULE_BEYOND_SHADOW))
		return (struct model_msi){ .outcome = MSI_BEYOND };
	if (!device || model_event_oor(device, eventid))
		return msi;
	event = find_event(m, device, eventid);
	if (!event || target_of(m, event) == NOBODY)
		return msi;
	/* The LPI may be elsewhere than its collection: MOVALL. */
	return (struct model_msi){ MSI_DELIVERED, event->intid,
				   model_know_lpi(m, event->intid)->vcpu };
}

void model_msi(struct model *m, uint32_t devid, uint32_t eventid)
{
	struct model_msi msi = model_translate(m, devid, eventid);

	assert(m->nr_msis < MSIS_MAX);
	m->msis[m->nr_msis++] = msi.outcome;
	if (msi.outcome == MSI_DELIVERED)
		raise(m, model_know_lpi(m, msi.intid));
}

const struct model_event *model_event(struct model *m, uint32_t devid, uint32_t eventid)
{
	struct model_device *device = model_find_device(m, devid);

	return device && !model_event_oor(device, eventid) ? find_event(m, device, eventid) : NULL;
}

bool model_lpi_held(struct model *m, uint32_t intid)
{
	const struct model_event *event = model_owner(m, intid, NULL);

	return event && event->held;
}

bool model_lpi_exists(struct model *m, uint32_t intid)
{
	return model_owner(m, intid, NULL) || model_know_lpi(m, intid)->listed;
}
