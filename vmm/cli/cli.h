/* SPDX-License-Identifier: MIT */
/* The command line. */
#ifndef VMM_CLI_CLI_H
#define VMM_CLI_CLI_H

#include "vmm/cli/commands.h"

/* What main() does: argv[0] is the program, argv[1] the command. */
enum exit_status cli_run(int argc, char **argv);

#endif
