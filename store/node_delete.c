/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node_delete.c - ending a pod
 *
 * 1. refuse while something uses it, unless forced;
 * 2. one transaction marks it: from here on it will go, whatever happens;
 * 3. its names leave the tree;
 * 4. its subPaths are unbound, its volumes ended by their drivers;
 * 5. one transaction removes the rows.
 * Each step is done again after a crash without harm.
 */
#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/base/mount.h"
#include "store/node.h"
#include "store/node_census.h"
#include "store/node_private.h"
#include "store/subpath.h"
#include "store/trash.h"
#include "store/tree.h"
#include "store/users.h"
#include "store/volume.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int remove_rows(struct node *node, const struct catalog_pod *pod,
		       const char *reason, struct error *err)
{
	cleanup_catalog_txn struct catalog *txn = NULL;
	struct catalog_event event;
	int r;

	r = catalog_begin(node->catalog, &txn, err);
	if (r < 0)
		return r;
	r = catalog_pod_delete(txn, pod, err);
	if (r < 0)
		return r;
	if (reason) {
		node_event_fill(&event, pod, "Normal", reason, "pod deleted");
		r = catalog_event_add(txn, &event, err);
		if (r < 0)
			return r;
	}
	return catalog_commit(&txn, err);
}

static int erase(struct node *node, const struct catalog_pod *pod,
		 const char *reason, const char *step, struct error *err)
{
	char subpaths[sizeof(NODE_SUBPATHS) + sizeof(pod->uid)];
	int r;

	snprintf(subpaths, sizeof(subpaths), NODE_SUBPATHS "/%s", pod->uid);
	r = subpath_unbind_all(node->env.state_fd, subpaths, err);
	if (r == 0)
		r = node_volumes_teardown(node, pod, err);
	/* There may be volumes that nothing is known of. */
	if (r == 0 && pod->damaged)
		r = mount_detach_tree(node->env.pods_fd, pod->uid,
				      NODE_POD_DEPTH);
	/* Whatever is left of the pod's directory is nobody's. */
	if (r == 0)
		r = trash_put(node->trash, node->env.pods_fd, pod->uid, err);
	if (r < 0)
		return error_prefix(err, r, "cannot end pod '%s/%s'",
				    pod->namespace, pod->name);
	if (step)
		node_step(step);
	r = remove_rows(node, pod, reason, err);
	trash_wake(node->trash);
	return r;
}

int node_pod_erase(struct node *node, const struct catalog_pod *pod,
		   const char *reason, const char *step, struct error *err)
{
	int r = erase(node, pod, reason, step, err);

	if (node_reserve_spend(node, r))
		r = erase(node, pod, reason, step, err);
	return r;
}

int node_pod_settle(struct node *node, const struct catalog_pod *pod,
		    struct error *err)
{
	int r;

	if (pod->phase == CATALOG_READY)
		return 0;
	r = node_pod_erase(node, pod,
			   pod->phase == CATALOG_DELETING ? "Deleted" : NULL,
			   NULL, err);
	return r < 0 ? r : -ENOENT;
}

static int64_t count_opens(const struct tree_pod *shown)
{
	int64_t n = 0;

	for (size_t i = 0; shown && i < shown->n_volumes; i++)
		n += atomic_load(&shown->volumes[i]->opens);
	return n;
}

/* Add what uses the volumes that containers are given as they are. */
static int find_direct_users(const struct node *node,
			     const struct tree_pod *shown, const char *except,
			     struct users *users)
{
	for (size_t i = 0; shown && i < shown->n_volumes; i++) {
		const struct volume *vol = shown->volumes[i];
		int r;

		if (!vol->direct || users->n > 0)
			continue;
		r = users_find(vol->host_path, vol->host_path, except,
			       node->helper, users);
		if (r < 0 && r != -ENOENT)
			return r;
	}
	return 0;
}

static int find_users(struct node *node, const struct catalog_pod *pod,
		      const struct tree_pod *shown, struct users *users,
		      struct error *err)
{
	cleanup_free char *subpaths = NULL;
	cleanup_free char *path = NULL;
	int r;

