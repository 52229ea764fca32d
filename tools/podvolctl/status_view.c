/* SPDX-License-Identifier: Apache-2.0 */
/* status_view.c - the daemon's status as lines for reading */
#include "tools/podvolctl/status_view.h"

#include "store/base/cleanup.h"
#include "tools/podvolctl/age.h"
#include "tools/podvolctl/pod_view.h"
#include "tools/podvolctl/report.h"
#include "tools/podvolctl/table.h"
#include "tools/podvolctl/volume_view.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define LABEL_SIZE  64
#define LABEL_WIDTH 25

static char upper(char c)
{
	return (char)toupper((unsigned char)c);
}

static char lower(char c)
{
	return (char)tolower((unsigned char)c);
}

static bool is_upper(char c)
{
	return isupper((unsigned char)c) != 0;
}

/* "openFiles" -> "Open files"; abbreviations stay: "backingIDs". */
static void label_of(const char *key, size_t len, char *buf)
{
	size_t n = 0;

	for (size_t i = 0; i < len && n + 2 < LABEL_SIZE; i++) {
		char c = key[i];

		if (i == 0) {
			c = upper(c);
		} else if (is_upper(c) && !is_upper(key[i - 1])) {
			buf[n++] = ' ';
			if (!is_upper(key[i + 1]))
				c = lower(c);
		}
		buf[n++] = c;
	}
	buf[n] = '\0';
	report_clean(buf);
}

static bool has_suffix(const char *key, const char *suffix)
{
	size_t len = strlen(key), n = strlen(suffix);

	return len > n && strcmp(key + len - n, suffix) == 0;
}

/* Of things that have a name, such as features, those that are in use. */
static void put_taken(FILE *out, const json_t *list)
{
	const json_t *value;
	const char *comma = "";
	size_t i;

	json_array_foreach(list, i, value)
	{
		if (!json_is_true(json_object_get(value, "taken")))
			continue;
		fprintf(out, "%s%s", comma, view_string(value, "name"));
		comma = ", ";
	}
	if (!*comma)
		fputs("<none>", out);
}

static void put_list(FILE *out, const json_t *list)
{
	const json_t *value;
	size_t i;

	if (json_array_size(list) == 0)
		fputs("<none>", out);
	if (json_object_get(json_array_get(list, 0), "taken")) {
		put_taken(out, list);
		return;
	}
	json_array_foreach(list, i, value)
	{
		cleanup_free char *text =
			json_is_string(value)
				? strdup(json_string_value(value))
				: json_dumps(value, JSON_ENCODE_ANY);

		fprintf(out, "%s%s", i ? ", " : "",
			text ? report_clean(text) : "");
	}
}

static void put_number(FILE *out, const char *key, const json_t *value)
{
	json_int_t n = json_integer_value(value);
	char buf[BYTES_SIZE > AGE_SIZE ? BYTES_SIZE : AGE_SIZE];

	if (has_suffix(key, "Bytes"))
		fputs(volume_view_bytes(n, buf), out);
	else if (has_suffix(key, "Seconds"))
		fputs(age_format(n, buf), out);
	else
		fprintf(out, "%" JSON_INTEGER_FORMAT, n);
}

static void put_value(FILE *out, const char *key, const json_t *value)
{
	cleanup_free char *text = NULL;

	switch (json_typeof(value)) {
	case JSON_ARRAY:
		put_list(out, value);
		break;
	case JSON_INTEGER:
		put_number(out, key, value);
		break;
	case JSON_REAL:
		fprintf(out, "%g", json_real_value(value));
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		fputs(json_is_true(value) ? "yes" : "no", out);
		break;
	case JSON_STRING:
		text = strdup(json_string_value(value));
		fputs(text ? report_clean(text) : "", out);
		break;
	default:
		fputs("<unknown>", out);
		break;
	}
	fputc('\n', out);
}

static size_t unit_len(const char *key)
{
	static const char *const units[] = { "Bytes", "Seconds" };

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (has_suffix(key, units[i]))
			return strlen(units[i]);
	return 0;
}

/* Is it a table: an object of objects, such as numbers for each operation? */
static bool is_table(const json_t *object)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)object, key,
			    value) if (!json_is_object(value)) return false;
	return json_object_size(object) > 0;
}

static void add_columns(struct table *table, const json_t *first)
{
	const char *key;
	json_t *value;

	table_column(table, "Name");
	json_object_foreach((json_t *)first, key, value)
	{
		char label[LABEL_SIZE];

		label_of(key, strlen(key), label);
		table_column(table, label);
	}
}

/* The columns are the members of the first row. */
static void put_table(FILE *out, const json_t *object, int indent)
{
	cleanup_table struct table table;
	const char *name, *key;
	json_t *row, *value;
	json_t *first =
		json_object_iter_value(json_object_iter((json_t *)object));

	table_init(&table);
	add_columns(&table, first);
	json_object_foreach((json_t *)object, name, row)
	{
		table_cell(&table, name);
		json_object_foreach(first, key, value)
		{
			const json_t *cell = json_object_get(row, key);

			table_cellf(&table, "%" JSON_INTEGER_FORMAT,
				    json_integer_value(cell));
		}
	}
	table_print(&table, out, true, indent);
}

static bool is_hidden(const char *key)
{
	return strcmp(key, "kind") == 0 || strcmp(key, "apiVersion") == 0;
}

static void put_member(FILE *out, const char *key, const json_t *value,
		       int indent)
{
	char label[LABEL_SIZE];
	int pad;

	label_of(key, strlen(key) - unit_len(key), label);
	pad = LABEL_WIDTH - (int)strlen(label) - indent;
	fprintf(out, "%*s%s:", indent, "", label);
	if (is_table(value)) {
		fputc('\n', out);
		put_table(out, value, indent + 2);
	} else if (json_is_object(value)) {
		fputc('\n', out);
	} else {
		fprintf(out, "%*s", pad > 1 ? pad : 1, "");
		put_value(out, key, value);
	}
}

/* Sections are one deep: what is below them is a table or a value. */
void status_view(FILE *out, const json_t *status)
{
	const char *key, *inner;
	json_t *value, *member;

	json_object_foreach((json_t *)status, key, value)
	{
		if (is_hidden(key))
			continue;
		put_member(out, key, value, 0);
		if (is_table(value))
			continue;
		json_object_foreach(value, inner, member)
			put_member(out, inner, member, 2);
	}
}
