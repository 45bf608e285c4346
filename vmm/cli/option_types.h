/* SPDX-License-Identifier: MIT */
/*
 * What the values of options can be: functions for the rows of vmm/cli/options.h. What
 * is wrong is told as option_error() does.
 */
#ifndef VMM_CLI_OPTION_TYPES_H
#define VMM_CLI_OPTION_TYPES_H

#include "vmm/cli/options.h"

option_take option_flag;      /* bool: it is given */
option_take option_text;      /* const char *, of the command line */
option_take option_number;    /* uint32_t or uint64_t, from min to max, decimal */
option_take option_cpu;	      /* int, from 0 to max */
option_take option_placement; /* struct placement: its CPU, which is asked for */
option_take option_root;      /* struct pci_host_fs: where a host's files are */

/* --root, which all commands that look at the host have. */
#define OPTION_ROOT(type, member, help_)                                \
	{                                                               \
		.name = "root", .argument = "DIR", .take = option_root, \
		OPTION_MEMBER(type, member), .help = (help_)            \
	}

#endif
