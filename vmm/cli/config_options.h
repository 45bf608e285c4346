/* SPDX-License-Identifier: MIT */
/*
 * The options of itsy run and itsy check that say something of a guest: each key of a configuration
 * and each kind of block is one, by the table of keys (vmm/config), and so is --set.
 */
#ifndef VMM_CLI_CONFIG_OPTIONS_H
#define VMM_CLI_CONFIG_OPTIONS_H

#include "vmm/base/report.h"
#include "vmm/cli/options.h"
#include "vmm/config/config.h"

/* In the order in which they are given: the last one of a key counts. */
struct config_options {
	struct config_option list[64]; /* of the command line */
	size_t nr;
};

option_take option_config;	/* struct config_options */
option_other config_option_row; /* all but --set */

/* Does the command line say anything of a guest? */
bool config_options_any(const struct words *words, const struct config_options *options);
/*
 * Its configuration: of the file that is its only word, if any, and of the options. ITSY_OK, and
 * *ret_config is the caller's to config_fini(); or ITSY_USAGE or ITSY_CONFIG, which was told.
 */
enum exit_status config_options_load(const struct command_line *line, const struct words *words,
				     const struct config_options *options,
				     struct config *ret_config) _must_check_;

#endif
