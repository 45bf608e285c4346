/* SPDX-License-Identifier: MIT */
/*
 * Names in JSON, and those that a manual page defines: scdoc's _emphasis_, of words in
 * lower case.
 */
#ifndef TESTS_UNIT_CONTROL_MAN_NAMES_H
#define TESTS_UNIT_CONTROL_MAN_NAMES_H

#include <jansson.h>

/*
 * Add the keys of a value, and of all that is in it, to the object `names`. The keys
 * right below one called `table` (a list of names, up to NULL) are no names of ours,
 * but those of registers and commands: they are left out.
 */
void man_add_keys(json_t *names, const json_t *value, const char *const table[]);

/* What a page has from one text to the next of another: the caller's to free(). */
char *man_part(const char *page, const char *from, const char *to);
/* The names that it has, as keys; the caller's. */
json_t *man_names_of(const char *part);

/* Fails the test where one of `names` is neither in `defined` nor in `also` (may be NULL). */
void man_expect_all(const char *where, json_t *names, json_t *defined, json_t *also);

#endif
