// SPDX-License-Identifier: MIT
/*
 * libconfuse's side of a configuration, and the overrides of the command line.
 *
 * All values are strings to libconfuse; numbers are read in vmm/config/config_load.c, for it
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
#include "vmm/config/config_raw.h"

#include <assert.h>
#include <confuse.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "vmm/base/bits.h"
#include "vmm/base/suggest.h"

#define CONTEXT	    "(context)"
#define MAX_UNKNOWN 64u
#define BLOCK_DONE  (-1)

#define NR_NAMES (NR_KEYS + NR_KINDS)

/* Outside of the blocks: the keys, then the names of the blocks. */
static const char *const names[NR_NAMES] = {
	[KEY_KERNEL] = "kernel",
	[KEY_INITRD] = "initrd",
	[KEY_CMDLINE] = "cmdline",
	[KEY_VCPUS] = "vcpus",
	[KEY_MEMORY] = "memory",
	[NR_KEYS + KIND_DEVICE] = "device",
	[KEY_ROUTE] = "route",
	[KEY_ROUTER_CPU] = "router-cpu",
	[KEY_ROUTER_SCHED] = "router-sched",
	[KEY_SPIN_CPU] = "spin-cpu",
	[KEY_VCPU_CPUS] = "vcpu-cpus",
	[KEY_VCPU_SCHED] = "vcpu-sched",
	[KEY_NAME] = "name",
	[NR_KEYS + KIND_ITS] = "its",
};
static const char *const device_keys[NR_DEVICE_KEYS] = {
	[KEY_BDF] = "bdf",
	[KEY_EVENTS] = "events",
	[KEY_ITS] = "its",
	[KEY_DEVID] = "devid",
	[KEY_DEVICE_ROUTE] = "route",
	[KEY_STORM_RATE] = "storm-rate",
	[KEY_STORM_BURST] = "storm-burst",
	[KEY_STORM_HOLDOFF] = "storm-holdoff-us",
	[KEY_HOLD] = "hold-us",
	[KEY_MSI_CPU] = "msi-cpu",
};
static const char *const its_keys[NR_ITS_KEYS] = {
	[KEY_DEVID_BITS] = "devid-bits",
	[KEY_EVENTID_BITS] = "eventid-bits",
	[KEY_LPIS] = "lpis",
	[KEY_ON_ERROR] = "on-error",
};
static const struct {
	const char *const *keys;
	size_t nr_keys;
	size_t max; /* blocks */
} kinds[NR_KINDS] = {
	[KIND_DEVICE] = { device_keys, NR_DEVICE_KEYS, CONFIG_MAX_DEVICES },
	[KIND_ITS] = { its_keys, NR_ITS_KEYS, CONFIG_MAX_ITS },
};
const struct config_noun config_nouns[NR_KINDS] = {
	[KIND_DEVICE] = { "a", "device" },
	[KIND_ITS] = { "an", "ITS" },
};
/* As a kind: outside of all blocks. */
#define KIND_NONE NR_KINDS

static_assert(NR_DEVICE_KEYS <= CONFIG_MAX_KEYS && NR_ITS_KEYS <= CONFIG_MAX_KEYS, "values[]");
static_assert(CONFIG_MAX_ITS <= CONFIG_MAX_OF_KIND, "list[]");
static_assert(CONFIG_MAX_DEVICES + CONFIG_MAX_ITS <= CONFIG_MAX_BLOCKS, "each has its line");

struct parser {
	long anchor; /* where the option CONTEXT points */
	const struct config_text *text;
	struct config_errors *errors;
	struct config_raw *raw;
	bool out_of_memory;

