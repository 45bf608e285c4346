// SPDX-License-Identifier: MIT
/*
 * Options of the commands, by getopt_long(3). No locks; getopt's state is the C library's.
 */
#include "vmm/cli/options.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <string.h>

#include "vmm/base/suggest.h"

#define WORD_SZ 64u
#define COLUMNS 80u

/* What getopt returns for row i. */
#define FIRST_VALUE 256

/* All rows of a command: its own, --help, the others. */
struct all_rows {
	struct option_row list[OPTIONS_MAX + 1];
	char arguments[OPTIONS_MAX + 1][OPTION_ARGUMENT_SZ];
	size_t nr, help; /* help: the index of --help */
};

static void gather(const struct command_line *line, struct all_rows *all)
{
	assert(line->nr_rows <= OPTIONS_MAX);
	for (size_t i = 0; i < line->nr_rows; i++)
		all->list[i] = line->rows[i];
	all->help = line->nr_rows;
	all->list[all->help] = (struct option_row){ .name = "help", .help = "print this" };
	all->nr = all->help + 1;
	for (size_t i = 0; line->other; i++, all->nr++) {
		struct option_row row = { .at = line->other_at };

		if (!line->other(i, &row, all->arguments[all->nr]))
			break;
		assert(all->nr < OPTIONS_MAX);
		all->list[all->nr] = row;
	}
}

int option_error(const struct command_line *line, const char *format, ...)
{
	va_list ap;

	(void)fprintf(stderr, "itsy: error: %s: ", line->name);
	va_start(ap, format);
	(void)vfprintf(stderr, format, ap);
	va_end(ap);
	(void)fprintf(stderr, ": itsy help %s explains it\n", line->name);
	return -EINVAL;
}

/* ---- reading --------------------------------------------------------------------------- */

/* The option as it was typed, without a value. */
static void name_of(const char *word, char name[WORD_SZ])
{
	size_t len = strcspn(word, "=");

	if (len > WORD_SZ - 1)
		len = WORD_SZ - 1;
	memcpy(name, word, len);
	name[len] = '\0';
}

static const char *nearest(const struct all_rows *all, const char *name)
{
	const char *names[OPTIONS_MAX + 1];

	for (size_t i = 0; i < all->nr; i++)
		names[i] = all->list[i].name;
	return strncmp(name, "--", 2) == 0 ? suggest(name + 2, names, all->nr) : NULL;
}

/* Other programs' way: does the word have an option's name behind a single '-'? */
static bool lacks_a_dash(const struct all_rows *all, const char *word)
{
	char name[WORD_SZ];

	if (!word || word[0] != '-' || word[1] == '-')
		return false;
	name_of(word + 1, name);
	for (size_t i = 0; i < all->nr; i++)
		if (strcmp(all->list[i].name, name) == 0)
			return true;
	return false;
}

/* Why getopt did not take a word. */
static int tell(const struct command_line *line, const struct all_rows *all, const char *word,
		int result)
{
	char name[WORD_SZ];
	const char *near;

	name_of(word, name);
	if (result == ':')
		return option_error(line, "%s needs a value", name);
	if (optopt >= FIRST_VALUE) /* there is one of this name */
		return option_error(line, "%s takes no value", name);
	near = lacks_a_dash(all, word) ? name + 1 : nearest(all, name);
	if (near)
		(void)fprintf(stderr, "itsy: error: %s: unknown option %s: did you mean --%s?\n",
			      line->name, name, near);
	else
		(void)fprintf(stderr,
			      "itsy: error: %s: unknown option %s: itsy help %s lists them\n",
			      line->name, name, line->name);
	return -EINVAL;
}

static int take_all(const struct command_line *line, const struct all_rows *all,
		    const struct option options[], int argc, char **argv, void *into,
		    uint64_t *given)
{
	int result, r = 0;

	optind = 0; /* start anew, with GNU's order: options may stand anywhere */
	opterr = 0; /* we tell */
	while (r == 0 && (result = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		size_t i = (size_t)(result - FIRST_VALUE);
		char letter[] = { '-', (char)optopt, '\0' };

		if (result < FIRST_VALUE) /* of single letters, several may stand in one word */
			return tell(line, all,
				    lacks_a_dash(all, argv[optind])	 ? argv[optind]
				    : optopt > 0 && optopt < FIRST_VALUE ? letter
									 : argv[optind - 1],
				    result);
		if (i == all->help) {
			options_print_help(line, stdout);
			return 1;
		}
		*given |= UINT64_C(1) << i;
		r = all->list[i].take(line, &all->list[i], optarg, (char *)into + all->list[i].at);
	}
	return r;
}

int options_parse(const struct command_line *line, int argc, char **argv, void *into,
		  struct words *ret_words)
{
	struct option options[OPTIONS_MAX + 2] = { { 0 } };
	struct all_rows all;
	int r;

	gather(line, &all);
	for (size_t i = 0; i < all.nr; i++)
		options[i] = (struct option){
			.name = all.list[i].name,
			.has_arg = all.list[i].argument ? required_argument : no_argument,
			.val = FIRST_VALUE + (int)i,
		};
	*ret_words = (struct words){ 0 };
	r = take_all(line, &all, options, argc, argv, into, &ret_words->given);
	ret_words->list = argv + optind;
	ret_words->nr = argc - optind;
	return r;
}

/* ---- printing -------------------------------------------------------------------------- */

static size_t label_of(const struct option_row *row, char label[WORD_SZ])
{
	int len = snprintf(label, WORD_SZ, "--%s%s%s", row->name, row->argument ? " " : "",
			   row->argument ? row->argument : "");

	assert(len > 0 && (size_t)len < WORD_SZ);
	return (size_t)len;
}

void options_print_text(const char *text, size_t column, FILE *out)
{
	size_t at = column;

	for (const char *word = text; *word;) {
		size_t len = strcspn(word, " ");

		if (at > column && at + 1 + len > COLUMNS) {
			(void)fprintf(out, "\n%*s", (int)column, "");
			at = column;
		} else if (at > column) {
			(void)fputc(' ', out);
			at++;
		}
		(void)fprintf(out, "%.*s", (int)len, word);
		at += len;
		word += len + (word[len] == ' ');
	}
	(void)fputc('\n', out);
}

/* The rows from one to the one before another, in two columns. */
static void print_rows(const struct all_rows *all, size_t from, size_t to, FILE *out)
{
	char label[WORD_SZ];
	size_t widest = 0;

	for (size_t i = from; i < to; i++) {
		size_t len = label_of(&all->list[i], label);

		widest = len > widest ? len : widest;
	}
	for (size_t i = from; i < to; i++) {
		(void)label_of(&all->list[i], label);
		(void)fprintf(out, "  %-*s  ", (int)widest, label);
		options_print_text(all->list[i].help, widest + 4, out);
	}
}

void options_print_help(const struct command_line *line, FILE *out)
{
	struct all_rows all;

	gather(line, &all);
	(void)fprintf(out, "Usage: %s\n\n%s\n", line->usage, line->about);
	if (line->more) {
		line->more(out);
		(void)fputc('\n', out);
	}
	print_rows(&all, 0, all.help + 1, out);
	if (line->other_title) {
		(void)fprintf(out, "\n%s\n", line->other_title);
		print_rows(&all, all.help + 1, all.nr, out);
	}
	if (line->after)
		(void)fprintf(out, "\n%s", line->after);
}
