// SPDX-License-Identifier: MIT
/*
 * The model: steps of a script, the queue, the registers (IHI 0069 12.18), and
 * what is seen in tables (Linux arm-vgic-its.rst).
 */
#include <assert.h>
#include <string.h>

#include "tests/oracle/model_priv.h"
#include "vitsmod/bits.h"
#include "vitsmod/vits.h"

static void reset_registers(struct model *m)
{
	m->enabled = false;
	m->table[TABLE_DEVICES_STEP] = (struct step){ .kind = STEP_DEVICES };
	m->table[TABLE_COLLECTIONS_STEP] = (struct step){ .kind = STEP_COLLECTIONS };
	m->queue = (struct step){ .kind = STEP_QUEUE };
	m->entries = QUEUE_PAGE_COMMANDS;
	m->tail = m->cwriter = m->creadr = 0;
}

void model_begin(struct model *m, const struct script *script, uint64_t rules)
{
	m->script = script;
	m->rules = rules;
	m->applied = 0;
	reset_registers(m);
	m->nr_devices = m->nr_collections = m->nr_events = m->nr_lpis = 0;
	m->nr_outcomes = m->nr_msis = 0;
	m->saved_lost = false;
}

/*
 * The queue
 */

static void push(struct model *m, const struct step *step)
{
	uint32_t next = (m->tail + 1) % m->entries;

	if (!m->queue.arg[ARG_V] || next == m->creadr)
		return;
	m->commands[m->tail] = step;
	m->tail = next;
}

static void outcome(struct model *m, enum model_result result, uint32_t code)
{
	assert(m->nr_outcomes < MODEL_QUEUE);
	m->outcomes[m->nr_outcomes++] = (struct model_outcome){ result, code };
}

/* A queue that is not in RAM: each of its commands is skipped, or stalls it. */
static void run(struct model *m)
{
	bool readable = m->queue.arg[ARG_AREA] == AREA_0 || m->queue.arg[ARG_AREA] == AREA_1;

	for (; m->enabled && m->creadr != m->cwriter; m->creadr = (m->creadr + 1) % m->entries) {
		struct model_outcome o = { MODEL_SKIP, 0 };

		if (readable)
			o = model_run(m, m->commands[m->creadr]);
		outcome(m, o.result, o.code);
		/* The guest puts SYNC there. */
		if (o.result == MODEL_STALL)
			outcome(m, MODEL_DONE, 0);
	}
}

void model_kick(struct model *m)
{
	m->cwriter = m->tail;
	run(m);
}

/*
 * Registers
 */

static void step_ctlr(struct model *m, const struct step *step)
{
	bool ready = m->queue.arg[ARG_V] && m->table[TABLE_DEVICES_STEP].arg[ARG_V] &&
		     m->table[TABLE_COLLECTIONS_STEP].arg[ARG_V];

	m->enabled = (step->arg[ARG_VALUE] & 1) && (m->enabled || ready);
	run(m);
}

static void step_table(struct model *m, const struct step *step)
{
	unsigned n = step->kind == STEP_DEVICES ? TABLE_DEVICES_STEP : TABLE_COLLECTIONS_STEP;
	struct step *table = &m->table[n];
	struct step value = *step;

	if (value.arg[ARG_PAGE] < 2 && rule(m, RULE_PAGES_OF_64K))
		value.arg[ARG_PAGE] = 2;
	if (n == TABLE_COLLECTIONS_STEP && value.arg[ARG_INDIRECT] &&
	    rule(m, RULE_COLLECTIONS_FLAT))
		value.arg[ARG_INDIRECT] = 0;
	if (m->enabled || guest_table_identity(table) == guest_table_identity(&value))
		return;
	if (table->arg[ARG_V])
		model_drop_table(m, n, value.arg[ARG_V]);
	*table = value;
}

static void step_queue(struct model *m, const struct step *step)
{
	if (m->enabled)
		return;
	m->queue = *step;
	m->entries = (uint32_t)(((step->arg[ARG_PAGES] - 1) & 0xff) + 1) * QUEUE_PAGE_COMMANDS;
	m->tail = m->cwriter = m->creadr = 0;
}

