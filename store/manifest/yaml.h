/* SPDX-License-Identifier: Apache-2.0 */
/* yaml.h - YAML text to JSON values, bounded; manifest_parse() uses it */
#ifndef MANIFEST_YAML_H
#define MANIFEST_YAML_H

#include <stdbool.h>
#include <stddef.h>

struct error;
struct manifest;

/*
 * Append the documents of text, which is UTF-8 without NULs.  On failure
 * -EINVAL, -E2BIG or -ENOMEM with err; *ret_syntax says whether the text is no
 * YAML at all, as opposed to YAML that we refuse.
 */
int yaml_read(const char *text, size_t len, struct manifest *manifest,
	      bool *ret_syntax, struct error *err);

/* Append one document; lines and value are owned by manifest from now on. */
struct json_t;
struct manifest_lines;
int manifest_append(struct manifest *manifest, struct json_t *value,
		    struct manifest_lines *lines, unsigned line);

#endif
