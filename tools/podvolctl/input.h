/* SPDX-License-Identifier: Apache-2.0 */
/* input.h - the documents of files, directories and standard input */
#ifndef PODVOLCTL_INPUT_H
#define PODVOLCTL_INPUT_H

#include <jansson.h>
#include <stddef.h>

struct manifest_lines;

struct input_document {
	const char *source; /* "pod.yaml", "stdin" */
	const json_t *value;
	const struct manifest_lines *lines; /* NULL: not known */
	unsigned line;			    /* where it starts */
};

typedef int (*input_fn)(void *arg, const struct input_document *document);

/*
 * Call fn for each document of each -f, in their order; the items of a List
 * count as documents.  A file that cannot be read or a document that fails is
 * told and does not stop the others, an unreachable daemon does.  Returns the
 * worst exit status.
 */
int input_each(char **files, size_t n, input_fn fn, void *arg);

#endif
