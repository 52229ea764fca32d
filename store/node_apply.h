/* SPDX-License-Identifier: Apache-2.0 */
/* node_apply.h - one application of a manifest, shared by creating and changing
 */
#ifndef STORE_NODE_APPLY_H
#define STORE_NODE_APPLY_H

#include "store/node.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct catalog_pod;
struct causes;
struct error;
struct pod;

struct apply {
	struct node *node;
	const struct pod *pod;
	unsigned flags;
	const char *name; /* the manifest's, or generated */
	char generated[64];
	struct causes *causes;
	enum node_outcome outcome;
	json_t *object;
};

/* Refuse a field; -EINVAL. */
int apply_refuse(const struct apply *a, struct error *err, const char *reason,
		 const char *field, const char *message);
/* Refuse volume i for r, if that speaks of what the manifest asks for. */
int apply_refuse_volume(const struct apply *a, const char *source, size_t i,
			int r, struct error *err);

/* The resourceVersion that the manifest says its author has seen, or NULL. */
const char *apply_seen(const struct apply *a);

/* The manifest with the name that the pod got, and nothing that we add. */
int apply_document_text(const struct pod *pod, const char *name, char **ret);
/* What the catalog records of volume i of the manifest. */
int apply_volume_text(const struct pod *pod, size_t i, char **ret);

int apply_show(struct apply *a, const struct catalog_pod *row,
	       enum node_outcome outcome);

/*
 * node_update.c: make the pod in row, whose turn is held and which is ready,
 * what the manifest says.
 */
int apply_update(struct apply *a, struct catalog_pod *row, struct error *err);

#endif
