/* SPDX-License-Identifier: Apache-2.0 */
/*
 * causes.h - everything that is wrong with a document, field by field
 *
 * The causes of a Kubernetes Status: each names the field, says what is wrong
 * with which value and what would be right, and the line if it is known.
 */
#ifndef MANIFEST_CAUSES_H
#define MANIFEST_CAUSES_H

#include <jansson.h>
#include <stddef.h>

#define CAUSES_MAX 100 /* further ones are counted, not kept */

struct cause {
	const char
		*reason; /* static: "FieldValueInvalid", "FieldValueRequired",
			    "FieldValueDuplicate", "FieldValueNotFound",
			    "FieldValueNotSupported", "FieldValueForbidden" */
	char *field;	 /* "spec.volumes[0].hostPath.type" */
	char *message;
	unsigned line; /* 1-based; 0: not known */
};

struct causes {
	struct cause list[CAUSES_MAX];
	size_t n;	/* in list */
	size_t n_total; /* found */
};

void causes_init(struct causes *causes);
void causes_done(struct causes *causes);

/* Copies field; the message is formatted.  Never fails: at worst it is cut. */
void causes_add(struct causes *causes, const char *reason, unsigned line,
		const char *field, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* [{"reason", "field", "message"}...] as in Status.details.causes; new. */
json_t *causes_to_json(const struct causes *causes);

#endif
