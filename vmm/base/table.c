// SPDX-License-Identifier: MIT
/*
 * Tables. No locks.
 */
#include "vmm/base/table.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

void table_init(struct table *t, const char *const headings[], size_t nr_columns)
{
	assert(nr_columns >= 1);
	assert(nr_columns <= TABLE_MAX_COLUMNS);

	*t = (struct table){ .nr_columns = nr_columns };
	for (size_t i = 0; i < nr_columns; i++)
		table_add(t, headings[i]);
}

void table_fini(struct table *t)
{
	for (size_t i = 0; i < t->nr_cells; i++)
		free(t->cells[i]);
	free(t->cells);
	*t = (struct table){ 0 };
}

void table_add(struct table *t, const char *text)
{
	size_t column = t->nr_cells % t->nr_columns, len = strlen(text);
	char **cells;

	if (t->failed)
		return;
	cells = realloc(t->cells, (t->nr_cells + 1) * sizeof(*cells));
	if (cells) {
		t->cells = cells;
		cells[t->nr_cells] = strdup(text);
	}
	if (!cells || !cells[t->nr_cells]) {
		t->failed = true;
		return;
	}
	t->nr_cells++;
	if (len > t->width[column])
		t->width[column] = len;
}

const char *table_number(uint64_t n, char ret_text[TABLE_NUMBER_SZ])
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, n);
	char *end = ret_text;

	for (int i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			*end++ = ',';
		*end++ = digits[i];
	}
	*end = '\0';
	return ret_text;
}

const char *table_size(uint64_t bytes, char ret_text[TABLE_SIZE_SZ])
{
	static const struct {
		unsigned shift;
		const char *name;
	} units[] = { { 30, "GiB" }, { 20, "MiB" }, { 10, "KiB" }, { 0, "bytes" } };
	char number[TABLE_NUMBER_SZ];
	size_t i = 0;

	while (units[i].shift && (!bytes || bytes & ((UINT64_C(1) << units[i].shift) - 1)))
		i++;
	(void)snprintf(ret_text, TABLE_SIZE_SZ, "%s %s",
		       table_number(bytes >> units[i].shift, number), units[i].name);
	return ret_text;
}

void table_add_number(struct table *t, uint64_t n)
{
	char text[TABLE_NUMBER_SZ];

	table_add(t, table_number(n, text));
}

static size_t gap_of(const struct table *t)
{
	return t->narrow ? 1 : 2;
}

static size_t width_of(const struct table *t)
{
	size_t width = 0, gap = 0;

	for (size_t i = 0; i < t->nr_columns; i++) {
		if (t->hidden & 1u << i)
			continue;
		width += gap + t->width[i];
		gap = gap_of(t);
	}
	return width;
}

/* Is there nothing in it that somebody would miss? */
static bool is_empty(const struct table *t, size_t column)
{
	for (size_t i = t->nr_columns + column; i < t->nr_cells; i += t->nr_columns)
		if (strcmp(t->cells[i], "0") != 0 && strcmp(t->cells[i], "-") != 0)
			return false;
	return true;
}

void table_fit(struct table *t, size_t width, const uint8_t first[], size_t nr)
{
	if (!width || t->failed || width_of(t) <= width)
		return;
	t->narrow = true;
	for (size_t i = 0; i < nr && width_of(t) > width; i++)
		if (is_empty(t, first[i]))
			t->hidden |= 1u << first[i];
	for (size_t i = 0; i < nr && width_of(t) > width; i++)
		t->hidden |= 1u << first[i];
}

void table_print_row(const struct table *t, size_t row, FILE *out)
{
	size_t last = t->nr_columns - 1;

	while (last && t->hidden & 1u << last)
		last--;
	for (size_t i = 0; i <= last; i++) {
		const char *cell = t->cells[row * t->nr_columns + i];
		const char *behind = i == last ? "\n" : t->narrow ? " " : "  ";

		if (t->hidden & 1u << i)
			continue;
		if (t->right & 1u << i)
			(void)fprintf(out, "%*s%s", (int)t->width[i], cell, behind);
		else /* no blanks behind the last column */
			(void)fprintf(out, "%-*s%s", i == last ? 0 : (int)t->width[i], cell,
				      behind);
	}
}

void table_print_hidden(const struct table *t, FILE *out)
{
	const char *before = "(too narrow for: ";

	for (size_t i = 0; i < t->nr_columns; i++) {
		if (!(t->hidden & 1u << i))
			continue;
		(void)fprintf(out, "%s%s", before, t->cells[i]);
		before = ", ";
	}
	if (t->hidden)
		(void)fputs(")\n", out);
}

int table_print(const struct table *t, FILE *out)
{
	if (t->failed)
		return -ENOMEM;
	assert(t->nr_cells % t->nr_columns == 0);
	for (size_t row = 0; row < t->nr_cells / t->nr_columns; row++)
		table_print_row(t, row, out);
	return 0;
}
