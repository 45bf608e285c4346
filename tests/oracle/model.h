/* SPDX-License-Identifier: MIT */
/*
 * A model of an ITS and of the LPIs behind it that is meant to be right by
 * looking at it: lists of what is mapped and linear searches, no tables in
 * memory, no cache, no threads. IHI 0069 5.2 (translation), 5.3 (commands and
 * their error numbers); the checks of a command come in the order in which the
 * architecture lists its errors.
 *
 * Where implementations differ (the architecture leaves it open, or one of them
 * is wrong) a *rule* says which way the model goes. Without any rule it behaves
 * as IHI 0069 says and in doubt does as little as it can. rules.c has the list.
 *
 * The model plays scripts by itself: it is a guest and its ITS in one.
 */
#ifndef TESTS_ORACLE_MODEL_H
#define TESTS_ORACLE_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/oracle/guest.h"
#include "tests/oracle/rules.h"
#include "tests/oracle/script.h"

#define NOBODY UINT32_MAX

struct model_device {
	uint32_t devid;
	uint64_t itt; /* an area */
	unsigned bits;
};

struct model_collection {
	uint32_t icid;
	uint32_t vcpu; /* NOBODY: known, but not mapped */
};

struct model_event {
	/*
	 * True: the ITS remembers the event, as devid's. False: the entry in the
	 * memory of itt, which is an event of every device that has this ITT
	 * (RULE_OTHERS_IN_MEMORY), or what a reader of tables sees.
	 */
	bool inside;
	uint32_t devid;
	uint64_t itt;
	uint32_t eventid;
	uint32_t intid;
	uint32_t icid;
	bool held;     /* its collection has a target */
	bool stranded; /* it had one, and lost it */
	bool lost;     /* its collection is gone for good (RULE_MAPC_OFF_LOSES_EVENTS) */
};

struct model_lpi {
	uint32_t intid;
	uint32_t vcpu; /* where it is, or goes, pending */
	uint8_t byte;  /* of the configuration table, in memory */
	bool enabled;  /* as the ITS last read it there */
	bool pending;
	bool listed; /* RULE_LISTED_LPI_STAYS */
};

enum model_result { MODEL_DONE, MODEL_SKIP, MODEL_STALL };

struct model_outcome {
	enum model_result result;
	uint32_t code; /* 0: the architecture has none */
};

#define MODEL_QUEUE 32768u

struct model {
	const struct script *script;
	uint64_t rules;
	uint64_t applied; /* rules that made a difference so far */

	/* Registers. */
	bool enabled;
	struct step table[NR_GUEST_TABLES]; /* the steps that made them */
	struct step queue;
	uint32_t entries;
	uint32_t tail;	  /* where the guest puts the next command */
	uint32_t cwriter; /* in commands */
	uint32_t creadr;
	const struct step *commands[MODEL_QUEUE]; /* what is in the queue */

	struct model_device devices[SCRIPT_STEPS];
	size_t nr_devices;
	struct model_collection collections[SCRIPT_STEPS];
	size_t nr_collections;
	struct model_event events[2 * SCRIPT_STEPS];
	size_t nr_events;
	struct model_lpi lpis[SCRIPT_STEPS];
	size_t nr_lpis;
	bool saved_lost; /* the machine was saved with events that are lost */

	/* How commands ended, since the caller last set nr_outcomes to 0. */
	struct model_outcome outcomes[MODEL_QUEUE];
	size_t nr_outcomes;
	/* What MSIs came to. */
	enum msi_outcome msis[MSIS_MAX];
	size_t nr_msis;
};

/* rules: RULE_BIT()s. The script is borrowed. */
void model_begin(struct model *m, const struct script *script, uint64_t rules);
/* As guest_step() and guest_kick(). The step is borrowed: a queue keeps it. */
void model_step(struct model *m, const struct step *step);
void model_kick(struct model *m);

/*
 * Looking
 */

struct model_msi {
	enum msi_outcome outcome;
	uint32_t intid;
	uint32_t vcpu;
};

/* What would an MSI come to? Changes nothing. */
struct model_msi model_translate(struct model *m, uint32_t devid, uint32_t eventid);
/* Is the event mapped? NULL if not. */
const struct model_event *model_event(struct model *m, uint32_t devid, uint32_t eventid);
/* An LPI as it is, or as it would be if it had been heard of. */
struct model_lpi model_lpi(struct model *m, uint32_t intid);
/* Does an event that the ITS remembers have the LPI, and a target? */
bool model_lpi_held(struct model *m, uint32_t intid);
/* Is there anything that keeps this LPI (RULE_LISTED_LPI_STAYS)? */
bool model_lpi_exists(struct model *m, uint32_t intid);

/* The tables as a reader of memory sees them, once the ITS has saved them. */
struct dte model_dte(struct model *m, uint32_t devid);
/* The area that the ITT of a mapped device is. */
uint64_t model_itt(struct model *m, uint32_t devid);
struct cte model_cte(struct model *m, uint32_t icid);
struct ite model_ite(struct model *m, uint64_t itt, uint32_t eventid);
/* Have the ITS write them. False: not all it should. */
bool model_save_tables(struct model *m);
/* Could they be saved at all? Not if one is mapped that the table has no room for. */
bool model_can_save(struct model *m);

/* The six GITS_* registers that are written. Bits that say how memory is cached are 0. */
uint64_t model_reg(struct model *m, uint32_t offset);
uint64_t model_reg_mask(uint32_t offset, uint64_t value);

#endif
