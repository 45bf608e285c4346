// SPDX-License-Identifier: MIT
/*
 * libconfuse's side of a configuration, and the overrides of the command line.
 *
 * All values are strings to libconfuse; numbers are read in vmm/config.c, for it
 * takes 010 for 8.
 *
 * libconfuse stops at a key that it does not know. The names of those are learnt,
 * and the text is parsed once more with them as known: so every unknown key is
 * reported, and the other errors of the file too.
 *
 * Its callbacks have no argument for a context: an option of the name CONTEXT,
 * which no file can use, carries one to them in each block.
 *
 * No locks; libconfuse's lexer has static state: one thread at a time.
 */
#include "vmm/config_raw.h"

#include <assert.h>
#include <confuse.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "vitsmod/bits.h"
#include "vmm/suggest.h"

#define CONTEXT	    "(context)"
#define MAX_UNKNOWN 64u
#define BLOCK_DONE  (-1)

static const char *const key_names[NR_KEYS] = {
	[KEY_KERNEL] = "kernel", [KEY_INITRD] = "initrd", [KEY_CMDLINE] = "cmdline",
	[KEY_VCPUS] = "vcpus",	 [KEY_MEMORY] = "memory",
};
static const char *const device_key_names[NR_DEVICE_KEYS] = {
	[KEY_BDF] = "bdf",
	[KEY_EVENTS] = "events",
};

struct parser {
	long anchor; /* where the option CONTEXT points */
	const struct config_text *text;
	struct config_errors *errors;
	struct config_raw *raw;
	bool out_of_memory;

	struct config_value current[NR_DEVICE_KEYS]; /* of the block that is being parsed */
	size_t nr_blocks;			     /* that ended, also those that are too many */

	char *unknown[MAX_UNKNOWN]; /* owned: keys that do not exist */
	size_t nr_unknown;
	bool learnt; /* one more, by this parse */
};

static void value_clear(struct config_value *v)
{
	free(v->text);
	*v = (struct config_value){ 0 };
}

static void values_clear(struct config_value values[], size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		value_clear(&values[i]);
}

void config_raw_fini(struct config_raw *raw)
{
	values_clear(raw->values, NR_KEYS);
	for (size_t i = 0; i < raw->nr_devices; i++) {
		values_clear(raw->devices[i].values, NR_DEVICE_KEYS);
		free(raw->devices[i].name);
		raw->devices[i].name = NULL;
	}
	raw->nr_devices = 0;
}

/* What a parse found goes; what it learnt stays. */
static void parser_rewind(struct parser *p)
{
	config_raw_fini(p->raw);
	values_clear(p->current, NR_DEVICE_KEYS);
	p->nr_blocks = 0;
	p->learnt = false;
}

static void parser_fini(struct parser *p)
{
	values_clear(p->current, NR_DEVICE_KEYS);
	for (size_t i = 0; i < p->nr_unknown; i++)
		free(p->unknown[i]);
}

static int find_name(const char *name, const char *const names[], size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (strcmp(name, names[i]) == 0)
			return (int)i;
	return -1;
}

/* Why a key is wrong here, for a message. */
static void explain_key(const char *name, bool in_device, char *out, size_t cap)
{
	const char *const all[] = { "kernel", "initrd", "cmdline", "vcpus", "memory", "device" };
	const char *near = in_device ? suggest(name, device_key_names, NR_DEVICE_KEYS)
				     : suggest(name, all, ARRAY_SIZE(all));

	if (in_device && find_name(name, all, ARRAY_SIZE(all)) >= 0)
		(void)snprintf(out, cap, " in a device block: it stands outside of the blocks");
	else if (!in_device && find_name(name, device_key_names, NR_DEVICE_KEYS) >= 0)
		(void)snprintf(out, cap, " outside of a block: it belongs to a device");
	else if (near)
		(void)snprintf(out, cap, ": did you mean '%s'?", near);
	else
		out[0] = '\0';
}

/*
 * libconfuse's side.
 */

static struct parser *parser_of(const cfg_t *cfg)
{
	for (const cfg_opt_t *o = cfg->opts; o->name; o++)
		if (strcmp(o->name, CONTEXT) == 0)
			return (struct parser *)((char *)o->simple_value.number -
						 offsetof(struct parser, anchor));
	abort(); /* each block was given one */
}

static bool is_unknown(const struct parser *p, const char *name)
{
	return find_name(name, (const char *const *)p->unknown, p->nr_unknown) >= 0;
}

static void learn(struct parser *p, const char *name)
{
	if (p->nr_unknown == MAX_UNKNOWN || is_unknown(p, name))
		return;
	p->unknown[p->nr_unknown] = strdup(name);
	if (!p->unknown[p->nr_unknown]) {
		p->out_of_memory = true;
		return;
	}
	p->nr_unknown++;
	p->learnt = true;
}

static bool is_device_block(const cfg_t *cfg)
{
	return cfg->title != NULL;
}

/* Is it a key of this kind of block? */
static bool is_known(const cfg_t *cfg, const char *name)
{
	return is_device_block(cfg) ? find_name(name, device_key_names, NR_DEVICE_KEYS) >= 0
				    : find_name(name, key_names, NR_KEYS) >= 0;
}

