/* SPDX-License-Identifier: Apache-2.0 */
/* selector.c - field selectors: involvedObject.name=web,type!=Normal */
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

static int parse_term(const char *text, size_t len, const char *const *fields,
		      struct selector_term *ret, struct error *err)
{
	const char *equals = memchr(text, '=', len);
	const char *value;
	size_t name_len;
	size_t value_len;

	if (!equals || equals == text)
		return error_set(
			err, -EINVAL,
			"invalid field selector: '%.*s' is not of the form field=value",
			(int)len, text);
	ret->negated = equals[-1] == '!';
	name_len = (size_t)(equals - text) - ret->negated;
	ret->field = find_field(text, name_len, fields);
	if (!ret->field)
		return error_set(err, -EINVAL,
				 "field label not supported: %.*s",
				 (int)name_len, text);
	value = equals + 1;
	if (!ret->negated && value < text + len && *value == '=')
		value++;
	value_len = (size_t)(text + len - value);
	if (value_len >= sizeof(ret->value))
		return error_set(
			err, -EINVAL,
			"invalid field selector: the value of %s is longer than %zu bytes",
			ret->field, sizeof(ret->value) - 1);
	memcpy(ret->value, value, value_len);
	ret->value[value_len] = '\0';
	return 0;
}

int selector_parse(const char *text, const char *const *fields,
		   struct selector *ret, struct error *err)
{
	ret->n = 0;
	while (text && *text) {
		size_t len = strcspn(text, ",");
		int r;

		if (ret->n == SELECTOR_TERMS_MAX)
			return error_set(
				err, -EINVAL,
				"invalid field selector: more than %d terms",
				SELECTOR_TERMS_MAX);
		r = parse_term(text, len, fields, &ret->terms[ret->n], err);
		if (r < 0)
			return r;
		ret->n++;
		text += len;
		if (*text == ',')
			text++;
	}
	return 0;
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
	for (size_t i = 0; i < selector->n; i++) {
		const struct selector_term *term = &selector->terms[i];
		bool equal = strcmp(field_value(object, term->field),
				    term->value) == 0;

		if (equal == term->negated)
			return false;
	}
	return true;
}

int selector_filter(const struct selector *selector, json_t *list)
{
	json_t *kept;
	json_t *item;
	size_t i;

	if (selector->n == 0)
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
