// SPDX-License-Identifier: MIT
/*
 * libconfuse's side of a configuration.
 *
 * All values are strings to libconfuse; numbers are read in vmm/config/config_type.c,
 * for it takes 010 for 8.
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

#define CONTEXT	    "(context)"
#define MAX_UNKNOWN 64u
#define BLOCK_DONE  (-1)

static_assert(CONFIG_MAX_ITS <= CONFIG_MAX_DEVICES, "list[]");
static_assert(CONFIG_MAX_DEVICES + CONFIG_MAX_ITS <= CONFIG_MAX_BLOCKS, "each has its line");

struct parser {
	long anchor; /* where the option CONTEXT points */
	const struct config_text *text;
	struct config_errors *errors;
	struct config_raw *raw;
	bool out_of_memory;

	struct config_value *current; /* owned: of the block that is being parsed */
	size_t nr_blocks;	      /* that ended, also those that are too many */
	bool too_many[NR_SCOPES];

	char *unknown[MAX_UNKNOWN]; /* owned: keys that do not exist */
	size_t nr_unknown;
	bool learnt; /* one more, by this parse */
};

static void blocks_clear(struct config_blocks *blocks)
{
	for (size_t i = 0; i < blocks->nr; i++) {
		config_values_free(blocks->list[i].values);
		free(blocks->list[i].name);
		blocks->list[i] = (struct config_block){ 0 };
	}
	blocks->nr = 0;
}

void config_raw_fini(struct config_raw *raw)
{
	config_values_free(raw->values);
	raw->values = NULL;
	for (size_t scope = 0; scope < NR_SCOPES; scope++)
		blocks_clear(&raw->blocks[scope]);
}

static void parser_fini(struct parser *p)
{
	config_values_free(p->current);
	p->current = NULL;
	for (size_t i = 0; i < p->nr_unknown; i++)
		free(p->unknown[i]);
	p->nr_unknown = 0;
}

/* What a parse found goes; what it learnt stays. */
static int parser_rewind(struct parser *p)
{
	config_raw_fini(p->raw);
	config_values_free(p->current);
	p->raw->values = config_values_new();
	p->current = config_values_new();
	p->nr_blocks = 0;
	memset(p->too_many, 0, sizeof(p->too_many));
	p->learnt = false;
	return p->raw->values && p->current ? 0 : -ENOMEM;
}

/* The first kind of block that has such a key; SCOPE_GUEST: none. */
static enum config_scope block_with_key(const char *name)
{
	for (enum config_scope scope = SCOPE_DEVICE; scope < NR_SCOPES; scope++)
		if (config_key_find(scope, name))
			return scope;
	return SCOPE_GUEST;
}

/* Is it a key outside of the blocks, or the word that begins one? */
static bool is_outside_of_blocks(const char *name)
{
	return config_key_find(SCOPE_GUEST, name) ||
	       config_scope_find(name, strlen(name)) != SCOPE_GUEST;
}

