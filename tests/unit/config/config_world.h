/* SPDX-License-Identifier: MIT */
/*
 * Configurations as texts named t.conf, and the messages about them.
 */
#ifndef TESTS_UNIT_CONFIG_WORLD_H
#define TESTS_UNIT_CONFIG_WORLD_H

#include "vmm/config/config.h"

#define VALID "kernel = \"Image\"\n"

/* config_parse(), without a file where text is NULL; *ret_messages is the caller's to free(). */
int config_parse_options(const char *text, const struct config_option options[], size_t nr,
			 char **ret_messages, struct config *ret);
/* The same with overrides, each a --set. */
int config_parse_text(const char *text, const char *const overrides[], size_t nr,
		      char **ret_messages, struct config *ret);
/* The text must be accepted without a word. */
void config_parse_valid(const char *text, struct config *ret);
/* The text must be refused with these messages and no others. */
void config_expect_messages(const char *text, const char *const overrides[], size_t nr,
			    const char *want);

/* What config_print() prints, and the same without its comments; the caller's to free(). */
char *config_printed(const struct config *config);
char *config_printed_plain(const struct config *config);
/* Without comments, as config_print() writes them, in place; returns text. */
char *config_strip(char *text);

#endif
