// SPDX-License-Identifier: MIT
/*
 * Compare the guest's tables with the shadow, all of it and on demand. Only
 * the ITS may write its tables (IHI 0069 5.2); a difference means that the
 * guest or one of its devices did.
 */
#include "audit.h"

#include <assert.h>
#include <errno.h>

#include "cmdq.h"
#include "lookup.h"
#include "tables.h"

struct audit {
	struct vits *v;
	audit_report *report;
	void *arg;
};

/* Fill in what the table has, where it can be read. */
static void read_entry(struct audit *audit, struct vits_difference *entry)
{
	entry->readable = entry->readable && table_read(audit->v, entry->gpa, &entry->table);
}

static void audit_event(struct audit *audit, struct shadow_function *function, uint32_t eventid)
{
	struct vits_difference entry = {
		.kind = VITS_DIFFERENT_ITE,
		.devid = function->devid,
		.eventid = eventid,
		.readable = true,
		.gpa = ite_address(function->itt, eventid),
	};
	struct shadow_event event;
	struct ite ite;

	shadow_get(audit->v, function, eventid, &event);
	ite = shadow_ite(&event);
	entry.shadow = ite_pack(eventid, function->eventid_bits, &ite);
	read_entry(audit, &entry);
	if (!ite_matches(audit->v, entry.table, entry.shadow))
		audit->report(audit->arg, &entry);
}

static void audit_function(struct audit *audit, struct shadow_function *function)
{
	struct vits_difference entry = {
		.kind = VITS_DIFFERENT_DTE,
		.devid = function->devid,
	};
	struct dte dte = shadow_dte(function);

	entry.shadow = dte_pack(audit->v, function->devid, &dte);
	entry.readable = table_slot(audit->v, TABLE_DEVICES, function->devid, &entry.gpa);
	read_entry(audit, &entry);
	if (!dte_matches(audit->v, function->devid, entry.table, &dte))
		audit->report(audit->arg, &entry);

	for (uint32_t i = 0; function->mapped && i < function->nr_events; i++) {
		if (i >= BIT64(function->eventid_bits))
			break;
		audit_event(audit, function, i);
	}
}

static void audit_collection(struct audit *audit, uint32_t icid)
{
	const struct shadow_collection *collection = shadow_collection(audit->v, icid);
	struct vits_difference entry = {
		.kind = VITS_DIFFERENT_CTE,
		.icid = icid,
	};
	struct cte cte;

	if (!collection)
		return;
	cte = shadow_cte(collection);
	entry.shadow = cte_pack(icid, &cte);
	entry.readable = table_slot(audit->v, TABLE_COLLECTIONS, icid, &entry.gpa);
	read_entry(audit, &entry);
	if (!cte_matches(audit->v, icid, entry.table, &cte))
		audit->report(audit->arg, &entry);
}

void audit_tables(struct vits *v, audit_report *report, void *arg)
{
	struct audit audit = { v, report, arg };

	assert(report);

	for (size_t i = 0; i < v->shadow.nr_functions; i++)
		audit_function(&audit, &v->shadow.functions[i]);
	for (uint32_t icid = 0; icid < NR_COLLECTIONS; icid++)
		audit_collection(&audit, icid);
}

int vits_audit(struct vits *v, void (*report)(void *arg, const struct vits_difference *difference),
	       void *arg)
{
	assert(report);

	if (!cmdq_claim_idle(v))
		return -EBUSY;
	audit_tables(v, report, arg);
	/* Commands may have come meanwhile. */
	cmdq_serve(v);
	return 0;
}
