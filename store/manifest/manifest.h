/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifest.h - YAML or JSON text to documents
 *
 * YAML 1.1 as Kubernetes reads it (libyaml scans, we resolve scalars): `0644`
 * is octal, `yes` and `on` are booleans, anchors, aliases and merge keys work,
 * duplicate keys are errors.  JSON is a subset of it and goes the same way.
 * Bounded against hostile input by the limits below.
 */
#ifndef MANIFEST_MANIFEST_H
#define MANIFEST_MANIFEST_H

#include <jansson.h>
#include <stddef.h>

struct error;
struct manifest_lines; /* the line of each field of a document */

#define MANIFEST_SIZE_MAX  (3u << 20) /* bytes of text, as the API server's */
#define MANIFEST_DEPTH_MAX 100
#define MANIFEST_NODES_MAX 100000 /* after aliases are expanded */

struct manifest_document {
	json_t *value;
	struct manifest_lines *lines;
	unsigned line; /* where it starts */
};

struct manifest {
	struct manifest_document *documents; /* empty ones are left out */
	size_t n_documents;
};

/*
 * Read all documents of text (not NUL-terminated).  On failure -EINVAL (or
 * -E2BIG over a limit, -ENOMEM), with line and column in the message.
 */
int manifest_parse(const char *text, size_t len, struct manifest *ret,
		   struct error *err);
void manifest_done(struct manifest *manifest);

/* Line of a field such as "spec.volumes[0].name"; its nearest known ancestor's
 * otherwise; 0 if lines is NULL. */
unsigned manifest_line(const struct manifest_lines *lines, const char *field);

/* Block-style YAML text of a value, as `kubectl get -o yaml` (malloc'd). */
int manifest_to_yaml(const json_t *value, char **ret);

#endif
