/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node.h - the engine of a node: apply, get, delete pods
 *
 * Everything that changes the catalog goes through here.  What a call
 * acknowledged is durable.  Objects are JSON as the Kubernetes API shapes them
 * (kind Pod, PodList); the caller owns what it is given.  Thread-safe.
 */
#ifndef STORE_NODE_H
#define STORE_NODE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct causes;
struct error;
struct helper;
struct localfs;
struct node;
struct pod;
struct tree;

struct node_options {
	const char *state_dir;	/* made (0700) if its parent exists */
	const char *mountpoint; /* for paths in status, and to find users */
	char **host_path_allow; /* absolute prefixes; n 0 allows everything */
	size_t n_host_path_allow;
	struct localfs *localfs;
	struct helper *helper; /* for what goes through the mount; borrowed */
	bool mount_is_kept;    /* from the last run, with what is bound of it */
};

/*
 * Lock the state directory, open the catalog, reconcile it with what is on
 * disk, publish all pods in the tree, start the reaper.  -EBUSY when another
 * daemon has the state directory; err says what to do in each case.
 */
int node_open(const struct node_options *options, struct node **ret,
	      struct error *err);
/* Begin to count volumes, once the mount knows what is open in them. */
int node_start(struct node *node, struct error *err);
void node_close(struct node *node);
/* Did the start not show a pod that the run before may have shown? */
bool node_has_withdrawn(const struct node *node);

struct tree *node_tree(struct node *node);

enum node_apply_flags {
	NODE_APPLY_CREATE = 1 << 0,  /* -EEXIST if the pod is there */
	NODE_APPLY_REPLACE = 1 << 1, /* -ENOENT if the pod is not there */
	NODE_APPLY_DRY_RUN = 1 << 2, /* validate all, change nothing */
};

enum node_outcome {
	NODE_CREATED,
	NODE_CONFIGURED,
	NODE_UNCHANGED,
};

/*
 * Make the node hold this pod.  Without CREATE and REPLACE both are fine.
 * A pod that is there is changed as far as it may be: labels, sizeLimits, ...
 * generateName is resolved here, and the UID made if there is none.  Fails
 * with -EINVAL and causes where fields, or the drivers of volumes, forbid it,
 * and without for CREATE with a metadata.resourceVersion; -EEXIST, -ENOENT;
 * -ESTALE if that version is not the pod's, or there is none; others with err.
 * On failure nothing has changed.
 */
int node_pod_apply(struct node *node, const struct pod *pod, unsigned flags,
		   enum node_outcome *ret_outcome, json_t **ret_object,
		   struct causes *causes, struct error *err);

struct node_resize {
	const char *namespace;
	const char *pod;
	const char *volume;
	const struct json_t *size; /* a quantity, as in a manifest */
	bool dry_run;		   /* validate, but do not ask the driver */
};

/*
 * Change the sizeLimit of an emptyDir, as applying the pod's manifest with the
 * new one does, while it is in use.  -ENOENT for an unknown pod or volume;
 * -EINVAL with causes where the size is none or the driver refuses it; others
 * with err.  On failure nothing has changed.  The object is the pod.
 */
int node_volume_resize(struct node *node, const struct node_resize *what,
		       enum node_outcome *ret_outcome, json_t **ret_object,
		       struct causes *causes, struct error *err);

/*
 * 0, -ENOENT, or another -errno with err.  Of a pod whose record is damaged
 * this shows what there is; its phase is Unknown, and a message says why.
 */
int node_pod_get(struct node *node, const char *namespace, const char *name,
		 json_t **ret_object, struct error *err);
int node_pod_get_by_uid(struct node *node, const char *uid, json_t **ret_object,
			struct error *err);

/*
 * A PodList of one namespace, or of all for NULL, by namespace and name, with
 * resourceVersion.
 */
int node_pod_list(struct node *node, const char *namespace, json_t **ret_object,
		  struct error *err);

enum node_delete_flags {
	NODE_DELETE_FORCE = 1 << 0, /* though something still uses it */
	NODE_DELETE_DRY_RUN = 1 << 1,
};

