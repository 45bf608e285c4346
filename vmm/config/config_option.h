/* SPDX-License-Identifier: MIT */
/*
 * What the command line says of a guest. Private to vmm/config.
 */
#ifndef VMM_CONFIG_CONFIG_OPTION_H
#define VMM_CONFIG_CONFIG_OPTION_H

#include "vmm/config/config_raw.h"

/*
 * Put what an option says in the place of what the file says, or add an error to errors. 0, or
 * -ENOMEM. raw is one that was parsed.
 */
int config_option_apply(struct config_raw *raw, const struct config_option *option,
			struct config_errors *errors) _must_check_;

#endif
