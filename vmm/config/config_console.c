// SPDX-License-Identifier: MIT
/*
 * The key console: one of five words, two of which have a path behind them. No locks.
 */
#include "vmm/config/config_console.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "vmm/config/config_type.h"

/* Those that end in ':' have a path. */
static const char *const words[NR_CONSOLE_WISHES] = {
	[CONSOLE_WISH_STDIO] = "stdio", [CONSOLE_WISH_NONE] = "none",
	[CONSOLE_WISH_FILE] = "file:",	[CONSOLE_WISH_PTY] = "pty",
	[CONSOLE_WISH_UNIX] = "unix:",
};

#define RANGE "\"stdio\", \"none\", \"pty\", or a path behind \"file:\" or \"unix:\""

enum console_wish config_console(const char *value, const char **ret_path)
{
	enum console_wish wish;

	*ret_path = NULL;
	if (!value)
		return CONSOLE_WISH_STDIO;
	for (wish = 0; wish < NR_CONSOLE_WISHES; wish++) {
		size_t len = strlen(words[wish]);

		if (words[wish][len - 1] != ':' && strcmp(value, words[wish]) == 0)
			return wish;
		if (words[wish][len - 1] != ':' || strncmp(value, words[wish], len) != 0)
			continue;
		*ret_path = value + len;
		return value[len] ? wish : NR_CONSOLE_WISHES;
	}
	return NR_CONSOLE_WISHES;
}

int config_console_settle(char **value, const char *folder)
{
	const char *path;
	enum console_wish wish = config_console(*value, &path);
	char *settled;

	if (!path || *path == '/')
		return 0;
	if (asprintf(&settled, "%s%s/%s", words[wish], folder, path) < 0)
		return -ENOMEM;
	free(*value);
	*value = settled;
	return 0;
}

static void range_console(const struct config_key *key, char ret_range[CONFIG_RANGE_SZ])
{
	(void)key;
	(void)snprintf(ret_range, CONFIG_RANGE_SZ, "%s", RANGE);
}

static bool read_console(struct config_reader *r, const struct config_key *key,
			 struct config_value *v, void *member)
{
	const char *path;
	enum console_wish wish = config_console(v->text, &path);
	char *joined = NULL, *value = NULL;

	if (wish == NR_CONSOLE_WISHES) {
		config_value_error(r, v, "'%s' is " RANGE ", not '" CONFIG_SHOWN "'", key->name,
				   v->text);
		return false;
	}
	if (path)
		joined = config_path_from(r, v, path);
	if (joined && wish == CONSOLE_WISH_UNIX &&
	    strlen(joined) >= sizeof(((struct sockaddr_un *)NULL)->sun_path)) {
		config_value_error(r, v, "'%s' is a socket, whose path has %zu characters at most",
				   key->name, sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1);
		free(joined);
		return false;
	}
	if ((path && !joined) || asprintf(&value, "%s%s", words[wish], path ? joined : "") < 0)
		value = NULL;
	free(joined);
	free(*(char **)member);
	*(char **)member = value;
	r->out_of_memory |= !value;
	return value;
}

static void print_console(const struct config_key *key, const struct config *config,
			  const void *member, FILE *out)
{
	const char *value = *(char *const *)member;

	if (!value)
		value = words[CONSOLE_WISH_STDIO];
	config_type_text.print(key, config, &value, out);
}

static void fini_console(void *member)
{
	free(*(char **)member);
	*(char **)member = NULL;
}

const struct config_type config_type_console = {
	.placeholder = "_stdio_ | _none_ | _file:PATH_ | _pty_ | _unix:PATH_",
	.read = read_console,
	.print = print_console,
	.range = range_console,
	.fini = fini_console,
};
