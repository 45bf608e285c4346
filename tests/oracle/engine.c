// SPDX-License-Identifier: MIT
/*
 * An LPI engine for vits in tests. IHI 0069 5.1 (LPIs), 5.3 (what commands do
 * to them); the steps are those of vitsmod/vits.h.
 */
#include "tests/oracle/engine.h"

#include <stddef.h>

static void expect(struct engine *engine, bool promise, const char *which)
{
	if (!promise && !engine->broken)
		engine->broken = which;
}

void engine_reset(struct engine *engine)
{
	for (uint32_t i = 0; i < engine->nr_touched; i++)
		engine->lpis[engine->touched[i]] = (struct engine_lpi){ 0 };
	engine->nr_touched = 0;
	engine->open = false;
	engine->broken = NULL;
}

static struct engine_lpi *know(struct engine *engine, uint32_t intid)
{
	uint32_t n = intid - VITS_LPI_BASE;

	if (intid < VITS_LPI_BASE || n >= engine->nr_lpis) {
		expect(engine, false, "an INTID is out of range");
		n = 0;
	}
	if (!engine->lpis[n].known)
		engine->touched[engine->nr_touched++] = n;
	engine->lpis[n].known = true;
	return &engine->lpis[n];
}

static void read_byte(struct engine *engine, struct engine_lpi *lpi)
{
	uint8_t byte = 0;

	(void)ram_read(engine->ram, RAM_PROPERTIES + (uint64_t)(lpi - engine->lpis), &byte, 1);
	lpi->enabled = byte & 1;
}

static void apply_map(struct engine *engine, struct engine_lpi *lpi,
		      const struct vits_lpi_update *e)
{
	expect(engine, e->assigned, "MAP of an event that is not assigned");
	expect(engine, !lpi->held, "MAP of an LPI that is held");
	expect(engine, lpi->claimed, "MAP of an LPI that was not claimed");
	lpi->held = true;
	lpi->function = e->function;
	lpi->eventid = e->eventid;
	lpi->vcpu = e->vcpu;
	read_byte(engine, lpi);
}

static void apply_to_lpi(struct engine *engine, struct engine_lpi *lpi,
			 const struct vits_lpi_update *e)
{
	switch (e->op) {
	case VITS_LPI_UNMAP:
		lpi->held = false;
		lpi->pending = false;
		break;
	case VITS_LPI_DETACH:
		expect(engine, e->assigned, "DETACH of an event that is not assigned");
		lpi->held = false;
		break;
	case VITS_LPI_MOVE:
		lpi->vcpu = e->vcpu;
		break;
	case VITS_LPI_CLEAR:
		lpi->pending = false;
		break;
	case VITS_LPI_INV:
		read_byte(engine, lpi);
		break;
	case VITS_LPI_RAISE:
		lpi->pending = true;
		if (!e->assigned)
			lpi->vcpu = e->vcpu;
		break;
	default:
		expect(engine, false, "an effect that there is not");
	}
}

static void apply_to_all(struct engine *engine, const struct vits_lpi_update *e)
{
	uint32_t vcpu = e->op == VITS_MOVALL ? e->vcpu_from : e->vcpu;

	expect(engine, e->vcpu_from < engine->nr_vcpus, "a vCPU is out of range");
	for (uint32_t i = 0; i < engine->nr_touched; i++) {
		struct engine_lpi *lpi = &engine->lpis[engine->touched[i]];

		if (lpi->vcpu != vcpu)
			continue;
		if (e->op == VITS_MOVALL)
			lpi->vcpu = e->vcpu;
		else
			read_byte(engine, lpi);
	}
}

void engine_update(struct engine *engine, const struct vits_lpi_update *update)
{
	struct engine_lpi *lpi;

	engine->open = true;
	expect(engine, update->vcpu < engine->nr_vcpus, "a vCPU is out of range");
	if (update->op == VITS_INVALL || update->op == VITS_MOVALL) {
		apply_to_all(engine, update);
		return;
	}
	lpi = know(engine, update->intid);
	if (update->op == VITS_LPI_MAP) {
		apply_map(engine, lpi, update);
		return;
	}
	expect(engine, lpi->held == update->assigned, "assigned is not what the engine holds");
	if (update->assigned) {
		expect(engine, lpi->function == update->function, "the LPI is another function's");
		expect(engine, lpi->eventid == update->eventid, "the LPI is another event's");
	}
	apply_to_lpi(engine, lpi, update);
}

void engine_commit(struct engine *engine)
{
	engine->open = false;
}

bool engine_claim(struct engine *engine, uint32_t intid)
{
	struct engine_lpi *lpi = know(engine, intid);

	expect(engine, !lpi->claimed, "claim of an LPI that was claimed");
	lpi->claimed = intid != engine->foreign;
	return lpi->claimed;
}

void engine_release(struct engine *engine, uint32_t intid)
{
	struct engine_lpi *lpi = know(engine, intid);

	expect(engine, lpi->claimed, "release of an LPI that was not claimed");
	expect(engine, !lpi->held, "release of an LPI that is held");
	lpi->claimed = false;
}

void engine_forget_events(struct engine *engine)
{
	for (uint32_t i = 0; i < engine->nr_touched; i++) {
		engine->lpis[engine->touched[i]].held = false;
		engine->lpis[engine->touched[i]].claimed = false;
	}
}

void engine_signal(struct engine *engine, uint32_t function, uint32_t eventid,
		   const struct vits_lpi *lpi)
{
	struct engine_lpi *ours = know(engine, lpi->intid);

	expect(engine, !engine->open, "an MSI is translated before commit()");
	expect(engine, ours->held, "an MSI for an LPI that is not held");
	expect(engine, ours->function == function, "an MSI for another function's LPI");
	expect(engine, ours->eventid == eventid, "an MSI for another event's LPI");
	ours->pending = true;
}

struct engine_lpi engine_lpi(const struct engine *engine, uint32_t intid)
{
	uint32_t n = intid - VITS_LPI_BASE;

	if (intid < VITS_LPI_BASE || n >= engine->nr_lpis)
		return (struct engine_lpi){ 0 };
	return engine->lpis[n];
}
