/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source.h - the volume sources of Kubernetes, and what their fields may hold
 *
 * Every source is in one table, so that an unknown one is told from one that
 * podvols does not serve.  Serving one is its `served` flag, and its `check`
 * for the rules that go beyond names and types.
 */
#ifndef MANIFEST_SOURCE_H
#define MANIFEST_SOURCE_H

#include "store/manifest/field.h"

#include <jansson.h>
#include <stdbool.h>

struct source_field {
	const char *name;
	enum field_type type;
	bool required;
};

struct source {
	const char *name;
	bool served;
	const struct source_field *fields; /* name NULL at the end */
	/* May fill in defaults. */
	void (*check)(const struct field *field, json_t *value);
};

extern const struct source sources[]; /* name NULL at the end */

const struct source *source_find(const char *name);

/* Check the value of a source: names and types of its fields, its own rules,
 * and whether it is served. */
void source_check(const struct source *source, const struct field *field,
		  json_t *value);

/* A finding for a key that is no source, with the nearest name. */
void source_unknown(const struct field *field, const char *key);

void source_emptydir_check(const struct field *field, json_t *value);
void source_hostpath_check(const struct field *field, json_t *value);

#endif
