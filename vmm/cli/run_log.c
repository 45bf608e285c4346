// SPDX-License-Identifier: MIT
/* The log of a guest. No locks. */
#include "vmm/cli/run_log.h"

#include "vmm/base/log.h"
#include "vmm/base/output.h"

int run_log_open(const struct config *config, struct failure *ret_failure)
{
	const struct log_wish wish = {
		.level = config->log_level,
		.format = config->log_format,
		.path = config->log_file,
		.guest = config->name,
	};
	int r = log_open(&wish);

	return r < 0 ? output_failed(ret_failure, wish.path, -r) : 0;
}