static void unknown_key(struct parser *p, const cfg_t *cfg, const char *name)
{
	char why[80];

	explain_key(name, is_device_block(cfg), why, sizeof(why));
	config_error_at(p->errors, cfg->line, "unknown key '" CONFIG_SHOWN "'%s", name, why);
}

static void on_error(cfg_t *cfg, const char *format, va_list ap)
	__attribute__((format(printf, 2, 0)));

static void on_error(cfg_t *cfg, const char *format, va_list ap)
{
	struct parser *p = parser_of(cfg);
	bool unknown = strcmp(format, "no such option '%s'") == 0;
	bool no_equals = strcmp(format, "missing equal sign after option '%s'") == 0;
	char text[160];

	if (unknown || no_equals) {
		va_list again;
		const char *name;

		va_copy(again, ap);
		name = va_arg(again, const char *);
		va_end(again);
		if (unknown)
			learn(p, name);
		/* A block of a name that was learnt as a key: what is wrong is the name. */
		if (unknown || (is_unknown(p, name) && !is_known(cfg, name))) {
			unknown_key(p, cfg, name);
			return;
		}
	}
	(void)vsnprintf(text, sizeof(text), format, ap);
	config_error_at(p->errors, cfg->line, "%s", text);
}

static int on_value(cfg_t *cfg, cfg_opt_t *opt)
{
	struct parser *p = parser_of(cfg);
	bool in_device = is_device_block(cfg);
	int key = in_device ? find_name(opt->name, device_key_names, NR_DEVICE_KEYS)
			    : find_name(opt->name, key_names, NR_KEYS);
	struct config_value *v;

	assert(key >= 0);
	v = in_device ? &p->current[key] : &p->raw->values[key];
	if (v->text) {
		config_error_at(p->errors, cfg->line, "'%s' given twice: first on line %d",
				opt->name, v->line);
		return 0;
	}
	v->text = strdup(cfg_opt_getnstr(opt, 0));
	v->line = cfg->line;
	if (!v->text)
		p->out_of_memory = true;
	return v->text ? 0 : -1;
}

static int on_unknown(cfg_t *cfg, cfg_opt_t *opt)
{
	unknown_key(parser_of(cfg), cfg, opt->name);
	return 0;
}

/* The block that has just ended; the one of the same title that it replaced is gone. */
static cfg_t *block_that_ended(const cfg_opt_t *opt)
{
	for (unsigned i = 0; i < opt->nvalues; i++)
		if (opt->values[i]->section->line != BLOCK_DONE)
			return opt->values[i]->section;
	abort(); /* called where a block has ended */
}

static void add_device(struct parser *p, const char *name, int line)
{
	struct config_raw_device *d = &p->raw->devices[p->raw->nr_devices];

	for (size_t i = 0; i < p->raw->nr_devices; i++) {
		if (strcmp(p->raw->devices[i].name, name) != 0)
			continue;
		config_error_at(p->errors, line,
				"device \"" CONFIG_SHOWN "\" exists already: line %d", name,
				p->raw->devices[i].line);
		values_clear(p->current, NR_DEVICE_KEYS);
		return;
	}
	if (p->raw->nr_devices == CONFIG_MAX_DEVICES) {
		if (p->nr_blocks == CONFIG_MAX_DEVICES)
			config_error_at(p->errors, line, "more than %u devices",
					CONFIG_MAX_DEVICES);
		values_clear(p->current, NR_DEVICE_KEYS);
		return;
	}
	d->name = strdup(name);
	d->line = line;
	if (!d->name) {
		p->out_of_memory = true;
		return;
	}
	for (size_t i = 0; i < NR_DEVICE_KEYS; i++) {
		d->values[i] = p->current[i];
		p->current[i] = (struct config_value){ 0 };
	}
	p->raw->nr_devices++;
}

static int on_device(cfg_t *cfg, cfg_opt_t *opt)
{
	struct parser *p = parser_of(cfg);
	cfg_t *block = block_that_ended(opt);
	int line =
		p->nr_blocks < p->text->nr_blocks ? p->text->block_line[p->nr_blocks] : cfg->line;

	block->line = BLOCK_DONE;
	add_device(p, block->title, line);
	p->nr_blocks++;
	return p->out_of_memory ? -1 : 0;
}

#define OPTIONS_MAX (NR_KEYS + MAX_UNKNOWN + 3)

/* The options of one scope: its keys, what was learnt, the context. Returns how many. */
static size_t fill_options(struct parser *p, cfg_opt_t options[OPTIONS_MAX],
			   const char *const names[], size_t nr_names)
{
	size_t n = 0;

	for (size_t i = 0; i < nr_names; i++) {
		options[n] = (cfg_opt_t)CFG_STR(names[i], NULL, CFGF_NODEFAULT);
		options[n++].validcb = on_value;
	}
	for (size_t i = 0; i < p->nr_unknown; i++) {
		if (find_name(p->unknown[i], names, nr_names) >= 0)
			continue;
		/* Outside of blocks that is what a block is called. */
		if (names == key_names && strcmp(p->unknown[i], "device") == 0)
			continue;
		options[n] = (cfg_opt_t)CFG_STR(p->unknown[i], NULL, CFGF_NODEFAULT);
		options[n++].validcb = on_unknown;
	}
	options[n++] = (cfg_opt_t)CFG_SIMPLE_INT(CONTEXT, &p->anchor);
	return n;
}