/* What must be true of a pod for it to be deleted; NULL: anything may be. */
struct node_preconditions {
	const char *uid;
	const char *resource_version;
};

/*
 * Delete a pod: its names disappear from the mount before this returns, and
 * its emptyDir trees are in the trash.  -ENOENT; -EBUSY with the users in err
 * (open files, bind mounts in any mount namespace) unless FORCE; -ESTALE if
 * a precondition does not hold.  The object is the pod as it was.
 */
int node_pod_delete(struct node *node, const char *namespace, const char *name,
		    const struct node_preconditions *conditions, unsigned flags,
		    json_t **ret_object, struct error *err);

/*
 * What to bind into the containers of a pod (container NULL: all of them).
 * subPaths are resolved, made if missing, and pinned: see subpath.h.
 * {"items": [{"container", "kind", "mounts": [{"volume", "source",
 * "destination", "readOnly", "propagation", "recursiveReadOnly"}]}]}
 * kind is "initContainer", "container" or "ephemeralContainer".  -ENOENT for an
 * unknown pod or container; -EAGAIN for a pod that is not ready; others with
 * err.
 */
int node_pod_mounts(struct node *node, const char *namespace, const char *name,
		    const char *container, json_t **ret_object,
		    struct error *err);

/* Events of one object (by pod UID) or of all (NULL), newest last: EventList.
 */
int node_event_list(struct node *node, const char *pod_uid, json_t **ret_object,
		    struct error *err);

/* At the end, while the mount is still there: take away the subPaths' binds. */
void node_unbind_all(struct node *node);

struct node_stats {
	uint64_t namespaces;
	uint64_t pods;
	uint64_t volumes;
	uint64_t trash_entries; /* waiting for the reaper */
	uint64_t resource_version;
};
void node_stats(struct node *node, struct node_stats *ret);

/*
 * What each volume holds that is counted here, or looked up now and then: an
 * array of {"namespace", "pod", "volume", "usedBytes", "chargedBytes",
 * "usedInodes", "limitBytes", "limitInodes", "recounting", "usageTime",
 * "message"}, as far as it is known; NULL: out of memory.
 */
json_t *node_volume_usage(struct node *node);

/*
 * For the tests: called when each named step is done.  NULL: none.
 *
 *   apply.begin         nothing yet
 *   apply.declared      the catalog knows pod and volumes, as pending
 *   apply.provisioned   a volume exists: once for each
 *   apply.ready         the catalog says ready: from here on it is acknowledged
 *   apply.published     the tree shows the pod
 *   update.begin        nothing yet
 *   update.limited      a volume has another limit: once for each
 *   update.resized      the drivers have given volumes their new limits
 *   update.recorded     the catalog has them: from here on it is acknowledged
 *   update.taken-back   a volume has its old limit again, as another could not
 *                       have its new one: once for each
 *   delete.begin        nothing yet
 *   delete.marked       the catalog says deleting: from here on it will go
 *   delete.withdrawn    the tree shows it no more
 *   delete.torn-down    the drivers have ended the volumes
 *   delete.gone         the catalog has forgotten it
 *   start.restored      a volume is what the catalog says: once for each
 *   start.reconciled    all of the catalog is shown, finished or undone
 *   recount.marked      the catalog says that a volume is about to change
 *   recount.begin       nothing yet of the count of a volume
 *   recount.walked      its files are counted, nothing is known of it yet
 *   recount.counted     what it holds is known
 *   recount.saving      at the end: what all hold is to be recorded
 *   recount.saved       the catalog has it: the next start need not count
 *   reap.moved          a tree is in the trash: once for each
 *   reap.begin          an entry of the trash is found, nothing is erased yet
 *   reap.removed        a name in it, or its own, is gone: once for each
 *   reap.unprotected    something that was immutable is so no more
 *   reap.cut            what was too deep in it is an entry of its own
 *   reap.destroyed      it was a subvolume of btrfs, and is deleted as a whole
 *   reap.erased         all of it is gone
 */
typedef void node_step_fn(const char *step);
void node_set_step_hook(node_step_fn *fn);

#endif
