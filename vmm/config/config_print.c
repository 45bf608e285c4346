// SPDX-License-Identifier: MIT
/*
 * A configuration in the file's own syntax. No locks.
 */
#include "vmm/config/config_key.h"

static void print_block(enum config_scope scope, const char *name, const struct config *config,
			const void *block, FILE *out)
{
	(void)fprintf(out, "\n%s \"%s\" {\n", config_scopes[scope].block, name);
	config_block_print(scope, config, block, "\t", out);
	(void)fputs("}\n", out);
}

void config_print(const struct config *config, FILE *out)
{
	config_block_print(SCOPE_GUEST, config, config, "", out);
	for (size_t i = 0; i < config->nr_its; i++)
		print_block(SCOPE_ITS, config->its[i].name, config, &config->its[i], out);
	for (size_t i = 0; i < config->nr_devices; i++)
		print_block(SCOPE_DEVICE, config->devices[i].name, config, &config->devices[i],
			    out);
}
