// SPDX-License-Identifier: MIT
/*
 * An LPI backend for vits in tests. IHI 0069 5.1 (LPIs), 5.3 (what commands do
 * to them); the LPI updates are those of vitsmod/vits.h.
 */
#include "tests/oracle/backend.h"

#include <stddef.h>

static void expect(struct backend *backend, bool promise, const char *which)
{
	if (!promise && !backend->broken)
		backend->broken = which;
}

void backend_reset(struct backend *backend)
{
	for (uint32_t i = 0; i < backend->nr_touched; i++)
		backend->lpis[backend->touched[i]] = (struct backend_lpi){ 0 };
	backend->nr_touched = 0;
	backend->open = false;
	backend->broken = NULL;
}

static struct backend_lpi *know(struct backend *backend, uint32_t intid)
{
	uint32_t n = intid - VITS_LPI_BASE;

	if (intid < VITS_LPI_BASE || n >= backend->nr_lpis) {
		expect(backend, false, "an INTID is out of range");
		n = 0;
	}
	if (!backend->lpis[n].known)
		backend->touched[backend->nr_touched++] = n;
	backend->lpis[n].known = true;
	return &backend->lpis[n];
}

static void read_byte(struct backend *backend, struct backend_lpi *lpi)
{
	uint8_t byte = 0;

	(void)ram_read(backend->ram, RAM_PROPERTIES + (uint64_t)(lpi - backend->lpis), &byte, 1);
	lpi->enabled = byte & 1;
}

static void apply_map(struct backend *backend, struct backend_lpi *lpi,
		      const struct vits_lpi_update *e)
{
	expect(backend, e->assigned, "MAP of an event that is not assigned");
	expect(backend, !lpi->held, "MAP of an LPI that is held");
	expect(backend, lpi->claimed, "MAP of an LPI that was not claimed");
	lpi->held = true;
	lpi->function = e->function;
	lpi->eventid = e->eventid;
	lpi->vcpu = e->vcpu;
	read_byte(backend, lpi);
}

static void apply_to_lpi(struct backend *backend, struct backend_lpi *lpi,
			 const struct vits_lpi_update *e)
{
	switch (e->op) {
	case VITS_LPI_UNMAP:
		lpi->held = false;
		lpi->pending = false;
		break;
	case VITS_LPI_DETACH:
		expect(backend, e->assigned, "DETACH of an event that is not assigned");
		lpi->held = false;
		break;
	case VITS_LPI_MOVE:
		lpi->vcpu = e->vcpu;
		break;
	case VITS_LPI_CLEAR:
		lpi->pending = false;
		break;
	case VITS_LPI_INV:
		read_byte(backend, lpi);
		break;
	case VITS_LPI_RAISE:
		lpi->pending = true;
		if (!e->assigned)
			lpi->vcpu = e->vcpu;
		break;
	default:
		expect(backend, false, "an effect that there is not");
	}
}

static void apply_to_all(struct backend *backend, const struct vits_lpi_update *e)
{
	uint32_t vcpu = e->op == VITS_MOVALL ? e->vcpu_from : e->vcpu;

	expect(backend, e->vcpu_from < backend->nr_vcpus, "a vCPU is out of range");
	for (uint32_t i = 0; i < backend->nr_touched; i++) {
		struct backend_lpi *lpi = &backend->lpis[backend->touched[i]];

		if (lpi->vcpu != vcpu)
			continue;
		if (e->op == VITS_MOVALL)
			lpi->vcpu = e->vcpu;
		else
			read_byte(backend, lpi);
	}
}

void backend_update(struct backend *backend, const struct vits_lpi_update *update)
{
	struct backend_lpi *lpi;

	backend->open = true;
	expect(backend, update->vcpu < backend->nr_vcpus, "a vCPU is out of range");
	if (update->op == VITS_INVALL || update->op == VITS_MOVALL) {
		apply_to_all(backend, update);
		return;
	}
	lpi = know(backend, update->intid);
	if (update->op == VITS_LPI_MAP) {
		apply_map(backend, lpi, update);
		return;
	}
	expect(backend, lpi->held == update->assigned, "assigned is not what the backend holds");
	if (update->assigned) {
		expect(backend, lpi->function == update->function, "the LPI is another function's");
		expect(backend, lpi->eventid == update->eventid, "the LPI is another event's");
	}
	apply_to_lpi(backend, lpi, update);
}

void backend_commit(struct backend *backend)
{
	backend->open = false;
}

bool backend_claim(struct backend *backend, uint32_t intid)
{
	struct backend_lpi *lpi = know(backend, intid);

	expect(backend, !lpi->claimed, "claim of an LPI that was claimed");
	lpi->claimed = intid != backend->foreign;
	return lpi->claimed;
}

void backend_release(struct backend *backend, uint32_t intid)
{
	struct backend_lpi *lpi = know(backend, intid);

	expect(backend, lpi->claimed, "release of an LPI that was not claimed");
	expect(backend, !lpi->held, "release of an LPI that is held");
	lpi->claimed = false;
}

void backend_forget_events(struct backend *backend)
{
	for (uint32_t i = 0; i < backend->nr_touched; i++) {
		backend->lpis[backend->touched[i]].held = false;
		backend->lpis[backend->touched[i]].claimed = false;
	}
}

void backend_signal(struct backend *backend, uint32_t function, uint32_t eventid,
		    const struct vits_lpi *lpi)
{
	struct backend_lpi *ours = know(backend, lpi->intid);

	expect(backend, !backend->open, "an MSI is translated before commit()");
	expect(backend, ours->held, "an MSI for an LPI that is not held");
	expect(backend, ours->function == function, "an MSI for another function's LPI");
	expect(backend, ours->eventid == eventid, "an MSI for another event's LPI");
	ours->pending = true;
}

struct backend_lpi backend_lpi(const struct backend *backend, uint32_t intid)
{
	uint32_t n = intid - VITS_LPI_BASE;

	if (intid < VITS_LPI_BASE || n >= backend->nr_lpis)
		return (struct backend_lpi){ 0 };
	return backend->lpis[n];
}
