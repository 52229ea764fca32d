/* SPDX-License-Identifier: Apache-2.0 */
/* pod_view.h - what is read out of a pod object of the API */
#ifndef PODVOLCTL_POD_VIEW_H
#define PODVOLCTL_POD_VIEW_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct table;

/* Borrowed from the object; NULL or "" never stands for a missing string:
 * that is "<unknown>". */
struct pod_view {
	const char *name;
	const char *namespace;
	const char *uid;
	const char *created;
	const char *phase;
	const json_t *volumes;	/* spec.volumes */
	const json_t *statuses; /* status.volumes */
	size_t n_volumes;
	size_t n_ready;
};

void pod_view_init(struct pod_view *view, const json_t *pod);

void pod_view_columns(struct table *table, bool namespaces, bool wide);
void pod_view_row(struct table *table, const json_t *pod, bool namespaces,
		  bool wide);

/* A member of an object as a string, or "<unknown>". */
const char *view_string(const json_t *object, const char *key);

#endif