	if (!node->mountpoint)
		return 0;
	if (asprintf(&path, "%s/%s/%s", node->mountpoint, pod->namespace,
		     pod->name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	if (asprintf(&subpaths, "%s/" NODE_SUBPATHS, node->state_dir) < 0) {
		subpaths = NULL;
		return -ENOMEM;
	}
	r = users_find(node->mountpoint, path, subpaths, node->helper, users);
	if (r == -ENOENT || r == -ENOTCONN)
		r = 0; /* not mounted: nobody can use it */
	if (r == 0)
		r = find_direct_users(node, shown, subpaths, users);
	if (r < 0) {
		errno = -r;
		return error_set(err, r,
				 "cannot find out whether pod '%s/%s' is in "
				 "use: %m; it can be deleted by force",
				 pod->namespace, pod->name);
	}
	return 0;
}

static int refuse_used(struct node *node, const struct catalog_pod *pod,
		       struct error *err)
{
	struct tree_pod *shown = tree_pod_by_uid(node->tree, pod->uid);
	int64_t opens = count_opens(shown);
	struct users users = { 0 };
	int r;

	r = find_users(node, pod, shown, &users, err);
	tree_pod_unref(shown);
	if (r < 0)
		return r;
	if (users.n > 0)
		return error_set(err, -EBUSY,
				 "pod '%s/%s' is in use by %s; stop the users "
				 "first, or delete it by force",
				 pod->namespace, pod->name, users.text);
	if (opens > 0)
		return error_set(err, -EBUSY,
				 "pod '%s/%s' is in use: %lld open file%s; "
				 "stop the users first, or delete it by force",
				 pod->namespace, pod->name, (long long)opens,
				 opens == 1 ? "" : "s");
	return 0;
}

static int mark(struct node *node, struct catalog_pod *pod, struct error *err)
{
	cleanup_catalog_txn struct catalog *txn = NULL;
	int r;

	r = catalog_begin(node->catalog, &txn, err);
	if (r < 0)
		return r;
	r = catalog_pod_set_phase(txn, pod, CATALOG_DELETING, err);
	if (r < 0)
		return r;
	return catalog_commit(&txn, err);
}

static int delete_pod(struct node *node, struct catalog_pod *pod,
		      struct error *err)
{
	int r;

	if (pod->phase != CATALOG_DELETING) {
		r = mark(node, pod, err);
		if (node_reserve_spend(node, r))
			r = mark(node, pod, err);
		if (r < 0)
			return r;
	}
	node_step("delete.marked");
	node_census_end(node, pod->uid);
	r = tree_withdraw(node->tree, pod->id);
	if (r < 0 && r != -ENOENT)
		return r;
	node_step("delete.withdrawn");
	r = node_pod_erase(node, pod, "Deleted", "delete.torn-down", err);
	if (r < 0)
		return r;
	node_step("delete.gone");
	node_reserve_fill(node);
	return 0;
}

static int check_conditions(const struct catalog_pod *pod,
			    const struct node_preconditions *conditions,
			    struct error *err)
{
	const char *wanted = conditions->resource_version;
	char version[24];

	if (conditions->uid && strcmp(conditions->uid, pod->uid) != 0)
		return error_set(err, -ESTALE,
				 "pod '%s/%s' has the UID '%s', not '%.64s' as "
				 "demanded",
				 pod->namespace, pod->name, pod->uid,
				 conditions->uid);
	snprintf(version, sizeof(version), "%llu",
		 (unsigned long long)pod->resource_version);
	if (wanted && strcmp(wanted, version) != 0)
		return error_set(err, -ESTALE,
				 "pod '%s/%s' has the resourceVersion '%s', "
				 "not '%.64s' as demanded",
				 pod->namespace, pod->name, version, wanted);
	return 0;
}

int node_pod_delete(struct node *node, const char *namespace, const char *name,
		    const struct node_preconditions *conditions, unsigned flags,
		    json_t **ret_object, struct error *err)
{
	cleanup_catalog_pod struct catalog_pod pod = { 0 };
	cleanup_pod_lock struct pod_lock *lock = NULL;
	json_auto_t *object = NULL;
	int r;

	node_step("delete.begin");
	r = pod_lock_take(&node->locks, namespace, name, &lock);
	if (r < 0)
		return error_set(err, r, "out of memory");
	r = catalog_pod_by_name(node->catalog, namespace, name, &pod, err);
	if (r == -ENOENT)
		return error_set(err, r, "pods \"%s\" not found", name);
	if (r == 0)
		r = check_conditions(&pod, conditions, err);
	if (r < 0)
		return r;
	if (!(flags & NODE_DELETE_FORCE) && pod.phase == CATALOG_READY) {
		r = refuse_used(node, &pod, err);
		if (r < 0)
			return r;
	}
	r = node_object_pod(node, &pod, 0, &object);
	if (r < 0)
		return error_set(err, r, "out of memory");
	if (!(flags & NODE_DELETE_DRY_RUN)) {
		r = delete_pod(node, &pod, err);
		if (r < 0)
			return r;
	}
	*ret_object = steal_pointer(&object);
	return 0;
}