/* One parse. 0, -EINVAL where libconfuse stopped, -ENOMEM. */
static int parse_once(struct parser *p)
{
	cfg_opt_t options[OPTIONS_MAX], device_options[OPTIONS_MAX];
	size_t n;
	size_t nr_errors = p->errors->nr;
	cfg_t *cfg;
	int r;

	n = fill_options(p, device_options, device_key_names, NR_DEVICE_KEYS);
	device_options[n] = (cfg_opt_t)CFG_END();
	n = fill_options(p, options, key_names, NR_KEYS);
	options[n] = (cfg_opt_t)CFG_SEC("device", device_options, CFGF_MULTI | CFGF_TITLE);
	options[n++].validcb = on_device;
	options[n] = (cfg_opt_t)CFG_END();

	cfg = cfg_init(options, CFGF_NONE);
	if (!cfg)
		return -ENOMEM;
	(void)cfg_set_error_function(cfg, on_error);
	r = cfg_parse_buf(cfg, p->text->text);
	/* It never fails without a word where the text was prepared; nor shall we then. */
	if (r != CFG_SUCCESS && p->errors->nr == nr_errors)
		config_error_at(p->errors, cfg->line ? cfg->line : 1, "syntax error");
	(void)cfg_free(cfg);
	if (p->out_of_memory)
		return -ENOMEM;
	return r == CFG_SUCCESS ? 0 : -EINVAL;
}

int config_raw_parse(const struct config_text *text, struct config_errors *errors,
		     struct config_raw *raw)
{
	_cleanup_(parser_fini) struct parser p = { .text = text, .errors = errors, .raw = raw };
	size_t nr_before = errors->nr;
	int r;

	/* Bounded: each round but the last adds one of MAX_UNKNOWN names. */
	do {
		parser_rewind(&p);
		errors->nr = nr_before;
		r = parse_once(&p);
	} while (r == -EINVAL && p.learnt);
	return r;
}

/*
 * Overrides.
 */

static int set_override(struct config_value *v, const char *option, const char *text)
{
	value_clear(v);
	v->option = option;
	v->text = strdup(text);
	return v->text ? 0 : -ENOMEM;
}

static struct config_raw_device *find_device(struct config_raw *raw, const char *name, size_t len)
{
	for (size_t i = 0; i < raw->nr_devices; i++)
		if (strlen(raw->devices[i].name) == len &&
		    memcmp(raw->devices[i].name, name, len) == 0)
			return &raw->devices[i];
	return NULL;
}

/* key: "device.NAME.KEY" */
static int override_device(struct config_raw *raw, const char *option, const char *key,
			   struct config_errors *errors)
{
	const char *name = key + strlen("device."), *dot = strrchr(name, '.');
	struct config_raw_device *d;
	char why[80];
	int k;

	if (!dot) {
		config_error_option(errors, option, "a device is set by device.NAME.KEY=VALUE");
		return 0;
	}
	k = find_name(dot + 1, device_key_names, NR_DEVICE_KEYS);
	if (k < 0) {
		explain_key(dot + 1, true, why, sizeof(why));
		config_error_option(errors, option, "unknown key '" CONFIG_SHOWN "'%s", dot + 1,
				    why);
		return 0;
	}
	d = find_device(raw, name, (size_t)(dot - name));
	if (d)
		return set_override(&d->values[k], option, strchr(option, '=') + 1);
	config_error_option(errors, option, "%s has no device of this name", errors->path);
	return 0;
}

/* As in the file: a configuration can be printed, and read again. */
static bool has_control(const char *text)
{
	for (const char *p = text; *p; p++)
		if (((unsigned char)*p < 0x20 && *p != '\t') || *p == 0x7f)
			return true;
	return false;
}

int config_raw_override(struct config_raw *raw, const char *option, struct config_errors *errors)
{
	const char *equals = strchr(option, '=');
	_cleanup_free_ char *key = NULL;
	char why[80];
	int k;

	if (!equals) {
		config_error_option(errors, option, "an override is KEY=VALUE");
		return 0;
	}
	if (has_control(option)) {
		config_error_option(errors, option, "control character in an override");
		return 0;
	}
	key = strndup(option, (size_t)(equals - option));
	if (!key)
		return -ENOMEM;
	if (strncmp(key, "device.", strlen("device.")) == 0)
		return override_device(raw, option, key, errors);
	k = find_name(key, key_names, NR_KEYS);
	if (k >= 0)
		return set_override(&raw->values[k], option, equals + 1);
	explain_key(key, false, why, sizeof(why));
	config_error_option(errors, option, "unknown key '" CONFIG_SHOWN "'%s", key, why);
	return 0;
}
