// SPDX-License-Identifier: MIT
/*
 * Numbers and sizes of a configuration. No locks.
 */
#include <string.h>

#include "vmm/base/bits.h"
#include "vmm/config/config_type.h"

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 16;
}

/* How far to shift for a suffix of one letter; -1: not one. */
static int suffix_shift(const char *text)
{
	static const struct {
		const char *name;
		int shift;
	} suffixes[] = { { "", 0 },   { "K", 10 }, { "k", 10 }, { "M", 20 },
			 { "m", 20 }, { "G", 30 }, { "g", 30 } };

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++)
		if (strcmp(text, suffixes[i].name) == 0)
			return suffixes[i].shift;
	return -1;
}

enum config_number config_parse_number(const char *text, bool size, uint64_t *ret)
{
	int base = text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? 16 : 10;
	const char *p = base == 16 ? text + 2 : text;
	uint64_t v = 0;
	bool huge = false;
	int shift;

	if (digit_of(*p) >= base)
		return NUMBER_BAD;
	if (base == 10 && p[0] == '0' && digit_of(p[1]) < 10)
		return NUMBER_OCTAL;
	for (; digit_of(*p) < base; p++) {
		huge |= __builtin_mul_overflow(v, (uint64_t)base, &v);
		huge |= __builtin_add_overflow(v, (uint64_t)digit_of(*p), &v);
	}
	shift = size ? suffix_shift(p) : *p ? -1 : 0;
	if (shift < 0)
		return NUMBER_BAD;
	if (huge || v > UINT64_MAX >> shift)
		return NUMBER_HUGE;
	*ret = v << shift;
	return NUMBER_OK;
}
