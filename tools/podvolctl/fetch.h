/* SPDX-License-Identifier: Apache-2.0 */
/* fetch.h - the pods that a command line names */
#ifndef PODVOLCTL_FETCH_H
#define PODVOLCTL_FETCH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct ctl;

enum resource {
	RESOURCE_POD,
	RESOURCE_VOLUME,
};

/* What "TYPE [NAME]..." or "TYPE/NAME..." chose. */
struct selection {
	enum resource resource;
	char **names; /* owned array of borrowed strings */
	size_t n_names;
};

#define cleanup_selection __attribute__((cleanup(selection_done)))

/* STATUS_DONE, or STATUS_USAGE after having told why. */
int selection_parse(const struct ctl *ctl, const char *verb,
		    struct selection *ret);
void selection_done(struct selection *selection);

/*
 * One pod.  STATUS_DONE, with *ret NULL if --ignore-not-found left it out;
 * or another status after having told why.
 */
int fetch_pod(const struct ctl *ctl, const char *name, json_t **ret);

/*
 * The pods of a selection into items, an array: if it names none, all of the
 * namespace (or of all namespaces) that the selectors of the command line
 * choose; for a volume POD/VOLUME its pod, once.
 * What is missing has been told; the rest is in items nevertheless.
 */
int fetch_selection(const struct ctl *ctl, const struct selection *selection,
		    json_t *items);

/* "No resources found in default namespace.", as kubectl. */
void fetch_tell_none(const struct ctl *ctl);

#endif