/* The memory of an ITT becomes zero. */
static void step_zero(struct model *m, const struct step *step)
{
	for (size_t i = m->nr_events; i-- > 0;) {
		if (!m->events[i].inside && m->events[i].itt == step->arg[ARG_ITT])
			model_remove_event(m, &m->events[i]);
	}
}

void model_step(struct model *m, const struct step *step)
{
	uint64_t nr = step->kind == STEP_SYNC ? step->arg[ARG_COUNT] + 1 : 1;

	if (step_is_command(step)) {
		for (uint64_t i = 0; i < nr; i++)
			push(m, step);
		return;
	}

	switch (step->kind) {
	case STEP_MSI:
		model_msi(m, (uint32_t)step->arg[ARG_DEV], (uint32_t)step->arg[ARG_EVENT]);
		break;
	case STEP_BYTE:
		model_know_lpi(m, (uint32_t)step->arg[ARG_INTID])->byte =
			(uint8_t)step->arg[ARG_VALUE];
		break;
	case STEP_ZERO:
		step_zero(m, step);
		break;
	case STEP_CTLR:
		step_ctlr(m, step);
		break;
	case STEP_DEVICES:
	case STEP_COLLECTIONS:
		step_table(m, step);
		break;
	case STEP_QUEUE:
		step_queue(m, step);
		break;
	case STEP_RESET:
		model_drop_table(m, TABLE_DEVICES_STEP, false);
		model_drop_table(m, TABLE_COLLECTIONS_STEP, false);
		reset_registers(m);
		break;
	case STEP_SAVE:
		model_save(m);
		break;
	case STEP_BEYOND: /* ignored */
	case STEP_RETRY:  /* nothing is stalled */
		break;
	default:
		assert(false); /* no such step */
	}
}

uint64_t model_reg_mask(uint32_t offset, uint64_t value)
{
	switch (offset) {
	case GITS_CBASER:
		if (!(value & GITS_CBASER_VALID))
			return GITS_CBASER_VALID;
		return GITS_CBASER_VALID | MASK64(51, 12) | GITS_CBASER_SIZE;
	case GITS_BASER(0):
	case GITS_BASER(1):
		if (!(value & GITS_BASER_VALID))
			return GITS_BASER_VALID;
		return GITS_BASER_VALID | GITS_BASER_INDIRECT | GITS_BASER_PA |
		       GITS_BASER_PAGE_SIZE | GITS_BASER_SIZE;
	default:
		return ~UINT64_C(0);
	}
}

static uint64_t ctlr(struct model *m)
{
	bool empty = m->creadr == m->cwriter;

	if (!m->enabled && !empty && rule(m, RULE_QUIESCENT_MEANS_EMPTY))
		return 0;
	return (m->enabled ? GITS_CTLR_ENABLED : 0) | GITS_CTLR_QUIESCENT;
}

uint64_t model_reg(struct model *m, uint32_t offset)
{
	uint64_t value;

	switch (offset) {
	case GITS_CTLR:
		return ctlr(m);
	case GITS_CWRITER:
		return m->cwriter * GITS_CMD_SZ;
	case GITS_CREADR:
		return m->creadr * GITS_CMD_SZ;
	case GITS_CBASER:
		value = guest_cbaser(&m->queue);
		break;
	default:
		value = guest_table_identity(
			&m->table[offset == GITS_BASER(0) ? TABLE_DEVICES_STEP
							  : TABLE_COLLECTIONS_STEP]);
	}
	return value & model_reg_mask(offset, value);
}

/*
 * Looking
 */

struct model_lpi model_lpi(struct model *m, uint32_t intid)
{
	return *model_know_lpi(m, intid);
}

#define DTE_NEXT_MAX MASK64(13, 0)
#define ITE_NEXT_MAX MASK64(15, 0)

/* What an entry says of the next one, whose ID is after. UINT64_MAX: there is none. */
static uint32_t next_of(struct model *m, uint64_t id, unsigned id_bits, uint64_t after,
			uint64_t max)
{
	uint64_t distance = after == UINT64_MAX ? 0 : after - id;
	uint32_t one = id + 1 < BIT64(id_bits);

	distance = distance < max ? distance : max;
	return one != distance && rule(m, RULE_NEXT_IS_ONE) ? one : (uint32_t)distance;
}

