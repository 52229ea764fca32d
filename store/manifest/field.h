/* SPDX-License-Identifier: Apache-2.0 */
/*
 * field.h - a place in a document: its path, and findings about it
 *
 * A struct field lives on the stack and points to its parent, so walking a
 * document costs nothing; the path is written out only for a finding.  Texts
 * of findings are those of Kubernetes where it has one.
 */
#ifndef MANIFEST_FIELD_H
#define MANIFEST_FIELD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct causes;
struct manifest_lines;

#define FIELD_PATH_MAX 512

struct check {
	struct causes *causes;
	const struct manifest_lines *lines;
};

struct field {
	const struct check *check;
	const struct field *parent; /* NULL: the document */
	const char *name;	    /* NULL: an item of a list */
	size_t index;
};

enum field_type {
	FIELD_STRING,
	FIELD_BOOL,
	FIELD_INTEGER,
	FIELD_OBJECT,
	FIELD_ARRAY,
	FIELD_QUANTITY, /* text or number */
};

struct field field_root(const struct check *check);
struct field field_child(const struct field *parent, const char *name);
struct field field_item(const struct field *parent, size_t index);
const char *field_path(const struct field *field, char *buf, size_t size);

/* Has value the type?  If not, a finding says so. */
bool field_has_type(const struct field *field, const json_t *value,
		    enum field_type type);

/*
 * Member of an object, and its place.  NULL if it is absent, null, or (with a
 * finding) of another type.
 */
json_t *field_get(const struct field *parent, const json_t *object,
		  const char *name, enum field_type type, struct field *ret);
const char *field_get_string(const struct field *parent, const json_t *object,
			     const char *name, struct field *ret);
/* false also where it is absent. */
bool field_get_bool(const struct field *parent, const json_t *object,
		    const char *name, struct field *ret);

/* A finding for each member that is not known. */
void field_check_known(const struct field *field, const json_t *object,
		       const char *const *known);
/* The same, but only where one of known was most likely meant. */
void field_check_typos(const struct field *field, const json_t *object,
		       const char *const *known);

/* Findings.  value may be NULL where the text shows it already. */
void field_invalid(const struct field *field, const json_t *value,
		   const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void field_not_supported(const struct field *field, const json_t *value,
			 const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void field_required(const struct field *field, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void field_forbidden(const struct field *field, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void field_duplicate(const struct field *field, const json_t *value);
void field_not_found(const struct field *field, const json_t *value,
		     const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
