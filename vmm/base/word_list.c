// SPDX-License-Identifier: MIT
/* The words of a table as one text. */
#include "vmm/base/word_list.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>

const char *word_list(const char *(*word)(unsigned index), unsigned nr,
		      const struct word_list_style *style, char text[WORD_LIST_SZ])
{
	size_t len = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < nr; i++) {
		const char *before = !i ? "" : i < nr - 1 ? style->between : style->last;

		len += (size_t)snprintf(text + len, WORD_LIST_SZ - len, "%s%s%s%s", before,
					style->quote, word(i), style->quote);
		assert(len < WORD_LIST_SZ);
	}
	return text;
}
