/* SPDX-License-Identifier: MIT */
/*
 * From what a configuration file says to a configuration that makes sense. Private to
 * vmm/config.
 */
#ifndef VMM_CONFIG_CONFIG_CHECK_H
#define VMM_CONFIG_CONFIG_CHECK_H

#include "vmm/config/config_raw.h"

/*
 * Read each value, by its row of config_keys, fill in what was not given, and check what
 * depends on several of them. Errors are added to errors. 0, errors found or not; or
 * -ENOMEM. config begins zeroed, and is the caller's to config_fini() in any case.
 */
int config_check(struct config_raw *raw, struct config_errors *errors,
		 struct config *config) _must_check_;

#endif
