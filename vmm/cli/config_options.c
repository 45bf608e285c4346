// SPDX-License-Identifier: MIT
/* Options that say something of a guest. No locks. */
#include "vmm/cli/config_options.h"

#include "vmm/base/bits.h"

int option_config(const struct command_line *line, const struct option_row *row, const char *value,
		  void *member)
{
	struct config_options *options = member;

	if (options->nr == ARRAY_SIZE(options->list))
		return option_error(line, "--%s: there are more than %zu options of a guest",
				    row->name, ARRAY_SIZE(options->list));
	options->list[options->nr++] = (struct config_option){ row->name, value };
	return 0;
}

bool config_option_row(size_t i, struct option_row *ret, char argument[OPTION_ARGUMENT_SZ])
{
	struct config_option_words words;

	if (!config_option_explain(i, &words))
		return false;
	(void)snprintf(argument, OPTION_ARGUMENT_SZ, "%s", words.argument);
	ret->name = words.name;
	ret->argument = argument;
	ret->take = option_config;
	ret->help = words.summary;
	return true;
}

bool config_options_any(const struct words *words, const struct config_options *options)
{
	return words->nr || options->nr;
}

enum exit_status config_options_load(const struct command_line *line, const struct words *words,
				     const struct config_options *options,
				     struct config *ret_config)
{
	if (words->nr > 1) {
		(void)option_error(line, "it takes one configuration file, and '%s' is more",
				   words->list[1]);
		return ITSY_USAGE;
	}
	return config_load(words->nr ? words->list[0] : NULL, options->list, options->nr, stderr,
			   ret_config) < 0
		       ? ITSY_CONFIG
		       : ITSY_OK;
}
