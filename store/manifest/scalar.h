/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scalar.h - what a YAML scalar means, by the rules that Kubernetes applies
 *
 * Null, booleans, integers and floats of YAML 1.1 with the limits and the
 * extras of the Go library that Kubernetes reads manifests with.
 */
#ifndef MANIFEST_SCALAR_H
#define MANIFEST_SCALAR_H

#include <jansson.h>
#include <stdbool.h>

struct error;

/* Value of a plain (unquoted, untagged) scalar; NULL when out of memory or
 * for what JSON cannot say (.inf, .nan), then with err. */
json_t *scalar_resolve(const char *text, struct error *err);

/* Value of a scalar with an explicit tag such as tag:yaml.org,2002:int. */
json_t *scalar_resolve_tagged(const char *text, const char *tag,
			      struct error *err);

/* Does text, written plain, mean just itself? */
bool scalar_is_string(const char *text);

/* A value as the key of a mapping: numbers and booleans become text.  NULL (and
 * err) for null.  malloc'd. */
char *scalar_to_key(const json_t *value, struct error *err);

/* Shortest decimal text that reads back as value.  buf >= 32. */
const char *scalar_format_real(double value, char *buf, size_t size);

#endif
