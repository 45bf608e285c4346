/* SPDX-License-Identifier: MIT */
/*
 * A table to print for people: each column is as wide as its widest cell.
 */
#ifndef VMM_BASE_TABLE_H
#define VMM_BASE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "vmm/base/cleanup.h"

#define TABLE_MAX_COLUMNS 14u

struct table {
	size_t nr_columns;
	size_t width[TABLE_MAX_COLUMNS];
	unsigned right;	 /* bit n: column n is aligned to the right; 0 by default */
	unsigned hidden; /* bit n: column n is not printed; 0 by default */
	bool narrow;	 /* one blank between columns, not two */
	char **cells;	 /* owned, row by row */
	size_t nr_cells;
	bool failed; /* a cell is missing, for lack of memory */
};

/* nr_columns: 1 to TABLE_MAX_COLUMNS. The headings are the first row; they are copied. */
void table_init(struct table *t, const char *const headings[], size_t nr_columns);
void table_fini(struct table *t);
/* Add the next cell, left to right, row after row. text is copied. */
void table_add(struct table *t, const char *text);
/* A number for people, its digits in groups of three: "1,234,567". Returns ret_text. */
#define TABLE_NUMBER_SZ 27u
const char *table_number(uint64_t n, char ret_text[TABLE_NUMBER_SZ]);
/* A size for people, in the largest unit that has it without a rest: "512 MiB", "65,535 KiB". */
#define TABLE_SIZE_SZ (TABLE_NUMBER_SZ + 6u)
const char *table_size(uint64_t bytes, char ret_text[TABLE_SIZE_SZ]);
/* Add a number as the next cell. */
void table_add_number(struct table *t, uint64_t n);
/*
 * Have a full table fit so many columns of a terminal; 0: any number. It becomes narrow, and then
 * loses columns in the order in which `first` has their numbers, those that have nothing but 0
 * and "-" before the others. What `first` does not have is printed however wide it is.
 */
void table_fit(struct table *t, size_t width, const uint8_t first[], size_t nr);
/* One row; 0 is the headings. Of a table that has not failed. */
void table_print_row(const struct table *t, size_t row, FILE *out);
/* A line with the headings of what table_fit() left out, where that is anything. */
void table_print_hidden(const struct table *t, FILE *out);
/* All rows must be full. 0, or -ENOMEM if a cell is missing: nothing is printed then. */
int table_print(const struct table *t, FILE *out) _must_check_;

#endif
