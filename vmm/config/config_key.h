/* SPDX-License-Identifier: MIT */
/*
 * The keys of a configuration file, one row each, and the blocks they stand in: from
 * them it is read, checked, printed, and mistyped keys are told their likely names. A
 * test holds itsy.conf(5) to them. Private to vmm/config, and to its tests.
 */
#ifndef VMM_CONFIG_CONFIG_KEY_H
#define VMM_CONFIG_CONFIG_KEY_H

#include "vmm/config/config_type.h"

/* In the order they are printed in. */
extern const struct config_key config_keys[];
extern const size_t config_nr_keys;

/* Of each scope. */
struct config_scope_words {
	const char *block;	    /* begins a block of it; NULL: it is no block */
	const char *article, *noun; /* what messages call it: "an" "ITS" */
	size_t max;		    /* blocks */
	/* The option that is a block: what a first word without '=' is, and how it is explained. */
	const char *first;
	const char *argument, *summary;
};
/* In an option, what the name of its block is given by; no key has this name in a block. */
#define CONFIG_BLOCK_NAME "name"
extern const struct config_scope_words config_scopes[NR_SCOPES];

/* The row of a key; NULL: the scope has none of this name. */
const struct config_key *config_key_find(enum config_scope scope, const char *name);
/* The row outside of blocks whose option has this name; NULL: none has. */
const struct config_key *config_key_of_option(const char *name);
/* The scope whose blocks begin with a word of len characters; SCOPE_GUEST: none. */
enum config_scope config_scope_find(const char *word, size_t len);
/*
 * What a mistyped name in this scope was probably meant to be: a key of it, or a block
 * where it is SCOPE_GUEST; NULL where nothing is near.
 */
const char *config_key_suggest(enum config_scope scope, const char *name);

/* One value for each row: the caller's to config_values_free(). NULL: no memory. */
struct config_value *config_values_new(void);
void config_values_clear(struct config_value values[]);
/* NULL is allowed. */
void config_values_free(struct config_value values[]);

/* The value of a key, which must exist. */
struct config_value *config_value_of(struct config_value values[], enum config_scope scope,
				     const char *name);

/*
 * What all keys of a scope have in common. block is the struct config, config_device
 * or config_its.
 */

/* What holds without any of them, in a zeroed block. 0, or -ENOMEM. */
int config_block_init(enum config_scope scope, void *block) _must_check_;
/* The values that were given. */
void config_block_read(struct config_reader *r, enum config_scope scope,
		       struct config_value values[], void *block);
void config_block_fini(enum config_scope scope, void *block);

#endif
