/* SPDX-License-Identifier: Apache-2.0 */
/* causes.c - everything that is wrong with a document, field by field */
#include "store/manifest/causes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void causes_init(struct causes *causes)
{
	memset(causes, 0, sizeof(*causes));
}

void causes_done(struct causes *causes)
{
	for (size_t i = 0; i < causes->n; i++) {
		free(causes->list[i].field);
		free(causes->list[i].message);
	}
	causes_init(causes);
}

void causes_add(struct causes *causes, const char *reason, unsigned line,
		const char *field, const char *fmt, ...)
{
	struct cause *cause = &causes->list[causes->n];
	va_list ap;
	int r;

	causes->n_total++;
	if (causes->n == CAUSES_MAX)
		return;

	cause->field = strdup(field);
	va_start(ap, fmt);
	r = vasprintf(&cause->message, fmt, ap);
	va_end(ap);
	if (r < 0)
		cause->message = NULL;
	if (!cause->field || !cause->message) {
		free(cause->field);
		free(cause->message);
		return;
	}
	cause->reason = reason;
	cause->line = line;
	causes->n++;
}

static int append(json_t *list, const char *reason, const char *field,
		  const char *message)
{
	json_t *entry;

	entry = json_pack("{s:s, s:s, s:s}", "reason", reason, "message",
			  message, "field", field);
	return json_array_append_new(list, entry);
}

json_t *causes_to_json(const struct causes *causes)
{
	json_t *list = json_array();
	char text[80];

	for (size_t i = 0; i < causes->n; i++) {
		const struct cause *cause = &causes->list[i];

		if (append(list, cause->reason, cause->field, cause->message))
			append(list, cause->reason, "",
			       "the text of this finding cannot be shown");
	}
	if (causes->n_total > causes->n) {
		snprintf(text, sizeof(text), "and %zu more findings",
			 causes->n_total - causes->n);
		append(list, "FieldValueInvalid", "", text);
	}
	return list;
}
