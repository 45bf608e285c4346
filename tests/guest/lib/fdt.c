// SPDX-License-Identifier: MIT
/*
 * The device tree. It is ours (vmm/fdt.c wrote it) and so is believed; still
 * nothing is read beyond its end.
 */
#include "lib/fdt.h"

#include "lib/payload.h"

#define MAGIC	   0xd00dfeedu
#define BEGIN_NODE 1u
#define END_NODE   2u
#define PROP	   3u
#define NOP	   4u

/* Words of the header. */
#define HEADER_STRUCT  2u
#define HEADER_STRINGS 3u
#define HEADER_SZ      9u

static uint32_t be32(uint64_t at)
{
	return __builtin_bswap32(*(const volatile uint32_t *)at);
}

static uint32_t header(uint64_t fdt, unsigned word)
{
	return be32(fdt + 4u * word);
}

/* Does s begin with prefix? Then what follows, else NULL. */
static const char *after(const char *s, const char *prefix)
{
	for (; *prefix; s++, prefix++)
		if (*s != *prefix)
			return NULL;
	return s;
}

static size_t length(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

static uint64_t word_up(uint64_t at)
{
	return (at + 3) & ~UINT64_C(3);
}

/* The value of a property of a node right below the root; NULL: there is none. */
static const void *property(uint64_t fdt, const char *node, const char *name)
{
	uint64_t at = fdt + header(fdt, HEADER_STRUCT), strings = fdt + header(fdt, HEADER_STRINGS);
	uint64_t end = at + header(fdt, HEADER_SZ);
	unsigned depth = 0;
	bool inside = false;

	CHECK(header(fdt, 0) == MAGIC, "no device tree");
	while (at < end) {
		uint32_t token = be32(at);
		const char *text = (const char *)at + 4;

		at += 4;
		if (token == BEGIN_NODE) {
			if (++depth == 2)
				inside = after(text, node);
			at = word_up(at + length(text) + 1);
		} else if (token == END_NODE) {
			depth--;
		} else if (token == PROP) {
			const char *key = (const char *)strings + be32(at + 4);
			const char *rest = after(key, name);

			if (inside && depth == 2 && rest && !*rest)
				return text + 8;
			at = word_up(at + 8 + be32(at));
		} else if (token != NOP) {
			break;
		}
	}
	return NULL;
}

const char *fdt_cmdline(uint64_t fdt)
{
	const char *cmdline = property(fdt, "chosen", "bootargs");

	return cmdline ? cmdline : "";
}

uint64_t fdt_ram_end(uint64_t fdt)
{
	uint64_t reg = (uint64_t)property(fdt, "memory@", "reg");

	CHECK(reg, "no memory in the device tree");
	return ((uint64_t)be32(reg) << 32 | be32(reg + 4)) +
	       ((uint64_t)be32(reg + 8) << 32 | be32(reg + 12));
}

/* ---- the command line ------------------------------------------------------ */

/* What follows KEY= in the word that begins with it; NULL: no word does. */
static const char *find_word(uint64_t fdt, const char *key)
{
	const char *word = fdt_cmdline(fdt);

	while (*word) {
		const char *value = after(word, key);

		if (value && *value == '=')
			return value + 1;
		while (*word && *word != ' ')
			word++;
		while (*word == ' ')
			word++;
	}
	return NULL;
}

bool fdt_word(uint64_t fdt, const char *key, char *ret_value, unsigned cap)
{
	const char *value = find_word(fdt, key);
	unsigned n = 0;

	if (!value)
		return false;
	for (; value[n] && value[n] != ' '; n++) {
		CHECK(n + 1 < cap, "%s= is too long", key);
		ret_value[n] = value[n];
	}
	ret_value[n] = '\0';
	return true;
}

uint64_t fdt_number(uint64_t fdt, const char *key, uint64_t otherwise)
{
	const char *value = find_word(fdt, key);
	uint64_t number = 0;

	if (!value)
		return otherwise;
	CHECK(*value >= '0' && *value <= '9', "%s= is no number", key);
	for (; *value >= '0' && *value <= '9'; value++)
		number = number * 10 + (uint64_t)(*value - '0');
	CHECK(!*value || *value == ' ', "%s= is no number", key);
	return number;
}
