/* SPDX-License-Identifier: Apache-2.0 */
/* node.c - the engine of a node: opened, closed, counted */
#include "store/node.h"

#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/node_census.h"
#include "store/node_private.h"
#include "store/node_usage.h"
#include "store/trash.h"
#include "store/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define CATALOG_NAME "catalog.db"

int64_t node_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static int copy_options(struct node *node, const struct node_options *options)
{
	size_t n = options->n_host_path_allow;

	node->env.localfs = options->localfs;
	node->mount_is_kept = options->mount_is_kept;
	node->helper = options->helper;
	if (options->mountpoint) {
		node->mountpoint = strdup(options->mountpoint);
		if (!node->mountpoint)
			return -ENOMEM;
		node->env.mountpoint = node->mountpoint;
	}
	node->env.host_path_allow = calloc(n + 1, sizeof(char *));
	if (!node->env.host_path_allow)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		char *copy = strdup(options->host_path_allow[i]);

		if (!copy)
			return -ENOMEM;
		node->env.host_path_allow[node->env.n_host_path_allow++] = copy;
	}
	return 0;
}

static int count_entries(int dir_fd)
{
	cleanup_fd int fd =
		openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	int n = 0;

	if (!dir)
		return -errno;
	steal_fd(&fd);
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): a stream of our own */
	while ((entry = readdir(dir)))
		n += strcmp(entry->d_name, ".") != 0 &&
		     strcmp(entry->d_name, "..") != 0;
	return n;
}

/*
 * A new catalog knows no pods, so all trees would be nobody's and erased.  The
 * catalog is older than any of them: without it they are not ours to judge.
 */
static int refuse_lost_catalog(const struct node *node, const char *path,
			       struct error *err)
{
	struct stat st;
	int n;

	if (fstatat(node->env.state_fd, CATALOG_NAME, &st, 0) == 0 &&
	    st.st_size > 0)
		return 0;
	n = count_entries(node->env.pods_fd);
	if (n < 0)
		return error_set(err, n, "cannot list '%s/pods': %m",
				 node->state_dir);
	if (n == 0)
		return 0;
	return error_set(
		err, -EUCLEAN,
		"the catalog '%s' is missing or empty, but there is data of %d pod%s in '%s/pods'; nothing was changed: restore the catalog from a copy, or move the state directory away to start with an empty one",
		path, n, n == 1 ? "" : "s", node->state_dir);
}

static int open_catalog(struct node *node, struct error *err)
{
	cleanup_free char *path = NULL;
	int r;

	if (asprintf(&path, "%s/" CATALOG_NAME, node->state_dir) < 0)
		return -ENOMEM;
	r = refuse_lost_catalog(node, path, err);
	if (r < 0)
		return r;
	r = catalog_open(path, &node->catalog, err);
	/* It may need more room than the last one gave back when it ended. */
	if (node_reserve_spend(node, r))
		r = catalog_open(path, &node->catalog, err);
	return r;
}

static int open_parts(struct node *node, const struct node_options *options,
		      struct error *err)
{
	int r;

	r = copy_options(node, options);
	if (r == 0)
		r = node_state_open(node, options->state_dir, err);
	if (r == 0) {
		node_reserve_fill(node);
		r = open_catalog(node, err);
	}
	if (r == 0)
		r = tree_new(&node->tree);
	if (r == 0)
		r = trash_open(node->env.state_fd, &node->trash, err);
	if (r == 0)
		r = node_reconcile(node, err);
	return r;
}

int node_start(struct node *node, struct error *err)
{
	int r = node_usage_start(node);

	if (r == 0)
		r = node_census_start(node);
	if (r < 0)
		error_set(err, r, "cannot start to count volumes");
	return r;
}

int node_open(const struct node_options *options, struct node **ret,
	      struct error *err)
{
	struct node *node = calloc(1, sizeof(*node));
	int r;

	if (!node)
		return error_set(err, -ENOMEM, "out of memory");
	node->lock_fd = -1;
	node->env.state_fd = -1;
	node->env.pods_fd = -1;
	pod_locks_init(&node->locks);
	pthread_mutex_init(&node->told_lock, NULL);
	r = open_parts(node, options, err);
	if (r < 0) {
		if (r == -ENOMEM)
			error_set(err, r, "out of memory");
		node_close(node);
		return r;
	}
	*ret = node;
	return 0;
}

void node_close(struct node *node)
{
	if (!node)
		return;
	node_usage_stop(node);
	node_census_stop(node);
	node_watch_stop(node->watch);
	trash_close(node->trash);
	tree_free(node->tree);
	catalog_close(node->catalog);
	node_state_close(node);
	for (size_t i = 0; i < node->env.n_host_path_allow; i++)
		free(node->env.host_path_allow[i]);
	free(node->env.host_path_allow);
	free(node->mountpoint);
	pod_locks_done(&node->locks);
	pthread_mutex_destroy(&node->told_lock);
	free(node->told_pods.entries);
	free(node->told_events.entries);
	free(node);
}

bool node_has_withdrawn(const struct node *node)
{
	return node->has_withdrawn;
}

struct tree *node_tree(struct node *node)
{
	return node->tree;
}

void node_stats(struct node *node, struct node_stats *ret)
{
	struct catalog_counts counts = { 0 };

	catalog_counts(node->catalog, &counts, NULL);
	*ret = (struct node_stats){
		.namespaces = tree_count_namespaces(node->tree),
		.pods = tree_count_pods(node->tree, 0),
		.volumes = counts.volumes,
		.trash_entries = trash_count(node->trash),
		.resource_version = counts.resource_version,
	};
}
