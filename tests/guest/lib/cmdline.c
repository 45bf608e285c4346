// SPDX-License-Identifier: MIT
/*
 * Words of the kernel command line.
 *
 * Deliberately not here: checks of the tree, which our own VMM makes.
 */
#include "lib/cmdline.h"

#include <stdbool.h>
#include <stddef.h>

#include "lib/payload.h"

#define FDT_MAGIC      0xd00dfeedu
#define FDT_OFF_STRUCT 8u
#define FDT_OFF_NAMES  12u
#define FDT_BEGIN_NODE 1u
#define FDT_END_NODE   2u
#define FDT_PROP       3u
#define FDT_END	       9u

static uint32_t big32(uint64_t at)
{
	return __builtin_bswap32(*(const volatile uint32_t *)at);
}

static uint64_t align4(uint64_t at)
{
	return (at + 3) & ~UINT64_C(3);
}

static size_t length(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

static bool begins(const char *s, const char *with)
{
	while (*with)
		if (*s++ != *with++)
			return false;
	return true;
}

/* The only property of that name is that of /chosen. */
static const char *find_bootargs(uint64_t fdt)
{
	uint64_t at = fdt + big32(fdt + FDT_OFF_STRUCT), names = fdt + big32(fdt + FDT_OFF_NAMES);

	CHECK(big32(fdt) == FDT_MAGIC, "no device tree at 0x%lx", fdt);
	while (big32(at) != FDT_END) {
		uint32_t token = big32(at);

		at += 4;
		if (token == FDT_BEGIN_NODE) {
			at = align4(at + length((const char *)at) + 1);
		} else if (token == FDT_PROP) {
			const char *name = (const char *)(names + big32(at + 4));

			if (begins(name, "bootargs"))
				return (const char *)(at + 8);
			at = align4(at + 8 + big32(at));
		}
	}
	return "";
}

static uint64_t number(const char *s)
{
	uint64_t value = 0;

	while (*s >= '0' && *s <= '9')
		value = value * 10 + (uint64_t)(*s++ - '0');
	return value;
}

uint64_t cmdline_number(uint64_t fdt, const char *key, uint64_t otherwise)
{
	const char *word = find_bootargs(fdt);

	while (*word) {
		if (begins(word, key) && word[length(key)] == '=')
			return number(word + length(key) + 1);
		while (*word && *word != ' ')
			word++;
		while (*word == ' ')
			word++;
	}
	return otherwise;
}
