/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node_reconcile.c - at start: what the catalog says and what is on disk agree
 *
 * A pod that was being made is made, or undone where a driver says no; one
 * that was being deleted goes; the ready ones are shown.  Trees that belong to
 * nobody go to the trash.  One pod's trouble stops neither the others nor the
 * start.
 */
#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/base/log.h"
#include "store/base/mount.h"
#include "store/base/path.h"
#include "store/node_private.h"
#include "store/subpath.h"
#include "store/trash.h"
#include "store/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* What is to be said, kept for one transaction at the end. */
struct reconcile {
	struct node *node;
	struct catalog_event *events;
	size_t n_events;
};

static void say(struct reconcile *rec, const struct catalog_pod *pod,
		const char *type, const char *reason, const char *text)
{
	struct catalog_event *event;

	if (strcmp(type, "Warning") == 0)
		log_warning("pod '%s/%s': %s", pod->namespace, pod->name, text);
	else
		log_notice("pod '%s/%s': %s", pod->namespace, pod->name, text);
	if (rec->n_events == CATALOG_EVENTS_MAX)
		return;
	if (!rec->events)
		rec->events = calloc(CATALOG_EVENTS_MAX, sizeof(*event));
	if (!rec->events)
		return;
	event = &rec->events[rec->n_events++];
	node_event_fill(event, pod, type, reason, "%s", text);
}

static int commit_events(struct reconcile *rec)
{
	cleanup_catalog_txn struct catalog *txn = NULL;
	int r;

	if (rec->n_events == 0)
		return 0;
	r = catalog_begin(rec->node->catalog, &txn, NULL);
	for (size_t i = 0; r == 0 && i < rec->n_events; i++)
		r = catalog_event_add(txn, &rec->events[i], NULL);
	if (r < 0)
		return r;
	return catalog_commit(&txn, NULL);
}

/* Best effort: no event is worth more than a start. */
static void say_all(struct reconcile *rec)
{
	if (commit_events(rec) < 0)
		log_debug("the events of the start are lost");
	free(rec->events);
}

static void erase(struct reconcile *rec, const struct catalog_pod *pod,
		  const char *reason)
{
	struct error err = { 0 };

	rec->node->has_withdrawn = true;
	if (node_pod_erase(rec->node, pod, reason, NULL, &err) < 0)
		say(rec, pod, "Warning", "FailedKillPod", err.text);
}

static void finish(struct reconcile *rec, struct catalog_pod *pod)
{
	struct tree_pod *shown;
	struct error err = { 0 };
	size_t failed;
	int r;

	r = node_volumes_provision(rec->node, pod, &failed, &err);
	if (r == 0)
		r = node_volumes_open(rec->node, pod, &shown, &failed, &err);
	if (r == 0)
		r = node_pod_finish(rec->node, pod, shown, &err);
	if (r == 0) {
		say(rec, pod, "Normal", "Recovered",
		    "finished what a crash had interrupted");
		return;
	}
	say(rec, pod, "Warning", "FailedMount", err.text);
	erase(rec, pod, NULL);
}

/* A pod that was ready may have lost what is in memory, or what somebody took
 * away. */
static void restore_volume(struct reconcile *rec, const struct catalog_pod *pod,
			   const struct catalog_volume *vol)
{
	cleanup_node_volume struct node_volume v = { 0 };
	struct error err = { 0 };
	char text[sizeof(err.text)];
	int r;

	if (node_volume_load(pod, vol, &v, NULL) < 0 || !v.driver->restore)
		return;
	r = v.driver->restore(&rec->node->env, &v.spec, &err);
	node_step("start.restored");
	if (r < 0)
		say(rec, pod, "Warning", "FailedMount", err.text);
	if (r <= 0)
		return;
	snprintf(text, sizeof(text),
		 "the files of volume '%s' were missing: it starts empty again",
		 vol->name);
	say(rec, pod, "Warning", "Recovered", text);
}

static void show(struct reconcile *rec, const struct catalog_pod *pod)
{
	struct tree_pod *shown;
	struct error err = { 0 };
	size_t failed;

	for (size_t i = 0; i < pod->n_volumes; i++)
		restore_volume(rec, pod, &pod->volumes[i]);
	if (node_volumes_open(rec->node, pod, &shown, &failed, &err) == 0 &&
	    tree_publish(rec->node->tree, shown) == 0)
		return;
	rec->node->has_withdrawn = true;
	say(rec, pod, "Warning", "FailedMount",
	    *err.text ? err.text : "out of memory");
}

static void resume(struct reconcile *rec, struct catalog_pod *pod)
{
	if (pod->damaged)
		return;
	switch (pod->phase) {
	case CATALOG_PENDING:
		finish(rec, pod);
		break;
	case CATALOG_DELETING:
		erase(rec, pod, "Deleted");
		break;
	default:
		show(rec, pod);
	}
}

/*
 * The binds of the last run lead to a mount that ended with it.  Whoever asks
 * for them again gets new ones.
 */
static void clear_subpaths(struct node *node)
{
	cleanup_catalog_txn struct catalog *txn = NULL;
	struct error err = { 0 };

	if (node->mount_is_kept)
		return;
	if (subpath_unbind_all(node->env.state_fd, NODE_SUBPATHS, &err) < 0 ||
	    catalog_begin(node->catalog, &txn, &err) < 0 ||
	    catalog_mount_clear(txn, &err) < 0 ||
	    catalog_commit(&txn, &err) < 0)
		log_warning("cannot clear old subPaths: %s", err.text);
}

