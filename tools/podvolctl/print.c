/* SPDX-License-Identifier: Apache-2.0 */
/* print.c - objects as text: json, yaml, name; tables to standard output */
#include "tools/podvolctl/print.h"

#include "store/base/cleanup.h"
#include "store/manifest/manifest.h"
#include "tools/podvolctl/cmdline.h"
#include "tools/podvolctl/command.h"
#include "tools/podvolctl/report.h"
#include "tools/podvolctl/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool print_is(const struct cmdline *cmdline, const char *format)
{
	return cmdline->output && strcmp(cmdline->output, format) == 0;
}

/* Jansson keeps the order of insertion; kubectl shows keys sorted. */
static json_t *sorted(const json_t *value)
{
	cleanup_free char *text = json_dumps(value, JSON_SORT_KEYS);

	return text ? json_loads(text, 0, NULL) : NULL;
}

static int print_yaml(const json_t *value)
{
	json_auto_t *ordered = sorted(value);
	cleanup_free char *text = NULL;

	if (!ordered || manifest_to_yaml(ordered, &text) < 0)
		return report_error("cannot print as YAML: out of memory");
	fputs(text, stdout);
	return STATUS_DONE;
}

int print_object(const struct cmdline *cmdline, const json_t *value)
{
	if (print_is(cmdline, "yaml"))
		return print_yaml(value);
	if (json_dumpf(value, stdout, JSON_INDENT(4) | JSON_SORT_KEYS) < 0)
		return report_error("cannot print as JSON");
	putchar('\n');
	return STATUS_DONE;
}

int print_list(const struct cmdline *cmdline, json_t *items)
{
	json_auto_t *list = json_pack("{s:s, s:s, s:O, s:{s:s}}", "apiVersion",
				      "v1", "kind", "List", "items", items,
				      "metadata", "resourceVersion", "");

	if (!list)
		return report_error("out of memory");
	return print_object(cmdline, list);
}

int print_table(const struct cmdline *cmdline, const struct table *table)
{
	if (table_print(table, stdout, !cmdline->no_headers, 0) < 0)
		return report_error("out of memory");
	return STATUS_DONE;
}
