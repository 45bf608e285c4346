// SPDX-License-Identifier: MIT
/*
 * What the command line says of a guest: its options become values of a configuration, as the
 * file's are, and are read and checked with them. Which options there are follows from the table
 * of keys.
 *
 * No locks.
 */
#include "vmm/config/config_option.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "vmm/base/word_list.h"

#define SET "set"

/* Of one option: more than a block has keys. */
#define MAX_WORDS 64u

/* An option as it is applied. */
struct applying {
	struct config_raw *raw;
	const struct config_option *option;
	struct config_errors *errors;
};

static bool is_block(const struct config_option *option)
{
	return config_scope_find(option->name, strlen(option->name)) != SCOPE_GUEST;
}

void config_option_format(const struct config_option *option, char out[], size_t cap)
{
	bool several = strcmp(option->name, SET) == 0 || is_block(option);

	(void)snprintf(out, cap, "--%s%s%s", option->name, several ? " " : "",
		       several ? option->value : "");
}

void config_option_error(struct config_errors *errors, const struct config_option *option,
			 const char *format, ...)
{
	char where[64], text[224];
	va_list ap;

	config_option_format(option, where, sizeof(where));
	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	config_error_option(errors, where, "%s", text);
}

static void unknown_key(const struct applying *a, const char *key, enum config_scope scope)
{
	char why[80];

	config_raw_explain_key(key, scope, why, sizeof(why));
	config_option_error(a->errors, a->option, "unknown key '" CONFIG_SHOWN "'%s", key, why);
}

static int set_value(const struct applying *a, struct config_value *v, const char *text)
{
	free(v->text);
	*v = (struct config_value){ .text = strdup(text), .option = a->option };
	return v->text ? 0 : -ENOMEM;
}

/* ---- --set ------------------------------------------------------------------------------- */

/* key: "BLOCK.NAME.KEY" */
static int set_in_block(const struct applying *a, const char *key, const char *text)
{
	enum config_scope scope = config_scope_find(key, strcspn(key, "."));
	const char *name = strchr(key, '.'), *dot = strrchr(key, '.');
	struct config_block *b;

	if (name == dot) { /* it has one dot, or none */
		config_option_error(a->errors, a->option, "%s %s is set by %s.NAME.KEY=VALUE",
				    config_scopes[scope].article, config_scopes[scope].noun,
				    config_scopes[scope].block);
		return 0;
	}
	name++;
	if (!config_key_find(scope, dot + 1)) {
		unknown_key(a, dot + 1, scope);
		return 0;
	}
	b = config_raw_find_block(&a->raw->blocks[scope], name, (size_t)(dot - name));
	if (b)
		return set_value(a, config_value_of(b->values, scope, dot + 1), text);
	config_option_error(a->errors, a->option, "%s has no %s of this name",
			    config_path_shown(a->errors->path), config_scopes[scope].noun);
	return 0;
}

static int apply_set(const struct applying *a)
{
	const char *equals = strchr(a->option->value, '=');
	_cleanup_free_ char *key = NULL;

	if (!equals) {
		config_option_error(a->errors, a->option, "an override is KEY=VALUE");
		return 0;
	}
	key = strndup(a->option->value, (size_t)(equals - a->option->value));
	if (!key)
		return -ENOMEM;
	if (config_scope_find(key, strcspn(key, ".")) != SCOPE_GUEST)
		return set_in_block(a, key, equals + 1);
	if (config_key_find(SCOPE_GUEST, key))
		return set_value(a, config_value_of(a->raw->values, SCOPE_GUEST, key), equals + 1);
	unknown_key(a, key, SCOPE_GUEST);
	return 0;
}

/* ---- a block in an option ---------------------------------------------------------------- */

struct words {
	char *text; /* owned: what key and value are of */
	const char *key[MAX_WORDS];
	const char *value[MAX_WORDS];
	size_t nr;
};

static void words_fini(struct words *words)
{
	free(words->text);
}

/* The word that begins at from, ended by a NUL in place, "," for ",,"; the next one, or NULL. */
static char *end_word(char *from)
{
	char *to = from;

	for (; *from && (*from != ',' || from[1] == ','); from += 1 + (*from == ','))
		*to++ = *from;
	from = *from ? from + 1 : NULL;
	*to = '\0';
	return from;
}

/* 0; -EINVAL with an error more; -ENOMEM. */
static int split(const struct applying *a, enum config_scope scope, struct words *words)
{
	char *next = NULL;

	words->text = strdup(a->option->value);
	if (!words->text)
		return -ENOMEM;
	for (char *word = words->text; word && words->nr < MAX_WORDS; word = next) {
		char *equals;

		next = end_word(word);
		equals = strchr(word, '=');
		if (!equals && words->nr) {
			config_option_error(a->errors, a->option,
					    "'" CONFIG_SHOWN "' is no KEY=VALUE", word);
			return -EINVAL;
		}
		if (equals)
			*equals = '\0';
		words->key[words->nr] = equals ? word : config_scopes[scope].first;
		words->value[words->nr++] = equals ? equals + 1 : word;
	}
	if (!next)
		return 0;
	config_option_error(a->errors, a->option, "more than %u keys", MAX_WORDS);
	return -EINVAL;
}

