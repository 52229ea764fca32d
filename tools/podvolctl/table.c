/* SPDX-License-Identifier: Apache-2.0 */
/* table.c - aligned columns, as kubectl prints them */
#include "tools/podvolctl/table.h"

#include "store/base/cleanup.h"
#include "tools/podvolctl/report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define GAP 3 /* blanks between two columns */

void table_init(struct table *table)
{
	*table = (struct table){ 0 };
}

void table_done(struct table *table)
{
	for (size_t i = 0; i < table->n_cells; i++)
		free(table->cells[i]);
	free(table->cells);
	table_init(table);
}

static void append(struct table *table, char *owned)
{
	if (!owned) {
		table->failed = true;
		return;
	}
	if (table->n_cells == table->n_allocated) {
		size_t n = 2 * table->n_allocated + 64;
		char **cells = realloc(table->cells, n * sizeof(*cells));

		if (!cells) {
			free(owned);
			table->failed = true;
			return;
		}
		table->cells = cells;
		table->n_allocated = n;
	}
	table->cells[table->n_cells++] = report_clean(owned);
}

void table_column(struct table *table, const char *header)
{
	append(table, strdup(header));
	table->n_columns++;
}

void table_cell(struct table *table, const char *text)
{
	append(table, strdup(text ? text : "<none>"));
}

void table_cellf(struct table *table, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	append(table, n < 0 ? NULL : text);
}

size_t table_n_rows(const struct table *table)
{
	size_t n = table->n_columns ? table->n_cells / table->n_columns : 0;

	return n ? n - 1 : 0;
}

/* Characters of UTF-8 text, each taken to be one column wide. */
static size_t width_of(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static void print_row(const struct table *table, FILE *out, size_t row,
		      const size_t *widths, unsigned indent)
{
	fprintf(out, "%*s", (int)indent, "");
	for (size_t i = 0; i < table->n_columns; i++) {
		const char *cell = table->cells[row * table->n_columns + i];
		size_t pad = widths[i] - width_of(cell) + GAP;

		fputs(cell, out);
		if (i + 1 < table->n_columns)
			fprintf(out, "%*s", (int)pad, "");
	}
	fputc('\n', out);
}

int table_print(const struct table *table, FILE *out, bool headers,
		unsigned indent)
{
	cleanup_free size_t *widths = NULL;
	size_t first = headers ? 0 : 1;

	if (table->failed)
		return -ENOMEM;
	widths = calloc(table->n_columns + 1, sizeof(*widths));
	if (!widths)
		return -ENOMEM;
	for (size_t i = first * table->n_columns; i < table->n_cells; i++) {
		size_t width = width_of(table->cells[i]);

		if (width > widths[i % table->n_columns])
			widths[i % table->n_columns] = width;
	}
	for (size_t row = first; row <= table_n_rows(table); row++)
		print_row(table, out, row, widths, indent);
	return 0;
}
