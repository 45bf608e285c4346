/* SPDX-License-Identifier: MIT */
/*
 * What a configuration says, before it is checked: each value as a string, with
 * the place it came from. Private to vmm/config*.c.
 */
#ifndef VMM_CONFIG_CONFIG_RAW_H
#define VMM_CONFIG_CONFIG_RAW_H

#include "vmm/config/config.h"
#include "vmm/config/config_text.h"

enum {
	KEY_KERNEL,
	KEY_INITRD,
	KEY_CMDLINE,
	KEY_VCPUS,
	KEY_MEMORY,
	KEY_ROUTE,
	KEY_ROUTER_CPU,
	KEY_ROUTER_SCHED,
	KEY_SPIN_CPU,
	KEY_VCPU_CPUS,
	KEY_VCPU_SCHED,
	KEY_NAME,
	NR_KEYS
};
enum {
	KEY_BDF,
	KEY_EVENTS,
	KEY_ITS,
	KEY_DEVID,
	KEY_DEVICE_ROUTE,
	KEY_STORM_RATE,
	KEY_STORM_BURST,
	KEY_STORM_HOLDOFF,
	KEY_HOLD,
	KEY_MSI_CPU,
	NR_DEVICE_KEYS
};
enum { KEY_DEVID_BITS, KEY_EVENTID_BITS, KEY_LPIS, KEY_ON_ERROR, NR_ITS_KEYS };

/* The kinds of blocks, and room for any of them. */
enum config_kind { KIND_DEVICE, KIND_ITS, NR_KINDS };
#define CONFIG_MAX_KEYS	   10u
#define CONFIG_MAX_OF_KIND CONFIG_MAX_DEVICES

/* What a kind is called in messages: "a" "device". */
struct config_noun {
	const char *article, *noun;
};
extern const struct config_noun config_nouns[NR_KINDS];

struct config_value {
	char *text;	    /* owned; NULL: not given */
	int line;	    /* in the file, or 0 */
	bool wrong;	    /* an error says so: what depends on it cannot be checked */
	const char *option; /* the override that set it, or NULL; borrowed */
};

struct config_block {
	char *name; /* owned */
	int line;   /* of its opening brace */
	struct config_value values[CONFIG_MAX_KEYS];
};

struct config_blocks {
	struct config_block list[CONFIG_MAX_OF_KIND];
	size_t nr;
};

struct config_raw {
	struct config_value values[NR_KEYS];
	struct config_blocks blocks[NR_KINDS];
};

/* "stall" or "skip". */
const char *config_on_error_name(bool stall);

enum config_number { NUMBER_OK, NUMBER_BAD, NUMBER_OCTAL, NUMBER_HUGE };
/*
 * Decimal, or hexadecimal with 0x; with K, M or G behind it where size is set. *ret
 * is written for NUMBER_OK only.
 */
enum config_number config_parse_number(const char *text, bool size, uint64_t *ret);

/* 1 to CONFIG_NAME_MAX letters, digits, '-' or '_'. */
bool config_is_name(const char *text);
/* From a file's name: '-' for what a name cannot have, "guest" where nothing is left. */
void config_default_name(const char *path, char ret_name[CONFIG_NAME_MAX + 1]);

#define CONFIG_SHOWN "%.40s" /* as much of a wrong word as a message shows */

/*
 * Split a prepared text. Errors are added to errors. 0; -EINVAL where it could
 * not be parsed to its end; -ENOMEM. raw begins zeroed, and is the caller's to
 * config_raw_fini() in any case.
 */
int config_raw_parse(const struct config_text *text, struct config_errors *errors,
		     struct config_raw *raw) _must_check_;
void config_raw_fini(struct config_raw *raw);

/* Apply "key=value" or "KIND.NAME.key=value", or add an error. 0, or -ENOMEM. */
int config_raw_override(struct config_raw *raw, const char *option,
			struct config_errors *errors) _must_check_;

#endif
