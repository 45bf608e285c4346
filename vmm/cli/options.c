// SPDX-License-Identifier: MIT
/*
 * Options of the commands. No locks; getopt's state is the C library's.
 */
#include "vmm/cli/options.h"

#include <stdio.h>
#include <string.h>

#include "vmm/base/suggest.h"

#define MAX_OPTIONS 32u
#define NAME_SZ	    64u

void options_begin(void)
{
	optind = 0; /* start anew, with GNU's order: options may stand anywhere */
	opterr = 0; /* we tell */
}

/* The option as it was typed, without a value. */
static void name_of(const char *word, char name[NAME_SZ])
{
	size_t len = strcspn(word, "=");

	if (len > NAME_SZ - 1)
		len = NAME_SZ - 1;
	memcpy(name, word, len);
	name[len] = '\0';
}

static const char *nearest(const char *name, const struct option options[])
{
	const char *names[MAX_OPTIONS];
	size_t nr = 0;

	for (; nr < MAX_OPTIONS && options[nr].name; nr++)
		names[nr] = options[nr].name;
	return strncmp(name, "--", 2) == 0 ? suggest(name + 2, names, nr) : NULL;
}

static void tell(const char *command, const char *word, const struct option options[], int result)
{
	char name[NAME_SZ];
	const char *near;

	name_of(word, name);
	if (result == ':') {
		(void)fprintf(stderr,
			      "itsy: error: %s: %s needs a value: itsy help %s explains it\n",
			      command, name, command);
		return;
	}
	if (optopt > 255) { /* one that exists */
		(void)fprintf(stderr,
			      "itsy: error: %s: %s takes no value: itsy help %s explains it\n",
			      command, name, command);
		return;
	}
	near = nearest(name, options);
	if (near)
		(void)fprintf(stderr, "itsy: error: %s: unknown option %s: did you mean --%s?\n",
			      command, name, near);
	else
		(void)fprintf(stderr,
			      "itsy: error: %s: unknown option %s: itsy help %s lists them\n",
			      command, name, command);
}

int options_next(int argc, char **argv, const struct option options[])
{
	char one[] = "-?";
	int result = getopt_long(argc, argv, ":", options, NULL);

	if (result != '?' && result != ':')
		return result;
	one[1] = (char)optopt;
	/* Of single letters, several may stand in one word. */
	tell(argv[0], optopt > 0 && optopt < 256 ? one : argv[optind - 1], options, result);
	return '?';
}
