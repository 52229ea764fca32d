/* SPDX-License-Identifier: Apache-2.0 */
/* nodes.h - a node on a scratch state directory, for the tests of the engine */
#ifndef UNIT_NODES_H
#define UNIT_NODES_H

#include "store/base/error.h"
#include "store/manifest/causes.h"
#include "store/node.h"
#include "store/tree.h"

#include <stdbool.h>

struct localfs;

struct test_node {
	struct node *node;
	struct localfs *localfs;
	struct causes causes; /* of the last apply */
	struct error err;     /* of the last failure */
};

/*
 * The node whose state is in the directory "state" and whose mount is said to
 * be at "mnt", both below base; 0 or what node_open() said.
 */
int test_node_open(struct test_node *t, const char *base);
void test_node_close(struct test_node *t);

/* Apply the text of a manifest; the outcome, or -errno. */
int test_apply(struct test_node *t, const char *manifest, unsigned flags);
/* The same, with the object for the caller. */
int test_apply_object(struct test_node *t, const char *manifest, unsigned flags,
		      json_t **ret);
int test_delete(struct test_node *t, const char *name, unsigned flags);
/* The object of default/name, NULL if there is none. */
json_t *test_get(struct test_node *t, const char *name);
/* A string inside an object by "a.b.c"; "" if there is none. */
char *test_string(const json_t *object, const char *path);

/* Is default/name shown by the tree, with all its volumes? */
bool test_is_shown(struct test_node *t, const char *name);

/* Entries of a directory but "." and ".."; -1 if it is missing. */
int test_count_entries(const char *path);

#endif
