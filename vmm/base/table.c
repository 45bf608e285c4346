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

void table_add_number(struct table *t, uint64_t n)
{
	char text[TABLE_NUMBER_SZ];

	table_add(t, table_number(n, text));
}

int table_print(const struct table *t, FILE *out)
{
	const char *gap = t->narrow ? " " : "  ";

	if (t->failed)
		return -ENOMEM;
	assert(t->nr_cells % t->nr_columns == 0);
	for (size_t i = 0; i < t->nr_cells; i++) {
		size_t column = i % t->nr_columns;
		bool last = column == t->nr_columns - 1;

		if (t->right & 1u << column)
			(void)fprintf(out, "%*s%s", (int)t->width[column], t->cells[i],
				      last ? "\n" : gap);
		else /* no blanks behind the last column */
			(void)fprintf(out, "%-*s%s", last ? 0 : (int)t->width[column], t->cells[i],
				      last ? "\n" : gap);
	}
	return 0;
}
