// SPDX-License-Identifier: MIT
/*
 * Names of guests and of blocks. No locks.
 */
#include <string.h>

#include "vmm/config/config_type.h"

#define NAME_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

bool config_is_name(const char *text)
{
	size_t len = strspn(text, NAME_LETTERS);

	return len && len <= CONFIG_NAME_MAX && !text[len];
}

void config_default_name(const char *path, char ret_name[CONFIG_NAME_MAX + 1])
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;
	const char *dot = strrchr(base, '.');
	size_t len = dot && strcmp(dot, ".conf") == 0 ? (size_t)(dot - base) : strlen(base);

	if (!len) {
		base = "guest";
		len = strlen(base);
	}
	if (len > CONFIG_NAME_MAX)
		len = CONFIG_NAME_MAX;
	for (size_t i = 0; i < len; i++)
		ret_name[i] = strchr(NAME_LETTERS, base[i]) ? base[i] : '-';
	ret_name[len] = '\0';
}
