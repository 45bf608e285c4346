/* SPDX-License-Identifier: MIT */
/*
 * "Did you mean ...?": the name that a mistyped word was probably meant to be.
 */
#ifndef VMM_BASE_SUGGEST_H
#define VMM_BASE_SUGGEST_H

#include <stddef.h>

/*
 * The name that is fewest typing errors away from word (a letter too many, missing or
 * wrong, or two swapped); NULL if even that is too many. The result is names'.
 */
const char *suggest(const char *word, const char *const names[], size_t nr);

#endif
