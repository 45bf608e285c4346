/* SPDX-License-Identifier: MIT */
/*
 * Where vits, KVM's in-kernel ITS and the plain architecture go different ways.
 * Each is a rule: one branch of the model's, and one row of the table in
 * rules.c with its reason and a script that shows it. A difference between two
 * ITSs that no rule explains is a bug in one of them, or in the model.
 *
 * Not in the list, for no script can show them: KVM drops the error of each
 * command, so that done and refused look alike unless something is left behind;
 * and it writes the collection table as a list, only when it saves, while vits
 * has it indexed by ICID, always (the entries are compared, not their places).
 */
#ifndef TESTS_ORACLE_RULES_H
#define TESTS_ORACLE_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/oracle/script.h"

enum rule {
	/* What vits does. */
	RULE_OTHERS_IN_MEMORY,
	RULE_BEYOND_SHADOW,
	RULE_NEXT_IS_ONE,
	/* What comes of it in KVM, by way of the sealed ITS. */
	RULE_MOVALL_LEAVES_STRANDED,
	/* What KVM does; not all versions of it. */
	RULE_MAPC_OFF_LOSES_EVENTS,
	RULE_MAPC_OFF_CHECKS_RDBASE,
	RULE_RDBASE_32_BITS,
	RULE_DISCARD_NEEDS_TARGET,
	RULE_CLEAR_INV_WITHOUT_TARGET,
	RULE_LPI_SHARED,
	RULE_LISTED_LPI_STAYS,
	RULE_MAPTI_MOVES_LISTED,
	RULE_BYTE_READ_AT_MAPTI,
	RULE_MAPTI_NEEDS_PROPBASER,
	RULE_MOVALL_MOVES_ALL,
	RULE_TABLE_CHANGE_KEEPS,
	RULE_PAGES_OF_64K,
	RULE_COLLECTIONS_FLAT,
	RULE_QUIESCENT_MEANS_EMPTY,
	RULE_NEXT_MAY_BE_LOST,
	RULE_RESTORE_READS_ALL,
	RULE_RESTORE_FORGETS_MOVALL,
	NR_RULES
};

#define RULE_BIT(rule) (UINT64_C(1) << (rule))

enum rule_owner { RULE_IS_VITS, RULE_IS_SEALED, RULE_IS_KVM };

struct rule_row {
	const char *name;
	enum rule_owner owner;
	const char *what;
	const char *why; /* we leave it like this */
	/* Steps, to be played behind rules_set_up, after which the rule shows. */
	const char *example;
};

extern const struct rule_row rule_rows[NR_RULES];

uint64_t rules_of_vits(void);
/* Of vits on the sealed kernel ITS: its own, and those of the way to KVM. */
uint64_t rules_of_sealed(void);
/* All that a KVM may follow. */
uint64_t rules_of_kvm(void);

/* A row's example as a script. */
void rule_example(enum rule rule, struct script *ret_script);

#endif
