// SPDX-License-Identifier: MIT
/*
 * A configuration in the file's own syntax, with where each value comes from.
 *
 * No locks.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "vmm/config/config_console.h"
#include "vmm/config/config_raw.h"

/* Of a block, or of what is outside of blocks. */
struct printing {
	const struct config *config;
	const void *block;		   /* the struct that has the members */
	const struct config_value *values; /* what was given, one for each key; NULL: not known */
	const char *indent;
	FILE *out;
};

static void print_place(const struct printing *p, int line, const struct config_option *option)
{
	char where[64];

	if (option) {
		config_option_format(option, where, sizeof(where));
		config_text_show(where, p->out);
	} else if (line) {
		config_text_show(p->config->path, p->out);
		(void)fprintf(p->out, ":%d", line);
	} else {
		(void)fputs("default", p->out);
	}
}

/* What holds without the key: in words, or as a value where the line has none. */
static void print_default(const struct printing *p, const struct config_key *key, bool has_value)
{
	uint64_t initial = 0;

	(void)fputs("default", p->out);
	if (key->otherwise) {
		(void)fprintf(p->out, ": %s", key->otherwise);
	} else if (!has_value) {
		config_member_set(key, &initial, key->initial);
		(void)fputs(": ", p->out);
		key->type->print(key, p->config, &initial, p->out);
	}
}

static void print_key(const struct printing *p, const struct config_key *key)
{
	const struct config_value *v = p->values ? &p->values[key - config_keys] : NULL;
	const void *member = (const char *)p->block + key->at;
	bool shown = key->is_shown(key, p->config, p->block), given = v && v->text;
	/* It has no effect, as a storm's burst without a rate: it is printed all the same. */
	bool none = !shown && key->type->is_none && key->type->is_none(key, member);

	(void)fprintf(p->out, "%s%s%s", p->indent, shown || given ? "" : "#", key->name);
	if (!none || given)
		(void)fputs(" = ", p->out);
	if (!none)
		key->type->print(key, p->config, member, p->out);
	else if (given)
		config_type_text.print(key, p->config, &v->text, p->out);
	(void)fputs("\t# ", p->out);
	if (given)
		print_place(p, v->line, v->option);
	else
		print_default(p, key, !none);
	(void)fputc('\n', p->out);
}

static void print_keys(const struct printing *p, enum config_scope scope)
{
	for (size_t i = 0; i < config_nr_keys; i++)
		if (config_keys[i].scope == scope)
			print_key(p, &config_keys[i]);
}

static void print_block(const struct config *config, enum config_scope scope, size_t i,
			const char *name, const void *block, FILE *out)
{
	const struct config_block *raw = config->raw ? &config->raw->blocks[scope].list[i] : NULL;
	const struct printing p = { .config = config,
				    .block = block,
				    .indent = "\t",
				    .out = out,
				    .values = raw ? raw->values : NULL };

	(void)fprintf(out, "\n%s \"%s\" {\t# ", config_scopes[scope].block, name);
	print_place(&p, raw ? raw->line : 0, raw ? raw->option : NULL);
	(void)fputc('\n', out);
	print_keys(&p, scope);
	(void)fputs("}\n", out);
}

void config_print(const struct config *config, FILE *out)
{
	const struct printing p = { .config = config,
				    .block = config,
				    .indent = "",
				    .out = out,
				    .values = config->raw ? config->raw->values : NULL };

	print_keys(&p, SCOPE_GUEST);
	for (size_t i = 0; i < config->nr_its; i++)
		print_block(config, SCOPE_ITS, i, config->its[i].name, &config->its[i], out);
	for (size_t i = 0; i < config->nr_devices; i++)
		print_block(config, SCOPE_DEVICE, i, config->devices[i].name, &config->devices[i],
			    out);
}

static int settle(char **path, const char *folder)
{
	size_t len = strlen(folder) + 1 + strlen(*path) + 1;
	char *settled = malloc(len);

	if (!settled)
		return -ENOMEM;
	(void)snprintf(settled, len, "%s/%s", folder, *path);
	free(*path);
	*path = settled;
	return 0;
}

int config_settle_paths(struct config *config)
{
	_cleanup_free_ char *folder = getcwd(NULL, 0);
	int r = folder ? 0 : -errno;

	for (size_t i = 0; i < config_nr_keys && r == 0; i++) {
		char **path = (char **)((char *)config + config_keys[i].at);

		if (config_keys[i].type == &config_type_path && *path && **path != '/')
			r = settle(path, folder);
		else if (config_keys[i].type == &config_type_console)
			r = config_console_settle(path, folder);
	}
	return r;
}