	struct config_value current[CONFIG_MAX_KEYS]; /* of the block that is being parsed */
	size_t nr_blocks;			      /* that ended, also those that are too many */
	bool too_many[NR_KINDS];

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

static void blocks_clear(struct config_blocks *blocks)
{
	for (size_t i = 0; i < blocks->nr; i++) {
		values_clear(blocks->list[i].values, CONFIG_MAX_KEYS);
		free(blocks->list[i].name);
		blocks->list[i].name = NULL;
	}
	blocks->nr = 0;
}

void config_raw_fini(struct config_raw *raw)
{
	values_clear(raw->values, NR_KEYS);
	for (size_t kind = 0; kind < NR_KINDS; kind++)
		blocks_clear(&raw->blocks[kind]);
}

/* What a parse found goes; what it learnt stays. */
static void parser_rewind(struct parser *p)
{
	config_raw_fini(p->raw);
	values_clear(p->current, CONFIG_MAX_KEYS);
	p->nr_blocks = 0;
	memset(p->too_many, 0, sizeof(p->too_many));
	p->learnt = false;
}

static void parser_fini(struct parser *p)
{
	values_clear(p->current, CONFIG_MAX_KEYS);
	for (size_t i = 0; i < p->nr_unknown; i++)
		free(p->unknown[i]);
}

static int find_name(const char *name, const char *const among[], size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (strcmp(name, among[i]) == 0)
			return (int)i;
	return -1;
}

/* The index of a key of a kind of block, or outside of them; -1: not one. */
static int find_key(enum config_kind kind, const char *name)
{
	return kind == KIND_NONE ? find_name(name, names, NR_KEYS)
				 : find_name(name, kinds[kind].keys, kinds[kind].nr_keys);
}

/* The kind of block that a name of len characters begins; KIND_NONE: none. */
static enum config_kind find_kind(const char *name, size_t len)
{
	for (enum config_kind kind = 0; kind < NR_KINDS; kind++)
		if (strlen(names[NR_KEYS + kind]) == len &&
		    memcmp(names[NR_KEYS + kind], name, len) == 0)
			return kind;
	return KIND_NONE;
}

/* The first kind of block that has such a key. */
static enum config_kind kind_with_key(const char *name)
{
	enum config_kind kind = 0;

