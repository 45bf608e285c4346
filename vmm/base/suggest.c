// SPDX-License-Identifier: MIT
/*
 * Distance by typing errors: Damerau's and Levenshtein's, in the restricted form
 * (optimal string alignment). Words longer than any name that we have get no
 * suggestion. No locks, no allocation.
 */
#include "vmm/base/suggest.h"

#include <string.h>

#define WORD_MAX 32u

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

static unsigned distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	unsigned d[WORD_MAX + 1][WORD_MAX + 1];

	for (size_t i = 0; i <= a_len; i++)
		d[i][0] = (unsigned)i;
	for (size_t j = 0; j <= b_len; j++)
		d[0][j] = (unsigned)j;
	for (size_t i = 1; i <= a_len; i++) {
		for (size_t j = 1; j <= b_len; j++) {
			unsigned wrong = a[i - 1] != b[j - 1];

			d[i][j] = min3(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + wrong);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    d[i - 2][j - 2] + 1 < d[i][j])
				d[i][j] = d[i - 2][j - 2] + 1;
		}
	}
	return d[a_len][b_len];
}

const char *suggest(const char *word, const char *const names[], size_t nr)
{
	size_t len = strlen(word);
	const char *best = NULL;
	unsigned best_distance;

	if (len > WORD_MAX)
		return NULL;
	/* Up to one error in three letters, and one more: beyond that it is another word. */
	best_distance = (unsigned)len / 3 + 2;
	for (size_t i = 0; i < nr; i++) {
		size_t name_len = strlen(names[i]);
		unsigned d;

		if (name_len > WORD_MAX)
			continue;
		d = distance(word, len, names[i], name_len);
		if (d < best_distance && d < name_len) {
			best_distance = d;
			best = names[i];
		}
	}
	return best;
}
