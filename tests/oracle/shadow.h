/* SPDX-License-Identifier: MIT */
/*
 * vits as an ITS that scripts can be played on: with a guest's memory, the
 * backend, and a record of how each command ended.
 */
#ifndef TESTS_ORACLE_SHADOW_H
#define TESTS_ORACLE_SHADOW_H

#include "tests/oracle/backend.h"
#include "tests/oracle/guest.h"
#include "tests/oracle/model.h"

struct shadow_side {
	struct vits *v;
	struct ram ram;
	struct backend backend;
	struct guest guest;
	struct vits_config config;
	struct vits_function functions[SCRIPT_FUNCTIONS];
	bool more; /* vits_run() is due */

	struct model_outcome outcomes[MODEL_QUEUE];
	size_t nr_outcomes;
};

/* With the configuration of a script. 0 or negative errno, as vits_create(). */
int shadow_side_create(const struct script *script, struct shadow_side **ret_side)
	__attribute__((warn_unused_result));
void shadow_side_destroy(struct shadow_side *side);

/* Back to how it was when it was made, for a script of the same configuration. */
void shadow_side_begin(struct shadow_side *side, const struct script *script,
		       const struct universe *universe);

/* Have vits_save() write the guest's tables, and go on. */
void shadow_side_save_tables(struct shadow_side *side);

/* As struct model's. */
struct model_msi shadow_side_translate(struct shadow_side *side, size_t function, uint32_t eventid);
uint64_t shadow_side_reg(struct shadow_side *side, uint32_t offset);
struct dte shadow_side_dte(struct shadow_side *side, uint32_t devid);
struct cte shadow_side_cte(struct shadow_side *side, uint32_t icid);
struct ite shadow_side_ite(struct shadow_side *side, uint64_t itt, uint32_t eventid);

#endif
