/* SPDX-License-Identifier: MIT */
/*
 * "Did you mean ...?": the name that a mistyped word was probably meant to be.
 */
#ifndef VMM_BASE_SUGGEST_H
#define VMM_BASE_SUGGEST_H

#include <stddef.h>

/*
 * The name nearest to word by typing errors (a letter more, less, wrong, or two
 * swapped), where that is near enough to be a help; else NULL. Borrowed from names.
 */
const char *suggest(const char *word, const char *const names[], size_t nr);

#endif
