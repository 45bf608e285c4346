/* SPDX-License-Identifier: MIT */
/*
 * What a key of the configuration file is, and the types that its value can have.
 * Private to vmm/config, and to its tests.
 */
#ifndef VMM_CONFIG_CONFIG_TYPE_H
#define VMM_CONFIG_CONFIG_TYPE_H

#include "vmm/config/config.h"
#include "vmm/config/config_text.h"

/* Where a key stands: outside of all blocks, or in a kind of block. */
enum config_scope { SCOPE_GUEST, SCOPE_DEVICE, SCOPE_ITS, NR_SCOPES };

struct config_type;

/* One key: all that the program knows about it. The rows are in config_key.c. */
struct config_key {
	const char *name;
	const char *also; /* of its option, besides the name: a shorter one; NULL: none */
	enum config_scope scope;
	const struct config_type *type;

	/* Its member of struct config, config_device or config_its, by the scope. */
	size_t at, size;
	/* The bool of the same struct that tells that the key was given; 0: there is none. */
	size_t given_at;

	/* Of numbers: least, most, what it is a multiple of (sizes only). */
	uint64_t min, max, unit;
	/* Of numbers: the value that holds without the key. */
	uint64_t initial;
	/* Of words: the one that stands for each value from 0 to max. */
	const char *(*word)(unsigned value);

	/* It says which function of the host a device is: without any such key nothing goes. */
	bool is_name;
	/* What holds without the key, in words, where `initial` does not say it. */
	const char *otherwise;
	/*
	 * Does config_print() print it without its being given, for a reader to have the same? Else
	 * it is a comment then. block: the struct that has the member.
	 */
	bool (*is_shown)(const struct config_key *key, const struct config *config,
			 const void *block);
	/* What it is, as its entry in itsy.conf(5) begins. */
	const char *summary;
};

/* A value as the file or the command line has it, and where it comes from. */
struct config_value {
	char *text; /* owned; NULL: not given */
	int line;   /* in the file, or 0 */
	bool wrong; /* an error says so: what depends on it cannot be checked */
	const struct config_option *option; /* that gave it, or NULL; borrowed */
};

/* What the values of one configuration are read with. */
struct config_reader {
	struct config_errors *errors;
	const struct config *config; /* whose ITSs devices can name */
	bool out_of_memory;
};

/* Add an error about a value, and remember that it is wrong. */
void config_value_error(struct config_reader *r, struct config_value *v, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * What an option is called: by its name, as "--ram"; one that can be there several times also by
 * its value, as "--set vcpus=2". cap characters with the end, and no more.
 */
void config_option_format(const struct config_option *option, char out[], size_t cap);
/* Add an error about an option. */
void config_option_error(struct config_errors *errors, const struct config_option *option,
			 const char *format, ...) __attribute__((format(printf, 3, 4)));

/*
 * A path of a value: a relative one counts from the file's folder; on the command line, from the
 * current one. The caller's to free; NULL: no memory.
 */
char *config_path_from(const struct config_reader *r, const struct config_value *v,
		       const char *path);

#define CONFIG_SHOWN	"%.40s" /* as much of a wrong word as a message shows */
#define CONFIG_RANGE_SZ 64u

/* In each function, member is the key's own. A function that is NULL has nothing to do. */
struct config_type {
	/* How itsy.conf(5) writes the value; NULL: the key's words. */
	const char *placeholder;
	/* Gives the zeroed member what holds without the key. 0, or -ENOMEM. */
	int (*init)(const struct config_key *key, void *member);
	/* True with the member set; else there is an error more, or no memory. Never NULL. */
	bool (*read)(struct config_reader *r, const struct config_key *key, struct config_value *v,
		     void *member);
	/* What stands behind the '=', with its quotes. Never NULL. */
	void (*print)(const struct config_key *key, const struct config *config, const void *member,
		      FILE *out);
	/* Is the member none of the values that a file can say? NULL: it always is one. */
	bool (*is_none)(const struct config_key *key, const void *member);
	/* The values that are allowed, in the words of messages and of itsy.conf(5). */
	void (*range)(const struct config_key *key, char ret_range[CONFIG_RANGE_SZ]);
	/* Gives back what the member owns. */
	void (*fini)(void *member);
};

extern const struct config_type config_type_path;    /* char *, owned */
extern const struct config_type config_type_text;    /* char *, owned; max: its characters */
extern const struct config_type config_type_console; /* char *, owned (config_console.h) */
extern const struct config_type config_type_name;    /* char[CONFIG_NAME_MAX + 1] */
extern const struct config_type config_type_number;  /* uint32_t */
extern const struct config_type config_type_hex;     /* the same, printed as hexadecimal */
extern const struct config_type config_type_size;    /* uint64_t, in bytes */
extern const struct config_type config_type_backing; /* uint64_t: a huge page's bytes; 0: thp */
extern const struct config_type config_type_word;    /* an enum or bool from 0 to max */
extern const struct config_type config_type_bdf;     /* struct pci_bdf */
extern const struct config_type config_type_path_of_function; /* char[PCI_PATH_STRLEN] */
extern const struct config_type config_type_pci_id;	      /* struct pci_id */
extern const struct config_type config_type_serial;	      /* char[PCI_SERIAL_STRLEN] */
extern const struct config_type config_type_mac;	      /* char[PCI_MAC_STRLEN] */
extern const struct config_type config_type_place;	      /* uint32_t, a devfn */
extern const struct config_type config_type_its;	      /* size_t, an index of config.its[] */
extern const struct config_type config_type_cpu;	      /* int; initially -1: any */
extern const struct config_type config_type_cpu_or_any;	      /* the same; "any" is a value too */
extern const struct config_type config_type_cpus;	      /* struct config_cpus */
extern const struct config_type config_type_sched;	      /* int: SCHED_FIFO's priority, or 0 */

/* A number, enum or bool of key->size bytes. */
uint64_t config_member_get(const struct config_key *key, const void *member);
void config_member_set(const struct config_key *key, void *member, uint64_t value);

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

#endif
