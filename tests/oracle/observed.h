/* SPDX-License-Identifier: MIT */
/*
 * What can be seen of an ITS after a script, be it vits, KVM's or the model.
 */
#ifndef TESTS_ORACLE_OBSERVED_H
#define TESTS_ORACLE_OBSERVED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/oracle/model.h"
#include "tests/oracle/shadow.h"

#define NR_OBSERVED_REGS 6u

struct observed {
	/* All by their place in the universe. */
	uint32_t pending[UNIVERSE_MAX]; /* LPIs: where they are pending, or NOBODY */
	uint32_t probed[UNIVERSE_MAX];	/* the same, after each event was signalled */
	struct dte dte[UNIVERSE_MAX];
	struct cte cte[UNIVERSE_MAX];
	struct ite ite[UNIVERSE_MAX][UNIVERSE_MAX]; /* [ITT][EventID] */
	bool saved;				    /* the tables could be */
	uint64_t regs[NR_OBSERVED_REGS];
	enum msi_outcome msis[MSIS_MAX]; /* in the script, then of the probe */
	size_t nr_msis;
};

struct observed_text {
	char text[200];
};

extern const uint32_t observed_regs[NR_OBSERVED_REGS];

/*
 * Look, between the script and the probe: everything but probed and msis. And
 * after the probe: these. save: have the ITS bring its tables in line before.
 */
void observe_model(struct model *m, const struct universe *u, bool save,
		   struct observed *ret_observed);
void observe_model_probed(struct model *m, const struct universe *u, struct observed *observed);
void observe_shadow(struct shadow_side *side, const struct universe *u,
		    struct observed *ret_observed);
void observe_shadow_probed(struct shadow_side *side, const struct universe *u,
			   struct observed *observed);

/* No: *ret_text says what is the first thing that is not the same. */
bool observed_same(const struct observed *a, const struct observed *b, const struct universe *u,
		   struct observed_text *ret_text);

/* Each step, commands in batches of cfg[CFG_BATCH]. */
void play_on_guest(struct guest *guest, const struct script *script);
void play_on_model(struct model *m, const struct script *script);

#endif
