/* SPDX-License-Identifier: Apache-2.0 */
/* field.c - a place in a document: its path, and findings about it */
#include "store/manifest/field.h"

#include "store/base/cleanup.h"
#include "store/base/suggest.h"
#include "store/manifest/causes.h"
#include "store/manifest/manifest.h"
#include "store/manifest/text.h"

#include <stdarg.h>
#include <string.h>

#define MESSAGE_MAX 1024

static const char *const type_names[] = {
	[FIELD_STRING] = "a string",	[FIELD_BOOL] = "true or false",
	[FIELD_INTEGER] = "an integer", [FIELD_OBJECT] = "a mapping",
	[FIELD_ARRAY] = "a list",	[FIELD_QUANTITY] = "a quantity",
};

struct field field_root(const struct check *check)
{
	return (struct field){ .check = check, .name = "" };
}

struct field field_child(const struct field *parent, const char *name)
{
	return (struct field){
		.check = parent->check,
		.parent = parent,
		.name = name,
	};
}

struct field field_item(const struct field *parent, size_t index)
{
	return (struct field){
		.check = parent->check,
		.parent = parent,
		.index = index,
	};
}

/* Appends at buf[n]; returns the new length, always below size. */
static size_t path_append(const struct field *field, char *buf, size_t n,
			  size_t size)
{
	char name[TEXT_QUOTE_MAX];
	const char *fmt = "%s";

	if (!field->parent)
		return n;
	n = path_append(field->parent, buf, n, size);
	if (!field->name) {
		n += (size_t)snprintf(buf + n, size - n, "[%zu]", field->index);
		return n < size ? n : size - 1;
	}
	text_quote(field->name, strlen(field->name), name, sizeof(name));
	if (strpbrk(name, ".[]/"))
		fmt = "[%s]";
	else if (n)
		fmt = ".%s";
	if (n + strlen(name) + 3 > size)
		return n;
	switch (fmt[0]) {
	case '[':
		return n + (size_t)snprintf(buf + n, size - n, "[%s]", name);
	case '.':
		return n + (size_t)snprintf(buf + n, size - n, ".%s", name);
	default:
		return n + (size_t)snprintf(buf + n, size - n, "%s", name);
	}
}

const char *field_path(const struct field *field, char *buf, size_t size)
{
	buf[0] = '\0';
	path_append(field, buf, 0, size);
	return buf;
}

/* A value as a message shows it: text in quotes, others as in JSON. */
static void value_show(const json_t *value, char *buf, size_t size)
{
	char inner[TEXT_QUOTE_MAX];
	size_t n;

	switch (json_typeof(value)) {
	case JSON_OBJECT:
		snprintf(buf, size, "a mapping");
		return;
	case JSON_ARRAY:
		snprintf(buf, size, "a list");
		return;
	case JSON_STRING:
		text_quote(json_string_value(value), json_string_length(value),
			   inner, sizeof(inner));
		snprintf(buf, size, "\"%s\"", inner);
		return;
	default:
		n = json_dumpb(value, buf, size - 1, JSON_ENCODE_ANY);
		buf[n < size ? n : 0] = '\0';
	}
}

/* what: "Invalid value"; value and details may be missing. */
static void add(const struct field *field, const char *reason, const char *what,
		const json_t *value, const char *details)
{
	char path[FIELD_PATH_MAX];
	char shown[TEXT_QUOTE_MAX + 8] = "";

	if (value)
		value_show(value, shown, sizeof(shown));
	field_path(field, path, sizeof(path));
	causes_add(field->check->causes, reason,
		   manifest_line(field->check->lines, path), path, "%s%s%s%s%s",
		   what, value ? ": " : "", shown, details ? ": " : "",
		   details ? details : "");
}

#define DETAILS(buf, fmt)                                                      \
	do {                                                                   \
		va_list ap;                                                    \
		va_start(ap, fmt);                                             \
		vsnprintf(buf, sizeof(buf), fmt, ap);                          \
		va_end(ap);                                                    \
	} while (0)

void field_invalid(const struct field *field, const json_t *value,
		   const char *fmt, ...)
{
	char details[MESSAGE_MAX];

	DETAILS(details, fmt);
	add(field, "FieldValueInvalid", "Invalid value", value, details);
}

void field_not_supported(const struct field *field, const json_t *value,
			 const char *fmt, ...)
{
	char details[MESSAGE_MAX];

	DETAILS(details, fmt);
	add(field, "FieldValueNotSupported", "Unsupported value", value,
	    details);
}