static int compare_pods(const void *a, const void *b)
{
	const struct catalog_pod *const *x = a;
	const struct catalog_pod *const *y = b;

	return strcmp((*x)->uid, (*y)->uid);
}

static const struct catalog_pod **sort_by_uid(const struct catalog_pods *list)
{
	const struct catalog_pod **sorted =
		calloc(list->n + 1, sizeof(struct catalog_pod *));

	if (!sorted)
		return NULL;
	for (size_t i = 0; i < list->n; i++)
		sorted[i] = &list->pods[i];
	qsort(sorted, list->n, sizeof(struct catalog_pod *), compare_pods);
	return sorted;
}

static const struct catalog_pod *find_by_uid(const struct catalog_pod **sorted,
					     size_t n, const char *uid)
{
	struct catalog_pod key;
	const struct catalog_pod *key_ptr = &key;
	const struct catalog_pod **found;

	if (strlen(uid) >= sizeof(key.uid))
		return NULL;
	memcpy(key.uid, uid, strlen(uid) + 1);
	found = bsearch(&key_ptr, sorted, n, sizeof(struct catalog_pod *),
			compare_pods);
	return found ? *found : NULL;
}

static void discard(struct node *node, int dir_fd, const char *name,
		    const char *below)
{
	struct error err = { 0 };

	/* A volume in memory may be mounted below: the reaper will not go in.
	 */
	(void)mount_detach_tree(dir_fd, name, NODE_POD_DEPTH);
	if (trash_put(node->trash, dir_fd, name, &err) < 0)
		log_warning("'pods/%s%s' belongs to no volume, and stays where "
			    "it is: %s",
			    below, name, err.text);
	else
		log_notice("'pods/%s%s' belongs to no volume: moved to the "
			   "trash",
			   below, name);
}

static DIR *open_dir(int dir_fd, const char *path)
{
	int fd = path_open(dir_fd, path, O_RDONLY | O_DIRECTORY,
			   RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
	DIR *dir;

	if (fd < 0)
		return NULL;
	dir = fdopendir(fd);
	if (!dir)
		closep(&fd);
	return dir;
}

static bool has_volume(const struct catalog_pod *pod, const char *source,
		       const char *name)
{
	for (size_t i = 0; i < pod->n_volumes; i++) {
		if (strcmp(pod->volumes[i].name, name) == 0 &&
		    strcmp(pod->volumes[i].source, source) == 0)
			return true;
	}
	return false;
}

/* Trees of one source in a pod that is known. */
static void discard_volumes(struct node *node, const struct catalog_pod *pod,
			    const struct volume_driver *driver)
{
	cleanup_dir DIR *dir = NULL;
	const struct dirent *entry;
	char path[256];
	char *slash;

	snprintf(path, sizeof(path), "%s/volumes/%s/", pod->uid,
		 driver->plugin);
	slash = strchr(path + strlen(pod->uid) + sizeof("/volumes"), '/');
	if (slash && slash[1])
		*slash = '~';
	dir = open_dir(node->env.pods_fd, path);
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): our own stream */
	while (dir && (entry = readdir(dir))) {
		if (path_is_name(entry->d_name) &&
		    !has_volume(pod, driver->source, entry->d_name))
			discard(node, dirfd(dir), entry->d_name, path);
	}
}

static int discard_orphans(struct node *node, const struct catalog_pods *list,
			   struct error *err)
{
	cleanup_free const struct catalog_pod **sorted = sort_by_uid(list);
	cleanup_dir DIR *dir = NULL;
	const struct dirent *entry;

	if (!sorted)
		return -ENOMEM;
	dir = open_dir(node->env.pods_fd, ".");
	if (!dir)
		return error_set(err, -EIO, "cannot read '%s/pods'",
				 node->state_dir);
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): our own stream */
	while ((entry = readdir(dir))) {
		const struct catalog_pod *pod;

		if (!path_is_name(entry->d_name))
			continue;
		pod = find_by_uid(sorted, list->n, entry->d_name);
		if (!pod) {
			discard(node, node->env.pods_fd, entry->d_name, "");
			continue;
		}
		for (size_t i = 0; volume_drivers[i]; i++)
			discard_volumes(node, pod, volume_drivers[i]);
	}
	return 0;
}

int node_reconcile(struct node *node, struct error *err)
{
	cleanup_catalog_pods struct catalog_pods list = { 0 };
	struct reconcile rec = { .node = node };
	int r;

	r = catalog_pod_list(node->catalog, NULL, 0, &list, err);
	if (r < 0)
		return r;
	/* Which tree is whose is not to be guessed from what is damaged. */
	if (list.damaged)
		log_warning("the catalog has damaged records: of the data that "
			    "belongs to no pod, nothing was removed");
	else
		r = discard_orphans(node, &list, err);
	if (r < 0)
		return r;
	clear_subpaths(node);
	for (size_t i = 0; i < list.n; i++)
		resume(&rec, &list.pods[i]);
	say_all(&rec);
	r = node_watch_start(node, &list);
	if (r < 0)
		return r;
	trash_wake(node->trash);
	node_step("start.reconciled");
	return 0;
}
