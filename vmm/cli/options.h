/* SPDX-License-Identifier: MIT */
/*
 * The options of the commands: a table for each command, from which they are read and
 * their --help is printed. A test holds itsy(1) to the tables.
 */
#ifndef VMM_CLI_OPTIONS_H
#define VMM_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "vmm/base/cleanup.h"

struct command_line;
struct option_row;

/*
 * Takes the value of an option, NULL where it has none, into the member. 0; or
 * -EINVAL after option_error().
 */
typedef int option_take(const struct command_line *line, const struct option_row *row,
			const char *value, void *member);

struct option_row {
	const char *name;     /* without its "--" */
	const char *argument; /* "FILE", "BDF|none", "KEY=VALUE"; NULL: it has none */
	option_take *take;    /* vmm/cli/option_types.h has some */
	size_t at, size;      /* the member of the struct that options_parse() fills */
	uint64_t min, max;    /* of numbers */
	const char *help;     /* any length: it is broken into lines */
};

#define OPTION_ARGUMENT_SZ 64u

/*
 * Row i, from 0 on, of options that another room's table has; its argument may be of the array.
 * False: there are no more.
 */
typedef bool option_other(size_t i, struct option_row *ret_row,
			  char ret_argument[OPTION_ARGUMENT_SZ]);

/* Of the member of a struct, for a row. */
#define OPTION_MEMBER(type, member) \
	.at = offsetof(type, member), .size = sizeof(((type *)NULL)->member)

/* All that is not the command's own doing. Each command has --help besides its rows. */
struct command_line {
	const char *name;
	const char *usage;	 /* behind "Usage: "; several lines each begin with "       itsy" */
	const char *about;	 /* paragraphs of lines up to 80 characters */
	void (*more)(FILE *out); /* prints what is behind about; NULL: nothing */
	const struct option_row *rows;
	size_t nr_rows;	   /* up to OPTIONS_MAX, together with the others */
	const char *after; /* as about, behind the options; NULL: nothing */

	option_other *other;	 /* more rows; NULL: none */
	size_t other_at;	 /* the member that all of them are taken into */
	const char *other_title; /* --help lists them below this; NULL: about tells of them */
};

#define OPTIONS_MAX 63u

/* What is left of a command line. */
struct words {
	char **list; /* those that are no options; [nr] is NULL */
	int nr;
	uint64_t given; /* bit i: row i was given; the others follow */
};

/*
 * Fill the struct `into`, which has the defaults already; options may stand anywhere.
 * 0; 1 after --help, which was printed; -EINVAL where one is wrong, which was told on
 * stderr. argv[0] is the command.
 */
int options_parse(const struct command_line *line, int argc, char **argv, void *into,
		  struct words *ret_words) _must_check_;
/* Words from this column on, which the output has reached, in lines that fit a terminal. */
void options_print_text(const char *text, size_t column, FILE *out);
void options_print_help(const struct command_line *line, FILE *out);

/* "itsy: error: COMMAND: ...: itsy help COMMAND explains it", on stderr; -EINVAL. */
int option_error(const struct command_line *line, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