static uint64_t device_after(struct model *m, uint32_t devid)
{
	uint64_t after = UINT64_MAX;

	for (size_t i = 0; i < m->nr_devices; i++) {
		if (m->devices[i].devid > devid && m->devices[i].devid < after)
			after = m->devices[i].devid;
	}
	return after;
}

static uint64_t event_after(struct model *m, const struct model_device *device, uint32_t eventid)
{
	uint64_t after = UINT64_MAX, valid = UINT64_MAX;

	for (size_t i = 0; i < m->nr_events; i++) {
		const struct model_event *e = &m->events[i];

		if (!e->inside || e->devid != device->devid || e->eventid <= eventid)
			continue;
		if (e->eventid < after)
			after = e->eventid;
		if (e->eventid < valid && !e->lost)
			valid = e->eventid;
	}
	return after != valid && rule(m, RULE_NEXT_MAY_BE_LOST) ? after : valid;
}

struct dte model_dte(struct model *m, uint32_t devid)
{
	const struct model_device *device = model_find_device(m, devid);

	if (!device)
		return (struct dte){ .valid = false };
	return (struct dte){
		.valid = true,
		.size = device->bits - 1,
		.itt = guest_itt(device->itt),
		.next = next_of(m, device->devid, (unsigned)m->script->cfg[CFG_DEVID_BITS],
				device_after(m, device->devid), DTE_NEXT_MAX),
	};
}

uint64_t model_itt(struct model *m, uint32_t devid)
{
	const struct model_device *device = model_find_device(m, devid);

	assert(device);
	return device->itt;
}

struct cte model_cte(struct model *m, uint32_t icid)
{
	uint32_t vcpu = model_target(m, icid);

	return vcpu == NOBODY ? (struct cte){ .valid = false } : (struct cte){ true, icid, vcpu };
}

/* The entry that this device writes there if it saves its events. */
static bool saved_by(struct model *m, const struct model_device *device, uint32_t eventid,
		     struct ite *ret_ite)
{
	for (size_t i = 0; i < m->nr_events; i++) {
		const struct model_event *e = &m->events[i];

		if (!e->inside || e->devid != device->devid || e->eventid != eventid)
			continue;
		*ret_ite = (struct ite){ 0 };
		if (!e->lost)
			*ret_ite = (struct ite){
				.intid = e->intid,
				.icid = e->icid,
				.next = next_of(m, eventid, device->bits,
						event_after(m, device, eventid), ITE_NEXT_MAX),
			};
		return true;
	}
	return false;
}

/*
 * An entry in memory. One that is a live event's was written when that was
 * saved; what others say of the next one is of when they were mapped.
 */
static struct ite ite_in_memory(struct model *m, const struct model_event *e)
{
	const struct model_device *device = model_find_device(m, e->devid);
	const struct model_event *live = model_find_inside(m, e->devid, e->eventid);
	struct ite ite = { .intid = e->intid, .icid = e->icid, .next = NEXT_ANY };

	if (device && device->itt == e->itt && live && live->intid == e->intid &&
	    live->icid == e->icid)
		ite.next = next_of(m, e->eventid, device->bits, event_after(m, device, e->eventid),
				   ITE_NEXT_MAX);
	return ite;
}

/* Of devices that share an ITT, the one with the highest DeviceID is saved last. */
struct ite model_ite(struct model *m, uint64_t itt, uint32_t eventid)
{
	const struct model_event *e = model_find_in_memory(m, itt, eventid);
	struct ite ite = { 0 };
	uint64_t last = 0;

	if (m->rules & RULE_BIT(RULE_OTHERS_IN_MEMORY))
		return e ? ite_in_memory(m, e) : ite;
	for (size_t i = 0; i < m->nr_devices; i++) {
		const struct model_device *device = &m->devices[i];

		if (device->itt == itt && device->devid >= last &&
		    saved_by(m, device, eventid, &ite))
			last = device->devid;
	}
	return ite;
}

bool model_can_save(struct model *m)
{
	const struct step *collections = &m->table[TABLE_COLLECTIONS_STEP];

	for (size_t i = 0; i < m->nr_devices; i++) {
		if (!guest_table_reaches(&m->table[TABLE_DEVICES_STEP],
					 (unsigned)m->script->cfg[CFG_DEVID_BITS],
					 m->devices[i].devid))
			return false;
	}
	return !collections->arg[ARG_V] || guest_table_reaches(collections, 16, 0);
}