	while (kind < NR_KINDS && find_key(kind, name) < 0)
		kind++;
	return kind;
}

/* Why a key is wrong here, for a message. */
static void explain_key(const char *name, enum config_kind here, char *out, size_t cap)
{
	enum config_kind home = kind_with_key(name);
	const char *near = here == KIND_NONE ? suggest(name, names, NR_NAMES)
					     : suggest(name, kinds[here].keys, kinds[here].nr_keys);
	char place[32] = "outside of a block";

	if (here != KIND_NONE)
		(void)snprintf(place, sizeof(place), "in %s %s block", config_nouns[here].article,
			       config_nouns[here].noun);
	if (home != KIND_NONE)
		(void)snprintf(out, cap, " %s: it belongs to %s %s", place,
			       config_nouns[home].article, config_nouns[home].noun);
	else if (here != KIND_NONE && find_name(name, names, NR_NAMES) >= 0)
		(void)snprintf(out, cap, " %s: it stands outside of the blocks", place);
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

static enum config_kind kind_of(const cfg_t *cfg)
{
	return cfg->title ? find_kind(cfg->name, strlen(cfg->name)) : KIND_NONE;
}

static void unknown_key(struct parser *p, const cfg_t *cfg, const char *name)
{
	char why[80];

	explain_key(name, kind_of(cfg), why, sizeof(why));
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
		if (unknown || (is_unknown(p, name) && find_key(kind_of(cfg), name) < 0)) {
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
	enum config_kind kind = kind_of(cfg);
	int key = find_key(kind, opt->name);
	struct config_value *v;

	assert(key >= 0);
	v = kind == KIND_NONE ? &p->raw->values[key] : &p->current[key];
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

static struct config_block *find_block(struct config_blocks *blocks, const char *name, size_t len)
{
	for (size_t i = 0; i < blocks->nr; i++)
		if (strlen(blocks->list[i].name) == len &&
		    memcmp(blocks->list[i].name, name, len) == 0)
			return &blocks->list[i];
	return NULL;
}

/* May a block of this kind and name be added? Else that is said. */
static bool has_place(struct parser *p, enum config_kind kind, const char *name, int line)
{
	struct config_blocks *blocks = &p->raw->blocks[kind];
	const struct config_block *same = find_block(blocks, name, strlen(name));

	if (same) {
		config_error_at(p->errors, line, "%s \"" CONFIG_SHOWN "\" exists already: line %d",
				config_nouns[kind].noun, name, same->line);
		return false;
	}
	if (blocks->nr < kinds[kind].max)
		return true;
	if (!p->too_many[kind])
		config_error_at(p->errors, line, "more than %zu %ss", kinds[kind].max,
				config_nouns[kind].noun);
	p->too_many[kind] = true;
	return false;
}

static void add_block(struct parser *p, enum config_kind kind, const char *name, int line)
{
	struct config_blocks *blocks = &p->raw->blocks[kind];
	struct config_block *b = &blocks->list[blocks->nr];

	if (!has_place(p, kind, name, line)) {
		values_clear(p->current, CONFIG_MAX_KEYS);
		return;
	}
	b->name = strdup(name);
	b->line = line;
	if (!b->name) {
		p->out_of_memory = true;
		return;
	}
	for (size_t i = 0; i < CONFIG_MAX_KEYS; i++) {
		b->values[i] = p->current[i];
		p->current[i] = (struct config_value){ 0 };
	}
	blocks->nr++;
}

static int on_block(cfg_t *cfg, cfg_opt_t *opt)
{
	struct parser *p = parser_of(cfg);
	cfg_t *block = block_that_ended(opt);
	int line =
		p->nr_blocks < p->text->nr_blocks ? p->text->block_line[p->nr_blocks] : cfg->line;

	block->line = BLOCK_DONE;
	add_block(p, kind_of(block), block->title, line);
	p->nr_blocks++;
	return p->out_of_memory ? -1 : 0;
}

#define OPTIONS_MAX (NR_NAMES + MAX_UNKNOWN + 2)

static_assert(CONFIG_MAX_KEYS <= NR_NAMES, "options[] is enough for the keys of a block too");

/*
 * The options of one scope: its keys, what was learnt, the context. Returns how
 * many. A name that was learnt in a block can be one outside of them, and the
 * other way round.
 */
static size_t fill_options(struct parser *p, enum config_kind kind, cfg_opt_t options[OPTIONS_MAX])
{
	const char *const *keys = kind == KIND_NONE ? names : kinds[kind].keys;
	size_t n = 0, nr_keys = kind == KIND_NONE ? NR_KEYS : kinds[kind].nr_keys;
	size_t nr_taken = kind == KIND_NONE ? NR_NAMES : nr_keys;

	for (size_t i = 0; i < nr_keys; i++) {
		options[n] = (cfg_opt_t)CFG_STR(keys[i], NULL, CFGF_NODEFAULT);
		options[n++].validcb = on_value;
	}
	for (size_t i = 0; i < p->nr_unknown; i++) {
		if (find_name(p->unknown[i], keys, nr_taken) >= 0)
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
	cfg_opt_t options[OPTIONS_MAX], in_block[NR_KINDS][OPTIONS_MAX];
	size_t n = fill_options(p, KIND_NONE, options);
	size_t nr_errors = p->errors->nr;
	cfg_t *cfg;
	int r;

	for (enum config_kind kind = 0; kind < NR_KINDS; kind++) {
		in_block[kind][fill_options(p, kind, in_block[kind])] = (cfg_opt_t)CFG_END();
		options[n] = (cfg_opt_t)CFG_SEC(names[NR_KEYS + kind], in_block[kind],
						CFGF_MULTI | CFGF_TITLE);
		options[n++].validcb = on_block;
	}
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

/* key: "KIND.NAME.KEY" */
static int override_block(struct config_raw *raw, const char *option, const char *key,
			  struct config_errors *errors)
{
	enum config_kind kind = find_kind(key, strcspn(key, "."));
	const char *name = strchr(key, '.'), *dot = strrchr(key, '.');
	struct config_block *b;
	char why[80];
	int k;

	if (name == dot) { /* also where there is none */
		config_error_option(errors, option, "%s %s is set by %s.NAME.KEY=VALUE",
				    config_nouns[kind].article, config_nouns[kind].noun,
				    names[NR_KEYS + kind]);
		return 0;
	}
	name++;
	k = find_key(kind, dot + 1);
	if (k < 0) {
		explain_key(dot + 1, kind, why, sizeof(why));
		config_error_option(errors, option, "unknown key '" CONFIG_SHOWN "'%s", dot + 1,
				    why);
		return 0;
	}
	b = find_block(&raw->blocks[kind], name, (size_t)(dot - name));
	if (b)
		return set_override(&b->values[k], option, strchr(option, '=') + 1);
	config_error_option(errors, option, "%s has no %s of this name", errors->path,
			    config_nouns[kind].noun);
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
	if (find_kind(key, strcspn(key, ".")) != KIND_NONE)
		return override_block(raw, option, key, errors);
	k = find_key(KIND_NONE, key);
	if (k >= 0)
		return set_override(&raw->values[k], option, equals + 1);
	explain_key(key, KIND_NONE, why, sizeof(why));
	config_error_option(errors, option, "unknown key '" CONFIG_SHOWN "'%s", key, why);
	return 0;
}
