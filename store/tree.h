/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree.h - the published tree: namespaces, pods and their volumes, in memory
 *
 * What the mount shows of the catalog.  The node engine publishes a pod when
 * all its volumes are ready and withdraws it when it is deleted; the FUSE side
 * reads.  A published pod is immutable and counted.  Ids are the catalog's
 * rows: persistent, growing, never given again; they are the cookies of
 * directory listings.  All functions are thread-safe and never block for long.
 */
#ifndef STORE_TREE_H
#define STORE_TREE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct tree;
struct volume;

struct tree_pod {
	uint64_t id;
	uint64_t namespace_id;
	char uid[37];
	char namespace[64];
	char name[254];
	struct timespec created;
	size_t n_volumes;
	struct volume **volumes; /* in the manifest's order; references held */
	atomic_uint refs;
};

enum tree_op {
	TREE_ADDED,
	TREE_REMOVED,
};

enum tree_kind {
	TREE_NAMESPACE,
	TREE_POD,
};

struct tree_event {
	enum tree_op op;
	enum tree_kind kind;
	uint64_t id;
	uint64_t namespace_id;
	const char *namespace; /* valid during the call, as the following */
	const char *name;
	const char *uid; /* of a pod */
};

/*
 * Told of each change after it took place, in the thread that made it, one
 * change after the other: a namespace before its first pod, and after its last.
 * May call everything here that reads, but change nothing.  Returns when
 * whoever looks at the mount from then on sees it.
 */
typedef void tree_listener_fn(void *arg, const struct tree_event *event);

struct tree_entry {
	uint64_t id;
	char name[254];
};

int tree_new(struct tree **ret);
void tree_free(struct tree *tree);

/* One listener; NULL takes it away.  Set before the first change. */
void tree_listen(struct tree *tree, tree_listener_fn *fn, void *arg);

/*
 * Publish a pod; the tree takes over the caller's reference, also on failure.
 * Its namespace appears with its first pod.  -EEXIST if the name is taken.
 */
int tree_publish(struct tree *tree, struct tree_pod *pod);
/* -ENOENT if there is none.  The namespace goes with its last pod. */
int tree_withdraw(struct tree *tree, uint64_t pod_id);

/* A new unpublished pod with one reference and room for n_volumes (NULLs). */
struct tree_pod *tree_pod_new(size_t n_volumes);
struct tree_pod *tree_pod_ref(struct tree_pod *pod);
void tree_pod_unref(struct tree_pod *pod);
/* Its first volume that others change, too; borrowed, NULL if there is none. */
struct volume *tree_pod_shared_volume(const struct tree_pod *pod);

/* Found pods are referenced for the caller; NULL if there is none. */
struct tree_pod *tree_pod_by_id(struct tree *tree, uint64_t pod_id);
struct tree_pod *tree_pod_by_name(struct tree *tree, uint64_t namespace_id,
				  const char *name);
struct tree_pod *tree_pod_by_uid(struct tree *tree, const char *uid);

/* 0 or -ENOENT. */
int tree_namespace_by_name(struct tree *tree, const char *name,
			   uint64_t *ret_id);
int tree_namespace_by_id(struct tree *tree, uint64_t id,
			 struct tree_entry *ret);

/*
 * Up to n entries with ids above after, in the order of ids; the count.
 * namespace_id 0 lists the pods of all namespaces.
 */
size_t tree_list_namespaces(struct tree *tree, uint64_t after,
			    struct tree_entry *entries, size_t n);
size_t tree_list_pods(struct tree *tree, uint64_t namespace_id, uint64_t after,
		      struct tree_entry *entries, size_t n);
/* Counts for link counts and statistics. */
size_t tree_count_namespaces(struct tree *tree);
size_t tree_count_pods(struct tree *tree, uint64_t namespace_id);

/* When something directly below last changed; namespace_id 0: the root. */
struct timespec tree_changed(struct tree *tree, uint64_t namespace_id);

#endif
