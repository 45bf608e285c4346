/* SPDX-License-Identifier: MIT */
/* The command line. */
#ifndef VMM_CLI_CLI_H
#define VMM_CLI_CLI_H

#include "vmm/cli/commands.h"

struct command {
	const char *name;
	enum exit_status (*run)(int argc, char **argv);
	const char *summary;
	const struct command_line *line; /* NULL: it has no options */
};
extern const struct command cli_commands[];
extern const size_t cli_nr_commands;

/* What main() does: argv[0] is the program, argv[1] the command. */
enum exit_status cli_run(int argc, char **argv);

#endif
