/* SPDX-License-Identifier: Apache-2.0 */
/* selector.c - which objects of a list are meant, by fields and by labels */
#include "tools/podvolsd/selector.h"

#include "store/base/error.h"

#include <errno.h>
#include <string.h>

static const char *find_field(const char *name, size_t len,
			      const char *const *fields)
{
	for (; *fields; fields++) {
		if (strlen(*fields) == len && memcmp(*fields, name, len) == 0)
			return *fields;
	}
	return NULL;
}

/* The length of the first term: up to a comma that nothing escapes. */
static size_t term_length(const char *text)
{
	size_t n = 0;

	while (text[n] && text[n] != ',')
		n += text[n] == '\\' && text[n + 1] ? 2 : 1;
	return n;
}

/* Copy a value without its escapes: \\ \, \= */
static int unescape(const char *text, size_t len, char *buf, size_t size,
		    struct error *err)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '=')
			return error_set(err, -EINVAL,
					 "invalid field selector: unescaped "
					 "character in value: =");
		if (text[i] == '\\' &&
		    (i + 1 == len || !strchr("\\,=", text[i + 1])))
			return error_set(err, -EINVAL,
					 "invalid field selector: invalid "
					 "escape sequence: %.*s",
					 (int)(len - i < 2 ? len - i : 2),
					 text + i);
		i += text[i] == '\\';
		if (n + 1 == size)
			return error_set(err, -EINVAL,
					 "invalid field selector: a value is "
					 "longer than %zu bytes",
					 size - 1);
		buf[n++] = text[i];
	}
	buf[n] = '\0';
	return 0;
}

static int parse_term(const char *whole, const char *text, size_t len,
		      const char *const *fields, struct selector_term *ret,
		      struct error *err)
{
	const char *equals = memchr(text, '=', len);
	const char *value;
	size_t name_len;

	if (!equals)
		return error_set(err, -EINVAL,
				 "invalid selector: '%s'; can't understand "
				 "'%.*s'",
				 whole, (int)len, text);
	ret->negated = equals > text && equals[-1] == '!';
	name_len = (size_t)(equals - text) - ret->negated;
	ret->field = find_field(text, name_len, fields);
	if (!ret->field)
		return error_set(err, -EINVAL,
				 "field label not supported: %.*s",
				 (int)name_len, text);
	value = equals + 1;
	if (!ret->negated && value < text + len && *value == '=')
		value++;
	return unescape(value, (size_t)(text + len - value), ret->value,
			sizeof(ret->value), err);
}

static int parse_fields(const char *text, const char *const *fields,
			struct selector *ret, struct error *err)
{
	const char *rest = text ? text : "";

	while (*rest) {
		size_t len = term_length(rest);
		int r;

		if (len > 0 && ret->n == SELECTOR_TERMS_MAX)
			return error_set(
				err, -EINVAL,
				"invalid field selector: more than %d terms",
				SELECTOR_TERMS_MAX);
		if (len > 0) {
			r = parse_term(text, rest, len, fields,
				       &ret->terms[ret->n], err);
			if (r < 0)
				return r;
			ret->n++;
		}
		rest += len;
		if (*rest == ',')
			rest++;
	}
	return 0;
}

int selector_parse(const char *by_field, const char *by_label,
		   const char *const *fields, struct selector *ret,
		   struct error *err)
{
	int r;

	*ret = (struct selector){ 0 };
	r = parse_fields(by_field, fields, ret, err);
	return r < 0 ? r : label_selector_parse(by_label, &ret->labels, err);
}

void selector_done(struct selector *selector)
{
	label_selector_done(&selector->labels);
}

const char *selector_value(const struct selector *selector, const char *field)
{
	for (size_t i = 0; i < selector->n; i++) {
		const struct selector_term *term = &selector->terms[i];

		if (!term->negated && strcmp(term->field, field) == 0)
			return term->value;
	}
	return NULL;
}

static const char *field_value(const json_t *object, const char *field)
{
	char name[64];
	const char *value;

	while (object && *field) {
		size_t len = strcspn(field, ".");

		if (len >= sizeof(name))
			return "";
		memcpy(name, field, len);
		name[len] = '\0';
		object = json_object_get(object, name);
		field += len + (field[len] == '.');
	}
	value = json_string_value(object);
	return value ? value : "";
}

bool selector_matches(const struct selector *selector, const json_t *object)
{
	const json_t *metadata = json_object_get(object, "metadata");

	for (size_t i = 0; i < selector->n; i++) {
		const struct selector_term *term = &selector->terms[i];
		bool equal = strcmp(field_value(object, term->field),
				    term->value) == 0;

		if (equal == term->negated)
			return false;
	}
	return label_selector_matches(&selector->labels,
				      json_object_get(metadata, "labels"));
}

int selector_filter(const struct selector *selector, json_t *list)
{
	json_t *kept;
	json_t *item;
	size_t i;

	if (selector->n == 0 && selector->labels.n == 0)
		return 0;
	kept = json_array();
	json_array_foreach(json_object_get(list, "items"), i, item)
	{
		if (selector_matches(selector, item) &&
		    json_array_append(kept, item) < 0) {
			json_decref(kept);
			return -ENOMEM;
		}
	}
	return json_object_set_new(list, "items", kept) < 0 ? -ENOMEM : 0;
}
