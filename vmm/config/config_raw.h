/* SPDX-License-Identifier: MIT */
/*
 * What a configuration says, before it is checked: each value as a string, with
 * the place it came from. Private to vmm/config.
 */
#ifndef VMM_CONFIG_CONFIG_RAW_H
#define VMM_CONFIG_CONFIG_RAW_H

#include "vmm/config/config_key.h"

struct config_block {
	char *name;		     /* owned */
	int line;		     /* of its opening brace */
	struct config_value *values; /* owned; see config_value_of() */
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

/* Apply "key=value" or "BLOCK.NAME.key=value", or add an error. 0, or -ENOMEM. */
int config_raw_override(struct config_raw *raw, const char *option,
			struct config_errors *errors) _must_check_;

#endif
