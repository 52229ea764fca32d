/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attach.c - take over the mount of a process that was killed
 *
 * The kernel has kept its connection and what it was promised: node ids, file
 * handles, backing ids.  The records of these are in the state; here all that
 * hangs on them is made anew: volumes, open files, charges, locks.
 */
#include "fuse/attach.h"

#include <errno.h>
#include <stdlib.h>

#include "fuse/attr.h"
#include "fuse/internal.h"
#include "fuse/locks.h"
#include "fuse/notify.h"
#include "store/tree.h"
#include "store/volume.h"

#define PODS_AT_ONCE 256u

/* The volumes that are there, in the order of their ids. */
struct volumes {
	struct volume **items; /* references held */
	size_t n;
	size_t room;
};

static int volumes_add(struct volumes *v, const struct tree_pod *pod)
{
	if (v->n + pod->n_volumes > v->room) {
		size_t room = 2 * v->room + pod->n_volumes;
		struct volume **items =
			realloc(v->items, room * sizeof(struct volume *));

		if (!items)
			return -ENOMEM;
		v->items = items;
		v->room = room;
	}
	for (size_t i = 0; i < pod->n_volumes; i++)
		v->items[v->n++] = volume_ref(pod->volumes[i]);
	return 0;
}

static int by_id(const void *a, const void *b)
{
	const struct volume *const *x = a;
	const struct volume *const *y = b;

	return ((*x)->id > (*y)->id) - ((*x)->id < (*y)->id);
}

static void volumes_done(struct volumes *v)
{
	for (size_t i = 0; i < v->n; i++)
		volume_unref(v->items[i]);
	free(v->items);
}

static int volumes_collect(struct tree *tree, struct volumes *v)
{
	struct tree_entry pods[PODS_AT_ONCE];
	uint64_t after = 0;
	size_t n;
	int r = 0;

	while (r == 0 &&
	       (n = tree_list_pods(tree, 0, after, pods, PODS_AT_ONCE)) > 0) {
		for (size_t i = 0; r == 0 && i < n; i++) {
			struct tree_pod *pod = tree_pod_by_id(tree, pods[i].id);

			if (pod)
				r = volumes_add(v, pod);
			tree_pod_unref(pod);
		}
		after = pods[n - 1].id;
	}
	if (v->n)
		qsort(v->items, v->n, sizeof(struct volume *), by_id);
	return r;
}

/* inode_volume_fn */
static struct volume *volume_find(void *arg, uint32_t id)
{
	struct volumes *v = arg;
	struct volume key = { .id = id };
	struct volume *p = &key;
	struct volume **found = NULL;

	if (v->n)
		found = bsearch(&p, v->items, v->n, sizeof(struct volume *),
				by_id);
	return found ? volume_ref(*found) : NULL;
}

/* What whoever looks a volume up keeps of its root. */
static void note_root(const struct inode *inode)
{
	struct volume *vol = inode->volume;
	struct statx st;

	/* Else it is looked up again. */
	if (store_getattr(vol->store, &inode->handle, NULL, &st) == 0)
		attr_keep_root(vol, &inode->handle, &st);
}

/*
 * What others change too may have been promised to stay (watch.h), and nobody
 * has watched since.  inode_each_fn.
 */
static int look_over(void *arg, const struct inode *inode)
{
	struct fs *fs = arg;

	if (inode->flags & INODE_VOLUME_ROOT)
		note_root(inode);
	if (!inode->volume->exclusive &&
	    atomic_load(&inode->volume->cache) != VOLUME_CACHE_NONE) {
		notify_attr(fs, inode->nodeid);
		fs->names_are_in_doubt = true;
	}
	return 0;
}

/* locks_find_fn */
static int find_locked(void *arg, uint64_t nodeid, struct inode *ret)
{
	return inode_get(arg, nodeid, ret);
}

int attach_tables(struct fs *fs)
{
	struct volumes volumes = { 0 };
	int r = volumes_collect(fs->tree, &volumes);

	if (r == 0)
		r = inode_attach(fs->inodes, volume_find, &volumes);
	volumes_done(&volumes);
	if (r == 0)
		r = locks_attach(fs->locks, find_locked, fs->inodes);
	if (r < 0)
		return r;
	file_attach(fs->files, fs_reopen, fs);
	inode_attached(fs->inodes);
	inode_each(fs->inodes, look_over, fs);
	return 0;
}
