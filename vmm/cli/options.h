/* SPDX-License-Identifier: MIT */
/*
 * The options of the commands: getopt_long(3), with mistakes told as itsy tells
 * them all.
 */
#ifndef VMM_CLI_OPTIONS_H
#define VMM_CLI_OPTIONS_H

#include <getopt.h>

/* Before the first options_next() of a command. */
void options_begin(void);

/*
 * The value of the next long option, from 256, with optarg; -1 at the end, with
 * optind at the first word that is no option; '?' after one that is wrong, which
 * has been told on stderr then. argv[0] is the command.
 */
int options_next(int argc, char **argv, const struct option options[]);

#endif
