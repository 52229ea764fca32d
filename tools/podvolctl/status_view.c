/* SPDX-License-Identifier: Apache-2.0 */
/* status_view.c - the daemon's status as lines for reading */
#include "tools/podvolctl/status_view.h"

#include "store/base/cleanup.h"
#include "tools/podvolctl/age.h"
#include "tools/podvolctl/report.h"
#include "tools/podvolctl/volume_view.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX   8
#define LABEL_WIDTH 22

/* "residentBytes" -> "Resident bytes", without the suffix that is a unit. */
static void label_of(const char *key, size_t len, char *buf, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < len && n + 2 < size; i++) {
		char c = key[i];
		bool starts = isupper((unsigned char)c) && i > 0 &&
			      !isupper((unsigned char)key[i - 1]);

		if (starts)
			buf[n++] = ' ';
		buf[n++] = i == 0 ? (char)toupper((unsigned char)c)
			   : starts && !isupper((unsigned char)key[i + 1])
				   ? (char)tolower((unsigned char)c)
				   : c;
	}
	buf[n] = '\0';
}

static bool has_suffix(const char *key, const char *suffix)
{
	size_t len = strlen(key), n = strlen(suffix);

	return len > n && strcmp(key + len - n, suffix) == 0;
}

static void put_list(FILE *out, const json_t *list)
{
	const json_t *value;
	size_t i;

	if (json_array_size(list) == 0)
		fputs("<none>", out);
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

/* Recursion is bounded: the daemon may be a newer one, or none of ours. */
/* NOLINTNEXTLINE(misc-no-recursion) */
static void put_object(FILE *out, const json_t *object, int depth)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)object, key, value)
	{
		char label[64];
		int pad;

		label_of(key, strlen(key) - unit_len(key), label,
			 sizeof(label));
		report_clean(label);
		fprintf(out, "%*s%s:", 2 * depth, "", label);
		if (json_is_object(value) && depth < DEPTH_MAX) {
			fputc('\n', out);
			put_object(out, value, depth + 1);
			continue;
		}
		pad = LABEL_WIDTH - (int)strlen(label) - 2 * depth;
		fprintf(out, "%*s", pad > 1 ? pad : 1, "");
		put_value(out, key, value);
	}
}

void status_view(FILE *out, const json_t *status)
{
	put_object(out, status, 0);
}
