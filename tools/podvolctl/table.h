/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table.h - aligned columns, as kubectl prints them
 *
 * Cells are added row by row.  Running out of memory is remembered and told
 * by table_print().
 */
#ifndef PODVOLCTL_TABLE_H
#define PODVOLCTL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct table {
	size_t n_columns;
	char **cells; /* the first n_columns are the headers */
	size_t n_cells;
	size_t n_allocated;
	bool failed;
};

#define cleanup_table __attribute__((cleanup(table_done)))

void table_init(struct table *table);
void table_done(struct table *table);

/* All columns come before the first cell. */
void table_column(struct table *table, const char *header);

/* The next cell; control characters are made harmless; NULL is "<none>". */
void table_cell(struct table *table, const char *text);
void table_cellf(struct table *table, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

size_t table_n_rows(const struct table *table);

/* indent: blanks before each line.  0 or -ENOMEM. */
int table_print(const struct table *table, FILE *out, bool headers,
		unsigned indent);

#endif
