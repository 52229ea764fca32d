/* SPDX-License-Identifier: Apache-2.0 */
/* print.h - objects as text: json, yaml, name; tables to standard output */
#ifndef PODVOLCTL_PRINT_H
#define PODVOLCTL_PRINT_H

#include <jansson.h>
#include <stdbool.h>

struct cmdline;
struct table;

/* Does -o ask for this format? */
bool print_is(const struct cmdline *cmdline, const char *format);

/* value as -o json or -o yaml says, keys in order; an exit status. */
int print_object(const struct cmdline *cmdline, const json_t *value);

/* An array of objects as kubectl wraps them: kind List. */
int print_list(const struct cmdline *cmdline, json_t *items);

/* With or without headers as --no-headers says; an exit status. */
int print_table(const struct cmdline *cmdline, const struct table *table);

#endif
