/* SPDX-License-Identifier: MIT */
/*
 * What a configuration says, before it is checked: each value as a string, with
 * the place it came from. Private to vmm/config.
 */
#ifndef VMM_CONFIG_CONFIG_RAW_H
#define VMM_CONFIG_CONFIG_RAW_H

#include "vmm/config/config_key.h"

struct config_block {
	char *name;			    /* owned */
	int line;			    /* of its opening brace; 0: it is not of the file */
	struct config_value *values;	    /* owned; see config_value_of() */
	const struct config_option *option; /* that it is of, or NULL; borrowed */
};

struct config_blocks {
	struct config_block list[CONFIG_MAX_DEVICES]; /* the most of any kind */
	size_t nr;
};

struct config_raw {
	struct config_value *values;		/* owned; see config_value_of() */
	struct config_blocks blocks[NR_SCOPES]; /* SCOPE_GUEST has none */
};

/*
 * Split a prepared text. Errors are added to errors. 0; -EINVAL where it could
 * not be parsed to its end; -ENOMEM. raw begins zeroed, and is the caller's to
 * config_raw_fini() in any case.
 */
int config_raw_parse(const struct config_text *text, struct config_errors *errors,
		     struct config_raw *raw) _must_check_;
void config_raw_fini(struct config_raw *raw);

/* The block of a name of len characters, or NULL. */
struct config_block *config_raw_find_block(struct config_blocks *blocks, const char *name,
					   size_t len);
/* Why a key is wrong in this scope, for a message: what stands behind its name; or "". */
void config_raw_explain_key(const char *name, enum config_scope here, char *out, size_t cap);

#endif
