/* SPDX-License-Identifier: MIT */
/*
 * What the files of the model share.
 */
#ifndef TESTS_ORACLE_MODEL_PRIV_H
#define TESTS_ORACLE_MODEL_PRIV_H

#include "tests/oracle/model.h"

/* Does the model follow the rule? To be asked where it makes a difference. */
static inline bool rule(struct model *m, enum rule rule)
{
	if (!(m->rules & RULE_BIT(rule)))
		return false;
	m->applied |= RULE_BIT(rule);
	return true;
}

/* Take a command, whatever the state of the queue. */
struct model_outcome model_run(struct model *m, const struct step *step);
/* The machine is saved, and goes on as another one. */
void model_save(struct model *m);
/* A function signals an event. */
void model_msi(struct model *m, uint32_t devid, uint32_t eventid);
/* GITS_BASER<n> does not describe the table any more that it did; replaced: but another. */
void model_drop_table(struct model *m, unsigned table, bool replaced);

struct model_device *model_find_device(struct model *m, uint32_t devid);
/* The vCPU that a collection is mapped to, or NOBODY. */
uint32_t model_target(struct model *m, uint32_t icid);
struct model_lpi *model_know_lpi(struct model *m, uint32_t intid);
bool model_collection_in_table(struct model *m, uint32_t icid);
/* Re-read an LPI's configuration byte. */
void model_read_byte(struct model *m, struct model_lpi *lpi);
/*
 * An event of this vCPU, or of none (NOBODY), has the LPI from now on. True: the LPI was
 * there all the time (RULE_LISTED_LPI_STAYS), and there is nothing else to do.
 */
bool model_takes_listed(struct model *m, struct model_lpi *lpi, uint32_t vcpu);
bool model_event_oor(const struct model_device *device, uint32_t eventid);
struct model_event *model_find_inside(struct model *m, uint32_t devid, uint32_t eventid);
/* The remembered event that has an LPI, other than this one. */
struct model_event *model_owner(struct model *m, uint32_t intid,
				const struct model_event *other_than);
/* Write the event's entry where a reader of tables finds it, or zero it. */
void model_write_ite(struct model *m, const struct model_device *device, struct model_event event);
struct model_event *model_find_in_memory(struct model *m, uint64_t itt, uint32_t eventid);
void model_remove_event(struct model *m, struct model_event *event);

#endif