void config_raw_explain_key(const char *name, enum config_scope here, char *out, size_t cap)
{
	enum config_scope home = block_with_key(name);
	const char *near = config_key_suggest(here, name);
	char place[32] = "outside of a block";

	if (here != SCOPE_GUEST)
		(void)snprintf(place, sizeof(place), "in %s %s block", config_scopes[here].article,
			       config_scopes[here].noun);
	if (home != SCOPE_GUEST)
		(void)snprintf(out, cap, " %s: it belongs to %s %s", place,
			       config_scopes[home].article, config_scopes[home].noun);
	else if (here != SCOPE_GUEST && is_outside_of_blocks(name))
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
	for (size_t i = 0; i < p->nr_unknown; i++)
		if (strcmp(p->unknown[i], name) == 0)
			return true;
	return false;
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

static enum config_scope scope_of(const cfg_t *cfg)
{
	return cfg->title ? config_scope_find(cfg->name, strlen(cfg->name)) : SCOPE_GUEST;
}

static void unknown_key(struct parser *p, const cfg_t *cfg, const char *name)
{
	char why[80];

	config_raw_explain_key(name, scope_of(cfg), why, sizeof(why));
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
		if (unknown || (is_unknown(p, name) && !config_key_find(scope_of(cfg), name))) {
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
	enum config_scope scope = scope_of(cfg);
	struct config_value *v = config_value_of(scope == SCOPE_GUEST ? p->raw->values : p->current,
						 scope, opt->name);

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

struct config_block *config_raw_find_block(struct config_blocks *blocks, const char *name,
					   size_t len)
{
	for (size_t i = 0; i < blocks->nr; i++)
		if (strlen(blocks->list[i].name) == len &&
		    memcmp(blocks->list[i].name, name, len) == 0)
			return &blocks->list[i];
	return NULL;
}

/* May a block of this kind and name be added? Else that is said. */
static bool has_place(struct parser *p, enum config_scope scope, const char *name, int line)
{
	struct config_blocks *blocks = &p->raw->blocks[scope];
	const struct config_block *same = config_raw_find_block(blocks, name, strlen(name));

	if (same) {
		config_error_at(p->errors, line, "%s \"" CONFIG_SHOWN "\" exists already: line %d",
				config_scopes[scope].noun, name, same->line);
		return false;
	}
	if (blocks->nr < config_scopes[scope].max)
		return true;
	if (!p->too_many[scope])
		config_error_at(p->errors, line, "more than %zu %ss", config_scopes[scope].max,
				config_scopes[scope].noun);
	p->too_many[scope] = true;
	return false;
}

static void add_block(struct parser *p, enum config_scope scope, const char *name, int line)
{
	struct config_blocks *blocks = &p->raw->blocks[scope];
	struct config_block b = { .line = line };

	if (!has_place(p, scope, name, line)) {
		config_values_clear(p->current);
		return;
	}
	b.name = strdup(name);
	b.values = TAKE_PTR(p->current);
	p->current = config_values_new();
	p->out_of_memory |= !b.name || !p->current;
	blocks->list[blocks->nr++] = b;
}

static int on_block(cfg_t *cfg, cfg_opt_t *opt)
{
	struct parser *p = parser_of(cfg);
	cfg_t *block = block_that_ended(opt);
	int line =
		p->nr_blocks < p->text->nr_blocks ? p->text->block_line[p->nr_blocks] : cfg->line;

	block->line = BLOCK_DONE;
	add_block(p, scope_of(block), block->title, line);
	p->nr_blocks++;
	return p->out_of_memory ? -1 : 0;
}

/*
 * The options of one scope: its keys, what was learnt, the context. Returns how
 * many. A name that was learnt in a block can be one outside of them, and the
 * other way round.
 */
static size_t fill_options(struct parser *p, enum config_scope scope, cfg_opt_t options[])
{
	size_t n = 0;

	for (size_t i = 0; i < config_nr_keys; i++) {
		if (config_keys[i].scope != scope)
			continue;
		options[n] = (cfg_opt_t)CFG_STR(config_keys[i].name, NULL, CFGF_NODEFAULT);
		options[n++].validcb = on_value;
	}
	for (size_t i = 0; i < p->nr_unknown; i++) {
		const char *name = p->unknown[i];

		if (scope == SCOPE_GUEST ? is_outside_of_blocks(name)
					 : config_key_find(scope, name) != NULL)
			continue;
		options[n] = (cfg_opt_t)CFG_STR(name, NULL, CFGF_NODEFAULT);
		options[n++].validcb = on_unknown;
	}
	options[n++] = (cfg_opt_t)CFG_SIMPLE_INT(CONTEXT, &p->anchor);
	return n;
}

/* One parse. 0, -EINVAL where libconfuse stopped, -ENOMEM. */
static int parse_once(struct parser *p)
{
	/* Of each scope: all keys, what was learnt, the context, the blocks, an end. */
	size_t max = config_nr_keys + MAX_UNKNOWN + NR_SCOPES + 2, n;
	_cleanup_free_ cfg_opt_t *options = calloc(NR_SCOPES * max, sizeof(*options));
	size_t nr_errors = p->errors->nr;
	cfg_t *cfg;
	int r;

	if (!options)
		return -ENOMEM;
	n = fill_options(p, SCOPE_GUEST, options);
	for (enum config_scope scope = SCOPE_DEVICE; scope < NR_SCOPES; scope++) {
		cfg_opt_t *in_block = options + scope * max;

		in_block[fill_options(p, scope, in_block)] = (cfg_opt_t)CFG_END();
		options[n] = (cfg_opt_t)CFG_SEC(config_scopes[scope].block, in_block,
						CFGF_MULTI | CFGF_TITLE);
		options[n++].validcb = on_block;
	}
	options[n] = (cfg_opt_t)CFG_END();

	cfg = cfg_init(options, CFGF_NONE);
	if (!cfg)
		return -ENOMEM;
	(void)cfg_set_error_function(cfg, on_error);
	r = cfg_parse_buf(cfg, p->text->text);
	/* libconfuse says what is wrong in a prepared text; should it fail and say nothing, we do.
	 */
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
		errors->nr = nr_before;
		r = parser_rewind(&p);
		if (r == 0)
			r = parse_once(&p);
	} while (r == -EINVAL && p.learnt);
	return r;
}
