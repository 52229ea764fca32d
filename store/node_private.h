/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node_private.h - what the files of the node engine share, and nobody else
 *
 * Order of locks: the turn of a pod (node_lock.h), then the catalog's, then the
 * tree's own.  No driver is called with a transaction open.
 */
#ifndef STORE_NODE_PRIVATE_H
#define STORE_NODE_PRIVATE_H

#include "store/backend.h"
#include "store/catalog/catalog.h"
#include "store/id_array.h"
#include "store/node_lock.h"
#include "store/node_step.h"

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct causes;
struct error;
struct node_census;
struct node_usage;
struct node_watch;
struct pod;
struct trash;
struct tree;
struct tree_pod;
struct volume;

#define NODE_SUBPATHS "subpaths" /* below the state directory */
/* Member of a volume's recorded source that has what pod_volume_facts() says;
 * no source has a field of such a name. */
#define NODE_FACTS ".pod"
/* Levels of pods/<uid>/volumes/<plugin>/<volume>. */
#define NODE_POD_DEPTH 3

struct node {
	char *state_dir; /* absolute, no links */
	char *mountpoint;
	int lock_fd;
	struct volume_env env;
	struct catalog *catalog;
	struct tree *tree;
	struct trash *trash;
	struct pod_locks locks;
	struct node_watch *watch;
	struct node_usage *usage;
	struct node_census *census;
	bool mount_is_kept;    /* as in the options */
	bool has_withdrawn;    /* a pod at the start */
	struct helper *helper; /* may use the mount; NULL: we may ourselves */

	pthread_mutex_t told_lock;
	struct id_array told_pods;   /* damaged, and in the log; told_lock */
	struct id_array told_events; /* the same */
};

int64_t node_now(void); /* nanoseconds since the epoch */

/* node_state.c: the state directory, held by a lock. */
int node_state_open(struct node *node, const char *path, struct error *err);
void node_state_close(struct node *node);

/* node_reserve.c: take room for bad times, if there is some now. */
void node_reserve_fill(struct node *node);
/* Give it up if r says that the disk is full: is another try worth it? */
bool node_reserve_spend(struct node *node, int r);

/* node_volumes.c: all volumes of a pod, by their drivers. */
struct node_volume {
	const struct volume_driver *driver;
	struct volume_spec spec;
	json_t *source; /* owned; spec.source points to it */
};
/* -ENOTSUP for a source without driver; ended with node_volume_done(). */
int node_volume_load(const struct catalog_pod *pod,
		     const struct catalog_volume *vol, struct node_volume *ret,
		     struct error *err);
void node_volume_done(struct node_volume *volume);
/* A volume that is in use: others may want it to be cached by now, or not. */
void node_volume_changed(struct node *node, const char *pod_uid,
			 const struct node_volume *v);
/* What the kernel keeps of it: "all", "watched", "none"; NULL: nobody looked.
 */
const char *node_volume_cache(const struct volume *vol);
#define cleanup_node_volume __attribute__((cleanup(node_volume_done)))

/* *ret_failed is the index of the volume that would not be provisioned. */
int node_volumes_provision(struct node *node, const struct catalog_pod *pod,
			   size_t *ret_failed, struct error *err);
/* Open the volumes for the tree. */
int node_volumes_open(struct node *node, const struct catalog_pod *pod,
		      struct tree_pod **ret, size_t *ret_failed,
		      struct error *err);
int node_volumes_teardown(struct node *node, const struct catalog_pod *pod,
			  struct error *err);

/*
 * node_delete.c: unbind, tear down, forget: all that is left to do for a pod
 * which is in no tree.  Idempotent.  reason names the event; step is told
 * between teardown and the end of the row.
 */
int node_pod_erase(struct node *node, const struct catalog_pod *pod,
		   const char *reason, const char *step, struct error *err);
/* Finish or undo what was left half done with this pod: -ENOENT then, 0 if it
 * is ready, with the row in both cases untouched. */
int node_pod_settle(struct node *node, const struct catalog_pod *pod,
		    struct error *err);

/* node_apply.c: mark a provisioned pod ready and show it. */
int node_pod_finish(struct node *node, struct catalog_pod *pod,
		    struct tree_pod *shown, struct error *err);

/* node_damaged.c: a pod whose record cannot be read.  -EUCLEAN, with advice. */
int node_damaged_refuse(const struct catalog_pod *pod, struct error *err);
/* Is it such a pod?  0, or refused as above. */
int node_damaged_check(const struct catalog_pod *pod, struct error *err);
/* What to show in place of its manifest; NULL: out of memory. */
json_t *node_damaged_document(const struct catalog_pod *pod);
/* Say so in status, and in the log if that has not been done. */
int node_damaged_tell(struct node *node, const struct catalog_pod *pod,
		      json_t *status);
/* Say in the log, if that has not been done, that an event is left out. */
void node_damaged_tell_event(struct node *node, uint64_t id);
/* The manifest as recorded; NULL if it cannot be read. */
json_t *node_document(const struct catalog_pod *pod);
/* The same, decoded; otherwise refused as above. */
int node_document_decode(const struct catalog_pod *pod, struct pod **ret,
			 struct error *err);

/* node_reconcile.c: at start. */
int node_reconcile(struct node *node, struct error *err);

/* node_watch.c: look after the directories of the host without waiting. */
int node_watch_start(struct node *node, const struct catalog_pods *pods);
void node_watch_stop(struct node_watch *watch);

/* node_events.c */
void node_event_fill(struct catalog_event *event, const struct catalog_pod *pod,
		     const char *type, const char *reason, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
/* Best effort, in a transaction of its own. */
void node_event_say(struct node *node, const struct catalog_event *event);

/* node_object.c: a Pod; usage is asked for while now < deadline. */
int node_object_pod(struct node *node, const struct catalog_pod *pod,
		    int64_t deadline, json_t **ret);
char *node_object_time(int64_t when, char *buf, size_t size);
#define NODE_TIME_SIZE 32
/* The path of a volume under the mount (malloc'd). */
char *node_volume_path(const struct node *node, const struct catalog_pod *pod,
		       const char *volume);

/* A name that the API server would give to "base" (buf >= 64). */
int node_generate_name(const char *base, char *buf, size_t size);

#endif
