/* SPDX-License-Identifier: MIT */
/*
 * The words of a table as one text, for error messages and help: "uring, spin or irqfd".
 */
#ifndef VMM_BASE_WORD_LIST_H
#define VMM_BASE_WORD_LIST_H

#define WORD_LIST_SZ 128u

/* How a list reads: `quote` on both sides of each word; `last` stands between the last two. */
struct word_list_style {
	const char *quote, *between, *last;
};

/*
 * word(0) to word(nr - 1) in this style. Returns text. All of them must fit, which is
 * the caller's to see to: tables of words are short.
 */
const char *word_list(const char *(*word)(unsigned index), unsigned nr,
		      const struct word_list_style *style, char text[WORD_LIST_SZ]);

#endif