void field_required(const struct field *field, const char *fmt, ...)
{
	char details[MESSAGE_MAX];

	DETAILS(details, fmt);
	add(field, "FieldValueRequired", "Required value", NULL,
	    details[0] ? details : NULL);
}

void field_forbidden(const struct field *field, const char *fmt, ...)
{
	char details[MESSAGE_MAX];

	DETAILS(details, fmt);
	add(field, "FieldValueForbidden", "Forbidden", NULL, details);
}

void field_duplicate(const struct field *field, const json_t *value)
{
	add(field, "FieldValueDuplicate", "Duplicate value", value, NULL);
}

void field_not_found(const struct field *field, const json_t *value,
		     const char *fmt, ...)
{
	char details[MESSAGE_MAX];

	DETAILS(details, fmt);
	add(field, "FieldValueNotFound", "Not found", value, details);
}

static bool is_of_type(const json_t *value, enum field_type type)
{
	switch (type) {
	case FIELD_STRING:
		return json_is_string(value);
	case FIELD_BOOL:
		return json_is_boolean(value);
	case FIELD_INTEGER:
		return json_is_integer(value);
	case FIELD_OBJECT:
		return json_is_object(value);
	case FIELD_ARRAY:
		return json_is_array(value);
	case FIELD_QUANTITY:
		return json_is_string(value) || json_is_number(value);
	}
	return false;
}

bool field_has_type(const struct field *field, const json_t *value,
		    enum field_type type)
{
	const char *hint = "";

	if (is_of_type(value, type))
		return true;
	if (type == FIELD_STRING && json_is_boolean(value))
		hint = "; put it in quotes (y, n, yes, no, on and off are "
		       "booleans, too)";
	else if (type == FIELD_STRING && json_is_number(value))
		hint = "; put it in quotes";
	else if (type <= FIELD_INTEGER && json_is_string(value))
		hint = "; write it without quotes";
	if (json_is_null(value))
		field_invalid(field, NULL, "must be %s, not null",
			      type_names[type]);
	else
		field_invalid(field, value, "must be %s%s", type_names[type],
			      hint);
	return false;
}

json_t *field_get(const struct field *parent, const json_t *object,
		  const char *name, enum field_type type, struct field *ret)
{
	json_t *value = json_object_get(object, name);

	*ret = field_child(parent, name);
	if (!value || json_is_null(value) || !field_has_type(ret, value, type))
		return NULL;
	return value;
}

const char *field_get_string(const struct field *parent, const json_t *object,
			     const char *name, struct field *ret)
{
	return json_string_value(
		field_get(parent, object, name, FIELD_STRING, ret));
}

bool field_get_bool(const struct field *parent, const json_t *object,
		    const char *name, struct field *ret)
{
	return json_is_true(field_get(parent, object, name, FIELD_BOOL, ret));
}

static bool is_known(const char *name, const char *const *known)
{
	for (; *known; known++) {
		if (strcmp(name, *known) == 0)
			return true;
	}
	return false;
}

/* "a, b, c" of a NULL-terminated list. */
static const char *list_join(const char *const *names, char *buf, size_t size)
{
	size_t n = 0;

	buf[0] = '\0';
	for (; *names && n < size; names++)
		n += (size_t)snprintf(buf + n, size - n, "%s%s", n ? ", " : "",
				      *names);
	return buf;
}

static void unknown_member(const struct field *field, const char *name,
			   const char *const *known)
{
	const char *nearest = suggest_nearest(name, strlen(name), known);
	struct field member = field_child(field, name);
	char shown[TEXT_QUOTE_MAX];
	char list[512];

	text_quote(name, strlen(name), shown, sizeof(shown));
	list_join(known, list, sizeof(list));
	if (nearest)
		field_invalid(&member, NULL,
			      "unknown field '%s'; did you mean '%s'? known "
			      "are: %s",
			      shown, nearest, list);
	else
		field_invalid(&member, NULL,
			      "unknown field '%s'; known are: %s", shown, list);
}

void field_check_known(const struct field *field, const json_t *object,
		       const char *const *known)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)object, name, value)
	{
		if (!is_known(name, known))
			unknown_member(field, name, known);
	}
}

void field_check_typos(const struct field *field, const json_t *object,
		       const char *const *known)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)object, name, value)
	{
		if (!is_known(name, known) &&
		    suggest_nearest(name, strlen(name), known))
			unknown_member(field, name, known);
	}
}
