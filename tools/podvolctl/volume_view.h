/* SPDX-License-Identifier: Apache-2.0 */
/* volume_view.h - the volumes of a pod object, one by one */
#ifndef PODVOLCTL_VOLUME_VIEW_H
#define PODVOLCTL_VOLUME_VIEW_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct selection;
struct table;

struct volume_view {
	const char *pod;
	const char *namespace;
	const char *created; /* of the pod: they begin and end together */
	const char *name;
	const char *source; /* "emptyDir" */
	const json_t *spec; /* the entry of spec.volumes */
	const json_t *status;
	const char *limit;     /* NULL: none */
	int64_t used_bytes;    /* as du(1) counts; -1: not known */
	int64_t charged_bytes; /* what counts for the limit */
	bool is_recounting;
	int64_t used_inodes;
	const char *counted; /* when what is used was looked up; NULL: now */
};

/* Call fn for each volume of pods that the selection (NULL: all) names, until
 * it fails; counts them. */
typedef int volume_view_fn(void *arg, const struct volume_view *view);
size_t volume_view_each(const json_t *pods, const struct selection *selection,
			volume_view_fn *fn, void *arg);

/* Tell which POD/VOLUME of the selection a found pod does not have; how many.
 */
size_t volume_view_tell_missing(const json_t *pods,
				const struct selection *selection);

void volume_view_columns(struct table *table, bool namespaces, bool wide);
void volume_view_row(struct table *table, const struct volume_view *view,
		     bool namespaces, bool wide);

/* {"apiVersion", "kind": "Volume", "metadata", "spec", "status"}; new. */
json_t *volume_view_object(const struct volume_view *view);

/* How old the numbers are: "12s", "now", "<none>" if there are none. */
const char *volume_view_counted(const struct volume_view *view, char *buf);

/* "1.5Gi", "312Ki", "17"; "<unknown>" for -1. */
#define BYTES_SIZE 32
const char *volume_view_bytes(int64_t bytes, char *buf);

#endif