/* The first of "device0", "device1", ... that no block has. */
static void fresh_name(struct config_blocks *blocks, enum config_scope scope, char name[32])
{
	for (size_t n = 0; n <= blocks->nr; n++) {
		(void)snprintf(name, 32, "%s%zu", config_scopes[scope].block, n);
		if (!config_raw_find_block(blocks, name, strlen(name)))
			return;
	}
}

/* A new block. 0; -EINVAL with an error more; -ENOMEM. */
static int add_block(const struct applying *a, enum config_scope scope, const char *name,
		     struct config_block **ret_block)
{
	struct config_blocks *blocks = &a->raw->blocks[scope];
	struct config_block *b = &blocks->list[blocks->nr];

	if (blocks->nr == config_scopes[scope].max) {
		config_option_error(a->errors, a->option, "more than %zu %ss",
				    config_scopes[scope].max, config_scopes[scope].noun);
		return -EINVAL;
	}
	blocks->nr++;
	*b = (struct config_block){ .name = strdup(name),
				    .values = config_values_new(),
				    .option = a->option };
	*ret_block = b;
	return b->name && b->values ? 0 : -ENOMEM;
}

static int set_word(const struct applying *a, struct config_block *b, enum config_scope scope,
		    const char *key, const char *text)
{
	struct config_value *v;

	if (!config_key_find(scope, key)) {
		unknown_key(a, key, scope);
		return 0;
	}
	v = config_value_of(b->values, scope, key);
	if (v->option != a->option)
		return set_value(a, v, text);
	config_option_error(a->errors, a->option, "'%s' given twice", key);
	return 0;
}

/* The block that has the name which is given; else a new one. */
static int apply_block(const struct applying *a, enum config_scope scope)
{
	struct config_blocks *blocks = &a->raw->blocks[scope];
	_cleanup_(words_fini) struct words words = { .nr = 0 };
	const char *name = NULL;
	struct config_block *b;
	char fresh[32];
	int r = split(a, scope, &words);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	for (size_t i = 0; i < words.nr; i++) {
		if (strcmp(words.key[i], CONFIG_BLOCK_NAME) != 0)
			continue;
		if (name) {
			config_option_error(a->errors, a->option, "'%s' given twice",
					    CONFIG_BLOCK_NAME);
			return 0;
		}
		name = words.value[i];
	}
	if (!name) {
		fresh_name(blocks, scope, fresh);
		name = fresh;
	}
	b = config_raw_find_block(blocks, name, strlen(name));
	if (!b)
		r = add_block(a, scope, name, &b);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	for (size_t i = 0; r == 0 && i < words.nr; i++)
		if (strcmp(words.key[i], CONFIG_BLOCK_NAME) != 0)
			r = set_word(a, b, scope, words.key[i], words.value[i]);
	return r;
}

/* ---- any of them ------------------------------------------------------------------------- */

/* As in the file: a configuration can be printed, and read again. */
static bool has_control(const char *text)
{
	for (const char *p = text; *p; p++)
		if (((unsigned char)*p < 0x20 && *p != '\t') || *p == 0x7f)
			return true;
	return false;
}

int config_option_apply(struct config_raw *raw, const struct config_option *option,
			struct config_errors *errors)
{
	const struct applying a = { .raw = raw, .option = option, .errors = errors };
	const struct config_key *key = config_key_of_option(option->name);

	if (has_control(option->value)) {
		config_option_error(errors, option, "control character in an option");
		return 0;
	}
	if (strcmp(option->name, SET) == 0)
		return apply_set(&a);
	if (is_block(option))
		return apply_block(&a, config_scope_find(option->name, strlen(option->name)));
	if (key)
		return set_value(&a, config_value_of(raw->values, SCOPE_GUEST, key->name),
				 option->value);
	unknown_key(&a, option->name, SCOPE_GUEST);
	return 0;
}

/* ---- which there are --------------------------------------------------------------------- */

/* "_thp_ | _hugetlb:SIZE_", or the words, as "thp|hugetlb:SIZE". */
static void argument_of(const struct config_key *key, char argument[64])
{
	static const struct word_list_style style = { "", "|", "|" };
	char words[WORD_LIST_SZ];
	const char *from = key->type->placeholder;
	size_t len = 0;

	if (!from)
		from = word_list(key->word, (unsigned)key->max + 1, &style, words);
	for (; *from && len < 63; from++)
		if (*from != '_' && *from != ' ')
			argument[len++] = *from;
	argument[len] = '\0';
}

static void explain_key(const struct config_key *key, bool also, struct config_option_words *ret)
{
	ret->name = also ? key->also : key->name;
	ret->summary = also ? "the same, in a shorter word" : key->summary;
	argument_of(key, ret->argument);
}

/* A key has one option, or two; then come the kinds of blocks. */
bool config_option_explain(size_t i, struct config_option_words *ret)
{
	for (const struct config_key *key = config_keys; key < config_keys + config_nr_keys;
	     key++) {
		size_t nr = key->scope != SCOPE_GUEST ? 0 : key->also ? 2 : 1;

		if (i < nr) {
			explain_key(key, i == 1, ret);
			return true;
		}
		i -= nr;
	}
	if (SCOPE_DEVICE + i >= NR_SCOPES)
		return false;
	ret->name = config_scopes[SCOPE_DEVICE + i].block;
	ret->summary = config_scopes[SCOPE_DEVICE + i].summary;
	(void)snprintf(ret->argument, sizeof(ret->argument), "%s",
		       config_scopes[SCOPE_DEVICE + i].argument);
	return true;
}
