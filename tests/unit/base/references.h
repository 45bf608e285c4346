/* SPDX-License-Identifier: MIT */
/*
 * What a README says of the code, held to the code.
 *
 * A reference is a code span: "regs.c: ctlr_write()" a function of vitsmod/, vgicrmod/,
 * vfio/ or a room of vmm/, "regs: reset_values" a test, test_reset_values() in
 * tests/unit/vitsmod/test_vits_regs.c (or test_vgicr_regs.c or test_vfio_regs.c of
 * those folders, or a test_regs.c of any room), "guest/its.c: f" a function of a payload
 * in tests/guest/, and "x.sh" a script in tests/e2e/. Several names of one file are parted
 * by commas.
 * Paths are from the top of the tree, where tests are run.
 */
#ifndef TESTS_UNIT_BASE_REFERENCES_H
#define TESTS_UNIT_BASE_REFERENCES_H

#include <stdbool.h>

/* A file's text; NULL if there is none. The caller's to free(). */
char *text_of(const char *path);
/* The next place where the name stands as a word; NULL: none. */
const char *text_find_word(const char *text, const char *name);
unsigned text_count_word(const char *text, const char *name);
/* Is the function defined there? A definition begins a line and goes on with a body. */
bool text_defines(const char *text, const char *name);

/* What a code span is. */
enum span {
	SPAN_OTHER, /* no reference */
	SPAN_GOOD,
	SPAN_BAD, /* a reference to what is not there */
};
enum span judge_reference(const char *span);

/* How many references a file has. The test fails at the first that is bad. */
unsigned references_in(const char *path);
/* The same, of a piece of text; name is for the message. */
unsigned references_in_text(const char *name, const char *text);

/*
 * Tables below a "## heading": `at` begins at readme_section(), which fails the test
 * where there is none. path is for messages.
 */
#define README_MAX_CELL 2048u
const char *readme_section(const char *path, const char *text, const char *heading);
/* The next row, but for the table's own heading; NULL after the last. */
const char *readme_next_row(const char **at);
/* Column n of a row. */
void readme_cell(const char *row, unsigned n, char ret_cell[README_MAX_CELL]);

/*
 * How many times the files of a pattern say "Choice: ". Each must have its row below
 * "## Choices" of the README, with the file in column 1 and its tests in column 2.
 */
unsigned choices_with_a_row(const char *path, const char *pattern);

#endif
